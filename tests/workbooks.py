"""Workbooks as spreadsheet programs save them, made from rows; and ones that no program would save."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
EPOCH = date(1899, 12, 30)


def related(**kinds: str) -> str:
    """A list of relationships, with kinds as ids."""
    ones = "".join(f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{to}"/>' for kind, to in kinds.items())
    return f"<Relationships>{ones}</Relationships>"


MEMBERS = {
    "_rels/.rels": related(officeDocument="xl/workbook.xml"),
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet name="Blad1" sheetId="1" r:id="worksheet"/>'
    '<sheet name="Blad2" sheetId="2" r:id="other"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": related(
        worksheet="worksheets/sheet1.xml", styles="/xl/styles.xml", sharedStrings="sharedStrings.xml", other="x.xml"
    ),
    "xl/styles.xml": f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="171" formatCode="0 &quot;dagar&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/>'
    '</cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs>'
    "</styleSheet>",
    "xl/sharedStrings.xml": f"<sst {MAIN}/>",
}


def packed(members: Mapping[str, str | Iterable[str]]) -> bytes:
    """A zip of members, each given whole or in pieces."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as book:
        for name, text in members.items():
            with book.open(name, "w") as member:
                for piece in [text] if isinstance(text, str) else text:
                    member.write(piece.encode())
    return file.getvalue()


def sheet(inside: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{inside}</sheetData></worksheet>"


def with_sheet(inside: str, **others: str) -> bytes:
    """A workbook with what stands in its sheet given as XML; `shared` and `styles` in place of its own."""
    members = MEMBERS | {"xl/worksheets/sheet1.xml": sheet(inside)}
    if "shared" in others:
        members["xl/sharedStrings.xml"] = f"<sst {MAIN}>{others['shared']}</sst>"
    return packed(members)


def workbook(rows: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with texts, numbers and days; the cells of None are left out, and rows of nothing else."""
    written = (_row(place, cells) for place, cells in enumerate(rows, start=1) if any(c is not None for c in cells))
    return with_sheet("".join(written))


def _row(place: int, cells: Sequence[Any]) -> str:
    written = (_cell(f"{chr(65 + n)}{place}", cell) for n, cell in enumerate(cells) if cell is not None)
    return f'<row r="{place}">{"".join(written)}</row>'


def _cell(at: str, value: Any) -> str:
    if isinstance(value, date):
        return f'<c r="{at}" s="1"><v>{(value - EPOCH).days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{at}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{at}"><v>{value}</v></c>'
