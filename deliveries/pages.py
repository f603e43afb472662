"""A delivery as people read it: its persons, a page at a time, in the words of the catalogue."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from deliveries import earlier, reading, telling
from deliveries.models import Delivery, Disclosure
from deliveries.telling import PersonText
from lefi.audit.models import Action, AuditEvent
from lefi.errors import Refused
from subscriptions.answers import sentence
from subscriptions.models import Watch

PERSONS_PER_PAGE = 25
LINES_PER_ORDER = 25
COUNTS_KEPT = 7 * 24 * 60 * 60  # seconds
REFUSALS = {
    "OUT_OF_SEQUENCE": (
        _("An earlier delivery must be opened first."),
        _("Deliveries build on each other, so each stream is read in order of number."),
    ),
    "RECALLED": (
        _("The delivery was recalled before anybody had fetched it."),
        _("What may still be told comes again in a later delivery."),
    ),
    "PURGED": (
        _("What the delivery held has been erased, since it is so long ago."),
        _("That it was told is kept. Order a full refresh if you need to know what stands now."),
    ),
    "AGREEMENT_NOT_ACTIVE": (
        _("The agreement is not active."),
        _("Nothing can be fetched under it. Ask the administrator of your organisation."),
    ),
    "BLOCKED": (
        _("Deliveries to your organisation are blocked for the time being."),
        _("Försäkringskassan has stopped them. Ask the administrator of your organisation."),
    ),
    "RESERVATION_NOT_ACKNOWLEDGED": (
        _("A reservation about the use of the information must be acknowledged first."),
        _("An administrator of your organisation does that here in the portal, under Reservations."),
    ),
    "SIGNING_KEY_MISSING": (
        _("The receipt cannot be signed just now."),
        _("The fault is with Försäkringskassan. Try again later."),
    ),
    "RELEASE_NEEDED": (
        _("The delivery cannot be shown again without help from Försäkringskassan."),
        _("Something in it must be looked at by a person there first."),
    ),
    "NO_LONGER_ALLOWED": (
        _("What the message holds cannot be shown any more."),
        _("The right to it has ended. Turn to Försäkringskassan if you need it."),
    ),
    "DOCUMENT_DAMAGED": (
        _("The document is damaged and cannot be shown."),
        _("The fault is ours and has been logged. Try again later."),
    ),
    "NOT_FETCHED": (
        _("The delivery must be opened before it is acknowledged."),
        _("Open it and see that you have what you need."),
    ),
}


@dataclass(frozen=True)
class LineText:
    """A line of an order that had no effect, and why."""

    line: int
    row: int
    sentence: Promise | str
    reference: str


@dataclass
class OrderText:
    """What an order was answered: how many lines got each answer, the first lines without effect, how many `more`."""

    id: int
    received: datetime
    lines_in_all: int
    reference: str
    counts: list[tuple[Promise | str, int]]
    lines: list[LineText] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True)
class Page:
    """Some of a delivery's persons, as they stand in it, and whether there are `more` after them."""

    number: int
    entries: list[reading.PersonEntry]
    more: bool

    @property
    def watches(self) -> frozenset[int]:
        return frozenset(watch for entry in self.entries for watch in _watches(entry))


def words_of(refusal: Refused) -> tuple[Promise | str, Promise | str]:
    """What a refusal means and what to do about it, in the reader's language."""
    return REFUSALS.get(refusal.code, (refusal.sentence or refusal.code, ""))


def page_of(path: Path, number: int, *, size: int = PERSONS_PER_PAGE, watches: Collection[int] | None = None) -> Page:
    """The persons of a page, the first being 1; of those alone that one of some watches is on, if any are named."""
    first = (number - 1) * size
    entries = list(reading.read_some(path, first, size + 1, watches))
    return Page(number, entries[:size], more=len(entries) > size)


def persons_of(page: Page, *, delivery: Delivery, at: datetime) -> list[PersonText]:
    """The persons of a page in words, beside what earlier deliveries told of them."""
    watches = Watch.objects.filter(stream=delivery.stream_id).in_bulk(page.watches)
    return telling.persons(page.entries, earlier.told_before(delivery, page.entries, at=at), watches, delivery.day)


def counts_of(delivery: Delivery) -> dict[str, int]:
    """How many persons a delivery has complete information on, and changes, and how many watches ended in it.

    Persons by the numbers they were ordered by: fewer would tell that two are one person's. What a delivery told never
    changes, so it is counted once.
    """
    key = f"delivery-counts:{delivery.pk}:{delivery.sha256}"
    counts: dict[str, int] | None = cache.get(key)
    if counts is None:
        counts = _counted(delivery)
        cache.set(key, counts, COUNTS_KEPT)
    return counts


def _counted(delivery: Delivery) -> dict[str, int]:
    sent = Disclosure.objects.filter(delivery=delivery, outcome=Disclosure.Outcome.SENT)
    return sent.aggregate(
        whole=Count("watch__ordered_number", distinct=True, filter=Q(complete=True)),
        changed=Count("watch__ordered_number", distinct=True, filter=Q(complete=False) & ~Q(sections={})),
        ended=Count("watch", filter=Q(watch__ended_at__lte=delivery.released_at)),
    )


def orders_of(path: Path) -> list[OrderText]:
    """What a delivery says of orders, with the first lines without effect of each."""
    found: list[OrderText] = []
    for one in reading.read_orders(path):
        if isinstance(one, reading.OrderAnswer):
            counts = [(sentence(code), count) for code, count in one.counts.items()]
            found.append(OrderText(one.id, one.received, one.lines, one.reference, counts))
        elif len(found[-1].lines) < LINES_PER_ORDER:
            row = one.file_row or one.line
            found[-1].lines.append(LineText(one.line, row, sentence(one.code), one.reference))
        else:
            found[-1].more += 1
    return found


def log_read(page: Page, *, delivery: Delivery, user: Any, at: datetime) -> None:
    """Log, for each person on the page, that the user read about that person; for each number, if there are several.

    The customer reads the log too, and how many persons a page was about.
    """
    watches = Watch.objects.filter(stream=delivery.stream_id, pk__in=page.watches).order_by()
    read = watches.values("person_id", "ordered_number").annotate(watch=Min("pk")).order_by("person_id", "watch")
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at,
            actor=user,
            action=Action.READ,
            object_type=delivery._meta.label_lower,
            object_id=str(delivery.pk),
            person_id=one["person_id"],
            customer_id=None if user.is_staff else delivery.stream.agreement.customer_id,
            reason="portal delivery",
            details={"watch": one["watch"]},
        )
        for one in read
    )


def _watches(entry: reading.PersonEntry) -> Iterator[int]:
    yield from (status.watch for status in entry.statuses)
    yield from (block.watch for block in entry.blocks)
