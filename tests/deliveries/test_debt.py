"""Delta debt: what the nights should have told and did not is found, named and repaired, and nothing else is told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deliveries import brake, candidates, debt
from deliveries.models import Debt, DebtCheck, Delivery, HeldSlice, OrderedRun, Run, Told
from deliveries.ordered import OrderedRunRefused, approve_run, propose_run
from deliveries.reading import read, read_head
from deliveries.runs import perform
from deliveries.storage import place_of
from deliveries.verification import verify
from lefi.foureyes import NotApproved
from subscriptions.models import Pending
from tests.deliveries.test_runs import news
from tests.factories import BlockFactory, UserFactory
from tests.histories.sources import FP, SJP, parental

WHY = "Retroaktiv föräldrapenning kom inte med"
NIGHTS = 30


@pytest.fixture
def told(world):
    """Two persons watched for both benefits in one stream and one in another, all told once."""
    world.sources.hand_over(world.now, *world.sources.people)
    for n in (0, 1):
        world.watch(world.streams[0], n, SJP)
        world.watch(world.streams[0], n, FP)
    world.watch(world.streams[2], 0, SJP)
    world.night()
    return world


def check(world, most=10_000):
    going = debt.start_check(world.now)
    while debt.go_on(going, most=most, at=world.now):
        pass
    going.refresh_from_db()
    return going


def differences(world):
    return [one for stream in world.streams for one in verify(stream, world.now).different]


def skipped(benefit):
    """The fault of 2020 and 2021: changes of one benefit are not among the candidates."""
    return candidates._TOUCHED.replace("WHERE t.number", f"WHERE w.benefit <> '{benefit}' AND t.number", 1)


def retroactive(world, person, night):
    one = world.sources.people[person]
    one.items("foraldrapenningarende").append(parental(world.day - timedelta(days=60 + night), 5))
    world.sources.hand_over(world.now, one)


def repaired(world):
    ordered = propose_run(kind=Run.Kind.REPAIR, cause=WHY, by=UserFactory(), at=world.now)
    return perform(approve_run(ordered=ordered, by=UserFactory(), at=world.now))


def test_after_good_nights_there_is_no_debt(told):
    news(told, 0)
    told.night()

    assert check(told).counts == {"watches": 5, "equal": 5, "unexamined": 0, "debts": 0}
    assert not Debt.objects.exists()


def test_thirty_nights_without_retroactive_parental_benefit_are_found_and_exactly_the_lost_is_sent(told, monkeypatch):
    with monkeypatch.context() as fault:
        fault.setattr(candidates, "_TOUCHED", skipped(FP))
        for night in range(NIGHTS):
            retroactive(told, night % 2, night)
            news(told, 0) if night % 10 == 0 else None
            told.night()
    assert differences(told)
    before = {row.pk for row in Told.objects.filter(replaced_by=None)}

    check(told)
    found = Debt.objects.standing()
    assert {(one.watch.benefit, one.section, one.cause) for one in found} == {
        (FP, "foraldrapenningarende", Debt.Cause.UNTOLD)
    }
    assert {one.watch.person_id for one in found} == {one.watch.person_id for one in found.filter(watch__benefit=FP)}
    assert all(one.since_import for one in found)

    run = repaired(told)
    deliveries = Delivery.objects.filter(run=run)
    entries = {one.stream: list(read(place_of(one.sha256))) for one in deliveries}
    blocks = [block for one in entries.values() for entry in one for block in entry.blocks]
    assert {block.section for block in blocks} == {"foraldrapenningarende"}
    assert sum(len([item for item in block.items if item.change]) for block in blocks) == NIGHTS
    assert {entry.complete for one in entries.values() for entry in one} == {False}
    head = read_head(place_of(deliveries.get(stream=told.streams[0]).sha256))
    assert (head.kind, head.cause) == (Run.Kind.REPAIR, WHY)
    after = set(Told.objects.filter(replaced_by=None).values_list("pk", flat=True))
    assert before < after and len(after - before) == 2, "what was told rightly stands as it was"

    check(told)
    assert not Debt.objects.standing().exists()
    assert not Pending.objects.exists()
    assert not differences(told)


def test_content_that_is_gone_and_was_never_taken_back_is_found(told, monkeypatch):
    news(told, 0)
    told.night()
    with monkeypatch.context() as fault:
        fault.setattr(candidates, "_TOUCHED", skipped(SJP))
        told.sources.people[0].items("sjukpenningarende").clear()
        told.sources.hand_over(told.now, told.sources.people[0])
        told.night()
    check(told)

    assert set(Debt.objects.values_list("section", "cause")) == {("sjukpenningarende", Debt.Cause.REMAINS)}


def test_what_is_owed_already_is_no_debt(told):
    news(told, 0)
    Pending.objects.bulk_create(
        Pending(watch=one, reason=Pending.Reason.FAILED, since=told.now) for one in told.streams[0].watches.all()
    )

    assert check(told).counts["owed"] == 4
    assert not Debt.objects.exists()


def test_what_no_run_has_examined_is_no_debt(told):
    news(told, 0)
    check(told)

    assert not Debt.objects.exists()


def test_a_frozen_watch_has_no_debt(told):
    BlockFactory(customer=told.streams[0].agreement.customer)
    news(told, 0)
    told.night()
    check(told)

    assert not Debt.objects.exists()


def test_what_staff_dropped_goes_on_being_listed_until_the_register_agrees(told, settings):
    settings.BRAKE_FLOOR, settings.BRAKE_SHARE = 1, 0
    news(told, 0)
    news(told, 1)
    told.night()
    verdict = brake.propose_verdict(
        held_slice=HeldSlice.objects.get(), verdict="drop", reason=WHY, by=UserFactory(), at=told.now
    )
    brake.approve_verdict(verdict=verdict, by=UserFactory(), at=told.now)
    told.night()
    check(told)
    assert set(Debt.objects.standing().values_list("cause", flat=True)) == {Debt.Cause.DROPPED}

    for person in told.sources.people[:2]:
        person.items("sjukpenningarende").pop()
    told.sources.hand_over(told.now, *told.sources.people[:2])
    settings.BRAKE_FLOOR = 500
    told.night()
    check(told)
    assert not Debt.objects.standing().exists()


def test_the_check_goes_on_where_it_was_a_bounded_number_of_watches_at_a_time(told, monkeypatch):
    monkeypatch.setattr(debt, "PAGE", 2)
    going = debt.start_check(told.now)

    assert debt.go_on(going, most=2, at=told.now)
    going.refresh_from_db()
    assert going.counts["watches"] == 2
    assert debt.start_check(told.now) == going
    assert check(told).counts["watches"] == 5
    assert DebtCheck.objects.get().status == DebtCheck.Status.DONE


def test_nothing_is_checked_while_a_run_goes_on(told):
    run = told.start_night()
    going = debt.start_check(told.now)

    assert debt.go_on(going, most=10, at=told.now)
    going.refresh_from_db()
    assert not going.counts
    perform(run)


def test_a_repair_takes_two_people_and_something_to_repair(told):
    with pytest.raises(OrderedRunRefused, match="NO_DEBT"):
        propose_run(kind=Run.Kind.REPAIR, cause=WHY, by=UserFactory(), at=told.now)
    Debt.objects.create(watch=told.streams[0].watches.first(), cause=Debt.Cause.UNTOLD, found_at=told.now)
    by = UserFactory()
    ordered = propose_run(kind=Run.Kind.REPAIR, cause=WHY, by=by, at=told.now)

    with pytest.raises(NotApproved):
        approve_run(ordered=ordered, by=by, at=told.now)
    assert OrderedRun.objects.get().run is None


def test_a_page_is_checked_with_as_many_queries_whatever_its_size(told):
    def queries():
        going = debt.start_check(told.now)
        with CaptureQueriesContext(connection) as asked:
            debt.go_on(going, most=10_000, at=told.now)
        return len(asked)

    few = queries()
    for n in (1, 2):
        told.watch(told.streams[2], n, SJP)
    told.night()

    assert queries() == few
