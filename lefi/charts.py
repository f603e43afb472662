"""Figures as charts: where each column, line and label stands, for a template to draw as SVG. Pure.

A chart never stands alone: the same figures stand in a table beside it, for print, for a screen reader, and for whoever
wants the number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

WIDTH, HEIGHT = 400, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 6, 14, 22  # room for the numbers, and for the names under the columns
SHARE = 0.7  # of its place that a column fills
NARROWEST = 0.8  # a column that is not nothing can be seen
LINES = 4  # at most, beside that of nothing
NAMED = 6  # columns with a name under them, about
SPARK_WIDTH, SPARK_HEIGHT = 240, 28


@dataclass(frozen=True, slots=True)
class Value:
    """A figure: the name of its column, how much, what it says in words, and whether it is one to look at.

    Without a number there is a gap.
    """

    name: str
    number: float | None
    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    x: float
    y: float
    width: float
    height: float
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the chart, for a number."""

    y: float
    number: float


@dataclass(frozen=True, slots=True)
class Name:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    width: int
    height: int
    columns: tuple[Column, ...]
    lines: tuple[Line, ...] = ()
    names: tuple[Name, ...] = ()
    limit: Line | None = None
    left: int = LEFT
    lying: bool = False

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def bottom(self) -> int:
        return self.height - BOTTOM


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart under a title, what it says in a sentence, and the table beside it.

    A cell of the table may be a chart too; then `every` holds each of its figures, in a table of their own.
    """

    key: str
    title: Any
    summary: Any
    chart: Chart | None
    heads: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    every_heads: Sequence[Any] = ()
    every: Sequence[Sequence[Any]] = ()


def columns(values: Sequence[Value], *, limit: float | None = None) -> Chart | None:
    """A column for each value over lines with round numbers, and a line for a limit; None without any number."""
    numbers = [one.number for one in values if one.number is not None]
    if not numbers:
        return None
    # A limit far above all columns would flatten them: then it is left to the words.
    shown = limit if limit is not None and limit <= 3 * max(numbers) else None
    step, top = _scale(max(*numbers, shown or 0, 0))
    place = (WIDTH - LEFT - RIGHT) / len(values)
    every = ceil(len(values) / NAMED)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        columns=tuple(_column(one, LEFT + i * place, place, top) for i, one in enumerate(values) if one.number),
        lines=tuple(Line(_y(i * step, top), i * step) for i in range(round(top / step) + 1)),
        names=tuple(
            Name(round(LEFT + (i + 0.5) * place, 1), one.name)
            for i, one in enumerate(values)
            if (len(values) - 1 - i) % every == 0  # the last, which is the newest, has its name
        ),
        limit=Line(_y(shown, top), shown) if shown is not None else None,
    )


def spark(values: Sequence[Value]) -> Chart:
    """Columns alone, as high as a line of text, for a cell of a table."""
    top = max((one.number or 0 for one in values), default=0) or 1
    place = SPARK_WIDTH / max(len(values), 1)
    made = []
    for i, one in enumerate(values):
        if one.number:
            height = max(one.number / top * SPARK_HEIGHT, NARROWEST)
            x, y = i * place, SPARK_HEIGHT - height
            made.append(_rounded(x, y, place * SHARE, height, one))
    return Chart(width=SPARK_WIDTH, height=SPARK_HEIGHT, columns=tuple(made), left=0)


def bar(number: float, most: float, text: str) -> Chart:
    """One bar that lies, as long as the number's share of the most, for a cell of a table."""
    width = max(number / most * SPARK_WIDTH, NARROWEST) if most else 0
    whole = Value("", number, text)
    lying = _rounded(0, SPARK_HEIGHT / 4, width, SPARK_HEIGHT / 2, whole)
    return Chart(width=SPARK_WIDTH, height=SPARK_HEIGHT, columns=(lying,), left=0, lying=True)


def _scale(most: float) -> tuple[float, float]:
    """A round step, and the multiple of it that nothing is above: at most `LINES` steps."""
    if most <= 0:
        return 1, 1
    unit = 10 ** floor(log10(most / LINES))
    step = next(unit * one for one in (1, 2, 5, 10) if unit * one * LINES >= most)
    step = max(step, 1)
    return step, ceil(most / step) * step


def _y(number: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - number / top * (HEIGHT - BOTTOM - TOP), 1)


def _column(value: Value, x: float, place: float, top: float) -> Column:
    height = max((value.number or 0) / top * (HEIGHT - BOTTOM - TOP), NARROWEST)
    return _rounded(x + place * (1 - SHARE) / 2, HEIGHT - BOTTOM - height, place * SHARE, height, value)


def _rounded(x: float, y: float, width: float, height: float, value: Value) -> Column:
    return Column(round(x, 1), round(y, 1), round(width, 1), round(height, 1), value.text, value.marked)
