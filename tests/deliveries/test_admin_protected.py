"""The staff's pages for persons with protected identity: the queue, proposing, approving, withdrawing."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from benefits.models import Protection
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.models import Pending, ProtectedRelease
from tests.factories import PendingFactory, ProtectedReleaseFactory, UserFactory, WatchFactory

pytestmark = pytest.mark.django_db
QUEUE = "/admin/subscriptions/protectedrelease/protected/"
LIST = "/admin/subscriptions/protectedrelease/"
REASON = "Nämnden behöver veta före beslutet."


def with_rights(*codenames):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def releaser():
    return with_rights("release_protected", "view_person", "view_protected")


@pytest.fixture
def approver():
    return with_rights("approve_protectedrelease", "view_person", "view_protected")


@pytest.fixture
def office(client, releaser):
    client.force_login(releaser)
    return client


def frozen(**values):
    watch = WatchFactory(stream__served=True, person__known__protection=Protection.MARKED, **values)
    PendingFactory(watch=watch, reason=Pending.Reason.PROTECTED, since=timezone.now() - timedelta(days=6))
    return watch


def has_said_why(client, watch) -> None:
    session = client.session
    open_person(session, person_id=watch.person_id, reason="Ärende 2026-17", at=timezone.now())
    session.save()


def of(release, step: str) -> str:
    return f"{LIST}{release.pk}/{step}/"


@pytest.mark.parametrize("address", [QUEUE, LIST, f"{LIST}add/"])
@pytest.mark.parametrize("rights", [(), ("view_protectedrelease", "add_protectedrelease", "view_protected")], ids=str)
def test_the_pages_are_for_those_with_the_one_right(client, address, rights):
    client.force_login(with_rights(*rights))

    assert client.get(address).status_code == 403
    assert not AuditEvent.objects.exists()


def test_the_queue_names_nobody_and_says_what_is_overdue(office):
    watch = frozen()

    page = office.get(QUEUE).content.decode()

    assert f'"{reverse("admin:subscriptions_watch_change", args=[watch.pk])}"' in page
    assert f"{LIST}add/?watch={watch.pk}" in page
    assert "<strong>" in page
    for said in (watch.ordered_number, watch.ordered_number[2:], "Karin"):
        assert said not in page


def test_each_look_at_the_queue_is_logged_as_a_read_of_its_own_which_the_page_leads_to(office, releaser):
    frozen()

    page = office.get(QUEUE).content.decode()
    office.get(QUEUE, {"page": 1})

    events = AuditEvent.objects.filter(action="read", object_type="subscriptions.protected_queue", actor=releaser)
    assert [one.details for one in events] == [{"page": 1, "watches": 1}] * 2
    assert "/admin/audit/auditevent/?object_type=subscriptions.protected_queue" in page


def test_the_queue_comes_by_pages_and_costs_as_much_however_long(office, django_assert_max_num_queries):
    first = frozen()
    for _ in range(54):
        watch = WatchFactory(stream=first.stream)
        PendingFactory(watch=watch, reason=Pending.Reason.PROTECTED, since=timezone.now())

    with django_assert_max_num_queries(10):
        assert len(office.get(QUEUE).context["rows"]) == 50
    assert len(office.get(QUEUE, {"page": 2}).context["rows"]) == 5


def test_a_release_is_proposed_from_the_queue_and_approved_by_another(office, releaser, approver):
    watch = frozen()
    form = office.get(f"{LIST}add/", {"watch": watch.pk}).content.decode()
    assert f'<option value="{watch.pk}" selected>' in form and "Karin" not in form
    ends = timezone.localdate() + timedelta(days=14)

    office.post(f"{LIST}add/", {"watch": watch.pk, "valid_to": ends.isoformat(), "reason": REASON})

    release = ProtectedRelease.objects.get()
    assert (release.watch, release.valid_to, release.prepared_by, release.in_effect) == (watch, ends, releaser, False)
    has_said_why(office, watch)
    assert office.post(of(release, "approve"), {"reason": "Prövat och klart."}).status_code == 200
    release.refresh_from_db()
    assert not release.in_effect, "the same person"

    office.force_login(approver)
    has_said_why(office, watch)
    shown = office.get(of(release, "approve"))
    assert "address" not in {row[0] for row in shown.context["consequences"][0].rows}
    office.post(of(release, "approve"), {"reason": "Prövat och klart."})
    release.refresh_from_db()
    assert release.in_effect
    assert office.get(QUEUE).context["rows"] == []


@pytest.mark.parametrize(
    "change", [{"valid_to": "2020-01-01"}, {"reason": "Gäller 19900101-2385"}, {"valid_to": "2999-01-01"}], ids=str
)
def test_what_cannot_be_proposed_is_said_on_the_page_and_leaves_nothing(office, change):
    watch = frozen()
    ends = timezone.localdate() + timedelta(days=14)
    form = {"watch": watch.pk, "valid_to": ends.isoformat(), "reason": REASON}

    answer = office.post(f"{LIST}add/?watch={watch.pk}", form | change, follow=True)

    assert answer.status_code == 200
    assert not ProtectedRelease.objects.exists()


def test_the_queue_leads_to_what_is_proposed(office):
    watch = frozen()
    ends = timezone.localdate() + timedelta(days=14)
    release = ProtectedReleaseFactory(watch=watch, approved_by=None, approved_at=None, valid_to=ends)

    assert of(release, "change") in office.get(QUEUE).content.decode()


def test_a_release_is_read_after_a_reason(office):
    release = ProtectedReleaseFactory(watch=frozen())

    answer = office.get(of(release, "change"))

    assert answer.status_code == 302
    assert answer.url.startswith(f"/admin/benefits/person/{release.watch.person_id}/change/")


def test_one_person_withdraws_it_with_a_reason(office):
    release = ProtectedReleaseFactory(watch=frozen())
    has_said_why(office, release.watch)
    assert of(release, "withdraw") in office.get(of(release, "change")).content.decode()

    office.post(of(release, "withdraw"), {"reason": "Hotbilden har ändrats."})

    release.refresh_from_db()
    assert release.withdrawn_at is not None
    assert of(release, "withdraw") not in office.get(of(release, "change")).content.decode()


def test_a_proposal_dropped_is_kept_as_refused_and_offers_no_step(client, approver):
    client.force_login(approver)
    office = client
    ends = timezone.localdate() + timedelta(days=14)
    release = ProtectedReleaseFactory(watch=frozen(), approved_by=None, approved_at=None, valid_to=ends)
    has_said_why(office, release.watch)

    office.post(of(release, "drop"), {"reason": "Det kan skada personen."})

    release.refresh_from_db()
    assert release.refused_at is not None
    page = office.get(of(release, "change")).content.decode()
    assert not any(of(release, step) in page for step in ("approve", "drop", "withdraw"))
    assert of(release, "change") not in office.get(QUEUE).content.decode()


def test_the_front_page_leads_to_the_queue_for_those_with_the_right(client, office, releaser):
    assert QUEUE in office.get("/admin/").content.decode()

    client.force_login(with_rights("view_watch"))
    assert QUEUE not in client.get("/admin/").content.decode()
