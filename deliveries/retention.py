"""Erasing content when its time has come, by rules that stand in settings (SFB 114:15; docs/retention.md).

What is erased goes a batch at a time, each one transaction with a row of `Purge` that says what, by which rule and how
much. What is under a legal hold stays. Files go after the commit: a crash between the two leaves files that the next
erasure removes. Rows say for ever that something was told: only its content goes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from benefits.models import BenefitPeriod, Import, Reversal, Touched
from deliveries import checkpoints, storage
from deliveries.holds import Held, in_force
from deliveries.models import (
    Delivery,
    Disclosure,
    PersonReport,
    Purge,
    Purged,
    ReconciliationLine,
    Run,
    SpontaneousDisclosure,
)
from deliveries.verification import fold
from lefi.audit.models import AuditEvent
from lefi.bulk import execute
from lefi.errors import Refused
from lefi.locks import Lock, hold
from subscriptions.models import Order, OrderLine, Stream, Watch
from subscriptions.orders import files

log = structlog.get_logger(__name__)
Kind = Purge.Kind
UNACKNOWLEDGED = "documents_unacknowledged"
THINGS = 100  # in a batch
ROWS = 5000
_EMPTIED = {
    "postgresql": "(SELECT coalesce(jsonb_object_agg(k, ''), '{}') FROM jsonb_object_keys(sections) k)",
    "sqlite": "(SELECT json_group_object(key, '') FROM json_each(sections))",
}


class PurgeRefused(Refused):
    """Nothing is erased: the agency's decision to do so is not named (NO_DECISION)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """After how many days something is erased, and by which rule."""

    days: int
    reference: str

    def before(self, at: datetime) -> datetime:
        return at - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Expected:
    """What there is of a kind to erase: how much, how much more is held, and from when to when."""

    kind: str
    rule: Rule
    due: int
    held: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class _Errand:
    """One erasure: at which instant, and who has it done."""

    at: datetime
    by: Any
    client: str
    rules: dict[str, Rule]
    made: list[Purge] = field(default_factory=list)

    def note(self, kind: str, since: QuerySet | None = None, *, rule: str = "", **counts: int) -> Purge:
        """Write what a batch erases, in its transaction."""
        found = since.aggregate(oldest=Min("since"), newest=Max("since")) if since is not None else {}
        one = self.rules[rule or kind]
        self.made.append(
            Purge.objects.create(
                kind=kind,
                reference=one.reference,
                decision=decision(),
                before=one.before(self.at),
                at=self.at,
                by=self.by,
                client=self.client,
                counts=counts,
                **found,
            )
        )
        return self.made[-1]


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is erased of a kind. `due` is what is old enough, with `since`; `free` leaves what no hold keeps."""

    due: Callable[[dict[str, Rule], datetime], QuerySet]
    free: Callable[[Held, QuerySet], QuerySet]
    thing: str = ""  # the column of Purged that names it; "" where rows are deleted


def rules() -> dict[str, Rule]:
    """The rules by kind. Raise ImproperlyConfigured where the setting names an unknown kind, or no days or rule."""
    known = {*Kind, UNACKNOWLEDGED} - {Kind.DIGESTS}
    given = settings.RETENTION
    if given.keys() != known:
        raise ImproperlyConfigured(f"RETENTION names other kinds than {', '.join(sorted(known))}.")
    for kind, said in given.items():
        if not isinstance(said.get("days"), int) or said["days"] < 1 or not said.get("reference"):
            raise ImproperlyConfigured(f"RETENTION must say days, one at least, and reference of {kind}.")
    return {kind: Rule(said["days"], said["reference"]) for kind, said in given.items()}


def decision() -> str:
    """What the agency's decision to erase is called; "" while there is none."""
    named: str = settings.RETENTION_DECISION
    return named


def expected(at: datetime) -> list[Expected]:
    """What an erasure at an instant would erase, kind by kind. Changes nothing."""
    found, held = rules(), in_force()
    return [_expected(kind, matter, found, held, at) for kind, matter in _MATTERS.items()]


def _expected(kind: str, matter: _Matter, found: dict[str, Rule], held: Held, at: datetime) -> Expected:
    due = matter.due(found, at)
    free = matter.free(held, due)
    span = free.aggregate(oldest=Min("since"), newest=Max("since"))
    count = free.count()
    return Expected(kind, found[kind], count, due.count() - count, span["oldest"], span["newest"])


def purge(*, at: datetime, kinds: list[str] | None = None, by: Any = None, client: str = "") -> list[Purge]:
    """Erase what is due, of some kinds or all, and finish what an earlier erasure has left; return the batches.

    Raise PurgeRefused (NO_DECISION) where settings name no decision of the agency's: a public document is not erased
    because a program thinks that it is old. Repeating it is harmless.
    """
    if not decision():
        raise PurgeRefused("NO_DECISION", "RETENTION_DECISION does not name the decision to erase.")
    errand = _Errand(at, by, client, rules())
    _finish(errand)
    for kind in kinds or list(_MATTERS):
        matter = _MATTERS[kind]
        if kind == Kind.DOCUMENTS:
            _erase_documents(errand, matter)
        elif matter.thing:
            _erase_things(errand, kind, matter)
        else:
            _delete_rows(errand, kind, matter)
    for one in errand.made:
        log.info("erased", kind=one.kind, purge=one.pk, **one.counts)
    return errand.made


# What is due


def _due_documents(found: dict[str, Rule], at: datetime) -> QuerySet:
    """Documents that are old enough, each stream's in sequence: a checkpoint can then stand for all of them."""
    old = Q(acknowledged_at__lt=found[Kind.DOCUMENTS].before(at))
    old |= Q(acknowledged_at=None, first_fetched_at__lt=found[UNACKNOWLEDGED].before(at))
    recalled = Q(recalled_at__lt=found[Kind.DOCUMENTS].before(at))
    kept = Delivery.objects.filter(~old | Q(acknowledged_at=None, first_fetched_at=None), recalled_at=None, purged=None)
    earlier = kept.filter(stream=OuterRef("stream"), number__lt=OuterRef("number"))
    since = Coalesce("acknowledged_at", "first_fetched_at", "recalled_at")
    return Delivery.objects.filter(old | recalled, ~Exists(earlier), purged=None).annotate(since=since)


def _due_spontaneous(found: dict[str, Rule], at: datetime) -> QuerySet:
    old = SpontaneousDisclosure.objects.filter(first_fetched_at__lt=found[Kind.SPONTANEOUS].before(at), purged=None)
    return old.annotate(since=Coalesce("first_fetched_at", "approved_at"))


def _due_orders(found: dict[str, Rule], at: datetime) -> QuerySet:
    return _orders(found[Kind.ORDERS].before(at), Order.Status.DONE)


def _due_refused_orders(found: dict[str, Rule], at: datetime) -> QuerySet:
    return _orders(found[Kind.REFUSED_ORDERS].before(at), Order.Status.REFUSED, Order.Status.THROWN_AWAY)


def _orders(before: datetime, *statuses: str) -> QuerySet:
    old = Order.objects.filter(status__in=statuses, done_at__lt=before, purged=None)
    return old.annotate(since=Coalesce("done_at", "received_at"))


def _due_differences(found: dict[str, Rule], at: datetime) -> QuerySet:
    before = found[Kind.RECONCILIATIONS].before(at)
    rows = ReconciliationLine.objects.filter(reconciliation__done_at__lt=before)
    return rows.annotate(since=Coalesce("reconciliation__done_at", "reconciliation__received_at"))


def _due_versions(found: dict[str, Rule], at: datetime) -> QuerySet:
    through = _versions_through(found[Kind.VERSIONS].before(at))
    published = Import.objects.filter(number=OuterRef("withdrawn_in")).values("published_at")
    return BenefitPeriod.objects.filter(withdrawn_in__lte=through).annotate(since=published)


def _versions_through(before: datetime) -> int:
    """The newest import that is old enough and that nobody needs to look behind any more (C2); 0 if there is none.

    Needed is what was known at the mark of a stream, at the end of a watch that has not been told of it, as of a run
    that goes on, and before an import that is proposed to be undone.
    """
    old = Import.objects.published().filter(published_at__lt=before).aggregate(last=Max("number"))["last"]
    owed = Watch.objects.filter(ended_as_of__isnull=False, pending__isnull=False)
    needed = [
        old or 0,
        Stream.objects.filter(closed=False, last_number__gt=0).aggregate(one=Min("examined_import"))["one"],
        owed.aggregate(one=Min("ended_as_of"))["one"],
        Run.objects.filter(status=Run.Status.RUNNING).aggregate(one=Min("as_of_import"))["one"],
    ]
    proposed = Reversal.objects.proposed().aggregate(one=Min("imported__number"))["one"]
    return min([one for one in needed if one is not None] + ([proposed - 1] if proposed else []))


def _due_reports(found: dict[str, Rule], at: datetime) -> QuerySet:
    since = Coalesce("given_at", "approved_at", "prepared_at")
    reports = PersonReport.objects.filter(purged=None).annotate(since=since)
    return reports.filter(since__lt=found[Kind.REPORTS].before(at))


def _due_events(found: dict[str, Rule], at: datetime) -> QuerySet:
    return AuditEvent.objects.filter(at__lt=found[Kind.LOG].before(at)).annotate(since=F("at"))


_MATTERS: dict[str, _Matter] = {
    Kind.DOCUMENTS: _Matter(_due_documents, Held.free_deliveries, "delivery"),
    Kind.SPONTANEOUS: _Matter(_due_spontaneous, Held.free_spontaneous, "spontaneous"),
    Kind.ORDERS: _Matter(_due_orders, Held.free_orders, "order"),
    Kind.REFUSED_ORDERS: _Matter(_due_refused_orders, Held.free_orders, "order"),
    Kind.RECONCILIATIONS: _Matter(_due_differences, Held.free_differences),
    Kind.VERSIONS: _Matter(_due_versions, Held.free_versions),
    Kind.REPORTS: _Matter(_due_reports, Held.free_reports, "report"),
    Kind.LOG: _Matter(_due_events, Held.free_events),
}


# Erasing


def _erase_documents(errand: _Errand, matter: _Matter) -> None:
    """The documents of one stream after the other, once a checkpoint says what they told."""
    due = matter.free(in_force(), matter.due(errand.rules, errand.at))
    lasts = dict(due.order_by("stream").values_list("stream").annotate(last=Max("number")))
    for stream_id, last in lasts.items():
        if _has_checkpoint(stream_id, last, errand.at):
            _erase_things(errand, Kind.DOCUMENTS, matter, stream=stream_id, number__lte=last)
    checkpoints.forget_replaced()


def _has_checkpoint(stream_id: int, number: int, at: datetime) -> bool:
    """Make the checkpoint that stands for the deliveries up to a number; False if they do not hold, and must stay."""
    newest = checkpoints.newest(stream_id)
    if newest is not None and newest.number >= number:
        return True
    folded = fold(Stream.objects.get(pk=stream_id), through=number)
    if folded.faults:
        log.error("erasure_stopped", stream=stream_id, faults=len(folded.faults))
        return False
    with transaction.atomic():
        hold(Lock.RETENTION)
        made = checkpoints.newest(stream_id)
        if made is None or made.number < number:
            checkpoints.save(Delivery.objects.get(stream=stream_id, number=number), folded.states(), at)
    return True


def _erase_things(errand: _Errand, kind: str, matter: _Matter, **only: Any) -> None:
    """Note a batch of things as erased and remove their files, until there is none left."""
    while True:
        with transaction.atomic():
            hold(Lock.RETENTION)
            due = matter.free(in_force(), matter.due(errand.rules, errand.at)).filter(**only)
            ids = list(due.order_by("pk").values_list("pk", flat=True)[:THINGS])
            if not ids:
                return
            _lock(due.model, ids)
            batch = errand.note(kind, due.filter(pk__in=ids), things=len(ids))
            Purged.objects.bulk_create(_purged(batch, matter.thing, pk) for pk in ids)
            _empty_at_once(matter.thing, ids)
        _finish(errand)


def _lock(model: Any, ids: list[int]) -> None:
    list(model.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=ids).values_list("pk"))


def _purged(batch: Purge, thing: str, pk: int) -> Purged:
    no_rows = thing in ("spontaneous", "report")
    return Purged(purge=batch, rows_done=no_rows, file_gone=thing == "report", **{f"{thing}_id": pk})


def _empty_at_once(thing: str, ids: list[int]) -> None:
    """What holds its content in a row of its own."""
    if thing == "report":
        PersonReport.objects.filter(pk__in=ids).update(content="")
    if thing == "spontaneous":
        marks = ", ".join(["%s"] * len(ids))
        table = SpontaneousDisclosure._meta.db_table
        execute(f"UPDATE {table} SET sections = {_EMPTIED[connection.vendor]} WHERE id IN ({marks})", ids)


def _delete_rows(errand: _Errand, kind: str, matter: _Matter) -> None:
    """Delete rows a batch at a time, in order of id."""
    last = 0
    if kind == Kind.VERSIONS:
        _mark_imports(errand)
    while True:
        with transaction.atomic():
            hold(Lock.RETENTION)
            due = matter.free(in_force(), matter.due(errand.rules, errand.at)).filter(pk__gt=last)
            ids = list(due.order_by("pk").values_list("pk", flat=True)[:ROWS])
            if not ids:
                break
            last = ids[-1]
            errand.note(kind, due.filter(pk__in=ids), rows=len(ids))
            gone = due.model.objects.filter(pk__in=ids)
            gone._raw_delete(gone.db)
    if kind == Kind.VERSIONS:
        _forget_touched(errand)


def _mark_imports(errand: _Errand) -> None:
    """Say of imports that what they replaced is erased, so that none of them is undone any more."""
    with transaction.atomic():
        hold(Lock.IMPORT)
        through = _versions_through(errand.rules[Kind.VERSIONS].before(errand.at))
        Import.objects.filter(number__lte=through, erased_at=None).update(erased_at=errand.at)


def _forget_touched(errand: _Errand) -> None:
    """Delete which persons and sections the imports touched that no stream looks behind any more."""
    through = _versions_through(errand.rules[Kind.VERSIONS].before(errand.at))
    while True:
        with transaction.atomic():
            hold(Lock.RETENTION)
            free = in_force().free_versions(Touched.objects.filter(number__lte=through))
            ids = list(free.values_list("pk", flat=True)[:ROWS])
            if not ids:
                return
            errand.note(Kind.VERSIONS, touched=len(ids))
            gone = Touched.objects.filter(pk__in=ids)
            gone._raw_delete(gone.db)


# Finishing: files, and rows that hold content


def _finish(errand: _Errand) -> None:
    """Remove the files and empty the rows of all that has been noted as erased, but for what is held since."""
    for one in _unfinished():
        if not one.file_gone:
            _remove_file(one)
            Purged.objects.filter(pk=one.pk).update(file_gone=True)
        while not one.rows_done:
            _empty_rows(errand, one)


def _unfinished() -> Iterator[Purged]:
    held, waiting = in_force(), Purged.objects.unfinished()
    free = Q(report__isnull=False)
    for matter in (_MATTERS[Kind.DOCUMENTS], _MATTERS[Kind.SPONTANEOUS], _MATTERS[Kind.ORDERS]):
        model: Any = Purged._meta.get_field(matter.thing).related_model
        things = model.objects.filter(pk__in=waiting.values(matter.thing))
        free |= Q(**{f"{matter.thing}__in": matter.free(held, things)})
    rows = waiting.filter(free).select_related("purge", "delivery", "spontaneous", "order")
    yield from list(rows.order_by("pk"))


def _remove_file(one: Purged) -> None:
    if one.order is not None:
        files.forget(one.order)
        return
    source = one.delivery or one.spontaneous
    if source is not None and not _still_needed(source.sha256):
        storage.place_of(source.sha256).unlink(missing_ok=True)


def _still_needed(sha256: str) -> bool:
    """Whether something that is kept has the same document: two streams' first, without persons, may be one file."""
    return any(model.objects.filter(sha256=sha256, purged=None).exists() for model in (Delivery, SpontaneousDisclosure))


def _empty_rows(errand: _Errand, one: Purged) -> None:
    """Empty the next rows that hold content of a thing, and note how far that has come."""
    with transaction.atomic():
        hold(Lock.RETENTION)
        Purged.objects.select_for_update(no_key=True, of=("self",)).get(pk=one.pk)
        if one.delivery is not None:
            last, count = _empty_disclosures(one)
            kind, rule = Kind.DIGESTS, Kind.DOCUMENTS
        else:
            last, count = _empty_lines(one)
            kind = rule = Kind(one.purge.kind)
        if count:
            errand.note(kind, rule=rule, rows=count)
        one.rows_to, one.rows_done = last, count < ROWS
        Purged.objects.filter(pk=one.pk).update(rows_to=one.rows_to, rows_done=one.rows_done)


def _empty_disclosures(one: Purged) -> tuple[int, int]:
    """Leave of the sections told only their names (C4); return the last watch, and how many rows."""
    rows = Disclosure.objects.filter(delivery=one.delivery_id, watch__gt=one.rows_to).order_by("watch_id")
    ids = list(rows.values_list("watch_id", flat=True)[:ROWS])
    if ids:
        execute(
            f"UPDATE {Disclosure._meta.db_table} SET sections = {_EMPTIED[connection.vendor]} "
            "WHERE delivery_id = %s AND watch_id > %s AND watch_id <= %s",
            [one.delivery_id, one.rows_to, ids[-1]],
        )
    return (ids[-1] if ids else one.rows_to), len(ids)


def _empty_lines(one: Purged) -> tuple[int, int]:
    rows = OrderLine.objects.filter(order=one.order_id, line__gt=one.rows_to)
    lines = list(rows.order_by("line").values_list("line", flat=True)[:ROWS])
    if lines:
        rows.filter(line__lte=lines[-1]).update(number="", case_reference="", need_reference="")
    return (lines[-1] if lines else one.rows_to), len(lines)
