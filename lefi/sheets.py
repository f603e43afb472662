"""PURE: rows of a CSV file for Swedish spreadsheets: semicolons, a byte order mark, and no cell that reckons."""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for the beginning of one


def row(cells: Iterable[Any]) -> str:
    """A row as text, its end included. None is an empty cell."""
    text = StringIO()
    csv.writer(text, delimiter=";").writerow(map(_cell, cells))
    return text.getvalue()


def _cell(value: Any) -> str:
    """A value as a spreadsheet is to show it, and not to reckon with it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
