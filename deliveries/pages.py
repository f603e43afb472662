"""A delivery as people read it: its persons, a page at a time, in the words of the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits import presentation
from benefits.catalogue import HEADER, Field, catalogue
from benefits.labels import benefit_name
from benefits.presentation import Entry
from deliveries import reading
from deliveries.changes import CHANGED, NEW
from deliveries.models import Delivery
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from lefi.audit.models import Action, AuditEvent
from lefi.errors import Refused
from lefi.languages import language
from subscriptions.models import Watch

PERSONS_PER_PAGE = 25
MARKS = {NEW: _("New"), CHANGED: _("Changed")}
STATUSES = {
    ACTIVE: _("The watch is open."),
    NOT_AUTHORISED: _("Nothing may be told of this now."),
    ENDED: _("The watch has ended."),
}
REFUSALS = {
    "OUT_OF_SEQUENCE": (
        _("An earlier delivery must be opened first."),
        _("Deliveries build on each other, so each stream is read in order of number."),
    ),
    "RECALLED": (
        _("The delivery was recalled before anybody had fetched it."),
        _("What may still be told comes again in a later delivery."),
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
class ItemText:
    change: str
    mark: Promise | str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class BlockText:
    """One section of one watch: what it holds now, and how that differs from before."""

    title: str
    benefit: str
    items: list[ItemText]
    removed: int

    @property
    def new(self) -> int:
        return sum(item.change == NEW for item in self.items)

    @property
    def changed(self) -> int:
        return sum(item.change == CHANGED for item in self.items)


@dataclass(frozen=True)
class StatusText:
    """What has become of a watch; `reason` is why it ended, if it did."""

    benefit: str
    sentence: Promise | str
    reason: Promise | str


@dataclass(frozen=True)
class PersonText:
    number: str
    name: str
    complete: bool
    statuses: list[StatusText]
    blocks: list[BlockText]


@dataclass(frozen=True)
class Page:
    number: int
    persons: list[PersonText]
    watches: frozenset[int]
    more: bool


def words_of(refusal: Refused) -> tuple[Promise | str, Promise | str]:
    """What a refusal means and what to do about it, in the reader's language."""
    return REFUSALS.get(refusal.code, (refusal.sentence or refusal.code, ""))


def page_of(path: Path, number: int) -> Page:
    """The persons of a page, the first being 1, and whether there are more after it."""
    first = (number - 1) * PERSONS_PER_PAGE
    entries = list(islice(reading.read(path, check=False), first, first + PERSONS_PER_PAGE + 1))
    shown = entries[:PERSONS_PER_PAGE]
    return Page(
        number=number,
        persons=[_person(entry) for entry in shown],
        watches=frozenset(watch for entry in shown for watch in _watches(entry)),
        more=len(entries) > PERSONS_PER_PAGE,
    )


def log_read(page: Page, *, delivery: Delivery, user: Any, at: datetime) -> None:
    """Log, for each person on the page, that the user read about that person."""
    watches = Watch.objects.filter(stream=delivery.stream_id, pk__in=page.watches)
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=at,
            actor=user,
            action=Action.READ,
            object_type=delivery._meta.label_lower,
            object_id=str(delivery.pk),
            person_id=person_id,
            reason="portal delivery",
        )
        for person_id in sorted(set(watches.values_list("person_id", flat=True)))
    )


def _person(entry: reading.PersonEntry) -> PersonText:
    return PersonText(
        number=presentation.written(entry.number),
        name=_name(entry),
        complete=entry.complete,
        statuses=[_status(status) for status in entry.statuses],
        blocks=_blocks(entry),
    )


def _name(entry: reading.PersonEntry) -> str:
    """The person's name where it may be told; it stands in the header's block."""
    items = (item for block in entry.blocks if block.section == HEADER for item in block.items)
    return next((str(item.content["namn"]) for item in items if item.content.get("namn")), "")


def _status(status: reading.Status) -> StatusText:
    benefit = catalogue().by_order_name(status.benefit)
    name = presentation.label_of(benefit, language()) if benefit else status.benefit
    reasons = dict(Watch.EndReason.choices)
    return StatusText(name, STATUSES.get(status.code, status.code), reasons.get(status.reason, status.reason))


def _blocks(entry: reading.PersonEntry) -> list[BlockText]:
    """The blocks, with who the person is first and once: each watch has that block of its own."""
    headers = [block for block in entry.blocks if block.section == HEADER]
    others = [block for block in entry.blocks if block.section != HEADER]
    return [_block(block, complete=entry.complete) for block in [*headers[:1], *others]]


def _block(block: reading.Block, *, complete: bool) -> BlockText:
    section = catalogue().sections[block.section]
    title, benefit = presentation.label_of(section, language()), benefit_name(block.benefit)
    items = [_item(item, section.fields, "" if complete else item.change) for item in block.items]
    named = block.section == HEADER or benefit == title
    return BlockText(title, "" if named else benefit, items, 0 if complete else len(block.removed))


def _item(item: reading.Item, fields: tuple[Field, ...], change: str) -> ItemText:
    return ItemText(change, MARKS.get(change, ""), presentation.describe(fields, item.content, language()))


def _watches(entry: reading.PersonEntry) -> Iterator[int]:
    yield from (status.watch for status in entry.statuses)
    yield from (block.watch for block in entry.blocks)
