"""Proof that first + changes = everything, and nothing but what is allowed (C10).

What a customer was told is folded from the documents alone, through the published schema; where the oldest have been
erased, from the signed checkpoint that was made before. What it should have been told is worked out the slow, plain
way, watch by watch from the register, as of the stream's mark; of the run's own path it shares only the law
(`subscriptions`) and the digest (`benefits.content`). The two must be equal, or the difference must stand in Pending or
be caused by a law change that no run has examined yet.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from benefits.catalogue import HEADER, catalogue
from benefits.content import block_digest, digest
from benefits.models import BenefitPeriod, PersonFacts, PersonNumber
from deliveries import checkpoints, storage
from deliveries.candidates import touched_by_law
from deliveries.decisions import Decider
from deliveries.models import Checkpoint, Delivery, Disclosure, Purged, Told
from deliveries.reading import Block, DocumentFault, PersonEntry, Status, read, read_head
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from subscriptions.decision import Outcome
from subscriptions.disclosable import Allowance, disclosable
from subscriptions.models import Pending, Stream, Watch
from subscriptions.profiles import law_of

Blocks = dict[str, Counter[str]]  # section: how many items of each digest
FROZEN = frozenset({Pending.Reason.PROTECTED, Pending.Reason.HELD})
_AGREED = {ACTIVE: "active", NOT_AUTHORISED: "not authorised", ENDED: "ended"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, or not yet. Names no person."""

    stream: int
    watch: int | None
    section: str
    why: str

    def __str__(self) -> str:
        place = f"stream {self.stream}" + (f" watch {self.watch}" if self.watch else "")
        return f"{place} {self.section}: {self.why}"


@dataclass(slots=True)
class Report:
    equal: int = 0
    pending: list[Finding] = field(default_factory=list)
    different: list[Finding] = field(default_factory=list)
    overdue: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.different and not self.overdue

    def add(self, other: "Report") -> None:
        self.equal += other.equal
        self.pending += other.pending
        self.different += other.different
        self.overdue += other.overdue


@dataclass(slots=True)
class Known:
    """What a receiver knows of one watch after folding."""

    status: str = ""
    blocks: Blocks = field(default_factory=dict)


class Fold:
    """A receiver's state: fold one document after the other, checking that each says the truth of itself."""

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.watches: dict[int, Known] = {}
        self.faults: list[Finding] = []

    def begin_after(self, checkpoint: Checkpoint, delivery: Delivery) -> None:
        """Begin with what the receiver knew after a delivery, as the checkpoint of it says."""
        try:
            for watch, status, blocks in checkpoints.states(checkpoint, delivery):
                known = {section: Counter(digests) for section, digests in blocks.items()}
                self.watches[watch] = Known(status, known)
        except checkpoints.CheckpointFault as fault:
            self._fault(None, "", str(fault))

    def states(self) -> Iterator[checkpoints.State]:
        """What the receiver knows now, as a checkpoint keeps it."""
        for watch, known in sorted(self.watches.items()):
            yield watch, known.status, {section: dict(items) for section, items in known.blocks.items()}

    def miss(self, delivery: Delivery) -> None:
        """Check of a delivery before the checkpoint only that its document, if it is kept, is whole."""
        if not storage.is_whole(delivery.sha256, delivery.size):
            self._fault(None, "", f"the document of delivery {delivery.number} is damaged or gone")

    def take(self, delivery: Delivery) -> None:
        """Fold one delivery. What is wrong with it becomes a fault, and the fold goes on."""
        path = storage.place_of(delivery.sha256)
        if not storage.is_whole(delivery.sha256, delivery.size):
            self._fault(None, "", f"the document of delivery {delivery.number} is damaged or gone")
            return
        try:
            for entry in read(path):
                self._entry(entry)
            if read_head(path).final:
                self.watches.clear()
        except DocumentFault as fault:
            self._fault(None, "", f"delivery {delivery.number}: {fault}")

    def _entry(self, entry: PersonEntry) -> None:
        for block in entry.blocks:
            self._check_before(block)
        for status in entry.statuses:
            if status.code == ACTIVE:
                self.watches[status.watch] = Known(ACTIVE)
        for block in entry.blocks:
            self._replace(block)
        for status in entry.statuses:
            if status.code != ACTIVE:
                self.watches[status.watch] = Known(status.code)

    def _check_before(self, block: Block) -> None:
        known = self.watches.get(block.watch, Known())
        said = known.blocks.get(block.section, Counter())
        if block.before != _digest_of(block.section, said):
            self._fault(block.watch, block.section, "a block builds on another state than the one told")
        removed = Counter(id_.split("-")[0] for id_ in block.removed)
        if removed - said:
            self._fault(block.watch, block.section, "an item is removed that was never told")

    def _replace(self, block: Block) -> None:
        fields = catalogue().sections[block.section].fields
        digests = [digest(fields, item.content) or "" for item in block.items]
        if any(item.id.split("-")[0] != own for item, own in zip(block.items, digests, strict=True)):
            self._fault(block.watch, block.section, "an item's id is not its digest")
        if block.after != block_digest(block.section, digests):
            self._fault(block.watch, block.section, "a block's digest is not that of its items")
        blocks = self.watches.setdefault(block.watch, Known(ACTIVE)).blocks
        blocks[block.section] = Counter(digests)
        if not digests:
            del blocks[block.section]

    def _fault(self, watch: int | None, section: str, why: str) -> None:
        self.faults.append(Finding(self.stream, watch, section, why))


def _digest_of(section: str, items: Counter[str]) -> str:
    return block_digest(section, items.elements())


def fold(stream: Stream, *, through: int | None = None) -> Fold:
    """Fold the standing deliveries of a stream from its newest checkpoint on, checking the whole chain on the way.

    `through` is the number to stop after; without it the last is the stream's.
    """
    folded = Fold(stream.pk)
    checkpoint = checkpoints.newest(stream.pk)
    erased = set(Purged.objects.filter(delivery__stream=stream).values_list("delivery", flat=True))
    previous, expected = "", 1
    for delivery in _through(stream, through):
        if delivery.number != expected or delivery.previous_sha256 != previous:
            folded.faults.append(Finding(stream.pk, None, "", f"the chain breaks at delivery {delivery.number}"))
        previous, expected = delivery.sha256, delivery.number + 1
        if checkpoint is not None and delivery.number == checkpoint.number:
            folded.begin_after(checkpoint, delivery)
        if delivery.recalled_at is not None:
            continue
        if checkpoint is None or delivery.number > checkpoint.number:
            folded.take(delivery)
            folded.faults.extend(_undisclosed(delivery))
        elif delivery.pk not in erased:
            folded.miss(delivery)
    if through is None and (expected - 1, previous) != (stream.last_number, stream.last_sha256):
        folded.faults.append(Finding(stream.pk, None, "", "the stream's last number or hash is not the chain's"))
    return folded


def _through(stream: Stream, number: int | None) -> Iterable[Delivery]:
    deliveries = Delivery.objects.filter(stream=stream).order_by("number")
    return deliveries if number is None else deliveries.filter(number__lte=number)


def _undisclosed(delivery: Delivery) -> Iterator[Finding]:
    """No log, no delivery: every watch in the document has a disclosure row, and every block its digest there."""
    logged = dict(Disclosure.objects.filter(delivery=delivery).values_list("watch_id", "sections"))
    try:
        for entry in read(storage.place_of(delivery.sha256), check=False):
            everything: list[Status | Block] = [*entry.statuses, *entry.blocks]
            for said in everything:
                if said.watch not in logged or _says_more(said, logged[said.watch]):
                    yield Finding(delivery.stream_id, said.watch, "", f"delivery {delivery.number} is not logged")
    except (DocumentFault, OSError):
        return  # the fold has named it


def _says_more(said: Status | Block, sections: dict[str, str]) -> bool:
    return isinstance(said, Block) and sections.get(said.section) != said.after


def verify(stream: Stream, at: datetime) -> Report:
    """Compare what a stream's customer was told with what it should have been told, as of the stream's mark."""
    stream = Stream.objects.select_related("agreement__customer").get(pk=stream.pk)
    folded = fold(stream)
    report = Report(different=list(folded.faults))
    report.different.extend(_told_otherwise(stream, folded))
    if stream.closed:
        report.different.extend(
            Finding(stream.pk, watch, "", "told something after the stream ended") for watch in folded.watches
        )
        return report
    _, unexamined = touched_by_law(stream, stream.examined_law)
    decider = Decider(law_of(stream, stream.examined_day or at.date()))
    owed: dict[int, list[Pending]] = {}
    for row in Pending.objects.filter(watch__stream=stream).order_by("since"):
        owed.setdefault(row.watch_id, []).append(row)
    for watch in stream.watches.order_by("pk").iterator():
        told = folded.watches.pop(watch.pk, Known())
        why = _difference(decider, watch, told, stream)
        if why is None and watch.ended_at is not None:
            owed.pop(watch.pk, None)  # it ended before it was told anything, and is frozen: that can wait
        _judge(report, stream, watch, why, owed.get(watch.pk, []), watch.pk in unexamined)
    report.different.extend(
        Finding(stream.pk, watch, "", "told, but there is no such watch") for watch in folded.watches
    )
    report.overdue.extend(_overdue(stream, owed, at))
    return report


def _judge(
    report: Report, stream: Stream, watch: Watch, why: tuple[str, str] | None, owed: list[Pending], unexamined: bool
) -> None:
    if why is None:
        report.equal += 1
    elif owed:
        report.pending.append(Finding(stream.pk, watch.pk, why[0], f"{why[1]} (pending {owed[0].pk} {owed[0].reason})"))
    elif unexamined:
        report.pending.append(Finding(stream.pk, watch.pk, why[0], f"{why[1]} (law changed since the mark)"))
    else:
        report.different.append(Finding(stream.pk, watch.pk, *why))


def _difference(decider: Decider, watch: Watch, told: Known, stream: Stream) -> tuple[str, str] | None:
    """Section and why of the first difference between what a watch was told and should have been told."""
    decider.about([watch])
    decision, _ = decider.decide(watch)
    if decision.outcome is Outcome.FROZEN:
        if watch.ended_at is not None and told.status in ("", ENDED):
            return None
        return "", "frozen"
    status = _status(decision.outcome, watch)
    if told.status != status:
        return "", f"told {_AGREED.get(told.status, 'nothing')}, should be {_AGREED[status]}"
    expected: Blocks = {}
    if status == ACTIVE:
        allowance = Allowance(watch.benefit, decision.classes, decision.outcomes, watch.from_date)
        expected = _expected(_holder(watch, stream.examined_import), watch.benefit, allowance, stream.examined_import)
    for section in sorted(expected.keys() | told.blocks.keys()):
        missing = expected.get(section, Counter()) - told.blocks.get(section, Counter())
        surplus = told.blocks.get(section, Counter()) - expected.get(section, Counter())
        if missing or surplus:
            return section, f"{missing.total()} items untold, {surplus.total()} told that should not stand"
    return None


def _status(outcome: Outcome, watch: Watch) -> str:
    if watch.ended_at is not None:
        return ENDED
    return ACTIVE if outcome is Outcome.ALLOWED else NOT_AUTHORISED


def _holder(watch: Watch, number: int) -> int:
    """Who, as of an import, held the number that a watch was ordered by: it is that person it follows (C8)."""
    held = PersonNumber.objects.as_of(number).filter(number=watch.ordered_number)
    return held.values_list("person_id", flat=True).first() or watch.person_id


def _expected(person: int, benefit: str, allowance: Allowance, number: int) -> Blocks:
    """What a watch should know as of an import, from the register's rows one person at a time."""
    known = catalogue()
    contents: list[tuple[str, dict[str, Any]]] = [(HEADER, _header(person, number))]
    wanted = known.benefits[benefit].sections
    for period in BenefitPeriod.objects.filter(person=person).as_of(number):
        if period.section in wanted:
            contents.append((period.section, json.loads(period.content, parse_float=Decimal)))
    expected: Blocks = {}
    for name, content in contents:
        section = known.sections[name]
        part = disclosable(known, section, content, allowance)
        own = digest(section.fields, part) if part else None
        if own:
            expected.setdefault(name, Counter())[own] += 1
    return expected


def _header(person: int, number: int) -> dict[str, Any]:
    numbers = PersonNumber.objects.filter(person=person).as_of(number)
    facts = PersonFacts.objects.filter(person=person).as_of(number).first()
    return {
        "personnummer": next((one.number for one in numbers if one.current), None),
        "tidigarePersonnummer": [one.number for one in numbers if not one.current],
        "namn": (facts.name or None) if facts else None,
        "foddes": (facts.born or None) if facts else None,
        "avled": (facts.died_on or None) if facts else None,
    }


def _told_otherwise(stream: Stream, folded: Fold) -> Iterator[Finding]:
    """Told must say what the documents say: else the next night's comparison starts from a lie."""
    remembered: dict[int, Known] = {}
    rows = Told.objects.filter(watch__stream=stream, replaced_by=None).values_list(
        "watch", "section", "items", "digest"
    )
    for watch, section, items, own in rows.iterator():
        if section in catalogue().sections:
            if items:
                digests = Counter(line.split(" ")[0] for line in items.split("\n"))
                remembered.setdefault(watch, Known(ACTIVE)).blocks[section] = digests
        else:
            remembered[watch] = Known(own)
    for watch in remembered.keys() | folded.watches.keys():
        said, kept = folded.watches.get(watch, Known(ACTIVE)), remembered.get(watch, Known(ACTIVE))
        if (said.status or ACTIVE, said.blocks) != (kept.status, kept.blocks):
            yield Finding(stream.pk, watch, "", "what is remembered as told is not what the documents say")


def _overdue(stream: Stream, owed: dict[int, list[Pending]], at: datetime) -> Iterator[Finding]:
    """What has been owed too long. A frozen watch waits, with all it is owed, for a person to do something.

    What two people have dropped is not owed any more; delta debt lists it until the register agrees (C6).
    """
    for watch, rows in owed.items():
        frozen = any(row.reason in FROZEN for row in rows)
        limit = at - timedelta(days=settings.FROZEN_DAYS if frozen else settings.PENDING_DAYS)
        for row in rows:
            if row.since < limit and row.reason != Pending.Reason.DROPPED:
                yield Finding(stream.pk, watch, "", f"pending {row.pk} {row.reason} is past its deadline")
