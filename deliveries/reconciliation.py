"""Comparing the watches that a customer believes it has with those that stand, and ordering what mends the difference.

Set-based: the list is read into a temporary table and joined. Only watches that are open, and what was told of them,
are compared, so that nothing shows of protection, holds or the dead: a frozen watch stands as any other (C8).
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.apart import apart, seen_as_current
from benefits.catalogue import catalogue
from deliveries.claims import Claim, read_claims
from deliveries.models import Delivery, Reconciliation, ReconciliationLine
from lefi.audit.models import Action, record
from lefi.bulk import analyze, copy_rows, drop_temporary_tables, execute, make_temporary_table
from lefi.errors import Refused
from subscriptions.models import Order, Stream
from subscriptions.orders import files, placing
from subscriptions.orders.files import Received
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, OrderRefused
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
PAGE = 5000  # rows
Kind = ReconciliationLine.Kind

# Why a line of the list cannot be compared.
SENTENCES: dict[str, Promise] = {
    "WATCH_INVALID": _("The watch is not a number."),
    "NUMBER_INVALID": _("The identity number is not valid."),
    "BENEFIT_UNKNOWN": _("There is no such benefit to order."),
    "NOTHING_NAMED": _("The line names neither a watch, nor a person and a benefit."),
    "STATE_INVALID": _("The state is not a SHA-256 in hexadecimal."),
    "REFERENCE_INVALID": _("The reference is too long, or holds what is no text."),
    "FROM_INVALID": _("The from-date cannot be read. Write it as YYYY-MM-DD."),
    "DUPLICATE": _("The same watch stands on an earlier line of the list."),
}

_TABLES = {
    "claim": "line integer PRIMARY KEY, watch_id bigint, number varchar(12), benefit varchar(20), "
    "state varchar(64), reference varchar(100), code varchar(40), from_date date, case_reference varchar(60), "
    "need_reference varchar(60)",
    "have": "watch_id bigint PRIMARY KEY, person_id bigint, number varchar(12), benefit varchar(20)",
    "matched": "line integer, watch_id bigint",
    "differing": "line integer PRIMARY KEY",
}
_HAVE = """
INSERT INTO have (watch_id, person_id, number, benefit)
SELECT id, person_id, ordered_number, benefit FROM subscriptions_watch WHERE stream_id = %s AND ended_at IS NULL
"""
# Also lines that are at fault otherwise: that we alone have the watch is not said of what the list does name.
_BY_WATCH = """
INSERT INTO matched (line, watch_id) SELECT c.line, h.watch_id FROM claim c JOIN have h ON h.watch_id = c.watch_id
"""
_BY_NUMBER = """
INSERT INTO matched (line, watch_id)
SELECT c.line, h.watch_id FROM claim c JOIN have h ON h.number = c.number AND h.benefit = c.benefit
WHERE c.watch_id IS NULL
"""
# By the number that deliveries name, where it is another than the one ordered by; of a protected person the one that
# they named before, and never one that stands apart.
_BY_NUMBER_TOLD = f"""
INSERT INTO matched (line, watch_id)
SELECT c.line, min(h.watch_id) FROM claim c
JOIN benefits_personnumber n ON n.number = c.number AND n.withdrawn_in IS NULL
JOIN have h ON h.person_id = n.person_id AND h.benefit = c.benefit AND h.number <> c.number
WHERE c.watch_id IS NULL AND NOT EXISTS (SELECT 1 FROM matched m WHERE m.line = c.line)
AND {seen_as_current("n.number", "n.person_id", "n.current")} = 1 AND NOT {apart("h.number", "h.person_id")}
AND h.benefit IN ({{benefits}}) GROUP BY c.line
"""
_DUPLICATES = """
UPDATE claim SET code = 'DUPLICATE' WHERE line IN (SELECT line FROM (
  SELECT c.line, row_number() OVER (PARTITION BY CASE
    WHEN m.watch_id IS NOT NULL THEN 'm' || m.watch_id WHEN c.watch_id IS NOT NULL THEN 'w' || c.watch_id
    ELSE c.number || c.benefit END ORDER BY c.line) AS place
  FROM claim c LEFT JOIN matched m ON m.line = c.line WHERE c.code = ''
) ranked WHERE place > 1)
"""
_TOLD = """
SELECT c.line, c.state, t.section, t.digest FROM claim c JOIN matched m ON m.line = c.line
LEFT JOIN deliveries_told t ON t.watch_id = m.watch_id AND t.replaced_by_id IS NULL AND t.items <> ''
WHERE c.code = '' AND c.state <> '' ORDER BY c.line
"""
_EQUAL = "SELECT count(*) FROM matched m JOIN claim c ON c.line = m.line WHERE c.code = ''"
_INTO = """
INSERT INTO deliveries_reconciliationline
(reconciliation_id, kind, code, line, reference, watch_id, number, benefit, from_date, case_reference, need_reference)
"""
_ONLY_YOU = f"""{_INTO}
SELECT %s, CASE WHEN c.code = '' THEN '{Kind.ONLY_YOU}' ELSE '{Kind.UNREADABLE}' END, c.code, c.line, c.reference, w.id,
  CASE WHEN w.id IS NULL THEN c.number ELSE w.ordered_number END,
  CASE WHEN w.id IS NULL THEN c.benefit ELSE w.benefit END, c.from_date, c.case_reference, c.need_reference
FROM claim c LEFT JOIN subscriptions_watch w ON w.id = c.watch_id AND w.stream_id = %s
LEFT JOIN (SELECT DISTINCT line FROM matched) m ON m.line = c.line
WHERE c.code <> '' OR m.line IS NULL ORDER BY c.line
"""
_DIFFERS = f"""{_INTO}
SELECT %s, '{Kind.DIFFERS}', '', d.line, c.reference, h.watch_id, h.number, h.benefit, NULL, '', ''
FROM differing d
JOIN claim c ON c.line = d.line JOIN matched m ON m.line = d.line JOIN have h ON h.watch_id = m.watch_id ORDER BY d.line
"""
_ONLY_WE = f"""{_INTO}
SELECT %s, '{Kind.ONLY_WE}', '', NULL, '', h.watch_id, h.number, h.benefit, NULL, '', '' FROM have h
WHERE NOT EXISTS (SELECT 1 FROM matched m WHERE m.watch_id = h.watch_id) ORDER BY h.watch_id
"""


# Faults of lines whose watch is named all the same.
_NAMED = ("DUPLICATE", "STATE_INVALID", "REFERENCE_INVALID", "FROM_INVALID")


class ReconciliationRefused(Refused):
    """A repair of what has not been compared, or of a list that may name more than could be read."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What is to be ordered for each kind of difference: an order type, or "" to leave it.

    `start` is the from-date of new ones whose line says none.
    """

    only_we: str = ""
    only_you: str = ""
    differs: str = ""
    start: date | None = None

    @classmethod
    def chosen(cls, said: Mapping[str, Any], start: date | None) -> "Repair":
        """The repair by the names of CHOICES; what is not said is left as it is."""
        kinds = {kind: choices[said.get(kind) or LEAVE] for kind, choices in CHOICES.items()}
        return cls(**kinds, start=start)


LEAVE = "leave"
CHOICES: dict[str, dict[str, str]] = {
    "only_we": {"cancel": CANCEL, "refresh": REFRESH, LEAVE: ""},
    "only_you": {"order": NEW, LEAVE: ""},
    "differs": {"refresh": REFRESH, LEAVE: ""},
}


def receive(
    *,
    stream: Stream,
    received: Received,
    form: str,
    at: datetime,
    client: str = "",
    sent_by: Any = None,
    idempotency_key: str = "",
) -> Reconciliation:
    """Keep a list that has come, from somebody (`sent_by`) or a system (`client`), to be compared.

    A key that the stream has seen gives what it was for. Raise OrderRefused with IDEMPOTENCY_KEY_REUSED if that was
    another list.
    """
    try:
        known = _known(stream, idempotency_key, received)
        if known is not None:
            return known
        with transaction.atomic():
            made = Reconciliation.objects.create(
                stream=stream,
                client=client,
                sent_by=sent_by,
                idempotency_key=idempotency_key,
                form=form,
                size=received.size,
                sha256=received.sha256,
                received_at=at,
            )
            files.keep(received.path, list_path(made))
            note(Action.CREATE, made, client=client, actor=sent_by)
    except IntegrityError:  # the same key in another request, at the same time
        known = _known(stream, idempotency_key, received)
        if known is None:
            raise
        return known
    finally:
        received.discard()
    return made


def _known(stream: Stream, key: str, received: Received) -> Reconciliation | None:
    known = Reconciliation.objects.filter(stream=stream, idempotency_key=key).first() if key else None
    if known is not None and known.sha256 != received.sha256:
        raise OrderRefused("IDEMPOTENCY_KEY_REUSED")
    return known


def list_path(reconciliation: Reconciliation) -> Path:
    """The list as it came, until it has been compared."""
    folder: Path = settings.ORDERS_DIR / "reconciliations"
    return folder / str(reconciliation.pk)


def note(action: str, reconciliation: Reconciliation, **said: Any) -> None:
    """Log what somebody (`actor`) or a system (`client`) did with a list, or that it read the differences."""
    record(
        action=action,
        object_type=reconciliation._meta.label_lower,
        object_id=reconciliation.pk,
        customer_id=reconciliation.stream.agreement.customer_id,
        **said,
    )


def compare(pk: int) -> Reconciliation:
    """Compare a list that waits, in one transaction, and forget it. Repeating it, or two at once, is harmless."""
    with transaction.atomic():
        waiting = Reconciliation.objects.filter(pk=pk, status=Reconciliation.Status.WAITING)
        held = waiting.select_for_update(no_key=True, skip_locked=True).first()
        if held is not None:
            try:
                with transaction.atomic():
                    said = _compared(held)
            except OrderRefused as refused:
                row = refused.row or None
                said = {"status": Reconciliation.Status.REFUSED, "refusal": refused.code, "refused_at_row": row}
            Reconciliation.objects.filter(pk=pk).update(done_at=timezone.now(), **said)
    found = Reconciliation.objects.get(pk=pk)
    if found.status != Reconciliation.Status.WAITING:
        list_path(found).unlink(missing_ok=True)
        log.info("reconciled", reconciliation=pk, stream=found.stream_id, status=found.status, **found.counts)
    return found


def _compared(held: Reconciliation) -> dict[str, Any]:
    """Write the differences, and return what to note of the reconciliation."""
    for name, columns in _TABLES.items():
        make_temporary_table(name, columns)
    copy_rows("claim", ["line", "watch_id", *Claim._fields[2:]], _claims(held))
    stream = _locked(held.stream_id)
    _match(stream, held)
    copy_rows("differing", ["line"], ([line] for line in _differing()))
    _write(held)
    counts = _counts(held)
    drop_temporary_tables(_TABLES)  # what is refused goes with its savepoint, and they with it
    last = Delivery.objects.standing().filter(stream=stream).aggregate(last=Max("number"))["last"]
    return {"status": Reconciliation.Status.DONE, "counts": counts, "as_of_delivery": last or 0}


def _claims(held: Reconciliation) -> Iterator[Claim]:
    path = list_path(held)
    if not path.exists():
        raise OrderRefused("FILE_LOST")
    with path.open("rb") as file:
        yield from read_claims(file, held.form, timezone.localdate(held.received_at))


def _locked(stream_id: int) -> Stream:
    """The stream, held so that no order and no release comes between what is compared."""
    streams = Stream.objects.select_for_update(no_key=True, of=("self",)).select_related("agreement__customer")
    return streams.get(pk=stream_id)


def _match(stream: Stream, held: Reconciliation) -> None:
    """Find the open watch that each line names, if there is one."""
    execute(_HAVE, [stream.pk])
    analyze(["claim", "have"])
    execute(_BY_WATCH)
    execute(_BY_NUMBER)
    law = law_of(stream, timezone.localdate(held.received_at))
    benefits = [code for code in catalogue().benefits if law.tells_numbers(code)]
    if benefits:
        analyze(["matched"])
        execute(_BY_NUMBER_TOLD.format(benefits=", ".join(["%s"] * len(benefits))), benefits)
    analyze(["matched"])
    execute(_DUPLICATES)


def _differing() -> array:
    """The lines whose state is not the hash of what the watch was told."""
    found = array("q")
    for (line, claimed), rows in groupby(_told(), key=lambda row: row[:2]):
        blocks = [(section, digest) for _, _, section, digest in rows if section is not None and digest is not None]
        if claimed != state_hash(blocks):
            found.append(line)
    return found


def _told() -> Iterator[tuple[int, str, str | None, str | None]]:
    """Line, claimed state, section and digest: a row for each block told, one without a section where none was."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_TOLD)
        while rows := cursor.fetchmany(PAGE):
            yield from rows


def state_hash(blocks: Iterable[tuple[str, str]]) -> str:
    """The state of a watch by its sections that hold something, each with its block's digest. docs/digest.md."""
    lines = (f"{section}={digest}\n" for section, digest in sorted(blocks))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _write(held: Reconciliation) -> None:
    analyze(["matched", "differing"])
    execute(_ONLY_YOU, [held.pk, held.stream_id])
    execute(_DIFFERS, [held.pk])
    execute(_ONLY_WE, [held.pk])


def _counts(held: Reconciliation) -> dict[str, int]:
    kinds = dict(held.lines.order_by().values_list("kind").annotate(lines=Count("pk")))
    with connection.cursor() as cursor:
        cursor.execute(_EQUAL)
        matched: int = cursor.fetchone()[0]
    return {"EQUAL": matched - kinds.get(Kind.DIFFERS, 0), **{kind.value: kinds.get(kind, 0) for kind in Kind}}


def repair(*, reconciliation: Reconciliation, wanted: Repair, at: datetime, client: str = "", by: Any = None) -> Order:
    """Make an ordinary order of what mends the differences, to be carried out as any other (`work_on`, `hand_over`).

    A system's (`client`) is carried out at once; somebody's (`by`), made in the portal, is a preview until it is
    confirmed there. Repeating it gives the same order, unless that was thrown away.

    Raise ReconciliationRefused with NOT_COMPARED, or LIST_UNREADABLE where watches would be cancelled that an
    unreadable line may name; OrderRefused with EMPTY (there is nothing to mend) or IDEMPOTENCY_KEY_REUSED (something
    else has been ordered already).
    """
    if reconciliation.status != Reconciliation.Status.DONE:
        raise ReconciliationRefused("NOT_COMPARED")
    if wanted.only_we == CANCEL and may_name_more(reconciliation):
        raise ReconciliationRefused("LIST_UNREADABLE")
    received = _written(_rows(reconciliation, wanted))
    order = placing.receive(
        stream=reconciliation.stream,
        channel=Order.Channel.PORTAL if by else Order.Channel.API,
        received=received,
        form=Order.Form.JSONL,
        at=at,
        aim=Order.Aim.PREVIEW if by else Order.Aim.CARRY_OUT,
        at_once=received.size <= settings.ORDER_AT_ONCE_BYTES,
        ordered_by=by,
        client=client,
        idempotency_key=_key(reconciliation),
    )
    Reconciliation.objects.filter(pk=reconciliation.pk).update(repair=order)
    note(Action.ORDER, reconciliation, client=client, actor=by, order=order.pk)
    return order


def _key(reconciliation: Reconciliation) -> str:
    """The key of its one order, another after one that was thrown away; no client can send it: its keys are ASCII."""
    last = reconciliation.repair
    if last is None:
        return f"avstämning {reconciliation.pk}"
    thrown_away = last.status == Order.Status.THROWN_AWAY
    return f"avstämning {reconciliation.pk} efter {last.pk}" if thrown_away else last.idempotency_key


def may_name_more(reconciliation: Reconciliation) -> bool:
    """Whether lines of the list name no watch that can be read: then what only we have may be among them."""
    return reconciliation.lines.filter(kind=Kind.UNREADABLE).exclude(code__in=_NAMED).exists()


def orderable(reconciliation: Reconciliation) -> dict[str, int]:
    """For each kind of difference, by the names of CHOICES, how many lines an order of it has."""
    named = reconciliation.lines.exclude(number="").order_by()
    counts = dict(named.values_list("kind").annotate(lines=Count("pk")))
    return {kind: counts.get(kind.upper(), 0) for kind in CHOICES}


def _rows(reconciliation: Reconciliation, wanted: Repair) -> Iterator[dict[str, Any]]:
    """The order's rows. A line by a watch that was never the stream's names nobody, and is left out."""
    kinds = {Kind.ONLY_WE: wanted.only_we, Kind.ONLY_YOU: wanted.only_you, Kind.DIFFERS: wanted.differs}
    asked = {kind: asked for kind, asked in kinds.items() if asked}
    lines = reconciliation.lines.filter(kind__in=asked).exclude(number="").order_by("pk")
    for line in lines.iterator():
        row: dict[str, Any] = {
            "typ": asked[Kind(line.kind)],
            "personnummer": line.number,
            "formaner": [line.benefit],
            "referens": line.reference,
        }
        yield row | (_terms(line, wanted) if row["typ"] == NEW else {})


def _terms(line: ReconciliationLine, wanted: Repair) -> dict[str, str | None]:
    """From when a new watch is wanted and what it stands for, as the list says."""
    begins = line.from_date or wanted.start
    return {
        "from": begins.isoformat() if begins else None,
        "arendereferens": line.case_reference,
        "behovsreferens": line.need_reference,
    }


def lacks_day(reconciliation: Reconciliation) -> bool:
    """Whether a watch that only the customer has could not be ordered for want of a from-date in the list."""
    undated = reconciliation.lines.filter(kind=Kind.ONLY_YOU, from_date=None)
    return undated.exclude(number="").exists()


def _written(rows: Iterable[dict[str, Any]]) -> Received:
    path = files.temporary()
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with path.open("rb") as file:
            return files.take_in(file, most=settings.ORDER_FILE_MAX_BYTES)
    finally:
        path.unlink(missing_ok=True)
