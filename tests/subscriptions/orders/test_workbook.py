"""Reading the first sheet of a workbook: what spreadsheets save is read, and what would blow up is refused."""

import tracemalloc
from datetime import date
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_LZMA, ZipFile

import pytest

from subscriptions.orders import workbook as limits
from subscriptions.orders.lines import OrderRefused
from subscriptions.orders.workbook import rows_of_first_sheet
from tests.workbooks import MEMBERS, packed, related, sheet, with_sheet, workbook


def read(data):
    return list(rows_of_first_sheet(BytesIO(data)))


def cell(inside, **others):
    return read(with_sheet(f'<row r="1">{inside}</row>', **others))


def refusal(data):
    with pytest.raises(OrderRefused) as refused:
        read(data)
    return refused.value.code


def changed(**members):
    """A sound workbook with some members changed, or left out if they are None."""
    names = {"rels": "_rels/.rels", "book": "xl/workbook.xml", "book_rels": "xl/_rels/workbook.xml.rels"}
    names |= {"styles": "xl/styles.xml", "shared": "xl/sharedStrings.xml", "sheet": "xl/worksheets/sheet1.xml"}
    sound = MEMBERS | {names["sheet"]: sheet('<row r="1"><c r="A1" s="1"><v>46327</v></c></row>')}
    given = sound | {names[name]: text for name, text in members.items()}
    return packed({name: text for name, text in given.items() if text is not None})


def test_texts_numbers_and_days_are_read_with_the_row_s_number():
    rows = [["Från", None, 199001012385], [None], [date(2026, 11, 1), "åäö 😀 <&>"]]

    assert read(workbook(rows)) == [(1, ["Från", "", "199001012385"]), (3, ["2026-11-01", "åäö 😀 <&>"])]


CELLS = {
    "a number written with an exponent": ('<c r="A1"><v>1.99001012385E11</v></c>', "199001012385"),
    "a fraction": ('<c r="A1"><v>1.5</v></c>', "1.5"),
    "no number at all": ('<c r="A1"><v>inf</v></c>', "inf"),
    "a day": ('<c r="A1" s="1"><v>46327</v></c>', "2026-11-01"),
    "a day in a format of its own": ('<c r="A1" s="2"><v>46327</v></c>', "2026-11-01"),
    "a number in a format with a word of letters d": ('<c r="A1" s="3"><v>46327</v></c>', "46327"),
    "a number without a format": ('<c r="A1"><v>46327</v></c>', "46327"),
    "a day with an hour": ('<c r="A1" s="1"><v>46327.5</v></c>', "46327.5"),
    "a day before days can be told": ('<c r="A1" s="1"><v>60</v></c>', "60"),
    "a day after all days": ('<c r="A1" s="1"><v>1e12</v></c>', "1000000000000"),
    "a day as text": ('<c r="A1" t="d"><v>2026-11-01T00:00:00</v></c>', "2026-11-01T00:00:00"),
    "what a formula gave": ('<c r="A1"><f>1+1</f><v>2</v></c>', "2"),
    "a text that a formula gave": ('<c r="A1" t="str"><f>A2</f><v>x</v></c>', "x"),
    "yes": ('<c r="A1" t="b"><v>1</v></c>', "1"),
    "a text in runs": ('<c r="A1" t="inlineStr"><is><r><t>1990</t></r><r><t>0101</t></r></is></c>', "19900101"),
    "a column beyond Z": ('<c r="AB1"><v>1</v></c>', "1"),
    "names in a namespace with a prefix": ('<x:c xmlns:x="urn:x" r="A1"><x:v>1</x:v></x:c>', "1"),
}


@pytest.mark.parametrize(("inside", "text"), CELLS.values(), ids=CELLS)
def test_a_cell_is_read_as_it_is_meant(inside, text):
    assert cell(inside)[0][1][-1] == text


def test_texts_that_cells_share_are_read_without_how_they_are_spoken():
    shared = "<si><t>a</t></si><si><r><t>b</t></r><r><t> c</t></r><rPh><t>x</t></rPh><phoneticPr/></si>"

    assert cell('<c r="A1" t="s"><v>1</v></c><c r="B1" t="s"><v>0</v></c>', shared=shared) == [(1, ["b c", "a"])]


def test_cells_and_rows_without_places_stand_one_after_another():
    assert read(with_sheet("<row><c><v>1</v></c><c/><c><v>3</v></c></row><row/><row><c><v>4</v></c></row>")) == [
        (1, ["1", "", "3"]),
        (3, ["4"]),
    ]


def test_days_are_counted_from_1904_where_the_workbook_says_so():
    assert read(changed(book=MEMBERS["xl/workbook.xml"].replace("<sheets>", '<workbookPr date1904="1"/><sheets>'))) == [
        (1, ["2030-11-02"])
    ]


def test_styles_and_shared_texts_may_be_left_out():
    rels = related(worksheet="worksheets/sheet1.xml")
    assert read(changed(book_rels=rels, styles=None, shared=None)) == [(1, ["46327"])]


def test_an_error_in_a_cell_refuses_the_file_with_its_row():
    with pytest.raises(OrderRefused, match="FORM") as refused:
        read(with_sheet('<row r="7"><c r="A7" t="e"><v>#N/A</v></c></row>'))
    assert refused.value.row == 7


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("member", ["rels", "book", "book_rels", "styles", "shared", "sheet"])
def test_a_doctype_is_refused_in_every_member_that_is_read(member):
    assert refusal(changed(**{member: f"{BOMB}<a>&b;</a>"})) == "DOCTYPE"


@pytest.mark.parametrize("member", ["rels", "book", "book_rels", "styles", "shared", "sheet"])
@pytest.mark.parametrize("text", [None, "", "<a>", "\x00", "<a>&x;</a>"], ids=repr)
def test_a_workbook_without_a_sound_member_is_no_table(member, text):
    assert refusal(changed(**{member: text})) == "NOT_A_TABLE"


def repacked(**how):
    file = BytesIO()
    with ZipFile(file, "w", **how) as book:
        for name, text in MEMBERS.items():
            book.writestr(name, text)
        book.writestr("xl/worksheets/sheet1.xml", sheet(""))
    return file.getvalue()


SOUND = changed()
NOT_A_TABLE = {
    "nothing": b"",
    "a table in CSV": b"personnummer;formaner\n",
    "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
    "a zip of something else": packed({"a.txt": "a"}),
    "cut off": SOUND[:-30],
    "cut off at the beginning": SOUND[300:],
    "changed within": SOUND[:200] + bytes(40) + SOUND[240:],
    "packed so that unpacking takes much memory": repacked(compression=ZIP_LZMA),
    "packed in another way": repacked(compression=ZIP_BZIP2),
    "a place that is none": with_sheet('<row r="1"><c r="1A"><v>1</v></c></row>'),
    "a row that is none": with_sheet('<row r="-1"><c><v>1</v></c></row>'),
    "a number that is none": with_sheet('<row><c t="n"><v>x</v></c></row>'),
    "a shared text that is not there": with_sheet('<row><c t="s"><v>0</v></c></row>'),
    "a cell too long": with_sheet(f'<row><c t="str"><v>{"a" * 40_000}</v></c></row>'),
    "a shared text too long": with_sheet("", shared=f"<si><t>{'a' * 40_000}</t></si>"),
}


@pytest.mark.parametrize("data", NOT_A_TABLE.values(), ids=NOT_A_TABLE)
def test_what_is_no_workbook_is_refused(data):
    assert refusal(data) == "NOT_A_TABLE"


def test_what_stands_in_other_members_is_never_unpacked():
    assert read(packed(MEMBERS | {"xl/worksheets/sheet1.xml": sheet(""), "xl/media/x.png": "a" * 1000})) == []


def many(piece, times, begin="", end=""):
    return [f"{begin}", *[piece] * times, end]


BEGIN, END = sheet("¤").split("¤")
LONG = "<si><t>" + "a" * 32_000 + "</t></si>"
BOMBS = {
    "a sheet of 130 MB": ({"sheet": many(" " * 65536, 2000, BEGIN, END)}, "TOO_LARGE"),
    "shared texts of 130 MB": ({"shared": many(LONG, 4000, "<sst>", "</sst>")}, "TOO_LARGE"),
    "styles of 5 MB": ({"styles": many(" " * 65536, 80, "<styles>", "</styles>")}, "TOO_LARGE"),
    "a text shared by all cells of a row": (
        {
            "shared": f"<sst>{LONG}</sst>",
            "sheet": many('<c t="s"><v>0</v></c>', 20_000, f"{BEGIN}<row>", f"</row>{END}"),
        },
        "FORM",
    ),
    "a row of very many cells": ({"sheet": many("<c><v>1</v></c>", 20_000, f"{BEGIN}<row>", f"</row>{END}")}, "FORM"),
    "a cell of the last column": ({"sheet": sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>')}, "FORM"),
    "a tag of 10 MB": ({"sheet": many(" " * 65536, 160, f"{BEGIN}<row", f"/>{END}")}, "NOT_A_TABLE"),
    "a comment of 10 MB": ({"sheet": many(" " * 65536, 160, f"{BEGIN}<!--", f"-->{END}")}, "NOT_A_TABLE"),
    "very many names": ({"sheet": [BEGIN, *(f"<a{n}/>" for n in range(20_000)), END]}, "NOT_A_TABLE"),
}


@pytest.mark.parametrize(("members", "code"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_memory_grows(members, code):
    data = changed(**members)
    tracemalloc.start()
    assert refusal(data) == code
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 80 * 1024 * 1024


def test_two_cells_far_apart_take_no_room_between_them():
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>2</v></c></row>'

    assert read(with_sheet(rows)) == [(1, ["1"]), (1048576, ["2"])]


def test_a_file_is_no_larger_than_what_is_read_at_once(monkeypatch):
    monkeypatch.setattr(limits, "MOST_PACKED", len(SOUND))
    assert read(SOUND)
    file = BytesIO(SOUND + b"x" * 100)
    with pytest.raises(OrderRefused, match="TOO_LARGE"):
        list(rows_of_first_sheet(file))
    assert file.tell() == len(SOUND) + 1


def test_a_zip_of_very_many_members_is_not_opened():
    assert refusal(packed({f"{n}": "" for n in range(limits.MOST_MEMBERS + 1)})) == "TOO_LARGE"


def test_the_count_of_rows_texts_and_elements_is_bounded(monkeypatch):
    two_rows = workbook([["a"], ["b"], ["c"]])
    monkeypatch.setattr(limits, "MOST_ROWS", 2)
    assert len(read(two_rows)) == 3
    monkeypatch.setattr(limits, "MOST_ROWS", 1)
    assert refusal(two_rows) == "TOO_MANY_LINES"

    monkeypatch.setattr(limits, "MOST_SHARED", 1)
    assert refusal(with_sheet("", shared="<si/><si/>")) == "TOO_LARGE"
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 3)
    monkeypatch.setattr(limits, "PIECE", 10)
    assert refusal(with_sheet("<row/>" * 20)) == "TOO_LARGE"
