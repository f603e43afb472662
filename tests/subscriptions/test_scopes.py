"""What an agreement covers: widened by two people, narrowed by one and at once, and never past the legal basis."""

import pytest

from lefi.audit.models import AuditEvent
from lefi.foureyes import NotApproved
from subscriptions.models import Agreement, LawChange, LegalBasis, Notice, Scope, Stream
from subscriptions.scopes import (
    ScopeRefused,
    approve_scope,
    change_scope,
    in_force_for,
    narrow_scope,
    open_bases,
    open_stream,
    propose_scope,
    scope_difference,
)
from tests.factories import (
    AT,
    BASIS,
    BENEFIT,
    CLASSES,
    DAY,
    PURPOSE,
    AgreementFactory,
    LegalBasisFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
REASON = "Kunden behöver uppgifterna."
TWO = ["FK:SA", BENEFIT]


@pytest.fixture
def officer():
    return UserFactory(is_staff=True)


@pytest.fixture
def approver():
    return UserFactory(is_staff=True)


@pytest.fixture
def scope():
    """In force: one benefit, all classes, two years."""
    return ScopeFactory()


def refused(code):
    return pytest.raises(ScopeRefused, match=f"^{code}")


def propose(scope, by, **values):
    return propose_scope(agreement=scope.agreement, purpose=scope.purpose, values=values, by=by, at=AT)


def narrow(scope, by, **values):
    return narrow_scope(agreement=scope.agreement, purpose=scope.purpose, values=values, by=by, at=AT)


def approve(scope, by):
    approve_scope(scope=scope, by=by, at=AT, reason=REASON)


# Widening


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"benefits": []}, "benefits", "BENEFITS_MISSING"),
        ({"benefits": ["FK:FINNS-INTE"]}, "benefits", "BENEFIT_UNKNOWN"),
        ({"benefits": ["PM:AP"]}, "benefits", "BENEFIT_NOT_IN_BASIS"),
        ({"classes": ["address"]}, "classes", "CLASS_NOT_IN_BASIS"),
        ({"basis_code": "KOM-SOC"}, "basis_code", "RECIPIENT_KIND"),
        ({"basis_code": "INS-SAM"}, "purpose", "PURPOSE"),
        ({"basis_code": "FINNS-INTE"}, "basis_code", "BASIS_UNKNOWN"),
    ],
)
def test_what_the_basis_cannot_give_is_not_proposed(scope, officer, values, field, code):
    with refused("INCOMPLETE") as refusal:
        propose(scope, officer, **values)

    assert (field, code) in {(found, why) for found, why, _ in refusal.value.faults}
    assert Scope.objects.count() == 1


def test_a_proposal_has_no_effect_and_gives_way_to_the_next(scope, officer):
    LawChange.objects.all().delete()
    first = propose(scope, officer, benefits=TWO)
    second = propose(scope, officer, benefits=TWO, look_back_days=365)

    assert in_force_for(scope.agreement, PURPOSE) == scope
    assert list(Scope.objects.proposed()) == [second]
    assert (first.version, second.version) == (2, 3)
    assert not LawChange.objects.exists()
    assert not Notice.objects.exists()


def test_what_is_covered_already_is_no_proposal(scope, officer):
    with refused("NO_CHANGE"):
        propose(scope, officer, benefits=[BENEFIT])


@pytest.mark.parametrize("status", [Agreement.Status.REFUSED, Agreement.Status.ENDED])
def test_nothing_is_proposed_under_an_agreement_that_is_over(scope, officer, status):
    Agreement.objects.update(status=status)

    with refused("WRONG_STEP"):
        propose(scope, officer, benefits=TWO)


def test_who_proposed_it_cannot_approve_it(scope, officer):
    proposal = propose(scope, officer, benefits=TWO)

    with pytest.raises(NotApproved, match=r"^SAME_PERSON"):
        approve(proposal, officer)

    assert in_force_for(scope.agreement, PURPOSE) == scope


def test_an_approved_widening_holds_and_the_customer_is_told(scope, officer, approver):
    proposal = propose(scope, officer, benefits=TWO)

    approve(proposal, approver)

    assert in_force_for(scope.agreement, PURPOSE) == proposal
    assert Notice.objects.get().code == "AGREEMENT_CHANGED"
    assert AuditEvent.objects.get(action="approve").reason == REASON


def test_a_new_purpose_gets_the_channels_that_the_agreement_has(scope, officer, approver):
    StreamFactory(agreement=scope.agreement, channel="portal")
    LegalBasisFactory(code="TEST-RISK", purpose="riskbedomning", agreement_classes=["income_base"])
    values = {"basis_code": "TEST-RISK", "benefits": [BENEFIT]}

    proposal = propose_scope(agreement=scope.agreement, purpose="riskbedomning", values=values, by=officer, at=AT)
    approve(proposal, approver)

    assert (proposal.version, proposal.look_back_days) == (1, 730)
    assert proposal.classes == sorted({*CLASSES, "income_base"})
    assert Stream.objects.get(purpose="riskbedomning").channel == "portal"


def test_the_scope_of_an_agreement_not_active_yet_is_approved_with_it(officer, approver):
    proposal = ScopeFactory(agreement__status="sent", approved_at=None, prepared_by=officer, prepared_at=AT)

    with refused("WRONG_STEP"):
        approve(proposal, approver)


def test_a_proposal_that_a_narrowing_overtook_is_made_again(scope, officer, approver):
    proposal = propose(scope, officer, benefits=TWO)
    narrow(scope, approver, look_back_days=30)

    with refused("SUPERSEDED"):
        approve(proposal, approver)


def test_a_basis_that_closed_meanwhile_is_not_widened(scope, officer, approver):
    proposal = propose(scope, officer, benefits=TWO)
    LegalBasisFactory(version=2, status=LegalBasis.Status.CLOSED, valid_to=DAY.replace(day=1))

    with refused("INCOMPLETE"):
        approve(proposal, approver)


# Narrowing


@pytest.mark.parametrize(
    "values",
    [
        {"benefits": TWO},
        {"benefits": ["FK:SA"]},
        {"classes": [*CLASSES, "address"]},
        {"look_back_days": 731},
        {"look_back_days": 30, "benefits": TWO},
        {"basis_code": "TEST-ANNAN", "look_back_days": 30},
    ],
)
def test_anything_more_than_what_is_in_force_is_no_narrowing(scope, officer, values):
    with refused("NOT_NARROWER"):
        narrow(scope, officer, **values)

    assert in_force_for(scope.agreement, PURPOSE) == scope


@pytest.mark.parametrize("values", [{"classes": ["period"]}, {"look_back_days": 30}, {"benefits": []}])
def test_a_narrowing_holds_at_once_by_one_person(scope, officer, values):
    LawChange.objects.all().delete()

    made = narrow(scope, officer, **values)

    assert in_force_for(scope.agreement, PURPOSE) == made
    assert (made.narrows, made.version, made.prepared_by, made.approved_by) == (True, 2, officer, None)
    assert LawChange.objects.filter(kind="scope", agreement_id=scope.agreement_id).exists()
    assert Notice.objects.get().code == "AGREEMENT_CHANGED"
    assert AuditEvent.objects.get().actor == officer


def test_a_narrowing_is_taken_whatever_has_become_of_the_basis(scope, officer):
    LegalBasisFactory(version=2, status=LegalBasis.Status.CLOSED, valid_to=DAY.replace(day=1))

    assert narrow(scope, officer, classes=["period"]).in_effect


def test_there_is_nothing_to_narrow_where_nothing_is_covered(scope, officer):
    with refused("NO_SCOPE"):
        narrow_scope(agreement=scope.agreement, purpose="samordning", values={}, by=officer, at=AT)
    with refused("NO_CHANGE"):
        narrow(scope, officer)
    Agreement.objects.update(status=Agreement.Status.ENDED)
    with refused("WRONG_STEP"):
        narrow(scope, officer, look_back_days=1)


@pytest.mark.parametrize(
    ("values", "at_once"),
    [
        ({"classes": ["period"]}, True),
        ({"look_back_days": 731}, False),
        ({"classes": ["period"], "benefits": TWO}, False),
    ],
)
def test_the_values_say_whether_a_change_narrows_or_waits(scope, officer, values, at_once):
    made = change_scope(agreement=scope.agreement, purpose=PURPOSE, values=values, by=officer, at=AT)

    assert (made.in_effect, made.narrows) == (at_once, at_once)


def test_before_an_agreement_is_active_every_change_waits(officer):
    scope = ScopeFactory(agreement__status="examined", approved_at=None, prepared_by=officer, prepared_at=AT)

    made = change_scope(agreement=scope.agreement, purpose=PURPOSE, values={"classes": ["period"]}, by=officer, at=AT)

    assert not made.in_effect
    assert list(Scope.objects.values_list("classes", "benefits")) == [(["period"], [BENEFIT])]


# Differences, streams and what is open


def test_the_difference_says_what_is_gained_and_lost():
    old = Scope(basis_code=BASIS, benefits=["A", "B"], classes=["name"], look_back_days=30)
    new = Scope(basis_code="NY", benefits=["B", "C"], classes=["name", "days"], look_back_days=60)

    change = scope_difference(old, new)

    assert (change.benefits_gained, change.benefits_lost) == (("C",), ("A",))
    assert (change.classes_gained, change.classes_lost) == (("days",), ())
    assert (change.look_back, change.basis) == ((30, 60), (BASIS, "NY"))
    assert not change.only_narrows


def test_a_first_version_gains_all_and_the_same_again_nothing():
    new = Scope(basis_code=BASIS, benefits=["A"], classes=["name"], look_back_days=30)

    first = scope_difference(None, new)

    assert (first.benefits_gained, first.look_back, first.only_narrows) == (("A",), (None, 30), False)
    assert scope_difference(new, new).nothing
    assert scope_difference(new, None).benefits_lost == ("A",)


def test_a_further_channel_is_opened_once_for_what_is_covered(scope, officer):
    made = open_stream(agreement=scope.agreement, purpose=PURPOSE, channel="portal", by=officer, at=AT)

    assert (made.agreement, made.channel) == (scope.agreement, "portal")
    assert AuditEvent.objects.get().object_id == str(made.pk)
    with refused("STREAM_EXISTS"):
        open_stream(agreement=scope.agreement, purpose=PURPOSE, channel="portal", by=officer, at=AT)
    with refused("NO_SCOPE"):
        open_stream(agreement=scope.agreement, purpose="samordning", channel="api", by=officer, at=AT)
    with refused("WRONG_STEP"):
        open_stream(agreement=AgreementFactory(status="sent"), purpose=PURPOSE, channel="api", by=officer, at=AT)


def test_the_bases_open_to_a_kind_are_those_that_serve_it_now(django_assert_num_queries):
    LegalBasisFactory(code="TEST-STANGD", status="closed", valid_to=DAY)
    LegalBasisFactory(code="TEST-UTKAST", status="draft")
    LegalBasisFactory(code="TEST-OGODKAND", approved_at=None, prepared_by=UserFactory(), prepared_at=AT)
    LegalBasisFactory(code="TEST-OPPEN")

    with django_assert_num_queries(1):
        found = open_bases("forsakringsbolag", DAY)

    assert [basis.code for basis in found] == ["INS-SAM", "TEST-OPPEN"]
    assert [basis.code for basis in open_bases("socialnamnd", DAY)] == ["KOM-SOC"]
