"""The parts of a file, put together: after a crash, twice, at once, and in any division."""

import hashlib
import io
import threading
import tracemalloc

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from subscriptions.models import Order
from subscriptions.orders import files, uploads
from subscriptions.orders.lines import OrderRefused
from subscriptions.orders.placing import OrderStateRefused, throw_away
from tests.factories import AT, StreamFactory

BODY = b"0123456789" * 10


def begin(body: bytes = BODY, **changes) -> Order:
    values = {"form": "csv", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} | changes
    return uploads.begin(stream=StreamFactory(served=True), at=AT, **values)


def part(data: bytes) -> files.Received:
    return files.take_in(io.BytesIO(data), most=1 << 30)


def add(order: Order, data: bytes, offset: int) -> Order:
    return uploads.add_part(order, offset=offset, part=part(data))


class Divisions(TestCase):
    @given(st.lists(st.integers(1, len(BODY) - 1), unique=True).map(sorted))
    def test_however_a_file_is_divided_it_comes_whole(self, cuts):
        order = begin()
        for start, end in zip([0, *cuts], [*cuts, len(BODY)], strict=True):
            order = add(order, BODY[start:end], start)

        assert order.status == Order.Status.WAITING
        assert files.raw_path(order).read_bytes() == BODY


@pytest.mark.django_db
@pytest.mark.parametrize("received", [0, 30])
def test_what_a_crash_left_beyond_what_was_counted_is_cut_off(received):
    order = begin()
    if received:
        add(order, BODY[:received], 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        add(order, b"x" * 50, received)
        raise ZeroDivisionError
    assert len(files.raw_path(order).read_bytes()) == received + 50

    done = add(order, BODY[received:], received)

    assert done.status == Order.Status.WAITING
    assert files.raw_path(order).read_bytes() == BODY


@pytest.mark.django_db
def test_a_part_that_is_refused_leaves_no_file_behind(settings):
    order = begin()

    for data, offset, refused in ((b"x", 1, uploads.OffsetRefused), (BODY + b"x", 0, OrderRefused)):
        with pytest.raises(refused):
            add(order, data, offset)

    assert not list((settings.ORDERS_DIR / "unkept").iterdir())
    assert not files.raw_path(order).exists()


@pytest.mark.django_db
def test_a_file_that_was_lost_on_the_way_is_not_made_up():
    order = begin()
    add(order, BODY[:10], 0)
    files.forget(order)

    with pytest.raises(OrderRefused) as refused:
        add(order, BODY[10:], 10)
    assert refused.value.code == "FILE_LOST"


@pytest.mark.django_db
def test_a_file_thrown_away_while_it_was_looked_through_is_no_order(monkeypatch):
    order = begin()
    hashed = uploads._sha256

    def thrown_away(held):
        throw_away(held, at=AT)
        return hashed(held)

    monkeypatch.setattr(uploads, "_sha256", thrown_away)
    with pytest.raises(OrderStateRefused):
        add(order, BODY, 0)
    order.refresh_from_db()
    assert order.status == Order.Status.THROWN_AWAY


@pytest.mark.django_db
def test_a_part_that_another_came_before_is_refused_with_where_to_go_on():
    order = begin()
    add(order, BODY[:30], 0)

    with pytest.raises(uploads.OffsetRefused) as refused:
        add(order, BODY[:30], 0)  # whoever sends it knows the order as it was
    assert refused.value.offset == 30


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_of_two_parts_at_once_one_is_added():
    order = begin()
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def send(data: bytes) -> None:
        sent = part(data)
        ready.wait()
        try:
            uploads.add_part(order, offset=0, part=sent)
            outcomes.append("added")
        except uploads.OffsetRefused as refused:
            outcomes.append(f"refused at {refused.offset}")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(data,)) for data in (BODY[:30], BODY[:30])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["added", "refused at 30"]
    assert files.raw_path(order).read_bytes() == BODY[:30]


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_of_two_that_begin_with_one_key_at_once_both_get_the_same_order():
    stream = StreamFactory(served=True)
    found: list[int] = []
    ready = threading.Barrier(2)

    def ask() -> None:
        ready.wait()
        order = uploads.begin(stream=stream, form="csv", size=9, sha256="0" * 64, at=AT, idempotency_key="k")
        found.append(order.pk)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == 1


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_file(tmp_path):
    size = 64 * 1024 * 1024
    whole, piece = hashlib.sha256(), b"x" * (size // 4)
    for _ in range(4):
        whole.update(piece)
    order = begin(size=size, sha256=whole.hexdigest())

    tracemalloc.start()
    for place in range(4):
        sent = files.take_in(io.BytesIO(piece), most=size)
        tracemalloc.reset_peak()
        order = uploads.add_part(order, offset=place * len(piece), part=sent)
        assert tracemalloc.get_traced_memory()[1] < len(piece) // 2
    tracemalloc.stop()

    assert order.status == Order.Status.WAITING
