"""Tasks in the background: each may be lost or run twice, and the rows say what is left to do."""

from datetime import timedelta

import pytest

from deliveries import release, runs, tasks
from deliveries.models import Delivery, Run, StreamRun
from subscriptions.models import Stream


def test_the_night_starts_by_itself_and_ends_when_its_streams_are_done(world):
    world.now = world._at(22)

    tasks.start_the_night()

    run = Run.objects.get()
    assert (run.status, run.day, Delivery.objects.count()) == (Run.Status.DONE, world.day, 3)


def test_a_night_started_twice_is_refused_the_second_time(world):
    world.now = world._at(22)
    tasks.start_the_night()

    with pytest.raises(runs.RunRefused, match="ALREADY_RUN"):
        tasks.start_the_night()

    assert Delivery.objects.count() == 3


def test_a_doubled_task_releases_nothing_twice(world):
    run = world.start_night()
    for pk in list(run.streams.values_list("pk", flat=True)) * 2:
        tasks.release_stream(pk)

    run.refresh_from_db()
    assert (run.status, Delivery.objects.count()) == (Run.Status.DONE, 3)


def test_a_lost_task_is_sent_again(world):
    run = world.start_night()
    tasks.release_stream(run.streams.latest("pk").pk)

    tasks.put_back_what_is_stuck()

    run.refresh_from_db()
    assert (run.status, Delivery.objects.count()) == (Run.Status.DONE, 3)


def test_a_stream_that_a_worker_holds_is_left_to_it(world):
    run = world.start_night()
    release.take_lease(world.streams[0], world.now)

    tasks.put_back_what_is_stuck()
    assert list(run.streams.filter(status=StreamRun.Status.WAITING).values_list("stream", flat=True)) == [
        world.streams[0].pk
    ]

    world.now += release.LEASE + timedelta(seconds=1)
    tasks.put_back_what_is_stuck()
    run.refresh_from_db()
    assert run.status == Run.Status.DONE
    assert set(Stream.objects.values_list("last_number", flat=True)) == {1}


def test_an_overdue_run_is_ended_without_anyone_starting_another(world):
    run = world.start_night()
    world.now = run.deadline + timedelta(seconds=1)

    tasks.put_back_what_is_stuck()

    run.refresh_from_db()
    assert run.status == Run.Status.DONE
    assert not Delivery.objects.exists()
