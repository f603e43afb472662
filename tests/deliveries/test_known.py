"""What is known of persons as of an import, and what of it a watch may be told."""

import json
from datetime import date
from decimal import Decimal

import pytest

from benefits.catalogue import HEADER, catalogue
from benefits.content import digest
from deliveries.known import Register, sections_of, tellable
from subscriptions.decision import Decision, Outcome
from tests.factories import (
    BENEFIT,
    CLASSES,
    SECTION,
    BenefitPeriodFactory,
    PersonFactory,
    PersonFactsFactory,
    PersonNumberFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db

ALLOWED = Decision(Outcome.ALLOWED, None, frozenset(CLASSES), frozenset({"granted"}))
BEFORE, AFTER = "190001012380", "195012312380"


def register(*persons, sections=(SECTION,), oldest=0, newest=9) -> Register:
    return Register([one.pk for one in persons], sections, oldest=oldest, newest=newest)


def case(days: int, start: str = "2026-10-01", **fields) -> dict:
    decision = {"period": {"fran": start, "till": "2026-10-31"}, "dagar": days, "beslutsutfall": "BEVILJAN"}
    return {"startades": start, "beslut": [decision | fields]}


def period(person, content: dict, recorded: int = 1, withdrawn: int | None = None, section: str = SECTION):
    return BenefitPeriodFactory(
        person=person,
        section=section,
        content=json.dumps(content, default=float),
        recorded_in=recorded,
        withdrawn_in=withdrawn,
    )


def days_of(items: list[dict]) -> list[int]:
    return [item["beslut"][0]["dagar"] for item in items]


# Day 1 stands all the time, 2 came with import 3, 3 went with import 3, 4 was there between, 5 is to come.
VERSIONS = [(1, 1, None), (2, 3, None), (3, 1, 3), (4, 2, 4), (5, 6, None)]
KNOWN = {1: [1, 3], 2: [1, 3, 4], 3: [1, 2, 4], 4: [1, 2], 5: [1, 2], 6: [1, 2, 5]}


@pytest.mark.parametrize("as_of", KNOWN)
def test_a_version_is_known_from_the_import_that_brought_it_until_the_one_that_took_it(as_of):
    person = PersonFactory()
    for days, recorded, withdrawn in VERSIONS:
        period(person, case(days), recorded, withdrawn)

    assert days_of(register(person).items(person.pk, SECTION, as_of)) == KNOWN[as_of]
    assert days_of(register(person, oldest=as_of, newest=as_of).items(person.pk, SECTION, as_of)) == KNOWN[as_of]


def test_versions_outside_the_imports_asked_for_are_not_read():
    """What went before the oldest, or came after the newest, cannot be told."""
    person = PersonFactory()
    for days, recorded, withdrawn in VERSIONS:
        period(person, case(days), recorded, withdrawn)
    narrow = register(person, oldest=3, newest=5)

    assert days_of(narrow.items(person.pk, SECTION, 1)) == [1]
    assert days_of(narrow.items(person.pk, SECTION, 6)) == [1, 2]


def test_each_person_and_section_is_apart_and_only_those_asked_for_are_read():
    one, other, stranger = PersonFactory(), PersonFactory(), PersonFactory()
    for days, person in enumerate((one, other, stranger), start=1):
        period(person, case(days))
    period(one, case(9), section="foraldrapenningarende")
    known = register(one, other)

    assert [days_of(known.items(person.pk, SECTION, 1)) for person in (one, other, stranger)] == [[1], [2], []]
    assert known.items(one.pk, "foraldrapenningarende", 1) == []


def test_a_set_of_persons_is_read_in_few_queries(django_assert_num_queries):
    persons = [PersonFactory() for _ in range(5)]
    for person in persons:
        period(person, case(1))

    with django_assert_num_queries(3):
        known = register(*persons)
        for person in persons:
            assert known.items(person.pk, SECTION, 1) and known.items(person.pk, HEADER, 1)


def test_an_amount_is_read_as_exactly_as_it_was_handed_over():
    person = PersonFactory()
    BenefitPeriodFactory(person=person, content='{"belopp": 0.10, "stort": 123456789012345678.25}')

    [content] = register(person).items(person.pk, SECTION, 1)

    assert content == {"belopp": Decimal("0.10"), "stort": Decimal("123456789012345678.25")}


@pytest.fixture
def renamed():
    """A person who changed number and name with import 3, and died with import 5."""
    person = PersonFactory(first_number=BEFORE, held=None, known=None)
    PersonNumberFactory(person=person, number=BEFORE, withdrawn_in=3)
    PersonNumberFactory(person=person, number=BEFORE, recorded_in=3, current=False)
    PersonNumberFactory(person=person, number=AFTER, recorded_in=3)
    PersonFactsFactory(person=person, name="Karin Ek", born="1900", withdrawn_in=3)
    PersonFactsFactory(person=person, name="Karin Alm", born="1900", recorded_in=3, withdrawn_in=5)
    PersonFactsFactory(person=person, name="Karin Alm", born="1900", died_on="2026-05", recorded_in=5)
    return person


HEADERS = {
    0: (None, [], {}),
    2: (BEFORE, [], {"namn": "Karin Ek", "foddes": "1900", "avled": None}),
    3: (AFTER, [BEFORE], {"namn": "Karin Alm", "foddes": "1900", "avled": None}),
    5: (AFTER, [BEFORE], {"namn": "Karin Alm", "foddes": "1900", "avled": "2026-05"}),
}


@pytest.mark.parametrize("as_of", HEADERS)
def test_who_a_person_is_is_one_item_as_of_an_import(renamed, as_of):
    number, former, facts = HEADERS[as_of]

    known = register(renamed)

    assert known.items(renamed.pk, HEADER, as_of) == [{"personnummer": number, "tidigarePersonnummer": former} | facts]
    assert known.number(renamed.pk, as_of) == number


def test_of_a_person_whom_no_source_has_named_yet_only_the_number_is_known():
    stub = PersonFactory(known=None)

    assert register(stub).items(stub.pk, HEADER, 1) == [{"personnummer": stub.first_number, "tidigarePersonnummer": []}]


def test_a_fact_that_is_empty_is_not_known():
    person = PersonFactory(known=None)
    PersonFactsFactory(person=person, name="", born="", died_on="")

    [header] = register(person).items(person.pk, HEADER, 1)

    assert (header["namn"], header["foddes"], header["avled"]) == (None, None, None)


@pytest.mark.parametrize("benefit", catalogue().benefits)
def test_a_watch_is_told_who_the_person_is_and_then_its_benefits_sections(benefit):
    assert sections_of(benefit) == ("person", *catalogue().benefits[benefit].sections)


# What of it may be told.


def told(*contents: dict, section: str = SECTION, decision: Decision = ALLOWED, benefit: str = BENEFIT, **fields):
    watch = WatchFactory(benefit=benefit, **fields)
    for content in contents:
        period(watch.person, content, section=section)
    known = register(watch.person, sections=[section])
    return tellable(known, watch, catalogue().sections[section], decision, 1)


def allowing(*classes: str) -> Decision:
    return Decision(Outcome.ALLOWED, None, frozenset(classes), frozenset({"granted"}))


def test_an_item_is_known_by_the_digest_of_what_of_it_may_be_told():
    [item] = told(case(5), decision=allowing("days"))

    assert item.content == {"beslut": [{"dagar": 5}]}
    assert item.known.digest == digest(catalogue().sections[SECTION].fields, {"beslut": [{"dagar": 5}]})


def test_items_that_differ_only_in_what_is_hidden_are_equal_and_both_are_told():
    items = told(case(5), case(5, start="2026-10-02"), case(6), decision=allowing("days"))

    one, other, third = [item.known for item in items]
    assert one == other != third


NOTHING = {
    "no class is allowed": (case(5), {"decision": allowing("address")}),
    "it ended before the watch's from-date": (case(5), {"from_date": date(2026, 11, 1)}),
    "it was refused": (case(5, beslutsutfall="AVSLAG"), {}),
    "it says nothing": ({}, {}),
}


@pytest.mark.parametrize(("content", "why"), NOTHING.values(), ids=NOTHING)
def test_an_item_of_which_nothing_may_be_told_is_no_item(content, why):
    assert told(content, **why) == []


def test_a_refusal_is_told_where_the_decision_says_so():
    decision = Decision(Outcome.ALLOWED, None, frozenset(CLASSES), frozenset({"granted", "refused"}))

    assert days_of([item.content for item in told(case(5, beslutsutfall="AVSLAG"), decision=decision)]) == [5]


def test_items_keep_the_order_in_which_they_were_recorded():
    assert days_of([item.content for item in told(case(5), case(3), case(4))]) == [5, 3, 4]


GROUP = {"kod": "PM:AP", "beskrivning": "Ålderspension"}
DECIDED = {"beslutsid": "B 12", "beslutsdatum": "2026-10-01", "formansgrupp": GROUP}
KEYS = {
    "a decision has the source's own id": ("beslut", DECIDED, "PM:AP", CLASSES, "B 12"),
    "an id that may not be told is no key": ("beslut", DECIDED, "PM:AP", ["period"], ""),
    "a case has no id": (SECTION, case(5), BENEFIT, CLASSES, ""),
}


@pytest.mark.parametrize(("section", "content", "benefit", "classes", "key"), KEYS.values(), ids=KEYS)
def test_an_item_has_a_key_only_where_the_catalogue_names_one_and_it_may_be_told(
    section, content, benefit, classes, key
):
    [item] = told(content, section=section, benefit=benefit, decision=allowing(*classes))

    assert item.known.key == key


def test_the_header_is_told_as_any_other_section_by_its_classes():
    watch = WatchFactory()
    header = catalogue().sections[HEADER]
    known = register(watch.person)

    [whole] = tellable(known, watch, header, ALLOWED, 1)
    assert (whole.content["personnummer"], whole.content["namn"]) == (watch.person.first_number, "Karin Testsson")
    [part] = tellable(known, watch, header, allowing("name"), 1)
    assert "personnummer" not in part.content and part.content["namn"] == "Karin Testsson"
    assert tellable(known, watch, header, allowing("days"), 1) == []
