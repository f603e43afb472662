"""A delivery's persons in words: what is new, changed and gone of each, and all that stands now.

Sentences come from `benefits.sentences`, what stood before from `deliveries.earlier`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits import differences, presentation
from benefits.catalogue import HEADER, Section, catalogue
from benefits.differences import Difference
from benefits.labels import benefit_name, section_name
from benefits.presentation import Entry, Line
from benefits.sentences import Statement, statements
from benefits.timeline import Span, Timeline, draw
from deliveries import reading
from deliveries.changes import CHANGED, NEW
from deliveries.earlier import Before, Place
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from lefi.languages import language
from subscriptions.models import Watch
from subscriptions.references import reference_of

REPLACED, REMOVED = "ersatt", "borttagen"
IN_HEADING = ("personnummer", "namn", "foddes")
SHOWN = 4  # sentences of a section, before the rest is folded
MARKS: dict[str, Promise] = {
    NEW: _("New"),
    CHANGED: _("Changed"),
    REPLACED: _("Replaced"),
    REMOVED: _("No longer holds"),
}
NOTHING_TO_TELL = _("The watch is open; there is nothing to tell now.")
STATUSES: dict[str, Promise] = {
    ACTIVE: _("The watch is open."),
    NOT_AUTHORISED: _("Nothing may be told of this now."),
    ENDED: _("The watch has ended."),
}


@dataclass(frozen=True, slots=True)
class News:
    """What has come about with one item: what it says now, and what it, or the one in whose place it stands, said.

    `told_in` is the number of the delivery that said so; 0 where that cannot be shown.
    """

    kind: str
    sentences: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    told_in: int = 0

    @property
    def mark(self) -> Promise | str:
        return MARKS.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class SectionText:
    """One section of a watch: its news, or in complete information all that it says; `items` is the whole of it."""

    title: str
    news: list[News]
    first: list[str]
    rest: list[str]
    same: int
    items: list[tuple[str, tuple[Entry, ...]]]


@dataclass(slots=True)
class WatchText:
    """What is said of a watch; `reason` is why it ended, if it did."""

    watch: int
    benefit: str
    status: str = ""
    sentence: Promise | str = ""
    reason: Promise | str = ""
    sections: list[SectionText] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of periods and payments."""

    lane: str
    period: str
    extent: str
    amount: str
    live: bool


@dataclass(slots=True)
class PersonText:
    """A person on a page, at a `place` from 1. `cases` are references, each with a watch by which it is known."""

    place: int
    number: str
    name: str
    born: str
    complete: bool
    who: list[News]
    watches: list[WatchText]
    cases: dict[str, int]
    timeline: Timeline | None = None
    rows: list[Row] = field(default_factory=list)

    @property
    def told(self) -> list[WatchText]:
        """The watches that something of a benefit is told of."""
        return [one for one in self.watches if one.sections]

    @property
    def untold(self) -> list[tuple[list[str], Promise | str, Promise | str]]:
        """What has become of the other watches: the names of their benefits, a sentence for them all, and why."""
        groups: dict[tuple[str, str], tuple[list[str], Promise | str, Promise | str]] = {}
        for one in self.watches:
            if not one.sections:
                key = (str(one.sentence), str(one.reason))
                groups.setdefault(key, ([], one.sentence, one.reason))[0].append(one.benefit)
        return list(groups.values())

    @property
    def has_items(self) -> bool:
        return any(section.items for watch in self.watches for section in watch.sections)

    @property
    def news(self) -> int:
        """How many news there are of the person, those of watches that ended among them."""
        return sum(len(one.news) for watch in self.watches for one in watch.sections) + len(self.who)


def persons(
    entries: Iterable[reading.PersonEntry],
    before: Mapping[Place, Before],
    watches: Mapping[int, Watch],
    day: date,
    *,
    gaps: Collection[int] = (),
) -> list[PersonText]:
    """The persons of a page in words, as of a day; `watches` are the customer's own, by id.

    Of watches in `gaps` more has been told than stands here: it is never said that there is nothing to tell.
    """
    return [_Person(entry, before, watches, gaps).text(place, day) for place, entry in enumerate(entries, start=1)]


class _Person:
    def __init__(
        self,
        entry: reading.PersonEntry,
        before: Mapping[Place, Before],
        watches: Mapping[int, Watch],
        gaps: Collection[int],
    ) -> None:
        self.entry = entry
        self.gaps = gaps
        self.before = before
        self.watches = watches
        self.drawn: list[tuple[str, Statement, bool]] = []

    def text(self, place: int, day: date) -> PersonText:
        header = self._header()
        texts = list(self._watch_texts())
        drawn = [one for one in self.drawn if one[1].starts_on or one[1].ends_on]
        return PersonText(
            place=place,
            number=presentation.written(self.entry.number),
            name=str(header.get("namn", "")),
            born=str(header.get("foddes", "")),
            complete=self.entry.complete,
            who=list(self._who(header)),
            watches=texts,
            cases=self._cases(),
            timeline=draw((_span(*one) for one in drawn), on=day) if len(drawn) > 1 else None,
            rows=[_row(*one) for one in sorted(drawn, key=lambda one: one[1].last_day, reverse=True)],
        )

    def _cases(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for pk in self._ids():
            watch = self.watches.get(pk)
            if watch is not None and (reference := reference_of(watch)):
                found.setdefault(reference, pk)
        return found

    def _ids(self) -> list[int]:
        return [
            *dict.fromkeys([*(one.watch for one in self.entry.statuses), *(one.watch for one in self.entry.blocks)])
        ]

    # Who the person is: each watch has that block of its own, and they say the same

    def _header(self) -> Mapping[str, Any]:
        """Who the person is, by this delivery, or else as was told before."""
        block = self._header_block()
        if block is not None and block.items:
            return block.items[0].content
        known = (self.before[place] for place in ((pk, HEADER) for pk in self._ids()) if place in self.before)
        return next((content for one in known for content in one.items.values()), {})

    def _header_block(self) -> reading.Block | None:
        return next((one for one in self.entry.blocks if one.section == HEADER), None)

    def _who(self, header: Mapping[str, Any]) -> Iterator[News]:
        """What is new of who the person is; of one told for the first time, what stands in no heading."""
        block, fields = self._header_block(), catalogue().sections[HEADER].fields
        if block is None:
            return
        if not self.entry.complete:
            yield from _Block(block, self.before.get((block.watch, HEADER))).news()
            return
        beyond = {name: value for name, value in header.items() if name not in IN_HEADING}
        lines = [one for one in presentation.describe(fields, beyond, language()) if isinstance(one, Line)]
        if lines:
            yield News("", tuple(f"{one.label} {one.text}." for one in lines))

    # Watch by watch

    def _watch_texts(self) -> Iterator[WatchText]:
        texts: dict[int, WatchText] = {}
        for status in self.entry.statuses:
            texts[status.watch] = _status_text(status, nothing=status.watch not in self.gaps)
        for block in self.entry.blocks:
            if block.section != HEADER:
                text = texts.setdefault(block.watch, WatchText(block.watch, benefit_name(block.benefit)))
                text.sections.append(self._section(block, text.benefit))
        yield from texts.values()

    def _section(self, block: reading.Block, benefit: str) -> SectionText:
        one = _Block(block, self.before.get((block.watch, block.section)))
        lane = one.title if one.title == benefit else f"{benefit}: {one.title}"
        said = sorted((s for item in block.items for s in one.say(item.content)), key=_latest, reverse=True)
        self.drawn += [(lane, statement, True) for statement in said]
        self.drawn += [(lane, statement, False) for content in one.gone().values() for statement in one.say(content)]
        texts = [statement.text for statement in said] if self.entry.complete else []
        news = [] if self.entry.complete else list(one.news())
        return SectionText(
            title=one.title,
            news=news,
            first=texts[:SHOWN],
            rest=texts[SHOWN:],
            same=0 if self.entry.complete else sum(not item.change for item in block.items),
            items=[(item.change, one.entries(item.content)) for item in block.items],
        )


class _Block:
    """A block, with what stood there before as far as that can be shown."""

    def __init__(self, block: reading.Block, before: Before | None) -> None:
        self.block = block
        self.section: Section = catalogue().sections[block.section]
        self.known = before.items if before else {}
        self.told_in = before.number if before else 0

    @property
    def title(self) -> str:
        return section_name(self.block.section)

    def say(self, content: Mapping[str, Any]) -> tuple[Statement, ...]:
        return statements(self.section, content, language())

    def entries(self, content: Mapping[str, Any]) -> tuple[Entry, ...]:
        return presentation.describe(self.section.fields, content, language())

    def gone(self) -> dict[str, Mapping[str, Any]]:
        """What stood there before and does so no longer, as far as it is known."""
        ids = [*self.block.removed, *(item.replaces for item in self.block.items if item.replaces)]
        return {one: self.known[one] for one in ids if one in self.known}

    def news(self) -> Iterator[News]:
        """What is new, what has changed and what is gone, in the order of the block."""
        fresh = {item.id: item.content for item in self.block.items if item.change == NEW}
        removed = {one: self.known[one] for one in self.block.removed if one in self.known}
        in_place = differences.in_place_of(self.section.fields, removed, fresh)
        for item in self.block.items:
            if item.change == CHANGED:
                yield self._changed(CHANGED, item, self.known.get(item.replaces))
            elif item.id in in_place:
                yield self._changed(REPLACED, item, removed[in_place[item.id]])
            elif item.change:
                yield News(item.change, self._texts(item.content))
        for one in self.block.removed:
            if one not in in_place.values():
                yield self._gone(self.known.get(one))

    def _changed(self, kind: str, item: reading.Item, before: Mapping[str, Any] | None) -> News:
        now = self._texts(item.content)
        if before is None:
            return News(kind, now)
        rows = tuple(differences.differences(self.section.fields, before, item.content, language()))
        return News(kind, now, self._texts(before), rows, self.told_in)

    def _gone(self, before: Mapping[str, Any] | None) -> News:
        return News(REMOVED) if before is None else News(REMOVED, (), self._texts(before), (), self.told_in)

    def _texts(self, content: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(one.text for one in self.say(content))


def _latest(statement: Statement) -> date:
    return statement.last_day


def _status_text(status: reading.Status, *, nothing: bool) -> WatchText:
    """What has become of a watch, and that there is `nothing` to tell of it unless sections follow."""
    benefit = catalogue().by_order_name(status.benefit)
    name = presentation.label_of(benefit, language()) if benefit else status.benefit
    reasons: Sequence[tuple[str, Any]] = Watch.EndReason.choices
    reason = dict(reasons).get(status.reason, status.reason)
    said = NOTHING_TO_TELL if status.code == ACTIVE and nothing else STATUSES.get(status.code, status.code)
    return WatchText(status.watch, name, status.code, said, reason)


def _span(lane: str, statement: Statement, live: bool) -> Span:
    return Span(lane, statement.starts_on, statement.ends_on, statement.text, live)


def _row(lane: str, statement: Statement, live: bool) -> Row:
    period = presentation.period(statement.starts_on, statement.ends_on, language())
    return Row(lane, period, statement.extent, statement.amount, live)
