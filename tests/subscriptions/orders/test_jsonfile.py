"""Reading orders in JSON and JSON Lines: the same rows in both, and nothing passed over."""

import json
import tracemalloc
from datetime import date
from io import BytesIO

import pytest

from subscriptions.orders import jsonfile
from subscriptions.orders.jsonfile import MOST_BYTES, MOST_LINE, read_json, read_jsonl
from subscriptions.orders.lines import KINDS, NEW, Head, Line, OrderRefused, Stock

HEAD = {"organisationsnummer": "2120000001", "enhet": "SOC"}
ROW = {
    "typ": NEW,
    "personnummer": "195001012385",
    "from": "2026-01-01",
    "formaner": ["sjukpenning", "bostadsbidrag"],
    "arendereferens": "A1",
    "behovsreferens": "B1",
    "referens": "R1",
}
ORDER = HEAD | {"rader": [ROW]}
LINES = [
    Line(NEW, "195001012385", benefit, date(2026, 1, 1), "A1", "B1", "R1", 1)
    for benefit in ("sjukpenning", "bostadsbidrag")
]


def read(said, reader=read_json):
    return list(reader(BytesIO(said if isinstance(said, bytes) else json.dumps(said).encode())))


def lines(*said, reader=read_jsonl):
    return read("\n".join(json.dumps(one) for one in said).encode(), reader)


def refusal(said, reader=read_json):
    with pytest.raises(OrderRefused) as refused:
        read(said, reader)
    assert "19500101" not in str(refused.value)
    return refused.value.code, refused.value.row


def row(**said):
    return HEAD | {"rader": [{**ROW, **said}]}


def without(name):
    return HEAD | {"rader": [{key: value for key, value in ROW.items() if key != name}]}


def test_an_order_gives_its_head_and_a_line_for_each_row_and_benefit():
    assert read(ORDER) == [Head("2120000001", "SOC"), *LINES]


def test_json_lines_say_the_same_with_or_without_a_head():
    assert [one.row for one in lines(HEAD, ROW)[1:]] == [2, 2]
    assert lines(ROW) == LINES
    assert lines(HEAD)[0] == Head("2120000001", "SOC")


def test_empty_lines_are_passed_over_and_counted():
    text = f"\n  \r\n{json.dumps(ROW)}\r\n\n{json.dumps(ROW)}"

    assert [one.row for one in read(text.encode(), read_jsonl)] == [3, 3, 5, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_all_three_order_types_are_read(kind):
    assert {line.kind for line in read(row(typ=kind))[1:]} == {kind}


READ = {
    "null, which is as if it were left out": (row(**{"from": None, "referens": None}), {"from_date": None}),
    "a number without quotes": (row(personnummer=195001012385), {"number": "195001012385"}),
    "blanks around a text": (row(referens=" R2\n"), {"reference": "R2"}),
    "no from-date": (without("from"), {"from_date": None}),
    "no number": (without("personnummer"), {"number": ""}),
    "no benefits": (row(formaner=[]), {"benefit": ""}),
    "blanks around a benefit": (row(formaner=[" sjukpenning "]), {"benefit": "sjukpenning"}),
    "no stock": (row(bestand=False), {"number": "195001012385"}),
    "letters of every kind": (row(referens="åäö 😀"), {"reference": "åäö 😀"}),
}


@pytest.mark.parametrize(("said", "values"), READ.values(), ids=READ)
def test_what_may_be_written_in_several_ways_is_read(said, values):
    line = read(said)[1]
    assert {name: getattr(line, name) for name in values} == values


def test_the_whole_stock_stands_in_place_of_a_number():
    stock = {"typ": NEW, "bestand": True}

    assert lines(stock, stock | {"formaner": ["x"], "from": "2026-01-01", "referens": "R"}) == [
        Stock(NEW, (), None, row=1),
        Stock(NEW, ("x",), date(2026, 1, 1), "R", 2),
    ]


FORMS = {
    "a list": ([], 0),
    "a text": ("x", 0),
    "no rows": ({}, 0),
    "rows that are no list": ({"rader": {}}, 0),
    "a name that is not known": (ORDER | {"radera": 1}, 0),
    "an organisation that is no text": (ORDER | {"organisationsnummer": ["2120000001"]}, 0),
    "a unit with a character of no document": (ORDER | {"enhet": "S\x00"}, 0),
    "a row that is no object": ({"rader": ["x"]}, 1),
    "an unknown type": (row(typ="nybestallning"), 1),
    "a type that is no text": (row(typ=[NEW]), 1),
    "no type": (without("typ"), 1),
    "a field that is not known": (row(till="2026-01-01"), 1),
    "benefits left out": (without("formaner"), 1),
    "benefits that are no list": (row(formaner="sjukpenning"), 1),
    "a benefit that is no text": (row(formaner=[1]), 1),
    "yes for a text": (row(referens=True), 1),
    "a fraction for a text": (row(personnummer=195001012385.0), 1),
    "an object for a text": (row(referens={}), 1),
    "a word for yes": (row(bestand="true"), 1),
    "a number and the whole stock": (row(bestand=True), 1),
    "a line break within a text": (row(referens="a\nb"), 1),
    "a tab within a text": (row(arendereferens="a\tb"), 1),
    "a character of no document": (row(referens="a\x00"), 1),
    "half a surrogate pair": (row(formaner=["\ud800"]), 1),
    "a field that stands twice": (b'{"rader": [], "rader": []}', 0),
    "a deeper field that stands twice": (b'{"rader": [{"typ": "a", "typ": "b"}]}', 0),
}


@pytest.mark.parametrize(("said", "place"), FORMS.values(), ids=FORMS)
def test_an_order_of_another_form_is_refused(said, place):
    assert refusal(said) == ("FORM", place)


NOT_JSON = {
    "nothing": (b"", "NOT_JSON"),
    "xml": (b"<a/>", "NOT_JSON"),
    "cut off": (json.dumps(ORDER).encode()[:90], "NOT_JSON"),
    "two orders": (b"{} {}", "NOT_JSON"),
    "not a number": (b'{"rader": [NaN]}', "NOT_JSON"),
    "infinity": (b'{"rader": [-Infinity]}', "NOT_JSON"),
    "a number of very many digits": (b'{"rader": [' + b"1" * 5000 + b"]}", "NOT_JSON"),
    "very deep": (b"[" * 20_000, "NOT_JSON"),
    "very deep objects": (b'{"a":' * 10_000, "NOT_JSON"),
    "a raw control character": (b'{"rader": ["\x01"]}', "NOT_JSON"),
    "latin-1": ('{"enhet": "å"}'.encode("latin-1"), "ENCODING"),
    "utf-16": (json.dumps(ORDER).encode("utf-16"), "ENCODING"),
    "utf-16 without its mark": (json.dumps(ORDER).encode("utf-16-le"), "NOT_JSON"),
}


@pytest.mark.parametrize(("data", "code"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_in_utf_8_is_refused(data, code):
    assert refusal(data) == (code, 0)
    assert refusal(json.dumps(ROW).encode() + b"\n" + data.replace(b"\n", b"") + b"x", read_jsonl) == (code, 2)


@pytest.mark.parametrize("reader", [read_json, read_jsonl])
def test_a_byte_order_mark_is_no_fault_at_the_beginning(reader):
    text = json.dumps(ORDER if reader is read_json else ROW)

    assert read(text.encode("utf-8-sig"), reader)[-2:] == LINES
    assert refusal(f"\ufeff\ufeff{text}".encode(), reader)[0] == "NOT_JSON"


@pytest.mark.parametrize("second", [HEAD, ["x"], "x", 1, None], ids=repr)
def test_only_the_first_line_may_be_a_head(second):
    with pytest.raises(OrderRefused, match="FORM") as refused:
        lines(HEAD, second)
    assert refused.value.row == 2


def test_a_row_and_an_order_are_no_longer_than_what_is_read_at_once():
    file = BytesIO(b'"' + b"a" * (2 * MOST_LINE))
    with pytest.raises(OrderRefused, match="FORM"):
        list(read_jsonl(file))
    assert file.tell() == MOST_LINE + 1

    file = BytesIO(b" " * (2 * MOST_BYTES))
    with pytest.raises(OrderRefused, match="TOO_LARGE"):
        list(read_json(file))
    assert file.tell() == MOST_BYTES + 1


def test_a_file_of_empty_lines_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(jsonfile, "MOST_ROWS", 10)

    assert not read(b"\n" * 10, read_jsonl)
    assert refusal(b"\n" * 11, read_jsonl)[0] == "TOO_MANY_LINES"


def test_an_order_of_nothing_but_brackets_takes_little_memory(monkeypatch):
    most = MOST_BYTES // 8
    monkeypatch.setattr(jsonfile, "MOST_BYTES", most)
    data = b'{"rader":[' + b'{"typ":0},' * (most // 10 - 10) + b"0]}"
    tracemalloc.start()
    assert refusal(data) == ("FORM", 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 8 * peak < 150 * 1024 * 1024
