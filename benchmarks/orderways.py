"""What an order of full size is compared to: two other ways to the same rows, written for this order and no other.

Each reads the CSV file, and leaves the same watches, Pending and answered lines, under all constraints, indexes and
triggers, in one transaction. Neither keeps the raw file, can be stopped, resumed or watched at work, or knows
any other law, form or kind of line than those of `orderfile`.

- `by_hand`: the best SQL that we could write. Python reads the file and checks the numbers; one COPY; ids
  are drawn before the rows, so that each table is filled by one plain scan of one temporary table.
- `by_bulk_create`: what Django offers. A few queries and four `bulk_create` for each chunk of lines.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from benchmarks.orderfile import CANCEL, NEW
from benefits.apart import apart, numbers_apart
from benefits.identity import IdentityError, parse
from benefits.models import Person, PersonNumber
from lefi.bulk import execute, fresh_id
from subscriptions.models import Order, OrderLine, Pending, Stream, Watch

CHUNK = 5000
LOOK_BACK = timedelta(days=730)
RECONFIRM = timedelta(days=365)
CODES = {"sjukpenning": "FK:SJP", "bostadsbidrag": "FK:BOB", "foraldrapenning": "FK:FP", "pmAllmanPension": "PM:AP"}
GATES = {"FK:FP": "BENEFIT_NOT_IN_BASIS", "PM:AP": "OWNER_NOT_APPROVED"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A line as it was read. `answer` is "" unless the file or the law alone says it."""

    line: int
    kind: str
    number: str
    benefit: str
    from_date: str | None
    case: str
    need: str
    reference: str
    answer: str


def read(path: Path, day: date) -> Iterator[Asked]:
    earliest = (day - LOOK_BACK).isoformat()
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows)
        for line, (kind, written, from_date, name, case, need, reference) in enumerate(rows, start=1):
            number, benefit, fault = written, CODES.get(name, ""), ""
            try:
                number = parse(written, on=day).number
            except IdentityError:
                fault = "NUMBER_INVALID"
            begins, wrong_day = _day(from_date)
            if wrong_day:
                fault = "FROM_INVALID"
            elif len(reference) > 100:
                fault = "REFERENCE_TOO_LONG"
            elif not fault and not benefit:
                fault = "BENEFIT_UNKNOWN"
            elif not fault and kind == NEW:
                fault = _law(benefit, begins, case, need, earliest)
            yield Asked(line, kind, number, benefit or name, begins, case, need, reference[:100], fault)


def _day(written: str) -> tuple[str | None, bool]:
    try:
        return (date.fromisoformat(written).isoformat() if written else None), False
    except ValueError:
        return None, True


def _law(benefit: str, begins: str | None, case: str, need: str, earliest: str) -> str:
    if begins is None:
        return "FROM_MISSING"
    if benefit == "FK:BOB":
        return "BENEFIT_NOT_AGREED"
    if not case:
        return "CASE_REFERENCE_MISSING"
    if not need:
        return "NEED_REFERENCE_MISSING"
    return GATES.get(benefit, "") or ("LOOK_BACK_TOO_LONG" if begins < earliest else "")


# Each line with its person, watch and answer, and with the ids that its rows are to have. As the law is, identity may
# be told: a line is judged by its person, but by its number where that stands apart or a watch is kept by it.
_JUDGE = f"""
CREATE TEMPORARY TABLE judged ON COMMIT DROP AS
WITH found AS (
  SELECT a.*, n.person_id, v.id AS by_number, w.id AS by_person,
    n.person_id IS NULL OR {apart("n.number", "n.person_id")} OR v.by_number AND v.person_id = n.person_id AS alone
  FROM asked a LEFT JOIN benefits_personnumber n ON n.number = a.number AND n.withdrawn_in IS NULL
  LEFT JOIN subscriptions_watch w ON w.person_id = n.person_id AND w.stream_id = %(stream)s
    AND w.benefit = a.benefit AND w.ended_at IS NULL AND NOT w.by_number
  LEFT JOIN subscriptions_watch v ON v.ordered_number = a.number AND v.stream_id = %(stream)s
    AND v.benefit = a.benefit AND v.ended_at IS NULL
), ranked AS (
  SELECT *, CASE WHEN alone IS TRUE OR by_person IS NULL THEN by_number ELSE by_person END AS open_watch,
    first_value(line) OVER same AS first, first_value(kind) OVER same AS first_kind
  FROM found WINDOW same AS (
    PARTITION BY benefit, CASE WHEN alone IS TRUE THEN number ELSE person_id::text END ORDER BY answer <> '', line
  )
), answered AS (
  SELECT line, kind, number, benefit, from_date, case_reference, need_reference, reference, person_id, open_watch,
    person_id IS NOT NULL AND alone IS TRUE AS apart, CASE
    WHEN answer <> '' THEN answer
    WHEN line > first THEN
      CASE WHEN kind = first_kind THEN 'DUPLICATE_IN_ORDER' ELSE 'CONFLICT_IN_ORDER' END
    WHEN kind = '{NEW}' THEN CASE WHEN open_watch IS NULL THEN 'ACCEPTED' ELSE 'ALREADY_WATCHED' END
    WHEN open_watch IS NULL THEN 'NOT_WATCHED' ELSE 'CANCELLED' END AS answer
  FROM ranked ORDER BY line
)
SELECT *, answer = 'ACCEPTED' AS opens, answer = 'ACCEPTED' AND person_id IS NULL AS unknown,
  CASE WHEN answer = 'ACCEPTED' AND person_id IS NULL
    THEN {fresh_id("benefits_person", "")} ELSE person_id END AS person,
  CASE WHEN answer = 'ACCEPTED' THEN {fresh_id("subscriptions_watch", "")}
    WHEN answer = 'ALREADY_WATCHED' THEN open_watch END AS watch
FROM answered
"""
_EFFECTS = (
    "INSERT INTO benefits_person (id, first_number) SELECT person, number FROM judged WHERE unknown",
    "INSERT INTO benefits_personnumber (person_id, number, current, recorded_in) "
    "SELECT person, number, true, 0 FROM judged WHERE unknown",
    "INSERT INTO subscriptions_watch (id, stream_id, person_id, ordered_number, by_number, benefit, from_date, "
    "case_reference, need_reference, reconfirm_by, opened_at, end_reason) SELECT watch, %(stream)s, person, number, "
    "apart, benefit, from_date, case_reference, need_reference, %(reconfirm)s, %(at)s, '' FROM judged WHERE opens",
    "INSERT INTO subscriptions_pending (watch_id, reason, since) SELECT watch, 'first', %(at)s FROM judged WHERE opens",
)
_LINES = (
    "INSERT INTO subscriptions_orderline (order_id, line, file_row, kind, number, benefit, from_date, reference, "
    "answer, watch_id) SELECT %(order)s, line, line + 1, kind, number, benefit, from_date, reference, answer, {watch} "
    "FROM judged"
)


def by_hand(stream: Stream, path: Path, at: datetime, *, preview: bool = False) -> None:
    """Carry the order out, or only answer it without effect, as a preview does."""
    day = timezone.localdate(at)
    with transaction.atomic():
        order = _order(stream, at)
        values = {"stream": stream.pk, "order": order.pk, "at": at, "reconfirm": day + RECONFIRM}
        _copy(read(path, day))
        _run(_JUDGE, values)
        for statement in () if preview else _EFFECTS:
            _run(statement, values)
        _run(_LINES.format(watch="CASE WHEN NOT opens THEN watch END" if preview else "watch"), values)
        with connection.cursor() as cursor:
            cursor.execute("SELECT answer, count(*) FROM judged GROUP BY answer")
            _done(order, dict(cursor.fetchall()), preview)


def _copy(asked: Iterable[Asked]) -> None:
    execute(
        "CREATE TEMPORARY TABLE asked (line integer, kind varchar(30), number varchar(20), benefit varchar(60), "
        "from_date date, case_reference varchar(60), need_reference varchar(60), reference varchar(100), "
        "answer varchar(40)) ON COMMIT DROP"
    )
    with connection.cursor() as cursor, cursor.copy("COPY asked FROM STDIN") as copy:
        for one in asked:
            copy.write_row(
                (
                    one.line,
                    one.kind,
                    one.number,
                    one.benefit,
                    one.from_date,
                    one.case,
                    one.need,
                    one.reference,
                    one.answer,
                )
            )
    execute("ANALYZE asked")


def _run(statement: str, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def by_bulk_create(stream: Stream, path: Path, at: datetime) -> None:
    day = timezone.localdate(at)
    counts: Counter[str] = Counter()
    counted: dict[tuple[str, str], str] = {}
    asked = read(path, day)
    with transaction.atomic():
        order = _order(stream, at)
        while chunk := list(islice(asked, CHUNK)):
            counts.update(_chunk_by_bulk_create(order, stream, chunk, counted, at))
        _done(order, dict(counts), preview=False)


def _chunk_by_bulk_create(
    order: Order, stream: Stream, chunk: list[Asked], counted: dict[tuple[str, str], str], at: datetime
) -> Iterator[str]:
    numbers = PersonNumber.objects.live().filter(number__in={one.number for one in chunk})
    holders = dict(numbers.values_list("number", "person_id"))
    standing = _Standing(stream, chunk, holders)
    answered = [(one, *_answer(one, standing, counted)) for one in chunk]
    opening = [one for one, answer, _ in answered if answer == "ACCEPTED"]
    unknown = Person.objects.bulk_create(
        Person(first_number=one.number) for one in opening if one.number not in holders
    )
    PersonNumber.objects.bulk_create(
        PersonNumber(person=one, number=one.first_number, recorded_in=0) for one in unknown
    )
    holders |= {one.first_number: one.pk for one in unknown}
    opened = Watch.objects.bulk_create(
        Watch(
            stream=stream,
            person_id=holders[one.number],
            ordered_number=one.number,
            by_number=one.number in standing.apart,
            benefit=one.benefit,
            from_date=date.fromisoformat(one.from_date),
            case_reference=one.case,
            need_reference=one.need,
            reconfirm_by=timezone.localdate(at) + RECONFIRM,
            opened_at=at,
        )
        for one in opening
        if one.from_date
    )
    Pending.objects.bulk_create(Pending(watch=one, reason=Pending.Reason.FIRST, since=at) for one in opened)
    fresh = dict(zip((one.line for one in opening), opened, strict=True))
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            line=one.line,
            file_row=one.line + 1,
            kind=one.kind,
            number=one.number,
            benefit=one.benefit,
            from_date=one.from_date,
            reference=one.reference,
            answer=answer,
            watch=fresh.get(one.line, watch),
        )
        for one, answer, watch in answered
    )
    return (answer for _, answer, _ in answered)


class _Standing:
    """The open watches on a chunk's persons and by its numbers, and the numbers that stand apart."""

    def __init__(self, stream: Stream, chunk: list[Asked], holders: dict[str, int]) -> None:
        watches = Watch.objects.open().filter(stream=stream)
        by_person = watches.filter(person__in=holders.values(), by_number=False)
        by_number = watches.filter(ordered_number__in={one.number for one in chunk})
        self.apart = numbers_apart(holders.values())
        self._holders = dict(holders)
        self._by_person = {(one.person_id, one.benefit): one for one in by_person}
        self._by_number = {(one.ordered_number, one.benefit): one for one in by_number}

    def watch(self, one: Asked) -> Watch | None:
        by_number = self._by_number.get((one.number, one.benefit))
        if one.number not in self._holders or one.number in self.apart or (by_number and by_number.by_number):
            return by_number
        return self._by_person.get((self._holders[one.number], one.benefit), by_number)


def _answer(one: Asked, standing: _Standing, counted: dict[tuple[str, str], str]) -> tuple[str, Watch | None]:
    if one.answer:
        return one.answer, None
    watch = standing.watch(one)
    key = one.number, one.benefit
    if key in counted:
        return ("DUPLICATE_IN_ORDER" if counted[key] == one.kind else "CONFLICT_IN_ORDER"), None
    counted[key] = one.kind
    if one.kind == CANCEL:
        return "NOT_WATCHED", None
    if watch is not None:
        return "ALREADY_WATCHED", watch
    return "ACCEPTED", None


def _order(stream: Stream, at: datetime) -> Order:
    return Order.objects.create(
        stream=stream, channel=Order.Channel.API, received_at=at, status=Order.Status.WORKING, form=Order.Form.CSV
    )


def _done(order: Order, counts: dict[str, int], preview: bool) -> None:
    order.status = Order.Status.PREVIEWED if preview else Order.Status.DONE
    order.counts = counts
    order.line_count = order.lines_read = order.lines_done = sum(counts.values())
    order.save()


def forget_preview(order: Order) -> None:
    """What `by_hand` leaves of a preview goes, before the order is carried out."""
    execute("DELETE FROM subscriptions_orderline WHERE order_id = %s", [order.pk])
