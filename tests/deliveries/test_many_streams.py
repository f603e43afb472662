"""Two hundred streams and one far behind: each in order, and the one keeps no other waiting. Counted, not timed."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from unittest import mock

import pytest
from django.db import connection, connections

from deliveries import runs, storage, tasks
from deliveries.models import Delivery, Run, StreamRun
from deliveries.reading import read
from deliveries.verification import verify
from subscriptions.models import Pending, Stream
from tests.histories.sources import AP, FP, GEPI, SJP, sickness
from tests.histories.world import NARROW, PLAIN, World, world

STREAMS = 200
EACH = 3  # watches of each of them
BENEFITS = [SJP, FP, GEPI, AP]
PERSONS = EACH * 1000 // len(BENEFITS)  # so that the one behind has a thousand times as many
WORKERS = 4


@pytest.fixture
def made(db, tmp_path) -> Iterator[World]:
    """Two hundred streams with the same three persons each, whose first deliveries are owed, and those of the world."""
    with world(tmp_path, persons=PERSONS) as made:
        made.sources.hand_over(made.now, *made.sources.people)
        for _ in range(STREAMS):
            made.streams.append(made._stream(PLAIN, NARROW))
        made.owe(made.streams[-STREAMS:], EACH, [SJP])
        news(made)
        yield made


def news(made: World) -> None:
    """One more case of each person that all watch."""
    for person in made.sources.people[:EACH]:
        items = person.items("sjukpenningarende")
        items.append(sickness(made.day, len(items) + 5))
    made.sources.hand_over(made.now, *made.sources.people[:EACH])


@contextmanager
def finishing() -> Iterator[list[int]]:
    """Notes the streams in the order in which they are released."""
    true, done = runs.release, []

    def note(*args):
        delivery = true(*args)
        done.append(args[1].pk)
        return delivery

    with mock.patch.object(runs, "release", note):
        yield done


def night(made: World) -> list[int]:
    """The night as its task starts it; the streams in the order in which they were done."""
    made.now = made._at(22)
    with finishing() as done:
        tasks.start_the_night()
    made.next_day()
    assert Run.objects.latest("pk").status == Run.Status.DONE
    return done


def everything_is_in_order() -> None:
    """Numbers without gaps in every stream, and each block of a person builds on the one told before it."""
    known: dict[tuple[int, str], str] = {}
    numbers = Counter[int]()
    for delivery in Delivery.objects.order_by("stream", "number"):
        numbers[delivery.stream_id] += 1
        assert delivery.number == numbers[delivery.stream_id]
        for entry in read(storage.place_of(delivery.sha256), check=False):
            for block in entry.blocks:
                assert known.get((block.watch, block.section), block.before) == block.before
                known[block.watch, block.section] = block.after
    assert set(StreamRun.objects.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    assert not Pending.objects.exists()


def test_one_stream_far_behind_changes_nothing_for_two_hundred_others(made):
    small, behind = {one.pk for one in made.streams[-STREAMS:]}, made.streams[0]
    without = night(made)
    news(made)
    made.owe([behind], PERSONS, BENEFITS)
    with_it = night(made)

    sizes = dict(StreamRun.objects.filter(run=Run.objects.latest("pk")).values_list("stream", "candidates"))
    assert {sizes[one] for one in small} == {EACH} and sizes[behind.pk] == 1000 * EACH
    assert with_it.index(behind.pk) == len(with_it) - 1, "all others are done before it"
    assert [one for one in with_it if one in small] == [one for one in without if one in small]
    everything_is_in_order()
    assert Delivery.objects.get(stream=behind, number=2).persons == PERSONS
    for stream in made.streams[-STREAMS::50]:
        assert verify(Stream.objects.get(pk=stream.pk), made.now).holds


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_workers_share_the_others_while_one_of_them_is_busy_with_the_stream_far_behind(made):
    """The worst case: the stream behind is taken first, and is not done until all others are."""
    assert connection.vendor == "postgresql", "threads are tried on PostgreSQL"
    behind = made.streams[0]
    made.owe([behind], PERSONS, BENEFITS)
    run = made.start_night()
    turns = deque(runs.in_turn(run))
    turns.rotate(1)
    order = [one.stream_id for one in turns][1:]
    assert turns[0].stream_id == behind.pk
    others_are_done, true, done, shares = Event(), runs.reading.validate, [], Counter[int]()

    def work(worker: int) -> None:
        try:
            while turns:
                one = turns.popleft()
                runs.release_stream(one)
                done.append(one.stream_id)
                shares[worker] += 1
                if len(done) == len(order):
                    others_are_done.set()
        finally:
            connections.close_all()

    def validate(path, *args) -> None:
        if path.stat().st_size > 100_000:  # the one that is behind
            assert others_are_done.wait(120)
        true(path, *args)

    with mock.patch.object(runs.reading, "validate", validate):
        workers = [Thread(target=work, args=(number,)) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    runs.end_if_done(run, made.now)

    assert done[-1] == behind.pk and sorted(done[:-1]) == sorted(order)
    assert all(abs(place - order.index(one)) < 5 * WORKERS for place, one in enumerate(done[:-1]))
    assert sorted(shares.values())[0] == 1, "one worker had the stream behind alone"
    assert sorted(shares.values())[1] > len(order) / WORKERS / 2, "the others shared the rest"
    everything_is_in_order()
