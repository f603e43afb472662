"""Legal holds: what may not be erased although its time has come. One of the staff sets a hold; two lift it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from benefits.models import Person, PersonNumber
from deliveries.models import Disclosure, HoldLift, LegalHold
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.locks import Lock, hold
from lefi.reasons import demand_reason
from subscriptions.models import Customer, OrderLine, Stream, Watch


class HoldRefused(Refused):
    """A hold or lifting that is not made: SCOPE (not exactly one), or ALREADY_LIFTED (or proposed to be)."""


@transaction.atomic
def set_hold(
    *,
    reason: str,
    by: Any,
    at: datetime,
    person: Person | None = None,
    stream: Stream | None = None,
    customer: Customer | None = None,
    everything: bool = False,
) -> LegalHold:
    """Keep what one person, one stream or one customer is in, or everything, from being erased, from now on.

    Raise HoldRefused (SCOPE), or ReasonRefused.
    """
    if sum(map(bool, (person, stream, customer, everything))) != 1:
        raise HoldRefused("SCOPE", "A hold is of one person, one stream, one customer or everything.")
    said = demand_reason(reason)
    hold(Lock.RETENTION)
    made = LegalHold.objects.create(
        person=person, stream=stream, customer=customer, everything=everything, reason=said, set_by=by, set_at=at
    )
    record(
        action=Action.CREATE,
        object_type=made._meta.label_lower,
        object_id=made.pk,
        actor=by,
        person_id=made.person_id,
        reason=said,
    )
    return made


@transaction.atomic
def propose_lift(*, held: LegalHold, reason: str, by: Any, at: datetime) -> HoldLift:
    """Propose that a hold be lifted. Raise HoldRefused (ALREADY_LIFTED), or ReasonRefused."""
    if HoldLift.objects.filter(hold=held).exists():
        raise HoldRefused("ALREADY_LIFTED", "The hold is lifted already, or that is proposed.")
    lift = HoldLift(hold=held, reason=demand_reason(reason))
    foureyes.propose(lift, by=by, at=at)
    return lift


@dataclass(frozen=True, slots=True)
class Held:
    """What is held now. Each method leaves of some rows those that may be erased."""

    everything: bool
    persons: frozenset[int]
    numbers: frozenset[str]
    streams: frozenset[int]
    customers: frozenset[int]

    def free_deliveries(self, rows: QuerySet) -> QuerySet:
        told = Disclosure.objects.filter(delivery=OuterRef("pk"), person__in=self.persons)
        return (
            self._in_streams(rows, "stream").exclude(Exists(told)) if self.persons else self._in_streams(rows, "stream")
        )

    def free_spontaneous(self, rows: QuerySet) -> QuerySet:
        own = Q(person__in=self.persons) | Q(customer__in=self._customers_and_of_streams())
        return self._any(rows).exclude(own)

    def free_reports(self, rows: QuerySet) -> QuerySet:
        return self._any(rows).exclude(person__in=self.persons)

    def free_orders(self, rows: QuerySet) -> QuerySet:
        free = self._in_streams(rows, "stream")
        if not self.persons:
            return free
        return free.exclude(Exists(OrderLine.objects.filter(self._named(), order=OuterRef("pk"))))

    def free_differences(self, rows: QuerySet) -> QuerySet:
        free = self._in_streams(rows, "reconciliation__stream")
        return free.exclude(pk__in=rows.filter(self._named()).values("pk")) if self.persons else free

    def free_versions(self, rows: QuerySet) -> QuerySet:
        """Of persons who are held, or whom one that is held ever watched, all is kept."""
        watched = Q(stream__in=self.streams) | Q(stream__agreement__customer__in=self.customers)
        free = self._any(rows).exclude(person__in=self.persons)
        if not self.streams and not self.customers:
            return free
        return free.exclude(Exists(Watch.objects.filter(watched, person=OuterRef("person"))))

    def free_events(self, rows: QuerySet) -> QuerySet:
        """An event does not say which customer it concerns: while one is held, or a stream, all are kept."""
        if self.streams or self.customers:
            return rows.none()
        return self._any(rows).filter(Q(person_id=None) | ~Q(person_id__in=self.persons))

    def _any(self, rows: QuerySet) -> QuerySet:
        return rows.none() if self.everything else rows

    def _in_streams(self, rows: QuerySet, stream: str) -> QuerySet:
        held = Q(**{f"{stream}__in": self.streams}) | Q(**{f"{stream}__agreement__customer__in": self.customers})
        return self._any(rows).exclude(held)

    def _named(self) -> Q:
        return Q(watch__person__in=self.persons) | Q(number__in=self.numbers)

    def _customers_and_of_streams(self) -> set[int]:
        of_streams = Stream.objects.filter(pk__in=self.streams).values_list("agreement__customer", flat=True)
        return {*self.customers, *of_streams}


def in_force() -> Held:
    """The holds in force. Whoever erases has the lock RETENTION, so that none is set meanwhile."""
    rows = list(LegalHold.objects.in_force())
    persons = frozenset(Person.objects.same_as(one.person_id for one in rows if one.person_id))
    numbers = PersonNumber.objects.filter(person__in=persons).values_list("number", flat=True)
    return Held(
        everything=any(one.everything for one in rows),
        persons=persons,
        numbers=frozenset(numbers) if persons else frozenset(),
        streams=frozenset(one.stream_id for one in rows if one.stream_id),
        customers=frozenset(one.customer_id for one in rows if one.customer_id),
    )
