"""What earlier deliveries of a stream said, to be read beside a later one: as it was handed out, and no more.

It is looked up by the log of disclosures, read from the documents, and shown only where the watch may be told now all
that it was told then: a field class that has been taken out of an agreement does not come back this way (C6).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from lxml import etree

from benefits.catalogue import HEADER, catalogue
from deliveries import reading, storage
from deliveries.decisions import Decider
from deliveries.fragments import Block, NotReadable, read_about
from deliveries.models import Delivery, Disclosure, StoredDecision
from deliveries.rights import against
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of

Place = tuple[int, str]  # a watch, and a section


@dataclass(frozen=True, slots=True)
class Before:
    """What a block held: the number of the delivery that said so, and its items by id."""

    number: int
    items: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Source:
    """The disclosure that told what is looked for."""

    delivery: int
    decision: int


def told_before(delivery: Delivery, entries: Iterable[reading.PersonEntry], *, at: datetime) -> dict[Place, Before]:
    """What the blocks of changes in some entries were built on, and who the persons in them are, as far as told.

    A place that is missing here was told nothing before, or what it was told can be shown no more: it has been erased,
    or is more than may be told now.
    """
    wanted: dict[Place, str] = {}
    for entry in entries:
        if not entry.complete:
            wanted |= {(one.watch, one.section): one.before for one in entry.blocks if _took_away(one)}
            wanted |= {(watch, HEADER): "" for watch in _watches(entry) if (watch, HEADER) not in wanted}
    found = _sources(delivery, wanted)
    return _read(_allowed(delivery, found, at), wanted)


def _took_away(block: reading.Block) -> bool:
    return bool(block.removed) or any(item.replaces for item in block.items)


def _watches(entry: reading.PersonEntry) -> set[int]:
    return {one.watch for one in entry.statuses} | {one.watch for one in entry.blocks}


def _sources(delivery: Delivery, wanted: dict[Place, str]) -> dict[Place, _Source]:
    """For each place the newest earlier disclosure with the block that is wanted, or with any where none is named."""
    rows = handed_out(Disclosure.objects.filter(watch__in={watch for watch, _ in wanted}), delivery.stream_id)
    rows = rows.filter(delivery__number__lt=delivery.number).order_by("-delivery__number")
    sections: dict[int, list[str]] = defaultdict(list)
    for watch, section in wanted:
        sections[watch].append(section)
    found: dict[Place, _Source] = {}
    for watch, pk, decision, told in rows.values_list("watch", "delivery", "decision", "sections"):
        for section in sections[watch]:
            digest = told.get(section)
            if digest and digest == (wanted[watch, section] or digest) and (watch, section) not in found:
                found[watch, section] = _Source(pk, decision)
    return found


def handed_out(disclosures: QuerySet[Disclosure], stream: int) -> QuerySet[Disclosure]:
    """Those of a stream that were sent, and whose delivery somebody has fetched and nobody erased."""
    return disclosures.filter(
        outcome=Disclosure.Outcome.SENT,
        delivery__stream=stream,
        delivery__recalled_at=None,
        delivery__first_fetched_at__isnull=False,
        delivery__purged=None,
    )


def _allowed(delivery: Delivery, found: dict[Place, _Source], at: datetime) -> dict[Place, _Source]:
    """What may all be told now as well."""
    stream = Stream.objects.select_related("agreement__customer").get(pk=delivery.stream_id)
    watches = Watch.objects.in_bulk({watch for watch, _ in found})
    decisions = StoredDecision.objects.in_bulk({one.decision for one in found.values()})
    decider = Decider(law_of(stream, timezone.localdate(at)))
    decider.about(list(watches.values()))
    return {
        place: source
        for place, source in found.items()
        if not against(decider.decide(watches[place[0]])[0], decisions[source.decision])
    }


def _read(found: dict[Place, _Source], wanted: dict[Place, str]) -> dict[Place, Before]:
    """The blocks, each document read once and for the watches that are looked for in it alone."""
    places: dict[int, list[Place]] = defaultdict(list)
    for place, source in found.items():
        places[source.delivery].append(place)
    said: dict[Place, Before] = {}
    for delivery in Delivery.objects.filter(pk__in=places).order_by("number"):
        for block in _blocks(delivery, {watch for watch, _ in places[delivery.pk]}):
            place = (block.watch, block.section)
            if place in places[delivery.pk] and block.after == (wanted[place] or block.after):
                items = contents(block)
                if items is not None:
                    said[place] = Before(delivery.number, items)
    return said


def _blocks(delivery: Delivery, watches: set[int]) -> list[Block]:
    if not storage.is_still_whole(delivery.sha256, delivery.size):
        return []
    try:
        _, entries = read_about(storage.place_of(delivery.sha256), watches, watches)
    except NotReadable:
        return []
    return [block for entry in entries for block in entry.blocks]


def contents(block: Block) -> dict[str, dict[str, Any]] | None:
    """The items of a stored block by id, as values; None where today's catalogue does not know their form any more."""
    section = catalogue().sections.get(block.section)
    if section is None:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return {one.id: reading.content(section.fields, etree.fromstring(one.xml, parser)) for one in block.items}
    except KeyError:
        return None
