"""What is unusual in a month of reads: each rule finds what it is for, from its threshold on, and nothing less."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benefits.models import Protection
from lefi.audit import followup
from lefi.audit.models import AuditEvent, Finding, FollowUp
from lefi.audit.words import NUMBER_SHOWN
from subscriptions import tasks
from subscriptions.followup import NUMBER_BY_NUMBER, RULES, Month, files, look_through, look_through_the_log
from subscriptions.models import Member
from tests.factories import (
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    ReconciliationLineFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
MONTH = date(2026, 10, 1)
NOON = datetime(2026, 10, 6, 10, tzinfo=UTC)  # a Tuesday
AFTER = datetime(2026, 11, 2, 5, tzinfo=UTC)
LIMITS = {
    "many_persons": 4,
    "many_times": 3,
    "usual_days": 90,
    "usual_least_days": 2,
    "night_from": 22,
    "night_to": 6,
    "odd_persons": 2,
    "same_days": 3,
    "misses": 3,
    "protected_persons": 1,
    "unwatched_persons": 2,
    "others_persons": 2,
    "numbers": 2,
    "file_lines": 100,
}


@pytest.fixture(autouse=True)
def limits(settings):
    settings.FOLLOW_UP = LIMITS


@pytest.fixture
def reader():
    return UserFactory(is_staff=True, first_name="Lena", last_name="Dahl")


def read(reader, person_id, at=NOON, **values):
    said = {"action": "read", "object_type": "benefits.person", "object_id": str(person_id or "")} | values
    return AuditEvent.objects.create(at=at, actor=reader, person_id=person_id, **said)


def watched(count=1, **values):
    """Persons whom somebody watches, so that reading about them is nothing by itself."""
    return [WatchFactory(opened_at=NOON - timedelta(days=300), **values).person for _ in range(count)]


def ordered(order, count):
    """Persons on whom an order has opened watches."""
    watches = [WatchFactory(stream=order.stream, opened_at=NOON - timedelta(days=300)) for _ in range(count)]
    return [OrderLineFactory(order=order, watch=one, answer="ACCEPTED").watch.person for one in watches]


def found(rule):
    """What a rule finds in the month, in short."""
    [apply] = [one for one in RULES if one.__name__ == rule]
    return [(one.reader, one.persons, one.reads) for one in apply(Month(MONTH, LIMITS))]


def test_many_persons_in_a_day_are_found_from_the_threshold_on(reader):
    other = UserFactory()
    for number, person in enumerate(watched(4)):
        read(reader, person.pk)
        read(reader, person.pk)
        if number:
            read(other, person.pk)

    assert found("many_in_a_day") == [(reader.pk, 4, 8)]


def test_what_is_the_readers_own_usual_day_is_not_found(reader):
    persons = [person.pk for person in watched(5)]
    for back in (20, 30):
        for person in persons[:2]:
            read(reader, person, at=NOON - timedelta(days=back))
    for person in persons:
        read(reader, person)

    assert found("many_in_a_day") == []


def test_many_more_than_usual_is_found_and_says_what_is_usual(reader):
    persons = [person.pk for person in watched(4)]
    for back in (20, 30):
        read(reader, persons[0], at=NOON - timedelta(days=back))
    for person in persons:
        read(reader, person)

    look_through(month=MONTH, at=AFTER)

    row = Finding.objects.get(rule="many")
    assert (row.reader, row.day, row.persons, row.reads, row.usual) == (reader, NOON.date(), 4, 4, 1)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 10, 6, 20, 30, tzinfo=UTC),  # 22:30 in Sweden
        datetime(2026, 10, 6, 3, 59, tzinfo=UTC),  # 05:59
        datetime(2026, 10, 10, 10, tzinfo=UTC),  # a Saturday
        datetime(2026, 10, 11, 10, tzinfo=UTC),
    ],
)
def test_reading_at_night_or_at_the_weekend_is_found_by_the_clock_of_sweden(reader, at):
    for person in watched(2):
        read(reader, person.pk, at=at)

    assert found("odd_hours") == [(reader.pk, 2, 2)]


@pytest.mark.parametrize("at", [datetime(2026, 10, 6, 19, 59, tzinfo=UTC), datetime(2026, 10, 6, 4, tzinfo=UTC)])
def test_reading_between_six_and_ten_on_a_weekday_is_not(reader, at):
    for person in watched(2):
        read(reader, person.pk, at=at)

    assert found("odd_hours") == []


def test_the_same_person_on_many_days_is_found_and_named_by_its_row_alone(reader):
    [person] = watched()
    for day in range(3):
        read(reader, person.pk, at=NOON + timedelta(days=day))
        read(UserFactory(), person.pk, at=NOON + timedelta(days=day))

    look_through(month=MONTH, at=AFTER)

    row = Finding.objects.get(rule="same_person")
    assert (row.reader, row.person_id, row.persons, row.reads) == (reader, person.pk, 1, 3)


def test_the_same_person_many_times_in_a_day_is_one_day(reader):
    [person] = watched()
    for minute in range(5):
        read(reader, person.pk, at=NOON + timedelta(minutes=minute))

    assert found("same_person") == []


@pytest.mark.parametrize("name", ["Lena Dahl", "LENA  DAHL", "Olle Lind"])
def test_a_person_named_as_the_reader_or_a_colleague_is_found(reader, name):
    UserFactory(is_staff=True, first_name="Olle", last_name="Lind")
    [person] = watched(person__known__name=name)
    read(reader, person.pk)

    assert found("namesakes") == [(reader.pk, 1, 1)]


def test_a_person_named_as_somebody_who_works_elsewhere_is_not(reader):
    MemberFactory(user__first_name="Olle", user__last_name="Lind")
    [person] = watched(person__known__name="Olle Lind")
    read(reader, person.pk)

    assert found("namesakes") == []


def test_members_of_one_customer_are_colleagues(member):
    MemberFactory(customer=member.customer, user__first_name="Olle", user__last_name="Lind")
    [person] = watched(person__known__name="Olle Lind")
    read(member.user, person.pk)

    assert found("namesakes") == [(member.user.pk, 1, 1)]


def test_searches_that_find_nobody_are_found_from_the_threshold_on(reader):
    [person] = watched()
    for _ in range(2):
        read(reader, None, action="search", details={"found": False})
    read(reader, None, action="search", details={"found": 0}, object_type="subscriptions.watch")
    read(reader, person.pk, action="search", details={"found": True})
    read(UserFactory(), None, action="search", details={"found": False})

    assert found("misses") == [(reader.pk, 0, 3)]


def test_each_reader_of_a_person_with_protected_identity_is_found_also_one_who_was_refused(reader):
    [protected] = watched(person__known__protection=Protection.MARKED)
    [other] = watched()
    refused = UserFactory()
    read(reader, protected.pk)
    read(refused, other.pk, details={"withheld": True})
    read(UserFactory(), other.pk)

    assert sorted(found("protected")) == [(reader.pk, 1, 1), (refused.pk, 1, 1)]


def test_persons_whom_nobody_watches_are_found_unless_something_was_done(reader):
    plain = [PersonFactory().pk for _ in range(2)]
    handled = PersonFactory().pk
    read(reader, handled)
    read(reader, handled, at=NOON + timedelta(days=1), action="create", object_type="subscriptions.consent")
    for person in [*plain, watched()[0].pk]:
        read(reader, person)

    assert found("unwatched") == [(reader.pk, 2, 2)]


def test_what_was_done_before_the_reading_does_not_explain_it(reader):
    for person in (PersonFactory().pk, PersonFactory().pk):
        read(reader, person, at=NOON - timedelta(days=1), action="create", object_type="subscriptions.consent")
        read(reader, person)

    assert found("unwatched") == [(reader.pk, 2, 2)]


def test_a_member_who_reads_persons_whom_only_colleagues_have_ordered_is_found(member):
    stream = StreamFactory(agreement__customer=member.customer)
    colleague = MemberFactory(customer=member.customer).user
    theirs, own = (OrderFactory(stream=stream, ordered_by=user) for user in (colleague, member.user))
    for order, count in ((theirs, 2), (own, 1)):
        for person in ordered(order, count):
            read(member.user, person.pk)
            read(colleague, person.pk)

    assert sorted(found("others")) == [(member.user.pk, 2, 2)]


def test_persons_whom_a_system_has_ordered_are_everybodys(member):
    stream = StreamFactory(agreement__customer=member.customer)
    for person in ordered(OrderFactory(stream=stream), 3):
        read(member.user, person.pk)

    assert found("others") == []


def test_many_identity_numbers_asked_for_are_found(reader, member):
    for person in watched(2):
        read(member.user, person.pk, object_type="subscriptions.watch", reason="portal watch list")
        read(reader, person.pk, details={"numbers": "whole"})
        read(UserFactory(), person.pk, object_type="subscriptions.watch", reason="portal person")

    assert sorted(found("whole_numbers")) == sorted([(reader.pk, 2, 2), (member.user.pk, 2, 2)])


def test_a_number_that_the_portal_shows_is_logged_as_the_rule_counts_it(client, member):
    watch = WatchFactory(stream__agreement__customer=member.customer)
    line = OrderLineFactory(order=OrderFactory(stream=watch.stream), watch=watch)
    difference = ReconciliationLineFactory(reconciliation__stream=watch.stream, watch=watch)
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    client.force_login(member.user)

    client.post(f"/watches/{watch.pk}/number/")
    client.post(f"/orders/{line.order_id}/lines/{line.line}/number/")
    client.post(f"/reconciliations/{difference.reconciliation_id}/lines/{difference.pk}/number/")

    assert AuditEvent.objects.filter(NUMBER_BY_NUMBER).count() == 3


@pytest.mark.parametrize("page", NUMBER_SHOWN)
def test_a_number_counts_on_whichever_of_the_portals_pages_it_is_shown(member, page):
    for person in watched(2):
        read(member.user, person.pk, reason=page)

    assert found("whole_numbers") == [(member.user.pk, 2, 2)]


def take(reader, lines, at=NOON, **values):
    details = {} if lines is None else {"lines": lines}
    said = {"action": "fetch", "object_type": "subscriptions.order", "details": details} | values
    return read(reader, None, at=at, **said)


def test_many_lines_taken_as_files_in_a_day_are_found_from_the_threshold_on(reader, member):
    take(reader, 60)
    take(reader, 40, object_type="deliveries.delivery")
    take(reader, None, object_type="audit.auditevent")
    take(member.user, 99)
    take(member.user, 99, at=NOON + timedelta(days=1))
    take(None, 5000, client="skadesystemet")

    assert found("files") == [(reader.pk, 100, 2)]
    [row] = files(Month(MONTH, LIMITS))
    assert row.day == NOON.date()


def test_a_file_that_the_portal_hands_out_is_logged_as_the_rule_counts_it(client, member):
    order = OrderFactory(stream__agreement__customer=member.customer, ordered_by=member.user, status="done")
    for number, answer in enumerate(("ACCEPTED", "ALREADY_WATCHED", "NO_BASIS", "NO_BASIS"), start=1):
        OrderLineFactory(order=order, line=number, answer=answer)
    OrderFactory(stream=order.stream, mends=order, mends_line=4, status="done")
    client.force_login(member.user)

    for form in ("csv", "without-effect"):
        b"".join(client.post(f"/orders/{order.pk}/result/", {"form": form}).streaming_content)
    b"".join(client.post(f"/orders/{order.pk}/faults/").streaming_content)

    taken = AuditEvent.objects.filter(action="fetch").order_by("pk")
    assert [one.details for one in taken] == [
        {"form": "csv", "lines": 4},
        {"form": "without-effect", "lines": 3},
        {"form": "faults", "lines": 1},
    ]


@pytest.mark.parametrize("at", [datetime(2026, 9, 30, 21, 59, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC)])
def test_only_the_month_counts_and_it_begins_and_ends_at_midnight_in_sweden(reader, at):
    for person in watched(4, person__known__protection=Protection.MARKED):
        read(reader, person.pk, at=at)
    take(reader, 5000, at=at)

    assert not [one for rule in RULES for one in rule(Month(MONTH, LIMITS))]


def test_what_systems_read_is_no_persons_reading():
    for person in watched(4):
        read(None, person.pk, client="skadesystemet")

    assert not [one for rule in RULES for one in rule(Month(MONTH, LIMITS))]


def test_every_kind_of_finding_has_its_rule():
    assert len(RULES) == len(Finding.Rule)


def test_the_months_that_are_over_are_looked_through_once_the_oldest_first(reader):
    read(reader, watched()[0].pk, at=datetime(2026, 8, 15, tzinfo=UTC))

    done = look_through_the_log(at=AFTER, day=date(2026, 11, 2))

    assert [str(one) for one in done] == ["2026-08", "2026-09", "2026-10"]
    assert look_through_the_log(at=AFTER, day=date(2026, 11, 2)) == []
    assert done[0].thresholds == LIMITS


def test_without_a_log_there_is_nothing_to_look_through():
    tasks.look_through_the_log()

    assert not FollowUp.objects.exists()


def test_the_questions_are_as_many_however_much_there_is_to_find(reader):
    def asked(readers):
        for user in readers:
            for person in watched(4, person__known__protection=Protection.MARKED):
                read(user, person.pk)
        with CaptureQueriesContext(connection) as queries:
            rows = [one for rule in RULES for one in rule(Month(MONTH, LIMITS))]
        return len(queries), len(rows)

    few, found_few = asked([reader])
    many, found_many = asked([UserFactory(is_staff=True) for _ in range(5)])

    assert found_many > found_few > 0
    assert many == few


def test_a_month_that_has_been_looked_through_stays_as_it_was_found(reader):
    first = look_through(month=MONTH, at=AFTER)
    for person in watched(4, person__known__protection=Protection.MARKED):
        read(reader, person.pk)

    again = look_through(month=MONTH, at=AFTER + timedelta(days=1))

    assert (again.pk, again.findings, again.found_at) == (first.pk, 0, AFTER)
    assert not followup.months_to_look_through(date(2026, 11, 2))
