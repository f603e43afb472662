"""A wrong run, as in January 2020: undone by two, recalled where nobody had fetched, compensated where they had."""

import pytest

from benefits.models import Import
from benefits.reversal import approve_reversal, propose_reversal
from deliveries.models import Delivery, Disclosure, Run
from deliveries.ordered import OrderedRunRefused, approve_run, disclosures_reached, propose_run, reached
from deliveries.reading import read, read_head
from deliveries.runs import RunRefused, perform
from deliveries.storage import place_of
from deliveries.verification import verify
from subscriptions.models.orders import OrderKind
from tests.deliveries.test_runs import news
from tests.factories import UserFactory
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import NARROW, PLAIN

WHY = "Levnadsintygskörningen gick en månad för tidigt den 20 januari"


def undo(world):
    reversal = propose_reversal(imported=world.wrong, reason=WHY, by=UserFactory(), at=world.now)
    approve_reversal(reversal=reversal, by=UserFactory(), at=world.now)
    return reversal


def compensate(world, reversal):
    ordered = propose_run(kind=Run.Kind.COMPENSATING, cause=WHY, by=UserFactory(), at=world.now, reversal=reversal)
    return perform(approve_run(ordered=ordered, by=UserFactory(), at=world.now))


def said(stream, number):
    delivery = Delivery.objects.get(stream=stream, number=number)
    return [block for entry in read(place_of(delivery.sha256)) for block in entry.blocks]


def differences(world):
    return [one for stream in world.streams for one in verify(stream, world.now).different]


def test_it_is_known_which_streams_and_persons_a_wrong_import_reached(wrong):
    reversal = undo(wrong)

    rows = {one.stream: (one.deliveries, one.fetched, one.persons) for one in reached(reversal)}
    assert rows == {wrong.streams[0]: (1, 1, 2), wrong.streams[2]: (1, 0, 2)}
    told = disclosures_reached(reversal).filter(delivery__stream=wrong.streams[0])
    assert {one.person.first_number for one in told} == {one.number for one in wrong.sources.people[:2]}


def test_who_was_told_of_something_else_about_the_same_persons_is_not_among_those_reached(wrong):
    """Nor is what they were told recalled: nothing in it was wrong."""
    other = wrong._stream(PLAIN, NARROW)
    for stream in (other, wrong.streams[2]):
        wrong.watch(stream, 0, FP)
    wrong.night()
    reversal = undo(wrong)

    rows = {one.stream: one.deliveries for one in reached(reversal)}
    assert rows == {wrong.streams[0]: 1, wrong.streams[2]: 1}
    compensate(wrong, reversal)
    assert Delivery.objects.get(stream=other, number=1).recalled_at is None


def test_complete_information_that_lacked_what_the_wrong_import_took_away_is_among_what_was_told(wrong):
    wrong.order(wrong.streams[2], OrderKind.REFRESH, wrong.sources.people[0].number, SJP)
    wrong.night()

    [complete] = disclosures_reached(undo(wrong)).filter(complete=True)
    assert "sjukpenningarende" not in complete.sections
    assert complete.person.first_number == wrong.sources.people[0].number


def test_each_delivery_that_was_fetched_is_counted_however_many_at_the_same_instant(wrong):
    wrong.sources.people[1].items("sjukpenningarende").append(sickness(wrong.day, 3))
    wrong.sources.hand_over(wrong.now, wrong.sources.people[1])
    wrong.night()
    Delivery.objects.filter(stream=wrong.streams[2], number__gt=1).update(first_fetched_at=wrong.now)

    rows = {one.stream: (one.deliveries, one.fetched) for one in reached(undo(wrong))}
    assert rows == {wrong.streams[0]: (2, 1), wrong.streams[2]: (2, 2)}


def test_january_2020_ends_well(wrong):
    log = Disclosure.objects.count()
    reversal = undo(wrong)
    run = compensate(wrong, reversal)

    fetched, unfetched = wrong.streams[0], wrong.streams[2]
    assert Delivery.objects.get(stream=unfetched, number=2).recalled_at is not None
    assert Delivery.objects.get(stream=fetched, number=2).recalled_at is None

    head = read_head(place_of(Delivery.objects.get(stream=fetched, number=3).sha256))
    assert (head.kind, head.cause) == (Run.Kind.COMPENSATING, WHY)
    blocks = said(fetched, 3)
    assert {block.section for block in blocks} == {"sjukpenningarende"}
    assert all(block.items for block in blocks) and len(blocks) == 2
    assert run.kind == Run.Kind.COMPENSATING

    assert Disclosure.objects.filter(delivery__stream=fetched, delivery__number=2).count() == 2, "the log hides nothing"
    assert Disclosure.objects.count() > log
    wrong.night()
    assert not differences(wrong)


def test_a_stream_that_never_fetched_the_wrong_is_told_nothing_of_it(wrong):
    compensate(wrong, undo(wrong))

    assert said(wrong.streams[2], 3) == [], "it knows what was told before, which is true again"


def test_what_came_later_is_not_lost_by_the_undoing(wrong):
    news(wrong, 0)
    reversal = undo(wrong)
    compensate(wrong, reversal)

    assert reversal.left.filter(why="later").count() == 1
    assert not differences(wrong)


def test_nothing_is_compensated_that_has_not_been_undone(wrong):
    reversal = propose_reversal(imported=wrong.wrong, reason=WHY, by=UserFactory(), at=wrong.now)
    with pytest.raises(OrderedRunRefused, match="NOT_UNDONE"):
        propose_run(kind=Run.Kind.COMPENSATING, cause=WHY, by=UserFactory(), at=wrong.now, reversal=reversal)


def test_a_run_that_cannot_start_has_done_nothing(wrong):
    reversal = undo(wrong)
    ordered = propose_run(kind=Run.Kind.COMPENSATING, cause=WHY, by=UserFactory(), at=wrong.now, reversal=reversal)
    wrong.start_night()
    with pytest.raises(RunRefused, match="ANOTHER_RUNS"):
        approve_run(ordered=ordered, by=UserFactory(), at=wrong.now)

    ordered.refresh_from_db()
    assert not ordered.in_effect
    assert Delivery.objects.get(stream=wrong.streams[2], number=2).recalled_at is None


def test_the_reversal_has_a_number_of_its_own(wrong):
    undo(wrong)

    assert Import.objects.latest("number").reverses == wrong.wrong
