"""Periods as a chart: where each bar, year and lane stands, for a template to draw as SVG. Pure.

All lengths are in units of a drawing `WIDTH` units wide. One lane for each section, in the order given;
periods that a later import took away are thin bars under those that stand. Periods without dates are left
to the table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

WIDTH = 960
LABELS = 250  # the names of the lanes, to the left of the chart
TOP = 26  # the years
LANE = 30
BAR, THIN = 14, 5
NARROWEST = 2  # a single day among years can still be seen
MOST_YEARS = 12  # labelled


@dataclass(frozen=True, slots=True)
class Span:
    """A period to draw; either end may be open."""

    lane: str
    starts_on: date | None
    ends_on: date | None
    text: str
    live: bool


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
    """A place with words: the name of a lane, or a year."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    height: int
    lanes: tuple[Mark, ...]
    years: tuple[Mark, ...]
    bars: tuple[Bar, ...]
    today: float
    width: int = WIDTH


def draw(spans: Iterable[Span], *, on: date) -> Timeline | None:
    """Lay out the spans, with the day `on` marked; None if none of them has a date."""
    dated = [one for one in spans if one.starts_on or one.ends_on]
    if not dated:
        return None
    days = [on, *(day for one in dated for day in (one.starts_on, one.ends_on) if day)]
    scale = _Scale(date(min(days).year, 1, 1), date(max(days).year, 12, 31))
    names = list(dict.fromkeys(one.lane for one in dated))
    tops = {name: TOP + place * LANE for place, name in enumerate(names)}
    return Timeline(
        height=TOP + len(names) * LANE,
        lanes=tuple(Mark(0, top + BAR, name) for name, top in tops.items()),
        years=scale.years(),
        bars=tuple(_bar(one, tops[one.lane], scale) for one in dated),
        today=scale.x(on),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: date
    last: date

    def x(self, day: date) -> float:
        share = (day - self.first).days / ((self.last - self.first).days + 1)
        return round(LABELS + share * (WIDTH - LABELS), 1)

    def years(self) -> tuple[Mark, ...]:
        step = (self.last.year - self.first.year) // MOST_YEARS + 1
        every = range(self.first.year, self.last.year + 1, step)
        return tuple(Mark(self.x(date(year, 1, 1)), TOP - 10, str(year)) for year in every)


def _bar(span: Span, top: int, scale: _Scale) -> Bar:
    left = scale.x(max(span.starts_on or scale.first, scale.first))
    right = scale.x(span.ends_on or scale.last)
    return Bar(
        x=left,
        y=top + (2 if span.live else BAR + 4),
        width=round(max(right - left, NARROWEST), 1),
        height=BAR if span.live else THIN,
        text=span.text,
        live=span.live,
    )
