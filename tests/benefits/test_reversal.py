"""A wrong import is undone by an import of its own; what cannot be is left as it is, and listed (C3)."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from benefits.models import BenefitPeriod, Import, LeftAsItIs, PersonFacts, PersonNumber, Reversal, Touched
from benefits.reversal import ReversalRefused, affected, approve_reversal, drop_reversal, propose_reversal
from benefits.services import person_of
from lefi.foureyes import NotApproved
from tests.examples import examples
from tests.factories import AT, ImportFactory, UserFactory, identity_number
from tests.imports import case, facts, line, publish

pytestmark = pytest.mark.django_db
ONE, TWO, THREE = (identity_number(n) for n in (801, 802, 803))
SECTION = "sjukpenningarende"
WHY = "körningen gick en månad för tidigt"


def undo(imported):
    reversal = propose_reversal(imported=imported, reason=WHY, by=UserFactory(), at=AT)
    return approve_reversal(reversal=reversal, by=UserFactory(), at=AT)


def known(number=None):
    """All that is known as of an import, or now: contents by person, facts and numbers."""
    rows = (lambda model: model.objects.live()) if number is None else (lambda model: model.objects.as_of(number))
    periods = rows(BenefitPeriod).values_list("person", "section", "digest", "ordinal", "starts_on", "content")
    people = rows(PersonFacts).values_list("person", "name", "died_on", "protection")
    return sorted(periods), sorted(people)


def speak(tmp_path, *days, number=ONE, **said):
    return publish(tmp_path, line(number, **{SECTION: [case(day) for day in days]}, **said))


def test_what_was_known_before_is_known_again_under_a_new_number(tmp_path):
    speak(tmp_path, "2026-01-01", "2026-02-01", person=facts())
    wrong = speak(tmp_path, "2026-02-01", "2026-03-01", person=facts(namn="Fel Namn"))
    undoing = undo(wrong)

    assert (undoing.number, undoing.reverses, undoing.source) == (3, wrong, "FK")
    assert known() == known(1) != known(2)
    assert set(Touched.objects.filter(number=3).values_list("section", flat=True)) == {SECTION, "person"}
    assert undoing.counts == {"withdrawn": 1, "recorded": 1, "persons_changed": 1, "touched": 2, "left": 0}


def test_nothing_is_lost_what_the_wrong_import_said_can_still_be_asked(tmp_path):
    speak(tmp_path, "2026-01-01")
    wrong = speak(tmp_path, "2026-05-01")
    before = known(2)
    undo(wrong)

    assert known(2) == before


def test_what_the_wrong_import_did_not_change_is_not_touched(tmp_path):
    publish(tmp_path, line(ONE, **{SECTION: [case("2026-01-01")]}), line(TWO, **{SECTION: [case("2026-01-01")]}))
    wrong = publish(tmp_path, line(ONE, **{SECTION: []}), line(TWO, **{SECTION: [case("2026-01-01")]}))
    undo(wrong)

    assert set(Touched.objects.filter(number=3).values_list("person", flat=True)) == {person_of(ONE).pk}


def test_what_a_later_import_has_changed_is_left_and_listed(tmp_path):
    speak(tmp_path, "2026-01-01")
    publish(tmp_path, line(TWO, **{SECTION: [case("2026-01-01")]}))
    wrong = publish(tmp_path, line(ONE, **{SECTION: []}), line(TWO, **{SECTION: []}))
    speak(tmp_path, "2026-06-01")
    undo(wrong)

    left = LeftAsItIs.objects.get()
    assert (left.person, left.section, left.why) == (person_of(ONE), SECTION, LeftAsItIs.Why.LATER)
    live = BenefitPeriod.objects.live()
    assert live.filter(person=person_of(ONE)).count() == live.filter(person=person_of(TWO)).count() == 1


def test_two_wrong_imports_are_undone_one_after_the_other_the_newest_first(tmp_path):
    speak(tmp_path, "2026-01-01")
    first, second = speak(tmp_path, "2026-02-01"), speak(tmp_path, "2026-03-01")
    undo(second)
    undo(first)

    assert known() == known(1)
    assert not LeftAsItIs.objects.exists()


def test_who_holds_which_number_is_never_changed_back_but_listed(tmp_path):
    speak(tmp_path, "2026-01-01", person=facts())
    wrong = publish(tmp_path, line(TWO, person=facts(tidigarePersonnummer=[ONE]), **{SECTION: [case("2026-04-01")]}))
    before = known(), list(PersonNumber.objects.live().values_list("number", "current"))
    undo(wrong)

    assert (known(), list(PersonNumber.objects.live().values_list("number", "current"))) == before
    assert set(LeftAsItIs.objects.values_list("why", flat=True)) == {LeftAsItIs.Why.NUMBERS}


def test_a_protection_is_never_lifted_by_undoing(tmp_path):
    speak(tmp_path, "2026-01-01", person=facts())
    wrong = speak(tmp_path, "2026-04-01", person=facts(skydd="SEKRETESSMARKERING"))
    undo(wrong)

    assert PersonFacts.objects.live().get().protection == "SEKRETESSMARKERING"
    left = LeftAsItIs.objects.get()
    assert (left.section, left.why) == ("person", LeftAsItIs.Why.PROTECTION)
    assert known()[0] == known(1)[0]


def test_a_protection_that_was_lifted_wrongly_is_there_again(tmp_path):
    publish(tmp_path, line(ONE, person=facts(skydd="SEKRETESSMARKERING")))
    wrong = publish(tmp_path, line(ONE, person=facts()))
    undo(wrong)

    assert PersonFacts.objects.live().get().protection == "SEKRETESSMARKERING"


def test_the_source_goes_on_with_its_own_numbers(tmp_path):
    undo(speak(tmp_path, "2026-01-01"))

    assert publish(tmp_path, line(THREE), lopnummer=2).number == 3


def test_a_source_that_has_failed_since_is_not_made_well_by_undoing(tmp_path):
    wrong = speak(tmp_path, "2026-01-01")
    publish(tmp_path, tillstand={"FK": "FELANDE"})

    assert undo(wrong).state == "FELANDE"


@pytest.mark.parametrize(
    ("said", "code"),
    [({"status": Import.Status.REFUSED, "number": None, "published_at": None}, "NOT_PUBLISHED")],
)
def test_what_was_never_published_cannot_be_undone(said, code):
    with pytest.raises(ReversalRefused) as refusal:
        propose_reversal(imported=ImportFactory(**said), reason=WHY, by=UserFactory(), at=AT)
    assert refusal.value.code == code


def test_an_import_is_undone_once_and_a_reversal_never(tmp_path):
    wrong = speak(tmp_path, "2026-01-01")
    undoing = undo(wrong)

    for imported, code in ((wrong, "REVERSED"), (undoing, "IS_REVERSAL")):
        with pytest.raises(ReversalRefused) as refusal:
            propose_reversal(imported=imported, reason=WHY, by=UserFactory(), at=AT)
        assert refusal.value.code == code


def test_undoing_takes_two_people_and_a_proposal_has_no_effect(tmp_path):
    wrong, by = speak(tmp_path, "2026-01-01"), UserFactory()
    before = known()
    reversal = propose_reversal(imported=wrong, reason=WHY, by=by, at=AT)

    with pytest.raises(NotApproved):
        approve_reversal(reversal=reversal, by=by, at=AT + timedelta(hours=1))
    assert known() == before
    assert affected(wrong) == {"persons": 1, "sections": 1}
    drop_reversal(reversal=reversal, by=UserFactory())
    assert not Reversal.objects.exists()


class Histories(TestCase):
    @settings(max_examples=examples(40))
    @given(
        steps=st.lists(
            st.dictionaries(
                st.sampled_from([ONE, TWO, THREE]),
                st.lists(st.sampled_from(["2026-01-01", "2026-02-01", "2026-03-01"]), max_size=3),
                min_size=1,
            ),
            min_size=2,
            max_size=6,
        ),
        data=st.data(),
    )
    def test_every_section_is_as_before_or_listed(self, steps, data):
        """Equal items are told apart by their count: two equal payments are two."""
        with tempfile.TemporaryDirectory() as folder:
            imports = [
                publish(Path(folder), *(line(n, **{SECTION: [case(d) for d in days]}) for n, days in step.items()))
                for step in steps
            ]
            wrong = data.draw(st.sampled_from(imports))
            latest = known()[0]
            undo(wrong)

        touched = set(Touched.objects.filter(number=wrong.number).values_list("person", flat=True))
        left = set(LeftAsItIs.objects.values_list("person", flat=True))
        before, now = known(wrong.number - 1)[0], known()[0]
        for number in (ONE, TWO, THREE):
            person = getattr(person_of(number), "pk", None)
            source = before if person in touched - left else latest
            assert [row for row in now if row[0] == person] == [row for row in source if row[0] == person]
