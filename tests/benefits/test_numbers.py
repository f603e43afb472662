"""Numbers that change, persons found to be one, and wrong merges taken apart (C8)."""

import json

import pytest

from benefits.identity import check_digit
from benefits.importfile import ImportRefused
from benefits.models import HEADER, BenefitPeriod, Person, Touched
from benefits.services import ensure_persons, person_of
from tests.factories import identity_number
from tests.imports import case, facts, line, publish

pytestmark = pytest.mark.django_db

OLD, NEW, OTHER, FOURTH = (identity_number(n) for n in (1, 2, 3, 4))
COORDINATION = f"19500161238{check_digit('500161238')}"
FIRST, SECOND = case("2026-01-01"), case("2026-02-01")


def new(number, *former, **sections):
    return line(number, person=facts(tidigarePersonnummer=list(former)), **sections)


def known(person, as_of=None):
    rows = BenefitPeriod.objects.filter(person=person)
    rows = rows.live() if as_of is None else rows.as_of(as_of)
    return sorted(json.loads(row.content)["startades"] for row in rows)


def numbers(person):
    return dict(person.numbers.live().values_list("number", "current"))


@pytest.mark.parametrize("before", [OLD, COORDINATION], ids=["personnummer", "samordningsnummer"])
def test_a_new_number_is_the_same_person_and_touches_no_content(tmp_path, before):
    publish(tmp_path, line(before, person=facts(), sjukpenningarende=[FIRST]))
    person = person_of(before)
    publish(tmp_path, new(NEW, before))

    assert person_of(NEW) == person_of(before) == person
    assert numbers(person) == {NEW: True, before: False}
    assert known(person) == ["2026-01-01"]
    assert set(Touched.objects.filter(number=2).values_list("person", "section")) == {(person.pk, HEADER)}


def test_what_numbers_a_person_had_at_an_import_can_be_asked(tmp_path):
    publish(tmp_path, line(OLD))
    publish(tmp_path, new(NEW, OLD))

    rows = person_of(NEW).numbers
    assert [list(rows.as_of(n).filter(current=True).values_list("number", flat=True)) for n in (1, 2)] == [
        [OLD],
        [NEW],
    ]


def test_numbers_follow_each_other_in_a_chain(tmp_path):
    publish(tmp_path, line(OLD, sjukpenningarende=[FIRST]))
    publish(tmp_path, new(NEW, OLD))
    publish(tmp_path, new(OTHER, OLD, NEW))

    person = person_of(OTHER)
    assert person == person_of(OLD) == person_of(NEW)
    assert numbers(person) == {OTHER: True, NEW: False, OLD: False}


def test_saying_the_same_numbers_again_writes_nothing(tmp_path):
    publish(tmp_path, new(NEW, OLD))
    before = list(person_of(NEW).numbers.values())
    publish(tmp_path, new(NEW, OLD))

    assert list(person_of(NEW).numbers.values()) == before
    assert not Touched.objects.filter(number=2).exists()


def test_two_persons_found_to_be_one_share_their_content_and_equal_items_are_not_doubled(tmp_path):
    publish(tmp_path, line(OLD, person=facts(), sjukpenningarende=[FIRST, SECOND]))
    publish(tmp_path, line(OTHER, sjukpenningarende=[SECOND, case("2026-03-01")]))
    first, merged = person_of(OLD), person_of(OTHER)
    publish(tmp_path, new(OTHER, OLD))

    assert person_of(OTHER) == person_of(OLD) == first
    assert known(first) == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert known(merged) == [] and known(merged, as_of=2) == ["2026-02-01", "2026-03-01"]
    assert not merged.facts.live().exists()
    assert set(Touched.objects.filter(number=3).values_list("person", "section")) == {
        (one.pk, section) for one in (first, merged) for section in (HEADER, "sjukpenningarende")
    }


def test_both_earlier_numbers_can_be_replaced_by_a_third(tmp_path):
    publish(tmp_path, line(OLD, sjukpenningarende=[FIRST]), line(OTHER, sjukpenningarende=[SECOND]))
    publish(tmp_path, new(NEW, OLD, OTHER))

    person = person_of(NEW)
    assert person == person_of(OLD) == person_of(OTHER)
    assert known(person) == ["2026-01-01", "2026-02-01"]


def test_the_sections_that_a_merging_line_speaks_for_are_what_it_says(tmp_path):
    publish(tmp_path, line(OLD, sjukpenningarende=[FIRST]), line(OTHER, sjukpenningarende=[SECOND]))
    publish(tmp_path, new(OTHER, OLD, sjukpenningarende=[SECOND]))

    assert known(person_of(OLD)) == ["2026-02-01"]


def test_the_person_who_stays_keeps_the_facts_or_gets_the_others(tmp_path):
    ensure_persons([OLD])
    publish(tmp_path, line(NEW, person=facts(namn="Karin Ek")))
    stub = person_of(OLD)
    publish(tmp_path, new(NEW, OLD))

    assert person_of(NEW) == stub
    assert stub.facts.live().get().name == "Karin Testsson"


def test_a_wrong_merge_is_taken_apart_by_naming_the_number_no_more(tmp_path):
    publish(tmp_path, line(OLD, sjukpenningarende=[FIRST]), line(OTHER, sjukpenningarende=[SECOND]))
    publish(tmp_path, new(OTHER, OLD, sjukpenningarende=[FIRST, SECOND]))
    publish(
        tmp_path,
        line(OTHER, person=facts(), sjukpenningarende=[SECOND]),
        line(OLD, person=facts(), sjukpenningarende=[FIRST]),
    )

    apart, kept = person_of(OLD), person_of(OTHER)
    assert apart != kept
    assert (known(apart), known(kept)) == (["2026-01-01"], ["2026-02-01"])
    assert (numbers(apart), numbers(kept)) == ({OLD: True}, {OTHER: True})


@pytest.mark.parametrize("alone", [OLD, OTHER])
def test_either_line_alone_takes_a_wrong_merge_apart(tmp_path, alone):
    publish(tmp_path, line(OLD), line(OTHER))
    publish(tmp_path, new(OTHER, OLD))
    publish(tmp_path, line(alone, person=facts()))

    assert person_of(OLD) != person_of(OTHER)
    assert numbers(person_of(alone)) == {alone: True}


def test_a_number_can_go_over_to_a_person_whom_it_belongs_to(tmp_path):
    publish(tmp_path, new(OTHER, OLD), line(FOURTH))
    publish(tmp_path, line(OTHER, person=facts()), new(FOURTH, OLD))

    assert numbers(person_of(FOURTH)) == {FOURTH: True, OLD: False}
    assert numbers(person_of(OTHER)) == {OTHER: True}


def test_persons_found_to_be_one_are_the_same_from_either_side(tmp_path):
    publish(tmp_path, line(OLD), line(OTHER), line(NEW))
    old, other, new_one = (person_of(number).pk for number in (OLD, OTHER, NEW))
    publish(tmp_path, new(OTHER, OLD))
    publish(tmp_path, new(FOURTH, OTHER, OLD, NEW))

    one = person_of(FOURTH).pk
    for key in {old, other, new_one, one}:
        assert Person.objects.same_as([key]) == {old, other, new_one, one}


def test_persons_who_have_been_taken_apart_again_are_not_the_same(tmp_path):
    publish(tmp_path, line(OLD), line(OTHER))
    publish(tmp_path, new(OTHER, OLD))
    publish(tmp_path, line(OTHER, person=facts()))

    assert not person_of(OLD).same & person_of(OTHER).same


def test_a_number_that_went_over_does_not_make_two_persons_the_same(tmp_path):
    publish(tmp_path, new(OTHER, OLD), line(FOURTH))
    publish(tmp_path, line(OTHER, person=facts()), new(FOURTH, OLD))

    assert not person_of(OTHER).same & person_of(FOURTH).same


def test_a_number_held_once_and_let_go_does_not_lead_to_who_holds_it_now(tmp_path):
    """The person who let it go was then found to be somebody else."""
    publish(tmp_path, new(OTHER, OLD), line(NEW))
    publish(tmp_path, line(OTHER, person=facts()), new(FOURTH, OLD))
    let_go = person_of(OTHER).pk
    publish(tmp_path, new(NEW, OTHER))

    gone = (Person.objects.same_as([person_of(NEW).pk]), Person.objects.same_as([person_of(FOURTH).pk]))
    assert let_go in gone[0] and let_go not in gone[1]


CONTRADICTIONS = {
    "the old number and the new": lambda: [new(NEW, OLD), line(OLD)],
    "the old number first": lambda: [line(OLD), new(NEW, OLD)],
    "an old number with facts of its own": lambda: [new(NEW, OLD), new(OLD)],
    "an old number that sorts after the new": lambda: [new(OLD, NEW), new(NEW)],
    "two persons with one earlier number": lambda: [new(NEW, OLD), new(OTHER, OLD)],
}


@pytest.mark.parametrize("merged", [False, True], ids=["apart before", "one before"])
@pytest.mark.parametrize("lines", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_file_that_says_two_things_of_one_number_is_refused(tmp_path, lines, merged):
    number, *former = (NEW, OLD) if lines()[0]["personnummer"] == NEW else (OLD, NEW)
    publish(tmp_path, *([new(number, *former)] if merged else [line(NEW), line(OLD)]))
    before = Person.objects.count()

    with pytest.raises(ImportRefused, match="PERSON_TWICE"):
        publish(tmp_path, *lines())
    assert Person.objects.count() == before


def test_two_lines_by_two_numbers_of_one_person_are_refused(tmp_path):
    publish(tmp_path, new(NEW, OLD))

    with pytest.raises(ImportRefused, match="SAME_PERSON"):
        publish(tmp_path, line(NEW), line(OLD))
    assert person_of(NEW) == person_of(OLD)


def test_a_number_named_as_its_own_predecessor_says_nothing(tmp_path):
    publish(tmp_path, new(OLD, OLD, sjukpenningarende=[FIRST]))

    assert numbers(person_of(OLD)) == {OLD: True}
