"""Tasks in the background: each may be lost or run twice, and the rows say what is left to do."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError

from deliveries import release, runs, tasks
from deliveries.models import Delivery, NoRun, Run, StreamRun
from subscriptions.models import Stream


def test_the_night_starts_by_itself_and_ends_when_its_streams_are_done(world):
    world.now = world._at(22)

    tasks.start_the_night()

    run = Run.objects.get()
    assert (run.status, run.day, Delivery.objects.count()) == (Run.Status.DONE, world.day, 3)


def test_a_night_started_twice_runs_once(world):
    world.now = world._at(22)
    tasks.start_the_night()
    tasks.start_the_night()

    assert (Run.objects.count(), Delivery.objects.count()) == (1, 3)


@pytest.mark.parametrize(("hours", "started"), [(9.9, False), (10, True), (16.9, True), (17, False)])
def test_the_task_starts_the_night_between_its_start_and_its_deadline_whenever_it_comes(world, hours, started):
    """It goes each minute: a start that was lost, or a beat that was down at ten, is made good until five."""
    day = world.day
    world.now += timedelta(hours=hours)

    tasks.start_the_night()

    assert list(Run.objects.values_list("day", flat=True)) == [day] * started


def test_a_night_that_had_to_wait_for_another_run_starts_when_that_is_over(world):
    world.now = world._at(21)
    other = world.start_on_demand()
    world.now = world._at(22)
    tasks.start_the_night()
    assert not runs.has_run(world.day)

    runs.perform(other)
    tasks.start_the_night()

    assert Run.objects.get(kind=Run.Kind.NIGHTLY).day == world.day


def test_a_start_that_failed_is_made_good_by_the_next(world, monkeypatch):
    world.now = world._at(22)
    with monkeypatch.context() as fault, pytest.raises(OperationalError):
        fault.setattr(runs, "follow_persons", mock.Mock(side_effect=OperationalError))
        tasks.start_the_night()
    world.now += timedelta(minutes=1)

    tasks.start_the_night()

    assert Run.objects.get().status == Run.Status.DONE


def test_a_day_without_a_run_has_none_and_is_not_missed(world, caplog):
    NoRun.objects.create(day=world.day, reason="Driftstopp")
    world.now = world._at(22)
    tasks.start_the_night()
    world.now += timedelta(hours=7)

    tasks.look_back_at_the_night()

    assert not Run.objects.exists()
    assert not caplog.records


def test_a_night_that_never_ran_or_left_streams_untold_is_said_once_its_deadline_has_passed(world, caplog):
    world.now = world._at(22) + timedelta(hours=7)
    tasks.look_back_at_the_night()
    assert "night_missed" in caplog.text

    world.next_day()
    run = world.start_night()
    runs.release_stream(run.streams.first())
    world.now = run.deadline + timedelta(minutes=1)
    tasks.look_back_at_the_night()
    assert "night_incomplete" in caplog.text
    assert "'streams': 2" in caplog.text


def test_a_night_in_which_all_were_told_is_nothing_to_say(world, caplog):
    world.night()
    tasks.look_back_at_the_night()

    assert "night_" not in caplog.text


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
