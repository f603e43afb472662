"""The digest and the envelope of an item, and the faults that keep it from being read (C4)."""

import hashlib
import random
from datetime import date
from decimal import Decimal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benefits.catalogue import catalogue
from benefits.content import (
    LONGEST_NUMBER,
    Span,
    block_digest,
    digest,
    envelope,
    faults,
    first_and_last_day,
    lines,
    text_of,
    unknown_paths,
    with_plain_line_ends,
    without_what_ended_before,
)

CASE = catalogue().sections["sjukpenningarende"]
PERSON = catalogue().sections["generellPersoninformation"]
CLAIM = catalogue().sections["ansprak"]
COMPOSED, DECOMPOSED = "\u00c5sa", "A\u030asa"


def case(**fields):
    return {"startades": "2026-01-01", "aktivt": True, **fields}


def of(item, section=CASE):
    return digest(section.fields, item)


SAME = {
    "null and absent": (CASE, case(beslut=None), case()),
    "an empty list and absent": (CASE, case(beslut=[]), case()),
    "an empty object and absent": (CASE, case(beslut=[{}]), case()),
    "an object of nothing and absent": (CASE, case(beslut=[{"period": {"fran": None}}]), case()),
    "a null in a list and none": (CASE, case(beslut=[None, {"dagar": 1}]), case(beslut=[{"dagar": 1}])),
    "names in another order": (CASE, {"aktivt": True, "startades": "2026-01-01"}, case()),
    "decisions in another order": (
        CASE,
        case(beslut=[{"dagar": 1}, {"dagar": 2}]),
        case(beslut=[{"dagar": 2}, {"dagar": 1}]),
    ),
    "an unknown field": (CASE, case(nyttFalt={"a": [1]}), case()),
    "an integer written with a fraction": (
        CASE,
        case(beslut=[{"dagar": Decimal("14.0")}]),
        case(beslut=[{"dagar": 14}]),
    ),
    "composed and decomposed letters": (PERSON, {"namn": COMPOSED}, {"namn": DECOMPOSED}),
}
DIFFERENT = {
    "text that is empty and none at all": (PERSON, {"namn": ""}, {}),
    "one and two equal decisions": (CASE, case(beslut=[{"dagar": 1}]), case(beslut=[{"dagar": 1}] * 2)),
    "false and absent": (CASE, case(aktivt=False), case(aktivt=None)),
    "address lines in another order": (
        PERSON,
        {"adress": [{"utdelningadress": ["c/o Berg", "Gata 1"]}]},
        {"adress": [{"utdelningadress": ["Gata 1", "c/o Berg"]}]},
    ),
    "addresses in another order": (
        PERSON,
        {"adress": [{"postort": "Lund"}, {"postort": "Umeå"}]},
        {"adress": [{"postort": "Umeå"}, {"postort": "Lund"}]},
    ),
    "a line feed and the two characters that stand for it": (PERSON, {"namn": "a\nb"}, {"namn": "a\\nb"}),
    "a line that looks like the next field": (
        PERSON,
        {"namn": "a\nskyddad=true"},
        {"namn": "a", "skyddad": True},
    ),
    "one element of two lines and two elements": (
        PERSON,
        {"adress": [{"postnummer": "1", "postort": "2"}]},
        {"adress": [{"postnummer": "1"}, {"postort": "2"}]},
    ),
}


@pytest.mark.parametrize(("section", "one", "other"), SAME.values(), ids=SAME)
def test_what_says_the_same_has_one_digest(section, one, other):
    assert of(one, section) == of(other, section)


@pytest.mark.parametrize(("section", "one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_says_something_else_has_another_digest(section, one, other):
    assert of(one, section) != of(other, section)


def test_the_digest_is_sha256_over_the_lines_in_catalogue_order():
    item = case(beslut=[{"ersattningsdagar": [{"ersattningsbelopp": {"summa": Decimal("1234.50")}}]}])
    expected = "startades=2026-01-01\naktivt=true\nbeslut[1].ersattningsdagar[1].ersattningsbelopp.summa=1234.5\n"

    assert of(item) == hashlib.sha256(expected.encode()).hexdigest()


@pytest.mark.parametrize("item", [{}, {"beslut": []}, {"beslut": [{"period": {}}]}, {"okant": 1}])
def test_an_item_that_says_nothing_has_no_digest(item):
    assert of(item) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1.00", "1"),
        ("0.10", "0.1"),
        ("1E+5", "100000"),
        ("1.5e-3", "0.0015"),
        ("100", "100"),
        ("-0.00", "0"),
        ("0E+3", "0"),
        ("-12.50", "-12.5"),
    ],
)
def test_a_decimal_is_written_without_exponent_or_trailing_zeros(number, text):
    assert text_of("decimal", Decimal(number)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6), st.integers(0, 12))
def test_a_decimal_reads_the_same_however_it_was_written(number, zeros):
    longer = number.quantize(Decimal(1).scaleb(-6 - zeros)) if abs(number) < 10**9 else number

    assert text_of("decimal", number) == text_of("decimal", longer)
    assert Decimal(text_of("decimal", number)) == number


texts = st.text(st.characters(codec="utf-8"), max_size=8)
decisions = st.fixed_dictionaries(
    {}, optional={"dagar": st.integers(0, 99), "beslutstyp": texts, "karens": st.booleans()}
)


@given(st.lists(decisions, max_size=5), st.randoms())
def test_the_order_of_a_list_never_matters_unless_the_catalogue_says_so(found, dice):
    shuffled = [dict(dice.sample(list(one.items()), len(one))) for one in found]
    dice.shuffle(shuffled)

    assert of(case(beslut=found)) == of(case(beslut=shuffled))


@given(texts, texts)
def test_two_texts_have_one_digest_only_if_they_are_one_text(one, other):
    same = normalize("NFC", one) == normalize("NFC", other)

    assert (of({"namn": one}, PERSON) == of({"namn": other}, PERSON)) is same


@given(texts)
def test_no_text_can_make_a_second_line(text):
    assert len(lines(PERSON.fields, {"namn": text})) == 1
    assert "\n" not in lines(PERSON.fields, {"namn": text})[0]


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb", "a\nb"])
def test_every_line_end_is_read_as_a_line_feed(text):
    assert with_plain_line_ends({"a": [text], "n": 1}) == {"a": ["a\nb"], "n": 1}


def test_a_block_counts_equal_items_and_not_their_order():
    one, other = "1" * 64, "2" * 64

    assert block_digest("ansprak", [one, other]) == block_digest("ansprak", [other, one])
    assert block_digest("ansprak", [one]) != block_digest("ansprak", [one, one])
    assert block_digest("ansprak", [one]) != block_digest("beslut", [one])
    assert block_digest("ansprak", []) != block_digest("beslut", [])


def day_of(amount):
    return case(beslut=[{"ersattningsdagar": [{"ersattningsbelopp": {"summa": amount}}]}])


FAULTS = {
    "no object": (CASE, ["x"], "NOT_AN_OBJECT", ""),
    "a number for text": (CASE, case(startades=20260101), "WRONG_TYPE", "startades"),
    "text for a boolean": (CASE, case(aktivt="true"), "WRONG_TYPE", "aktivt"),
    "a number for a boolean": (CASE, case(aktivt=1), "WRONG_TYPE", "aktivt"),
    "an object for a list": (CASE, case(beslut={"dagar": 1}), "NOT_A_LIST", "beslut"),
    "text for an object": (CASE, case(beslut=["x"]), "NOT_AN_OBJECT", "beslut."),
    "a boolean for a number": (CASE, case(beslut=[{"dagar": True}]), "WRONG_TYPE", "beslut.dagar"),
    "text for a number": (CASE, case(beslut=[{"dagar": "5"}]), "WRONG_TYPE", "beslut.dagar"),
    "text for an amount": (CASE, day_of("5"), "WRONG_TYPE", "beslut.ersattningsdagar.ersattningsbelopp.summa"),
    "half a day": (CASE, case(beslut=[{"dagar": Decimal("0.5")}]), "WRONG_TYPE", "beslut.dagar"),
    "NaN": (CASE, case(beslut=[{"dagar": Decimal("NaN")}]), "WRONG_TYPE", "beslut.dagar"),
    "infinity": (CASE, case(beslut=[{"dagar": Decimal("Infinity")}]), "WRONG_TYPE", "beslut.dagar"),
    "too large": (CASE, case(beslut=[{"dagar": 10**LONGEST_NUMBER}]), "WRONG_TYPE", "beslut.dagar"),
    "too large in few digits": (CASE, case(beslut=[{"dagar": Decimal("1E+400")}]), "WRONG_TYPE", "beslut.dagar"),
    "more digits than are read": (
        CASE,
        day_of(Decimal("1." + "1" * (LONGEST_NUMBER - 1))),
        "WRONG_TYPE",
        "beslut.ersattningsdagar.ersattningsbelopp.summa",
    ),
    "too large an exponent": (CASE, case(beslut=[{"dagar": Decimal("1e999999")}]), "WRONG_TYPE", "beslut.dagar"),
    "a control character": (PERSON, {"namn": "a\x00"}, "CHARACTER", "namn"),
    "half a pair": (PERSON, {"namn": "\ud800"}, "CHARACTER", "namn"),
    "no character at all": (PERSON, {"namn": "\uffff"}, "CHARACTER", "namn"),
    "a required field absent": (CLAIM, {"formansgrupp": {"kod": "PM:AP"}}, "REQUIRED", "formansgrupp.beskrivning"),
}


SENTENCES = {
    "NOT_AN_OBJECT": "Expected an object.",
    "NOT_A_LIST": "Expected a list.",
    "CHARACTER": "Holds a character that no XML document can hold.",
    "REQUIRED": "A required field is absent.",
}


@pytest.mark.parametrize(("section", "item", "code", "path"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_place_and_without_its_value(section, item, code, path):
    [found] = faults(section.fields, item)

    assert (found.code, found.path) == (code, path)
    kind = section.field(path).kind if code == "WRONG_TYPE" else ""
    assert found.text == SENTENCES.get(code, f"Expected {kind}.")


def test_every_fault_of_an_item_is_named_and_not_only_the_first():
    item = case(startades=1, aktivt="x", beslut=[{"dagar": "5"}, "x", {"dagar": Decimal("0.5")}])

    assert [one.path for one in faults(CASE.fields, item)] == [
        "startades",
        "aktivt",
        "beslut.dagar",
        "beslut.",
        "beslut.dagar",
    ]


@pytest.mark.parametrize(
    "item",
    [
        {},
        case(beslut=[None]),
        case(startades="Datum saknas"),
        case(startades="2026"),
        case(beslut=[{"dagar": Decimal("5.0")}]),
        case(beslut=[{"beslutsutfall": "EN KOD SOM INGEN KÄNNER"}]),
        case(okant="\x00"),
        day_of(Decimal("812.50")),
        day_of(812),
        day_of(Decimal("1." + "1" * (LONGEST_NUMBER - 2))),
        day_of(Decimal(f"1E+{LONGEST_NUMBER - 1}")),
    ],
)
def test_partial_dates_unknown_codes_unknown_fields_and_long_numbers_are_no_faults(item):
    assert not list(faults(CASE.fields, item))


def test_what_the_catalogue_does_not_know_is_found_by_its_path_at_any_depth():
    item = case(nytt=1, beslut=[{"dagar": 1, "nyare": 2}, None, {"period": {"nyast": 3}}])

    assert sorted(unknown_paths(CASE.fields, item)) == ["beslut.nyare", "beslut.period.nyast", "nytt"]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-05-17", date(2024, 5, 17), date(2024, 5, 17)),
        ("2024-05-17T10:00:00", date(2024, 5, 17), date(2024, 5, 17)),
    ],
)
def test_a_year_or_a_month_holds_all_its_days(text, first, last):
    assert first_and_last_day(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "Datum saknas", "2024-13", "2024-02-30", "0000", "24-05-17", "\uff12\uff10\uff12\uff14"]
)
def test_what_is_no_date_dates_nothing(text):
    assert first_and_last_day(text) is None


ENVELOPES = {
    "one closed period": ([{"fran": "2026-01-01", "till": "2026-01-31"}], (date(2026, 1, 1), date(2026, 1, 31))),
    "an open end": ([{"fran": "2026-01-01"}], (date(2026, 1, 1), None)),
    "an open beginning": ([{"till": "2026-01-31"}], (None, date(2026, 1, 31))),
    "two periods and the gap between": (
        [{"fran": "2026-03-01", "till": "2026-03-31"}, {"fran": "2026-01-01", "till": "2026-01-31"}],
        (date(2026, 1, 1), date(2026, 3, 31)),
    ),
    "one open among closed": (
        [{"fran": "2026-01-01", "till": "2026-01-31"}, {"fran": "2026-03-01"}],
        (date(2026, 1, 1), None),
    ),
    "months": ([{"fran": "2026-01", "till": "2026-02"}], (date(2026, 1, 1), date(2026, 2, 28))),
    "an empty period among closed": (
        [{}, {"fran": "2026-01-01", "till": "2026-01-31"}],
        (date(2026, 1, 1), date(2026, 1, 31)),
    ),
    "an end that cannot be read is open": ([{"fran": "2026-01-01", "till": "Datum saknas"}], (date(2026, 1, 1), None)),
}


@pytest.mark.parametrize(("periods", "expected"), ENVELOPES.values(), ids=ENVELOPES)
def test_the_envelope_holds_every_period_of_the_item(periods, expected):
    item = case(beslut=[{"period": period} for period in periods])

    assert envelope(CASE.dated_by, item) == Span(*expected)


@pytest.mark.parametrize(
    "decision", [{"dagar": 1}, {"period": {}}, {"ersattningsdagar": [{"ersattningsdatum": "Datum saknas"}]}]
)
def test_an_item_without_dates_has_no_envelope(decision):
    assert envelope(CASE.dated_by, case(beslut=[decision])) is None


@pytest.mark.parametrize("period", [{"from": "2026-01", "tom": "2026-02"}, {"fran": "2026-01", "till": "2026-02"}])
def test_each_sources_own_words_for_the_ends_of_a_period_are_read(period):
    paid = catalogue().sections["utbetalningar"]

    assert envelope(paid.dated_by, {"utbetalningsperiod": period}) == Span(date(2026, 1, 1), date(2026, 2, 28))


def test_single_days_date_an_item_as_periods_do():
    item = case(beslut=[{"ersattningsdagar": [{"ersattningsdatum": "2026-01-05"}]}])

    assert envelope(CASE.dated_by, item) == Span(date(2026, 1, 5), date(2026, 1, 5))


def test_nested_decisions_and_days_that_ended_before_are_cut_and_undated_ones_stay():
    old = {"period": {"fran": "2025-01-01", "till": "2025-01-31"}}
    across = {
        "period": {"fran": "2025-12-01", "till": "2026-01-31"},
        "ersattningsdagar": [{"ersattningsdatum": "2025-12-31"}, {"ersattningsdatum": "2026-01-01"}],
    }
    still = {"period": {"fran": "2020-01-01"}}
    undated = {"dagar": 3}

    kept = without_what_ended_before(CASE.fields, case(beslut=[old, across, None, still, undated]), date(2026, 1, 1))

    assert kept["beslut"] == [
        across | {"ersattningsdagar": [{"ersattningsdatum": "2026-01-01"}]},
        still,
        undated,
    ]


def test_rows_that_ended_before_are_cut_inside_a_decision_that_is_no_list():
    section = catalogue().sections["merkostnadsersattningsarende"]
    old, new = ({"period": {"till": f"{year}-12-31"}} for year in (2025, 2026))

    kept = without_what_ended_before(section.fields, {"beslut": {"periodbeslut": [old, new]}}, date(2026, 1, 1))

    assert kept == {"beslut": {"periodbeslut": [new]}}


def test_cutting_leaves_the_item_itself_as_it_was():
    item = case(beslut=[{"period": {"till": "2020-01-01"}}])
    before = of(item)

    without_what_ended_before(CASE.fields, item, date(2026, 1, 1))

    assert of(item) == before


@given(st.integers(0, 2**32), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_nothing_that_is_left_after_a_cut_ended_before_the_day(seed, day):
    dice = random.Random(seed)
    periods = [{"fran": f"2024-{dice.randint(1, 12):02}-01", "till": f"202{dice.randint(4, 7)}-01-01"} for _ in "abc"]

    kept = without_what_ended_before(CASE.fields, case(beslut=[{"period": one} for one in periods]), day)

    assert [one["period"] for one in kept["beslut"]] == [
        one for one in periods if date.fromisoformat(one["till"]) >= day
    ]
