"""The nights in figures: the last one, the next, and the latest beside each other."""

from datetime import UTC, date, datetime, timedelta

import pytest

from benefits.models import Import
from deliveries import nights
from deliveries.models import Run, StreamRun
from subscriptions.models import Pending
from tests.factories import (
    CustomerFactory,
    DebtCheckFactory,
    DeliveryFactory,
    HeldSliceFactory,
    ImportFactory,
    LawChangeFactory,
    NoRunFactory,
    PendingFactory,
    RunFactory,
    StreamFactory,
    StreamRunFactory,
)

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 28)
STARTED = datetime(2026, 11, 28, 21, tzinfo=UTC)
NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


def night(**said):
    ended = {"started_at": STARTED, "ended_at": STARTED + timedelta(hours=2), "planned_for": STARTED}
    return RunFactory(**{"day": DAY, "deadline": STARTED + timedelta(hours=7), **ended, **said})


def test_before_the_first_night_there_is_no_last():
    RunFactory(dry_run=True)
    RunFactory(kind=Run.Kind.REPAIR)

    assert nights.last_night() is None
    assert nights.latest(30) == []


def test_the_last_night_says_how_its_streams_fared_and_how_long_it_took(django_assert_num_queries):
    night(day=DAY - timedelta(days=1))
    run = night()
    for status in ("released", "released", "failed", "carried_over", "stopped"):
        StreamRunFactory(run=run, status=status)
    DeliveryFactory(run=run, persons=40)
    DeliveryFactory(run=run, persons=2)
    HeldSliceFactory(run=run)
    DebtCheckFactory()

    with django_assert_num_queries(5):
        last = nights.last_night()

    assert last.run == run
    assert (last.streams["released"], last.missed, last.streams["stopped"]) == (2, 2, 1)
    assert (last.deliveries, last.persons, last.held) == (2, 42, 1)
    assert (last.length, last.margin) == (timedelta(hours=2), timedelta(hours=5))
    assert last.check.counts["debts"] == 1


def test_a_night_that_goes_on_has_neither_length_nor_margin():
    night(status=Run.Status.RUNNING, ended_at=None)

    last = nights.last_night()

    assert (last.length, last.margin, last.persons) == (None, None, 0)


def test_the_next_night_is_the_first_in_the_calendar_that_has_not_begun():
    assert nights.next_night(NOW).night.day == date(2026, 11, 29)
    assert nights.next_night(NOW + timedelta(hours=14)).night.day == date(2026, 11, 30)

    NoRunFactory(day=date(2026, 11, 29), reason="Underhåll")
    coming = nights.next_night(NOW)
    assert (coming.night.day, coming.without.reason) == (date(2026, 11, 30), "Underhåll")


def test_the_next_night_knows_what_has_been_touched_since_the_newest_run():
    LawChangeFactory()
    run = night(as_of_import=1, as_of_law=nights.LawChange.objects.order_by("pk").last().pk)
    ImportFactory(number=1, sequence=1, counts={"touched": 1000})
    ImportFactory(number=2, sequence=2, counts={"touched": 7})
    ImportFactory(number=None, sequence=3, status=Import.Status.CHECKING, published_at=None, counts={"touched": 9})
    LawChangeFactory()
    rehearsal = RunFactory(dry_run=True, day=date(2026, 11, 29), as_of_import=None)

    coming = nights.next_night(NOW)

    assert run.as_of_import == 1
    assert (coming.imports, coming.touched, coming.unpublished) == (1, 7, 1)
    assert coming.law_changes == 1
    assert coming.rehearsal == rehearsal


def test_what_is_frozen_or_dropped_is_not_among_what_the_next_night_owes():
    for reason in (Pending.Reason.FIRST, Pending.Reason.PROTECTED, Pending.Reason.DROPPED):
        PendingFactory(reason=reason)

    assert nights.next_night(NOW).owed == 1


def test_a_source_that_has_sent_nothing_for_long_or_never_is_silent():
    assert nights.next_night(NOW).silent == ("FK", "PM")

    ImportFactory(number=1, sequence=1, source="FK", published_at=NOW - timedelta(hours=1))
    ImportFactory(number=2, sequence=1, source="PM", published_at=NOW - timedelta(hours=37))
    assert nights.next_night(NOW).silent == ("PM",)


def test_nights_stand_beside_each_other_the_oldest_first(django_assert_num_queries):
    said = {"released": 7, "failed": 1, "carried_over": 2, "persons": 74, "items": 149}
    night(counts=said)
    late = night(day=DAY - timedelta(days=1), ended_at=STARTED + timedelta(hours=7))
    night(day=DAY - timedelta(days=2))

    with django_assert_num_queries(1):
        first, second = nights.latest(2)

    assert (first.run, first.late, first.persons) == (late.pk, True, 0)
    assert (second.released, second.missed, second.persons, second.items) == (7, 3, 74, 149)
    assert (second.length, second.allowed, second.late) == (timedelta(hours=2), timedelta(hours=7), False)


def test_the_volume_of_a_benefit_is_summed_over_streams_night_by_night(django_assert_num_queries):
    earlier, later = night(day=DAY - timedelta(days=1)), night()
    released = StreamRun.Status.RELEASED
    StreamRunFactory(run=earlier, status=released, news={"FK:SJP": 5, "FK:FP": 1})
    StreamRunFactory(run=earlier, status=released, news={"FK:SJP": 2})
    StreamRunFactory(run=later, status=released, news={"FK:FP": 20})
    StreamRunFactory(run=later, status=StreamRun.Status.FAILED, news={"FK:FP": 400})
    seen = nights.latest(30)

    with django_assert_num_queries(1):
        found = nights.volume(seen)

    assert [(one.benefit, one.nights, one.total) for one in found] == [
        ("FK:FP", (1, 20), 21),
        ("FK:SJP", (7, 0), 7),
    ]


def test_a_customer_is_behind_by_what_it_has_not_fetched(django_assert_num_queries):
    customer = CustomerFactory(name="Norra Liv AB")
    streams = [StreamFactory(agreement__customer=customer) for _ in range(2)]
    for stream, days in zip(streams, (3, 8), strict=True):
        DeliveryFactory(stream=stream, released_at=NOW - timedelta(days=days))
    DeliveryFactory(stream=streams[0], number=2, first_fetched_at=NOW)
    DeliveryFactory(stream=streams[1], number=2, recalled_at=NOW)
    DeliveryFactory(stream__agreement__customer__name="Södra Liv AB")

    with django_assert_num_queries(1):
        found = nights.behind()

    assert [(one.name, one.waiting) for one in found] == [("Norra Liv AB", 2), ("Södra Liv AB", 1)]
    assert (found[0].customer, found[0].since) == (customer.pk, NOW - timedelta(days=8))
