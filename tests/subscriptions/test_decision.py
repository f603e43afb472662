"""The decision: eight gates in order, default deny, and a story for each refusal code."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.decision import (
    SILENT,
    Basis,
    Consent,
    Outcome,
    Profile,
    Refusal,
    Terms,
    allowed_classes,
    decide,
    in_force,
)

DAY = date(2026, 11, 23)
BEFORE = date(2026, 11, 22)
AFTER = date(2026, 11, 24)

BASIS = Basis(
    code="KOM-SOC",
    version=1,
    recipient_kinds=frozenset({"socialnamnd"}),
    purpose="socialtjanst",
    valid_from=date(2025, 7, 1),
    valid_to=None,
    status="active",
    service="standing",
    consent_needed=False,
    needs=frozenset({"case_reference"}),
    owners=frozenset({"FK", "PM"}),
    benefits=None,
    classes=frozenset({"benefit", "period", "amount"}),
    agreement_classes=frozenset({"days"}),
    outcomes=frozenset({"granted"}),
)
TERMS = Terms(
    agreement_id=1,
    version=1,
    active=True,
    valid_from=date(2025, 7, 1),
    valid_to=None,
    purpose="socialtjanst",
    benefits=frozenset({"FK:SJP"}),
    classes=frozenset({"benefit", "period", "address"}),
)
CONSENT = Consent(
    id=7,
    benefits=frozenset({"FK:SJP"}),
    classes=frozenset({"period", "address"}),
    valid_from=BEFORE,
    valid_to=AFTER,
    withdrawn=False,
)
ALLOWED = Profile(
    day=DAY,
    customer_id=1,
    customer_kind="socialnamnd",
    customer_active=True,
    terms=TERMS,
    basis=BASIS,
    benefit="FK:SJP",
    owner="FK",
    owner_approved=True,
    blocked=False,
    consent=None,
    has_case_reference=True,
    has_need_reference=False,
    protected=False,
)


def basis(**changes) -> Profile:
    return replace(ALLOWED, basis=replace(BASIS, **changes))


def terms(**changes) -> Profile:
    return replace(ALLOWED, terms=replace(TERMS, **changes))


def consented(**changes) -> Profile:
    return replace(basis(consent_needed=True), consent=replace(CONSENT, **changes))


# In the order of the gates.
STORIES = [
    ("the customer has left", replace(ALLOWED, customer_active=False), Refusal.CUSTOMER_INACTIVE),
    ("the agreement names no basis that exists", replace(ALLOWED, basis=None), Refusal.BASIS_UNKNOWN),
    ("an order cites a repealed section", basis(status="closed"), Refusal.BASIS_CLOSED),
    ("the basis ended yesterday", basis(valid_to=BEFORE), Refusal.BASIS_CLOSED),
    ("no lawyer has approved the basis", basis(status="draft"), Refusal.BASIS_DRAFT),
    ("the basis begins tomorrow", basis(valid_from=AFTER), Refusal.BASIS_NOT_IN_FORCE),
    ("nobody knows when the basis began", basis(valid_from=None), Refusal.BASIS_NOT_IN_FORCE),
    ("an insurer cites a board's basis", replace(ALLOWED, customer_kind="forsakringsbolag"), Refusal.RECIPIENT_KIND),
    ("nobody was asked", basis(consent_needed=True), Refusal.CONSENT_MISSING),
    ("the consent was withdrawn", consented(withdrawn=True), Refusal.CONSENT_MISSING),
    ("the consent begins tomorrow", consented(valid_from=AFTER), Refusal.CONSENT_MISSING),
    ("the consent ended yesterday", consented(valid_to=BEFORE), Refusal.CONSENT_MISSING),
    ("the consent is about another benefit", consented(benefits=frozenset({"FK:FP"})), Refusal.CONSENT_MISSING),
    ("the stream is for another purpose", terms(purpose="riskbedomning"), Refusal.PURPOSE),
    ("the basis is for one question at a time", basis(service="one_off"), Refusal.NOT_STANDING),
    ("the customer is stopped in an emergency", replace(ALLOWED, blocked=True), Refusal.BLOCKED),
    ("only the customer has signed", terms(active=False), Refusal.AGREEMENT_NOT_ACTIVE),
    ("the agreement ended at midnight", terms(valid_to=BEFORE), Refusal.AGREEMENT_NOT_IN_FORCE),
    ("the agreement begins tomorrow", terms(valid_from=AFTER), Refusal.AGREEMENT_NOT_IN_FORCE),
    ("the benefit was not agreed on", replace(ALLOWED, benefit="FK:FP"), Refusal.BENEFIT_NOT_AGREED),
    ("there is no case", replace(ALLOWED, has_case_reference=False), Refusal.CASE_REFERENCE_MISSING),
    ("nothing says why it is needed", basis(needs=frozenset({"need_reference"})), Refusal.NEED_REFERENCE_MISSING),
    ("the person is protected", replace(ALLOWED, protected=True), Refusal.PROTECTED),
    (
        "CSN asks for maintenance support",
        replace(basis(benefits=frozenset({"FK:SA"})), benefit="FK:SJP"),
        Refusal.BENEFIT_NOT_IN_BASIS,
    ),
    ("the Pensions Agency has not agreed", replace(ALLOWED, owner_approved=False), Refusal.OWNER_NOT_APPROVED),
    ("the basis is about another owner's data", basis(owners=frozenset({"PM"})), Refusal.OWNER_NOT_APPROVED),
    ("only an address was agreed on", terms(classes=frozenset({"address"})), Refusal.NO_FIELDS),
]


@pytest.mark.parametrize(("profile", "refusal"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_each_reason_to_refuse_has_its_code_and_lets_nothing_out(profile, refusal):
    decision = decide(profile)

    assert decision.refusal is refusal
    assert not decision.allowed
    assert decision.classes == frozenset()
    assert decision.outcomes == frozenset()
    assert decision.outcome is (Outcome.FROZEN if refusal in SILENT else Outcome.REFUSED)


def test_every_refusal_code_has_its_story():
    assert {refusal for _, _, refusal in STORIES} == set(Refusal)


def test_a_customer_is_not_told_of_protection_or_of_a_block():
    assert {Refusal.PROTECTED, Refusal.BLOCKED} == SILENT


def test_what_every_gate_lets_through_is_told_within_basis_and_agreement():
    decision = decide(ALLOWED)

    assert decision.outcome is Outcome.ALLOWED
    assert decision.allowed
    assert decision.refusal is None
    assert decision.classes == {"benefit", "period"}
    assert decision.outcomes == {"granted"}


def test_a_class_left_to_the_agreement_is_told_only_if_the_agreement_names_it():
    assert "days" not in decide(ALLOWED).classes
    assert "days" in decide(terms(classes=frozenset({"days"}))).classes


def test_a_consent_narrows_and_never_widens():
    profile = consented()

    assert decide(profile).classes == {"period"}
    assert allowed_classes(replace(profile, consent=None)) == frozenset()


def test_without_a_basis_no_class_is_allowed():
    assert allowed_classes(replace(ALLOWED, basis=None)) == frozenset()


def test_a_duty_needs_no_consent_and_is_not_stopped_by_one_that_was_withdrawn():
    withdrawn = replace(CONSENT, withdrawn=True)

    assert decide(replace(ALLOWED, consent=withdrawn)).allowed


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (DAY, DAY, True),
        (BEFORE, None, True),
        (DAY, None, True),
        (AFTER, None, False),
        (BEFORE, BEFORE, False),
        (BEFORE, DAY, True),
        (None, None, False),
        (None, AFTER, False),
    ],
)
def test_both_ends_are_in_force_and_what_has_no_start_never_is(valid_from, valid_to, holds):
    assert in_force(valid_from, valid_to, DAY) is holds


@pytest.mark.parametrize("earlier", range(len(STORIES)))
def test_gates_are_asked_in_order(earlier):
    """Where two gates are shut, the refusal is that of the first."""
    order = [
        Refusal.CUSTOMER_INACTIVE,
        Refusal.BASIS_UNKNOWN,
        Refusal.BASIS_CLOSED,
        Refusal.BASIS_DRAFT,
        Refusal.BASIS_NOT_IN_FORCE,
        Refusal.RECIPIENT_KIND,
        Refusal.CONSENT_MISSING,
        Refusal.PURPOSE,
        Refusal.NOT_STANDING,
        Refusal.BLOCKED,
        Refusal.AGREEMENT_NOT_ACTIVE,
        Refusal.AGREEMENT_NOT_IN_FORCE,
        Refusal.BENEFIT_NOT_AGREED,
        Refusal.CASE_REFERENCE_MISSING,
        Refusal.NEED_REFERENCE_MISSING,
        Refusal.PROTECTED,
    ]
    _, profile, refusal = STORIES[earlier]
    also_protected = replace(profile, protected=True)

    found = decide(also_protected).refusal

    assert found is (refusal if refusal in order else Refusal.PROTECTED)


CLASSES = st.frozensets(st.sampled_from(["identity", "name", "benefit", "period", "amount", "address", "related"]))
DAYS = st.dates(date(2026, 11, 20), date(2026, 11, 26))
MAYBE_DAYS = st.none() | DAYS
BENEFITS = st.frozensets(st.sampled_from(["FK:SJP", "FK:FP"]))
PROFILES = st.builds(
    Profile,
    day=DAYS,
    customer_id=st.just(1),
    customer_kind=st.sampled_from(["socialnamnd", "csn"]),
    customer_active=st.booleans(),
    terms=st.builds(
        Terms,
        agreement_id=st.just(1),
        version=st.just(1),
        active=st.booleans(),
        valid_from=DAYS,
        valid_to=MAYBE_DAYS,
        purpose=st.sampled_from(["socialtjanst", "arende"]),
        benefits=BENEFITS,
        classes=CLASSES,
    ),
    basis=st.none()
    | st.builds(
        Basis,
        code=st.just("X"),
        version=st.just(1),
        recipient_kinds=st.frozensets(st.sampled_from(["socialnamnd", "csn"])),
        purpose=st.sampled_from(["socialtjanst", "arende"]),
        valid_from=MAYBE_DAYS,
        valid_to=MAYBE_DAYS,
        status=st.sampled_from(["active", "draft", "closed"]),
        service=st.sampled_from(["standing", "never"]),
        consent_needed=st.booleans(),
        needs=st.frozensets(st.sampled_from(["case_reference", "need_reference"])),
        owners=st.frozensets(st.sampled_from(["FK", "PM"])),
        benefits=st.none() | BENEFITS,
        classes=CLASSES,
        agreement_classes=CLASSES,
        outcomes=st.just(frozenset({"granted"})),
    ),
    benefit=st.sampled_from(["FK:SJP", "FK:FP"]),
    owner=st.sampled_from(["FK", "PM"]),
    owner_approved=st.booleans(),
    blocked=st.booleans(),
    consent=st.none()
    | st.builds(
        Consent,
        id=st.just(1),
        benefits=BENEFITS,
        classes=CLASSES,
        valid_from=DAYS,
        valid_to=MAYBE_DAYS,
        withdrawn=st.booleans(),
    ),
    has_case_reference=st.booleans(),
    has_need_reference=st.booleans(),
    protected=st.booleans(),
)


@given(PROFILES)
def test_nothing_outside_basis_and_agreement_and_consent_is_ever_allowed(profile):
    decision = decide(profile)

    if not decision.allowed:
        assert decision.classes == frozenset()
        return
    assert profile.basis is not None
    assert decision.classes
    assert decision.classes <= profile.terms.classes
    assert decision.classes <= profile.basis.classes | profile.basis.agreement_classes
    if profile.basis.consent_needed:
        assert profile.consent is not None
        assert decision.classes <= profile.consent.classes
