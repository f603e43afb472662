"""Every page of the admin × every role × reading and posting, against the table in roles_matrix.txt.

A row of the table is a page; a column is a role, the last one nobody's: staff who have none. A cell is what a GET is
answered, then what a POST is answered that would do what the page does: `o` shown (200), `>` done, or sent on (302),
`.` refused (403), `x` no such way (405), `?` not there (404), `!` not understood (400).
A new page fails here until it has its row, which the failure shows; read it before you put it in.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from benefits.models import Person
from lefi.accounts.roles import ROLES
from lefi.audit.reasons import open_person
from tests.doors import Door, doors
from tests.factories import UserFactory
from tests.rows import MADE_BY

TABLE = Path(__file__).with_name("roles_matrix.txt")
COLUMNS = [*(role.code for role in ROLES), "nobody"]
MARKS = {200: "o", 302: ">", 403: ".", 404: "?", 405: "x", 400: "!"}
ASKS = {"autocomplete": {"app_label": "subscriptions", "model_name": "agent", "field_name": "customer"}}
PAGES = [door for door in doors() if door.in_admin and door.name]
MODELS = sorted({model for door in PAGES if (model := door.model)})
OTHERS = [door for door in PAGES if not door.model]


class _Undo(Exception):
    """Whatever a request did is undone."""


def table() -> dict[str, str]:
    rows = (line.split(maxsplit=1) for line in TABLE.read_text(encoding="utf-8").splitlines())
    return {page: " ".join(cells.split()) for page, cells in rows if not page.startswith("#")}


def row_of(door: Door, cells: list[str]) -> str:
    return f"{door.page:<55}{'  '.join(cells)}"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals are expected here, and each would be logged with its traceback."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def people(db) -> dict[str, Client]:
    """A browser for each role, logged in."""
    clients = {}
    for code in COLUMNS:
        user = UserFactory(is_staff=True)
        user.groups.set(Group.objects.filter(name=code))
        clients[code] = Client()
        clients[code].force_login(user)
    return clients


def say_why(client: Client) -> dict[int, Any]:
    """Give a reason for reading about every person there is; return the tokens of their pages."""
    session = client.session
    tokens = {
        person.pk: open_person(session, person_id=person.pk, reason="Ärende 2026-17", at=timezone.now())
        for person in Person.objects.all()
    }
    session.save()
    return tokens


def answered(client: Client, method: str, url: str, data: dict[str, Any]) -> str:
    mark, cookies = "", deepcopy(client.cookies)
    with suppress(_Undo), transaction.atomic():
        status = getattr(client, method)(url, data).status_code
        mark = MARKS.get(status, str(status))
        raise _Undo
    client.cookies = cookies  # as before, should the session have ended
    return mark


def cells_of(door: Door, row: Any, people: dict[str, Client]) -> Iterator[str]:
    doing = {"action": "delete_selected", "_selected_action": [row.pk if row else 0], "index": 0, "post": "yes"}
    for client in people.values():
        tokens = say_why(client)
        url = reverse(door.name, kwargs=door.filled(row, tokens))
        yield answered(client, "get", url, ASKS.get(door.page, {})) + answered(client, "post", url, doing)


def differing(found: list[Door], row: Any, people: dict[str, Client]) -> list[str]:
    expected, wrong = table(), []
    for door in found:
        cells = list(cells_of(door, row, people))
        if expected.get(door.page) != " ".join(cells):
            wrong.append(row_of(door, cells))
    return wrong


@pytest.mark.parametrize("label", MODELS)
def test_each_role_may_do_with_a_model_just_what_the_table_says(people, label):
    row = MADE_BY[apps.get_model(label)]()

    wrong = differing([door for door in PAGES if door.model == label], row, people)

    assert wrong == [], "\n" + "\n".join(wrong)


def test_each_role_may_do_with_the_pages_beside_the_models_just_what_the_table_says(people):
    wrong = differing(OTHERS, None, people)

    assert wrong == [], "\n" + "\n".join(wrong)


def test_the_table_names_no_page_that_is_gone():
    assert table().keys() == {door.page for door in PAGES}


def test_only_what_leads_on_to_a_page_with_a_name_has_none():
    unnamed = [door.route for door in doors() if door.in_admin and not door.name]

    assert [route for route in unnamed if not route.endswith("/<path:object_id>/")] == ["admin/(?P<url>.*)$"]
