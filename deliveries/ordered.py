"""Marked runs that two of the staff order: a repair of delta debt, and what compensates for a wrong import (C3).

Each tells only what differs from what was told, as any run does; its deliveries say of what kind it is, and why.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from benefits.catalogue import HEADER, catalogue
from benefits.models import Import, Reversal, Touched
from deliveries import debt
from deliveries.models import Debt, Delivery, Disclosure, OrderedRun, Run
from deliveries.release import take_back
from deliveries.runs import start_run
from lefi.errors import Refused
from lefi.foureyes import approve, demand_another, propose
from lefi.locks import Lock, hold_shared
from subscriptions.models import Stream

log = structlog.get_logger(__name__)
LASTS = timedelta(hours=6)


class OrderedRunRefused(Refused):
    """A marked run that cannot be ordered: there is nothing to repair (NO_DEBT), or nothing was undone (NOT_UNDONE)."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a wrong import got in one stream: the deliveries built on it, and the persons they told something of."""

    stream: Stream
    deliveries: int
    fetched: int
    persons: int


@transaction.atomic
def propose_run(*, kind: str, cause: str, by: Any, at: datetime, reversal: Reversal | None = None) -> OrderedRun:
    """Propose a marked run; a second person approves. Raise OrderedRunRefused where there is nothing for it to do."""
    _demand_work(kind, reversal)
    ordered = OrderedRun(kind=kind, cause=cause, reversal=reversal)
    propose(ordered, by=by, at=at)
    return ordered


def _demand_work(kind: str, reversal: Reversal | None) -> None:
    if kind == Run.Kind.REPAIR and not Debt.objects.standing().exists():
        raise OrderedRunRefused("NO_DEBT", "No debt stands.")
    if kind == Run.Kind.COMPENSATING and (reversal is None or not reversal.in_effect):
        raise OrderedRunRefused("NOT_UNDONE", "The wrong import has not been undone.")


def approve_run(*, ordered: OrderedRun, by: Any, at: datetime, reason: str = "") -> Run:
    """Start the marked run as a second person, and return it for the workers.

    What a wrong import made ready and nobody has fetched is recalled first. Raise NotApproved as `approve` does, and
    RunRefused while another run goes on; nothing has been done then.
    """
    demand_another(ordered, by=by)
    with transaction.atomic():
        approve(ordered, by=by, at=at, reason=reason)
        if ordered.kind == Run.Kind.REPAIR:
            debt.owe(at)
        elif ordered.reversal is not None:
            recall_unfetched(ordered.reversal, at)
        run = start_run(
            kind=ordered.kind,
            day=timezone.localdate(at),
            planned_for=at,
            deadline=at + LASTS,
            at=at,
            cause=ordered.cause,
        )
        OrderedRun.objects.filter(pk=ordered.pk).update(run=run)
    return run


def debts_by_cause() -> list[tuple[str, int]]:
    """How many debts stand of each cause, in words."""
    rows = Debt.objects.standing().order_by("cause").values_list("cause").annotate(count=Count("pk"))
    return [(str(Debt.Cause(cause).label), count) for cause, count in rows]


def reached(reversal: Reversal) -> list[Reached]:
    """The streams that were told, in deliveries not recalled, what the wrong import changed, the most persons first."""
    rows = (
        disclosures_reached(reversal)
        .order_by()
        .values("delivery__stream")
        .annotate(
            deliveries=Count("delivery", distinct=True),
            persons=Count("person", distinct=True),
            fetched=Count("delivery", distinct=True, filter=Q(delivery__first_fetched_at__isnull=False)),
        )
    )
    streams = Stream.objects.select_related("agreement__customer").in_bulk([one["delivery__stream"] for one in rows])
    found = [
        Reached(streams[one["delivery__stream"]], one["deliveries"], one["fetched"], one["persons"]) for one in rows
    ]
    return sorted(found, key=lambda one: -one.persons)


def disclosures_reached(reversal: Reversal, among: QuerySet[Disclosure] | None = None) -> QuerySet[Disclosure]:
    """What was told, after the wrong import and before it was undone, of the sections of persons that it changed.

    Of all disclosures, or among some. They are found by the persons that it changed, and the deliveries built on it.

    Complete information is among it that left such a section out: the wrong import may have emptied it.
    """
    wrong = reversal.imported
    touched = Touched.objects.filter(number=wrong.number or 0).order_by()
    changed = Q(pk__in=[])
    for section in touched.values_list("section", flat=True).distinct():
        benefits = [code for code, one in catalogue().benefits.items() if section in (HEADER, *one.sections)]
        told = Q(sections__has_key=section) | Q(complete=True, watch__benefit__in=benefits)
        changed |= told & Q(person__in=touched.filter(section=section).values("person"))
    built = _built_on(wrong)
    # What sorts them all is not the key itself, which the database would walk along.
    span = built.aggregate(first=Min(F("pk") + 0), last=Max(F("pk") + 0))
    rows = Disclosure.objects.all() if among is None else among
    return rows.filter(
        changed,
        outcome=Disclosure.Outcome.SENT,
        person__in=touched.values("person"),
        delivery__gte=span["first"] or 0,
        delivery__lte=span["last"] or 0,
        delivery__in=built.values("pk"),
    )


def _built_on(wrong: Import) -> QuerySet[Delivery]:
    """The deliveries that stand and were built on an import before it was undone, if it was."""
    built = Delivery.objects.standing().filter(as_of_import__gte=wrong.number or 0).order_by()
    undone = Import.objects.filter(reverses=wrong).values_list("number", flat=True).first()
    return built.filter(as_of_import__lt=undone) if undone is not None else built


def recall_unfetched(reversal: Reversal, at: datetime) -> int:
    """Recall the deliveries built on the wrong import that nobody has fetched; return how many (C6)."""
    recalled = 0
    unfetched = disclosures_reached(reversal).filter(delivery__first_fetched_at=None, delivery__final=False)
    for stream_id in unfetched.order_by().values_list("delivery__stream", flat=True).distinct():
        with transaction.atomic():
            stream = Stream.objects.select_for_update(no_key=True).get(pk=stream_id)
            hold_shared(Lock.LAW)
            first = unfetched.filter(delivery__stream=stream).order_by("delivery__number").first()
            if first is not None and Delivery.objects.filter(pk=first.delivery_id, first_fetched_at=None).exists():
                recalled += len(take_back(stream, first.delivery.number, at))
    log.warning("wrong_import_recalled", reversal=reversal.pk, deliveries=recalled)
    return recalled
