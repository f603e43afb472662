"""A worker killed at any step of a release (C5): no number is lost or used twice, nothing told goes unlogged.

A kill is imitated by an exception that nothing catches, with every clean-up on the way out taken away.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from deliveries import building, candidates, decisions, reading, release, runs, storage, tasks
from deliveries.models import Delivery, Disclosure, Run, StreamRun
from deliveries.services import fetch
from deliveries.verification import verify
from subscriptions.models import Pending, Stream
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import World, world

BEFORE, AFTER = "before", "after"
# Where a worker can die, in the order in which it passes: the owner of a function, its name, and which side of it.
STEPS: list[tuple[str, Any, str, str]] = [
    ("the lease is taken", runs, "law_of", BEFORE),
    ("the document is begun", building, "head", AFTER),
    ("a page is examined", building.Builder, "_examine", AFTER),
    ("the lease is kept", runs, "keep_lease", AFTER),
    ("the document is closed", building.Writer, "close", AFTER),
    ("the document is validated", reading, "validate", AFTER),
    ("the document is synced", storage, "_sync", AFTER),
    ("the document has its name", storage, "keep", AFTER),
    ("the stream is locked", release, "_demand_run_goes_on", BEFORE),
    ("the law is checked", candidates, "touched_by_law", AFTER),
    ("the delivery is written", release, "_deliver", AFTER),
    ("the decisions are written", decisions, "store", AFTER),
    ("the disclosures are written", release, "_disclose", AFTER),
    ("what was told is written", release, "_remember", AFTER),
    ("what is owed is settled", release, "_settle", AFTER),
    ("all is written", release, "_note", BEFORE),
    ("the commit is next", release, "_note", AFTER),
    ("all is committed", runs, "release", AFTER),
    ("the lease is dropped", runs, "drop_lease", AFTER),
]
IDS = [step[0] for step in STEPS]


class Killed(BaseException):
    """The process ended here."""


@contextmanager
def killed_at(owner: Any, name: str, side: str, times: int = 1) -> Iterator[list[int]]:
    """Within, the process dies at a step: the first time it comes there, or each of the first few."""
    true, deaths = getattr(owner, name), []

    def die(*args: Any, **kwargs: Any) -> Any:
        if len(deaths) == times:
            return true(*args, **kwargs)
        if side == AFTER:
            true(*args, **kwargs)
        deaths.append(1)
        raise Killed

    owners = [one for one in {owner, release, building} if getattr(one, name, None) is true]
    with mock.patch.object(building.Draft, "discard", lambda draft: None), mock.patch.object(runs, "drop_lease"):
        patches = [mock.patch.object(one, name, die) for one in owners]
        for patch in patches:
            patch.start()
        try:
            yield deaths
        finally:
            for patch in patches:
                patch.stop()


@pytest.fixture
def night(db, tmp_path) -> Iterator[World]:
    """Two streams with a first delivery each, fetched by one; then news for both, an order and a cancelled watch."""
    with mock.patch.object(building, "PAGE", 2), world(tmp_path, persons=3) as made:
        told, narrow = made.streams[0], made.streams[2]
        people = made.sources.people
        for place, person in enumerate(people):
            person.items("sjukpenningarende").append(sickness(made.day - timedelta(days=20 + place), 10))
        made.sources.hand_over(made.now, *people)
        for person in range(3):
            made.watch(told, person, SJP)
        made.watch(narrow, 0, SJP)
        made.night()
        fetch(delivery=Delivery.objects.get(stream=told), at=made.now)
        people[0].sections["sjukpenningarende"] = []
        people[1].items("sjukpenningarende").append(sickness(made.day - timedelta(days=400), 300))
        made.sources.hand_over(made.now, *people)
        made.watch(told, 0, FP)
        made.order(told, "avbestallningBevakning", people[2].number, SJP)
        yield made


def take_up_again(made: World) -> None:
    """The killed worker's lease runs out, and the reaper comes by."""
    made.now += timedelta(minutes=6)
    tasks.put_back_what_is_stuck()


def everything_holds(made: World, run: Run, deliveries: int = 2) -> None:
    run.refresh_from_db()
    assert run.status == Run.Status.DONE
    assert set(run.streams.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    for stream in Stream.objects.all():
        numbers = list(Delivery.objects.filter(stream=stream).order_by("number").values_list("number", flat=True))
        assert numbers == list(range(1, deliveries + 1)), "a number is lost or used twice"
        assert stream.leased_until is None
        report = verify(stream, made.now)
        assert (report.pending, report.different, report.overdue) == ([], [], [])
    assert not Pending.objects.exists()
    for delivery in Delivery.objects.filter(persons__gt=0):
        assert Disclosure.objects.filter(delivery=delivery).count() >= delivery.persons, "told and not logged"
    assert StreamRun.objects.filter(delivery=None).count() == 0


def files() -> set[Path]:
    return {path for path in storage.place_of("0" * 64).parent.parent.glob("*/*") if path.is_file()}


def named_by_deliveries() -> set[Path]:
    return {storage.place_of(sha256) for sha256 in Delivery.objects.values_list("sha256", flat=True)}


@pytest.mark.parametrize(("_what", "owner", "name", "side"), STEPS, ids=IDS)
def test_a_worker_killed_at_any_step_loses_nothing_and_tells_nothing_twice(night, _what, owner, name, side):
    run = night.start_night()
    with killed_at(owner, name, side) as deaths, pytest.raises(Killed):
        runs.perform(run)
    assert deaths
    take_up_again(night)

    everything_holds(night, run)
    assert named_by_deliveries() <= files()


@pytest.mark.parametrize(("_what", "owner", "name", "side"), STEPS, ids=IDS)
def test_nothing_half_done_is_seen_between_the_kill_and_the_next_try(night, _what, owner, name, side):
    run = night.start_night()
    with killed_at(owner, name, side), pytest.raises(Killed):
        runs.perform(run)

    for stream in Stream.objects.all():
        deliveries = Delivery.objects.filter(stream=stream)
        assert stream.last_number == deliveries.count()
        released = StreamRun.objects.filter(run=run, stream=stream, status=StreamRun.Status.RELEASED).exists()
        assert released == deliveries.filter(run=run).exists()
        assert verify(stream, night.now).different == []


@pytest.mark.parametrize("times", [2, 5])
def test_a_stream_whose_worker_is_killed_again_and_again_is_released_once_all_the_same(night, times):
    run = night.start_night()
    with killed_at(release, "_settle", AFTER, times=times):
        for _ in range(times):
            with pytest.raises(Killed):
                runs.perform(run)
            night.now += timedelta(minutes=6)
    runs.perform(run)

    everything_holds(night, run)


def test_a_killed_stream_left_to_its_deadline_is_taken_up_by_the_next_night(night):
    run = night.start_night()
    with killed_at(release, "_remember", AFTER, times=5):
        for _ in range(2):
            with pytest.raises(Killed):
                runs.perform(run)
    night.next_day()
    night.night()

    run.refresh_from_db()
    assert run.streams.filter(status=StreamRun.Status.CARRIED_OVER).count() == 3
    for stream in Stream.objects.all():
        report = verify(stream, night.now)
        assert (report.pending, report.different) == ([], [])


def test_what_a_killed_worker_leaves_behind_is_never_served_and_goes_when_it_is_a_day_old(night):
    run = night.start_night()
    with killed_at(release, "_deliver", BEFORE), pytest.raises(Killed):
        runs.perform(run)
    night.now += timedelta(seconds=90)  # another instant in the document, so another hash
    take_up_again(night)
    orphans = files() - named_by_deliveries()
    assert orphans, "the killed try left its document"

    assert tasks.sweep_orphan_documents() == 0, "it may belong to a release going on"
    long_ago = time.time() - storage.ORPHAN_AGE - 60
    for path in files():
        os.utime(path, (long_ago, long_ago))

    assert tasks.sweep_orphan_documents() == len(orphans)
    assert files() == named_by_deliveries()
    everything_holds(night, run)
    assert fetch(delivery=Delivery.objects.get(stream=night.streams[0], number=2), at=night.now).is_file()


def test_the_document_of_a_repeated_try_with_the_same_bytes_is_kept_and_not_swept(night):
    """Within one second a second try writes the same document: its name must not be an old orphan's, as old as that."""
    run = night.start_night()
    with killed_at(release, "_deliver", BEFORE), pytest.raises(Killed):
        runs.perform(run)
    long_ago = time.time() - storage.ORPHAN_AGE - 60
    for path in files():
        os.utime(path, (long_ago, long_ago))
    Stream.objects.update(leased_until=None)
    runs.perform(run)

    tasks.sweep_orphan_documents()

    everything_holds(night, run)
    assert named_by_deliveries() <= files()
