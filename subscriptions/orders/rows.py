"""An order's lines on their way to their answers: numbers and benefits read, the whole stock written out."""

import csv
import os
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from benefits.catalogue import Benefit, catalogue
from benefits.identity import IdentityError, parse
from subscriptions.answers import Answer
from subscriptions.models import Customer, Stream, Watch
from subscriptions.orders.lines import MOST_LINES, NEW, Head, Item, Line, OrderRefused, Stock


class Row(NamedTuple):
    """A line as it is kept between reading and answering. `answer` is "" unless its writing is at fault.

    `number` has 12 digits and `benefit` is a code, where they could be read; `from_date` is YYYY-MM-DD or "".
    """

    line: int
    file_row: int
    kind: str
    number: str
    benefit: str
    from_date: str
    case_reference: str
    need_reference: str
    reference: str
    answer: str


def rows_of(items: Iterable[Item], stream: Stream, day: date) -> Iterator[Row]:
    """Number an order's lines and read what stands in them; `day` is when it came.

    Raise OrderRefused with OTHER_ORGANISATION, TOO_MANY_LINES, or EMPTY at the end.
    """
    place = 0
    for place, line in enumerate(_lines(items, stream), start=1):
        if place > MOST_LINES:
            raise OrderRefused("TOO_MANY_LINES")
        yield _row(place, line, day)
    if not place:
        raise OrderRefused("EMPTY")


def _lines(items: Iterable[Item], stream: Stream) -> Iterator[Line]:
    for item in items:
        if isinstance(item, Head):
            refuse_another_sender(item, stream.agreement.customer)
        elif isinstance(item, Stock):
            yield from _lines_of_stock(item, stream)
        else:
            yield item


def refuse_another_sender(head: Head, customer: Customer) -> None:
    """An order says who sends it, wholly or in part; what it says must be true (C2)."""
    number = head.organisation_number.replace("-", "")
    if number not in ("", customer.organisation_number) or head.unit not in ("", customer.unit):
        raise OrderRefused("OTHER_ORGANISATION")


def _row(place: int, line: Line, day: date) -> Row:
    benefit = _benefit(line.benefit)
    number, answer = line.number, line.fault
    try:
        number = parse(line.number, on=day).number
    except IdentityError:
        answer = answer or Answer.NUMBER_INVALID
    if benefit is None:
        answer = answer or Answer.BENEFIT_UNKNOWN
    if line.kind == NEW and line.from_date is None:
        answer = answer or Answer.FROM_MISSING
    return Row(
        place,
        line.row or place,
        line.kind,
        number,
        benefit.code if benefit else line.benefit,
        line.from_date.isoformat() if line.from_date else "",
        line.case_reference,
        line.need_reference,
        line.reference,
        answer,
    )


@lru_cache(maxsize=1024)
def _benefit(name: str) -> Benefit | None:
    """The benefit with this code or order name."""
    known = catalogue()
    return known.benefits.get(name) or known.by_order_name(name)


def _lines_of_stock(stock: Stock, stream: Stream) -> Iterator[Line]:
    """A line for each open watch, or for each benefit and number watched; one line that is at fault, if it is."""
    codes = []
    for name in stock.benefits:
        benefit = _benefit(name)
        if benefit is None or stock.fault:
            yield Line(stock.kind, "", name, stock.from_date, row=stock.row, fault=stock.fault or "BENEFIT_UNKNOWN")
            return
        codes.append(benefit.code)
    watches = Watch.objects.open().filter(stream=stream)
    if stock.kind == NEW:
        yield from _for_everybody(watches, stock, codes)
        return
    if codes:
        watches = watches.filter(benefit__in=codes)
    for number, code in watches.order_by("pk").values_list("ordered_number", "benefit").iterator():
        yield Line(stock.kind, number, code, stock.from_date, reference=stock.reference, row=stock.row)


def _for_everybody(watches, stock: Stock, codes: list[str]) -> Iterator[Line]:
    """The benefits for each number, with the references of the oldest watch by it.

    Neither a line left out nor the order of them says which numbers are one person's.
    """
    last = None
    rows = watches.order_by("ordered_number", "pk").values_list("ordered_number", "case_reference", "need_reference")
    for number, case, need in rows.iterator():
        if number == last:
            continue
        last = number
        for code in codes or [""]:
            yield Line(NEW, number, code, stock.from_date, case, need, stock.reference, stock.row)


def write_rows(path: Path, rows: Iterable[Row]) -> Iterator[int]:
    """Write rows to a file, durably, and yield how many stand there now and then; the file is whole at the end."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for count, row in enumerate(rows, start=1):
            writer.writerow(row)
            if count % STRIDE == 0:
                yield count
        file.flush()
        os.fsync(file.fileno())
    yield count


STRIDE = 20_000


def read_rows(path: Path, *, after: int = 0) -> Iterator[Row]:
    """Read back the rows after the first so many."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in islice(csv.reader(file), after, None):
            yield Row(int(row[0]), int(row[1]), *row[2:])
