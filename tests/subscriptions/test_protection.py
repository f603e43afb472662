"""Protected identity: what waits for a decision, who may release it, for how long, and what a basis does by itself."""

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from django.utils import timezone

from benefits.models import PersonFacts, Protection
from lefi import foureyes
from lefi.audit.models import Action, AuditEvent
from lefi.errors import Refused
from lefi.foureyes import NotApproved
from subscriptions import protection
from subscriptions.models import LawChange, LegalBasis, Pending, ProtectedRelease, Stream, Watch
from subscriptions.watches import end_watches
from tests.factories import (
    AT,
    DAY,
    LegalBasisFactory,
    PendingFactory,
    ProtectedReleaseFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
REASON = "Nämnden behöver veta före beslutet."
Policy = LegalBasis.Protection


BOTH = ("release_protected", "approve_protectedrelease")


def releaser(*rights):
    """Somebody who may propose and approve, if not just the one is named."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights or BOTH))
    return user


@pytest.fixture
def one():
    return releaser()


@pytest.fixture
def other():
    return releaser()


@pytest.fixture
def watch():
    return WatchFactory(stream__served=True, person__known__protection=Protection.MARKED)


def propose(watch, by, **values):
    return protection.propose_release(watch=watch, by=by, at=AT, reason=REASON, **values)


def approve(release, by):
    protection.approve_release(release=release, by=by, at=AT, reason=REASON)


def frozen(watch, days_ago: float = 0) -> Pending:
    return PendingFactory(watch=watch, reason=Pending.Reason.PROTECTED, since=AT - timedelta(days=days_ago))


def waiting(at=AT):
    return list(protection.queue(day=timezone.localdate(at), at=at))


def refused(code: str):
    return pytest.raises(Refused, match=code)


# Who may release


def test_what_one_person_proposes_that_person_never_approves_a_superuser_neither(watch):
    superuser = UserFactory(is_superuser=True)
    release = propose(watch, superuser)

    with pytest.raises(NotApproved, match="SAME_PERSON"):
        approve(release, superuser)
    assert not ProtectedRelease.objects.on(DAY).exists()


def test_without_the_right_nothing_is_proposed_approved_or_withdrawn(watch, one, other):
    nobody = UserFactory(is_staff=True)

    with refused("NO_RIGHT"):
        propose(watch, nobody)
    release = propose(watch, one)
    with refused("NO_RIGHT"):
        approve(release, nobody)
    approve(release, other)
    with refused("NO_RIGHT"):
        protection.withdraw_release(release=release, by=nobody, at=AT, reason=REASON)


def test_the_right_to_propose_is_not_the_right_to_approve_nor_the_reverse(watch):
    proposes, other, approves = (releaser(right) for right in ("release_protected", *BOTH))

    with refused("NO_RIGHT"):
        propose(watch, approves)
    release = propose(watch, proposes)
    with refused("NO_RIGHT"):
        approve(release, other)
    approve(release, approves)
    with refused("NO_RIGHT"):
        protection.withdraw_release(release=release, by=approves, at=AT, reason=REASON)
    assert protection.may_see(proposes) and protection.may_see(approves)


def test_a_proposal_releases_nothing_and_leaves_no_law_change(watch, one):
    before = LawChange.objects.count()

    propose(watch, one)

    assert not ProtectedRelease.objects.on(DAY).exists()
    assert LawChange.objects.count() == before


def test_two_release_a_watch_for_thirty_days_and_both_steps_are_logged(watch, one, other):
    release = propose(watch, one)
    approve(release, other)

    assert list(ProtectedRelease.objects.on(DAY)) == [release]
    assert release.valid_to == DAY + timedelta(days=30)
    events = AuditEvent.objects.filter(object_type="subscriptions.protectedrelease").order_by("id")
    assert [(one.action, one.person_id) for one in events] == [
        (Action.CREATE, watch.person_id),
        (Action.APPROVE, watch.person_id),
    ]
    assert LawChange.objects.latest("id").watch_from == watch.pk


@pytest.mark.parametrize(
    ("days", "code"), [(-1, "ENDS_BEFORE_IT_STARTS"), (91, "TOO_LONG"), (90, ""), (0, "")], ids=str
)
def test_a_release_is_for_ninety_days_at_most(watch, one, days, code):
    ends = DAY + timedelta(days=days)
    if code:
        with refused(code):
            propose(watch, one, valid_to=ends)
    else:
        assert propose(watch, one, valid_to=ends).valid_to == ends


@pytest.mark.parametrize(
    ("reason", "code"),
    [(" ", "REASON_MISSING"), ("Gäller 19900101-2385", "REASON_NAMES_A_PERSON"), ("x" * 301, "REASON_TOO_LONG")],
)
def test_a_reason_is_said_and_names_nobody(watch, one, reason, code):
    with refused(code):
        protection.propose_release(watch=watch, by=one, at=AT, reason=reason)


def test_who_is_not_protected_needs_no_release(one):
    with refused("NOT_PROTECTED"):
        propose(WatchFactory(), one)


@pytest.mark.parametrize("approved", [True, False])
def test_a_watch_has_one_release_or_proposal_at_a_time(watch, one, other, approved):
    release = propose(watch, one)
    if approved:
        approve(release, other)

    with refused("ALREADY_RELEASED"):
        propose(watch, other)


def test_a_proposal_whose_last_day_has_passed_is_not_approved_and_holds_up_no_other(watch, one, other):
    release = propose(watch, one, valid_to=DAY)
    tomorrow = AT + timedelta(days=1)

    with refused("LAPSED"):
        protection.approve_release(release=release, by=other, at=tomorrow, reason=REASON)
    assert protection.propose_release(watch=watch, by=one, at=tomorrow, reason=REASON)


def test_one_person_withdraws_a_release_at_once_and_once(watch, one, other):
    release = propose(watch, one)
    approve(release, other)
    before = LawChange.objects.count()

    protection.withdraw_release(release=release, by=one, at=AT, reason=REASON)

    assert not ProtectedRelease.objects.on(DAY).exists()
    assert LawChange.objects.count() == before + 1
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.person_id, event.reason) == (Action.WITHDRAW, watch.person_id, REASON)
    with refused("NOT_IN_FORCE"):
        protection.withdraw_release(release=release, by=one, at=AT, reason=REASON)


def test_a_proposal_refused_is_kept_and_neither_approved_nor_refused_again(watch, one, other):
    release = propose(watch, one)
    before = LawChange.objects.count()
    with refused("NO_RIGHT"):
        protection.refuse_release(release=release, by=UserFactory(is_staff=True), at=AT, reason=REASON)

    protection.refuse_release(release=release, by=other, at=AT, reason=REASON)

    release.refresh_from_db()
    assert (release.refused_at, release.in_effect) == (AT, False)
    assert LawChange.objects.count() == before
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor, event.person_id) == (Action.REFUSE, other, watch.person_id)
    with refused("NOT_PROPOSED"):
        protection.refuse_release(release=release, by=other, at=AT, reason=REASON)
    with refused("NOT_PROPOSED"):
        approve(release, other)
    assert propose(watch, one), "the staff may think again"


def test_a_second_release_of_a_watch_is_never_approved_beside_one_in_force(watch, one, other):
    first, second = (ProtectedReleaseFactory.build(watch=watch, valid_from=DAY, valid_to=DAY) for _ in range(2))
    for release in (first, second):
        foureyes.propose(release, by=one, at=AT)
    approve(first, other)

    with refused("ALREADY_RELEASED"):
        approve(second, other)


def test_a_withdrawal_leaves_no_other_release_of_the_watch_in_force(watch, one):
    releases = [ProtectedReleaseFactory(watch=watch) for _ in range(2)]
    elsewhere = ProtectedReleaseFactory()

    protection.withdraw_release(release=releases[0], by=one, at=AT, reason=REASON)

    assert list(ProtectedRelease.objects.on(DAY)) == [elsewhere]
    assert AuditEvent.objects.filter(action=Action.WITHDRAW).count() == 2


def at_once(*steps) -> list[str]:
    """Take steps at the same time, each on a connection of its own; the code of each one's refusal."""
    said: dict[int, str] = {}
    start = threading.Barrier(len(steps))

    def take(n, step):
        try:
            start.wait(10)
            step()
        except Refused as error:
            said[n] = error.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take, args=pair) for pair in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(said.values())


def slowly(function):
    """The function, with time for another to come in after it."""

    def slow(*args):
        found = function(*args)
        time.sleep(0.3)
        return found

    return slow


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_of_two_who_propose_at_once_one_does(watch, one, other, monkeypatch):
    monkeypatch.setattr(protection, "_stands", slowly(protection._stands))

    assert at_once(lambda: propose(watch, one), lambda: propose(watch, other)) == ["ALREADY_RELEASED"]
    assert ProtectedRelease.objects.count() == 1


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_the_rule_releases_once_although_it_is_asked_twice_at_once(delayed, monkeypatch):
    monkeypatch.setattr(protection, "sorted", slowly(sorted), raising=False)

    at_once(by_policy, by_policy)

    assert ProtectedRelease.objects.count() == 1


# The queue


def test_nothing_waits_and_nothing_is_released_in_a_closed_stream(delayed):
    Stream.objects.update(closed=True)

    assert (waiting(), by_policy()) == ([], 0)


@pytest.mark.parametrize("told", [False, True])
def test_a_watch_that_has_ended_waits_only_if_it_has_been_told_something_to_end(delayed, told):
    if not told:
        PendingFactory(watch=delayed, reason=Pending.Reason.FIRST)
    end_watches(Watch.objects.all(), at=AT, reason=Watch.EndReason.CANCELLED)

    assert (len(waiting()), by_policy()) == (told, told)


def test_the_queue_holds_the_frozen_that_no_release_lets_be_told(watch, one, other):
    owed = frozen(watch)
    PendingFactory(watch=watch, reason=Pending.Reason.FIRST)
    released = WatchFactory(stream=watch.stream)
    frozen(released)
    ProtectedReleaseFactory(watch=released, valid_from=DAY, valid_to=DAY)

    assert waiting() == [owed]
    assert len(waiting(AT + timedelta(days=1))) == 2


def test_a_deadline_is_so_many_days_from_the_freezing_as_the_basis_says_and_the_overdue_come_first(watch):
    fresh, old = frozen(watch), frozen(WatchFactory(stream=watch.stream), days_ago=6)
    LegalBasisFactory(version=2, valid_from=DAY, protection_days=3)
    LegalBasisFactory(version=3, valid_from=DAY + timedelta(days=1), protection_days=1)

    first, second = waiting()

    assert [first.pk, second.pk] == [old.pk, fresh.pk]
    assert (first.overdue, second.overdue) == (True, False)
    assert second.deadline == AT + timedelta(days=3)
    assert second.policy == Policy.STAFF


def test_the_queue_says_what_is_proposed(watch, one):
    frozen(watch)
    release = propose(watch, one)

    assert [row.proposal for row in waiting()] == [release.pk]


def test_the_queue_asks_once_however_long_it_is(watch, django_assert_num_queries):
    for _ in range(10):
        frozen(WatchFactory(stream=watch.stream))

    with django_assert_num_queries(1):
        assert {row.watch.stream.agreement.customer.name for row in waiting()}


# By the basis's own rule


@pytest.fixture
def delayed():
    """A frozen watch on a basis whose rule releases it when five days have passed; they have."""
    watch = WatchFactory(stream__served=True, person__known__protection=Protection.MARKED)
    LegalBasisFactory(version=2, protection=Policy.DELAYED, protection_days=5)
    frozen(watch, days_ago=5)
    return watch


def by_policy(at=AT) -> int:
    return protection.release_protected_by_policy(day=timezone.localdate(at), at=at)


def test_a_basis_releases_by_itself_when_the_time_has_passed_and_once(delayed):
    assert by_policy(AT - timedelta(seconds=1)) == 0
    assert by_policy() == 1
    assert by_policy() == 0

    release = ProtectedRelease.objects.get()
    assert (release.automatic, release.prepared_by, release.approved_by) == (True, None, None)
    assert (release.valid_from, release.valid_to) == (DAY, DAY + timedelta(days=30))
    assert waiting() == []
    assert LawChange.objects.latest("id").watch_from == delayed.pk


def test_a_basis_that_leaves_it_to_the_staff_releases_nothing(watch):
    frozen(watch, days_ago=100)

    assert by_policy() == 0


def test_what_the_staff_have_frozen_again_no_rule_releases(delayed, one):
    by_policy()
    protection.withdraw_release(release=ProtectedRelease.objects.get(), by=one, at=AT, reason=REASON)

    assert by_policy() == 0
    assert len(waiting()) == 1


@pytest.mark.parametrize("by_whom", ["the second person", "who proposed it"])
def test_what_the_staff_have_refused_no_rule_releases_ever(delayed, one, other, by_whom):
    release = propose(delayed, one)
    by = other if by_whom == "the second person" else one
    protection.refuse_release(release=release, by=by, at=AT, reason=REASON)

    assert by_policy(AT + timedelta(days=100)) == 0
    assert [row.proposal for row in waiting()] == [None]


def test_while_the_staff_have_a_proposal_the_rule_waits(delayed, one):
    propose(delayed, one, valid_to=DAY)

    assert by_policy() == 0
    assert by_policy(AT + timedelta(days=1)) == 1


def test_a_rule_releases_in_sets(delayed, django_assert_max_num_queries):
    for _ in range(20):
        frozen(WatchFactory(stream=delayed.stream), days_ago=9)

    with django_assert_max_num_queries(6):
        assert by_policy() == 21


def test_the_newest_known_protection_is_what_counts(watch, one):
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.NONE)

    with refused("NOT_PROTECTED"):
        propose(watch, one)
