"""Every page of the admin opens, cheaply; what the system writes is safe; no number can be probed."""

import re
from html import unescape

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benefits.models import Person
from deliveries.models import NoRun
from lefi.admin import ReadOnlyAdmin, VersionedAdmin
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from tests import factories
from tests.rows import MADE_BY

PAGES = sorted(admin.site._registry.items(), key=lambda page: page[0]._meta.label)
LISTED = [(model, page) for model, page in PAGES if model is not Person]
READ_ONLY = [
    "audit.AuditEvent",
    "audit.Finding",
    "audit.FollowUp",
    "benefits.BenefitPeriod",
    "benefits.Import",
    "benefits.LeftAsItIs",
    "benefits.Person",
    "benefits.Quarantined",
    "deliveries.Checkpoint",
    "deliveries.ClosingProposal",
    "deliveries.Debt",
    "deliveries.DebtCheck",
    "deliveries.Delivery",
    "deliveries.Disclosure",
    "deliveries.Fetch",
    "deliveries.HeldSlice",
    "deliveries.Lag",
    "deliveries.Purge",
    "deliveries.Receipt",
    "deliveries.Reconciliation",
    "deliveries.Run",
    "deliveries.SchemaValidation",
    "deliveries.SigningKey",
    "deliveries.StoredDecision",
    "deliveries.StreamRun",
    "oauth2_provider.Application",
    "subscriptions.Agreement",
    "subscriptions.ApiCall",
    "subscriptions.Connection",
    "subscriptions.Invitation",
    "subscriptions.LawChange",
    "subscriptions.Notice",
    "subscriptions.Order",
    "subscriptions.OrderLine",
    "subscriptions.Pending",
    "subscriptions.Watch",
]
# Rows that are proposed on the page of what they are about.
ADDED_ELSEWHERE = {"deliveries.SliceVerdict"}
# Tables that the system works in and that mean nothing to a reader, and those that the person's page shows.
WITHOUT_PAGES = {
    "audit.SignOff",
    "benefits.PersonFacts",
    "benefits.PersonNumber",
    "benefits.Touched",
    "deliveries.Candidate",
    "deliveries.Purged",
    "deliveries.ReconciliationLine",
    "deliveries.Told",
    "deliveries.Withholding",
    "subscriptions.Contact",
    "subscriptions.Member",
}
each_page = pytest.mark.parametrize(("model", "page"), PAGES, ids=lambda value: getattr(value, "__name__", ""))
each_list = pytest.mark.parametrize(("model", "page"), LISTED, ids=lambda value: getattr(value, "__name__", ""))


def address(model, view, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.fixture
def office(client, staff):
    """The browser of an employee who has every right."""
    client.force_login(staff)
    return client


@pytest.fixture
def request_of(staff):
    request = RequestFactory().get("/admin/")
    request.user = staff
    return request


def say_why(client):
    """Give a reason for reading about every person there is."""
    session = client.session
    for person in Person.objects.all():
        open_person(session, person_id=person.pk, reason="Ärende 2026-17", at=timezone.now())
    session.save()


def test_every_model_of_ours_has_a_page_or_a_reason_for_none():
    from_us = {"accounts", "audit", "benefits", "deliveries", "subscriptions"}
    registered = {model._meta.label for model, _ in PAGES if model._meta.app_label in from_us}
    models = {model._meta.label for model in MADE_BY if model._meta.app_label in from_us}

    assert models - registered == WITHOUT_PAGES


@each_list
def test_every_list_opens_and_shows_a_dash_where_there_is_nothing(office, model, page):
    MADE_BY[model]()

    answer = office.get(address(model, "changelist"))

    assert answer.status_code == 200
    assert not re.search(r"<t[dh][^>]*>\s*-?\s*</t[dh]>", answer.content.decode().partition("<tbody>")[2])


@each_page
def test_every_row_opens(office, model, page):
    row = MADE_BY[model]()
    say_why(office)

    assert office.get(address(model, "change", row.pk)).status_code == 200


@each_page
def test_every_form_for_a_new_row_opens_where_rows_may_be_added(office, request_of, model, page):
    expected = 200 if page.has_add_permission(request_of) else 403

    assert office.get(address(model, "add")).status_code == expected


@each_page
def test_every_link_of_a_row_leads_somewhere(office, model, page):
    row = MADE_BY[model]()
    say_why(office)
    content = office.get(address(model, "change", row.pk)).content.decode().partition('id="content-main"')[2]
    links = set(re.findall(r'href="(/admin/[^"#]+)"', content))

    broken = [one for one in links if office.get(unescape(one)).status_code not in (200, 302)]

    assert not broken


@each_list
def test_the_queries_of_a_list_do_not_grow_with_its_rows(office, model, page):
    MADE_BY[model]()
    office.get(address(model, "changelist"))
    with CaptureQueriesContext(connection) as of_one:
        office.get(address(model, "changelist"))
    for _ in range(19):
        MADE_BY[model]()
    with CaptureQueriesContext(connection) as of_twenty:
        office.get(address(model, "changelist"))

    assert len(of_twenty) <= len(of_one)


def _can_be_made(model, lookup):
    """Whether a factory makes rows that belong to another by the lookup."""
    return isinstance(MADE_BY[model], type) and not get_fields_from_path(model, lookup)[-1].many_to_many


LEADS = [
    (model, lead)
    for model, page in PAGES
    for lead in getattr(page, "leads_to", ())
    if admin.site._registry[apps.get_model(lead[0])].short and _can_be_made(apps.get_model(lead[0]), lead[1])
]


@pytest.mark.parametrize(("model", "lead"), LEADS, ids=lambda value: getattr(value, "__name__", "") or value[0])
def test_the_queries_of_a_row_do_not_grow_with_the_rows_that_belong_to_it(office, model, lead):
    """Two, and twenty; fewer where the database lets no more belong to it."""
    label, lookup, attribute, *_ = lead
    there, row = apps.get_model(label), MADE_BY[model]()
    is_row = get_fields_from_path(there, lookup)[-1].is_relation
    belongs = {lookup: row if is_row and attribute == "pk" else getattr(row, attribute)}
    near = lookup.partition("__")[0]
    counts = []
    for more in (2, 18):
        for _ in range(more):
            try:
                with transaction.atomic():
                    made = MADE_BY[there](**belongs)
            except IntegrityError:
                break
            belongs = {near: getattr(made, near)}
        say_why(office)
        office.get(address(model, "change", row.pk))
        with CaptureQueriesContext(connection) as queries:
            assert office.get(address(model, "change", row.pk)).status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[1]


@each_list
def test_every_search_box_works(office, model, page):
    if page.search_fields:
        assert office.get(address(model, "changelist"), {"q": "a"}).status_code == 200


@each_page
def test_every_named_action_exists(request_of, model, page):
    named = [action for action in page.actions or () if isinstance(action, str)]

    assert set(named) <= {name for _, name, _ in page._get_base_actions()}
    assert all(callable(action) for action, _, _ in page._get_base_actions())


@each_page
def test_no_search_and_no_lookup_reaches_identity_numbers(request_of, model, page):
    fields = [str(field) for field in page.search_fields]

    assert not [field for field in fields if "number" in field and not field.endswith("organisation_number")]
    for lookup in (
        "number__startswith",
        "first_number",
        "ordered_number",
        "person__numbers__number",
        "raw__contains",
    ):
        if getattr(page, "narrowed_by", None) is not None and "number" not in page.narrowed_by:
            assert not page.lookup_allowed(lookup, "1990", request_of)


def test_what_the_system_writes_is_read_only():
    assert [model._meta.label for model, page in PAGES if isinstance(page, ReadOnlyAdmin)] == READ_ONLY


@pytest.mark.parametrize("label", READ_ONLY)
def test_not_even_a_superuser_writes_what_the_system_writes(office, request_of, label):
    model, page = next(pair for pair in PAGES if pair[0]._meta.label == label)
    row = MADE_BY[model]()
    say_why(office)

    assert not page.has_add_permission(request_of)
    assert not page.has_change_permission(request_of, row)
    assert not page.has_delete_permission(request_of, row)
    assert delete_selected.__name__ not in page.get_actions(request_of)
    assert office.post(address(model, "add")).status_code == 403
    assert office.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    if model is not Person:
        assert office.post(address(model, "change", row.pk), {}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("page", [page for _, page in PAGES if isinstance(page, VersionedAdmin)], ids=str)
def test_what_is_kept_as_versions_is_added_and_never_changed(office, request_of, page):
    row = MADE_BY[page.model]()
    say_why(office)

    assert page.has_add_permission(request_of) is (page.model._meta.label not in ADDED_ELSEWHERE)
    assert not page.has_change_permission(request_of, row)
    assert not page.has_delete_permission(request_of, row)
    assert office.post(address(page.model, "change", row.pk), {}).status_code == 403


@pytest.mark.django_db
def test_a_staff_user_without_rights_sees_nothing(client):
    client.force_login(factories.UserFactory(is_staff=True))

    statuses = {client.get(address(model, "changelist")).status_code for model, _ in LISTED}

    assert statuses == {403}


def test_a_portal_user_is_not_let_in(client, member):
    client.force_login(member.user)

    assert client.get("/admin/").status_code == 302


def test_creating_changing_and_deleting_is_logged_with_the_names_of_the_fields(office, staff):
    office.post(address(Group, "add"), {"name": "Handläggare"})
    group = Group.objects.get(name="Handläggare")
    office.post(address(Group, "change", group.pk), {"name": "Jurister"})
    office.post(address(Group, "delete", group.pk), {"post": "yes"})

    events = AuditEvent.objects.order_by("id").values_list("action", "object_type", "actor_id", "details")

    assert list(events) == [
        ("create", "auth.group", staff.pk, {"fields": ["name"]}),
        ("change", "auth.group", staff.pk, {"fields": ["name"]}),
        ("delete", "auth.group", staff.pk, {"fields": []}),
    ]


def test_what_is_removed_is_logged_with_the_reason_and_never_removed_without(office):
    night = factories.NoRunFactory()
    page = address(NoRun, "remove", night.pk)

    office.post(page, {"reason": ""})
    assert NoRun.objects.filter(pk=night.pk).exists()

    office.post(page, {"reason": "Flyttad helgdag"})

    assert not NoRun.objects.filter(pk=night.pk).exists()
    event = AuditEvent.objects.get(action="delete")
    assert (event.object_id, event.reason) == (str(night.pk), "Flyttad helgdag")


def test_the_secret_of_a_second_factor_is_not_shown(office):
    row = MADE_BY[Authenticator]()

    assert b"hemlig" not in office.get(address(Authenticator, "change", row.pk)).content
