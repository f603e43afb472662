"""Who did what in an organisation, for its own auditor: the log's rows of its people and systems on what is its own.

No row says whom it is about: to the auditor a person is the case that the customer's watch stands for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst

from lefi.audit.models import Action, AuditEvent, AuditQuerySet
from lefi.audit.words import reason_of
from lefi.bulk import naming_any
from lefi.masking import mask_identity_numbers
from subscriptions.models import ApiClient, Customer, Order, OrderLine, Watch

WATCH, LINE, ORDER = (model._meta.label_lower for model in (Watch, OrderLine, Order))
# Of a higher room, that the log alone names here.
DELIVERY, LISTED = "deliveries.delivery", "deliveries.reconciliationline"
# Ids follow each other as their rows were written, but for those that were written at once.
AT_ONCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the log is wanted."""

    user: int | None = None
    client: str = ""
    action: str = ""
    first: date | None = None
    last: date | None = None
    case: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log; `persons` is about how many, where it is about any."""

    event: AuditEvent
    who: str
    what: str
    cases: tuple[str, ...]
    why: str
    persons: int


def people_in(customer: Customer) -> list[tuple[int, str]]:
    """Everybody who did something for the customer, also those who have left it, by name."""
    events = AuditEvent.objects.for_customer(customer.pk).filter(actor=OuterRef("pk"))
    users = get_user_model().objects.filter(Exists(events)).order_by("last_name", "first_name", "username")
    return [(one.pk, str(one)) for one in users]


def systems_of(customer: Customer) -> list[tuple[str, str]]:
    rows = ApiClient.objects.filter(customer=customer).select_related("application").order_by("application__name")
    return [(one.application.client_id, one.application.name) for one in rows]


def selected(customer: Customer, asked: Asked) -> AuditQuerySet:
    """The rows asked for, the newest first."""
    events: AuditQuerySet = AuditEvent.objects.for_customer(customer.pk).order_by("-pk")
    if asked.user is not None:
        events = events.filter(actor=asked.user)
    if asked.client:
        events = events.filter(client=asked.client)
    if asked.action:
        events = events.filter(action=asked.action)
    if asked.case:
        events = events.filter(pk__in=_of_case(customer, asked.case))
    return _between(events, asked)


def _between(events: AuditQuerySet, asked: Asked) -> AuditQuerySet:
    """Those of a span of days. The ids where the span begins and ends spare reading all that is newer or older."""
    if asked.first is not None:
        start = _midnight(asked.first)
        events = events.filter(at__gte=start, pk__gte=_first_id(start - AT_ONCE) or 0)
    if asked.last is not None:
        end = _midnight(asked.last + timedelta(days=1))
        beyond = _first_id(end + AT_ONCE)
        events = events.filter(at__lt=end)
        events = events.filter(pk__lt=beyond) if beyond else events
    return events


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _first_id(at: datetime) -> int | None:
    return AuditEvent.objects.filter(at__gte=at).order_by("at").values_list("pk", flat=True).first()


def _of_case(customer: Customer, case: str) -> QuerySet:
    """What was done with the customer's watches for a case: themselves, their lines and orders, and reading of them.

    A delivery counts where it told one of the watches something and the read was about their person. Each kind is
    found by itself, by an index that it has, and not by going through all that was done for the customer.
    """
    watches = list(
        Watch.objects.of(customer)
        .filter(Q(case_reference=case) | Q(need_reference=case))
        .values_list("pk", "person_id")
    )
    ids = [pk for pk, _person in watches]
    lines = OrderLine.objects.filter(watch__in=ids)
    line_ids, order_ids = list(lines.values_list("pk", flat=True)), set(lines.values_list("order", flat=True))
    told = Watch.objects.filter(pk__in=ids).values_list("disclosures__delivery", flat=True)
    kinds = (
        Q(object_type=WATCH, object_id__in=_texts(ids)),
        Q(object_type=LINE, object_id__in=_texts(line_ids)),
        Q(object_type=ORDER, object_id__in=_texts(order_ids)),
        Q(object_type=DELIVERY, object_id__in=_texts(told), person_id__in={person for _pk, person in watches}),
        Q(pk__in=naming_any("audit_auditevent", "details", "watches", ids), object_type=WATCH),
    )
    events = AuditEvent.objects.for_customer(customer.pk).order_by()
    first, *others = (events.filter(kind).values("pk") for kind in kinds)
    return first.union(*others)


def _texts(ids: Iterable[Any]) -> set[str]:
    return {str(one) for one in ids if one is not None}


def page_after(events: AuditQuerySet, before: int | None, size: int) -> tuple[list[AuditEvent], int | None]:
    """The rows before an id, and the id to go on before; None at the end."""
    rows = events.filter(pk__lt=before) if before else events
    found = list(rows.select_related("actor")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None


def entries(events: Sequence[AuditEvent], customer: Customer) -> Iterator[Entry]:
    """What rows say, in the reader's language; those that one act wrote, one for each person, are one.

    A person whom the act was about by two numbers counts as two: that they are one is not for the log to tell.
    """
    cases, clients = _cases(events), dict(systems_of(customer))
    for _key, rows in groupby(events, key=_act):
        same = list(rows)
        yield _entry(same[0], _persons(same), cases, clients)


def entry_rows(events: AuditQuerySet, customer: Customer, size: int = 1000) -> Iterator[Entry]:
    """All of it, read a part at a time."""
    before: int | None = None
    while True:
        rows, before = page_after(events, before, size)
        yield from entries(rows, customer)
        if before is None:
            return


def _by_number(event: AuditEvent) -> bool:
    """Whether a row is about a number that the customer wrote: whether anybody is known by it is not told (C8)."""
    return event.action == Action.SEARCH or event.object_type in (LINE, LISTED)


def _persons(same: Sequence[AuditEvent]) -> int:
    """About how many persons an act was; a number counts as one, whoever holds it, and also if nobody does."""
    if _by_number(same[0]):
        return 1
    return len({(one.person_id, one.details.get("watch")) for one in same if one.person_id})


def _act(event: AuditEvent) -> tuple[Any, ...]:
    """What the rows of one act have in common; a row about nobody, or about a number, stands for itself."""
    alone = event.pk if event.person_id is None or _by_number(event) else None
    moment = event.at.replace(second=0, microsecond=0)
    return (event.actor_id, event.client, event.action, event.object_type, event.object_id, event.reason, moment, alone)


def _cases(events: Sequence[AuditEvent]) -> dict[int, str]:
    """The references of the watches that rows name."""
    named: set[int] = set()
    for one in events:
        if one.object_type == WATCH:
            named.update(_watches_of(one))
    rows = Watch.objects.filter(pk__in=named).values_list("pk", "case_reference", "need_reference")
    return {pk: case or need for pk, case, need in rows}


def _watches_of(event: AuditEvent) -> list[int]:
    said = event.details.get("watches")
    several = [one for one in said if isinstance(one, int)][:3] if isinstance(said, list) else []
    return [int(event.object_id)] if event.object_id.isdecimal() else several


def _entry(event: AuditEvent, persons: int, cases: dict[int, str], clients: dict[str, str]) -> Entry:
    named = [cases.get(one, "") for one in _watches_of(event)] if event.object_type == WATCH else []
    return Entry(
        event=event,
        who=_who(event, clients),
        what=f"{capfirst(event.object_name)} {event.object_id}".strip(),
        cases=tuple(dict.fromkeys(one for one in named if one)),
        why=mask_identity_numbers(reason_of(event)),
        persons=persons,
    )


def _who(event: AuditEvent, clients: dict[str, str]) -> str:
    if event.actor is not None:
        return str(event.actor)
    return clients.get(event.client, event.client)
