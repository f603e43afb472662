"""Building one stream's delivery from its candidates: examine, compare with what was told, write the document.

Nothing here changes what was told: the result is a Draft, a document not yet kept and a list of what its release will
write. Memory is bounded by a page of watches and by the ids in the draft.
"""

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db.models import Max, Q

from benefits.catalogue import catalogue
from benefits.content import block_digest
from benefits.models import Import
from deliveries.answered import (
    LINES,
    Cause,
    answer_of,
    causes_of,
    ending,
    lines_without_effect,
    opening,
    refreshing,
    to_carry,
)
from deliveries.changes import BlockChange, Item, Known, Said, compare, from_text, to_text
from deliveries.decisions import Decider
from deliveries.document import Block, Entry, Head, LineAnswer, ReservationLine, SourceLine, Status, Writer
from deliveries.known import Register, sections_of, tellable
from deliveries.models import Candidate, Disclosure, Run, StoredDecision, Told
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED, SILENT
from deliveries.storage import temporary
from subscriptions.decision import Decision, Outcome, Refusal
from subscriptions.models import Pending, Watch
from subscriptions.profiles import StreamLaw

PAGE = 1000  # watches
STATUS = "@status"  # the row of Told that says that a watch was told it is not active
COMPLETE = frozenset({Pending.Reason.FIRST, Pending.Reason.REFRESH})


@dataclass(slots=True)
class Draft:
    """A written document, and what its release is to record. Rows wait in `spool`, one JSON object a line."""

    path: Path
    spool: Path
    day: date
    as_of_law: int
    final: bool
    sha256: str = ""
    size: int = 0
    persons: int = 0
    blocks: int = 0
    orders: array = field(default_factory=lambda: array("q"))
    watches: array = field(default_factory=lambda: array("q"))
    told_gone: array = field(default_factory=lambda: array("q"))
    pending_gone: array = field(default_factory=lambda: array("q"))
    pending_new: list[tuple[int, str]] = field(default_factory=list)
    decisions: dict[str, StoredDecision] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    news: Counter[str] = field(default_factory=Counter)  # by benefit: watches with news that nobody ordered
    left_out: frozenset[str] = frozenset()  # benefits that are held

    def discard(self) -> None:
        for path in (self.path, self.spool):
            path.unlink(missing_ok=True)

    def spooled(self) -> Iterator[dict[str, Any]]:
        with self.spool.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


@dataclass(slots=True)
class _Page:
    """A page of candidates with all that examining them depends on."""

    watches: list[Watch]
    register: Register
    told: dict[int, dict[str, Told]]
    pending: dict[int, list[Pending]]
    informed: set[int]
    causes: dict[int, list[Cause]]


@dataclass(slots=True)
class _Finding:
    """What examining a watch came to."""

    watch: Watch
    complete: bool = False
    status: Status | None = None
    blocks: list[Block] = field(default_factory=list)
    outcome: str = ""
    reason: str = ""
    items: int = 0


class Builder:
    """Builds the draft of one stream in one run."""

    def __init__(
        self,
        run: Run,
        law: StreamLaw,
        as_of_law: int,
        keep_lease: Callable[[], None],
        left_out: frozenset[str] = frozenset(),
        examined: Callable[[int], None] = lambda watches: None,
    ) -> None:
        self.run = run
        self.law = law
        self.keep_lease = keep_lease
        self.examined = examined  # is told how many watches have been examined
        self.decider = Decider(law)
        self._whom = "person_id" if law.may_tell_numbers else "ordered_number"
        self.draft = Draft(temporary(), temporary(), law.day, as_of_law, final=law.ended, left_out=left_out)

    def build(self, at: datetime) -> Draft:
        """Write the document and return the draft. The caller discards it if it is not released."""
        draft = self.draft
        try:
            with draft.path.open("wb") as file, draft.spool.open("w", encoding="utf-8") as spool:
                writer = Writer(file, head(self.run, self.law, draft, at))
                if not draft.final:
                    self._answer_orders(writer)
                    self._examine_all(writer, spool)
                draft.sha256 = writer.close()
        except BaseException:
            draft.discard()
            raise
        draft.size, draft.persons, draft.blocks = writer.size, writer.persons, writer.blocks
        draft.decisions = self.decider.stored
        return draft

    def _examine_all(self, writer: Writer, spool: IO[str]) -> None:
        examined = 0
        for page in self._pages():
            self._examine(page, writer, spool)
            self.keep_lease()
            examined += len(page.watches)
            self.examined(examined)

    def _answer_orders(self, writer: Writer) -> None:
        """Say what the orders that were done by now were answered. One that is done later waits for the next."""
        for order in to_carry(self.law.stream):
            writer.answer(answer_of(order), self._kept(lines_without_effect(order)))
            self.draft.orders.append(order.pk)

    def _kept(self, pages: Iterable[list[LineAnswer]]) -> Iterator[list[LineAnswer]]:
        """The pages, the stream's lease held on to after each that is full."""
        for page in pages:
            yield page
            if len(page) == LINES:
                self.keep_lease()

    def _pages(self) -> Iterator[_Page]:
        """The candidates in order of whom they are on, never splitting one between pages.

        Where who a person is may not be told, that is the number ordered by: else the order of the document would say
        which numbers are one person's.
        """
        candidates = Candidate.objects.filter(run=self.run, stream=self.law.stream)
        if self.draft.left_out:
            candidates = candidates.exclude(watch__benefit__in=self.draft.left_out)
        ids, whom = array("q"), array("q")
        ordered = candidates.order_by(f"watch__{self._whom}", "watch")
        for watch, one in ordered.values_list("watch", f"watch__{self._whom}").iterator():
            ids.append(watch)
            whom.append(int(one))
        start = 0
        while start < len(ids):
            end = min(start + PAGE, len(ids))
            while end < len(ids) and whom[end] == whom[end - 1]:
                end += 1
            yield self._read(list(Watch.objects.filter(pk__in=ids[start:end]).order_by(self._whom, "pk")))
            start = end

    def _read(self, watches: list[Watch]) -> _Page:
        ids = [one.pk for one in watches]
        self.decider.about(watches)
        awake = [one for one in watches if self.decider.decide(one)[0].outcome is not Outcome.FROZEN]
        told: dict[int, dict[str, Told]] = {}
        for row in Told.objects.filter(watch__in=ids, replaced_by=None):
            told.setdefault(row.watch_id, {})[row.section] = row
        pending: dict[int, list[Pending]] = {}
        for owed in Pending.objects.filter(watch__in=ids):
            pending.setdefault(owed.watch_id, []).append(owed)
        informed = Disclosure.objects.filter(watch__in=ids, outcome=Disclosure.Outcome.SENT, delivery__recalled_at=None)
        return _Page(
            watches=watches,
            register=self._register(awake),
            told=told,
            pending=pending,
            informed=set(informed.values_list("watch_id", flat=True)),
            causes=causes_of(ids),
        )

    def _register(self, watches: list[Watch]) -> Register:
        """What is known of the persons of watches that are not frozen: those who are may wait for years, unread."""
        newest = self.run.as_of_import or 0
        return Register(
            sorted({one.person_id for one in watches}),
            {name for one in watches for name in sections_of(one.benefit)},
            oldest=min((self._as_of(one) for one in watches), default=newest),
            newest=newest,
        )

    def _as_of(self, watch: Watch) -> int:
        """The import as of which a watch is told: the run's, or the one it ended at."""
        newest = self.run.as_of_import or 0
        return newest if watch.ended_as_of is None else min(watch.ended_as_of, newest)

    def _examine(self, page: _Page, writer: Writer, spool: IO[str]) -> None:
        for _, group in groupby(page.watches, key=attrgetter(self._whom)):
            findings = [self._find(page, watch, spool) for watch in group]
            writer.add(self._entries(page, [one for one in findings if one.status or one.blocks]))

    def _entries(self, page: _Page, findings: list[_Finding]) -> Iterator[Entry]:
        """One entry for complete information and one for changes, as far as there is either, for each number shown."""
        entries: dict[tuple[bool, str], Entry] = {}
        for finding in findings:
            number = self._number(page, finding.watch)
            entry = entries.setdefault((finding.complete, number), Entry(number, finding.complete))
            entry.statuses += [finding.status] if finding.status else []
            entry.blocks += finding.blocks
        yield from (entries[key] for key in sorted(entries, reverse=True))

    def _number(self, page: _Page, watch: Watch) -> str:
        """The current number where identity may be told; else the one the customer ordered by (C8)."""
        decision, _ = self.decider.decide(watch)
        current = page.register.number(watch.person_id, self._as_of(watch))
        return current if current and "identity" in decision.classes else watch.ordered_number

    def _find(self, page: _Page, watch: Watch, spool: IO[str]) -> _Finding:
        decision, key = self.decider.decide(watch)
        told = page.told.get(watch.pk, {})
        finding = _Finding(watch)
        if decision.outcome is Outcome.FROZEN:
            self._freeze(page, finding, decision)
        elif watch.ended_at is not None:
            self._end(page, finding, decision, told, spool)
        elif decision.outcome is Outcome.REFUSED:
            self._refuse(page, finding, decision, told, spool)
        else:
            self._tell(page, finding, decision, told, spool)
        if decision.outcome is not Outcome.FROZEN:
            self.draft.pending_gone.extend(one.pk for one in page.pending.get(watch.pk, []))
        if finding.outcome:
            self._disclose(finding, key, spool)
        if self._is_news(page, finding):
            self.draft.news[watch.benefit] += 1
        return finding

    def _is_news(self, page: _Page, finding: _Finding) -> bool:
        """Whether something is told that the customer did not order to be told: what the brake counts."""
        watch = finding.watch
        ordered = any(one.reason in COMPLETE for one in page.pending.get(watch.pk, []))
        return bool(finding.status or finding.blocks) and not ordered and watch.ended_at is None

    def _freeze(self, page: _Page, finding: _Finding, decision: Decision) -> None:
        """Nothing is told, not even that; what is owed stays owed, and that it is frozen is noted once."""
        protected = decision.refusal is Refusal.PROTECTED
        why = Pending.Reason.PROTECTED if protected else Pending.Reason.HELD
        noted = {one.reason for one in page.pending.get(finding.watch.pk, [])}
        told = page.told.get(finding.watch.pk, {})
        heard = bool(told) or finding.watch.pk in page.informed
        if finding.watch.ended_at is not None and (not heard or _said(told) == ENDED):
            return  # nothing is to be told while it is so
        if why not in noted:
            self.draft.pending_new.append((finding.watch.pk, why))
            finding.outcome, finding.reason = Disclosure.Outcome.WITHHELD, decision.refusal or ""
        self.draft.counts["frozen"] += 1

    def _refuse(
        self, page: _Page, finding: _Finding, decision: Decision, told: dict[str, Told], spool: IO[str]
    ) -> None:
        """Say once that the benefit may not be told; what was told before stands no longer."""
        self.draft.counts["refused"] += 1
        if _said(told) == NOT_AUTHORISED:
            return
        self._say(page, finding, NOT_AUTHORISED, told, spool)
        finding.outcome, finding.reason = Disclosure.Outcome.WITHHELD, decision.refusal or ""

    def _end(self, page: _Page, finding: _Finding, decision: Decision, told: dict[str, Told], spool: IO[str]) -> None:
        """Tell the last changes, up to the end, and then that it has ended and coarsely why (C8)."""
        if _said(told) == ENDED:
            return
        if decision.allowed and finding.watch.pk in page.informed and _said(told) == ACTIVE:
            self._compare(page, finding, decision, told)
        self._say(page, finding, ENDED, told, spool)
        finding.outcome = Disclosure.Outcome.SENT
        self.draft.counts["ended"] += 1

    def _say(self, page: _Page, finding: _Finding, code: str, told: dict[str, Told], spool: IO[str]) -> None:
        """Tell a status other than active: it replaces everything that the watch was told."""
        finding.status = self._status(page, finding.watch, code)
        self.draft.told_gone.extend(row.pk for row in told.values())
        _write(spool, told=[finding.watch.pk, STATUS, code, ""])

    def _status(self, page: _Page, watch: Watch, code: str) -> Status:
        """A status, with the order's line that it answers, if it answers one."""
        reason = self._end_reason(watch) if code == ENDED else ""
        cause = self._cause(page, watch, code)
        order, line = (cause.order, cause.line) if cause else (0, 0)
        return Status(watch.pk, catalogue().benefits[watch.benefit].order_name, code, reason, order, line)

    def _end_reason(self, watch: Watch) -> str:
        """Coarsely why a watch ended; that two numbers are one person's only where that may be told (C8)."""
        decision, _ = self.decider.decide(watch)
        one = watch.end_reason == Watch.EndReason.DUPLICATE
        return Watch.EndReason.NO_LONGER if one and "identity" not in decision.classes else watch.end_reason

    def _cause(self, page: _Page, watch: Watch, code: str) -> Cause | None:
        causes = page.causes.get(watch.pk, [])
        if code == ENDED:
            return ending(causes)
        if code == NOT_AUTHORISED:
            return None
        return refreshing(causes, page.pending.get(watch.pk, [])) if watch.pk in page.informed else opening(causes)

    def _tell(self, page: _Page, finding: _Finding, decision: Decision, told: dict[str, Told], spool: IO[str]) -> None:
        watch = finding.watch
        owed = {one.reason for one in page.pending.get(watch.pk, [])}
        finding.complete = bool(owed & COMPLETE) or watch.pk not in page.informed or _said(told) != ACTIVE
        if finding.complete:
            finding.status = self._status(page, watch, ACTIVE)
            self.draft.counts["complete"] += 1
            if STATUS in told:
                self.draft.told_gone.append(told[STATUS].pk)
        for section, now in self._compare(page, finding, decision, told):
            if section in told:
                self.draft.told_gone.append(told[section].pk)
            known = [item.known for item in now]
            _write(spool, told=[watch.pk, section, _digest(section, known), to_text(known)])
        if finding.complete or finding.blocks:
            finding.outcome = Disclosure.Outcome.SENT
            self.draft.counts["changed"] += not finding.complete

    def _compare(
        self, page: _Page, finding: _Finding, decision: Decision, told: dict[str, Told]
    ) -> list[tuple[str, list[Item]]]:
        """Put a block in the finding for every section that differs from what was told; return those sections."""
        watch = finding.watch
        news = []
        for name in sections_of(watch.benefit):
            section = catalogue().sections[name]
            now = tellable(page.register, watch, section, decision, self._as_of(watch))
            before = from_text(told[name].items) if name in told else []
            fore = _digest(name, before)
            after = _digest(name, [item.known for item in now])
            if fore == after and not (finding.complete and now):
                continue
            change = _whole(now) if finding.complete else compare(before, now)
            finding.blocks.append(Block(watch.pk, watch.benefit, section, fore, after, change))
            finding.items += sum(bool(item.change) for item in change.items) + len(change.removed)
            news.append((name, now))
        if finding.complete:
            finding.items = sum(len(block.change.items) for block in finding.blocks)
        return news

    def _disclose(self, finding: _Finding, key: str, spool: IO[str]) -> None:
        watch = finding.watch
        self.draft.watches.append(watch.pk)
        self.draft.counts["items"] += finding.items
        _write(
            spool,
            disclosure={
                "person_id": watch.person_id,
                "watch_id": watch.pk,
                "decision": key,
                "outcome": finding.outcome,
                "reason": finding.reason,
                "complete": finding.complete,
                "from_date": watch.from_date.isoformat(),
                "case_reference": watch.case_reference or watch.need_reference,
                "sections": {block.section.name: block.after for block in finding.blocks},
                "items": finding.items,
            },
        )


def _said(told: dict[str, Told]) -> str:
    return told[STATUS].digest if STATUS in told else ACTIVE


def _digest(section: str, known: list[Known]) -> str:
    return block_digest(section, (one.digest for one in known))


def _whole(now: list[Item]) -> BlockChange:
    """A block of complete information marks nothing as new."""
    marked = compare([], now).items
    return BlockChange(items=[Said(one.id, "", "", one.content) for one in marked])


def _write(spool: IO[str], **row: Any) -> None:
    spool.write(json.dumps(row, ensure_ascii=False))
    spool.write("\n")


def head(run: Run, law: StreamLaw, draft: Draft, at: datetime) -> Head:
    """What the stream's next delivery says of itself."""
    stream = law.stream
    customer = stream.agreement.customer
    sources = [SourceLine(**one) for one in run.sources]
    complete = {source.name: source.complete_to_import for source in sources}
    benefits = sorted(law.scope.benefits) if law.scope else []
    return Head(
        organisation_number=customer.organisation_number,
        unit=customer.unit,
        agreement=stream.agreement.code,
        purpose=stream.purpose,
        number=stream.last_number + 1,
        previous_sha256=stream.last_sha256,
        run=run.pk,
        kind=run.kind,
        day=draft.day,
        created=at,
        as_of_import=run.as_of_import or 0,
        as_of_law=draft.as_of_law,
        sources=sources,
        benefits=[(code, complete[catalogue().benefits[code].owner]) for code in benefits],
        final=draft.final,
        reservations=reservations_of(law),
        cause=run.cause,
    )


def reservations_of(law: StreamLaw) -> list[ReservationLine]:
    """The conditions that the customer has acknowledged and that hold."""
    return [ReservationLine(one.ground, one.text) for one in law.reservations if one.acknowledged_at]


def sources_as_of(number: int, at: datetime) -> list[SourceLine]:
    """Each source's state in its newest import, and the newest import in which it was OK (C6).

    One that has sent nothing for SOURCE_SILENT_HOURS before `at`, or never, is SILENT, whatever it said last.
    """
    published = Import.objects.published().filter(number__lte=number)
    limit = at - timedelta(hours=settings.SOURCE_SILENT_HOURS)
    by_source = published.filter(reverses=None).order_by().values("source")
    newest = {
        one.source: SILENT if (one.published_at or at) < limit and one.state == "OK" else one.state
        for one in Import.objects.filter(number__in=by_source.annotate(last=Max("number")).values("last"))
    }
    good = dict(
        published.order_by()
        .values_list("source")
        .annotate(newest=Max("number", filter=Q(state="OK")))
        .values_list("source", "newest")
    )
    return [SourceLine(name, newest.get(name, SILENT), good.get(name) or 0) for name in catalogue().owners]
