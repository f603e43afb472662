"""What an order's row says of how far it has got, which orders a worker takes up, and what the database refuses."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from subscriptions.models import Order, OrderLine, Watch
from tests.factories import AT, MemberFactory, OrderFactory, OrderLineFactory, WatchFactory, identity_number

pytestmark = pytest.mark.django_db

STATUS = Order.Status
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("line_count", "lines_done", "percent"),
    [(None, 0, 0), (0, 0, 100), (3, 0, 0), (3, 1, 33), (200, 199, 99), (3, 3, 100)],
)
def test_the_percentage_is_of_the_lines_answered_and_whole_only_when_all_are(line_count, lines_done, percent):
    assert Order(line_count=line_count, lines_done=lines_done).percent == percent


@pytest.mark.parametrize(
    ("size", "bytes_read", "line_count", "percent"),
    [
        (0, 0, None, 0),
        (300, 0, None, 0),
        (300, 100, None, 33),
        (300, 300, None, 99),
        (300, 300, 7, 100),
        (0, 0, 7, 100),
    ],
)
def test_the_percentage_read_is_of_the_file_and_whole_only_when_the_lines_are_counted(
    size, bytes_read, line_count, percent
):
    assert Order(size=size, bytes_read=bytes_read, line_count=line_count).percent_read == percent


RATES = {
    "not taken up": ({"pass_started_at": None}, 0.0, None),
    "just taken up": ({"pass_started_at": AT}, 0.0, None),
    "a minute ago": ({"pass_started_at": AT - MINUTE}, 5.0, MINUTE * 2),
    "gone on with at half": ({"pass_started_at": AT - MINUTE, "pass_from": 150}, 2.5, MINUTE * 4),
    "nothing since": ({"pass_started_at": AT - MINUTE, "pass_from": 300}, 0.0, None),
    "begun anew from less": ({"pass_started_at": AT - MINUTE, "pass_from": 400}, 0.0, None),
    "being read": (
        {"pass_started_at": AT - MINUTE, "line_count": None, "lines_read": 600, "lines_done": 0},
        10.0,
        None,
    ),
    "waiting": ({"pass_started_at": AT - MINUTE, "status": STATUS.WAITING}, 0.0, None),
    "stopped": ({"pass_started_at": AT - MINUTE, "status": STATUS.STOPPED}, 0.0, None),
    "done earlier": ({"pass_started_at": AT - MINUTE * 9, "done_at": AT - MINUTE * 8, "status": "done"}, 5.0, None),
    "clock set back": ({"pass_started_at": AT + MINUTE}, 0.0, None),
}


@pytest.mark.parametrize(("said", "rate", "left"), RATES.values(), ids=RATES)
def test_lines_a_second_and_the_time_left_are_of_the_present_pass(said, rate, left):
    order = Order(**{"status": STATUS.WORKING, "line_count": 900, "lines_done": 300} | said)

    assert (order.rate(AT), order.time_left(AT)) == (rate, left)


@pytest.mark.parametrize("status", STATUS)
def test_what_is_refused_thrown_away_or_done_is_over(status):
    assert Order(status=status).over is (status in ("done", "refused", "thrown_away"))


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize(("leased_until", "free"), [(None, True), (AT, True), (AT + MINUTE, False)])
def test_a_worker_takes_up_what_waits_and_what_another_no_longer_holds(status, leased_until, free):
    refusal = "EMPTY" if status == STATUS.REFUSED else ""
    OrderFactory(status=status, leased_until=leased_until, refusal=refusal)

    assert Order.objects.to_work_on(AT).exists() is (free and status in ("waiting", "working"))


def test_a_portal_user_sees_the_orders_of_own_customers_only():
    member = MemberFactory()
    own = OrderFactory(stream__agreement__customer=member.customer)
    OrderFactory()

    assert list(Order.objects.visible_to(member.user)) == list(Order.objects.of(member.customer)) == [own]


REFUSED = {
    "refused without a reason": {"status": STATUS.REFUSED},
    "a reason without being refused": {"status": STATUS.DONE, "refusal": "NOT_XML"},
    "more lines answered than it has": {"line_count": 3, "lines_done": 4},
}


@pytest.mark.parametrize("said", REFUSED.values(), ids=REFUSED)
def test_the_database_refuses_a_row_that_contradicts_itself(said):
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderFactory(**said)


def test_a_key_stands_for_one_order_in_a_stream():
    order = OrderFactory(idempotency_key="K1")
    OrderFactory(idempotency_key="K1")
    OrderFactory.create_batch(2, stream=order.stream)

    with pytest.raises(IntegrityError), transaction.atomic():
        OrderFactory(stream=order.stream, idempotency_key="K1")


def test_a_line_is_answered_once():
    line = OrderLineFactory(line=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        OrderLineFactory(order=line.order, line=1)
    assert OrderLine.objects.count() == 1


ENDED = {"ended_at": AT, "ended_as_of": 1, "end_reason": Watch.EndReason.CANCELLED}


@pytest.mark.parametrize("by_number", [False, True])
def test_an_open_watch_stands_alone_for_its_number_and_those_that_ended_do_not_count(by_number):
    watch = WatchFactory(by_number=by_number)
    same = {"stream": watch.stream, "ordered_number": watch.ordered_number}
    WatchFactory.create_batch(2, **same, person=watch.person, **ENDED)

    with pytest.raises(IntegrityError), transaction.atomic():
        WatchFactory(**same, by_number=by_number)
    Watch.objects.filter(pk=watch.pk).update(**ENDED)
    WatchFactory(**same, by_number=by_number)


def test_an_open_watch_stands_alone_for_its_person_unless_it_is_kept_by_its_number():
    watch = WatchFactory()
    same = {"stream": watch.stream, "person": watch.person}
    WatchFactory(**same, ordered_number=identity_number(902), by_number=True)
    WatchFactory(**same, ordered_number=identity_number(903), by_number=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        WatchFactory(**same, ordered_number=identity_number(904))
    Watch.objects.filter(pk=watch.pk).update(**ENDED)
    WatchFactory(**same, ordered_number=identity_number(904))
