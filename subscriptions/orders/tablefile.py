"""PURE: an order as a table, with a header in Swedish or English: CSV or XLSX.

What a spreadsheet does to a number or a day is undone where nothing is lost, and answered NUMBER_DAMAGED or
FROM_INVALID where it is; nothing is guessed. docs/orders.md describes the columns.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from io import IncrementalNewlineDecoder
from typing import IO

from subscriptions.orders.lines import (
    CANCEL,
    KINDS,
    MOST_ROWS,
    NEW,
    REFRESH,
    Fault,
    Item,
    OrderRefused,
    lines_of,
    stock_of,
)
from subscriptions.orders.workbook import rows_of_first_sheet

PIECE = 1 << 16  # bytes
MOST_ROW = 64 * 1024  # characters

Row = tuple[int, list[str]]  # its number in the file, from 1, and its cells

# Each column, and what its header may be once written without dots, rings, blanks, dashes and capitals.
COLUMNS = {
    "typ": ("typ", "ordertyp", "type", "ordertype"),
    "personnummer": ("personnummer", "identitynumber"),
    "formaner": ("formaner", "forman", "benefits", "benefit"),
    "from": ("from", "fran", "fromdatum", "frandatum", "fromdate"),
    "arendereferens": ("arendereferens", "arende", "casereference", "case"),
    "behovsreferens": ("behovsreferens", "behov", "needreference", "need"),
    "referens": ("referens", "reference"),
    # What our own file of faulty lines says of each: it is read over.
    "svar": ("svar", "answer"),
    "mening": ("mening", "inwords"),
}
_COLUMN = {name: column for column, names in COLUMNS.items() for name in names}
_KIND = {kind.lower(): kind for kind in KINDS} | {
    **dict.fromkeys(("ny", "nybestallning", "new"), NEW),
    **dict.fromkeys(("avsluta", "avbestall", "avbestallning", "cancel"), CANCEL),
    **dict.fromkeys(("heluppdatering", "uppdatera", "refresh"), REFRESH),
}
_STOCK = {"bestand", "stock", "*"}

_PLAIN = str.maketrans("åäö", "aao", " \xa0\t_-")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−﹣－"), "-")
_DELIMITERS = ";,\t"
_SEVERAL = re.compile(r"[\s,|]+")
_AS_TEXT = re.compile(r"=\"(.*)\"|['’‘](.*)")  # how a cell is told to be a text
_WHOLE = re.compile(r"([0-9]+)[.,]0+")
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]*)?E[+-]?[0-9]+", re.IGNORECASE)
_DIGITS_LOST = re.compile(r"[0-9]{7,9}|[0-9]{11}|([0-9]{2})?[0-9]{4}0{6}")  # too few, or rounded to 1,95001E+11
_DAY = re.compile(r"([0-9]{4})([-/]?)([0-9]{2})\2([0-9]{2})(?:[ T]00:00(?::00)?)?")


def read_csv(file: IO[bytes]) -> Iterator[Item]:
    """Yield an order's lines, of a file that can be sought in.

    Raise OrderRefused, with the row, with ENCODING (neither UTF-8, UTF-16 with its mark, nor Windows-1252), FORM (no
    well-formed CSV, a cell under no header, or a character that none may hold), HEADER or TOO_MANY_LINES.
    """
    yield from _items(_csv_rows(_text_lines(file, _encoding(file))))


def read_xlsx(file: IO[bytes]) -> Iterator[Item]:
    """Yield an order's lines, of a workbook's first sheet.

    Raise OrderRefused with FORM or HEADER as `read_csv`, or as `workbook.rows_of_first_sheet`.
    """
    yield from _items(rows_of_first_sheet(file))


def _items(rows: Iterator[Row]) -> Iterator[Item]:
    place, header = next(rows, (0, []))
    columns = _columns(header, place)
    for place, cells in rows:
        yield from _asked(place, columns, cells)


def _columns(header: Sequence[str], place: int) -> list[str]:
    """Which column stands where. Names that are not known are not repeated: they may be anything."""
    columns = [_COLUMN.get(_plain(name), "") for name in _without_empty_end(header)]
    missing = {"personnummer", "formaner"} - set(columns)
    if missing or "" in columns or len(set(columns)) < len(columns):
        raise OrderRefused("HEADER", place)
    return columns


@lru_cache(maxsize=256)
def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text[:100]).lower().translate(_PLAIN)


def _without_empty_end(cells: Sequence[str]) -> Sequence[str]:
    last = len(cells)
    while last and not cells[last - 1].strip():
        last -= 1
    return cells[:last]


def _asked(place: int, columns: list[str], cells: Sequence[str]) -> Iterator[Item]:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise OrderRefused("FORM", place)
    texts = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    kind = _kind(texts.get("typ", "")) if "typ" in columns else NEW
    benefits = _benefits(texts.get("formaner", ""))
    if written := texts.get("from"):
        texts["from"] = _day(written)
    number = texts.get("personnummer", "")
    if not number[:1].isdigit() and _plain(number) in _STOCK:
        yield stock_of(place, kind, texts | {"personnummer": ""}, benefits)
        return
    texts["personnummer"], fault = _number(number)
    yield from lines_of(place, kind, texts, benefits, fault)


@lru_cache(maxsize=256)  # of these and of days a file names few, and each many times
def _kind(written: str) -> str:
    return _KIND.get(_plain(written), "")


@lru_cache(maxsize=256)
def _benefits(written: str) -> tuple[str, ...]:
    return tuple(one for one in _SEVERAL.split(written) if one)


def _number(written: str) -> tuple[str, str]:
    """The number with what a spreadsheet did to it undone, and the fault NUMBER_DAMAGED if digits are lost."""
    if len(written) in (10, 12) and written.isdigit() and not written.endswith("000000"):
        return written, ""
    if quoted := _AS_TEXT.fullmatch(written):
        written = quoted[quoted.lastindex or 0]
    number = "".join(written.translate(_DASHES).split())
    if whole := _WHOLE.fullmatch(number):
        number = whole[1]
    lost = _SCIENTIFIC.fullmatch(number) or _DIGITS_LOST.fullmatch(number)
    return number, Fault.NUMBER_DAMAGED if lost else ""


@lru_cache(maxsize=4096)
def _day(written: str) -> str:
    """The day as YYYY-MM-DD, if it is one in the ways that spreadsheets write it; else as it is written."""
    found = _DAY.fullmatch(written.translate(_DASHES))
    return f"{found[1]}-{found[3]}-{found[4]}" if found else written


def _csv_rows(lines: Iterable[str]) -> Iterator[Row]:
    """The rows that are not empty. A cell may hold its line's separator in quotes, but no line break."""
    lines = iter(lines)
    first = next(lines, "")
    rows = csv.reader(_again(first, lines), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    place = 0
    try:
        for place, cells in enumerate(rows, start=1):
            if rows.line_num > place:
                raise OrderRefused("FORM", place)
            if place > MOST_ROWS:
                raise OrderRefused("TOO_MANY_LINES")
            if any(cells) and not "".join(cells).isspace():
                yield place, cells
    except csv.Error:
        raise OrderRefused("FORM", place + 1) from None


def _again(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _text_lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    """The lines of a file, each with a line feed at its end however it was written; a piece in memory at a time."""
    decoder = IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    rest, place, more = "", 0, True
    while more:
        piece = file.read(PIECE)
        more = bool(piece)
        try:
            *lines, rest = (rest + decoder.decode(piece, final=not more)).split("\n")
        except UnicodeDecodeError as error:
            raise OrderRefused("ENCODING", place + error.object[: error.start].count(b"\n") + 1) from None
        for line in lines:
            place += 1
            yield f"{line}\n"
        if len(rest) > MOST_ROW:
            raise OrderRefused("FORM", place + 1)
    if rest:
        yield rest


def _encoding(file: IO[bytes]) -> str:
    """How the file is written: as its mark says, or else UTF-8, or Windows-1252, in which Swedish Excel saves.

    A file is in Windows-1252 if its first letter beyond ASCII is not in UTF-8. One that is damaged further on is not:
    its letters would become others.
    """
    marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    file.seek(0)
    if marked:
        return "utf-16"
    is_utf_8 = _begins_in_utf_8(file)
    file.seek(0)
    return "utf-8-sig" if is_utf_8 else "cp1252"


def _begins_in_utf_8(file: IO[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    more = True
    try:
        while more:
            piece = file.read(PIECE)
            more = bool(piece) and decoder.decode(piece).isascii()
        decoder.decode(b"", final=not piece)
    except UnicodeDecodeError as error:
        return not error.object[: error.start].isascii()
    return True
