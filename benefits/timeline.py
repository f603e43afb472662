"""Periods as a chart, and below them who was told when: where each bar, mark, tick and lane stands, for a template to
draw as SVG. Pure.

All lengths are in units of a drawing `WIDTH` units wide. One lane for each section, in the order given;
periods that a later import took away are thin bars under those that stand. Periods without dates are left
to the table. Then one lane for each receiver: a thin bar while it watched, a mark for each time it was told something
(above) or something was withheld from it (below). Marks too near each other to be told apart are one, with a number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

WIDTH = 960
LABELS = 250  # the names of the lanes, to the left of the chart
TOP = 26  # the years
LANE = 30
BETWEEN = 28  # the heading between what is known and what was told
BAR, THIN = 14, 5
NARROWEST = 2  # a single day among years can still be seen
NEAR = 15  # marks nearer than this are drawn as one
MOST_TICKS = 12
MONTHS = 30  # a chart of no more months than this is divided into months


@dataclass(frozen=True, slots=True)
class Span:
    """A period to draw; either end may be open."""

    lane: str
    starts_on: date | None
    ends_on: date | None
    text: str
    live: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A day on which a receiver was told something, or something was withheld from it; where to read of it."""

    lane: str
    on: date
    text: str
    told: bool
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    text: str
    live: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A place with words: the name of a lane, a year or a month."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """One mark for points of a kind that lie near each other: how many, what each says, where to read of the last."""

    x: float
    y: float
    told: bool
    count: int
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Timeline:
    height: int
    lanes: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    watched: tuple[Bar, ...]
    dots: tuple[Dot, ...]
    told_at: int  # where the heading of what was told stands; 0 without any
    today: float
    width: int = WIDTH


def draw(
    spans: Iterable[Span],
    *,
    on: date,
    watched: Iterable[Span] = (),
    points: Iterable[Point] = (),
    window: tuple[date, date] | None = None,
) -> Timeline | None:
    """Lay out the spans and points, with the day `on` marked; None if none of them has a date.

    With a window only what meets it is drawn, and None if nothing does.
    """
    periods, watches = (
        [one for one in some if (one.starts_on or one.ends_on) and _meets(one, window)] for some in (spans, watched)
    )
    told = [one for one in points if window is None or window[0] <= one.on <= window[1]]
    if not (periods or watches or told):
        return None
    days = [on, *(one.on for one in told), *(day for one in (*periods, *watches) for day in _days(one))]
    scale = _Scale(*window) if window else _Scale(date(min(days).year, 1, 1), date(max(days).year, 12, 31))
    sections = _tops((one.lane for one in periods), TOP)
    below = TOP + len(sections) * LANE
    named = [*(one.lane for one in watches), *(one.lane for one in told)]
    receivers = _tops(named, below + BETWEEN)
    return Timeline(
        height=below + (BETWEEN + len(receivers) * LANE if receivers else 0),
        lanes=tuple(Mark(0, top + BAR, name) for some in (sections, receivers) for name, top in some.items()),
        ticks=scale.ticks(),
        bars=tuple(_period(one, sections[one.lane], scale) for one in periods),
        watched=tuple(_bar(one, receivers[one.lane] + BAR - THIN, THIN, scale) for one in watches),
        dots=tuple(_dots(told, receivers, scale)),
        told_at=below + BETWEEN - 8 if receivers else 0,
        today=scale.x(on),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: date
    last: date

    def x(self, day: date) -> float:
        inside = min(max(day, self.first), self.last + timedelta(days=1))
        share = (inside - self.first).days / ((self.last - self.first).days + 1)
        return round(LABELS + share * (WIDTH - LABELS), 1)

    def ticks(self) -> tuple[Mark, ...]:
        """The years, or the months where these are few; not all of them where they are many."""
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        unit = 1 if months <= MONTHS else 12
        begins = self.first.year * 12 + (self.first.month - 1 if unit == 1 else 0)
        step = ceil(months / unit / MOST_TICKS) * unit
        every = (divmod(begins + ahead, 12) for ahead in range(0, months, step))
        return tuple(
            Mark(self.x(date(year, month + 1, 1)), TOP - 10, str(year) if unit == 12 else f"{year}-{month + 1:02}")
            for year, month in every
            if date(year, month + 1, 1) >= self.first
        )


def _days(span: Span) -> Iterator[date]:
    yield from (day for day in (span.starts_on, span.ends_on) if day)


def _meets(span: Span, window: tuple[date, date] | None) -> bool:
    if window is None:
        return True
    first, last = window
    return (span.ends_on is None or span.ends_on >= first) and (span.starts_on is None or span.starts_on <= last)


def _tops(lanes: Iterable[str], first: int) -> dict[str, int]:
    """Where each lane begins, from above, in the order in which they are named."""
    return {name: first + place * LANE for place, name in enumerate(dict.fromkeys(lanes))}


def _period(span: Span, top: int, scale: _Scale) -> Bar:
    return _bar(span, top + 2, BAR, scale) if span.live else _bar(span, top + BAR + 4, THIN, scale)


def _bar(span: Span, y: float, height: float, scale: _Scale) -> Bar:
    left = scale.x(span.starts_on or scale.first)
    right = scale.x(span.ends_on or scale.last)
    width = round(max(right - left, NARROWEST), 1)
    return Bar(x=left, y=y, width=width, height=height, text=span.text, live=span.live)


def _dots(points: Iterable[Point], tops: dict[str, int], scale: _Scale) -> Iterator[Dot]:
    """Lane by lane what was told and what was withheld, each from left to right."""
    kinds: dict[tuple[str, bool], list[Point]] = {}
    for one in points:
        kinds.setdefault((one.lane, one.told), []).append(one)
    for (lane, told), some in kinds.items():
        y = tops[lane] + (BAR / 2 if told else BAR + 6)
        for near in _neighbours(sorted(some, key=lambda one: one.on), scale):
            middle = (scale.x(near[0].on) + scale.x(near[-1].on)) / 2
            text = "\n".join(one.text for one in near)
            yield Dot(round(middle, 1), y, told, len(near), text, near[-1].url)


def _neighbours(points: Sequence[Point], scale: _Scale) -> Iterator[list[Point]]:
    """Points in groups, none of which is as wide as two marks side by side."""
    near: list[Point] = []
    for one in points:
        if near and scale.x(one.on) - scale.x(near[0].on) >= NEAR:
            yield near
            near = []
        near.append(one)
    if near:
        yield near
