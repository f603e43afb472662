"""Reading an import: what refuses the file whole, and what only quarantines one person's section (C9)."""

import json
from datetime import date
from decimal import Decimal

import pytest

from benefits.catalogue import catalogue
from benefits.importfile import ImportRefused, as_json, read_lines, read_manifest
from tests.factories import identity_number
from tests.imports import case, facts, line, pm_line, write

KARIN, OLLE = identity_number(1), identity_number(2)


def read(folder, data, **said):
    return list(read_lines(read_manifest(write(folder, data, **said)), catalogue()))


def one(folder, said, **manifest):
    (found,) = read(folder, [said], **manifest)
    return found


MANIFESTS = {
    "another format": ({"format": "lefi-import/2"}, "FORMAT"),
    "another kind": ({"slag": "annat"}, "FORMAT"),
    "another data file": ({"sha256": "0" * 64}, "SHA256"),
    "no data file": ({"datafil": "borta.jsonl"}, "DATA_FILE_MISSING"),
    "a data file elsewhere": ({"datafil": "../../etc/passwd"}, "DATA_FILE_MISSING"),
    "an unknown state": ({"tillstand": {"FK": "SOVER"}}, "STATE"),
    "lines though the source failed": ({"tillstand": {"FK": "FELANDE"}}, "STATE"),
    "lines though the source is away": ({"tillstand": {"FK": "OTILLGANGLIG"}}, "STATE"),
    "a state that is no text": ({"tillstand": {"FK": ["OK"]}}, "STATE"),
    "states that are no object": ({"tillstand": "OK"}, "MANIFEST"),
    "a time without its offset": ({"skapad": "2026-11-23T18:00:00"}, "MANIFEST"),
    "no time at all": ({"skapad": "igår"}, "MANIFEST"),
    "a number that is no number": ({"lopnummer": "ett"}, "MANIFEST"),
    "a number with a fraction": ({"lopnummer": 1.5}, "MANIFEST"),
    "a number below nought": ({"antal": -1}, "MANIFEST"),
    "a number beyond the register's": ({"lopnummer": 2**31}, "MANIFEST"),
    "no source": ({"kalla": None, "tillstand": {}}, None),
}


@pytest.mark.parametrize(("said", "code"), MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_cannot_be_trusted_is_refused(tmp_path, said, code):
    if code is None:
        assert read_manifest(write(tmp_path, [line(KARIN)], **said)).source == "None"
        return
    with pytest.raises(ImportRefused) as refusal:
        read_manifest(write(tmp_path, [line(KARIN)], **said))

    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": "lefi-import/1"}', "\x00", "[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_refused(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)

    with pytest.raises(ImportRefused) as refusal:
        read_manifest(path)
    assert refusal.value.code == "MANIFEST"


def test_a_missing_manifest_is_refused(tmp_path):
    with pytest.raises(ImportRefused, match="MANIFEST"):
        read_manifest(tmp_path / "borta.json")


GOOD = json.dumps(line(KARIN, sjukpenningarende=[])).encode()
DATA = {
    "the last line has no end": (GOOD, {"antal": 1}, "TRUNCATED"),
    "half a line": (GOOD[:30] + b"\n", {}, "LINE"),
    "an empty line": (GOOD + b"\n\n", {}, "LINE"),
    "fewer lines than said": (GOOD + b"\n", {"antal": 2}, "COUNT"),
    "more lines than said": (GOOD + b"\n" + GOOD + b"\n", {"antal": 1}, "COUNT"),
    "a line in another encoding": ('{"personnummer": "å"}\n'.encode("latin-1"), {}, "LINE"),
    "a line that is no object": (b"[]\n", {}, "LINE"),
    "no number": (b'{"sektioner": []}\n', {}, "LINE"),
    "a number of no person": (b'{"personnummer": "195001012380"}\n', {}, "LINE"),
    "a number that is not text": (b'{"personnummer": 195001012385}\n', {}, "LINE"),
    "a person not yet born": (b'{"personnummer": "202701012384"}\n', {}, "LINE"),
    "NaN": (b'{"personnummer": "%s", "svar": {"a": NaN}}\n' % KARIN.encode(), {}, "LINE"),
    "an exponent beyond reason": (
        b'{"personnummer": "%s", "svar": {"a": 1e99999999999999999999}}\n' % KARIN.encode(),
        {},
        "LINE",
    ),
    "more digits than any number has": (
        b'{"personnummer": "%s", "svar": {"a": %s}}\n' % (KARIN.encode(), b"9" * 5000),
        {},
        "LINE",
    ),
    "a name twice in an object": (
        b'{"personnummer": "%s", "personnummer": "%s"}\n' % (KARIN.encode(), OLLE.encode()),
        {},
        "LINE",
    ),
    "an answer that is no object": (
        b'{"personnummer": "%s", "sektioner": ["sjukpenningarende"], "svar": [1]}\n' % KARIN.encode(),
        {},
        "LINE",
    ),
    "sections that are no list": (b'{"personnummer": "%s", "sektioner": 7}\n' % KARIN.encode(), {}, "LINE"),
    "facts that are no object": (b'{"personnummer": "%s", "person": 7}\n' % KARIN.encode(), {}, "LINE"),
    "objects without end": (
        b'{"personnummer": "%s", "svar": %s}\n' % (KARIN.encode(), b'{"a":' * 5000 + b"1" + b"}" * 5000),
        {},
        "LINE",
    ),
    "an unknown section": (b'{"personnummer": "%s", "sektioner": ["x"]}\n' % KARIN.encode(), {}, "SECTION"),
    "the header as a section": (
        b'{"personnummer": "%s", "sektioner": ["person"]}\n' % KARIN.encode(),
        {},
        "SECTION",
    ),
    "another source's section": (json.dumps(pm_line(KARIN, beslut=[])).encode() + b"\n", {}, "SECTION"),
}


@pytest.mark.parametrize(("data", "said", "code"), DATA.values(), ids=DATA)
def test_a_data_file_that_cannot_be_read_whole_is_refused_whole(tmp_path, data, said, code):
    with pytest.raises(ImportRefused) as refusal:
        read(tmp_path, data, **said)

    assert refusal.value.code == code
    assert KARIN not in str(refusal.value) and refusal.value.__cause__ is None


FACTS = {
    "an unknown protection": facts(skydd="HEMLIG"),
    "a name that is not text": facts(namn=7),
    "a name that no document holds": facts(namn="\x00"),
    "an earlier number of no person": facts(tidigarePersonnummer=["195001012380"]),
}


@pytest.mark.parametrize("said", FACTS.values(), ids=FACTS)
def test_faulty_facts_refuse_the_file_since_a_protection_might_be_lost(tmp_path, said):
    with pytest.raises(ImportRefused, match="LINE"):
        read(tmp_path, [line(KARIN, person=said)])


def test_only_forsakringskassan_gives_facts_so_that_nobody_else_can_lift_a_protection(tmp_path):
    with pytest.raises(ImportRefused, match="SECTION"):
        read(tmp_path, [pm_line(KARIN) | {"person": facts()}], kalla="PM")


def test_a_line_says_facts_and_all_items_of_the_sections_it_speaks_for(tmp_path):
    person = facts(avled="2026-11", skydd="SEKRETESSMARKERING", tidigarePersonnummer=[OLLE])
    found = one(tmp_path, line(KARIN, person=person, sjukpenningarende=[case("2026-01-01")], skatteuppgift=[]))

    assert found.number == KARIN
    assert found.spoken == ["sjukpenningarende", "skatteuppgift"]
    assert (found.facts.name, found.facts.died_on) == ("Karin Testsson", "2026-11")
    assert (found.facts.protection, found.facts.former) == ("SEKRETESSMARKERING", (OLLE,))
    (item,) = found.items
    assert (item.section, item.starts_on, item.ends_on) == ("sjukpenningarende", date(2026, 1, 1), None)


def test_a_section_spoken_for_and_absent_in_the_answer_holds_nothing_now(tmp_path):
    found = one(tmp_path, {"personnummer": KARIN, "sektioner": ["sjukpenningarende"]})

    assert (found.spoken, found.items) == (["sjukpenningarende"], [])


def test_content_of_a_section_that_the_line_does_not_speak_for_is_not_read(tmp_path):
    said = line(KARIN, sjukpenningarende=[case("2026-01-01")]) | {"sektioner": []}

    assert one(tmp_path, said).items == []


QUARANTINED = {
    "a required field absent": ("PM", "ansprak", [{"formansgrupp": {"kod": "PM:AP"}}], "REQUIRED"),
    "another type": ("FK", "sjukpenningarende", [{"aktivt": "ja"}], "WRONG_TYPE"),
    "a character of no document": ("FK", "sjukpenningarende", [{"startades": "\x0b"}], "CHARACTER"),
    "no object": ("FK", "sjukpenningarende", "ingenting", "NOT_AN_OBJECT"),
    "one faulty item among good ones": (
        "FK",
        "sjukpenningarende",
        [case("2026-01-01"), {"beslut": 1}],
        "NOT_A_LIST",
    ),
}


@pytest.mark.parametrize(("source", "section", "said", "code"), QUARANTINED.values(), ids=QUARANTINED)
def test_a_fault_in_a_section_silences_the_section_whole_and_nothing_else(tmp_path, source, section, said, code):
    other = "beslut" if source == "PM" else "skatteuppgift"
    make = pm_line if source == "PM" else line
    found = one(tmp_path, make(KARIN, **{section: said, other: []}), kalla=source)

    assert found.spoken == [other]
    assert found.items == []
    assert [(fault.section, fault.code) for fault in found.quarantined] == [(section, code)]


def test_objects_too_deep_inside_each_other_silence_their_section_alone(tmp_path):
    deep = 1
    for _ in range(600):
        deep = {"a": deep}

    found = one(tmp_path, line(KARIN, sjukpenningarende=[case("2026-01-01") | {"okant": deep}], skatteuppgift=[]))

    assert found.spoken == ["skatteuppgift"]
    assert [fault.code for fault in found.quarantined] == ["TOO_DEEP"]
    assert (found.items, found.unknown.total()) == ([], 0)


def test_an_unknown_field_is_kept_as_given_and_counted_and_changes_no_digest(tmp_path):
    plain = one(tmp_path, line(KARIN, sjukpenningarende=[case("2026-01-01")]))
    found = one(tmp_path, line(KARIN, sjukpenningarende=[case("2026-01-01") | {"nytt": {"x": "é\ud800"}}]))

    assert json.loads(found.items[0].content)["nytt"] == {"x": "é\ud800"}
    assert found.items[0].content.encode()
    assert found.unknown == {"sjukpenningarende.nytt": 1}
    assert found.items[0].digest == plain.items[0].digest


def test_two_equal_items_are_two(tmp_path):
    found = one(tmp_path, line(KARIN, sjukpenningarende=[case("2026-01-01"), case("2026-02-01"), case("2026-01-01")]))

    assert [item.ordinal for item in found.items] == [1, 1, 2]
    assert found.items[0].digest == found.items[2].digest


def test_an_item_that_says_nothing_is_no_item(tmp_path):
    assert one(tmp_path, line(KARIN, sjukpenningarende=[{}, {"beslut": []}])).items == []


def test_an_item_is_listed_with_its_first_extent_and_amount(tmp_path):
    decision = {
        "omfattning": {"taljare": 1, "namnare": 2},
        "ersattningsdagar": [{"ersattningsbelopp": {"summa": 12.345}}],
    }
    payment = {"bruttobelopp": {"summa": 1234.5, "valuta": "SEK"}}
    found = one(tmp_path, line(KARIN, sjukpenningarende=[{"beslut": [decision]}], utbetalningsuppgift=[payment]))

    assert found.items[0].extent == Decimal("0.5")
    assert found.items[1].amount == Decimal("1234.50")


@pytest.mark.parametrize("extent", [{"taljare": 1, "namnare": 0}, {"taljare": 3, "namnare": 2}, {"taljare": 1}, {}])
def test_an_extent_that_is_no_fraction_is_listed_as_none(tmp_path, extent):
    found = one(tmp_path, line(KARIN, sjukpenningarende=[{"aktivt": True, "beslut": [{"omfattning": extent}]}]))

    assert found.items[0].extent is None


def test_an_amount_larger_than_any_payment_is_kept_and_not_listed(tmp_path):
    found = one(tmp_path, line(KARIN, utbetalningsuppgift=[{"bruttobelopp": {"summa": 10**13}}]))

    assert found.items[0].amount is None
    assert str(10**13) in found.items[0].content


def test_content_keeps_every_number_as_its_source_wrote_it(tmp_path):
    raw = '{"personnummer": "%s", "sektioner": ["utbetalningsuppgift"], "svar": {"formansinformation": '
    raw += '{"utbetalningsuppgift": [{"bruttobelopp": {"summa": 1.10}}]}}}\n'

    (found,) = read(tmp_path, (raw % KARIN).encode())

    assert found.items[0].content == '{"bruttobelopp":{"summa":1.10}}'


def test_json_is_written_as_it_was_read():
    value = {"a": [None, True, False, 1, Decimal("1.50"), 'cit"at', "å\n"], "b": {}}

    assert json.loads(as_json(value), parse_float=Decimal) == value


def test_a_number_may_be_written_in_any_form_that_a_person_has(tmp_path):
    assert one(tmp_path, line(f"{KARIN[2:8]}-{KARIN[8:]}")).number == KARIN


def test_a_source_that_failed_hands_over_a_file_without_lines(tmp_path):
    manifest = read_manifest(write(tmp_path, [], tillstand={"FK": "FELANDE", "PM": "OK"}))

    assert manifest.state == "FELANDE"
    assert list(read_lines(manifest, catalogue())) == []
