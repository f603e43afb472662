"""All that a customer has been told of one person, folded from the deliveries that it has fetched.

What a delivery said is shown only while the delivery could be handed out whole: a page about one person that held
something back would say why by that alone (C8).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from benefits.catalogue import HEADER
from deliveries import reading, services, storage
from deliveries.earlier import Place, contents, handed_out
from deliveries.fragments import Block, NotReadable, read_about
from deliveries.models import Delivery, Disclosure
from deliveries.schema import ACTIVE, ENDED
from subscriptions.models import Watch


@dataclass(frozen=True, slots=True)
class Telling:
    """That a delivery told something of a watch: whether it was complete, and how many items it named."""

    delivery: Delivery
    watch: int
    complete: bool
    items: int


@dataclass(slots=True)
class Told:
    """What stands of a person by what was told, in the form of a document's entry; and each delivery that said so.

    `number` is the newest that a document named the person by. `unread` are deliveries whose word would stand and
    that can be shown no more, and `gaps` the watches that they speak of.
    """

    number: str
    entry: reading.PersonEntry
    tellings: list[Telling]
    unread: list[Delivery] = field(default_factory=list)
    gaps: set[int] = field(default_factory=set)
    last: date | None = None


def told_of(watches: Sequence[Watch], *, at: datetime) -> Told:
    """What stands of the person of some watches of one customer, ordered by the same number."""
    by_stream: dict[int, list[Watch]] = defaultdict(list)
    for watch in watches:
        by_stream[watch.stream_id].append(watch)
    told = Told(watches[0].ordered_number, reading.PersonEntry(watches[0].ordered_number, complete=True), [])
    newest: dict[Place, Delivery] = {}
    for stream, own in by_stream.items():
        newest |= _newest(told, stream, own)
    _fold(told, newest, at)
    told.tellings.sort(key=lambda one: (one.delivery.released_at, one.delivery.pk), reverse=True)
    told.last = told.tellings[0].delivery.day if told.tellings else None
    return told


def _newest(told: Told, stream: int, watches: list[Watch]) -> dict[Place, Delivery]:
    """The delivery whose word stands of each section of a stream's watches. Note all that told something."""
    rows = handed_out(Disclosure.objects.filter(watch__in=[one.pk for one in watches]), stream)
    newest: dict[Place, Delivery] = {}
    for row in rows.select_related("delivery__stream__agreement").order_by("delivery__number"):
        told.tellings.append(Telling(row.delivery, row.watch_id, row.complete, row.items))
        if row.complete:  # it holds all there is: what it does not say stands no longer
            newest = {place: one for place, one in newest.items() if place[0] != row.watch_id}
        newest |= {(row.watch_id, section): row.delivery for section in row.sections}
    return newest


def _fold(told: Told, newest: dict[Place, Delivery], at: datetime) -> None:
    """Add what stands of each section, the gate asked once of all the deliveries that said so."""
    places: dict[int, set[Place]] = defaultdict(set)
    for place, delivery in newest.items():
        places[delivery.pk].add(place)
    deliveries = {one.pk: one for one in newest.values()}
    refused = services.refusals_now(deliveries.values(), at)
    for pk in sorted(places, key=lambda pk: (deliveries[pk].stream_id, deliveries[pk].number)):
        if refused[pk] or not _add(told, deliveries[pk], places[pk]):
            told.unread.append(deliveries[pk])
            told.gaps.update(watch for watch, _ in places[pk])


def _add(told: Told, delivery: Delivery, places: set[Place]) -> bool:
    """Add some blocks of a delivery; whether they could be shown."""
    watches = {watch for watch, _ in places}
    try:
        _, entries = read_about(storage.place_of(delivery.sha256), watches, watches)
    except NotReadable:
        return False
    whole = True
    for entry in entries:
        told.number = entry.number or told.number
        for block in entry.blocks:
            if (block.watch, block.section) in places:
                made = _as_read(block)
                whole = whole and made is not None
                told.entry.blocks.extend([made] if made is not None else [])
    return whole


def _as_read(block: Block) -> reading.Block | None:
    """A stored block as documents are read, without marks of what was new in it; None if it cannot be read."""
    known = contents(block)
    if known is None:
        return None
    items = [reading.Item(id_, "", "", content) for id_, content in known.items()]
    return reading.Block(block.watch, block.benefit, block.section, block.before, block.after, items, [])


def statuses(watches: Sequence[Watch], told: Told, order_names: dict[str, str]) -> list[reading.Status]:
    """Each watch with its state, as the customer itself has it: open, or ended and coarsely why."""
    spoken = {block.watch for block in told.entry.blocks if block.section != HEADER}
    return [
        reading.Status(one.pk, order_names[one.benefit], ACTIVE if one.ended_at is None else ENDED, one.end_reason)
        for one in watches
        if one.ended_at is not None or one.pk not in spoken
    ]


def history(told: Told) -> list[tuple[Delivery, bool, int]]:
    """The deliveries that told something, the newest first: whether any of it was complete, and how many items."""
    found: dict[int, list[Any]] = {}
    for one in told.tellings:
        row = found.setdefault(one.delivery.pk, [one.delivery, False, 0])
        row[1] = row[1] or one.complete
        row[2] += one.items
    return [(delivery, complete, items) for delivery, complete, items in found.values()]
