"""PURE: the rows of a workbook's first sheet (XLSX), read as a stream from one that may be hostile.

A workbook is a zip of XML: a small one can stand for gigabytes, for entities, or for two cells with an ocean between
them. Libraries that read it whole answer such a file by ending the process. Here nothing is unpacked further than it
is read, every part has its bounds, and a row is forgotten once it is handed over.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from posixpath import join, normpath
from typing import IO, Never
from xml.parsers import expat

from subscriptions.orders.lines import OrderRefused

MOST_PACKED = 16 * 1024 * 1024  # bytes of the file
MOST_MEMBERS = 1000
MOST_UNPACKED = 64 * 1024 * 1024  # bytes of the sheet, and of the texts that its cells share
MOST_OF_THE_REST = 4 * 1024 * 1024  # bytes of any other member that is read
MOST_ROWS = 100_000  # with content, below the header
MOST_COLUMNS = 256
MOST_CELL = 32_767  # characters, as in Excel
MOST_ROW = 200_000  # characters
MOST_SHARED = 1_000_000  # texts
MOST_ELEMENTS = 5_000_000  # of a member
MOST_TOKEN = 1 << 20  # bytes of one tag or comment
MOST_NAMES = 1000  # of elements and attributes: a parser keeps each
PIECE = 1 << 16

_ENTRY = b"PK\x01\x02"  # begins each entry of a zip's directory
_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_ROW = re.compile(r"[0-9]{1,7}")
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})  # those that have no text
_NOT_OF_A_DATE = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].')  # what a format's text says literally
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)

Element = tuple[str, dict[str, str] | None, str]


def rows_of_first_sheet(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, with their numbers as spreadsheets show them; cells as texts.

    A whole number has digits alone, a day is YYYY-MM-DD. Raise OrderRefused with TOO_LARGE, TOO_MANY_LINES, DOCTYPE,
    FORM (a cell with an error), or NOT_A_TABLE for what cannot be read.
    """
    packed = file.read(MOST_PACKED + 1)
    if len(packed) > MOST_PACKED or packed.count(_ENTRY) > MOST_MEMBERS:
        raise OrderRefused("TOO_LARGE")
    try:
        with zipfile.ZipFile(BytesIO(packed)) as book:
            for place, row in enumerate(_Workbook(book).rows()):
                if place > MOST_ROWS:
                    raise OrderRefused("TOO_MANY_LINES")
                yield row
    except _FAULTS:
        raise OrderRefused("NOT_A_TABLE") from None


class _Workbook:
    """The parts of a workbook that its first sheet needs."""

    def __init__(self, book: zipfile.ZipFile) -> None:
        self.book = book
        office = self._related("", "_rels/.rels")
        self.path = _one(office, "officeDocument")
        folder, _, name = self.path.rpartition("/")
        self.related = self._related(folder, join(folder, "_rels", f"{name}.rels"))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        sheet, epoch = self._first_sheet()
        dates = self._date_styles()
        shared = self._shared_texts()
        yield from _Sheet(shared, dates, epoch).rows(_elements(self._open(sheet), MOST_UNPACKED))

    def _open(self, path: str) -> IO[bytes]:
        member = self.book.getinfo(path)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError
        return self.book.open(member)

    def _related(self, folder: str, path: str) -> dict[str, tuple[str, str]]:
        """The kind and path of each part that a part's own list of relationships names, by id."""
        found = {}
        for name, attributes, _ in _elements(self._open(path), MOST_OF_THE_REST):
            if name == "Relationship" and attributes and attributes.get("TargetMode") != "External":
                target = normpath(join("/", folder, attributes["Target"])).lstrip("/")
                found[attributes["Id"]] = (attributes["Type"].rpartition("/")[2], target)
        return found

    def _first_sheet(self) -> tuple[str, date]:
        """The path of the first sheet, and the day before which the days of the workbook are counted."""
        sheet, epoch = "", date(1899, 12, 30)
        for name, attributes, _ in _elements(self._open(self.path), MOST_OF_THE_REST):
            if name == "workbookPr" and attributes and attributes.get("date1904") in ("1", "true"):
                epoch = date(1904, 1, 1)
            if name == "sheet" and attributes and not sheet:
                _, sheet = self.related[attributes["id"]]
        return sheet, epoch

    def _date_styles(self) -> set[str]:
        """The styles, by number, that show a number as a day."""
        path, formats, styles, place, own = _one(self.related, "styles"), set(_DATE_FORMATS), set[str](), 0, False
        for name, attributes, _ in _elements(self._open(path), MOST_OF_THE_REST) if path else ():
            if name == "cellXfs":
                own = attributes is not None
            elif attributes and name == "numFmt" and _is_of_a_date(attributes["formatCode"]):
                formats.add(int(attributes["numFmtId"]))
            elif attributes is not None and name == "xf" and own:
                if int(attributes.get("numFmtId", 0)) in formats:
                    styles.add(str(place))
                place += 1
        return styles

    def _shared_texts(self) -> list[bytes]:
        """The texts that cells share, in UTF-8: they may be many."""
        path, shared, text = _one(self.related, "sharedStrings"), list[bytes](), _Text()
        for name, attributes, written in _elements(self._open(path), MOST_UNPACKED) if path else ():
            if name == "si" and attributes is None:
                shared.append(text.taken().encode())
                if len(shared) > MOST_SHARED:
                    raise OrderRefused("TOO_LARGE")
            else:
                text.add(name, attributes, written)
        return shared


def _one(related: dict[str, tuple[str, str]], kind: str) -> str:
    """The path of the part that is of a kind, or ""."""
    return next((path for one, path in related.values() if one == kind), "")


class _Text:
    """The text of a cell, put together from its runs; what says how to pronounce it is none of it."""

    def __init__(self) -> None:
        self.text = ""
        self.spoken = False

    def add(self, name: str, attributes: dict[str, str] | None, written: str) -> None:
        if name == "rPh":
            self.spoken = attributes is not None
        elif name in ("t", "v") and attributes is None and not self.spoken:
            self.text += written
            if len(self.text) > MOST_CELL:
                raise OrderRefused("NOT_A_TABLE")

    def taken(self) -> str:
        text, self.text = self.text, ""
        return text


class _Sheet:
    """Reads rows from the elements of a sheet."""

    def __init__(self, shared: list[bytes], dates: set[str], epoch: date) -> None:
        self.shared, self.dates, self.epoch = shared, dates, epoch
        self.row, self.column = 0, -1
        self.cells: dict[int, str] = {}
        self.size = 0
        self.kind, self.style = "n", "0"
        self.text = _Text()

    def rows(self, elements: Iterator[Element]) -> Iterator[tuple[int, list[str]]]:
        for name, attributes, written in elements:
            if name == "row":
                if attributes is not None:
                    self._begin_row(attributes)
                elif self.cells:
                    yield self.row, [self.cells.get(place, "") for place in range(max(self.cells) + 1)]
            elif name == "c":
                if attributes is not None:
                    self._begin_cell(attributes)
                else:
                    self._keep()
            else:
                self.text.add(name, attributes, written)

    def _begin_row(self, attributes: dict[str, str]) -> None:
        written = attributes.get("r", str(self.row + 1))
        if not _ROW.fullmatch(written):
            raise ValueError
        self.row, self.column, self.cells, self.size = int(written), -1, {}, 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
        self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "0")
        self.text.taken()

    def _keep(self) -> None:
        written = self.text.taken().strip()
        if not written:
            return
        text = self.cells[self.column] = self._cell(written)
        self.size += len(text)
        if self.size > MOST_ROW or self.column >= MOST_COLUMNS:
            raise OrderRefused("FORM", self.row)

    def _cell(self, written: str) -> str:
        if self.kind == "s":
            return self.shared[int(written)].decode()
        if self.kind == "e":  # a formula that failed: what it should have said is not known
            raise OrderRefused("FORM", self.row)
        return self._number(written) if self.kind == "n" else written

    def _number(self, written: str) -> str:
        number = float(written)
        if not number.is_integer():
            return written
        if self.style in self.dates and 60 < number < 1_000_000:  # earlier days are counted as if 1900 had a leap day
            return (self.epoch + timedelta(number)).isoformat()
        return str(int(number))


def _column(reference: str) -> int:
    """The place from 0 of the column that a reference such as AB12 names. Raise ValueError if it is none."""
    found = _CELL.fullmatch(reference)
    if found is None:
        raise ValueError
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _is_of_a_date(written: str) -> bool:
    return any(letter in "dmyhs" for letter in _NOT_OF_A_DATE.sub("", written).lower())


def _elements(member: IO[bytes], most: int) -> Iterator[Element]:
    """Yield each element twice: at its start with its attributes, at its end with its text. Names are local."""
    reader = _Elements()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.started
    parser.EndElementHandler = reader.ended
    parser.CharacterDataHandler = reader.said
    size = count = 0
    while piece := member.read(PIECE):
        size += len(piece)
        count += len(reader.found)
        if size > most or count > 2 * MOST_ELEMENTS:
            raise OrderRefused("TOO_LARGE")
        reader.found.clear()
        parser.Parse(piece)
        if size - parser.CurrentByteIndex > MOST_TOKEN or len(parser.intern) > MOST_NAMES:
            raise OrderRefused("NOT_A_TABLE")
        yield from reader.found
    reader.found.clear()
    parser.Parse(b"", True)
    yield from reader.found


def _refuse_doctype(*_declared: object) -> Never:
    raise OrderRefused("DOCTYPE")


class _Elements:
    def __init__(self) -> None:
        self.found: list[Element] = []
        self.text = ""

    def started(self, name: str, attributes: dict[str, str]) -> None:
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()} if attributes else attributes
        self.found.append((name.rpartition(":")[2], local, ""))
        self.text = ""

    def ended(self, name: str) -> None:
        self.found.append((name.rpartition(":")[2], None, self.text))
        self.text = ""

    def said(self, text: str) -> None:
        self.text = (self.text + text)[: MOST_CELL + 1]
