"""What an item's content says in words."""

from decimal import Decimal

import pytest

from benefits import presentation
from benefits.catalogue import catalogue
from benefits.presentation import Group, Line, Table, describe

NBSP = "\N{NO-BREAK SPACE}"


def said(section: str, content: dict, language: str = "sv"):
    return describe(catalogue().sections[section].fields, content, language)


@pytest.mark.parametrize(
    ("value", "currency", "language", "text"),
    [
        ("1234.5", "SEK", "sv", f"1{NBSP}234,50{NBSP}kr"),
        (Decimal("1234.5"), "SEK", "en", f"SEK{NBSP}1,234.50"),
        ("-12", "EUR", "sv", f"-12,00{NBSP}EUR"),
        ("1000000", "SEK", "sv", f"1{NBSP}000{NBSP}000,00{NBSP}kr"),
        ("okänt", "SEK", "sv", f"okänt{NBSP}kr"),
    ],
)
def test_an_amount_is_written_as_the_language_writes_it(value, currency, language, text):
    assert presentation.amount(value, currency, language) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2026-10-01", "2026-10-31", "2026-10-01 – 2026-10-31"),
        ("2026-10-01", None, "från och med 2026-10-01"),
        (None, "2026-10-31", "till och med 2026-10-31"),
        ("2026-10-01", "2026-10-01", "2026-10-01"),
    ],
)
def test_a_period_may_be_open_at_either_end(first, last, text):
    assert presentation.period(first, last) == text


def test_an_identity_number_is_written_with_its_dash():
    assert presentation.written("199001012385") == "19900101-2385"
    assert presentation.written("Datum saknas") == "Datum saknas"


def test_a_case_is_told_with_the_labels_of_the_catalogue():
    case = {
        "startades": "2026-09-28",
        "aktivt": True,
        "beslut": [
            {
                "period": {"fran": "2026-10-01", "till": "2026-10-31"},
                "omfattning": {"taljare": 1, "namnare": 2},
                "beslutsutfall": "BEVILJAN",
            }
        ],
    }

    assert said("sjukpenningarende", case) == (
        Line("Startades", "2026-09-28"),
        Line("Pågår", "Ja"),
        Group(
            "Beslut",
            (
                Line("Period", "2026-10-01 – 2026-10-31"),
                Line("Omfattning", f"50{NBSP}%"),
                Line("Utfall", "Beviljat"),
            ),
        ),
    )
    assert said("sjukpenningarende", case, "en")[1] == Line("Active", "Yes")


def test_typed_values_and_text_give_the_same_words():
    typed = {"aktivt": False, "beslut": [{"omfattning": {"taljare": 3, "namnare": 4}, "dagar": 12}]}
    text = {"aktivt": "false", "beslut": [{"omfattning": {"taljare": "3", "namnare": "4"}, "dagar": "12"}]}

    assert said("sjukpenningarende", typed) == said("sjukpenningarende", text)


def test_several_flat_rows_become_a_table_and_nested_ones_numbered_groups():
    day = {"ersattningsdatum": "2026-10-01", "ersattningsbelopp": {"summa": "876.00", "valuta": "SEK"}}
    case = {"beslut": [{"ersattningsdagar": [day, {"ersattningsdatum": "2026-10-02"}]}, {"dagar": 3}]}

    first, second = said("sjukpenningarende", case)

    assert first.label == "Beslut 1" and second.label == "Beslut 2"
    (table,) = first.entries
    assert table == Table(
        "Ersatta dagar",
        ("Dag", "Ersättning"),
        (("2026-10-01", f"876,00{NBSP}kr"), ("2026-10-02", "")),
    )


def test_a_code_is_told_by_the_catalogue_else_by_the_source_else_as_it_is():
    payments = [
        {"typ": {"id": 1, "beskrivning": "Något annat"}},
        {"typ": {"id": 77, "beskrivning": "Ny sort"}},
        {"typ": {"id": 77}},
    ]

    texts = [said("utbetalningsuppgift", payment)[0].text for payment in payments]

    assert texts == ["Månad", "Ny sort", "77"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (1, 1, f"100{NBSP}%"),
        (1, 8, f"12,5{NBSP}%"),
        (1, 3, "1/3"),
        (1, 0, "1/0"),
        (None, 2, "/2"),
    ],
)
def test_an_extent_is_per_cent_only_where_that_is_exact(numerator, denominator, text):
    case = {"beslut": [{"omfattning": {"taljare": numerator, "namnare": denominator}}]}

    assert said("sjukpenningarende", case)[0].entries == (Line("Omfattning", text),)


def test_nothing_is_said_of_what_is_empty_or_unknown():
    assert said("sjukpenningarende", {"startades": None, "beslut": [], "okant": "x", "aktivt": ""}) == ()
    assert said("sjukpenningarende", {"beslut": [{"period": {}}, {"period": {"fran": ""}}]}) == ()


def test_a_year_is_not_grouped_but_a_large_number_is():
    fields = {one.name: one for one in catalogue().sections["ovrigInformation"].walk()}

    assert presentation._leaf_text(fields["artal"], 2024, "sv") == "2024"
    assert presentation._leaf_text(fields["varde"], 1234567, "sv") == f"1{NBSP}234{NBSP}567"


@pytest.mark.parametrize("section", list(catalogue().sections))
def test_every_section_of_the_catalogue_can_be_told_in_both_languages(section):
    fields = catalogue().sections[section].fields
    content = {field.name: _sample(field) for field in fields}

    assert describe(fields, content, "sv")
    assert describe(fields, content, "en")


def _sample(field):
    leaves = {"integer": 1, "decimal": "1.50", "boolean": True}
    one = leaves.get(field.kind, "x") if field.is_leaf else {child.name: _sample(child) for child in field.children}
    return [one, one] if field.many else one
