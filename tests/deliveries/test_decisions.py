"""Deciding for many watches: one decision for each profile, stored once with all that it rested on (C7)."""

from datetime import date, timedelta

import pytest

from benefits.models import Protection
from deliveries.decisions import Decider, store
from deliveries.models import StoredDecision
from subscriptions.decision import Outcome, Refusal
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of
from tests.factories import (
    BASIS,
    BENEFIT,
    CLASSES,
    DAY,
    BlockFactory,
    ConsentFactory,
    LegalBasisFactory,
    PersonFactory,
    PersonFactsFactory,
    PersonNumberFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream() -> Stream:
    return StreamFactory(served=True)


@pytest.fixture
def asking() -> Stream:
    """A stream on a basis that needs the person's consent."""
    basis = LegalBasisFactory(code="TEST-SAMTYCKE", consent_needed=True)
    return StreamFactory(agreement=ScopeFactory(basis=basis).agreement, purpose=basis.purpose)


def decider(*watches: Watch, day: date = DAY) -> Decider:
    """A decider that has read of the persons of some watches of one stream."""
    one = Decider(law_of(Stream.objects.select_related("agreement__customer").get(pk=watches[0].stream_id), day))
    one.about(watches)
    return one


def test_watches_in_the_same_position_share_one_decision(stream):
    watches = [WatchFactory(stream=stream, case_reference=f"A{n}") for n in range(3)]
    one = decider(*watches)

    found = [one.decide(watch) for watch in watches]

    assert found[0][0].allowed
    assert len(set(found)) == len(one.stored) == 1


APART = {
    "another benefit": {"benefit": "FK:FP"},
    "no case": {"case_reference": ""},
    "a need": {"need_reference": "B1"},
}


@pytest.mark.parametrize("fields", APART.values(), ids=APART)
def test_watches_whose_positions_differ_are_decided_apart(stream, fields):
    watches = [WatchFactory(stream=stream, **{"case_reference": "A1"} | more) for more in ({}, fields)]
    one = decider(*watches)

    keys = [one.decide(watch)[1] for watch in watches]

    assert len(set(keys)) == len(one.stored) == 2


def test_a_decision_has_one_key_in_every_run_of_a_day_and_another_on_the_next(stream):
    watch = WatchFactory(stream=stream)

    keys = [decider(watch, day=day).decide(watch)[1] for day in (DAY, DAY, DAY + timedelta(days=1))]

    assert keys[0] == keys[1] != keys[2]


def test_a_decision_made_under_other_terms_has_another_key_though_its_answer_is_the_same(stream):
    watch = WatchFactory(stream=stream)
    before, key = decider(watch).decide(watch)
    ScopeFactory(agreement=stream.agreement, version=2)

    after, other = decider(watch).decide(watch)

    assert (before, key != other) == (after, True)


def test_deciding_asks_the_database_nothing_once_the_persons_are_read(asking, django_assert_num_queries):
    watches = [WatchFactory(stream=asking) for _ in range(3)]
    for watch in watches[:2]:
        ConsentFactory(customer=asking.agreement.customer, person=watch.person)
    one = decider(*watches)

    with django_assert_num_queries(0):
        assert [one.decide(watch)[0].allowed for watch in watches] == [True, True, False]


def test_a_consent_speaks_for_its_own_person_alone_and_is_named_in_the_decision(asking):
    given, none = WatchFactory(stream=asking), WatchFactory(stream=asking)
    consent = ConsentFactory(customer=asking.agreement.customer, person=given.person, classes=["benefit", "period"])
    one = decider(given, none)

    decision, key = one.decide(given)
    refused, other = one.decide(none)

    assert (decision.classes, one.stored[key].consent_id) == ({"benefit", "period"}, consent.pk)
    assert (refused.refusal, one.stored[other].consent_id) == (Refusal.CONSENT_MISSING, None)


NUMBERS = [identity_number(n) for n in (901, 902, 903)]  # two from before protection, and one that came with it


@pytest.mark.parametrize("classes", [CLASSES, ["benefit", "period"]])
@pytest.mark.parametrize("given", NUMBERS)
def test_protection_changes_nothing_in_for_which_number_a_consent_speaks(asking, given, classes):
    """A watch is refused for want of a consent, protected or not, and a number that came since has its own alone."""
    person = PersonFactory(first_number=NUMBERS[0], held=None)
    for recorded, number in enumerate(NUMBERS, start=1):
        PersonNumberFactory(person=person, number=number, current=number == NUMBERS[2], recorded_in=recorded)
    watches = [WatchFactory(stream=asking, person=person, ordered_number=one, by_number=True) for one in NUMBERS]
    ConsentFactory(customer=asking.agreement.customer, person=person, number=given, classes=classes)
    refused = [decider(*watches).decide(one)[0].refusal for one in watches]

    person.facts.update(withdrawn_in=3)
    PersonFactsFactory(person=person, recorded_in=3, protection=Protection.MARKED)

    linked = NUMBERS[:2] if given in NUMBERS[:2] and "identity" in classes else [given]
    one = decider(*watches)
    for watch, before in zip(watches, refused, strict=True):
        now = one.decide(watch)[0].refusal
        assert now == (Refusal.PROTECTED if watch.ordered_number in linked else Refusal.CONSENT_MISSING)
        if NUMBERS[2] not in (watch.ordered_number, given):
            assert (now == Refusal.CONSENT_MISSING) is (before == Refusal.CONSENT_MISSING)


def test_a_consent_that_nobody_needs_is_not_read_and_not_named(stream):
    watch = WatchFactory(stream=stream)
    ConsentFactory(customer=stream.agreement.customer, person=watch.person, classes=["benefit"])
    one = decider(watch)

    decision, key = one.decide(watch)

    assert decision.classes == frozenset(CLASSES)
    assert one.stored[key].consent_id is None


def test_of_several_consents_the_one_that_covers_the_day_and_benefit_counts(asking):
    watch = WatchFactory(stream=asking)
    of = {"customer": asking.agreement.customer, "person": watch.person}
    covering = ConsentFactory(**of)
    ConsentFactory(**of, benefits=["FK:FP"])
    ConsentFactory(**of, valid_from=DAY + timedelta(days=1))
    one = decider(watch)

    decision, key = one.decide(watch)

    assert decision.allowed
    assert one.stored[key].consent_id == covering.pk


def test_a_protected_persons_watches_are_frozen_and_nobody_elses(stream):
    watch, other = WatchFactory(stream=stream), WatchFactory(stream=stream)
    watch.person.facts.update(protection=Protection.REGISTRATION)
    one = decider(watch, other)

    assert [one.decide(each)[0].outcome for each in (watch, other)] == [Outcome.FROZEN, Outcome.ALLOWED]


@pytest.mark.parametrize(("ordered_by", "outcome"), [("let go", Outcome.FROZEN), ("kept", Outcome.ALLOWED)])
def test_a_watch_ordered_by_a_number_that_a_protected_person_now_holds_is_frozen(stream, ordered_by, outcome):
    """The one who had the number has another now; the watch follows the number at the next run."""
    was = PersonFactory()
    was.numbers.update(withdrawn_in=2)
    kept = PersonNumberFactory(person=was, number="195012312380", recorded_in=2).number
    now = PersonFactory(held=None)
    now.facts.update(protection=Protection.MARKED)
    PersonNumberFactory(person=now, number=was.first_number, recorded_in=2)
    number = {"let go": was.first_number, "kept": kept}[ordered_by]
    watch = WatchFactory(stream=stream, person=was, ordered_number=number)

    assert decider(watch).decide(watch)[0].outcome is outcome


def test_what_was_read_of_some_persons_is_forgotten_when_others_are_asked_about(stream):
    """A decider lives through a whole run: its memory is that of a page of watches."""
    first, second = WatchFactory(stream=stream), WatchFactory(stream=stream)
    one = decider(first)
    second.person.facts.update(protection=Protection.REGISTRATION)
    one.about([second])
    assert one.decide(second)[0].outcome is Outcome.FROZEN

    second.person.facts.update(protection=Protection.NONE)
    one.about([second])
    assert one.decide(second)[0].allowed


def test_a_decision_is_stored_with_all_that_it_rested_on(stream):
    watch = WatchFactory(stream=stream, case_reference="A1")
    one = decider(watch)
    decision, key = one.decide(watch)

    store(one.stored)

    row = StoredDecision.objects.get(key=key)
    assert (row.day, row.outcome, row.refusal, row.benefit) == (DAY, "allowed", "", BENEFIT)
    assert (row.basis_code, row.basis_version, row.scope_version) == (BASIS, 1, 1)
    assert row.classes == sorted(decision.classes) == sorted(CLASSES)
    said = row.profile
    assert (said["day"], said["benefit"], said["consent"]) == (DAY.isoformat(), BENEFIT, None)
    assert (said["has_case_reference"], said["has_need_reference"], said["protected"]) == (True, False, False)
    assert said["terms"]["agreement_id"] == stream.agreement_id
    assert said["terms"]["classes"] == said["basis"]["classes"] == sorted(CLASSES)
    assert said["basis"]["valid_to"] is None


REFUSED = {
    "BASIS_UNKNOWN": (StreamFactory, "refused", ""),
    "BENEFIT_NOT_AGREED": (
        lambda: StreamFactory(agreement=ScopeFactory(benefits=["FK:FP"]).agreement),
        "refused",
        BASIS,
    ),
    "BLOCKED": (lambda: BlockFactory(agreement=ScopeFactory().agreement, customer=None), "frozen", BASIS),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_is_stored_with_its_code_and_without_classes(code):
    make, outcome, basis = REFUSED[code]
    made = make()
    stream = made if isinstance(made, Stream) else StreamFactory(agreement=made.agreement)
    watch = WatchFactory(stream=stream)
    one = decider(watch)
    _, key = one.decide(watch)

    store(one.stored)

    row = StoredDecision.objects.get(key=key)
    assert (row.outcome, row.refusal, row.classes) == (outcome, code, [])
    assert (row.basis_code, row.basis_version) == (basis, 1 if basis else None)


def test_a_decision_is_stored_once_however_many_runs_make_it(stream):
    watch, other = WatchFactory(stream=stream), WatchFactory(stream=stream, benefit="FK:FP")
    first = decider(watch)
    first.decide(watch)
    ids = store(first.stored)
    again = decider(watch, other)
    for one in (watch, other):
        again.decide(one)

    more = store(again.stored)

    assert ids.items() < more.items() and len(more) == 2
    assert dict(StoredDecision.objects.values_list("key", "pk")) == more


def test_nothing_decided_is_nothing_stored():
    assert store({}) == {}
    assert not StoredDecision.objects.exists()
