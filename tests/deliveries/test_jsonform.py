"""The JSON form of a delivery: the same names, the same digests, valid by the published schema, streamed."""

import json
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from benefits.catalogue import catalogue
from deliveries import document
from deliveries.jsonform import current_json_schema, to_json
from deliveries.reading import DocumentFault
from tests.contract import SECTIONS, items_of
from tests.deliveries.test_reading import write
from tests.deliveries.test_round_trip import GENEROUS, HEAD, NUMBER, filled, imported, written

valid = Draft202012Validator(json.loads(current_json_schema()), format_checker=Draft202012Validator.FORMAT_CHECKER)


def told(path):
    found = json.loads("".join(to_json(path)), parse_float=Decimal)
    valid.validate(found)
    return found


@pytest.mark.parametrize("name", SECTIONS)
def test_a_full_item_of_every_section_is_valid_by_the_published_schema(name, tmp_path):
    item = filled(catalogue().sections[name].fields, 'text "å" \n <&> \\')
    path = written(tmp_path / "leverans.xml", name, imported(tmp_path, name, [item]))
    [block] = told(path)["informationsfalt"]["person"][0]["block"]
    assert [one["innehall"] for one in block["poster"]] == [item]


@GENEROUS
@given(item=items_of("utbetalningsuppgift"))
def test_whatever_a_payment_says_is_valid_by_the_published_schema(item, tmp_path):
    told(written(tmp_path / "leverans.xml", "utbetalningsuppgift", imported(tmp_path, "utbetalningsuppgift", [item])))


def test_the_frame_says_what_the_xml_says(tmp_path):
    found = told(write(tmp_path / "leverans.xml", 2))
    assert found["schemaversion"] == "1.0"
    assert found["generelltfalt"] == {
        "organisationsnummer": "5560000001",
        "avtal": "AVTAL-1",
        "andamal": "test",
        "lopnummer": 1,
        "foregaende": "",
        "korning": 1,
        "slag": "nightly",
        "beslutsdag": "2026-11-02",
        "skapad": "2026-11-02T21:00:00+00:00",
        "tillImport": 1,
        "tillLagandring": 1,
        "kalla": [{"namn": "FK", "tillstand": "OK", "fullstandigTillImport": 1}],
        "forman": [{"kod": "FK:SJP", "fullstandigTillImport": 1}],
        "avslutar": False,
    }
    assert found["slutfalt"] == {"personer": 2, "block": 2}
    person = found["informationsfalt"]["person"][0]
    assert (person["informationstyp"], person["personnummer"]) == (1, NUMBER)
    assert person["statusBestallning"] == [
        {"bevakning": 1, "kundStatus": 3, "formansinformation": {"sjukpenning": 1}, "orsak": "ENDED"}
    ]
    assert person["block"][0]["poster"][0]["andring"] == "ny"
    assert person["block"][0]["borttagen"] == ["a" * 64]


def test_an_empty_delivery_is_a_document_too(tmp_path):
    path = tmp_path / "tom.xml"
    with path.open("wb") as file:
        document.Writer(file, HEAD).close()
    assert told(path)["informationsfalt"] == {"person": []}


def test_a_damaged_document_is_not_told_on(tmp_path):
    path = write(tmp_path / "leverans.xml", 1)
    path.write_text(path.read_text().replace("<aktivt>true", "<aktivt>kanske"))
    with pytest.raises(DocumentFault):
        list(to_json(path))


def test_memory_does_not_grow_with_the_delivery(tmp_path):
    def peak(persons: int) -> int:
        path = write(tmp_path / f"{persons}.xml", persons)
        tracemalloc.start()
        assert sum(map(len, to_json(path))) > persons
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(1000) < 2 * peak(50)
