"""Answering a chunk of an order's lines, and carrying out what the answers say: a few statements over whole sets.

A line is judged against what stood before the order. Of the lines on one person and benefit that nothing refuses, the
first counts, whether or not anything is left for it to do; what comes after it is answered as a duplicate, or as a
conflict if it asks for something else. So the answers are the same however the lines are cut into chunks, and an order
that is sent again does nothing more.

Two numbers of one person are one person only where the customer may be told so. Elsewhere a line is judged by its
number alone, as if it were another person's (C8); and so is one by a number that came while the person was protected
(benefits/apart.py), or by which a watch is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection

from benefits.apart import apart, numbers_apart, seen_as_current
from benefits.models import PersonNumber
from benefits.staging import add_unheld
from lefi.bulk import analyze, copy_rows, drop_temporary_tables, execute, fresh_id, make_temporary_table, planned
from subscriptions import decision
from subscriptions.answers import CARRIED_OUT, Answer
from subscriptions.models import Order, Pending, Watch
from subscriptions.orders.lines import CANCEL, NEW
from subscriptions.orders.rows import Row
from subscriptions.profiles import Given, StreamLaw, consents_of, given_for
from subscriptions.watches import end_watches

CHUNK = 20_000  # lines; fewer than the variables that one statement of SQLite may have

_WRITTEN = (
    "line integer, file_row integer, kind varchar(30), number varchar(20), benefit varchar(60), from_date date, "
    "case_reference varchar(60), need_reference varchar(60), reference varchar(100), answer varchar(40)"
)
_TABLES = {
    "asked_row": f"{_WRITTEN}, named smallint, replaced smallint",
    "asked": f"{_WRITTEN}, person_id bigint, watch_id bigint, apart smallint",
    "asked_before": "number varchar(20), person_id bigint, benefit varchar(60), kind varchar(30)",
}
# Of a preview the lines that count of its earlier chunks, kept from chunk to chunk. One row, whose kind is "", says of
# which order they are, and of how many of its lines.
_SO_FAR = "asked_so_far"
_SO_FAR_COLUMNS = "number varchar(20), benefit varchar(60), kind varchar(30), of_order bigint, lines integer"
_OF_WHICH = "number = '' AND kind = ''"
_COLUMNS = [*Row._fields, "named", "replaced"]
_EFFECTS = ", ".join(f"'{one}'" for one in sorted(CARRIED_OUT))
# Of the lines on a person and a benefit the one that counts is answered thus.
_COUNTED = f"{_EFFECTS}, '{Answer.ALREADY_WATCHED}', '{Answer.NOT_WATCHED}'"
_OPENED = f"('{Answer.ACCEPTED}', '{Answer.NUMBER_REPLACED}')"
_UNLESS_WITH_A_WATCH = f"CASE WHEN answer IN ({_EFFECTS}) AND watch_id IS NOT NULL THEN '' ELSE {{}} END"
_WITH_A_WATCH = f"('{Answer.ALREADY_WATCHED}', '{Answer.CANCELLED}', '{Answer.REFRESH_ORDERED}')"

# What an earlier chunk's line that counts asked for, for the same benefit and person, or number where it is judged by
# that. It is looked up by the watch; `+ 0` keeps PostgreSQL from going through the order, of whose size it knows
# nothing yet.
_BEFORE_BY_WATCH = f"""
CASE WHEN open_watch IS NULL AND %(cancelled)s = 0 THEN NULL WHEN as_person = 1 THEN (
  SELECT e.kind FROM subscriptions_watch v JOIN subscriptions_orderline e ON e.watch_id = v.id
  WHERE v.person_id = h.person_id AND v.stream_id = %(stream)s AND v.benefit = h.benefit AND NOT v.by_number
  AND e.order_id + 0 = %(order)s AND e.answer IN ({_COUNTED}) ORDER BY e.line LIMIT 1
) ELSE (
  SELECT e.kind FROM subscriptions_watch v JOIN subscriptions_orderline e ON e.watch_id = v.id
  WHERE v.ordered_number = h.number AND v.stream_id = %(stream)s AND v.benefit = h.benefit
  AND e.order_id + 0 = %(order)s AND e.answer IN ({_COUNTED}) ORDER BY e.line LIMIT 1
) END
"""
# The same where no watch leads to the line: it found none, or it is of a preview, which opens none. Few lines are on
# whom an earlier one was: whether one is, is asked first, of all at once.
_BEFORE_BY_LINE = f"""
CASE WHEN h.answer <> '' THEN NULL WHEN as_person = 1 THEN CASE WHEN h.person_id IN (
  SELECT b.person_id FROM asked_before b WHERE b.person_id IS NOT NULL
) THEN (
  SELECT max(b.kind) FROM asked_before b WHERE b.person_id = h.person_id AND b.benefit = h.benefit
  AND NOT {apart("b.number", "b.person_id")} AND (SELECT w.id FROM subscriptions_watch w WHERE w.by_number
    AND w.stream_id = %(stream)s AND w.ordered_number = b.number AND w.benefit = b.benefit AND w.ended_at IS NULL
  ) IS NULL
) END WHEN h.number IN (SELECT b.number FROM asked_before b) THEN (
  SELECT max(b.kind) FROM asked_before b WHERE b.number = h.number AND b.benefit = h.benefit
) END
"""
_HOLDER = """
(SELECT n.person_id FROM benefits_personnumber n WHERE n.number = {number} AND n.withdrawn_in IS NULL)
"""
_REMEMBER = f"""
INSERT INTO asked_before (number, person_id, benefit, kind)
SELECT number, {_HOLDER.format(number="e.number")}, benefit, kind FROM subscriptions_orderline e WHERE order_id = %s
"""
# What was not watched; found through the index order_lines_without_effect.
_NOT_WATCHED = f" AND NOT (answer IN ({_EFFECTS})) AND answer = '{Answer.NOT_WATCHED}'"
# Of a preview all that counted by the numbers of this chunk, or by others that a person of it has.
_REMEMBER_PREVIEWED = f"""
INSERT INTO asked_before (number, person_id, benefit, kind)
SELECT s.number, {_HOLDER.format(number="s.number")}, s.benefit, s.kind FROM (
  SELECT number FROM asked_row UNION SELECT o.number FROM (
    SELECT {_HOLDER.format(number="r.number")} AS person_id FROM asked_row r WHERE named = 1
  ) h JOIN benefits_personnumber o ON o.person_id = h.person_id AND o.withdrawn_in IS NULL
) a JOIN {_SO_FAR} s ON s.number = a.number AND s.kind <> ''
"""
_REPLACED = f"{seen_as_current('ranked.number', 'ranked.person_id', 'ranked.is_current = 1')} = 0"
# Of a line that is judged by its person, the open watch on that one, or 0; negative for one by a number that a watch is
# kept by: it is judged by that until the watch ends, and to the end of the order that ends it. Otherwise NULL.
_OF_PERSON = f"""
CASE WHEN named = 1 AND person_id IS NOT NULL AND NOT {apart("held.number", "held.person_id")} THEN coalesce((
  SELECT CASE WHEN max(CASE WHEN w.by_number AND w.ordered_number = held.number THEN 1 ELSE 0 END) = 1 THEN -1
    ELSE max(CASE WHEN NOT w.by_number THEN w.id END) END
  FROM subscriptions_watch w
  WHERE w.person_id = held.person_id AND w.stream_id = %(stream)s AND w.benefit = held.benefit
  AND (w.ended_at IS NULL OR %(cancelled)s = 1 AND w.by_number AND EXISTS (SELECT 1 FROM subscriptions_orderline e
    WHERE e.watch_id = w.id AND e.order_id + 0 = %(order)s AND e.answer = '{Answer.CANCELLED}'))
), 0) END
"""
# Persons and watches are looked up by subqueries: a plan with joins would read the whole register for each chunk.
_JUDGE = f"""
INSERT INTO asked (line, file_row, kind, number, benefit, from_date, case_reference, need_reference, reference,
  answer, person_id, watch_id, apart)
WITH looked_up AS MATERIALIZED (
  SELECT r.*, CASE WHEN r.answer = '' THEN (SELECT n.person_id * 2 + CASE WHEN n.current THEN 1 ELSE 0 END
    FROM benefits_personnumber n WHERE n.number = r.number AND n.withdrawn_in IS NULL) END AS holder
  FROM asked_row r
), held AS (
  SELECT looked_up.*, holder / 2 AS person_id, holder %% 2 AS is_current FROM looked_up
), joined AS MATERIALIZED (
  SELECT held.*, {_OF_PERSON} AS of_person FROM held
), known AS MATERIALIZED (
  SELECT joined.*, CASE WHEN of_person >= 0 THEN 1 ELSE 0 END AS as_person,
    CASE WHEN of_person > 0 THEN of_person WHEN answer = '' THEN (SELECT w.id FROM subscriptions_watch w
      WHERE w.ordered_number = joined.number AND w.stream_id = %(stream)s AND w.benefit = joined.benefit
      AND w.ended_at IS NULL) END AS open_watch
  FROM joined
), found AS (
  SELECT h.*, {{before}} AS before, CASE WHEN h.answer = '' THEN
    line * 4 + CASE h.kind WHEN '{NEW}' THEN 1 WHEN '{CANCEL}' THEN 2 ELSE 3 END END AS asks
  FROM known h
), ranked AS (
  SELECT found.*, min(asks) OVER (
    PARTITION BY benefit, CASE WHEN as_person = 1 THEN person_id END, CASE WHEN as_person = 0 THEN number END
  ) AS first_asks
  FROM found
), answered AS (
  SELECT ranked.*, CASE
    WHEN answer <> '' THEN answer
    WHEN before = kind OR before IS NULL AND asks > first_asks AND asks %% 4 = first_asks %% 4
      THEN '{Answer.DUPLICATE_IN_ORDER}'
    WHEN before IS NOT NULL OR asks > first_asks THEN '{Answer.CONFLICT_IN_ORDER}'
    WHEN kind = '{NEW}' AND open_watch IS NOT NULL THEN '{Answer.ALREADY_WATCHED}'
    WHEN kind = '{NEW}' AND replaced = 1 AND person_id IS NOT NULL AND {_REPLACED} THEN '{Answer.NUMBER_REPLACED}'
    WHEN kind = '{NEW}' THEN '{Answer.ACCEPTED}'
    WHEN open_watch IS NULL THEN '{Answer.NOT_WATCHED}'
    WHEN kind = '{CANCEL}' THEN '{Answer.CANCELLED}'
    ELSE '{Answer.REFRESH_ORDERED}' END AS said
  FROM ranked
)
SELECT line, file_row, kind, number, benefit, from_date, case_reference, need_reference, reference, said, person_id,
  CASE WHEN said IN {_WITH_A_WATCH} THEN open_watch WHEN said IN {_OPENED} THEN {{fresh}} END,
  CASE WHEN as_person = 1 OR named = 1 AND person_id IS NULL THEN 0 ELSE 1 END
FROM (SELECT answered.*, row_number() OVER (ORDER BY person_id, line) AS place FROM answered ORDER BY place) placed
"""


@dataclass(frozen=True, slots=True)
class _Said:
    """What the law says to a new watch: "" or its refusal, and whether it is told that the number was replaced."""

    refusal: str
    replaced: int


class Law:
    """The law's answers to new watches in one stream on one day, each kind of line asked once.

    `telling`: that a number was replaced is told, where it may be; never by a preview, which leaves no trace.
    """

    def __init__(self, law: StreamLaw, *, telling: bool) -> None:
        self.law = law
        self.telling = telling
        self.names = cache(law.tells_numbers)
        self.asks_consent = law.basis is not None and law.basis.consent_needed
        self._said: dict[tuple[Any, ...], _Said] = {}
        scope = law.scope
        self._earliest = (law.day - timedelta(days=scope.look_back_days)).isoformat() if scope else ""

    def answers(self, rows: Sequence[Row]) -> Iterator[tuple[Any, ...]]:
        """The rows as `_COLUMNS`, with the law's answer to those that ask for a new watch.

        `named`: whether the customer may be told which numbers are one person's.

        All that is asked of the database has been asked when this returns: the rows go into a COPY.
        """
        return self._answers(rows, self._consents(rows) if self.asks_consent else {})

    def _answers(self, rows: Sequence[Row], consents: dict[str, list[Given]]) -> Iterator[tuple[Any, ...]]:
        for row in rows:
            answer, replaced = row.answer, 0
            if row.kind == NEW and not answer:
                said = self._say(row, consents.get(row.number, []))
                answer, replaced = said.refusal, said.replaced
                if not answer and row.from_date < self._earliest:
                    answer = Answer.LOOK_BACK_TOO_LONG
            named = 0 if answer else int(self.names(row.benefit))
            yield (*row[:5], row.from_date or None, *row[6:9], answer, named, replaced)

    def _say(self, row: Row, consents: list[Given]) -> _Said:
        consent = self.law.consent(consents, row.number, row.benefit) if consents else None
        case, need = bool(row.case_reference), bool(row.need_reference)
        key = (row.benefit, case, need, consent)
        if key not in self._said:
            profile = self.law.profile(row.benefit, consent=consent, case=case, need=need)
            answer = decision.decide(profile)  # a protected person is watched like any other; nothing is told (C8)
            self._said[key] = _Said(str(answer.refusal or ""), int(self.telling and "identity" in answer.classes))
        return self._said[key]

    def _consents(self, rows: Sequence[Row]) -> dict[str, list[Given]]:
        """By number, the consents that may speak for it, of the persons that the rows would watch."""
        wanted = {row.number for row in rows if row.kind == NEW and not row.answer}
        holders = dict(PersonNumber.objects.live().filter(number__in=wanted).values_list("number", "person_id"))
        found = consents_of(self.law.stream, holders.values())
        alone = numbers_apart(found)
        return {
            number: given_for(number, found[person], alone) for number, person in holders.items() if person in found
        }


def answer(order: Order, law: StreamLaw, rows: Sequence[Row], at: datetime) -> dict[str, int]:
    """Answer some lines of an order, in their order, as its aim says; return how many got each answer.

    The caller holds the order's and the stream's rows, in a transaction that also moves the order's count.
    """
    for name, columns in _TABLES.items():
        make_temporary_table(name, columns)
    if order.aim == Order.Aim.GIVE_UP:
        rest = Answer.NOT_CARRIED_OUT
        said = ((*row[:5], row.from_date or None, *row[6:9], row.answer or rest, 0, 0) for row in rows)
        copy_rows("asked_row", _COLUMNS, said)
    else:
        telling = order.aim == Order.Aim.CARRY_OUT
        copy_rows("asked_row", _COLUMNS, Law(law, telling=telling).answers(rows))
    _judge(order)
    if order.aim == Order.Aim.CARRY_OUT:
        _carry_out(order, law, at)
    _write(order)
    counts = _counts()
    if order.aim == Order.Aim.PREVIEW:
        _remember_for_the_next(order, len(rows))
    drop_temporary_tables(_TABLES)
    return counts


def _judge(order: Order) -> None:
    fresh = fresh_id("subscriptions_watch", "place") if order.aim == Order.Aim.CARRY_OUT else "NULL"
    cancelled = int(order.counts.get(Answer.CANCELLED, 0) > 0)
    parameters = {"stream": order.stream_id, "order": order.pk, "cancelled": cancelled}
    execute(_JUDGE.format(before=_before(order), fresh=fresh), parameters)


def _before(order: Order) -> str:
    """The expression for what earlier chunks' lines asked for, with what it needs put where it can be looked up."""
    if not order.lines_done:
        return "NULL"
    if order.aim == Order.Aim.PREVIEW:
        _recall_previewed(order)
        with planned(enable_hashjoin="off", enable_mergejoin="off"):  # which would read every number there is
            execute(_REMEMBER_PREVIEWED)
        _index_before()
        return _BEFORE_BY_LINE
    if not order.counts.get(Answer.NOT_WATCHED):
        return _BEFORE_BY_WATCH
    execute(_REMEMBER + _NOT_WATCHED, [order.pk])
    _index_before()
    return f"coalesce({_BEFORE_BY_WATCH}, {_BEFORE_BY_LINE})"


def _recall_previewed(order: Order) -> None:
    """Have what this order's earlier lines asked for in its table, unless it is there since the chunk before."""
    execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {_SO_FAR} ({_SO_FAR_COLUMNS})")
    place = (order.pk, order.lines_done)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT of_order, lines FROM {_SO_FAR} WHERE {_OF_WHICH}")
        known = cursor.fetchone()
    if known != place:
        make_temporary_table(_SO_FAR, _SO_FAR_COLUMNS)
        counted = (
            f"SELECT number, benefit, kind FROM subscriptions_orderline WHERE order_id = %s AND answer IN ({_COUNTED})"
        )
        execute(f"INSERT INTO {_SO_FAR} (number, benefit, kind) {counted}", [order.pk])
        execute(f"INSERT INTO {_SO_FAR} (number, benefit, kind, of_order, lines) VALUES ('', '', '', %s, %s)", place)
        execute(f"CREATE INDEX asked_so_far_number ON {_SO_FAR} (number)")


def _remember_for_the_next(order: Order, count: int) -> None:
    """Keep what this chunk's lines asked for beside what those before them did, or forget all after the last."""
    done = order.lines_done + count
    if done == order.line_count:
        drop_temporary_tables([_SO_FAR])
    elif order.lines_done:
        counted = f"SELECT number, benefit, kind FROM asked WHERE answer IN ({_COUNTED})"
        execute(f"INSERT INTO {_SO_FAR} (number, benefit, kind) {counted}")
        execute(f"UPDATE {_SO_FAR} SET lines = %s WHERE {_OF_WHICH}", [done])


def _index_before() -> None:
    execute("CREATE INDEX asked_before_number ON asked_before (number, benefit)")
    execute("CREATE INDEX asked_before_person ON asked_before (person_id, benefit)")
    analyze(["asked_before"])


def _carry_out(order: Order, law: StreamLaw, at: datetime) -> None:
    """Open, end and refresh watches as answered."""
    when = connection.ops.adapt_datetimefield_value(at)
    add_unheld(f"SELECT DISTINCT number FROM asked WHERE answer IN {_OPENED} AND person_id IS NULL", 0)
    days = law.reconfirm_days
    reconfirm_by = law.day + timedelta(days=days) if days is not None else None
    execute(
        "INSERT INTO subscriptions_watch (id, stream_id, person_id, ordered_number, by_number, benefit, from_date, "
        "case_reference, need_reference, reconfirm_by, ordered_by_id, opened_at, end_reason) SELECT watch_id, %s, "
        "CASE WHEN person_id IS NULL THEN (SELECT n.person_id FROM benefits_personnumber n "
        "WHERE n.number = asked.number AND n.withdrawn_in IS NULL) ELSE person_id END, "
        "number, apart = 1, benefit, from_date, case_reference, need_reference, %s, %s, %s, '' "
        f"FROM asked WHERE answer IN {_OPENED} ORDER BY watch_id",
        [order.stream_id, reconfirm_by, order.ordered_by_id, when],
    )
    execute(
        "INSERT INTO subscriptions_pending (watch_id, reason, since) SELECT watch_id, "
        f"CASE WHEN answer = '{Answer.REFRESH_ORDERED}' THEN '{Pending.Reason.REFRESH}' "
        f"ELSE '{Pending.Reason.FIRST}' END, %s FROM asked "
        f"WHERE answer IN {_OPENED} OR answer = '{Answer.REFRESH_ORDERED}' ORDER BY watch_id",
        [when],
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT watch_id FROM asked WHERE answer = '{Answer.CANCELLED}'")
        cancelled = [watch for (watch,) in cursor.fetchall()]
    if cancelled:
        end_watches(Watch.objects.filter(pk__in=cancelled), at=at, reason=Watch.EndReason.CANCELLED)


def _write(order: Order) -> None:
    """Write the answered lines, each with the watch that it opened or found."""
    execute(
        "INSERT INTO subscriptions_orderline (order_id, line, file_row, kind, number, benefit, from_date, reference, "
        "answer, watch_id, case_reference, need_reference) SELECT %s, line, file_row, kind, number, benefit, "
        f"from_date, reference, answer, watch_id, {_UNLESS_WITH_A_WATCH.format('case_reference')}, "
        f"{_UNLESS_WITH_A_WATCH.format('need_reference')} FROM asked ORDER BY line",
        [order.pk],
    )


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer, count(*) FROM asked GROUP BY answer")
        return dict(cursor.fetchall())
