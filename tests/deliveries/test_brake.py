"""Unusually much news of one benefit in one stream is held, all else goes on, and two people say what becomes of it."""

import pytest

from benefits.reversal import approve_reversal, propose_reversal
from deliveries import brake
from deliveries.models import Delivery, HeldSlice, Run, SliceVerdict, StreamRun
from deliveries.ordered import reached
from deliveries.reading import read
from deliveries.runs import perform
from deliveries.staffwork import undecided
from deliveries.storage import place_of
from deliveries.verification import verify
from lefi.foureyes import NotApproved
from subscriptions.models import Pending
from tests.deliveries.test_runs import news
from tests.factories import AT, RunFactory, UserFactory
from tests.histories.sources import FP, SJP, parental, sickness
from tests.histories.world import PLAIN, WIDE
from tests.histories.world import world as made

WHY = "en felaktig fil"
PERSONS = range(6)


def news_of_all(world):
    for n in PERSONS:
        news(world, n)


def told(stream, number):
    delivery = Delivery.objects.get(stream=stream, number=number)
    return sorted((block.benefit, entry.number) for entry in read(place_of(delivery.sha256)) for block in entry.blocks)


def differences(world):
    return [one for stream in world.streams for one in verify(stream, world.now).different]


def decide(verdict, held_slice=None, **how):
    held_slice = held_slice or HeldSlice.objects.get()
    proposed = brake.propose_verdict(held_slice=held_slice, verdict=verdict, reason=WHY, by=UserFactory(), at=AT, **how)
    brake.approve_verdict(verdict=proposed, by=UserFactory(), at=AT)


@pytest.mark.parametrize(
    ("nights", "watched", "limit"),
    [
        ([], 100, 50),
        ([], 6, 10),
        ([], 100_000, 2000),
        ([1, 1, 1, 1], 100, 50),
        ([20] * 5, 100, 30),
        ([20, 22, 18, 20, 21, 5000], 10_000, 33),
        ([2, 2, 2, 2, 400, 2, 2, 400], 10_000, 600),
        ([1900] * 10, 10_000, 2000),
    ],
    ids=[
        "nothing is known: a share of the watches",
        "never under the floor",
        "never over the cap",
        "too few nights say nothing",
        "half as much again",
        "one wild night changes nothing",
        "a payday seen twice is known",
        "the cap stands above what is usual",
    ],
)
def test_how_many_may_have_news_at_once(nights, watched, limit, settings):
    settings.BRAKE_FLOOR, settings.BRAKE_MOST, settings.BRAKE_SHARE = 10, 2000, 0.5
    assert brake.limit_of(nights, watched, brake.in_a_stream()) == limit


def test_what_is_too_much_is_held_and_all_else_is_on_time(many):
    news_of_all(many)
    many.sources.people[0].items("foraldrapenningarende").append(parental(many.day, 5))
    many.sources.hand_over(many.now, many.sources.people[0])
    run = many.night()

    one = HeldSlice.objects.get()
    assert (one.stream, one.benefit, one.watches, one.limit, one.run) == (many.streams[0], SJP, 6, 3, run)
    assert {benefit for benefit, _ in told(many.streams[0], 2)} == {FP}
    assert {benefit for benefit, _ in told(many.streams[2], 2)} == {SJP}
    assert set(run.streams.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    assert Pending.objects.filter(reason=Pending.Reason.BRAKED).count() == 6
    assert not differences(many)


def test_what_is_held_stays_so_night_after_night_also_what_comes_later(many):
    news_of_all(many)
    many.night()
    news(many, 0)
    many.night()

    assert told(many.streams[0], 3) == []
    assert Pending.objects.filter(reason=Pending.Reason.BRAKED).count() == 6
    assert HeldSlice.objects.count() == 1


def test_what_is_released_is_told_as_of_the_releasing_run_in_its_next_number(many):
    news_of_all(many)
    many.night()
    news(many, 0)
    decide(SliceVerdict.Verdict.RELEASE)
    run = many.on_demand()

    assert len(told(many.streams[0], 3)) == 6
    one = HeldSlice.objects.get()
    assert (one.status, one.told_in) == (HeldSlice.Status.RELEASED, run)
    assert not Pending.objects.exists()
    assert not differences(many)


def test_a_release_holds_for_once_and_for_no_more_than_was_looked_at(many):
    news_of_all(many)
    many.night()
    decide(SliceVerdict.Verdict.RELEASE)
    many.night()
    news_of_all(many)
    many.night()

    assert HeldSlice.objects.filter(status=HeldSlice.Status.HELD).count() == 1


def test_what_is_dropped_is_not_told_is_listed_and_comes_when_it_changes_again(many):
    news_of_all(many)
    many.night()
    decide(SliceVerdict.Verdict.DROP)
    many.night()

    assert told(many.streams[0], 3) == []
    dropped = Pending.objects.filter(reason=Pending.Reason.DROPPED)
    assert dropped.count() == 6
    assert not differences(many)
    news(many, 0)
    many.night()
    assert len(told(many.streams[0], 4)) == 1
    assert dropped.count() == 5


def test_what_is_held_too_long_is_a_fault_and_what_two_have_dropped_is_none(many, settings):
    news_of_all(many)
    many.night()
    many.next_day(settings.PENDING_DAYS + 1)
    assert len(verify(many.streams[0], many.now).overdue) == 6

    decide(SliceVerdict.Verdict.DROP)

    assert verify(many.streams[0], many.now).holds


def test_what_the_customer_ordered_is_never_too_much(many, settings):
    settings.BRAKE_FLOOR = 0
    for n in (6, 7):
        many.watch(many.streams[0], n, SJP)
    many.night()

    assert not HeldSlice.objects.exists()


def test_a_rehearsal_says_what_would_be_held_and_holds_nothing(many):
    news_of_all(many)
    run = many.start_night(dry_run=True)
    perform(run)

    assert run.streams.get(stream=many.streams[0]).code == f"BRAKE {SJP}"
    assert not HeldSlice.objects.exists()


def test_a_slice_takes_two_people_and_one_verdict(many):
    news_of_all(many)
    many.night()
    one, by = HeldSlice.objects.get(), UserFactory()
    verdict = brake.propose_verdict(held_slice=one, verdict="release", reason=WHY, by=by, at=AT)

    with pytest.raises(NotApproved):
        brake.approve_verdict(verdict=verdict, by=by, at=AT)
    with pytest.raises(brake.VerdictRefused, match="VERDICT_WAITS"):
        brake.propose_verdict(held_slice=one, verdict="drop", reason=WHY, by=UserFactory(), at=AT)
    brake.approve_verdict(verdict=verdict, by=UserFactory(), at=AT)
    with pytest.raises(brake.VerdictRefused, match="NOT_HELD"):
        brake.propose_verdict(held_slice=one, verdict="drop", reason=WHY, by=UserFactory(), at=AT)


CUSTOMERS, EACH = 20, 11
UNEXPECTED = CUSTOMERS * EACH  # for 220 000


@pytest.fixture
def spread(db, tmp_path, settings):
    """Twenty customers with eleven watches each of one benefit, too few for any of them to trip, and one of another."""
    settings.BRAKE_FLOOR, settings.BRAKE_FLOOR_ALL, settings.BRAKE_SHARE = EACH, UNEXPECTED // 4, 0.5
    with made(tmp_path, persons=EACH) as world:
        world.sources.hand_over(world.now, *world.sources.people)
        world.streams += [world._stream(PLAIN, WIDE) for _ in range(CUSTOMERS)]
        world.small = world.streams[-CUSTOMERS:]
        world.owe(world.small, EACH, [SJP])
        world.owe(world.small, 1, [FP])
        world.night()
        yield world


def the_wrong_import(world):
    """Something of everybody in one benefit, and what is as it should be of one person in another."""
    for person in world.sources.people:
        person.items("sjukpenningarende").append(sickness(world.day, 9))
    world.sources.people[0].items("foraldrapenningarende").append(parental(world.day, 5))
    return world.sources.hand_over(world.now, *world.sources.people)


def test_220_000_changes_that_nobody_expected_are_held_at_every_customer_and_all_else_is_on_time(spread):
    the_wrong_import(spread)
    run = spread.night()

    assert run.touched == {SJP: UNEXPECTED, FP: CUSTOMERS}
    assert set(run.streams.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    assert run.ended_at < run.deadline
    held = HeldSlice.objects.filter(status=HeldSlice.Status.HELD, everywhere=True, run=run)
    assert {(one.stream, one.benefit, one.watches) for one in held} == {(one, SJP, EACH) for one in spread.small}
    for stream in spread.small:
        assert [benefit for benefit, _ in told(stream, 2)] == [FP]
    assert not differences(spread)
    assert Pending.objects.filter(reason=Pending.Reason.BRAKED).count() == UNEXPECTED


def test_what_is_held_everywhere_is_released_for_one_customer_or_for_all_by_two(spread):
    the_wrong_import(spread)
    spread.night()
    first, *others = spread.small
    decide(SliceVerdict.Verdict.RELEASE, HeldSlice.objects.get(stream=first))
    spread.night()
    assert len(told(first, 3)) == EACH
    assert all(told(one, 3) == [] for one in others)

    decide(SliceVerdict.Verdict.RELEASE, HeldSlice.objects.get(stream=others[0]), for_all=True)
    spread.night()

    assert all(len(told(one, 4)) == EACH for one in others)
    assert not Pending.objects.exists()
    assert not differences(spread)


def test_what_is_dropped_everywhere_is_told_to_nobody_and_listed(spread):
    the_wrong_import(spread)
    spread.night()
    decide(SliceVerdict.Verdict.DROP, HeldSlice.objects.first(), for_all=True)
    spread.night()

    assert set(HeldSlice.objects.values_list("status", flat=True)) == {HeldSlice.Status.DROPPED}
    assert all(told(one, 3) == [] for one in spread.small)
    assert Pending.objects.filter(reason=Pending.Reason.DROPPED).count() == UNEXPECTED
    assert not differences(spread)


def test_a_wrong_import_that_was_held_and_is_undone_is_told_to_nobody(spread):
    wrong = the_wrong_import(spread)
    spread.night()
    reversal = propose_reversal(imported=wrong, reason=WHY, by=UserFactory(), at=spread.now)
    approve_reversal(reversal=reversal, by=UserFactory(), at=spread.now)
    assert {one.persons for one in reached(reversal)} == {1}, "of the benefit that was not held"
    decide(SliceVerdict.Verdict.RELEASE, HeldSlice.objects.first(), for_all=True)
    spread.night()

    for number in (2, 3):
        assert SJP not in {benefit for benefit, _ in told(spread.small[0], number)}
    assert not Pending.objects.exists()
    assert not differences(spread)


def test_a_rehearsal_says_what_would_be_held_everywhere(spread):
    the_wrong_import(spread)
    run = perform(spread.start_night(dry_run=True))

    codes = set(run.streams.filter(stream__in=spread.small).values_list("code", flat=True))
    assert codes == {f"BRAKE {SJP}"}
    assert not HeldSlice.objects.exists()


@pytest.mark.parametrize(
    ("nights", "tonight", "limit"),
    [
        ([3000] * 40, 220_000, 5000),
        ([3000] * 38 + [400_000] * 2, 220_000, None),
        ([3000] * 39 + [400_000], 220_000, 5000),
        ([2_000_000] * 40, 1_100_000, 1_000_000),
    ],
    ids=["unexpected", "a payday seen twice", "seen but once", "never so many"],
)
@pytest.mark.django_db
def test_how_many_may_be_concerned_over_all_streams(nights, tonight, limit):
    for touched in nights:
        RunFactory(touched={SJP: touched})
    run = RunFactory(touched={SJP: tonight, FP: 3})

    trips = brake.trips_everywhere(run)

    assert [(one.benefit, one.watches, one.limit) for one in trips] == ([(SJP, tonight, limit)] if limit else [])


def test_what_customers_order_is_never_too_much_over_all_streams(spread):
    spread.owe([spread.streams[0]], EACH, [SJP, FP])
    the_wrong_import(spread)

    assert spread.start_night().touched[SJP] == UNEXPECTED


def test_a_marked_run_is_never_held_everywhere(spread):
    run = RunFactory(kind=Run.Kind.COMPENSATING, touched={SJP: 10**6})

    assert not brake.trips_everywhere(run)


def test_a_verdict_for_all_streams_leaves_nothing_to_be_decided_in_any(spread):
    the_wrong_import(spread)
    spread.night()
    by, first = UserFactory(), HeldSlice.objects.first()
    assert undecided(by, AT).count() == CUSTOMERS

    brake.propose_verdict(held_slice=first, verdict="drop", reason=WHY, by=by, at=AT, for_all=True)

    assert not undecided(by, AT).exists()
