"""From rows to the values that the decision is made on."""

from datetime import date, timedelta

import pytest

from benefits.models import Protection
from subscriptions.decision import Refusal, decide
from subscriptions.models import Agreement
from subscriptions.profiles import Given, basis_on, best, consents_of, law_of, protected_among
from tests.factories import (
    AT,
    BASIS,
    BENEFIT,
    AgreementFactory,
    BlockFactory,
    ConsentFactory,
    CustomerFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    PersonFactory,
    PersonFactsFactory,
    ScopeFactory,
    StreamFactory,
)

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 23)


def asked(law, benefit=BENEFIT, **fields):
    return law.profile(benefit, **{"consent": None, "case": False, "need": False, "protected": False} | fields)


def test_a_stream_that_is_served_may_be_told():
    assert decide(asked(law_of(StreamFactory(served=True), DAY))).allowed


def test_a_streams_law_is_read_in_few_queries(django_assert_max_num_queries):
    stream = StreamFactory(served=True)

    with django_assert_max_num_queries(6):
        law = law_of(stream, DAY)

    assert (law.basis.code, law.terms.benefits) == (BASIS, {BENEFIT})


def test_the_newest_scope_of_the_purpose_counts():
    stream = StreamFactory(served=True)
    ScopeFactory(agreement=stream.agreement, version=2, benefits=["FK:FP"])
    ScopeFactory(agreement=stream.agreement, purpose="annat", version=3)

    law = law_of(stream, DAY)

    assert law.terms.version == 2
    assert decide(asked(law)).refusal is Refusal.BENEFIT_NOT_AGREED


def test_a_stream_without_a_scope_has_no_basis():
    law = law_of(StreamFactory(), DAY)

    assert (law.scope, law.basis) == (None, None)
    assert decide(asked(law)).refusal is Refusal.BASIS_UNKNOWN


def test_the_basis_of_a_day_is_the_newest_version_begun():
    LegalBasisFactory(version=1, valid_from=date(2024, 1, 1))
    LegalBasisFactory(version=2, valid_from=date(2026, 1, 1))
    LegalBasisFactory(version=3, valid_from=date(2027, 1, 1))

    days = (date(2025, 1, 1), date(2026, 1, 1), DAY, date(2027, 1, 1))
    assert [basis_on(BASIS, day).version for day in days] == [1, 2, 2, 3]
    assert basis_on(BASIS, date(2020, 1, 1)).version == 3
    assert basis_on("BORTA", DAY) is None


BLOCKS = {
    "the customer": (lambda stream: {"customer": stream.agreement.customer}, True),
    "another customer": (lambda stream: {"customer": CustomerFactory()}, False),
    "the agreement": (lambda stream: {"customer": None, "agreement": stream.agreement}, True),
    "another agreement": (lambda stream: {"customer": None, "agreement": AgreementFactory()}, False),
    "the basis": (lambda stream: {"customer": None, "basis_code": BASIS}, True),
    "another basis": (lambda stream: {"customer": None, "basis_code": "ANNAN"}, False),
    "the benefit": (lambda stream: {"customer": None, "benefit": BENEFIT}, True),
    "another benefit": (lambda stream: {"customer": None, "benefit": "FK:FP"}, False),
    "the benefit for another customer": (lambda stream: {"customer": CustomerFactory(), "benefit": BENEFIT}, False),
    "the customer, lifted": (lambda stream: {"customer": stream.agreement.customer, "lifted_at": AT}, False),
}


@pytest.mark.parametrize(("block", "stops"), BLOCKS.values(), ids=BLOCKS)
def test_a_block_stops_what_it_names_and_nothing_else(block, stops):
    stream = StreamFactory(served=True)
    BlockFactory(**block(stream))

    assert (decide(asked(law_of(stream, DAY))).refusal is Refusal.BLOCKED) is stops


@pytest.mark.parametrize(
    ("said", "approved"),
    [
        ({}, True),
        ({"valid_to": DAY - timedelta(1)}, False),
        ({"valid_from": DAY + timedelta(1)}, False),
        ({"benefit": "PM:EF"}, False),
        ({"basis_code": "ANNAN"}, False),
        ({"owner": "FK"}, False),
        ({"benefit": "PM:NEDLAGD"}, False),
    ],
)
def test_the_pensions_agencys_own_yes_must_be_to_this_basis_and_benefit_on_this_day(said, approved):
    LegalBasisFactory(owners=["FK", "PM"])
    stream = StreamFactory()
    ScopeFactory(agreement=stream.agreement, benefits=["PM:AP"])
    OwnerApprovalFactory(**{"benefit": "PM:AP"} | said)

    decision = decide(asked(law_of(stream, DAY), "PM:AP"))
    assert decision.allowed is approved
    assert approved or decision.refusal is Refusal.OWNER_NOT_APPROVED


def test_an_agreement_is_over_when_it_is_ended_or_its_last_day_has_passed():
    def ended(**fields):
        return law_of(StreamFactory(**{f"agreement__{name}": value for name, value in fields.items()}), DAY).ended

    assert ended(status=Agreement.Status.ENDED)
    assert ended(valid_to=DAY - timedelta(1))
    assert not ended(valid_to=DAY)
    assert not ended()


def test_consents_are_those_to_the_customer_for_the_purpose_newest_first():
    stream = StreamFactory()
    first = ConsentFactory(customer=stream.agreement.customer)
    second = ConsentFactory(customer=stream.agreement.customer, person=first.person)
    ConsentFactory(person=first.person)
    ConsentFactory(person=first.person, customer=stream.agreement.customer, purpose="annat")

    found = consents_of(stream, [first.person_id])
    assert [one.consent.id for one in found[first.person_id]] == [second.pk, first.pk]


@pytest.mark.parametrize(
    ("agreed", "consented", "by", "speaks"),
    [
        (True, True, "another number", True),
        (True, False, "another number", False),
        (False, True, "another number", False),
        (False, False, "the number", True),
        (False, False, "no number", True),
    ],
)
def test_a_consent_by_another_number_speaks_only_where_it_lets_identity_be_told(agreed, consented, by, speaks):
    LegalBasisFactory(consent_needed=True)
    stream = StreamFactory(served=True)
    ScopeFactory(agreement=stream.agreement, version=2, classes=["identity", "period"] if agreed else ["period"])
    consent = ConsentFactory(classes=["identity", "period"] if consented else ["period"]).as_value()
    given = Given({"the number": "1", "another number": "2", "no number": ""}[by], consent)

    assert (law_of(stream, DAY).consent([given], "1", BENEFIT) is consent) is speaks


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("as agreed", True),
        ("the agreement leaves identity out", False),
        ("the basis asks for consent", False),
        ("deliveries are blocked", False),
        ("the agreement does not cover the benefit", False),
    ],
)
def test_which_numbers_are_one_persons_is_told_where_identity_may_be_told_of_anybody(setting, told):
    LegalBasisFactory(consent_needed=setting == "the basis asks for consent")
    stream = StreamFactory(served=True)
    if setting == "the agreement leaves identity out":
        ScopeFactory(agreement=stream.agreement, version=2, classes=["period"])
    if setting == "deliveries are blocked":
        BlockFactory(customer=stream.agreement.customer)
    benefit = "FK:FP" if setting == "the agreement does not cover the benefit" else BENEFIT

    assert law_of(stream, DAY).tells_numbers(benefit) is told


def test_the_best_consent_is_one_that_covers_else_the_newest():
    old = ConsentFactory().as_value()
    new = ConsentFactory(withdrawn_at=AT).as_value()

    assert best([new, old], BENEFIT, DAY) is old
    assert best([new], BENEFIT, DAY) is new
    assert best([], BENEFIT, DAY) is None


@pytest.mark.parametrize("protection", Protection)
def test_a_person_is_protected_as_newest_known(protection):
    person = PersonFactory(known=None)
    PersonFactsFactory(person=person, withdrawn_in=2, protection=Protection.MARKED)
    PersonFactsFactory(person=person, recorded_in=2, protection=protection)

    assert (person.pk in protected_among([person.pk])) is (protection != Protection.NONE)
