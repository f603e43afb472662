"""What a customer knew about a person at an instant, and since when: from the stored documents, byte for byte.

Documents are looked up by the log of disclosures, checked against their hash and their place in the chain, and read by
`fragments`, which depends neither on the catalogue nor on today's schema. What they say is folded as a receiver folds
it (docs/delivery.md), and each item keeps from which document on it was known, and until which.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Exists, OuterRef, Q

from benefits.models import Person
from deliveries import storage
from deliveries.fragments import Block, Entry, NotReadable, read_about
from deliveries.models import Delivery, Disclosure, SpontaneousDisclosure
from subscriptions.decision import Outcome
from subscriptions.models import Customer, Stream, Watch

ACTIVE = "1"
OUTSIDE = 0  # the watch of a document that stands in no stream


class Trouble(StrEnum):
    """Why a document says nothing here."""

    ERASED = "erased"
    DAMAGED = "damaged"
    CHAIN = "chain"  # it is whole, and not what the next one builds on


class Knowledge(StrEnum):
    """Whether the customer knew an item at the instant."""

    KNOWN = "known"
    READY = "ready"  # released, and nobody had fetched it
    REPLACED = "replaced"  # known for a time, and then told to be gone
    NEVER_READ = "never_read"  # released and replaced, and nobody ever fetched it


# What it comes to


@dataclass(frozen=True, slots=True)
class Source:
    """A delivery, or a message told of our own accord (`number` 0): when it was ready, fetched and erased."""

    stream: int
    number: int
    sha256: str
    released_at: datetime
    fetched_at: datetime | None
    recalled_at: datetime | None = None
    trouble: Trouble | None = None
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as it stands in the file of `since`. `until` told that it was gone, or replaced all that was told.

    `or_earlier`: what stood before could not be read, so it may have been known before that too.
    """

    id: str
    xml: str
    since: Source
    until: Source | None
    or_earlier: bool

    def knowledge(self, at: datetime) -> Knowledge:
        read, gone = _fetched(self.since, at), self.until is not None and _fetched(self.until, at)
        if read:
            return Knowledge.REPLACED if gone else Knowledge.KNOWN
        return Knowledge.READY if self.until is None else Knowledge.NEVER_READ


@dataclass(frozen=True, slots=True)
class KnownSection:
    """One section of one watch. `unread` are the documents that said something of it and cannot be read here."""

    name: str
    benefit: str
    items: tuple[KnownItem, ...]
    unread: tuple[Source, ...]
    gap: bool  # a block built on another state than the one before it


@dataclass(frozen=True, slots=True)
class Said:
    """What a document said of a watch: its kundStatus, and coarsely why it ended."""

    code: str
    reason: str
    source: Source


@dataclass(frozen=True, slots=True)
class KnownWatch:
    """`numbers` are the identity numbers under which the documents named the person, in order."""

    watch: int
    stream: str
    benefit: str
    numbers: tuple[str, ...]
    said: tuple[Said, ...]
    sections: tuple[KnownSection, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """All that customers were told about a person, as of an instant; `sources` in order of release."""

    at: datetime
    watches: tuple[KnownWatch, ...]
    sources: tuple[Source, ...]


def replay(
    *, person: Person, at: datetime, customer: Customer | None = None, stream: Stream | None = None
) -> dict[int, Replay]:
    """What customers knew of a person at an instant, by customer: of one, of one stream, or of all.

    What had been recalled by then told nothing. Documents are read one at a time, those alone that name the person, and
    the queries do not grow with them. Whoever asks logs the read.
    """
    found = _find(person, at, customer, stream)
    folds: dict[int, _Fold] = {}
    sources: dict[int, list[Source]] = defaultdict(list)
    for delivery, rows in found.told():
        source, entries = _read(delivery, rows, found.previous.get((delivery.stream_id, delivery.number - 1)))
        sources[found.customers[delivery.stream_id]].append(source)
        concerned = {row.watch_id: row for row in rows}
        for watch in concerned if not delivery.final else found.of_stream(delivery.stream_id):
            fold = folds.setdefault(watch, _Fold(found.watches[watch]))
            fold.take(source, entries, concerned.get(watch), final=delivery.final)
    messages = [_Message(one) for one in found.messages]
    for message in messages:
        sources[message.customer].append(message.source)
    return {
        owner: _replay(at, owner, found, folds, messages, sources[owner])
        for owner in sorted({*sources, *found.customers.values()})
    }


def _replay(
    at: datetime,
    owner: int,
    found: "_Found",
    folds: dict[int, "_Fold"],
    messages: "Iterable[_Message]",
    sources: Iterable[Source],
) -> Replay:
    watches = [fold.known() for _, fold in sorted(folds.items()) if found.customers[fold.watch.stream_id] == owner]
    watches += [message.known() for message in messages if message.customer == owner]
    return Replay(at, tuple(watches), tuple(sorted(sources, key=lambda one: (one.released_at, one.number))))


def _fetched(source: Source, at: datetime) -> bool:
    return source.fetched_at is not None and source.fetched_at <= at


# Looking up


@dataclass(slots=True)
class _Found:
    """The rows that say where to look."""

    watches: dict[int, Watch]
    customers: dict[int, int]  # stream: customer
    deliveries: list[Delivery]
    rows: dict[int, list[Disclosure]]
    previous: dict[tuple[int, int], str]
    messages: list[SpontaneousDisclosure]

    def told(self) -> Iterator[tuple[Delivery, list[Disclosure]]]:
        """The deliveries in order of their chains, with what they told of the person."""
        for delivery in self.deliveries:
            yield delivery, self.rows.get(delivery.pk, [])

    def of_stream(self, stream_id: int) -> list[int]:
        return [watch.pk for watch in self.watches.values() if watch.stream_id == stream_id]


def _find(person: Person, at: datetime, customer: Customer | None, stream: Stream | None) -> _Found:
    """Seven queries, however much there is."""
    about = Disclosure.objects.about(person).values("watch")  # also watches that have gone on to another since
    mine = Q(person__in=person.same) | Q(pk__in=about)
    watches = Watch.objects.filter(mine, **_only(customer, stream, "stream"))
    by_pk = {one.pk: one for one in watches.select_related("stream__agreement").order_by("pk")}
    rows = Disclosure.objects.filter(watch__in=list(by_pk), delivery__released_at__lte=at)
    own = Q(person__in=person.same) | Q(watch__person__in=person.same) | Q(watch__ordered_number__in=person.held())
    rows = rows.filter(own).select_related("decision")
    by_delivery: dict[int, list[Disclosure]] = defaultdict(list)
    for row in rows.order_by("watch"):
        by_delivery[row.delivery_id].append(row)
    streams = {one.stream_id for one in by_pk.values()}
    deliveries = _standing(at).filter(Q(pk__in=list(by_delivery)) | Q(final=True, stream__in=streams))
    found = list(deliveries.select_related("purged__purge").order_by("stream", "number"))
    following = Delivery.objects.filter(
        pk__in=[one.pk for one in found], stream=OuterRef("stream"), number=OuterRef("number") + 1
    )
    before = Delivery.objects.filter(Exists(following), stream__in=streams)
    messages = SpontaneousDisclosure.objects.approved().filter(person__in=person.same, approved_at__lte=at)
    messages = messages.filter(**_only_message(customer, stream)).select_related("purged__purge").order_by("pk")
    return _Found(
        watches=by_pk,
        customers={one.stream_id: one.stream.agreement.customer_id for one in by_pk.values()},
        deliveries=found,
        rows=by_delivery,
        previous={(one[0], one[1]): one[2] for one in before.values_list("stream", "number", "sha256")},
        messages=list(messages),
    )


def _standing(at: datetime) -> Any:
    """The deliveries released by an instant and not recalled by then."""
    return Delivery.objects.filter(Q(recalled_at=None) | Q(recalled_at__gt=at), released_at__lte=at)


def _only(customer: Customer | None, stream: Stream | None, path: str) -> dict[str, Any]:
    said = {path: stream, f"{path}__agreement__customer": customer}
    return {name: value for name, value in said.items() if value is not None}


def _only_message(customer: Customer | None, stream: Stream | None) -> dict[str, Any]:
    """What is told of our own accord stands outside every stream."""
    if stream is not None:
        return {"pk__in": []}
    return {"customer": customer} if customer is not None else {}


# Reading and folding


def _read(delivery: Delivery, rows: Iterable[Disclosure], previous: str | None) -> tuple[Source, list[Entry]]:
    told = {row.watch_id: row for row in rows}
    trouble, entries = _document(delivery, set(told), {watch for watch, row in told.items() if row.sections})
    erased = getattr(delivery, "purged", None)
    if trouble is None and delivery.previous_sha256 != (previous or ""):
        trouble = Trouble.CHAIN
    source = Source(
        stream=delivery.stream_id,
        number=delivery.number,
        sha256=delivery.sha256,
        released_at=delivery.released_at,
        fetched_at=delivery.first_fetched_at,
        recalled_at=delivery.recalled_at,
        trouble=trouble,
        erased_at=erased.purge.at if erased else None,
    )
    return source, [] if trouble else entries


def _document(
    kept: Delivery | SpontaneousDisclosure, watches: set[int], told: set[int]
) -> tuple[Trouble | None, list[Entry]]:
    """What a document says of some watches, or why that cannot be read."""
    if getattr(kept, "purged", None) is not None:
        return Trouble.ERASED, []
    if not storage.is_whole(kept.sha256, kept.size):
        return Trouble.DAMAGED, []
    try:
        before, entries = read_about(storage.place_of(kept.sha256), watches, told)
    except NotReadable:
        return Trouble.DAMAGED, []
    chained = isinstance(kept, SpontaneousDisclosure) or before == kept.previous_sha256
    return (None, entries) if chained else (Trouble.CHAIN, [])


class _Section:
    """One section of one watch while documents are folded."""

    def __init__(self, name: str, benefit: str) -> None:
        self.name, self.benefit = name, benefit
        self.digest = ""  # of the block as last told; "" where that is not known
        self.gap = False
        self.standing: dict[str, KnownItem] = {}
        self.gone: list[KnownItem] = []
        self.unread: list[Source] = []
        self.blind = False  # the last document that said something of it could not be read

    def check(self, block: Block) -> None:
        self.gap = self.gap or (bool(self.digest) and not self.blind and block.before != self.digest)

    def forget(self, source: Source) -> None:
        self._replace({}, source)
        self.digest = ""

    def take(self, block: Block, source: Source) -> None:
        now = {}
        for item in block.items:
            fresh = KnownItem(item.id, item.xml, source, None, self.blind)
            now[item.id] = self.standing.get(item.id, fresh)
        for id_ in now:
            self.standing.pop(id_, None)
        self._replace(now, source)
        self.digest, self.blind = block.after, False

    def miss(self, source: Source) -> None:
        """A document that cannot be read said something of the section."""
        self.unread.append(source)
        self.blind = True

    def _replace(self, now: dict[str, KnownItem], source: Source) -> None:
        gone = (KnownItem(one.id, one.xml, one.since, source, one.or_earlier) for one in self.standing.values())
        self.gone.extend(gone)
        self.standing = now

    def known(self) -> KnownSection:
        items = (*self.standing.values(), *self.gone)
        return KnownSection(self.name, self.benefit, items, tuple(self.unread), self.gap)


class _Fold:
    """What the documents said of one watch, one after the other, by the rules of docs/delivery.md."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._sections: dict[str, _Section] = {}
        self._numbers: dict[str, None] = {}
        self._said: list[Said] = []

    def take(self, source: Source, entries: Iterable[Entry], row: Disclosure | None, *, final: bool = False) -> None:
        """Fold one document; of one that cannot be read, what its disclosure says."""
        if final:
            self._forget(source)
        if source.trouble is not None and row is not None:
            self._miss(source, row)
        for entry in entries:
            self._entry(entry, source)

    def _miss(self, source: Source, row: Disclosure) -> None:
        """A document that cannot be read: what its disclosure says of the sections, and of the watch as a whole."""
        refused = row.outcome == Disclosure.Outcome.WITHHELD and row.decision.outcome != Outcome.FROZEN
        ended = self.watch.ended_at is not None and self.watch.ended_at <= source.released_at
        for name, section in self._sections.items():
            if row.complete and name not in row.sections:
                section.forget(source)
        for name in row.sections:
            self._section(name, self.watch.benefit).miss(source)
        if refused or ended:
            self._forget(source)

    def _entry(self, entry: Entry, source: Source) -> None:
        blocks = [one for one in entry.blocks if one.watch == self.watch.pk]
        statuses = [one for one in entry.statuses if one.watch == self.watch.pk]
        if blocks or statuses:
            self._numbers[entry.number] = None
        for block in blocks:
            self._section(block.section, block.benefit).check(block)
        whole = any(one.code == ACTIVE for one in statuses)
        for name, section in self._sections.items():
            if whole and name not in {one.section for one in blocks}:
                section.forget(source)
        for block in blocks:
            self._section(block.section, block.benefit).take(block, source)
        for status in statuses:
            self._said.append(Said(status.code, status.reason, source))
            if status.code != ACTIVE:
                self._forget(source)

    def _forget(self, source: Source) -> None:
        for section in self._sections.values():
            section.forget(source)

    def _section(self, name: str, benefit: str) -> _Section:
        return self._sections.setdefault(name, _Section(name, benefit))

    def known(self) -> KnownWatch:
        sections = (one.known() for one in self._sections.values())
        said, numbers = tuple(self._said), tuple(self._numbers)
        return KnownWatch(self.watch.pk, str(self.watch.stream), self.watch.benefit, numbers, said, tuple(sections))


class _Message:
    """One document told of our own accord: complete in itself, and never changed by another."""

    def __init__(self, row: SpontaneousDisclosure) -> None:
        self.customer, self._row = row.customer_id, row
        trouble, self._entries = _document(row, {OUTSIDE}, {OUTSIDE})
        erased = getattr(row, "purged", None)
        self.source = Source(
            stream=0,
            number=0,
            sha256=row.sha256,
            released_at=row.approved_at or row.prepared_at,  # type: ignore[arg-type]
            fetched_at=row.first_fetched_at,
            trouble=trouble,
            erased_at=erased.purge.at if erased else None,
        )

    def known(self) -> KnownWatch:
        sections = {name: _Section(name, self._row.benefit) for name in self._row.sections}
        for block in (one for entry in self._entries for one in entry.blocks):
            sections.setdefault(block.section, _Section(block.section, block.benefit)).take(block, self.source)
        for section in sections.values():
            if self.source.trouble is not None:
                section.miss(self.source)
        numbers = tuple(entry.number for entry in self._entries)
        return KnownWatch(OUTSIDE, "", self._row.benefit, numbers, (), tuple(one.known() for one in sections.values()))
