"""PURE: rows of a CSV file for Swedish spreadsheets: semicolons, a byte order mark, and no cell that reckons."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from typing import Any

MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for the beginning of one
PIECE = 500  # rows


def table(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A whole file, in pieces that are worth sending."""
    yield MARK + row(header)
    texts = map(row, rows)
    while piece := "".join(islice(texts, PIECE)):
        yield piece


def row(cells: Iterable[Any]) -> str:
    """A row as text, its end included. None is an empty cell."""
    text = StringIO()
    csv.writer(text, delimiter=";").writerow(map(shown, cells))
    return text.getvalue()


def written(cell: str) -> str:
    """What somebody wrote in a cell, without the apostrophe that kept it from reckoning."""
    return cell[1:] if cell.startswith("'") and _reckons(cell) else cell


def shown(value: Any) -> str:
    """A value as a spreadsheet is to show it, and not to reckon with it. `written` gives it back, whatever it is."""
    text = "" if value is None else str(value)
    return f"'{text}" if _reckons(text) else text


def _reckons(text: str) -> bool:
    """Whether a text begins a formula, behind whatever apostrophes: one more is put before it, and taken away again."""
    return text.lstrip("'").startswith(_FORMULA)
