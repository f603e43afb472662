"""PURE: a file of consents, one on each line, as CSV with a header.

Separated by `;` or `,`, in UTF-8 with or without a byte order mark. The header's names are Swedish or English
(`COLUMNS`), in any order and case. Several benefits or field classes stand in one cell, with spaces or `|` between.
docs/api.md describes the form.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO

from benefits.content import NOT_XML
from lefi.errors import Refused

MOST_LINES = 10_000

# Each column, and what its header may be once written without dots, rings, spaces and capitals.
COLUMNS = {
    "number": ("personnummer", "identity_number"),
    "purpose": ("andamal", "purpose"),
    "benefits": ("formaner", "benefits"),
    "classes": ("uppgiftsklasser", "classes"),
    "valid_from": ("giltigt_fran", "valid_from"),
    "valid_to": ("giltigt_till", "valid_to"),
    "given_on": ("lamnat_den", "given_on"),
    "evidence": ("underlag", "evidence"),
    "giver": ("lamnat_av", "giver"),
}
OPTIONAL = ("valid_to", "giver")
GIVERS = {
    "": "self",
    "self": "self",
    "sjalv": "self",
    "guardian": "guardian",
    "vardnadshavare": "guardian",
    "god_man": "guardian",
    "forvaltare": "guardian",
}
_COLUMN = {name: column for column, names in COLUMNS.items() for name in names}
_PLAIN = str.maketrans("åäöé -", "aaoe__")


class FileRefused(Refused):
    """The file as a whole cannot be read (FILE_FORM) or is too long (FILE_TOO_LONG); nothing of it has any effect."""


@dataclass(frozen=True, slots=True)
class Given:
    """One consent as written. `fault` says what in its form is wrong: LINE_FORM, DATE_INVALID or GIVER_UNKNOWN."""

    number: str
    purpose: str
    benefits: tuple[str, ...]
    classes: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None
    given_on: date | None
    evidence: str
    giver: str = "self"
    fault: str = ""


def read_csv(body: bytes) -> list[Given]:
    """Read a file of consents. Raise FileRefused if it is no CSV in UTF-8, lacks a column, is empty or too long."""
    rows = _rows(_text(body))
    header = next(rows, [])
    columns = _columns(header)
    lines = [_given(row, columns) for row in _bounded(rows)]
    if not lines:
        raise FileRefused("FILE_FORM", "The file has no lines under its header.")
    return lines


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("FILE_FORM", "The file is not in UTF-8.") from None
    if NOT_XML.search(text):
        raise FileRefused("FILE_FORM", "The file holds a character that no text does.")
    return text


def _rows(text: str) -> Iterator[list[str]]:
    """The rows that are not empty."""
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") >= first.count(",") else ","
    try:
        for row in csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True):
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield cells
    except csv.Error:
        raise FileRefused("FILE_FORM", "The file is not well-formed CSV.") from None


def _bounded(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for place, row in enumerate(rows, start=1):
        if place > MOST_LINES:
            raise FileRefused("FILE_TOO_LONG", f"A file holds {MOST_LINES} lines at most.")
        yield row


def _columns(header: list[str]) -> list[str]:
    """Which column stands where. Names that are not known are not repeated: they may be anything."""
    columns = [_COLUMN.get(_plain(name), "") for name in header]
    missing = [column for column in COLUMNS if column not in (*columns, *OPTIONAL)]
    if missing:
        raise FileRefused("FILE_FORM", f"The header lacks {', '.join(COLUMNS[column][0] for column in missing)}.")
    if "" in columns or len(set(columns)) < len(columns):
        raise FileRefused("FILE_FORM", "The header names a column twice, or one that is not known.")
    return columns


def _plain(text: str) -> str:
    return text.strip().lower().translate(_PLAIN)


def _given(row: list[str], columns: list[str]) -> Given:
    cells = dict(zip(columns, row, strict=False))
    fault = "" if len(row) == len(columns) else "LINE_FORM"
    days: dict[str, date | None] = {}
    for name in ("valid_from", "valid_to", "given_on"):
        written = cells.get(name, "")
        days[name] = _day(written)
        if written and days[name] is None:
            fault = fault or "DATE_INVALID"
    giver = GIVERS.get(_plain(cells.get("giver", "")), "")
    return Given(
        number=cells.get("number", ""),
        purpose=cells.get("purpose", ""),
        benefits=_several(cells.get("benefits", "")),
        classes=_several(cells.get("classes", "")),
        evidence=cells.get("evidence", ""),
        giver=giver or "self",
        fault=fault or ("" if giver else "GIVER_UNKNOWN"),
        **days,
    )


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s|,]+", text) if part)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
