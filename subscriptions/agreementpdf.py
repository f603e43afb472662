"""The agreement's document as a PDF: A4, Inter, numbered pages, a table's headings again on each page."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, VAlign
from fpdf.fonts import FontFace

from subscriptions.agreementtext import AgreementDocument, Signature

FONTS = Path(settings.BASE_DIR, "static", "vendor", "fkui-font")
FONT = "Inter"
MARGIN = 20  # mm
LINE = 4.9  # mm, of running text
TABLE_LINE = 4.4
NARROWEST, WIDEST = 16, 45  # characters that a column is reckoned as, at least and at most
HEADING = FontFace(emphasis="BOLD", fill_color=(234, 240, 238))


class _Pages(FPDF):
    """Pages with the document's title and their number at the foot."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self.foot = title
        self.add_font(FONT, "", FONTS / "Inter-Regular.woff2")
        self.add_font(FONT, "B", FONTS / "Inter-SemiBold.woff2")
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, margin=MARGIN + 3)
        self.set_lang("sv")
        self.set_title(title)
        self.set_author("Försäkringskassan")

    def footer(self) -> None:
        self.set_y(-MARGIN + 4)
        self.set_font(FONT, size=8)
        self.set_text_color(90)
        self.cell(text=self.foot, new_x="LEFT")
        self.cell(w=0, text=f"Sida {self.page_no()} av {{nb}}", align="R")
        self.set_text_color(0)


def render(made: AgreementDocument, *, signatures: Iterable[Signature], at: datetime) -> bytes:
    """The document, then who has signed it. The same arguments give the same bytes; `at` is the file's own date."""
    pages = _Pages(made.title)
    pages.set_creation_date(at)
    pages.add_page()
    _heading(pages, made.title, size=18)
    _table(pages, ("Part", "Namn", "Organisationsnummer"), ((one.role, one.name, one.number) for one in made.parties))
    for paragraph in made.paragraphs:
        _heading(pages, paragraph.heading, size=11)
        _text(pages, paragraph.text)
    _signatures(pages, signatures)
    pages.add_page()
    for annex in made.annexes:
        _heading(pages, annex.title, size=13)
        _table(pages, annex.headers, annex.rows)
    return bytes(pages.output())


def _heading(pages: FPDF, text: str, *, size: int) -> None:
    if pages.will_page_break(size + 3 * LINE):
        pages.add_page()
    pages.ln(2)
    pages.set_font(FONT, "B", size)
    pages.multi_cell(w=0, h=size / 2, text=text, align="L", new_x="LMARGIN", new_y="NEXT")
    pages.ln(1)


def _text(pages: FPDF, text: str) -> None:
    pages.set_font(FONT, size=10)
    pages.multi_cell(w=0, h=LINE, text=text, align="L", new_x="LMARGIN", new_y="NEXT")


def _signatures(pages: FPDF, signatures: Iterable[Signature]) -> None:
    _heading(pages, "Underskrifter", size=11)
    _table(
        pages,
        ("Part", "Namn", "Undertecknat"),
        ((one.party, one.name or "…" * 16, one.signed or "…" * 10) for one in signatures),
    )


def _table(pages: FPDF, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [headers, *rows]
    pages.set_font(FONT, size=9)
    pages.set_draw_color(150)
    with pages.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=HEADING,
        line_height=TABLE_LINE,
        padding=1.2,
        text_align="LEFT",
        v_align=VAlign.T,
        col_widths=[_width(cells) for cells in zip(*lines, strict=True)],
    ) as table:
        for cells in lines:
            table.row(tuple(text.replace(" §", "\N{NO-BREAK SPACE}§") for text in cells))
    pages.ln(3)


def _width(cells: Iterable[str]) -> int:
    """How wide a column is beside the others."""
    return max(NARROWEST, min(WIDEST, max(map(len, cells))))
