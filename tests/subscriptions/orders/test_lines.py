"""The lines of an order, whatever form they came in: bounded, and without characters that no document holds."""

from datetime import date

import pytest

from subscriptions.orders.lines import (
    CANCEL,
    MOST_BENEFITS,
    NEW,
    Fault,
    Line,
    OrderRefused,
    Stock,
    day_of,
    lines_of,
    stock_of,
)

TEXTS = {
    "personnummer": "195001012385",
    "from": "2026-01-01",
    "arendereferens": "A1",
    "behovsreferens": "B1",
    "referens": "R1",
}
DAY = date(2026, 1, 1)


def lines(benefits=("sjukpenning",), kind=NEW, **texts):
    return list(lines_of(7, kind, TEXTS | texts, benefits))


def test_a_row_gives_a_line_for_each_benefit_in_the_order_in_which_they_stand():
    assert lines(["sjukpenning", "bostadsbidrag"]) == [
        Line(NEW, "195001012385", benefit, DAY, "A1", "B1", "R1", 7) for benefit in ("sjukpenning", "bostadsbidrag")
    ]


def test_a_row_without_a_benefit_is_a_line_all_the_same_so_that_it_is_answered():
    assert [one.benefit for one in lines([])] == [""]


FAULTS = {
    "another order type": ({"kind": "nybestallning"}, Fault.KIND_UNKNOWN),
    "no order type": ({"kind": ""}, Fault.KIND_UNKNOWN),
    "a from-date that is none": ({"from": "igår"}, Fault.FROM_INVALID),
    "a case too long": ({"arendereferens": "a" * 61}, Fault.REFERENCE_TOO_LONG),
    "a need too long": ({"behovsreferens": "a" * 61}, Fault.REFERENCE_TOO_LONG),
    "a reference too long": ({"referens": "a" * 101}, Fault.REFERENCE_TOO_LONG),
    "all as long as may be": ({"arendereferens": "a" * 60, "behovsreferens": "a" * 60, "referens": "a" * 100}, ""),
    "no from-date": ({"from": ""}, ""),
}


@pytest.mark.parametrize(("said", "fault"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_in_the_writing_of_a_line_is_its_fault(said, fault):
    assert [one.fault for one in lines(**said)] == [fault]


def test_a_fault_that_the_reader_found_stands():
    found = lines_of(1, NEW, TEXTS | {"from": "igår"}, ["x"], Fault.NUMBER_DAMAGED)

    assert [one.fault for one in found] == [Fault.NUMBER_DAMAGED]


def test_an_order_type_that_is_none_is_not_kept():
    assert lines(kind="x" * 100)[0].kind == ""


def test_what_is_longer_than_the_register_holds_is_cut():
    line = lines(["f" * 999], personnummer="1" * 99, referens="r" * 999)[0]

    assert (len(line.number), len(line.benefit), len(line.reference)) == (20, 60, 100)


def test_a_number_that_is_cut_does_not_become_the_number_it_begins_with():
    assert lines(personnummer="195001012385" + " " * 9 + "1")[0].number.strip() != "195001012385"


DAYS = {
    "2026-01-01": DAY,
    "2024-02-29": date(2024, 2, 29),
    "2026-02-29": None,
    "": None,
    "igår": None,
    "20260101": None,
    "2026-W01-1": None,
    "2026-01-1": None,
    "2026-01-01T": None,
    "２026-01-01": None,
}


@pytest.mark.parametrize(("text", "day"), DAYS.items(), ids=DAYS)
def test_a_day_is_written_in_one_way(text, day):
    assert day_of(text) == day


UNFIT = ["\x00", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\ud800", "\udfff", "\ufffe", "\uffff"]


@pytest.mark.parametrize("character", UNFIT, ids=ascii)
@pytest.mark.parametrize("name", [*TEXTS, "formaner"])
def test_a_character_that_no_text_may_hold_refuses_the_order(name, character):
    text = f"a{character}b"
    benefits, texts = ([text], {}) if name == "formaner" else (["x"], {name: text})

    with pytest.raises(OrderRefused, match="FORM") as refused:
        lines(benefits, **texts)
    assert refused.value.row == 7


@pytest.mark.parametrize("text", ["Åsa Öberg", "a\xa0b", "😀", "e\u0301", "\u200b", "\ufdd0"], ids=ascii)
def test_any_other_character_is_kept(text):
    assert lines(referens=text)[0].reference == text


def test_a_row_names_no_more_benefits_than_there_could_be():
    assert len(lines(["x"] * MOST_BENEFITS)) == MOST_BENEFITS
    with pytest.raises(OrderRefused, match="FORM"):
        lines(["x"] * (MOST_BENEFITS + 1))
    with pytest.raises(OrderRefused, match="FORM"):
        stock_of(1, NEW, {}, ["x"] * (MOST_BENEFITS + 1))


def test_the_whole_stock_is_one_item():
    asked = {"from": "2026-01-01", "referens": "R1"}

    assert stock_of(3, CANCEL, asked, ["x"]) == Stock(CANCEL, ("x",), DAY, "R1", 3)
    assert stock_of(3, "?", asked, []) == Stock("", (), DAY, "R1", 3, Fault.KIND_UNKNOWN)
    assert stock_of(3, NEW, {"from": "?"}, []).fault == Fault.FROM_INVALID
    assert stock_of(3, NEW, {"referens": "r" * 101}, []).fault == Fault.REFERENCE_TOO_LONG


@pytest.mark.parametrize("name", ["personnummer", "arendereferens", "behovsreferens"])
def test_the_whole_stock_names_neither_person_case_nor_need(name):
    with pytest.raises(OrderRefused, match="FORM"):
        stock_of(1, NEW, {name: "1"}, [])
