"""What a delivery says of the customer's orders: how many lines got each answer, and which had no effect.

A line that had an effect is told by the status of its watch, which names the order and the line. Nobody's protection
shows: an order is carried as it was answered, and a frozen watch's status is not told at all (C8).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from deliveries.document import LineAnswer, OrderAnswer
from subscriptions.answers import CARRIED_OUT, Answer
from subscriptions.models import Order, OrderLine, Pending, Stream

LINES = 5000  # on a page
OPENED = frozenset({Answer.ACCEPTED, Answer.NUMBER_REPLACED})


class Cause(NamedTuple):
    """A line of an order that had an effect on a watch, and its order's dates. `carried_in` is a delivery's number."""

    order: int
    line: int
    answer: str
    received_at: datetime
    done_at: datetime | None
    carried_in: int | None

    def made(self, owed: Pending) -> bool:
        """Whether something owed may be due to this line."""
        return self.received_at <= owed.since and (self.done_at is None or owed.since <= self.done_at)


def to_carry(stream: Stream) -> QuerySet[Order]:
    """The orders of a stream that are done and stand in no delivery yet, the oldest first."""
    done = Order.objects.filter(stream=stream, status=Order.Status.DONE, carried_in=None)
    return done.exclude(aim=Order.Aim.PREVIEW).order_by("pk")


def answer_of(order: Order) -> OrderAnswer:
    """What an order was answered as a whole."""
    counts = {code: count for code, count in order.counts.items() if count}
    return OrderAnswer(order.pk, order.received_at, order.line_count or 0, order.reference, counts)


def lines_without_effect(order: Order) -> Iterator[list[LineAnswer]]:
    """The lines of an order that had no effect, in order, a page at a time."""
    lines = OrderLine.objects.filter(order=order).exclude(answer__in=sorted(CARRIED_OUT)).order_by("line")
    columns = ("line", "file_row", "answer", "reference")
    last, more = 0, any(count for code, count in order.counts.items() if code not in CARRIED_OUT)
    while more:
        page = list(lines.filter(line__gt=last).values_list(*columns)[:LINES])
        more = len(page) == LINES
        last = page[-1][0] if page else last
        yield [LineAnswer(line, row if row != line else 0, code, own) for line, row, code, own in page]


def causes_of(watches: Collection[int]) -> dict[int, list[Cause]]:
    """By watch, the lines of orders that opened, refreshed or ended it, the newest first."""
    lines = OrderLine.objects.filter(watch__in=watches, answer__in=sorted(CARRIED_OUT))
    rows = lines.exclude(order__aim=Order.Aim.PREVIEW).order_by("-order_id", "-line")
    columns = ("order_id", "line", "answer", "order__received_at", "order__done_at", "order__carried_in")
    found: dict[int, list[Cause]] = defaultdict(list)
    for watch, *rest in rows.values_list("watch_id", *columns):
        found[watch].append(Cause(*rest))
    return found


def opening(causes: Collection[Cause]) -> Cause | None:
    """The line that opened the watch."""
    return next((one for one in causes if one.answer in OPENED), None)


def ending(causes: Collection[Cause]) -> Cause | None:
    """The line that ended the watch; None if something else did."""
    return next((one for one in causes if one.answer == Answer.CANCELLED), None)


def refreshing(causes: Collection[Cause], owed: Collection[Pending]) -> Cause | None:
    """The newest line that asked for all again, if that has not been told: its order stands in no delivery, or what is
    owed came of it.
    """
    newest = next((one for one in causes if one.answer == Answer.REFRESH_ORDERED), None)
    refresh = [one for one in owed if one.reason == Pending.Reason.REFRESH]
    if newest is None or not refresh:
        return None
    return newest if newest.carried_in is None or any(newest.made(one) for one in refresh) else None
