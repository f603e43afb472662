"""A delivery as a table: a row for each item, in words and columns, and nothing that a spreadsheet reckons with."""

import csv
from io import StringIO

import pytest

from deliveries import reading, storage, tableform
from deliveries.changes import Known
from tests.documents import SICKNESS_CASE, digest, said_of, written
from tests.factories import WatchFactory

SPACE = "\N{NO-BREAK SPACE}"


def table(*entries, language: str = "sv") -> list[dict[str, str]]:
    sha256, _ = written(entries)
    text = "".join(tableform.to_csv(storage.place_of(sha256), language))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:]), delimiter=";"))


@pytest.fixture
def watch():
    return WatchFactory.build(pk=7)


def test_an_item_is_a_row_in_words_and_columns(watch):
    status, header, case = table(said_of(watch))

    assert (status["Avsnitt"], status["I ord"], header["Avsnitt"]) == ("Läge", "bevakas", "Person")
    assert case == {
        "Personnummer": watch.ordered_number,
        "Fullständig": "ja",
        "Bevakning": "7",
        "Förmån": "Sjukpenning",
        "Avsnitt": "Sjukpenning",
        "Ändring": "fullständig",
        "Från": "2026-10-01",
        "Till": "2026-10-31",
        "Omfattning": f"50{SPACE}%",
        "Belopp": "",
        "I ord": f"Sjukpenning: beviljat 50{SPACE}%, 2026-10-01 – 2026-10-31, beslut 2026-10-05.",
        "Post": digest(1),
        "Ersätter": "",
    }


def test_what_is_new_unchanged_and_gone_is_said_of_each(watch):
    cases = [SICKNESS_CASE, {"startades": "2026-11-01"}]
    told = [Known(digest(1)), Known(digest(8))]

    rows = table(said_of(watch, complete=False, items=cases, told=told), language="en")

    assert [(row["Change"], row["Item"]) for row in rows if row["Section"] == "Sickness benefit"] == [
        ("unchanged", digest(1)),
        ("new", digest(2)),
        ("removed", digest(8)),
    ]


def test_an_end_is_a_row_with_its_coarse_reason(watch):
    rows = table(said_of(watch, complete=False, status="3", reason="AVBESTALLD", items=[]))

    assert rows[0]["I ord"] == "avslutad (AVBESTALLD)"


def test_a_name_that_looks_like_a_formula_is_not_one(watch):
    header = table(said_of(watch, name="=HYPERLINK(1)"))[1]

    assert "=HYPERLINK(1)" in header["I ord"] and not header["I ord"].startswith("=")


def test_the_table_comes_a_person_at_a_time(watch):
    sha256, _ = written([said_of(WatchFactory.build(pk=n)) for n in range(1, 4)])

    assert len(list(tableform.to_csv(storage.place_of(sha256), "sv"))) == 4


def test_a_document_is_read_for_some_watches_alone():
    sha256, _ = written([said_of(WatchFactory.build(pk=n)) for n in range(1, 4)])

    for watches, first, found in (({2}, 0, [2]), ({1, 3}, 0, [1, 3]), ({1, 3}, 1, [3]), ({4}, 0, []), (set(), 0, [])):
        entries = list(reading.read_some(storage.place_of(sha256), first, 3, watches))
        assert [entry.statuses[0].watch for entry in entries] == found
