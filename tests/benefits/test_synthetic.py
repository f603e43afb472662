"""Made-up people and their registers: numbers, sections, files."""

import hashlib
import json
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command

from benefits.catalogue import catalogue
from benefits.identity import parse
from benefits.synthetic import Register, full_line, start, write_population
from benefits.synthetic.payments import equal_pair
from benefits.synthetic.people import BIRTH_DAYS, CAPACITY, birth_of, spare_number
from benefits.synthetic.plan import FIRST_DAY
from benefits.synthetic.table import FK_SECTIONS, PM_SECTIONS

REGISTER = Register(500, seed=7)


@pytest.fixture(scope="module")
def answers():
    """(source, line) of everybody in the register."""
    states = [start(REGISTER, index) for index in range(REGISTER.persons)]
    return [(source, full_line(state, source)) for state in states for source in ("FK", "PM")]


def sections_of(source, line):
    return line["svar"]["formansinformation"] if source == "FK" else line["svar"]


def items_of(answers, name):
    return [item for source, line in answers for item in sections_of(source, line).get(name, [])]


def numbers_in(value):
    """Every identity number anywhere in a line."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in ("personnummer", "person", "medsokande") and isinstance(below, str):
                yield below
            yield from numbers_in(below)
    elif isinstance(value, list):
        for below in value:
            yield from numbers_in(below)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path):
    first, again, other = (
        [path.read_bytes() for path in sorted(write(Register(60, seed), tmp_path / folder))]
        for seed, folder in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again
    assert first != other


def write(register: Register, folder: Path) -> list[Path]:
    write_population(register, folder)
    return list(folder.iterdir())


def test_every_section_of_both_sources_occurs_in_a_register_of_five_hundred(answers):
    present = {name for source, line in answers for name in sections_of(source, line)}
    assert present == {section.name for section in FK_SECTIONS} | set(PM_SECTIONS)
    assert len(FK_SECTIONS) == 42


def test_every_number_is_valid_and_in_the_made_up_series(answers):
    numbers = [number for _, line in answers for number in numbers_in(line)]
    numbers += [number for _, line in answers for number in line.get("person", {}).get("tidigarePersonnummer", [])]
    assert len(numbers) > 1500
    for number in numbers:
        assert parse(number, on=FIRST_DAY).number == number
        assert 980 <= int(number[8:11]) <= 999


def test_no_two_persons_share_a_number_however_large_the_register_is():
    indexes = [
        *range(2000),
        *range(18 * BIRTH_DAYS, 18 * BIRTH_DAYS + 2000),
        *range(CAPACITY - 2000, CAPACITY),
    ]
    births = [birth_of(3, index, lambda i: i % 50 == 0) for index in indexes]
    numbers = {birth.number for birth in births}
    spare = {spare_number(birth, coordination=kind) for birth in births[:2000] for kind in (True, False)}
    assert len(numbers) == len(indexes)
    assert len(spare) == 4000
    assert not numbers & spare


def test_a_register_larger_than_the_series_of_numbers_is_refused():
    with pytest.raises(ValueError, match="no more numbers"):
        Register(CAPACITY + 1)


def test_some_are_protected_some_are_dead_and_some_have_had_another_number(answers):
    facts = [line["person"] for source, line in answers if source == "FK"]
    assert {person["skydd"] for person in facts} >= {"INGET", "SEKRETESSMARKERING"}
    assert any(person["avled"] == "Datum saknas" for person in facts)
    assert sum(bool(person["avled"]) for person in facts) < 40
    assert any(person["tidigarePersonnummer"] for person in facts)
    assert any(int(line["personnummer"][6:8]) > 60 for _, line in answers)


def test_the_own_details_repeat_the_facts(answers):
    for source, line in answers:
        if source == "FK":
            details = sections_of(source, line)["generellPersoninformation"][0]
            assert details["personnummer"] == line["personnummer"]
            assert details["namn"] == line["person"]["namn"]
            assert details["skyddad"] == (line["person"]["skydd"] != "INGET")


def test_a_protected_registration_has_no_home_in_the_own_details():
    everybody = (start(Register(6000, seed=2), index) for index in range(6000))
    hidden = [state for state in everybody if state.protection == "SKYDDAD_FOLKBOKFORING"]
    assert hidden
    for state in hidden:
        assert not {"adress", "folkbokford"} & set(state.sections("FK")["generellPersoninformation"][0])


def test_sickness_cases_are_open_closed_and_refused_with_several_extents(answers):
    cases = items_of(answers, "sjukpenningarende")
    decisions = [decision for case in cases for decision in case["beslut"]]
    assert {case["aktivt"] for case in cases} == {True, False}
    assert {decision["beslutsutfall"] for decision in decisions} == {"BEVILJAN", "AVSLAG"}
    extents = {tuple(d["omfattning"].values()) for d in decisions if "omfattning" in d}
    assert extents == {(1, 4), (1, 2), (3, 4), (1, 1)}
    assert any("till" not in decision["period"] for decision in decisions)


def test_payments_are_monthly_daily_and_retro_and_some_mix_benefits(answers):
    payments = items_of(answers, "utbetalningsuppgift")
    assert {payment["typ"]["id"] for payment in payments} == {1, 2, 3}
    mixed = [{row["forman"]["id"] for row in payment["utbetalningsdetalj"]} for payment in payments]
    assert {"FP", "SJP"} in mixed


def test_the_totals_of_a_payment_are_the_sums_of_its_rows(answers):
    for payment in items_of(answers, "utbetalningsuppgift") + items_of(answers, "preliminarautbetalningar"):
        rows = payment["utbetalningsdetalj"]
        gross, tax, other = (
            round(sum(row[field]["summa"] for row in rows if field in row), 2)
            for field in ("bruttobelopp", "skattebelopp", "avdragsbelopp")
        )
        assert payment["bruttobelopp"]["summa"] == gross
        assert payment["avdragsbelopp"]["summa"] == round(tax + other, 2)
        assert payment["nettobelopp"]["summa"] == round(gross - tax - other, 2)


def test_pension_amounts_are_whole_and_net_is_gross_less_deductions(answers):
    for payment in items_of(answers, "utbetalningar"):
        assert isinstance(payment["bruttobelopp"], int)
        deducted = sum(row["belopp"] for row in payment["avdrag"])
        assert payment["nettobelopp"] == payment["bruttobelopp"] - deducted


def test_two_payments_of_a_day_may_be_alike():
    first, second = equal_pair(Random(1), FIRST_DAY.toordinal())
    assert first == second


def test_text_has_swedish_letters_ampersands_and_apostrophes():
    everybody = [full_line(start(Register(2000), index), "FK") for index in range(2000)]
    text = json.dumps(everybody, ensure_ascii=False)
    assert all(sign in text for sign in "åäöÅÖ&'")


def test_some_days_are_known_by_month_only(answers):
    periods = [case["beslut"][0].get("period", {}) for case in items_of(answers, "barnbidragsarende")]
    assert {len(period["fran"]) for period in periods if "fran" in period} == {7, 10}


def test_manifests_agree_with_their_files(tmp_path):
    for written in write_population(REGISTER, tmp_path):
        manifest = json.loads(written.manifest.read_text("utf-8"))
        data = (tmp_path / manifest["datafil"]).read_bytes()
        assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
        assert manifest["antal"] == written.lines == data.count(b"\n")
        assert manifest["lopnummer"] == 1
        assert manifest["syntetisk"] is True
        assert manifest["tillstand"] == {manifest["kalla"]: "OK"}


def unknown_to(fields, value, path):
    """Where a value is not as the catalogue's fields say; none if all is well."""
    known = {field.name: field for field in fields}
    for name, below in value.items():
        field, at = known.get(name), f"{path}.{name}"
        if field is None:
            yield f"{at}: not in the catalogue"
            continue
        if field.many != isinstance(below, list):
            yield f"{at}: list or not"
            continue
        for one in below if field.many else [below]:
            if not field.is_leaf:
                yield from unknown_to(field.children, one, at)
            elif not fits(field.kind, one):
                yield f"{at}: {field.kind} is {type(one).__name__}"


def fits(kind, value):
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, int | float) if kind == "decimal" else isinstance(value, str)


def test_everything_written_has_its_place_in_the_catalogue(answers):
    sections = catalogue().sections
    faults = Counter(
        fault
        for source, line in answers
        for name, items in sections_of(source, line).items()
        for item in items
        for fault in unknown_to(sections[name].fields, item, name)
    )
    assert not faults


def test_the_rows_of_payments_have_benefits_in_the_catalogue(answers):
    for payment in items_of(answers, "utbetalningsuppgift"):
        for row in payment["utbetalningsdetalj"]:
            assert catalogue().payment_benefit(row["forman"]["id"], payment["formansfamilj"]["id"])


def test_the_command_writes_a_population(tmp_path, capsys):
    call_command("make_population", persons=20, out=tmp_path, seed=3, day=date(2026, 1, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "fk-0001.json", "fk-0001.jsonl", "pm-0001.json", "pm-0001.jsonl",
    ]  # fmt: skip
    assert "20 lines" in capsys.readouterr().out


def test_the_command_refuses_a_register_without_persons(tmp_path):
    with pytest.raises(CommandError, match="1 to"):
        call_command("make_population", persons=0, out=tmp_path)
