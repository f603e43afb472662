"""Workers killed outright while they answer an order: each line is answered once, and what is done is done once."""

import csv
import os
import random
from io import BytesIO, StringIO

import pytest
from django.conf import settings

from subscriptions.models import Order
from subscriptions.orders import files
from subscriptions.orders.lines import CANCEL, NEW, REFRESH
from subscriptions.orders.placing import receive
from tests.factories import AT, PersonFactory, StreamFactory, WatchFactory, identity_number
from tests.outside import Outside
from tests.subscriptions.orders.killing import AFTER, BEFORE, Step

LINES = 3000
WATCHED, KNOWN, PERSONS = 150, 250, 2200  # the first are watched before the order, and nothing is known of the last
KILLS = 10
WITHIN = 100  # statements of a worker's start; a chunk has some thirty

PLACING, FILES, ANSWERING = (f"subscriptions.orders.{name}" for name in ("placing", "files", "answering"))
# Where a worker dies, one after the other, on its way through one order.
STEPS: list[Step] = [
    (PLACING, "_take", AFTER, 1),
    (PLACING, "_keep", AFTER, 2),  # within the reading
    (FILES, "keep", BEFORE, 1),  # all is read
    (FILES, "keep", AFTER, 1),  # and the rows are kept, and not counted
    (PLACING, "_answer", BEFORE, 1),
    (ANSWERING, "_judge", AFTER, 1),
    (ANSWERING, "_carry_out", AFTER, 2),  # one chunk is done; of the next all but its answers
    (ANSWERING, "_write", AFTER, 2),
    (PLACING, "_answer", AFTER, 3),  # the commit is next
    (PLACING, "_answer", BEFORE, 4),  # three are committed
    (PLACING, "_end", BEFORE, 1),
    (PLACING, "_end", AFTER, 1),
]
# Where a worker sleeps, outside of every transaction, while another goes on with its order.
NAPS: list[Step] = [
    (PLACING, "_keep", BEFORE, 2),  # within the reading
    (PLACING, "islice", AFTER, 1),  # with rows to answer, and not begun
    (PLACING, "islice", AFTER, 3),
]
PRELUDE = "from tests.subscriptions.orders.killing import *\n"


def rows_of_all_kinds():
    """Lines on some persons: most new, some of them again; cancelled, refreshed, and wrong in several ways."""
    draw = random.Random(7)
    for line in range(LINES):
        kind = draw.choices([NEW, CANCEL, REFRESH, "glassbestallning"], [70, 15, 14, 1])[0]
        number = identity_number(_person(draw)) if draw.random() > 0.03 else "195001012380"
        benefit = draw.choices(["sjukpenning", "bostadsbidrag", "guldtackor"], [95, 3, 2])[0]
        from_date = draw.choices(["2026-01-01", "2026-10-01", "", "2001-01-01"], [60, 36, 2, 2])[0]
        yield [kind, number, from_date, benefit, f"A{line}", f"rad {line}"]


def _person(draw: random.Random) -> int:
    return draw.randrange(WATCHED if draw.random() < 0.2 else PERSONS)


def order_file() -> bytes:
    text = StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["typ", "personnummer", "from", "formaner", "arendereferens", "referens"])
    writer.writerows(rows_of_all_kinds())
    return text.getvalue().encode()


@pytest.fixture
def orders(transactional_db):
    """The same file ordered in two streams with the same watches, and read by nobody yet."""
    persons = [PersonFactory(first_number=identity_number(n)) for n in range(KNOWN)]
    written = order_file()
    return [_ordered(persons, written) for _ in range(2)]


def _ordered(persons, written: bytes) -> Order:
    stream = StreamFactory(served=True)
    for person in persons[:WATCHED]:
        WatchFactory(stream=stream, person=person, ordered_number=person.first_number)
    received = files.take_in(BytesIO(written), most=len(written))
    return receive(stream=stream, channel=Order.Channel.FILE, received=received, form=Order.Form.CSV, at=AT)


def outside(tmp_path) -> Outside:
    return Outside(tmp_path, ORDERS_DIR=str(settings.ORDERS_DIR), LOG_LEVEL="CRITICAL")


def comes_to_the_same(tmp_path, orders, disturbance: str) -> None:
    """Disturb the first order, which so meets persons that nobody has named; then let both be finished."""
    disturbed, undisturbed = (one.pk for one in orders)
    outside(tmp_path).python(
        f"{PRELUDE}{disturbance.format(order=disturbed)}\nfinish({disturbed})\nfinish({undisturbed})\n"
        f"same_outcome({disturbed}, {undisturbed})\n"
    )


def test_a_worker_killed_at_each_step_of_an_order_loses_no_line_and_doubles_none(orders, tmp_path):
    comes_to_the_same(tmp_path, orders, f"killed_at_steps({{order}}, {STEPS!r})")


def test_workers_killed_at_ten_random_moments_lose_no_line_and_double_none(orders, tmp_path):
    seed = os.environ.get("HISTORY_SEED", "5")
    comes_to_the_same(tmp_path, orders, f"killed_at_random({{order}}, {KILLS}, {WITHIN}, {seed!r})")


def test_a_worker_that_slept_through_its_lease_goes_on_with_nothing(orders, tmp_path):
    comes_to_the_same(tmp_path, orders, f"overtaken_at({{order}}, {NAPS!r})")


def test_of_workers_that_begin_at_once_one_has_the_order(orders, tmp_path):
    comes_to_the_same(tmp_path, orders, "many_at_once({order}, 3)")
