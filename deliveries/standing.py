"""Which open watches should perhaps be ended: those that nothing is told of, that nobody fetches, that reach too far.

Noted once a week for all streams, in a few statements over whole sets. Every reason rests on what the customer has
ordered, been told and fetched, and on what holds for the stream: never on what is known of a person, so that neither
death nor protection shows (C8).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction

from deliveries.building import STATUS
from deliveries.models import ClosingProposal, Delivery
from deliveries.models.reconciliations import ClosingProposalQuerySet
from deliveries.schema import NOT_AUTHORISED
from lefi.audit.models import Action, record
from lefi.bulk import analyze, copy_rows, drop_temporary_tables, execute, make_temporary_table, on_postgresql
from lefi.errors import Refused
from lefi.locks import Lock, hold
from subscriptions.models import LegalBasis, Notice, Order, Scope, Stream, Watch
from subscriptions.notices import notify
from subscriptions.orders.lines import CANCEL, Line
from subscriptions.orders.placing import place_order
from subscriptions.profiles import standing_on

log = structlog.get_logger(__name__)
Reason, Detail = ClosingProposal.Reason, ClosingProposal.Detail

_TABLES = {
    "closing": "watch_id bigint, reason varchar(10), detail varchar(10), since timestamp with time zone, "
    "PRIMARY KEY (watch_id, reason)",
    "closing_stream": "stream_id bigint PRIMARY KEY, look_back integer, scope_since timestamp with time zone, "
    "case_needed smallint, need_needed smallint, basis_since timestamp with time zone",
}
_INTO = "INSERT INTO closing (watch_id, reason, detail, since)"
_DORMANT = f"""{_INTO}
SELECT w.id, '{Reason.DORMANT}', '', coalesce((
  SELECT max(v.released_at) FROM deliveries_disclosure d JOIN deliveries_delivery v ON v.id = d.delivery_id
  WHERE d.watch_id = w.id AND d.outcome = 'sent' AND d.items > 0 AND v.recalled_at IS NULL), w.opened_at)
FROM subscriptions_watch w WHERE w.ended_at IS NULL AND w.opened_at < %(dormant)s AND NOT EXISTS (
  SELECT 1 FROM deliveries_disclosure d JOIN deliveries_delivery v ON v.id = d.delivery_id
  WHERE d.watch_id = w.id AND d.outcome = 'sent' AND d.items > 0 AND v.recalled_at IS NULL
  AND v.released_at >= %(dormant)s)
"""
_UNUSED = f"""{_INTO}
SELECT w.id, '{Reason.UNUSED}', '', u.since FROM subscriptions_watch w JOIN (
  SELECT v.stream_id, coalesce((
    SELECT max(f.at) FROM deliveries_fetch f JOIN deliveries_delivery x ON x.id = f.delivery_id
    WHERE x.stream_id = v.stream_id AND f.refusal = ''), min(v.released_at)) AS since
  FROM deliveries_delivery v WHERE v.first_fetched_at IS NULL AND v.recalled_at IS NULL GROUP BY v.stream_id
  HAVING min(v.released_at) < %(unused)s
) u ON u.stream_id = w.stream_id
WHERE w.ended_at IS NULL AND w.opened_at < %(unused)s AND u.since < %(unused)s
"""
_REFUSED = f"""{_INTO}
SELECT w.id, '{Reason.OVER_BROAD}', '{Detail.REFUSED}', v.released_at FROM deliveries_told t
JOIN deliveries_delivery v ON v.id = t.delivery_id JOIN subscriptions_watch w ON w.id = t.watch_id
WHERE t.section = '{STATUS}' AND t.digest = '{NOT_AUTHORISED}' AND t.replaced_by_id IS NULL AND w.ended_at IS NULL
AND v.released_at < %(refused)s
"""
_REFERENCE = f"""{_INTO}
SELECT w.id, '{Reason.OVER_BROAD}', '{Detail.REFERENCE}', s.basis_since FROM subscriptions_watch w
JOIN closing_stream s ON s.stream_id = w.stream_id
WHERE w.ended_at IS NULL
AND (s.case_needed = 1 AND w.case_reference = '' OR s.need_needed = 1 AND w.need_reference = '')
ON CONFLICT DO NOTHING
"""
_LOOK_BACK = f"""{_INTO}
SELECT w.id, '{Reason.OVER_BROAD}', '{Detail.LOOK_BACK}', s.scope_since FROM subscriptions_watch w
JOIN closing_stream s ON s.stream_id = w.stream_id
WHERE w.ended_at IS NULL AND {{days}} > s.look_back + %(grace)s
ON CONFLICT DO NOTHING
"""
_GONE = """
DELETE FROM deliveries_closingproposal WHERE NOT EXISTS (SELECT 1 FROM closing c
  WHERE c.watch_id = deliveries_closingproposal.watch_id AND c.reason = deliveries_closingproposal.reason
  AND c.detail = deliveries_closingproposal.detail)
"""
_NEW = """
INSERT INTO deliveries_closingproposal (watch_id, stream_id, reason, detail, since, noted_at, kept_why)
SELECT c.watch_id, w.stream_id, c.reason, c.detail, c.since, %(at)s, '' FROM closing c
JOIN subscriptions_watch w ON w.id = c.watch_id WHERE NOT EXISTS (
  SELECT 1 FROM deliveries_closingproposal p WHERE p.watch_id = c.watch_id AND p.reason = c.reason)
ORDER BY c.since, c.watch_id
"""
# A watch that is told something is dormant no more.
_AWAKENED = f"""
DELETE FROM deliveries_closingproposal WHERE reason = '{Reason.DORMANT}' AND watch_id IN (
  SELECT watch_id FROM deliveries_disclosure WHERE delivery_id = %s AND outcome = 'sent' AND items > 0)
"""


class StandingRefused(Refused):
    """There is nothing to tell a customer of (NOTHING_TO_TELL)."""


@transaction.atomic
def note(*, day: date, at: datetime) -> dict[str, int]:
    """Note the watches to close as things stand, and forget those that are so no longer; return how many of each."""
    hold(Lock.UPKEEP)
    for name, columns in _TABLES.items():
        make_temporary_table(name, columns)
    copy_rows("closing_stream", ["stream_id", *_STREAM_COLUMNS], list(_streams(day)))  # read before the COPY begins
    analyze(["closing_stream"])
    for statement in (_DORMANT, _UNUSED, _REFUSED, _REFERENCE, _LOOK_BACK.format(days=_days_before_opening())):
        execute(statement, _parameters(at))
    analyze(["closing"])
    done = {"gone": execute(_GONE), "noted": execute(_NEW, _parameters(at))}
    drop_temporary_tables(_TABLES)
    log.info("watches_to_close_noted", day=str(day), **done)
    return done


def _parameters(at: datetime) -> dict[str, Any]:
    """What the statements ask for: each takes what it needs."""
    limits = {
        "dormant": settings.DORMANT_DAYS,
        "unused": settings.UNUSED_DAYS,
        "refused": settings.REFUSED_DAYS,
        "at": 0,
    }
    moments = {name: _moment(at - timedelta(days=days)) for name, days in limits.items()}
    return {**moments, "grace": settings.LOOK_BACK_GRACE_DAYS}


def _moment(at: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _days_before_opening() -> str:
    """How many days before its opening a watch goes back, in either database's words."""
    if on_postgresql():
        return "(CAST(w.opened_at AS date) - w.from_date)"
    return "(julianday(date(w.opened_at)) - julianday(w.from_date))"


_STREAM_COLUMNS = ["look_back", "scope_since", "case_needed", "need_needed", "basis_since"]


def _streams(day: date) -> Iterator[tuple[Any, ...]]:
    """What holds for each stream on a day: the longest look-back, the references asked for, and since when."""
    versions: dict[str, list[LegalBasis]] = defaultdict(list)
    for one in LegalBasis.objects.approved().order_by("-version"):
        versions[one.code].append(one)
    bases = {code: standing_on(found, day) for code, found in versions.items()}
    scopes = {(one.agreement_id, one.purpose): one for one in Scope.objects.newest()}
    for pk, agreement, purpose in Stream.objects.filter(closed=False).values_list("pk", "agreement", "purpose"):
        scope = scopes.get((agreement, purpose))
        basis = bases.get(scope.basis_code) if scope else None
        if scope is not None and basis is not None:
            needs = [int(f"{one}_reference" in basis.needs) for one in ("case", "need")]
            yield pk, scope.look_back_days, _moment(scope.approved_at), *needs, _moment(basis.approved_at)


def awaken(delivery: Delivery) -> None:
    """Forget that watches were dormant which a delivery tells something of. In the transaction that releases it."""
    execute(_AWAKENED, [delivery.pk])


@transaction.atomic
def tell_customer(*, stream: Stream, day: date, at: datetime) -> Notice:
    """Tell a stream's customer how many watches it should look at, by a notice that names none.

    Raise StandingRefused with NOTHING_TO_TELL if there are none that it has not been told of.
    """
    untold = ClosingProposal.objects.waiting(day).filter(stream=stream, told_at=None)
    watches = untold.order_by().values("watch").distinct().count()
    if not watches:
        raise StandingRefused("NOTHING_TO_TELL")
    ClosingProposal.objects.filter(pk__in=untold.values("pk")).update(told_at=at)
    agreement = stream.agreement
    return notify(agreement.customer, "WATCHES_TO_CLOSE", at=at, agreement=agreement.code, watches=watches)


def end_chosen(*, chosen: ClosingProposalQuerySet, by: Any, at: datetime) -> int:
    """Cancel the watches that are chosen, by an order in each of their streams; return how many ended."""
    watches: dict[Stream, dict[int, Line]] = defaultdict(dict)
    for one in chosen.select_related("watch__stream").order_by("watch__stream", "watch"):
        line = Line(CANCEL, one.watch.ordered_number, one.watch.benefit, None)
        watches[one.watch.stream][one.watch_id] = line
    return sum(_cancelled(stream, lines.values(), by, at) for stream, lines in watches.items())


def _cancelled(stream: Stream, lines: Iterable[Line], by: Any, at: datetime) -> int:
    order = place_order(stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=at, ordered_by=by)
    cancelled: int = order.counts.get("CANCELLED", 0)
    return cancelled


@transaction.atomic
def keep_chosen(*, chosen: ClosingProposalQuerySet, why: str, by: Any, day: date) -> int:
    """Note that the watches that are chosen are still needed, and why: they are let be for a year. Return how many."""
    until = day + timedelta(days=settings.KEEP_DAYS)
    watches = set(chosen.order_by().values_list("watch", flat=True))
    chosen.update(kept_until=until, kept_why=why, kept_by=by)
    of = Watch.objects.filter(pk__in=watches).values_list("stream__agreement__customer", flat=True)
    for customer, count in Counter(of).items():
        record(
            action=Action.ACKNOWLEDGE,
            object_type=ClosingProposal._meta.label_lower,
            actor=by,
            customer_id=customer,
            reason=why,
            watches=count,
        )
    return len(watches)
