"""From a customer to what was told in a run on an import, and back: by links alone, as staff follow them."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lefi.audit.reasons import open_person
from tests import factories

pytestmark = pytest.mark.django_db
CHAIN = ["customer", "agreement", "order", "watch", "delivery", "disclosure", "run", "import"]
STEPS = [*pairwise(CHAIN), *pairwise(reversed(CHAIN))]


@pytest.fixture
def rows() -> dict[str, Model]:
    """One of each, that belong together; and of each kind another, that does not."""
    for _ in range(2):
        line = factories.OrderLineFactory()
        published = factories.ImportFactory()
        run = factories.RunFactory(as_of_import=published.number)
        delivery = factories.DeliveryFactory(stream=line.order.stream, run=run, as_of_import=published.number)
        told = factories.DisclosureFactory(watch=line.watch, delivery=delivery)
    agreement = line.order.stream.agreement
    whole = [agreement.customer, agreement, line.order, line.watch, delivery, told, run, published]
    return dict(zip(CHAIN, whole, strict=True))


@pytest.fixture
def reader(client, staff, rows) -> Client:
    """Staff with every right, who have said why they read about the person."""
    client.force_login(staff)
    session = client.session
    open_person(session, person_id=rows["watch"].person_id, reason="Ärende 2026-17", at=timezone.now())
    session.save()
    return client


def address(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def reached(client: Client, page: str) -> set[str]:
    """Where an address leads, and the addresses linked to there, but for the menu's, which lead everywhere."""
    response = client.get(page, follow=True)
    content = response.content.decode().partition('id="content"')[2]
    assert content, page
    linked = re.findall(r'<a[^>]*\bhref="([^"]+)"', content)
    return {response.request["PATH_INFO"], *(urljoin(page, one.replace("&amp;", "&")) for one in linked)}


@pytest.mark.parametrize(("start", "end"), STEPS, ids=[f"{start} to {end}" for start, end in STEPS])
def test_each_row_leads_to_the_next_by_a_link_or_by_a_list_of_its_own(reader, rows, start, end):
    target = address(rows[end])
    lists = reverse(f"admin:{rows[end]._meta.app_label}_{rows[end]._meta.model_name}_changelist")

    found = reached(reader, address(rows[start]))
    ways = [one for one in found if one.startswith(lists) and one != lists]

    assert target in found or any(target in reached(reader, one) for one in ways)
