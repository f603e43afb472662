"""Made-up nights: each changes a few persons, and population + nights = the state of everybody."""

import json
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from benefits.synthetic import (
    KINDS,
    Register,
    advance,
    changed_on,
    full_line,
    pension_agency_answers,
    state_after,
    write_night,
    write_payday,
    write_population,
)
from benefits.synthetic.plan import kind_for, last_answer_before
from benefits.synthetic.state import PAID

REGISTER = Register(500, seed=7)
NIGHTS = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The population and seven nights on disk."""
    folder = tmp_path_factory.mktemp("register")
    write_population(REGISTER, folder)
    for night in range(1, NIGHTS + 1):
        write_night(REGISTER, night, folder)
    return folder


def lines(folder, source, sequence):
    path = folder / f"{source.lower()}-{sequence:04d}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def manifest(folder, source, sequence):
    return json.loads((folder / f"{source.lower()}-{sequence:04d}.json").read_text("utf-8"))


def sections_of(source, line):
    return line["svar"]["formansinformation"] if source == "FK" else line["svar"]


def made(night):
    """Person -> kind of change really made, of one night."""
    kinds = {}
    for index, _ in changed_on(REGISTER, night):
        state = state_after(REGISTER, index, night - 1)
        if state is not None:
            kinds[index] = advance(state, REGISTER, index, night)
    return kinds


class Receiver:
    """The plainest reader of import files: it replaces what is spoken for and follows numbers."""

    def __init__(self):
        self.persons = {}
        self.facts = {}

    def take(self, source, line):
        number = line["personnummer"]
        if "person" in line:
            self.facts[number] = line["person"]
            for old in line["person"]["tidigarePersonnummer"]:
                self._move(old, number)
        known = self.persons.setdefault(number, {})
        for name in line["sektioner"]:
            known.pop(name, None)
        known |= sections_of(source, line)

    def _move(self, old, new):
        self.facts.pop(old, None)
        for name, items in self.persons.pop(old, {}).items():
            self.persons.setdefault(new, {}).setdefault(name, []).extend(items)


def test_population_and_nights_together_are_the_state_of_everybody(folder):
    receiver = Receiver()
    for sequence in range(1, NIGHTS + 2):
        for source in ("FK", "PM"):
            for line in lines(folder, source, sequence):
                receiver.take(source, line)
    expected = {}
    for index in range(REGISTER.persons):
        state = state_after(REGISTER, index, NIGHTS)
        if state is not None:
            expected[state.number] = {}
            for source in ("FK", "PM"):
                expected[state.number] |= sections_of(source, full_line(state, source))
            assert receiver.facts[state.number] == state.facts()
    assert receiver.persons == expected


def test_a_payday_adds_one_payment_to_what_the_nights_have_left_everybody_of_working_age(tmp_path):
    written = write_payday(REGISTER, NIGHTS, tmp_path)

    living = [
        one for index in range(REGISTER.persons) if (one := state_after(REGISTER, index, NIGHTS)) and not one.died
    ]
    before = {one.number: len(one.fk.get(PAID, [])) for one in living}
    paid = {one["personnummer"]: sections_of("FK", one)[PAID] for one in lines(tmp_path, "FK", NIGHTS + 2)}
    assert manifest(tmp_path, "FK", NIGHTS + 2)["lopnummer"] == NIGHTS + 2
    assert 0.4 < len(paid) / len(living) < 0.8 and len(paid) == written.lines
    for number, payments in paid.items():
        assert len(payments) == before[number] + 1
        assert payments[-1]["formansfamilj"]["id"] == "AS"


def test_every_kind_of_change_is_made_each_night_of_the_first_cycle():
    for night in range(1, NIGHTS + 1):
        assert set(made(night).values()) == set(KINDS), night


def test_two_hundred_persons_are_enough_for_every_kind_every_night():
    register = Register(200, seed=1)
    for night in range(1, register.cycle + 1):
        kinds = set()
        for index, _ in changed_on(register, night):
            state = state_after(register, index, night - 1)
            if state is not None:
                kinds.add(advance(state, register, index, night))
        assert kinds == set(KINDS), night


def test_a_night_changes_one_to_three_persons_in_a_hundred_of_a_large_register():
    for night in (1, 2, 60, 365):
        assert 0.01 <= len(changed_on(Register(20_000), night)) / 20_000 <= 0.03


def test_the_schedule_says_the_same_asked_by_night_and_by_person():
    for night in (1, 4, 33):
        by_person = {(i, kind) for i in range(500) if (kind := kind_for(REGISTER, i, night))}
        assert by_person == set(changed_on(REGISTER, night))


def test_a_line_speaks_only_for_sections_that_differ(folder):
    known = {line["personnummer"]: sections_of("FK", line) for line in lines(folder, "FK", 1)}
    for line in lines(folder, "FK", 2):
        assert line["sektioner"] or "person" in line
        was, now = known.get(line["personnummer"], {}), sections_of("FK", line)
        assert set(now) <= set(line["sektioner"])
        if not line.get("person", {}).get("tidigarePersonnummer"):
            assert all(was.get(name) != now.get(name) for name in line["sektioner"])


def test_a_section_can_become_empty(folder):
    emptied = [
        set(line["sektioner"]) - set(sections_of("FK", line))
        for sequence in range(2, NIGHTS + 2)
        for line in lines(folder, "FK", sequence)
    ]
    assert any("sjukpenningarende" in names for names in emptied)


def of_kind(kind, night=1):
    """(before, after) of the first person with that change."""
    index = next(index for index, done in made(night).items() if done == kind)
    return state_after(REGISTER, index, night - 1), state_after(REGISTER, index, night)


def test_one_of_two_equal_payments_goes_and_the_other_stays():
    before, after = of_kind("equal_payment_removed")
    counts = [Counter(json.dumps(p) for p in s.fk["utbetalningsuppgift"]) for s in (before, after)]
    gone = counts[0] - counts[1]
    assert sum(gone.values()) == 1
    assert all(counts[1][payment] == 1 for payment in gone)


def test_an_effectuated_payment_leaves_the_preliminary_ones_unchanged():
    before, after = of_kind("payment_effectuated")
    assert after.fk["utbetalningsuppgift"][-1] == before.fk["preliminarautbetalningar"][0]
    assert after.fk["preliminarautbetalningar"] == before.fk["preliminarautbetalningar"][1:]


def test_a_retroactive_payment_is_for_days_long_before_it_is_paid():
    _, after = of_kind("retroactive_payment")
    payment = after.fk["utbetalningsuppgift"][-1]
    assert payment["typ"]["id"] == 3
    assert payment["period"]["till"] < "2026-08-20" < payment["datum"]


def test_a_number_change_touches_no_benefit_and_keeps_the_old_number():
    before, after = of_kind("number_changed")
    assert after.earlier == [before.number]
    assert int(before.number[6:8]) > 60 > int(after.number[6:8])
    assert after.fk == before.fk


def test_merged_persons_have_the_content_and_the_numbers_of_both():
    for night in (1, 2):
        index = next(index for index, done in made(night).items() if done == "persons_merged")
        one, other = (state_after(REGISTER, n, night - 1) for n in (index, index + 1))
        both = state_after(REGISTER, index, night)
        assert state_after(REGISTER, index + 1, night) is None
        assert set(both.earlier) | {both.number} >= {one.number, other.number}
        for name, items in other.fk.items():
            if name != "generellPersoninformation":
                assert both.fk[name][-len(items) :] == items or not items


def test_a_block_of_benefits_and_its_lifting_show_in_the_life_certificate():
    before, after = of_kind("certificate_block")
    assert (before.fk["levnadsintygsuppgift"][0]["status"]["id"], 5) == (
        4,
        after.fk["levnadsintygsuppgift"][0]["status"]["id"],
    )
    before, after = of_kind("certificate_reopened")
    assert before.fk["levnadsintygsuppgift"][0]["status"]["id"] == 5
    assert after.fk["levnadsintygsuppgift"][0]["status"]["id"] in (2, 10)


def test_a_source_that_does_not_answer_has_an_empty_file_and_says_so(folder):
    silent = next(night for night in range(1, NIGHTS + 1) if not pension_agency_answers(night))
    said = manifest(folder, "PM", silent + 1)
    assert said["antal"] == 0
    assert said["tillstand"] == {"PM": "OTILLGANGLIG"}
    assert lines(folder, "PM", silent + 1) == []


def test_what_a_silent_night_held_back_comes_with_the_next_answer(folder):
    silent = next(night for night in range(1, NIGHTS + 1) if not pension_agency_answers(night))
    held = [index for index, kind in made(silent).items() if kind == "pension_payment_effectuated"]
    assert last_answer_before(silent + 1) == silent - 1
    told = {line["personnummer"] for line in lines(folder, "PM", silent + 2)}
    assert {state_after(REGISTER, index, silent + 1).number for index in held} <= told


def test_nights_are_numbered_after_the_population(folder):
    for source in ("FK", "PM"):
        assert [manifest(folder, source, n)["lopnummer"] for n in range(1, NIGHTS + 2)] == [*range(1, NIGHTS + 2)]


def test_a_night_needs_no_earlier_file_and_writes_the_same_bytes_again(folder, tmp_path):
    call_command("make_night", persons=500, seed=7, night=5, out=tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_there_is_no_night_zero(tmp_path):
    with pytest.raises(CommandError, match="from 1"):
        call_command("make_night", persons=20, night=0, out=tmp_path)
