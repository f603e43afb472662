"""Reading orders as tables: what a spreadsheet does to them is undone where nothing is lost, and never guessed."""

import csv
import tracemalloc
from datetime import date
from io import BytesIO, StringIO

import pytest

from subscriptions.orders import tablefile
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, Fault, Line, OrderRefused, Stock
from subscriptions.orders.tablefile import COLUMNS, read_csv, read_xlsx
from tests.workbooks import with_sheet, workbook

HEADER = ["typ", "personnummer", "förmåner", "från", "ärendereferens", "behovsreferens", "referens"]
ROW = ["ny", "195001012385", "sjukpenning bostadsbidrag", "2026-01-01", "A1", "B1", "R1"]
LINES = [
    Line(NEW, "195001012385", benefit, date(2026, 1, 1), "A1", "B1", "R1", 2)
    for benefit in ("sjukpenning", "bostadsbidrag")
]


def written(*rows, delimiter=";", encoding="utf-8", ending="\r\n"):
    text = StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return text.getvalue().encode(encoding)


def read(data, reader=read_csv):
    return list(reader(BytesIO(data)))


def row(reader=read_csv, **cells):
    """The one item that a row with these cells gives, in a file of either form."""
    cells = {"personnummer": "195001012385", "formaner": "sjukpenning"} | cells
    rows = [list(cells), list(cells.values())]
    (item,) = read(written(*rows)) if reader is read_csv else read(workbook(rows), read_xlsx)
    return item


def refusal(data, reader=read_csv):
    with pytest.raises(OrderRefused) as refused:
        read(data, reader)
    assert "19500101" not in str(refused.value)
    return refused.value.code, refused.value.row


both = pytest.mark.parametrize("reader", [read_csv, read_xlsx])


def test_a_table_gives_a_line_for_each_row_and_benefit():
    assert read(written(HEADER, ROW)) == LINES
    assert read(workbook([HEADER, ROW]), read_xlsx) == LINES


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_however_a_spreadsheet_saves_it(delimiter, ending, encoding):
    cells = [*ROW[:6], "Åsa; Öberg,\t"]

    line = read(written(HEADER, cells, delimiter=delimiter, encoding=encoding, ending=ending))[0]
    assert (line.number, line.reference) == ("195001012385", "Åsa; Öberg,")


@both
def test_columns_may_stand_in_any_order_by_any_of_their_names(reader):
    for column, names in COLUMNS.items():
        for name in names:
            given = {"personnummer": "195001012385", "formaner": "x", "typ": "ny"} | {column: "ny"}
            header = [name.upper() if one == column else one for one in reversed(given)]
            rows = [header, list(reversed(given.values()))]
            assert read(written(*rows) if reader is read_csv else workbook(rows), reader)


NAMES = ["Förmåner", "FÖRMÅN", " fo\u0308rma\u030an ", "formaner", "Benefits", "benefit"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", ["Personnummer", "Identity number", "identity_number", "IDENTITY-NUMBER"])
def test_a_header_is_read_with_or_without_dots_blanks_and_capitals(name, number):
    assert read(written([number, name], ["195001012385", "x"]))[0].benefit == "x"


HEADERS = {
    "no number": ["formaner", "typ"],
    "no benefits": ["personnummer", "typ"],
    "an unknown column": ["personnummer", "formaner", "till"],
    "a column twice, by two names": ["personnummer", "formaner", "benefits"],
    "a column without a name": ["personnummer", "", "formaner"],
    "a title above": ["Beställning"],
    "another delimiter": ["personnummer|formaner"],
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_header_that_leaves_a_doubt_is_refused(header):
    assert refusal(written(header, ROW)) == ("HEADER", 1)
    assert refusal(workbook([[], header, ROW]), read_xlsx) == ("HEADER", 2 if header else 1)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_has_no_header(data):
    assert refusal(data) == ("HEADER", 0)


KINDS = {
    "ny": NEW,
    "New": NEW,
    "nybestallningBevakning": NEW,
    "NYBESTALLNINGBEVAKNING": NEW,
    "avsluta": CANCEL,
    "Avbeställ": CANCEL,
    "cancel": CANCEL,
    "avbestallningBevakning": CANCEL,
    "heluppdatering": REFRESH,
    "Uppdatera": REFRESH,
    "refresh": REFRESH,
    "heluppdateringBevakning": REFRESH,
}


@both
@pytest.mark.parametrize(("text", "kind"), KINDS.items(), ids=KINDS)
def test_an_order_type_is_written_in_words(reader, text, kind):
    assert row(reader, typ=f" {text} ").kind == kind


@both
@pytest.mark.parametrize("text", ["?", "", "nyy", "bort"])
def test_an_order_type_that_is_none_is_answered_and_never_taken_for_a_new_watch(reader, text):
    assert (row(reader, typ=text).kind, row(reader, typ=text).fault) == ("", Fault.KIND_UNKNOWN)


def test_a_file_without_order_types_asks_for_new_watches():
    assert row().kind == NEW


@both
@pytest.mark.parametrize("text", ["a b", "a,b", "a, b", "a|b", " a\xa0b ", "a | b"])
def test_several_benefits_stand_in_one_cell(reader, text):
    rows = [["personnummer", "formaner"], ["195001012385", text]]
    found = read(written(*rows) if reader is read_csv else workbook(rows), reader)

    assert [one.benefit for one in found] == ["a", "b"]


REPAIRED = {
    "195001012385": "195001012385",
    "19500101-2385": "19500101-2385",
    "500101-2385": "500101-2385",
    "500101+2385": "500101+2385",
    "5001012385": "5001012385",
    "195001012385.0": "195001012385",
    "195001012385,00": "195001012385",
    "'195001012385": "195001012385",
    "’195001012385": "195001012385",
    '="195001012385"': "195001012385",
    "19500101 2385": "195001012385",
    "19500101\xa02385": "195001012385",
    "195\u202f001\u2009012\u2009385": "195001012385",
    "19500101–2385": "19500101-2385",
    "19500101−2385": "19500101-2385",
    "19500101－2385": "19500101-2385",
    "19500101‑2385": "19500101-2385",
}


@both
@pytest.mark.parametrize(("text", "number"), REPAIRED.items(), ids=map(ascii, REPAIRED))
def test_what_a_spreadsheet_does_to_a_number_is_undone_where_nothing_is_lost(reader, text, number):
    line = row(reader, personnummer=text)
    assert (line.number, line.fault) == (number, "")


@both
@pytest.mark.parametrize(
    "text",
    [
        *("1,95001E+11", "1.95001E+11", "1.95001012385e11", "2E+11", "195001000000", "195001000000,0", "5001000000"),
        *("1012385", "10101238", "101012385", "19500101238"),
    ],
)
def test_a_number_that_has_lost_digits_is_never_guessed(reader, text):
    assert row(reader, personnummer=text).fault == Fault.NUMBER_DAMAGED


@both
@pytest.mark.parametrize(
    "text",
    ["", "123", "1950010123850", "x", "#N/A", "１９５００１０１２３８５", "19500101238²", "195001", "195001010000"],
)
def test_what_is_no_number_is_left_as_it_stands_to_be_answered(reader, text):
    assert (row(reader, personnummer=text).number, row(reader, personnummer=text).fault) == (text, "")


@pytest.mark.parametrize(
    ("value", "number", "fault"),
    [
        (195001012385, "195001012385", ""),
        (195001012385.0, "195001012385", ""),
        (5001012385, "5001012385", ""),
        (101012385, "101012385", Fault.NUMBER_DAMAGED),
        ("1.95001012385E+11", "1.95001012385E+11", Fault.NUMBER_DAMAGED),
        (1e22, "1000000000000000000…", ""),
    ],
)
def test_a_number_in_a_workbook_is_read_with_all_its_digits(value, number, fault):
    line = row(read_xlsx, personnummer=value)
    assert (line.number, line.fault) == (number, fault)


DAYS = [
    "2026-11-01",
    "2026-11-01 00:00:00",
    "2026-11-01T00:00:00",
    "2026-11-01 00:00",
    "20261101",
    "2026/11/01",
    "2026–11–01",
]


@both
@pytest.mark.parametrize("text", DAYS)
def test_a_day_is_read_in_the_ways_that_spreadsheets_write_it(reader, text):
    assert row(reader, **{"från": text}).from_date == date(2026, 11, 1)


@both
@pytest.mark.parametrize(
    "text", ["46327", "2026-11", "1/11/2026", "01-11-2026", "2026-1-1", "2026-11/01", "2026-11-01 12:00", "2026-13-01"]
)
def test_a_day_that_could_be_another_is_answered(reader, text):
    line = row(reader, **{"från": text})
    assert (line.from_date, line.fault) == (None, Fault.FROM_INVALID)


@pytest.mark.parametrize(
    ("cell", "day"), [(date(2026, 11, 1), date(2026, 11, 1)), (20261101, date(2026, 11, 1)), (46327, None)]
)
def test_a_number_in_a_workbook_is_a_day_only_if_it_is_shown_as_one(cell, day):
    assert row(read_xlsx, **{"från": cell}).from_date == day


@both
@pytest.mark.parametrize("word", ["bestånd", "Bestand", "STOCK", "*"])
def test_the_whole_stock_stands_in_place_of_a_number(reader, word):
    assert row(reader, personnummer=word, typ="avsluta") == Stock(CANCEL, ("sjukpenning",), None, row=2)
    assert row(reader, personnummer=word, formaner="", typ="uppdatera").benefits == ()


def test_empty_rows_are_passed_over_and_counted():
    rows = [["personnummer", "formaner", None], [], ["1", "a"], ["", " "], [], ["2", "b"]]
    assert [(one.number, one.row) for one in read(written(*rows))] == [("1", 3), ("2", 6)]
    assert [(one.number, one.row) for one in read(workbook(rows), read_xlsx)] == [("1", 3), ("2", 6)]


@both
def test_cells_that_are_missing_are_empty_and_cells_too_many_refuse_the_file(reader):
    def file(*cells):
        rows = [["personnummer", "formaner", "referens"], cells]
        return written(*rows) if reader is read_csv else workbook(rows)

    assert read(file("1"), reader)[0].benefit == ""
    assert read(file("1", "a", "r", "", " "), reader)[0].reference == "r"
    assert refusal(file("1", "a", "r", "x"), reader) == ("FORM", 2)


def test_an_error_in_a_workbook_s_cell_is_never_taken_for_an_empty_one():
    assert refusal(with_sheet('<row r="3"><c r="A3" t="e"><v>#REF!</v></c></row>'), read_xlsx) == ("FORM", 3)


SOUND = written(["personnummer", "förmåner"], ["1", "a"])
BROKEN = {
    "a quote that never ends": (SOUND + b'1;"a', "FORM", 3),
    "a quote that ends too soon": (SOUND + b'1;"a"b\n', "FORM", 3),
    "a line break in a cell": (SOUND + b'1;"a\nb"\n', "FORM", 3),
    "a control character": (SOUND + b"1;a\x01\n", "FORM", 3),
    "nul": (SOUND + b"1;\x00\n", "FORM", 3),
    "a line without an end": (SOUND + b"1;" + b"a" * 300_000, "FORM", 3),
    "a cell without an end": (SOUND + b'1;"' + b"a\n" * 300_000, "FORM", 3),
    "another encoding further on": (SOUND + b"1;\xe5\n", "ENCODING", 3),
    "a letter cut in two": (SOUND + b"1;\xc3", "ENCODING", 3),
    "no letter of any encoding": (b"personnummer;formaner\n\n1;\x81\n", "ENCODING", 3),
    "utf-16 cut in two": (SOUND.decode().encode("utf-16") + b"\x00", "ENCODING", 3),
    "half a surrogate pair": ("personnummer;formaner\n1;".encode("utf-16") + b"\x00\xd8\x0a\x00", "ENCODING", 2),
    "utf-32": (SOUND.decode().encode("utf-32"), "HEADER", 1),
}


@pytest.mark.parametrize(("data", "code", "place"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_broken_is_refused_with_its_row(data, code, place):
    assert refusal(data) == (code, place)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_letter_on_the_border_of_two_pieces_is_read_whole(monkeypatch, size):
    monkeypatch.setattr(tablefile, "PIECE", size)

    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert read(written(HEADER, [*ROW[:6], "Åsa 🙂" if "utf" in encoding else "Åså"], encoding=encoding))
    assert read(b"personnummer;formaner\n1;\xe5")[0].benefit == "å"


def test_a_file_of_empty_rows_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(tablefile, "MOST_ROWS", 10)

    assert read(SOUND + b"\n" * 8)
    assert refusal(SOUND + b"\n" * 9)[0] == "TOO_MANY_LINES"


def test_a_long_file_is_never_whole_in_memory():
    file = BytesIO(SOUND + b"1;sjukpenning\n" * 20_000)
    tracemalloc.start()
    count = sum(1 for _ in read_csv(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 20_001
    assert peak < 2 * 1024 * 1024
