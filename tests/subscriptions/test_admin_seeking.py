"""What is sought by a reference is posted with a reason and logged; no address of the admin holds a number."""

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.test import Client

from lefi.audit.models import Action, AuditEvent
from tests.factories import (
    ConsentFactory,
    OrderFactory,
    OrderLineFactory,
    PersonReportFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
REASON = "Ärende 2026-17"
CASE = "SOC-2026-9"
NUMBER = "19900101-2385"


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def watch():
    return WatchFactory(case_reference=CASE)


def order():
    return OrderFactory(reference=CASE)


def report():
    return PersonReportFactory(reference=CASE)


def consent():
    return ConsentFactory(evidence=CASE)


KINDS = {
    "subscriptions/watch": watch,
    "subscriptions/order": order,
    "subscriptions/consent": consent,
    "deliveries/personreport": report,
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def seek(client, kind, reference=CASE, reason=REASON, **kwargs):
    return client.post(f"/admin/{kind}/seek/", {"reference": reference, "reason": reason}, **kwargs)


@each_kind
def test_what_is_sought_by_a_reference_is_logged_with_its_reason_and_led_on_to_by_a_token(office, kind):
    row = KINDS[kind]()

    answer = seek(office, kind)
    page = office.get(answer.url)

    assert CASE not in answer.url
    assert [one.pk for one in page.context["cl"].result_list] == [row.pk]
    event = AuditEvent.objects.get(action=Action.SEARCH)
    assert (event.reason, event.object_type, event.details) == (REASON, kind.replace("/", "."), {"found": 1})
    assert event.person_id == getattr(row, "person_id", None)


@each_kind
def test_a_search_by_a_reference_that_finds_nothing_is_logged_too(office, kind):
    KINDS[kind]()

    answer = seek(office, kind, reference="finns inte")

    assert "reference" in answer.context["form"].errors
    assert AuditEvent.objects.get().details == {"found": 0}


@each_kind
def test_without_a_reason_or_with_an_identity_number_nothing_is_sought(office, kind):
    KINDS[kind]()

    assert "reason" in seek(office, kind, reason="").context["form"].errors
    assert "reference" in seek(office, kind, reference=NUMBER).context["form"].errors
    assert not AuditEvent.objects.exists()


@each_kind
def test_a_token_of_another_session_shows_nothing(office, staff, kind):
    KINDS[kind]()
    address = seek(office, kind).url

    other = Client()
    other.force_login(staff)

    assert not other.get(address).context["cl"].result_count


@each_kind
def test_no_address_narrows_a_list_by_a_reference(office, kind):
    KINDS[kind]()

    page = site._registry[next(model for model in site._registry if model._meta.label_lower == kind.replace("/", "."))]

    assert not [one for one in page.search_fields if "reference" in one or "evidence" in one]
    assert office.get(f"/admin/{kind}/", {"reference": CASE}).status_code in (302, 400)


@each_kind
def test_who_may_not_read_about_persons_seeks_by_no_reference(client, kind):
    app, model = kind.split("/")
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label=app, codename=f"view_{model}"))
    client.force_login(user)
    KINDS[kind]()

    assert seek(client, kind).status_code == 403
    assert b"/seek/" not in client.get(f"/admin/{kind}/").content


def test_watches_of_one_person_that_were_sought_are_read_with_the_reason_of_the_search(office):
    row = watch()
    OrderLineFactory()

    answer = seek(office, "subscriptions/watch", follow=True)

    assert answer.status_code == 200
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "person_id", "reason")) == [
        ("search", row.person_id, REASON),
        ("read", row.person_id, REASON),
    ]


@pytest.mark.parametrize("page", [page for page in site._registry.values() if page.search_fields], ids=str)
@pytest.mark.parametrize("sought", [NUMBER, "9001012385", "Anna 900101+2385"])
def test_no_search_box_takes_an_identity_number(office, page, sought):
    list_ = f"/admin/{page.opts.app_label}/{page.opts.model_name}/"

    answer = office.get(list_, {"q": sought}, follow=True)

    assert [address for address, _status in answer.redirect_chain] == [list_]
    assert "Sök en person" in answer.content.decode() or "Find a person" in answer.content.decode()


def test_an_organisation_is_sought_by_its_number(office):
    assert office.get("/admin/subscriptions/customer/", {"q": "212000-0142"}).status_code == 200
