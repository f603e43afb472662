"""What an item says in sentences: of decisions, payments and facts, in both languages."""

from datetime import date
from decimal import Decimal

import pytest

from benefits.catalogue import catalogue
from benefits.sentences import begun_small, statements
from tests.catalogue_content import item_of

SPACE = "\N{NO-BREAK SPACE}"


def said(section: str, content: dict, language: str = "sv") -> list[str]:
    return [one.text.replace(SPACE, " ") for one in statements(catalogue().sections[section], content, language)]


def period(first: str, last: str | None = None) -> dict:
    return {"fran": first, "till": last} if last else {"fran": first}


def kr(amount: str) -> dict:
    return {"summa": Decimal(amount), "valuta": "SEK"}


SICK = {
    "startades": "2026-09-28",
    "beslut": [
        {
            "fattades": "2026-10-05",
            "forman": {"id": "SJP", "beskrivning": "Sjukpenning"},
            "period": period("2026-11-01", "2026-11-30"),
            "omfattning": {"taljare": 1, "namnare": 2},
            "beslutsutfall": "BEVILJAN",
        },
        {"period": period("2026-12-01"), "omfattning": {"taljare": 1, "namnare": 4}, "beslutsutfall": "AVSLAG"},
    ],
}
PAID = {
    "datum": "2026-11-25",
    "bruttobelopp": kr("2614.20"),
    "utbetalningsdetalj": [
        {
            "forman": {"id": "FP", "beskrivning": "Föräldrapenning"},
            "period": period("2026-11-11", "2026-11-24"),
            "omfattning": {"taljare": 1, "namnare": 1},
            "bruttobelopp": kr("2614.20"),
        },
        {"forman": {"id": "FP", "beskrivning": "Föräldrapenning"}, "period": period("2026-11-11", "2026-11-24")},
    ],
}


@pytest.mark.parametrize(
    ("section", "content", "language", "sentences"),
    [
        (
            "sjukpenningarende",
            SICK,
            "sv",
            [
                "Sjukpenning: avslag 25 %, från och med 2026-12-01.",
                "Sjukpenning: beviljat 50 %, 2026-11-01 – 2026-11-30, beslut 2026-10-05.",
            ],
        ),
        (
            "sjukpenningarende",
            {"beslut": SICK["beslut"][:1]},
            "en",
            ["Sickness benefit: granted 50 %, 2026-11-01 – 2026-11-30, decided 2026-10-05."],
        ),
        (
            "bostadsbidragsarende",
            {
                "beslut": [
                    {
                        "delforman": {"id": "BOB1", "beskrivning": "Barnfamiljer"},
                        "periodicitet": {"id": 1, "beskrivning": "Månadsvis"},
                        "period": period("2023-11-17"),
                        "beslutatBruttobelopp": kr("4374"),
                    }
                ]
            },
            "sv",
            ["Bostadsbidrag (barnfamiljer): 4 374,00 kr månadsvis, från och med 2023-11-17."],
        ),
        (
            "foraldrapenningarende",
            {"startades": "2026-02-06", "aktivt": True, "avslaget": True},
            "sv",
            ["Föräldrapenning: startades 2026-02-06, pågår: ja, avslaget: ja."],
        ),
        (
            "omvardnadsbidragsarende",
            {
                "beslut": {
                    "beslutsutfall": {"id": 2, "beskrivning": "BEVILJANDE"},
                    "periodicitet": {"id": 1},
                    "beslutatBruttobelopp": kr("5777"),
                    "period": period("2026-07"),
                    "periodbeslut": [
                        {"period": period("2026-04", "2026-07"), "omfattning": {"taljare": 1, "namnare": 4}}
                    ],
                }
            },
            "sv",
            [
                "Omvårdnadsbidrag: beviljande 5 777,00 kr månadsvis, från och med 2026-07.",
                "Omvårdnadsbidrag: 25 %, 2026-04 – 2026-07.",
            ],
        ),
        (
            "utbetalningsuppgift",
            PAID,
            "sv",
            ["Utbetalning 2026-11-25: 2 614,20 kr, föräldrapenning 100 %, 2026-11-11 – 2026-11-24."],
        ),
        (
            "preliminarautbetalningar",
            {key: value for key, value in PAID.items() if key != "bruttobelopp"},
            "en",
            ["Coming payment 2026-11-25: SEK 2,614.20, parental benefit 100 %, 2026-11-11 – 2026-11-24."],
        ),
        (
            "utbetalningsuppgift",
            {
                "datum": "2026-11-28",
                "bruttobelopp": kr("9778.60"),
                "utbetalningsdetalj": [
                    {"forman": {"id": "FP", "beskrivning": "Föräldrapenning"}, "bruttobelopp": kr("6565.60")},
                    {"forman": {"id": "SJP", "beskrivning": "Sjukpenning"}, "bruttobelopp": kr("3213")},
                ],
            },
            "sv",
            ["Utbetalning 2026-11-28: 9 778,60 kr, föräldrapenning 6 565,60 kr; sjukpenning 3 213,00 kr."],
        ),
        (
            "beslut",
            {
                "beslutsdatum": "2026-12-12",
                "formansgrupp": {"kod": "PM:AP", "beskrivning": "Allmän pension"},
                "beslutsutfall": {"kod": "BIFALL", "beskrivning": "Bifall"},
                "beslutadErsattning": [
                    {
                        "beslutatBelopp": {"belopp": 8406, "beloppsfrekvens": {"kod": "MANAD", "beskrivning": "Månad"}},
                        "period": {"from": "2026-12-27"},
                        "ersattningstyp": {"kod": "PM:IP", "beskrivning": "Inkomstpension"},
                        "omfattning": Decimal("0.75"),
                    }
                ],
            },
            "sv",
            [
                "Beslut av Pensionsmyndigheten (allmän pension, inkomstpension): bifall 75 %, 8 406,00 kr per månad, "
                "från och med 2026-12-27, beslutsdatum 2026-12-12."
            ],
        ),
        (
            "ansprak",
            {"ankomstdatum": "2026-09-28", "yrkadPeriod": {"from": "2026-12-27"}},
            "sv",
            ["Anspråk hos Pensionsmyndigheten: period som söks från och med 2026-12-27, kom in 2026-09-28."],
        ),
        ("underhallsskuld", {"belopp": kr("55707")}, "sv", ["Underhållsskuld: skuld 55 707,00 kr."]),
        ("underhallsskuld", {}, "sv", []),
        ("utbetalningsuppgift", {"datum": "2026-11-28"}, "sv", ["Utbetalning 2026-11-28."]),
    ],
)
def test_items_are_said_in_sentences(section, content, language, sentences):
    assert said(section, content, language) == sentences


def test_what_may_not_be_told_leaves_no_hole_in_a_sentence():
    """Fields of classes that a customer may not see are absent."""
    only_when = {"beslut": [{"period": period("2026-11-01", "2026-11-30")}]}

    assert said("sjukpenningarende", only_when) == ["Sjukpenning: 2026-11-01 – 2026-11-30."]


def test_statements_carry_the_days_and_amounts_that_charts_and_tables_are_made_of():
    late, early = statements(catalogue().sections["sjukpenningarende"], SICK)
    (paid,) = statements(catalogue().sections["utbetalningsuppgift"], PAID)

    assert (early.starts_on, early.ends_on, early.extent) == (date(2026, 11, 1), date(2026, 11, 30), f"50{SPACE}%")
    assert (late.starts_on, late.ends_on) == (date(2026, 12, 1), None)
    assert (paid.starts_on, paid.ends_on, paid.is_payment) == (date(2026, 11, 25), date(2026, 11, 25), True)
    assert paid.amount == f"2{SPACE}614,20{SPACE}kr"


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("section", catalogue().sections.values(), ids=lambda one: one.name)
def test_every_section_says_something_when_all_is_told(section, language):
    texts = [
        one.text for one in statements(section, item_of(section, next(iter(section.benefits), "FK:SJP")), language)
    ]

    assert texts
    assert all(text.endswith(".") and ": ." not in text and "None" not in text for text in texts)


@pytest.mark.parametrize(("text", "within"), [("Bifall", "bifall"), ("SGI", "SGI"), ("", ""), ("A", "a")])
def test_a_text_begins_small_within_a_sentence_but_for_abbreviations(text, within):
    assert begun_small(text) == within
