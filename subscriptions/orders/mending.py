"""What in an order had no effect and could be put right: how much of it is left, and ordering it again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from benefits.catalogue import catalogue
from lefi import sheets
from lefi.audit.models import Action, record
from lefi.errors import Refused
from subscriptions.answers import CARRIED_OUT, STOOD_ALREADY, sentence
from subscriptions.models import Order, OrderLine
from subscriptions.models.orders import OrderQuerySet
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import OrderStateRefused, place_order

REMEMBERED = timedelta(days=30)  # that an order's faults are brought up
MOST = 200  # orders looked at


@dataclass(frozen=True, slots=True)
class Faulty:
    """An order with lines that somebody may want to mend, and how many are left."""

    order: Order
    left: int


def faults_in(counts: dict[str, int]) -> int:
    """How many lines of an order had no effect that could have had one."""
    return sum(count for code, count in counts.items() if code not in CARRIED_OUT and code not in STOOD_ALREADY)


def to_mend(orders: OrderQuerySet, at: datetime) -> list[Faulty]:
    """The orders done in the last thirty days whose faults nobody has mended or settled, the newest first."""
    lately = orders.filter(status=Order.Status.DONE, settled_at=None, done_at__gt=at - REMEMBERED)
    again = Order.objects.filter(mends=OuterRef("pk"), mends_line=None, status=Order.Status.DONE)
    one_by_one = Count("mended_by", filter=Q(mended_by__mends_line__isnull=False))
    rows = lately.filter(~Exists(again)).annotate(mended=one_by_one).order_by("-pk")[:MOST]
    return list(_with_faults(rows))


def _with_faults(rows: Iterable[Any]) -> Iterable[Faulty]:
    for order in rows:
        left = faults_in(order.counts) - order.mended
        if left > 0:
            yield Faulty(order, left)


class MendRefused(Refused):
    """The line is not ordered again.

    It had an effect or stood already (NOT_FAULTY), somebody has put it right meanwhile (MENDED), or, put right as it
    was, it would have no effect either: then with the answer's own code.
    """


def is_faulty(line: OrderLine) -> bool:
    return line.answer not in CARRIED_OUT and line.answer not in STOOD_ALREADY


def mended(order: Order, lines: Iterable[int]) -> dict[int, Order]:
    """The orders that have put lines of an order right, by line."""
    rows = Order.objects.filter(mends=order, mends_line__in=list(lines))
    return {one.mends_line: one for one in rows if one.mends_line is not None}


def mend(*, order: Order, line: OrderLine, lines: Sequence[Line], by: Any, at: datetime) -> Order:
    """Order a faulty line again, put right, as an order of its own that names the old one; at once and with effect.

    Nothing is left behind where it would have no effect. Raise MendRefused, or OrderStateRefused while the old order is
    not done.
    """
    if order.status != Order.Status.DONE:
        raise OrderStateRefused("ORDER_STATE")
    if not is_faulty(line):
        raise MendRefused("NOT_FAULTY")
    try:
        with transaction.atomic():
            made = place_order(
                stream=order.stream,
                channel=Order.Channel.PORTAL,
                lines=lines,
                at=at,
                ordered_by=by,
                mends=order,
                mends_line=line.line,
            )
            if not any(code in CARRIED_OUT for code in made.counts):
                raise MendRefused(min(made.counts))
    except IntegrityError:
        raise MendRefused("MENDED") from None
    return made


@transaction.atomic
def settle(*, order: Order, by: Any, at: datetime) -> None:
    """Note that nobody needs to mend any more of an order. Repeating it is harmless."""
    if Order.objects.filter(pk=order.pk, status=Order.Status.DONE, settled_at=None).update(settled_at=at):
        record(
            action=Action.ACKNOWLEDGE,
            object_type=order._meta.label_lower,
            object_id=order.pk,
            actor=by,
            customer_id=order.stream.agreement.customer_id,
            reason="faults settled",
        )


HEADS = ("typ", "personnummer", "formaner", "from", "arendereferens", "behovsreferens", "referens", "svar", "mening")


def faulty_rows(order: Order, *, by: Any) -> Iterator[str]:
    """The faulty lines alone, as a file that can be mended and sent again; why each is at fault stands beside it.

    Having written down who fetches them.
    """
    left = _left(order)
    record(
        action=Action.FETCH,
        object_type=order._meta.label_lower,
        object_id=order.pk,
        actor=by,
        customer_id=order.stream.agreement.customer_id,
        form="faults",
        lines=left.count(),
    )
    return _rows(left)


def _left(order: Order) -> QuerySet[OrderLine]:
    """The faulty lines that nobody has put right."""
    done = [line for line in Order.objects.filter(mends=order).values_list("mends_line", flat=True) if line]
    lines = OrderLine.objects.filter(order=order).exclude(answer__in=sorted(CARRIED_OUT | STOOD_ALREADY))
    return lines.exclude(line__in=done).order_by("line")


def _rows(lines: QuerySet[OrderLine]) -> Iterator[str]:
    words = {code: str(sentence(code)) for code in lines.order_by().values_list("answer", flat=True).distinct()}
    yield sheets.MARK + sheets.row(HEADS)
    for line in lines.iterator(chunk_size=5000):
        yield sheets.row(_cells(line, words))


def _cells(line: OrderLine, words: dict[str, str]) -> tuple[Any, ...]:
    benefit = catalogue().benefits.get(line.benefit)
    return (
        line.kind,
        line.number,
        benefit.order_name if benefit else line.benefit,
        line.from_date,
        line.case_reference,
        line.need_reference,
        line.reference,
        line.answer,
        words[line.answer],
    )
