"""When a run may start, what it does to each stream, and that it ends whatever happens."""

from datetime import timedelta
from threading import Thread
from unittest import mock

import pytest
from django.db import OperationalError, connection, connections
from django.db.models import F
from django.utils import timezone

from deliveries import building, plan, release, runs, storage
from deliveries.models import Candidate, Delivery, Disclosure, Run, StreamRun
from deliveries.reading import read, read_head
from deliveries.verification import verify
from subscriptions.models import Agreement, Customer, Pending, Stream, Watch
from subscriptions.models.orders import OrderKind
from tests.factories import BlockFactory
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import World

Status = StreamRun.Status


def news(made: World, person: int = 0) -> None:
    """One more sickness case of a person."""
    one = made.sources.people[person]
    items = one.items("sjukpenningarende")
    items.append(sickness(made.day - timedelta(days=30 * len(items) + 30), 10))
    made.sources.hand_over(made.now, one)


def statuses(run: Run) -> list[str]:
    return list(run.streams.order_by("pk").values_list("status", flat=True))


def files() -> list:
    return [path for path in storage.place_of("0" * 64).parent.parent.glob("*/*") if path.is_file()]


@pytest.fixture
def watched(world: World) -> World:
    """Each stream but the one that needs consent has a watch, and something to be told."""
    news(world)
    world.watch(world.streams[0], 0, SJP)
    world.watch(world.streams[2], 0, SJP)
    return world


def test_a_night_starts_when_it_is_planned_and_no_sooner(world):
    world.now = world._at(21)
    with pytest.raises(runs.RunRefused, match="TOO_EARLY"):
        runs.start_night(day=world.day, at=world.now)

    assert runs.start_night(day=world.day, at=world._at(22)).planned_for == world._at(22)


def test_the_night_starts_although_what_time_brings_fails(world, monkeypatch):
    def failing(*, day, at):
        raise OperationalError("deadlock detected")

    monkeypatch.setattr("subscriptions.upkeep.STEPS", (failing,))

    assert runs.start_night(day=world.day, at=world._at(22)).status == Run.Status.RUNNING


def test_a_night_has_one_run(world):
    world.night()

    with pytest.raises(runs.RunRefused, match="ALREADY_RUN"):
        runs.start_night(day=world.day - timedelta(days=1), at=world.now)


def test_a_night_can_be_rehearsed_any_number_of_times_before_its_run(world):
    for dry_run in (True, True, False):
        runs.perform(world.start_night(dry_run=dry_run))

    assert Run.objects.count() == 3


def test_a_night_is_rehearsed_in_the_day_before_it_and_its_rehearsal_never_keeps_it_waiting(watched):
    day = watched.day
    rehearsal = runs.start_night(day=day, at=watched.now, dry_run=True)
    assert rehearsal.deadline == watched._at(22)
    runs.release_stream(rehearsal.streams.first())
    watched.now = watched._at(22)

    run = watched.start_night()

    rehearsal.refresh_from_db()
    assert (rehearsal.status, run.status) == (Run.Status.ABORTED, Run.Status.RUNNING)
    assert sorted(statuses(rehearsal)) == [Status.CARRIED_OVER, Status.CARRIED_OVER, Status.REHEARSED]
    assert set(statuses(runs.perform(run))) == {Status.RELEASED}


def test_two_runs_never_overlap(world):
    world.start_night()

    with pytest.raises(runs.RunRefused, match="ANOTHER_RUNS"):
        world.start_on_demand()


def test_a_refused_run_leaves_nothing_behind(watched):
    watched.start_night()
    before = Run.objects.count(), StreamRun.objects.count(), Candidate.objects.count()

    with pytest.raises(runs.RunRefused):
        watched.start_on_demand()

    assert before == (Run.objects.count(), StreamRun.objects.count(), Candidate.objects.count())


def test_a_night_ends_in_the_morning_and_a_late_one_has_as_long_as_it_would_have_had(world):
    night = plan.night_of(world.day)
    starts, ends = night.starts, night.deadline
    late = starts + timedelta(days=3)

    assert runs.start_night(day=world.day, at=starts, dry_run=True).deadline == ends
    runs.end_overdue_runs(late)
    assert runs.start_night(day=world.day, at=late).deadline == late + (ends - starts)


@pytest.mark.parametrize("ends", ["05:00", "23:30"])
def test_a_night_may_end_before_or_after_midnight(world, settings, ends):
    settings.NIGHT_ENDS = settings.NIGHT_ENDS.fromisoformat(ends)

    night = plan.night_of(world.day)
    starts, end = night.starts, night.deadline

    assert timedelta(0) < end - starts < timedelta(days=1)


def test_what_is_not_done_at_the_deadline_is_carried_over_and_blocks_no_later_run(watched):
    run = watched.start_night()
    watched.now = run.deadline + timedelta(seconds=1)

    runs.perform(run)

    assert (statuses(run), run.status) == ([Status.CARRIED_OVER] * 3, Run.Status.DONE)
    assert not Delivery.objects.exists()
    watched.next_day()
    assert statuses(watched.night()) == [Status.RELEASED] * 3
    assert all(verify(stream, watched.now).equal == stream.watches.count() for stream in Stream.objects.all())


def test_the_deadline_is_looked_at_before_every_stream(watched):
    run = watched.start_night()
    true = release.release

    def slow(*args):
        watched.now = run.deadline + timedelta(seconds=1)
        return true(*args)

    with mock.patch.object(runs, "release", slow):
        runs.perform(run)

    assert sorted(statuses(run)) == [Status.CARRIED_OVER, Status.CARRIED_OVER, Status.RELEASED]


def test_a_streams_decision_day_never_goes_back_even_where_a_night_comes_late(watched):
    ahead = watched.day + timedelta(days=5)
    Stream.objects.update(examined_day=ahead)

    watched.night()

    assert set(Delivery.objects.values_list("day", flat=True)) == {ahead}
    assert set(Stream.objects.values_list("examined_day", flat=True)) == {ahead}


def test_a_run_left_lying_is_ended_by_whoever_starts_the_next(watched):
    left = watched.start_night()
    watched.next_day()

    watched.night()

    left.refresh_from_db()
    assert left.status == Run.Status.DONE
    assert not Candidate.objects.exists()


def test_a_failing_stream_is_tried_three_times_and_stops_no_other(watched):
    ill = watched.streams[0]
    true, tries = building.Builder.build, []

    def build(builder, at):
        if builder.law.stream == ill:
            tries.append(1)
            raise RuntimeError("something of one person")
        return true(builder, at)

    run = watched.start_night()
    with mock.patch.object(building.Builder, "build", build):
        runs.perform(run)

    failed = run.streams.get(stream=ill)
    assert (len(tries), failed.status, failed.tries, failed.code) == (3, Status.FAILED, 3, "RuntimeError")
    assert statuses(run).count(Status.RELEASED) == 2
    watched.next_day()
    watched.night()
    assert verify(ill, watched.now).equal == 1


def test_a_try_that_fails_leaves_no_document_and_the_next_one_releases(watched):
    run = watched.start_night()
    with mock.patch.object(runs.reading, "validate", side_effect=[ValueError, None, None, None]):
        runs.perform(run)

    assert statuses(run) == [Status.RELEASED] * 3
    assert len(files()) == Delivery.objects.count() == 3


def test_a_rehearsal_counts_and_tells_nothing_and_leaves_no_file(watched):
    run = runs.perform(watched.start_night(dry_run=True))

    assert statuses(run) == [Status.REHEARSED] * 3
    assert run.counts["persons"] == run.counts["complete"] == 2
    assert not Delivery.objects.exists() and not Disclosure.objects.exists()
    assert Pending.objects.count() == 2
    assert files() == []
    assert set(Stream.objects.values_list("last_number", "examined_import")) == {(0, 0)}


def test_a_night_without_news_delivers_an_empty_document_with_the_next_number(watched):
    watched.night()
    watched.night()

    stream = watched.streams[0]
    first, second = Delivery.objects.filter(stream=stream).order_by("number")
    head = read_head(storage.place_of(second.sha256))
    assert (first.number, second.number, second.persons, second.blocks) == (1, 2, 0, 0)
    assert (head.number, head.previous_sha256, head.final) == (2, first.sha256, False)
    assert not Disclosure.objects.filter(delivery=second).exists()


@pytest.mark.parametrize("how", ["ended", "ran out"])
def test_a_stream_whose_agreement_is_over_says_so_once_without_persons_and_is_closed(watched, how):
    watched.night()
    agreement = watched.streams[0].agreement
    if how == "ended":
        agreement.status = Agreement.Status.ENDED
    else:
        agreement.valid_to = watched.day - timedelta(days=1)
    agreement.save()
    news(watched)
    watched.night()
    watched.night()

    last = Delivery.objects.filter(stream=watched.streams[0]).latest("number")
    path = storage.place_of(last.sha256)
    assert (last.number, last.final, last.persons) == (2, True, 0)
    assert read_head(path).final and list(read(path)) == []
    stream = Stream.objects.get(pk=watched.streams[0].pk)
    assert stream.closed
    assert not Watch.objects.open().filter(stream=stream).exists()
    assert verify(stream, watched.now).holds


STOPS = {
    "BLOCKED": (lambda stream: BlockFactory(customer=stream.agreement.customer), None),
    "CUSTOMER_INACTIVE": (
        lambda stream: Customer.objects.filter(pk=stream.agreement.customer_id).update(active=False),
        lambda stream: Customer.objects.filter(pk=stream.agreement.customer_id).update(active=True),
    ),
    "AGREEMENT_NOT_ACTIVE": (
        lambda stream: Agreement.objects.filter(pk=stream.agreement_id).update(status="signed_by_fk"),
        lambda stream: Agreement.objects.filter(pk=stream.agreement_id).update(status="active"),
    ),
}


@pytest.mark.parametrize("code", STOPS)
def test_a_stopped_stream_gets_no_document_and_its_mark_stays_and_it_catches_up(watched, code):
    stop, lift = STOPS[code]
    stream = watched.streams[0]
    watched.night()
    block = stop(stream)
    news(watched)
    run = watched.night()
    stopped = Stream.objects.get(pk=stream.pk)
    assert (run.streams.get(stream=stream).status, run.streams.get(stream=stream).code) == (Status.STOPPED, code)
    assert (stopped.last_number, stopped.examined_import) == (1, 1)

    if lift:
        lift(stream)
    else:
        block.lifted_at = watched.now
        block.save()
    watched.night()

    assert Delivery.objects.get(stream=stream, number=2).blocks == 1
    assert verify(stream, watched.now).equal == 1


def test_a_stream_without_a_scope_is_stopped(watched):
    stream = Stream.objects.create(agreement=watched.streams[0].agreement, purpose="annat")

    assert watched.night().streams.get(stream=stream).code == "NO_SCOPE"


def test_a_worker_that_has_lost_its_lease_releases_nothing(watched):
    run = watched.start_night()
    stream_run = run.streams.get(stream=watched.streams[0])
    true = building.Builder.build

    def build(builder, at):
        draft = true(builder, at)
        Stream.objects.filter(pk=builder.law.stream.pk).update(lease=99)
        return draft

    with mock.patch.object(building.Builder, "build", build):
        runs.release_stream(stream_run)

    stream_run.refresh_from_db()
    assert (stream_run.status, stream_run.tries) == (Status.WAITING, 1)
    assert not Delivery.objects.exists()
    assert Stream.objects.get(pk=watched.streams[0].pk).leased_until is not None, "it is the other worker's"


def test_a_stream_whose_workers_are_too_slow_to_keep_it_is_given_up_after_as_many_tries(watched):
    """Each loses its lease to the next: without end, were it no try, and nobody would hear of it."""
    run = watched.start_night()
    slow = run.streams.get(stream=watched.streams[0])
    true = building.Builder.build

    def build(builder, at):
        draft = true(builder, at)
        Stream.objects.filter(pk=builder.law.stream.pk).update(lease=F("lease") + 1, leased_until=None)
        return draft

    with mock.patch.object(building.Builder, "build", build):
        for _ in range(runs.TRIES + 1):
            runs.release_stream(slow)

    slow.refresh_from_db()
    assert (slow.status, slow.code) == (Status.FAILED, "TooManyTries")


def test_a_worker_that_waited_for_the_lease_while_another_released_the_stream_does_not_release_it_again(watched):
    run = watched.start_night()
    stream_run = run.streams.get(stream=watched.streams[0])
    true = release.take_lease

    def late(stream, at):
        with mock.patch.object(runs, "take_lease", true):
            runs.release_stream(stream_run)
        return true(Stream.objects.get(pk=stream.pk), at)

    with mock.patch.object(runs, "take_lease", late):
        runs.release_stream(stream_run)

    assert Delivery.objects.filter(stream=watched.streams[0]).count() == 1


def test_a_long_document_is_examined_and_released_under_a_lease_that_is_kept(watched, monkeypatch):
    monkeypatch.setattr(runs.reading, "SOME", 1)
    run = watched.start_night()
    kept, true = [], release.keep_lease

    def keep(stream, token, at, watches=0):
        kept.append(watches)
        true(stream, token, at, watches)

    with mock.patch.object(runs, "keep_lease", keep):
        runs.release_stream(run.streams.get(stream=watched.streams[0]))

    assert kept == [0, 0, 1], "after the page, at a person examined, and for the watches to be written"


def test_a_lease_lost_while_building_ends_the_try(watched):
    run = watched.start_night()
    stream_run = run.streams.get(stream=watched.streams[0])
    true = building.Builder._examine

    def examine(builder, *args):
        Stream.objects.filter(pk=builder.law.stream.pk).update(lease=99)
        true(builder, *args)

    with mock.patch.object(building.Builder, "_examine", examine):
        runs.release_stream(stream_run)

    assert not Delivery.objects.exists()
    assert files() == []


def test_a_leased_stream_is_left_to_its_worker(watched):
    run = watched.start_night()
    stream_run = run.streams.get(stream=watched.streams[0])
    release.take_lease(watched.streams[0], timezone.now())

    runs.release_stream(stream_run)

    assert not Delivery.objects.exists()


def test_a_run_waits_for_the_streams_that_another_worker_has(watched):
    run = watched.start_night()
    release.take_lease(Stream.objects.get(pk=watched.streams[0].pk), timezone.now())

    def a_while(seconds):
        watched.now += timedelta(minutes=3)

    with mock.patch("deliveries.runs.time.sleep", a_while):
        runs.perform(run)

    assert statuses(run) == [Status.RELEASED] * 3


def test_a_stream_already_released_is_not_released_again_in_the_same_run(watched):
    run = watched.start_night()
    for stream_run in run.streams.all():
        for _ in range(2):
            runs.release_stream(stream_run)

    assert Delivery.objects.count() == 3


def test_nothing_is_released_in_a_run_that_has_ended(watched):
    run = watched.start_night()
    stream_run = run.streams.first()
    runs.end_run(run, watched.now)
    StreamRun.objects.update(status=Status.WAITING)

    runs.release_stream(stream_run)

    assert not Delivery.objects.exists()


def test_a_law_that_never_stops_changing_fails_the_try_and_nothing_is_told(watched):
    run = watched.start_night()
    true = building.Builder.build

    def build(builder, at):
        draft = true(builder, at)
        Watch.objects.filter(stream=builder.law.stream).update(case_reference=str(timezone.now()))
        return draft

    with mock.patch.object(building.Builder, "build", build):
        runs.perform(run)

    assert run.streams.get(stream=watched.streams[0]).code == "LawChanged"
    assert not Delivery.objects.filter(stream=watched.streams[0]).exists()


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_on_one_stream_release_it_once(watched):
    assert connection.vendor == "postgresql", "threads are tried on PostgreSQL"
    run = watched.start_night()
    stream_run = run.streams.get(stream=watched.streams[0])

    def work():
        try:
            runs.release_stream(stream_run)
        finally:
            connections.close_all()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert Delivery.objects.filter(stream=watched.streams[0]).count() == 1
    stream_run.refresh_from_db()
    assert stream_run.status == Status.RELEASED


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_two_runs_started_at_once_are_one(watched):
    assert connection.vendor == "postgresql", "threads are tried on PostgreSQL"
    watched.now = watched._at(22)
    refused = []

    def start():
        try:
            runs.start_night(day=watched.day, at=watched.now)
        except runs.RunRefused as error:
            refused.append(error.code)
        finally:
            connections.close_all()

    starters = [Thread(target=start) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert Run.objects.count() == 1
    assert len(refused) == 2 and set(refused) <= {"ANOTHER_RUNS", "ALREADY_RUN"}


def test_a_watch_ordered_while_a_run_goes_on_waits_for_the_next(world):
    """Its number may have changed hands in an import that is newer than what the run knows."""
    stream, other = world.streams[0], world.streams[2]
    one, number = world.sources.people[0], world.sources.new_number()
    world.watch(stream, 0, SJP)
    world.order(other, OrderKind.NEW, number, SJP)
    run = world.start_on_demand()
    one.former.append(one.number)
    one.number = number
    world.sources.hand_over(world.now, one)
    world.order(stream, OrderKind.NEW, number, FP)

    runs.perform(run)

    assert not verify(stream, world.now).different
    assert Pending.objects.filter(watch=Watch.objects.get(stream=stream, benefit=FP)).exists()
    world.next_day()
    world.night()
    assert not verify(stream, world.now).different
    assert not Pending.objects.exists()
