"""Which watches a run must examine: those that either log touched since their stream's mark, those where a date passed,
and what is pending (C1). Found once for all streams, so that the cost follows the changes and not the watches.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import connection

from benefits.catalogue import HEADER, catalogue
from deliveries.models import Run
from lefi.bulk import analyze, copy_rows, drop_temporary_tables, execute, make_temporary_table
from subscriptions.models import LegalBasis, OwnerApproval, Scope, Stream

# Streams that take part, and the benefits that each section answers, are small: joined as temporary tables.
_TABLES = {
    "run_stream": "stream_id bigint PRIMARY KEY, examined_import integer, examined_law bigint, "
    "agreement_id bigint, customer_id bigint, purpose varchar(40), basis_code varchar(20)",
    "run_section": "section varchar(60), benefit varchar(20)",
}

_TOUCHED = """
SELECT w.stream_id, w.id FROM benefits_touched t
JOIN subscriptions_watch w ON w.person_id = t.person_id AND w.ended_at IS NULL
JOIN run_stream s ON s.stream_id = w.stream_id AND t.number > s.examined_import
JOIN run_section rs ON rs.section = t.section AND rs.benefit = w.benefit
WHERE t.number > %s AND t.number <= %s
"""
# What the imports since the last night concern, but for what was ordered and is complete anyway, and for an import that
# has been undone and what undid it: two people have seen to those.
_TOUCHED_SINCE = """
SELECT w.benefit, count(DISTINCT w.id) FROM benefits_touched t
JOIN benefits_import i ON i.number = t.number AND i.reverses_id IS NULL
AND NOT EXISTS (SELECT 1 FROM benefits_import r WHERE r.reverses_id = i.id)
JOIN subscriptions_watch w ON w.person_id = t.person_id AND w.ended_at IS NULL
JOIN run_stream s ON s.stream_id = w.stream_id
JOIN run_section rs ON rs.section = t.section AND rs.benefit = w.benefit
WHERE t.number > %s AND t.number <= %s AND NOT EXISTS (
  SELECT 1 FROM subscriptions_pending p WHERE p.watch_id = w.id AND p.reason IN ('first', 'refresh')
) GROUP BY w.benefit
"""
# A watch's own change; also of one that has ended, which is to be told.
_LAW_OF_WATCHES = """
SELECT w.stream_id, w.id FROM subscriptions_lawchange c
JOIN run_stream s ON s.stream_id = c.stream_id AND c.id > s.examined_law
JOIN subscriptions_watch w ON w.id BETWEEN c.watch_from AND c.watch_to AND w.stream_id = c.stream_id
WHERE c.id > %s AND c.id <= %s AND c.watch_from IS NOT NULL
"""
# A consent's or a protection's change: about one person.
_LAW_OF_PERSONS = """
SELECT w.stream_id, w.id FROM subscriptions_lawchange c
JOIN subscriptions_watch w ON w.person_id = c.person_id
JOIN run_stream s ON s.stream_id = w.stream_id AND c.id > s.examined_law
WHERE c.id > %s AND c.id <= %s AND c.person_id IS NOT NULL
AND (c.customer_id IS NULL OR c.customer_id = s.customer_id)
"""
# The same, about whoever now holds the number that a watch was ordered by, before the watch has followed it there.
_LAW_OF_HOLDERS = """
SELECT w.stream_id, w.id FROM subscriptions_lawchange c
JOIN benefits_personnumber n ON n.person_id = c.person_id AND n.withdrawn_in IS NULL
JOIN subscriptions_watch w ON w.ordered_number = n.number AND w.person_id <> c.person_id
JOIN run_stream s ON s.stream_id = w.stream_id AND c.id > s.examined_law
WHERE c.id > %s AND c.id <= %s AND c.person_id IS NOT NULL
AND (c.customer_id IS NULL OR c.customer_id = s.customer_id)
"""
# A change of customer, agreement, basis, approval or block: about whole streams, or one benefit in them.
_LAW_OF_STREAMS = """
SELECT w.stream_id, w.id FROM subscriptions_watch w JOIN (
  SELECT DISTINCT s.stream_id, c.benefit FROM subscriptions_lawchange c
  JOIN run_stream s ON c.id > s.examined_law
  AND (c.customer_id IS NULL OR c.customer_id = s.customer_id)
  AND (c.agreement_id IS NULL OR c.agreement_id = s.agreement_id)
  AND (c.basis_code IS NULL OR c.basis_code = s.basis_code)
  WHERE c.id > %s AND c.id <= %s AND c.watch_from IS NULL AND c.person_id IS NULL
) c ON c.stream_id = w.stream_id AND (c.benefit IS NULL OR c.benefit = w.benefit)
"""
_OPEN = " WHERE w.ended_at IS NULL"
# Not of an open watch known to be frozen: only a law change or a date can thaw it, and those make it a candidate.
# Nor of one whose news staff have dropped: it is told once it changes again.
_PENDING = """
SELECT DISTINCT w.stream_id, w.id FROM subscriptions_pending p JOIN subscriptions_watch w ON w.id = p.watch_id
JOIN run_stream s ON s.stream_id = w.stream_id
WHERE p.reason <> 'dropped' AND (w.ended_at IS NOT NULL OR NOT EXISTS (
  SELECT 1 FROM subscriptions_pending f WHERE f.watch_id = p.watch_id AND f.reason IN ('protected', 'held')
))
"""
_STOCK = "SELECT w.stream_id, w.id FROM subscriptions_watch w WHERE w.ended_at IS NULL AND w.stream_id IN (%s)"
_CONSENT_DATES = """
SELECT w.stream_id, w.id FROM subscriptions_consent c JOIN run_stream s ON s.customer_id = c.customer_id
AND s.purpose = c.purpose JOIN subscriptions_watch w ON w.person_id = c.person_id AND w.stream_id = s.stream_id
WHERE w.ended_at IS NULL AND (c.valid_from > %s AND c.valid_from <= %s OR c.valid_to >= %s AND c.valid_to < %s)
"""
_RECONFIRMATIONS = """
SELECT w.stream_id, w.id FROM subscriptions_watch w JOIN run_stream s ON s.stream_id = w.stream_id
WHERE w.ended_at IS NULL AND w.reconfirm_by >= %s AND w.reconfirm_by < %s
"""
_PROTECTED_RELEASES = """
SELECT w.stream_id, w.id FROM subscriptions_protectedrelease p JOIN subscriptions_watch w ON w.id = p.watch_id
JOIN run_stream s ON s.stream_id = w.stream_id
WHERE p.valid_from > %s AND p.valid_from <= %s OR p.valid_to >= %s AND p.valid_to < %s
"""


def find(run: Run, streams: list[Stream]) -> int:
    """Write the run's candidates in the given streams, and by benefit what was touched; return how many candidates."""
    _prepare(streams)
    try:
        _add(run, _TOUCHED, [min((s.examined_import for s in streams), default=0), run.as_of_import])
        since = min((s.examined_law for s in streams), default=0)
        for query in (_LAW_OF_WATCHES, _LAW_OF_PERSONS, _LAW_OF_HOLDERS, _LAW_OF_STREAMS + _OPEN):
            _add(run, query, [since, run.as_of_law])
        _add(run, _PENDING, [])
        _add_where_a_date_passed(run, streams)
        run.touched = _touched_since_the_last_night(run)
    finally:
        drop_temporary_tables(_TABLES)
    analyze(["deliveries_candidate"])
    return _count(run)


def _touched_since_the_last_night(run: Run) -> dict[str, int]:
    """By benefit, how many watches the imports since the last night concern."""
    nights = Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False, pk__lt=run.pk).order_by("-pk")
    since = nights.values_list("as_of_import", flat=True).first() or 0
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED_SINCE, [since, run.as_of_import])
        return dict(cursor.fetchall())


def sizes(run: Run) -> dict[int, int]:
    """How many candidates each stream of a run has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stream_id, count(*) FROM deliveries_candidate WHERE run_id = %s GROUP BY stream_id", [run.pk]
        )
        return dict(cursor.fetchall())


def touched_by_law(stream: Stream, since: int) -> tuple[int, set[int]]:
    """The newest law change, and the stream's watches that those after `since` may affect.

    Also those that have ended, whose last changes may be on their way.
    """
    _prepare([stream])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM subscriptions_lawchange")
            newest = cursor.fetchone()[0]
            found: set[int] = set()
            for query in (_LAW_OF_WATCHES, _LAW_OF_PERSONS, _LAW_OF_HOLDERS, _LAW_OF_STREAMS):
                cursor.execute(query, [since, newest])
                found.update(row[1] for row in cursor.fetchall())
    finally:
        drop_temporary_tables(_TABLES)
    return newest, found


def _prepare(streams: list[Stream]) -> None:
    for name, columns in _TABLES.items():
        make_temporary_table(name, columns)
    codes = _basis_codes(streams)
    copy_rows(
        "run_stream",
        ["stream_id", "examined_import", "examined_law", "agreement_id", "customer_id", "purpose", "basis_code"],
        (
            (
                one.pk,
                one.examined_import,
                one.examined_law,
                one.agreement_id,
                one.agreement.customer_id,
                one.purpose,
                codes.get((one.agreement_id, one.purpose), ""),
            )
            for one in streams
        ),
    )
    copy_rows("run_section", ["section", "benefit"], _sections())
    analyze(_TABLES)


def _sections() -> Iterable[tuple[str, str]]:
    for code, benefit in catalogue().benefits.items():
        yield HEADER, code
        for section in benefit.sections:
            yield section, code


def _basis_codes(streams: list[Stream]) -> dict[tuple[int, str], str]:
    scopes = Scope.objects.newest().filter(agreement__in={one.agreement_id for one in streams})
    return {
        (agreement, purpose): code
        for agreement, purpose, code in scopes.values_list("agreement", "purpose", "basis_code")
    }


def _add(run: Run, query: str, parameters: list[Any]) -> None:
    execute(
        "INSERT INTO deliveries_candidate (run_id, stream_id, watch_id) "
        f"SELECT DISTINCT CAST({run.pk} AS bigint), found.stream_id, found.id FROM ({query}) found "
        "WHERE true ON CONFLICT DO NOTHING",
        parameters,
    )


def _add_where_a_date_passed(run: Run, streams: list[Stream]) -> None:
    """A whole stream where the agreement, the basis or an approval began or ended since its mark; and single watches
    where a consent or a protected release did, or a reconfirmation fell due.
    """
    examined = [one for one in streams if one.examined_day and one.examined_day < run.day]
    codes = _basis_codes(examined)
    for stream in examined:
        code = codes.get((stream.agreement_id, stream.purpose), "")
        if any(_passed(edge, stream, run.day) for edge in _edges(stream, code)):
            _add(run, _STOCK, [stream.pk])
    if examined:
        first = min(one.examined_day for one in examined if one.examined_day)
        for query in (_CONSENT_DATES, _PROTECTED_RELEASES):
            _add(run, query, [first, run.day, first, run.day])
        _add(run, _RECONFIRMATIONS, [first, run.day])


def _edges(stream: Stream, code: str) -> Iterable[tuple[date | None, date | None]]:
    yield stream.agreement.valid_from, stream.agreement.valid_to
    yield from LegalBasis.objects.approved().filter(code=code).values_list("valid_from", "valid_to")
    yield from OwnerApproval.objects.approved().filter(basis_code=code).values_list("valid_from", "valid_to")


def _passed(edge: tuple[date | None, date | None], stream: Stream, day: date) -> bool:
    begins, ends = edge
    over = ends + timedelta(days=1) if ends else None
    examined = stream.examined_day or day
    return any(moment is not None and examined < moment <= day for moment in (begins, over))


def _count(run: Run) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM deliveries_candidate WHERE run_id = %s", [run.pk])
        return cursor.fetchone()[0]
