"""The legal decision: eight gates in order, and nothing that is not expressly allowed (R1-R26)."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benefits.catalogue import catalogue
from subscriptions.decision import (
    NEVER_OF_PROTECTED,
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

ROWS = json.loads((Path(__file__).parents[2] / "subscriptions" / "legal_bases.json").read_text(encoding="utf-8"))
DAY = date(2026, 11, 23)
EVERYTHING = frozenset(catalogue().classes)


def basis(code: str) -> Basis:
    """The basis as the product is seeded with it."""
    row = next(one for one in ROWS["bases"] if one["code"] == code)
    return Basis(
        code=code,
        version=row["version"],
        recipient_kinds=frozenset(row["recipient_kinds"]),
        purpose=row["purpose"] or "",
        valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        status=row["status"],
        service=row["service"],
        consent_needed=row["consent_needed"],
        needs=frozenset(row["needs"]),
        owners=frozenset(row["owners"]),
        benefits=None if row["benefits"] is None else frozenset(row["benefits"]),
        classes=frozenset(row["classes"]),
        agreement_classes=frozenset(row["agreement_classes"]),
        outcomes=frozenset(row["outcomes"]),
    )


def profile(ground: Basis, *, kind: str = "", classes=EVERYTHING, **fields) -> Profile:
    """A profile in which everything is in order for a basis; keywords put it out of order."""
    terms = Terms(
        agreement_id=1,
        version=1,
        active=True,
        valid_from=date(2020, 1, 1),
        valid_to=None,
        purpose=ground.purpose,
        benefits=frozenset(catalogue().benefits),
        classes=frozenset(classes),
    )
    found = Profile(
        day=DAY,
        customer_id=1,
        customer_kind=kind or min(ground.recipient_kinds, default=""),
        customer_active=True,
        terms=terms,
        basis=ground,
        benefit="FK:SJP",
        owner="FK",
        owner_approved=True,
        blocked=False,
        consent=None,
        has_case_reference=True,
        has_need_reference=True,
        protected=False,
    )
    return replace(found, **fields)


SAM, SOC = basis("INS-SAM"), basis("KOM-SOC")
SKADE = replace(basis("INS-SKADE"), status="active")
CONSENT = Consent(
    id=1,
    benefits=frozenset({"FK:SJP"}),
    classes=frozenset({"benefit", "period"}),
    valid_from=date(2026, 1, 1),
    valid_to=None,
    withdrawn=False,
)
OPEN = profile(SAM)


def terms(**fields) -> Terms:
    return replace(OPEN.terms, **fields)


STORIES = [
    ("the customer was put to rest", replace(OPEN, customer_active=False), Refusal.CUSTOMER_INACTIVE),
    ("the agreement names no basis that exists", replace(OPEN, basis=None), Refusal.BASIS_UNKNOWN),
    ("the order cites 114:26, which went out of force", profile(basis("OLD-114-26")), Refusal.BASIS_CLOSED),
    ("the basis ended yesterday", profile(replace(SAM, valid_to=DAY - timedelta(1))), Refusal.BASIS_CLOSED),
    ("the basis is closed, and no last day is written", profile(replace(SAM, status="closed")), Refusal.BASIS_CLOSED),
    ("nobody has approved the basis", profile(replace(SAM, status="draft")), Refusal.BASIS_DRAFT),
    ("the basis has a status of another time", profile(replace(SAM, status="")), Refusal.BASIS_DRAFT),
    ("the basis begins tomorrow", profile(replace(SAM, valid_from=DAY + timedelta(1))), Refusal.BASIS_NOT_IN_FORCE),
    ("when the basis began is not known", profile(replace(SAM, valid_from=None)), Refusal.BASIS_NOT_IN_FORCE),
    ("an employer asks on an insurer's basis", profile(SAM, kind="arbetsgivare"), Refusal.RECIPIENT_KIND),
    ("nobody has consented", profile(SKADE), Refusal.CONSENT_MISSING),
    (
        "the consent was withdrawn after the night's extraction",
        profile(SKADE, consent=replace(CONSENT, withdrawn=True)),
        Refusal.CONSENT_MISSING,
    ),
    (
        "the consent ended yesterday",
        profile(SKADE, consent=replace(CONSENT, valid_to=DAY - timedelta(1))),
        Refusal.CONSENT_MISSING,
    ),
    (
        "the consent begins tomorrow",
        profile(SKADE, consent=replace(CONSENT, valid_from=DAY + timedelta(1))),
        Refusal.CONSENT_MISSING,
    ),
    (
        "the consent is to another benefit",
        profile(SKADE, consent=replace(CONSENT, benefits=frozenset({"FK:FP"}))),
        Refusal.CONSENT_MISSING,
    ),
    (
        "a guardian consented for a 17-year-old, and nobody has examined it",
        profile(SKADE, consent=replace(CONSENT, examined=False)),
        Refusal.CONSENT_NOT_EXAMINED,
    ),
    (
        "a consent that nobody has examined has been withdrawn",
        profile(SKADE, consent=replace(CONSENT, examined=False, withdrawn=True)),
        Refusal.CONSENT_MISSING,
    ),
    ("the scope serves another purpose", replace(OPEN, terms=terms(purpose="reklam")), Refusal.PURPOSE),
    ("the basis serves one query at a time", profile(replace(SAM, service="one_off")), Refusal.NOT_STANDING),
    ("a person decides each time", profile(replace(SAM, service="manual")), Refusal.NOT_STANDING),
    ("deliveries were stopped in an emergency", replace(OPEN, blocked=True), Refusal.BLOCKED),
    (
        "the agreement is signed by the customer alone",
        replace(OPEN, terms=terms(active=False)),
        Refusal.AGREEMENT_NOT_ACTIVE,
    ),
    (
        "the agreement ended at midnight and the run starts five past",
        replace(OPEN, terms=terms(valid_to=DAY - timedelta(1))),
        Refusal.AGREEMENT_NOT_IN_FORCE,
    ),
    (
        "the agreement begins tomorrow",
        replace(OPEN, terms=terms(valid_from=DAY + timedelta(1))),
        Refusal.AGREEMENT_NOT_IN_FORCE,
    ),
    (
        "the agreement is about another benefit",
        replace(OPEN, terms=terms(benefits=frozenset({"FK:FP"}))),
        Refusal.BENEFIT_NOT_AGREED,
    ),
    (
        "a reservation has not been acknowledged",
        replace(OPEN, terms=terms(reservations_acknowledged=False)),
        Refusal.RESERVATION_NOT_ACKNOWLEDGED,
    ),
    ("the need was not confirmed in time", replace(OPEN, reconfirmation_overdue=True), Refusal.RECONFIRMATION_OVERDUE),
    ("a board orders without a case", profile(SOC, has_case_reference=False), Refusal.CASE_REFERENCE_MISSING),
    ("an insurer orders without a need", replace(OPEN, has_need_reference=False), Refusal.NEED_REFERENCE_MISSING),
    ("the person's identity became protected", replace(OPEN, protected=True), Refusal.PROTECTED),
    (
        "the student board asks for child support",
        profile(replace(basis("CSN-1"), valid_from=date(2024, 1, 1)), kind="csn", benefit="FK:US"),
        Refusal.BENEFIT_NOT_IN_BASIS,
    ),
    (
        "the Pensions Agency has not said yes",
        replace(OPEN, benefit="PM:AP", owner="PM", owner_approved=False),
        Refusal.OWNER_NOT_APPROVED,
    ),
    (
        "the basis does not speak of the Pensions Agency's information",
        profile(replace(SAM, owners=frozenset({"FK"})), benefit="PM:AP", owner="PM"),
        Refusal.OWNER_NOT_APPROVED,
    ),
    ("basis and agreement have no field in common", profile(SAM, classes={"address"}), Refusal.NO_FIELDS),
]


@pytest.mark.parametrize(("given_profile", "refusal"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES])
def test_the_answer_is_no_and_says_why(given_profile, refusal):
    decision = decide(given_profile)

    assert decision.refusal is refusal
    assert not decision.allowed
    assert decision.classes == decision.outcomes == frozenset()


def test_every_refusal_code_has_its_story():
    assert {refusal for _, _, refusal in STORIES} == set(Refusal)


def test_where_everything_is_in_order_the_answer_is_yes():
    decision = decide(OPEN)

    assert decision.allowed and decision.refusal is None
    assert decision.outcomes == {"granted"}


def test_only_a_stop_that_may_pass_freezes_the_watch():
    found = {refusal: decide(one).outcome for _, one, refusal in STORIES}

    assert {one for one, outcome in found.items() if outcome is Outcome.FROZEN} == {
        Refusal.BLOCKED,
        Refusal.RESERVATION_NOT_ACKNOWLEDGED,
        Refusal.RECONFIRMATION_OVERDUE,
        Refusal.PROTECTED,
    }
    assert set(found.values()) == {Outcome.FROZEN, Outcome.REFUSED}


def test_a_watch_that_ended_unconfirmed_is_refused_so_that_its_end_is_told_but_not_of_a_protected_person():
    ended = replace(OPEN, reconfirmation_overdue=True, ended=True)
    outcomes = [decide(one) for one in (ended, replace(ended, protected=True), replace(ended, ended=False))]

    assert [(one.outcome, one.refusal) for one in outcomes] == [
        (Outcome.REFUSED, Refusal.RECONFIRMATION_OVERDUE),
        (Outcome.FROZEN, Refusal.PROTECTED),
        (Outcome.FROZEN, Refusal.RECONFIRMATION_OVERDUE),
    ]


@pytest.mark.parametrize("hidden", sorted(NEVER_OF_PROTECTED))
def test_a_released_protected_person_is_told_of_without_what_reveals_a_place_or_links_numbers(hidden):
    ground = replace(SAM, classes=SAM.classes | {hidden})
    released = profile(ground, classes={*SAM.classes, hidden}, protected=True, released=True)

    assert decide(released).classes == SAM.classes - {hidden}
    assert decide(replace(released, protected=False)).classes == SAM.classes | {hidden}


# A cause of each refusal that can stand beside all others.
CAUSES = {
    Refusal.CUSTOMER_INACTIVE: lambda p: replace(p, customer_active=False),
    Refusal.BASIS_DRAFT: lambda p: replace(p, basis=replace(p.basis, status="draft")),
    Refusal.BASIS_NOT_IN_FORCE: lambda p: replace(p, basis=replace(p.basis, valid_from=None)),
    Refusal.RECIPIENT_KIND: lambda p: replace(p, customer_kind="hyresvard"),
    Refusal.CONSENT_MISSING: lambda p: replace(p, consent=None),
    Refusal.PURPOSE: lambda p: replace(p, terms=replace(p.terms, purpose="reklam")),
    Refusal.NOT_STANDING: lambda p: replace(p, basis=replace(p.basis, service="manual")),
    Refusal.BLOCKED: lambda p: replace(p, blocked=True),
    Refusal.AGREEMENT_NOT_ACTIVE: lambda p: replace(p, terms=replace(p.terms, active=False)),
    Refusal.AGREEMENT_NOT_IN_FORCE: lambda p: replace(p, terms=replace(p.terms, valid_to=date(2025, 1, 1))),
    Refusal.BENEFIT_NOT_AGREED: lambda p: replace(p, terms=replace(p.terms, benefits=frozenset())),
    Refusal.CASE_REFERENCE_MISSING: lambda p: replace(p, has_case_reference=False),
    Refusal.NEED_REFERENCE_MISSING: lambda p: replace(p, has_need_reference=False),
    Refusal.PROTECTED: lambda p: replace(p, protected=True),
    Refusal.BENEFIT_NOT_IN_BASIS: lambda p: replace(p, basis=replace(p.basis, benefits=frozenset())),
    Refusal.OWNER_NOT_APPROVED: lambda p: replace(p, owner_approved=False),
    Refusal.NO_FIELDS: lambda p: replace(p, terms=replace(p.terms, classes=frozenset())),
}
STRICT = replace(SKADE, needs=frozenset({"case_reference", "need_reference"}))


@given(st.sets(st.sampled_from(list(CAUSES)), min_size=1))
def test_the_first_gate_that_is_shut_answers_whatever_others_are(causes):
    found = profile(STRICT, consent=CONSENT)
    assert decide(found).allowed
    for cause in sorted(causes, key=list(CAUSES).index):
        found = CAUSES[cause](found)

    assert decide(found).refusal is min(causes, key=list(CAUSES).index)


classes = st.frozensets(st.sampled_from(sorted(EVERYTHING)))
codes = st.frozensets(st.sampled_from(["FK:SJP", "FK:FP", "PM:AP"]))
days = st.none() | st.dates(date(2026, 11, 21), date(2026, 11, 25))
bases = st.builds(
    Basis,
    code=st.just("X"),
    version=st.just(1),
    recipient_kinds=st.frozensets(st.sampled_from(["a", "b"])),
    purpose=st.sampled_from(["p", "q"]),
    valid_from=days,
    valid_to=days,
    status=st.sampled_from(["active", "active", "draft", "closed"]),
    service=st.sampled_from(["standing", "standing", "manual"]),
    consent_needed=st.booleans(),
    needs=st.frozensets(st.sampled_from(["case_reference", "need_reference"])),
    owners=st.frozensets(st.sampled_from(["FK", "PM"])),
    benefits=st.none() | codes,
    classes=classes,
    agreement_classes=classes,
    outcomes=st.just(frozenset({"granted"})),
)
consents = st.builds(
    Consent,
    id=st.just(1),
    benefits=codes,
    classes=classes,
    valid_from=st.dates(date(2026, 11, 21), date(2026, 11, 25)),
    valid_to=days,
    withdrawn=st.booleans(),
)
profiles = st.builds(
    Profile,
    day=st.just(DAY),
    customer_id=st.just(1),
    customer_kind=st.sampled_from(["a", "b"]),
    customer_active=st.sampled_from([True, True, False]),
    terms=st.builds(
        Terms,
        agreement_id=st.just(1),
        version=st.just(1),
        active=st.sampled_from([True, True, False]),
        valid_from=st.just(date(2026, 11, 22)),
        valid_to=days,
        purpose=st.sampled_from(["p", "q"]),
        benefits=codes,
        classes=classes,
    ),
    basis=st.none() | bases,
    benefit=st.sampled_from(["FK:SJP", "PM:AP"]),
    owner=st.sampled_from(["FK", "PM"]),
    owner_approved=st.booleans(),
    blocked=st.booleans(),
    consent=st.none() | consents,
    has_case_reference=st.booleans(),
    has_need_reference=st.booleans(),
    protected=st.booleans(),
)


@given(profiles)
def test_nothing_is_ever_told_outside_what_basis_agreement_and_consent_have_in_common(found):
    decision = decide(found)

    if not decision.allowed:
        assert decision.classes == frozenset() == decision.outcomes
        assert decision.refusal is not None
        return
    assert decision.classes
    assert decision.classes <= found.terms.classes & (found.basis.classes | found.basis.agreement_classes)
    assert found.benefit in found.terms.benefits
    assert found.basis.benefits is None or found.benefit in found.basis.benefits
    assert found.owner in found.basis.owners and found.owner_approved
    assert found.basis.purpose == found.terms.purpose
    assert not (found.blocked or found.protected)
    if found.basis.consent_needed:
        assert decision.classes <= found.consent.classes


@given(profiles, st.sampled_from(list(CAUSES)))
def test_shutting_one_more_gate_never_opens_anything(found, cause):
    if found.basis is not None and not decide(found).allowed:
        assert not decide(CAUSES[cause](found)).allowed


def test_an_insurer_that_coordinates_never_gets_an_address():
    assert "address" not in decide(profile(SAM, kind="forsakringsbolag")).classes


def test_a_board_gets_no_address_for_its_cases_and_one_where_the_law_gives_it():
    plain = decide(profile(SOC, kind="socialnamnd"))
    ground = replace(basis("KOM-SOC-ADR"), valid_from=date(2024, 1, 1), status="active")

    assert plain.allowed and "address" not in plain.classes
    assert "address" in decide(profile(ground, kind="socialnamnd")).classes


def test_the_same_customer_gets_for_each_purpose_its_own_fields():
    one = decide(profile(SAM, kind="forsakringsbolag"))
    other = decide(profile(SKADE, kind="forsakringsbolag", consent=CONSENT))

    assert other.classes == CONSENT.classes
    assert one.classes != other.classes


def test_a_class_that_the_basis_leaves_to_the_agreement_counts_only_if_named_there():
    left = min(SAM.agreement_classes)

    assert left in decide(profile(SAM)).classes
    assert left not in decide(profile(SAM, classes=SAM.classes)).classes


def test_a_consent_cannot_give_what_the_basis_does_not_have():
    greedy = replace(CONSENT, classes=EVERYTHING)

    assert decide(profile(SKADE, consent=greedy)).classes <= SKADE.classes | SKADE.agreement_classes


def test_without_a_basis_or_a_needed_consent_no_class_is_allowed():
    assert allowed_classes(replace(OPEN, basis=None)) == frozenset()
    assert allowed_classes(profile(SKADE)) == frozenset()


@pytest.mark.parametrize("code", sorted(one["code"] for one in ROWS["bases"] if one["status"] == "closed"))
def test_a_closed_citation_is_refused_as_closed(code):
    assert decide(profile(basis(code))).refusal is Refusal.BASIS_CLOSED


@pytest.mark.parametrize("code", sorted(one["code"] for one in ROWS["bases"] if one["valid_from"] is None))
def test_a_basis_whose_beginning_nobody_has_looked_up_serves_nobody(code):
    assert not decide(profile(basis(code), consent=CONSENT)).allowed


@pytest.mark.parametrize(
    ("start", "end", "holds"),
    [
        (DAY, DAY, True),
        (DAY, None, True),
        (None, None, False),
        (DAY + timedelta(1), None, False),
        (date(2020, 1, 1), DAY - timedelta(1), False),
    ],
)
def test_both_ends_are_included_and_what_has_no_start_is_not_in_force(start, end, holds):
    assert in_force(start, end, DAY) is holds


def test_every_class_that_is_never_told_of_the_protected_is_a_class_of_the_catalogue():
    assert NEVER_OF_PROTECTED <= EVERYTHING


def test_a_basis_and_an_agreement_hold_through_their_last_day():
    assert decide(replace(OPEN, basis=replace(OPEN.basis, valid_to=DAY))).allowed
    assert decide(replace(OPEN, terms=terms(valid_to=DAY))).allowed
