"""What the contract allows comes through whole: import, digest, document, reading, digest (C4)."""

import copy
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree

from benefits.catalogue import catalogue
from benefits.content import digest, values_at
from benefits.importfile import Item, Line, as_json, read_lines, read_manifest
from benefits.services import import_file, person_of
from deliveries import document, reading
from deliveries.changes import Item as Tellable
from deliveries.changes import Known, compare
from deliveries.jsonform import to_json
from deliveries.runs import perform, start_night
from deliveries.schema import VERSION, current
from deliveries.storage import place_of
from subscriptions.disclosable import Allowance, disclosable
from subscriptions.models import Pending
from tests.contract import EXAMPLES, SECTIONS, items_of, schema_of
from tests.factories import (
    AgreementFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    PendingFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

NUMBER = identity_number(7)
AT = datetime(2026, 11, 2, 21, tzinfo=UTC)
HEAD = document.Head(
    organisation_number="5560000001",
    unit="",
    agreement="AVTAL-1",
    purpose="test",
    number=1,
    previous_sha256="",
    run=1,
    kind="nightly",
    day=date(2026, 11, 2),
    created=AT,
    as_of_import=1,
    as_of_law=1,
    sources=[document.SourceLine("FK", "OK", 1)],
    benefits=[("FK:SJP", 1)],
    final=False,
)
GENEROUS = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
each_section = pytest.mark.parametrize("name", SECTIONS)


def write_import(folder: Path, source: str, answer: dict[str, Any], sections: list[str], sequence: int = 1) -> Path:
    """A manifest and its data file of one line."""
    line = {"personnummer": NUMBER, "sektioner": sections, "svar": answer}
    data = (as_json(line) + "\n").encode()
    (folder / f"{source}-{sequence}.jsonl").write_bytes(data)
    manifest = {
        "format": "lefi-import/1",
        "kalla": source,
        "slag": "andring",
        "lopnummer": sequence,
        "antal": 1,
        "sha256": hashlib.sha256(data).hexdigest(),
        "datafil": f"{source}-{sequence}.jsonl",
        "tillstand": {source: "OK"},
        "skapad": "2026-11-02T18:00:00+01:00",
    }
    path = folder / f"{source}-{sequence}.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def answer_of(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    place = catalogue().sections[name].place
    return {place: {name: items}} if place else {name: items}


def read_import(folder: Path, name: str, items: list[dict[str, Any]]) -> Line:
    section = catalogue().sections[name]
    manifest = write_import(folder, section.owner, answer_of(name, items), [name])
    return next(read_lines(read_manifest(manifest), catalogue()))


def imported(folder: Path, name: str, items: list[dict[str, Any]]) -> list[Item]:
    line = read_import(folder, name, items)
    assert (line.quarantined, line.spoken, dict(line.unknown)) == ([], [name], {})
    return line.items


def written(path: Path, name: str, items: list[Item]) -> Path:
    """A document with one block that holds the imported items."""
    section = catalogue().sections[name]
    now = [Tellable(Known(one.digest), json.loads(one.content, parse_float=Decimal)) for one in items]
    benefit = section.benefits[0]
    block = document.Block(1, benefit, section, "", "", compare([], now))
    entry = document.Entry(NUMBER, complete=True, blocks=[block])
    entry.statuses.append(document.Status(1, catalogue().benefits[benefit].order_name, "1"))
    with path.open("wb") as file:
        writer = document.Writer(file, HEAD)
        writer.add([entry])
        sha256 = writer.close()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert writer.size == path.stat().st_size
    return path


def through(folder: Path, name: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items' contents after the whole way, their digests being the same by XML and by JSON."""
    taken = imported(folder, name, items)
    path = written(folder / "leverans.xml", name, taken)
    fields = catalogue().sections[name].fields
    expected = sorted(one.digest for one in taken)

    [person] = reading.read(path)
    from_xml = [one.content for one in person.blocks[0].items]
    told = json.loads("".join(to_json(path)), parse_float=Decimal)
    from_json = [one["innehall"] for one in told["informationsfalt"]["person"][0]["block"][0]["poster"]]

    assert sorted(digest(fields, one) or "" for one in from_xml) == expected
    assert sorted(digest(fields, one) or "" for one in from_json) == expected
    return from_xml


@each_section
@GENEROUS
@given(data=st.data())
def test_whatever_the_contract_allows_has_one_digest_from_import_to_reader(name, data, tmp_path):
    most = 1 if catalogue().sections[name].at_most == 1 else 2
    through(tmp_path, name, data.draw(st.lists(items_of(name), min_size=1, max_size=most)))


@each_section
def test_the_writers_bytes_are_what_an_xml_library_would_have_written(name, tmp_path):
    fields = catalogue().sections[name].fields
    texts = "a<b>&\"c' \t\n]]> å \U0001f600"
    taken = imported(tmp_path, name, [filled(fields, texts)])
    path = written(tmp_path / "leverans.xml", name, taken)

    tree = etree.parse(path)
    again = etree.fromstring(etree.tostring(tree))
    assert etree.tostring(tree, method="c14n") == etree.tostring(again, method="c14n")
    element = tree.find(f".//{{*}}block/{{*}}{name}")
    assert reading.content(fields, element) == json.loads(taken[0].content, parse_float=Decimal)
    assert etree.XMLSchema(etree.fromstring(current().encode())).validate(tree)


def filled(fields, text: str) -> dict[str, Any]:
    """An item with every field that there is, its lists holding two elements if they may."""
    values = {"integer": 7, "decimal": Decimal("12.5"), "boolean": True}
    found: dict[str, Any] = {}
    for field in fields:
        one = values.get(field.kind, text) if field.is_leaf else filled(field.children, text)
        found[field.name] = [one] * (field.at_most or 2) if field.many else one
    return found


def test_a_null_in_a_list_is_nothing_and_never_stops_a_document(tmp_path):
    address = {"utdelningadress": ["c/o Ek", None, "Storgatan 1"], "postort": "ORT"}
    [content] = through(tmp_path, "generellPersoninformation", [{"adress": [None, address]}])
    assert content == {"adress": [{"utdelningadress": ["c/o Ek", "Storgatan 1"], "postort": "ORT"}]}


GRANTED = frozenset({"granted"})


def example(section: str) -> list[dict[str, Any]]:
    return copy.deepcopy(EXAMPLES["Sjukpenningsinformation hämtad"]["formansinformation"][section])


def test_the_contracts_own_example_of_a_person_comes_through_unchanged(tmp_path):
    items = example("generellPersoninformation")
    assert through(tmp_path, "generellPersoninformation", copy.deepcopy(items)) == items


def test_where_the_contracts_example_breaks_its_own_schema_it_is_taken_in_and_that_part_never_told(tmp_path):
    """In its sickness case `ersattning` is an object, by the schema a string; and `avslaget` is unknown there."""
    items = example("sjukpenningarende")
    faults = Draft202012Validator(schema_of(catalogue().sections["sjukpenningarende"])).iter_errors(items[0])
    assert sorted([*fault.path] for fault in faults) == [[], ["beslut", 0, "ersattning"]]

    line = read_import(tmp_path, "sjukpenningarende", copy.deepcopy(items))
    assert not line.quarantined
    assert json.loads(line.items[0].content) == items[0], "kept as given"
    assert dict(line.unknown) == {"sjukpenningarende.avslaget": 1, "sjukpenningarende.beslut.ersattning": 1}

    section, all_classes = catalogue().sections["sjukpenningarende"], frozenset(catalogue().classes)
    told = disclosable(catalogue(), section, items[0], Allowance("FK:SJP", all_classes, GRANTED, date(2020, 1, 1)))
    del items[0]["avslaget"], items[0]["beslut"][0]["ersattning"]
    assert told == items[0]
    assert digest(section.fields, told) == line.items[0].digest


def test_an_object_in_place_of_any_other_text_is_a_fault(tmp_path):
    items = example("sjukpenningarende")
    items[0]["beslut"][0]["beslutsutfall"] = {"id": 1}
    [quarantined] = read_import(tmp_path, "sjukpenningarende", items).quarantined
    assert (quarantined.code, quarantined.text) == ("WRONG_TYPE", "beslut.beslutsutfall: Expected string.")


# What is odd in the contract, each by its name.


def sickness(**decision: Any) -> list[dict[str, Any]]:
    return [{"startades": "2026-10-01", "beslut": [decision]}]


def test_a_code_that_nobody_has_listed_passes_through(tmp_path):
    items = sickness(forman={"id": "NYTT", "beskrivning": "Ny kod"}, beslutsutfall="NYTT_UTFALL")
    assert through(tmp_path, "sjukpenningarende", items) == items


def test_a_code_outside_a_closed_set_passes_through_too(tmp_path):
    claim = filled(catalogue().sections["ansprak"].fields, "PM:NY")
    assert through(tmp_path, "ansprak", [claim]) == [claim]


def test_a_period_is_fran_and_till_at_one_source_and_from_and_tom_at_the_other(tmp_path):
    ours = sickness(period={"fran": "2026-10-01", "till": "2026-10-31"})
    theirs = [{"utbetalningsdatum": "2026-10-18", "utbetalningsperiod": {"from": "2026-10-01", "tom": "2026-10-31"}}]
    spans = [(one.starts_on, one.ends_on) for one in imported(tmp_path, "sjukpenningarende", ours)]
    spans += [(one.starts_on, one.ends_on) for one in imported(tmp_path, "utbetalningar", theirs)]
    assert spans == [(date(2026, 10, 1), date(2026, 10, 31))] * 2
    assert through(tmp_path, "sjukpenningarende", ours) == ours
    assert through(tmp_path, "utbetalningar", theirs) == theirs


def test_an_amount_is_an_object_at_one_source_and_a_number_at_the_other(tmp_path):
    day = {"ersattningsdatum": "2026-10-01", "ersattningsbelopp": {"summa": Decimal("812.50"), "valuta": "SEK"}}
    ours, theirs = sickness(ersattningsdagar=[day]), [{"utbetalningsdatum": "2026-10-18", "bruttobelopp": 15000}]
    assert through(tmp_path, "sjukpenningarende", ours) == ours
    assert through(tmp_path, "utbetalningar", theirs) == theirs


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-10-05", date(2026, 10, 5), date(2026, 10, 5)),
    ],
)
def test_a_day_may_lack_its_day_or_month_and_then_spans_what_it_names(said, first, last, tmp_path):
    items = sickness(period={"fran": said, "till": said})
    [taken] = imported(tmp_path, "sjukpenningarende", items)
    assert (taken.starts_on, taken.ends_on) == (first, last)
    assert through(tmp_path, "sjukpenningarende", items) == items


def test_datum_saknas_stands_where_a_date_is_expected(tmp_path):
    items = [{"personnummer": NUMBER, "avled": ["Datum saknas"]}]
    assert through(tmp_path, "generellPersoninformation", items) == items


@pytest.mark.parametrize("name", ["merkostnadsersattningsarende", "omvardnadsbidragsarende"])
def test_barn_has_a_capital_in_two_sections(name, tmp_path):
    section = catalogue().sections[name]
    underlag = filled(section.field("beslut.underlag").children, "2026-10")
    assert [*underlag] == [one.name for one in section.field("beslut.underlag").children]
    assert "Barn" in underlag
    item = {"beslut": {"underlag": [underlag] if section.field("beslut.underlag").many else underlag}}
    assert through(tmp_path, name, [item]) == [item]


def test_a_list_that_holds_at_most_one_keeps_its_one_and_stays_a_list(tmp_path):
    section = catalogue().sections["sjukOchAktivitetsersattningsarende"]
    field = section.field("grunduppgifter.forsakringstid")
    assert (field.many, field.at_most) == (True, 1)
    items = [{"grunduppgifter": filled(section.field("grunduppgifter").children, "x")}]
    assert through(tmp_path, section.name, items) == items


@pytest.mark.parametrize("number", ["1E+20", "-0", "0.10", "100.00", "0.000000001", "123456789012345678901234567890"])
def test_a_number_keeps_its_value_however_it_is_written(number, tmp_path):
    items = sickness(ersattningsdagar=[{"ersattningsbelopp": {"summa": Decimal(number)}}])
    [content] = through(tmp_path, "sjukpenningarende", items)
    assert [*values_at(content, ["beslut", "ersattningsdagar", "ersattningsbelopp", "summa"])] == [Decimal(number)]


# The whole path, once: the register, the law, a run, a document.


@pytest.fixture
def every_class(db):
    """A stream that may be told every field of every benefit, refusals too: for tests only."""
    classes = list(catalogue().classes)
    basis = LegalBasisFactory(code="TEST-ALL", classes=classes, owners=["FK", "PM"], outcomes=["granted", "refused"])
    agreement = AgreementFactory()
    ScopeFactory(agreement=agreement, basis=basis, benefits=list(catalogue().benefits), classes=classes)
    for code, one in catalogue().benefits.items():
        if one.owner == "PM":
            OwnerApprovalFactory(basis_code=basis.code, benefit=code)
    return StreamFactory(agreement=agreement, purpose=basis.purpose)


def whole_answer(source: str) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for name in SECTIONS:
        section = catalogue().sections[name]
        if section.owner == source:
            item = filled(section.fields, "2026-10")
            for path in [section.benefit_code] if section.benefit_code else []:
                put(item, path.split("."), section.benefits[0])
            if section.payment:
                code = next(c for c, p in catalogue().payment_codes.items() if p.benefit in section.benefits)
                for row in item[section.payment.rows]:
                    put(row, section.payment.row_code.split("."), code)
            holder = answer.setdefault(section.place, {}) if section.place else answer
            holder[name] = [item]
    return answer


def put(value: dict[str, Any], path: list[str], leaf: Any) -> None:
    for name in path[:-1]:
        value = value[name]
    value[path[-1]] = leaf


def test_what_was_imported_is_what_a_reader_of_the_delivery_holds(every_class, tmp_path):
    expected: dict[str, str] = {}
    for source in ("FK", "PM"):
        sections = [name for name in SECTIONS if catalogue().sections[name].owner == source]
        path = write_import(tmp_path, source, whole_answer(source), sections)
        [line] = read_lines(read_manifest(path), catalogue())
        expected |= {one.section: one.digest for one in line.items}
        import_file(manifest_path=path, at=AT)
    person = person_of(NUMBER)
    for code in catalogue().benefits:
        watch = WatchFactory(
            stream=every_class, person=person, ordered_number=NUMBER, benefit=code, from_date=date(2020, 1, 1)
        )
        PendingFactory(watch=watch, reason=Pending.Reason.FIRST, since=AT)

    run = perform(start_night(day=timezone.localdate() - timedelta(days=2), at=timezone.now()))
    stream_run = run.streams.get()
    assert (stream_run.status, stream_run.code) == ("released", "")
    delivery = stream_run.delivery
    folded = {
        block.section: digest(catalogue().sections[block.section].fields, item.content)
        for entry in reading.read(place_of(delivery.sha256))
        for block in entry.blocks
        for item in block.items
        if block.section != "person"
    }
    assert delivery.schema_version.startswith(VERSION)
    assert folded == expected
