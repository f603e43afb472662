"""Identity numbers stand nowhere in the admin, wherever somebody wrote one, until they are asked for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from benefits.models import Person, PersonNumber
from deliveries.models import NoRun
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.models import OrderLine, Watch
from tests.doors import doors
from tests.factories import DAY, PersonFactory, UserFactory
from tests.rows import MADE_BY, forms_of

NUMBER = "196412302384"


# Where people write freely, or a customer's system or a source does.
WRITTEN = {
    "case_reference",
    "cause",
    "customer_signatory",
    "decision",
    "ended_why",
    "evidence",
    "file_name",
    "fk_signatory",
    "kept_why",
    "message",
    "need_reference",
    "note_en",
    "note_sv",
    "processing_agreement",
    "reason",
    "reference",
    "refusal",
    "text",
    "title_en",
    "title_sv",
    "agent_name",
    "contact_name",
    "signatory_name",
    "technical_name",
    "acknowledged_by",
    "fetched_by",
    "ordered_number",
    "first_number",
    "user_agent",
}
pytestmark = pytest.mark.django_db
PAGES = [door for door in doors() if door.in_admin and door.name]
MODELS = sorted({door.model for door in PAGES if door.model})


# What a row needs beside the text, for the text to be there.
NEEDED: dict[str, Callable[[], dict[str, Any]]] = {
    "deliveries.closingproposal": lambda: {"kept_until": DAY, "kept_by": UserFactory()}
}
# Texts that are codes of ours, and those that no form lets a number into and that are shown to be changed.
NOT_FREE = {
    "deliveries.fetch.refusal",
    "deliveries.norun.reason",
    "deliveries.reconciliation.refusal",
    "deliveries.storeddecision.refusal",
    "service.servicenotice",
    "subscriptions.order.refusal",
}


def written_in(model: type[models.Model]) -> dict[str, Any]:
    """Each free text of a model with the number in it."""
    label = model._meta.label_lower
    return NEEDED.get(label, dict)() | {
        field.name: NUMBER if field.name.endswith("number") else f"Gäller {NUMBER}"
        for field in model._meta.concrete_fields
        if field.name in WRITTEN
        and not field.choices
        and not field.is_relation
        and not {label, f"{label}.{field.name}"} & NOT_FREE
    }


def say_why(client: Client) -> dict[int, Any]:
    """Give a reason for reading about every person there is; return the tokens of their pages."""
    session = client.session
    tokens = {
        one.pk: open_person(session, person_id=one.pk, reason="Ärende 2026-17", at=timezone.now())
        for one in Person.objects.all()
    }
    session.save()
    return tokens


def bodies(client: Client, label: str, row: Any) -> Iterator[tuple[str, str]]:
    tokens = say_why(client)
    for door in (one for one in PAGES if one.model == label):
        url = reverse(door.name, kwargs=door.filled(row, tokens))
        yield door.page, client.get(url, follow=True).content.decode("utf-8", "replace")


@pytest.mark.parametrize("label", MODELS)
def test_no_page_of_a_model_shows_a_number(client, staff, label):
    model = apps.get_model(label)
    made = MADE_BY[model]
    row = made(**written_in(model)) if isinstance(made, type) else made()
    client.force_login(staff)

    shown = [page for page, body in bodies(client, label, row) if any(one in body for one in numbers())]

    assert shown == []


def numbers() -> set[str]:
    """All the numbers that anybody here holds or is ordered by, in each form that people write them in."""
    held = {NUMBER, *Person.objects.values_list("first_number", flat=True)}
    held |= set(PersonNumber.objects.values_list("number", flat=True))
    held |= set(Watch.objects.values_list("ordered_number", flat=True))
    held |= set(OrderLine.objects.values_list("number", flat=True))
    return {form for number in held for form in forms_of(number)}


def test_the_numbers_of_a_person_are_shown_whole_to_who_asks_for_them_and_that_is_logged(client, staff):
    person = PersonFactory()
    client.force_login(staff)
    [token] = say_why(client).values()
    address = f"/admin/benefits/person/{token}/"
    assert person.first_number not in client.get(address).content.decode()
    assert person.first_number not in client.get(f"{address}numbers/", follow=True).content.decode()

    assert person.first_number in client.post(f"{address}numbers/").content.decode()

    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.person_id, event.reason) == ("read", person.pk, "Ärende 2026-17")
    assert event.details["numbers"] == "whole"


def test_whole_numbers_take_a_right_of_their_own(client):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_person"))
    PersonFactory()
    client.force_login(user)
    [token] = say_why(client).values()
    address = f"/admin/benefits/person/{token}/"

    assert client.post(f"{address}numbers/").status_code == 403
    assert f"{address}numbers/" not in client.get(address).content.decode()


@pytest.mark.parametrize("number", sorted(forms_of(NUMBER)))
def test_no_form_takes_in_a_text_with_a_number(client, staff, number):
    client.force_login(staff)

    answer = client.post("/admin/deliveries/norun/add/", {"day": "2027-01-01", "reason": f"Gäller {number}"})

    assert answer.context["errors"]
    assert not NoRun.objects.exists()
