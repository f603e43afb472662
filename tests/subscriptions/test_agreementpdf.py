"""The agreement as a PDF: what a reader of the file gets out of it."""

import re
import zlib

import pytest

from subscriptions import agreementpdf
from subscriptions.agreementtext import AgreementDocument, Annex, Paragraph, Party, Signature
from tests.factories import AT

DOCUMENT = AgreementDocument(
    title="Avtal Å-1 om prenumeration – första",
    parties=(Party("Kund", "Łódź Försäkring", "556000-0001"),),
    paragraphs=(Paragraph("1. Rättslig grund", "SoL (2025:400) 15 kap. 10 § – åäö ÅÄÖ."),),
    annexes=(
        Annex(
            "Bilaga 1. Omfattning",
            ("Förmån", "Uppgifter"),
            tuple((f"Förmån {place}", "Period, Belopp") for place in range(90)),
        ),
    ),
)
SIGNATURES = (Signature("Kund", "Eva Al", "2026-11-23 18:00"), Signature("Försäkringskassan", "", ""))


def render(document: AgreementDocument = DOCUMENT) -> bytes:
    return agreementpdf.render(document, signatures=SIGNATURES, at=AT)


def streams(file: bytes) -> list[bytes]:
    found = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file, re.DOTALL):
        try:
            found.append(zlib.decompress(raw))
        except zlib.error:
            found.append(raw)
    return found


def characters(file: bytes) -> set[str]:
    """What the fonts in the file can show, by their maps from glyphs to Unicode."""
    maps = b"".join(one for one in streams(file) if b"beginbfchar" in one or b"beginbfrange" in one).decode("latin-1")
    return {chr(int(code, 16)) for code in re.findall(r"<[0-9A-F]+>\s+<([0-9A-F]{4})>", maps)}


def test_swedish_letters_section_signs_dashes_and_foreign_names_are_right():
    assert set("åäöÅÄÖ§–Łź") <= characters(render())


def test_the_fonts_are_in_the_file():
    assert b"/FontFile2" in render()


def test_a_long_annex_goes_on_over_numbered_pages():
    file = render()

    pages = int(re.search(rb"/Type /Pages.*?/Count (\d+)|/Count (\d+)", file, re.DOTALL)[0].rsplit(b" ", 1)[1])
    assert pages >= 4


def test_the_same_document_gives_the_same_file():
    assert render() == render()


@pytest.mark.parametrize("rows", [(), (("–", ""),)])
def test_an_annex_with_nothing_in_it_is_a_table_all_the_same(rows):
    empty = Annex("Bilaga 1. Tom", ("Förmån", "Uppgifter"), rows)

    assert render(AgreementDocument("Avtal", (), (), (empty,))).startswith(b"%PDF-")
