"""Staff hold, release, abort and go on with a run; streams take turns; a stream that kills its worker is given up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deliveries import runs
from deliveries.models import Candidate, Delivery, Run, StreamRun
from deliveries.runs import RunRefused, abort_run, hold_run, perform, release_run, resume_run
from deliveries.verification import verify
from lefi.audit.models import AuditEvent
from lefi.foureyes import NotApproved
from subscriptions.models import Stream
from tests.deliveries.test_runs import news, statuses
from tests.factories import UserFactory
from tests.histories.sources import SJP

WHY = "kontroll av filen"
Status = StreamRun.Status


@pytest.fixture
def watched(world):
    news(world)
    world.watch(world.streams[0], 0, SJP)
    world.watch(world.streams[2], 0, SJP)
    return world


def release_all(run):
    for one in run.streams.all():
        runs.release_stream(one)


def test_a_held_run_releases_nothing_until_another_person_lets_it_go_on(watched):
    run, by = watched.start_night(), UserFactory()
    hold_run(run, by=by, reason=WHY)
    release_all(run)
    assert not Delivery.objects.exists()

    with pytest.raises(NotApproved, match="SAME_PERSON"):
        release_run(run, by=by, reason=WHY)
    release_run(run, by=UserFactory(), reason=WHY)
    assert set(statuses(perform(run))) == {Status.RELEASED}
    assert list(AuditEvent.objects.filter(object_type="deliveries.run").values_list("reason", flat=True)) == [WHY] * 2


def test_a_stream_that_is_being_released_when_the_run_is_held_ends_as_void(watched, monkeypatch):
    run = watched.start_night()
    validate = runs.reading.validate

    def held_meanwhile(*args):
        hold_run(Run.objects.get(), by=UserFactory(), reason=WHY)
        validate(*args)

    monkeypatch.setattr(runs.reading, "validate", held_meanwhile)
    runs.release_stream(run.streams.first())

    assert not Delivery.objects.exists()
    assert run.streams.first().tries == 0


def test_no_other_run_starts_while_one_is_held(watched):
    hold_run(watched.start_night(), by=UserFactory(), reason=WHY)
    with pytest.raises(RunRefused, match="ANOTHER_RUNS"):
        watched.start_on_demand()


def test_a_run_that_is_held_past_its_deadline_ends_and_what_it_owed_comes_the_next_night(watched):
    run = watched.start_night()
    hold_run(run, by=UserFactory(), reason=WHY)
    watched.next_day()
    watched.night()

    run.refresh_from_db()
    assert run.status == Run.Status.DONE
    assert set(statuses(run)) == {Status.CARRIED_OVER}
    assert not [one for stream in watched.streams for one in verify(stream, watched.now).different]
    assert Delivery.objects.filter(persons=1).count() == 2


def test_an_aborted_run_keeps_what_it_released_and_carries_the_rest_over(watched):
    run = watched.start_night()
    runs.release_stream(run.streams.get(stream=watched.streams[0]))
    abort_run(run, by=UserFactory(), reason=WHY, at=watched.now)
    release_all(run)

    run.refresh_from_db()
    assert run.status == Run.Status.ABORTED and run.ended_at
    assert sorted(statuses(run)) == [Status.CARRIED_OVER, Status.CARRIED_OVER, Status.RELEASED]
    assert run.counts[Status.RELEASED] == 1
    assert not Candidate.objects.exists()
    watched.next_day()
    watched.night()
    assert not [one for stream in watched.streams for one in verify(stream, watched.now).different]


@pytest.mark.parametrize("step", ["hold", "release", "abort"])
def test_a_run_that_is_over_can_be_neither_held_released_nor_aborted(watched, step):
    run, by = watched.night(), UserFactory()
    code = "NOT_HELD" if step == "release" else "NOT_RUNNING"
    with pytest.raises(RunRefused, match=code):
        {
            "hold": lambda: hold_run(run, by=by, reason=WHY),
            "release": lambda: release_run(run, by=by, reason=WHY),
            "abort": lambda: abort_run(run, by=by, reason=WHY, at=watched.now),
        }[step]()


def test_a_killed_night_is_gone_on_with_by_hand(watched):
    run = watched.start_night()
    runs.release_stream(run.streams.first())

    assert resume_run() == run
    assert set(statuses(run)) == {Status.RELEASED}
    with pytest.raises(RunRefused, match="NOT_RUNNING"):
        resume_run()


def test_a_stream_that_kills_its_worker_each_time_is_given_up_after_as_many_tries(watched, monkeypatch):
    class Killed(BaseException):
        """What no handler of errors sees."""

    def kill(*args):
        raise Killed

    run = watched.start_night()
    sick = run.streams.first()
    monkeypatch.setattr(runs, "_work", kill)
    for _ in range(runs.TRIES):
        with pytest.raises(Killed):
            runs.release_stream(sick)
        Stream.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    runs.release_stream(sick)

    sick.refresh_from_db()
    assert (sick.status, sick.code, sick.tries) == (Status.FAILED, "TooManyTries", runs.TRIES)


def test_streams_take_turns_the_smallest_first(watched):
    for n in (1, 2):
        news(watched, n)
        watched.watch(watched.streams[0], n, SJP)
    run = watched.start_night()

    sizes = list(runs.in_turn(run).values_list("stream", "candidates"))
    assert sizes == [(watched.streams[1].pk, 0), (watched.streams[2].pk, 1), (watched.streams[0].pk, 3)]
    perform(run)
    released = Delivery.objects.order_by("pk").values_list("stream", flat=True)
    assert list(released) == [one for one, _ in sizes]


def test_a_night_that_has_had_its_run_can_still_be_rehearsed(watched):
    day = watched.day
    watched.night()

    rehearsal = runs.start_night(day=day, at=watched.now, dry_run=True)

    assert set(statuses(perform(rehearsal))) == {Status.REHEARSED}
