"""Legal bases and owners' approvals: what one proposes another approves, who is told, and what has held stays."""

from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from lefi.audit.models import AuditEvent
from lefi.errors import Refused
from lefi.foureyes import drop
from subscriptions.bases import (
    affected_by_approval,
    affected_by_basis,
    approve_basis,
    changes_of,
    end_approval,
    first_day_closed,
    held_before,
    propose_basis,
    takes_effect,
)
from subscriptions.models import Agreement, LawChange, LegalBasis, Notice, OwnerApproval
from subscriptions.notices import body
from subscriptions.profiles import basis_on
from tests.factories import (
    BASIS,
    BENEFIT,
    AgreementFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.get_default_timezone())
WHY = "Lagen har ändrats."


@pytest.fixture
def officer():
    return UserFactory(is_superuser=True)


@pytest.fixture
def lawyer():
    return UserFactory(is_superuser=True)


@pytest.fixture
def basis():
    return LegalBasisFactory()


def version(basis, **changes):
    """A version of a basis that is not saved yet."""
    values = {field.attname: getattr(basis, field.attname) for field in basis._meta.concrete_fields}
    number = LegalBasis.objects.filter(code=basis.code).latest("version").version + 1
    plain = {"id": None, "version": number, "approved_at": None, "prepared_by_id": None, "approved_by_id": None}
    return LegalBasis(**values | plain | changes)


def proposed(basis, officer, **changes):
    return propose_basis(basis=version(basis, **changes), by=officer, at=NOW)


def refusal(act, **arguments):
    with pytest.raises(Refused) as caught, transaction.atomic():
        act(**arguments)
    return caught.value.code


def served(**fields):
    """A stream under an agreement that rests on the basis."""
    return StreamFactory(served=True, **fields)


# Proposing


def test_a_proposal_has_no_effect(basis, officer):
    changes = LawChange.objects.count()

    proposed(basis, officer, service="never")

    assert basis_on(BASIS, TODAY) == basis
    assert list(LegalBasis.objects.newest().filter(code=BASIS)) == [basis]
    assert LawChange.objects.count() == changes


def test_a_proposal_is_logged_with_who_made_it(basis, officer):
    made = proposed(basis, officer)

    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.actor) == ("create", str(made.pk), officer)
    assert (made.prepared_by, made.prepared_at, made.in_effect) == (officer, NOW, False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 1}, "VERSION_TAKEN"),
        ({"valid_from": None}, "START_MISSING"),
        ({"status": "closed", "valid_to": None}, "END_MISSING"),
    ],
)
def test_a_version_that_could_not_hold_is_not_taken(basis, officer, changes, code):
    assert refusal(propose_basis, basis=version(basis, **changes), by=officer, at=NOW) == code
    assert LegalBasis.objects.filter(code=BASIS).count() == 1


def test_of_two_who_propose_the_same_version_at_once_one_is_told_so(basis, officer, lawyer):
    first, second = version(basis), version(basis)
    propose_basis(basis=first, by=officer, at=NOW)

    assert refusal(propose_basis, basis=second, by=lawyer, at=NOW) == "VERSION_TAKEN"


def test_the_first_version_of_a_basis_may_still_want_its_first_day(officer):
    made = propose_basis(
        basis=LegalBasisFactory.build(code="NY", valid_from=None, approved_at=None), by=officer, at=NOW
    )

    assert takes_effect(made, TODAY) is None


# Approving


def test_nobody_approves_what_they_proposed(basis, officer):
    made = proposed(basis, officer)

    assert refusal(approve_basis, basis=made, by=officer, at=NOW, reason=WHY) == "SAME_PERSON"
    assert not LegalBasis.objects.get(pk=made.pk).in_effect


def test_the_database_refuses_it_as_well(basis, officer):
    made = proposed(basis, officer)

    with pytest.raises(IntegrityError), transaction.atomic():
        LegalBasis.objects.filter(pk=made.pk).update(approved_by=officer, approved_at=NOW)


def test_an_approval_says_why(basis, officer, lawyer):
    made = proposed(basis, officer)

    assert refusal(approve_basis, basis=made, by=lawyer, at=NOW, reason=" ") == "REASON_MISSING"
    assert not LegalBasis.objects.get(pk=made.pk).in_effect


def test_what_is_approved_or_dropped_is_no_proposal_any_more(basis, officer, lawyer):
    made, thrown = proposed(basis, officer), proposed(basis, officer)
    pk = thrown.pk
    approve_basis(basis=made, by=lawyer, at=NOW, reason=WHY)
    drop(thrown, by=lawyer)
    thrown.pk = pk

    for row in (made, thrown):
        assert refusal(approve_basis, basis=row, by=lawyer, at=NOW, reason=WHY) == "NOT_PROPOSED"


def test_an_approved_version_holds_from_its_first_day(basis, officer, lawyer):
    later = TODAY + timedelta(days=9)
    made = proposed(basis, officer, valid_from=later)
    LawChange.objects.all().delete()

    approve_basis(basis=made, by=lawyer, at=NOW, reason=WHY)

    assert [basis_on(BASIS, day).version for day in (TODAY, later)] == [1, 2]
    assert LawChange.objects.filter(kind="legalbasis", basis_code=BASIS).count() == 1
    event = AuditEvent.objects.get(action="approve")
    assert (event.actor, event.reason, event.details) == (lawyer, WHY, {"prepared_by": officer.pk})


def test_a_version_that_a_later_one_has_overtaken_is_not_approved(basis, officer, lawyer):
    second, third = proposed(basis, officer), proposed(basis, officer)
    approve_basis(basis=third, by=lawyer, at=NOW, reason=WHY)

    assert refusal(approve_basis, basis=second, by=lawyer, at=NOW, reason=WHY) == "OVERTAKEN"


def test_a_version_for_the_time_before_a_later_one_begins_is_approved(basis, officer, lawyer):
    second, third = proposed(basis, officer), proposed(basis, officer, valid_from=TODAY + timedelta(days=90))
    approve_basis(basis=third, by=lawyer, at=NOW, reason=WHY)

    approve_basis(basis=second, by=lawyer, at=NOW, reason=WHY)

    assert basis_on(BASIS, TODAY) == second


def test_the_policy_for_protected_persons_and_the_days_between_confirmations_are_bound_by_it_too(basis, officer):
    made = proposed(basis, officer, protection="delayed", protection_days=14, reconfirm_days=180)

    assert {one.field: (one.old, one.new) for one in changes_of(made, basis)} == {
        "protection": ("staff", "delayed"),
        "protection_days": (5, 14),
        "reconfirm_days": (None, 180),
    }
    assert basis_on(BASIS, TODAY).protection == "staff"


# What a version would mean


def test_every_column_that_says_something_is_compared():
    plain = {"id", "code", "version", "prepared_by", "prepared_at", "approved_by", "approved_at"}
    columns = {field.name for field in LegalBasis._meta.concrete_fields} - plain

    assert {one.field for one in changes_of(LegalBasisFactory.build(), None)} == columns


def test_a_version_is_compared_with_what_holds_on_its_first_day(basis, officer, lawyer):
    later = TODAY + timedelta(days=9)
    second = proposed(basis, officer, valid_from=later, title_sv="Ny")
    approve_basis(basis=second, by=lawyer, at=NOW, reason=WHY)

    assert held_before(version(basis), TODAY) == basis
    assert held_before(version(basis, valid_from=later), TODAY) == second


TOMORROW, LATER = TODAY + timedelta(days=1), TODAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {}, None),
        ({}, {"valid_to": LATER}, LATER + timedelta(days=1)),
        ({}, {"valid_to": TODAY - timedelta(days=5)}, TODAY),
        ({}, {"status": "closed", "valid_to": LATER}, TODAY),
        ({}, {"status": "closed", "valid_from": TOMORROW, "valid_to": LATER}, TOMORROW),
        ({}, {"service": "manual", "valid_from": TOMORROW}, TOMORROW),
        ({}, {"status": "draft", "valid_to": LATER}, None),  # what held before goes on
        ({"valid_to": LATER}, {"valid_to": LATER}, None),  # as known before
        ({"valid_to": LATER}, {"valid_to": TODAY}, TOMORROW),
        ({"valid_to": TODAY}, {"valid_to": LATER}, None),
        ({"status": "draft"}, {"status": "closed", "valid_to": TODAY}, None),  # nothing was told
        ({"service": "manual"}, {"status": "closed", "valid_to": TODAY}, None),
    ],
)
def test_the_first_day_on_which_nothing_is_told(old, new, expected):
    before, after = LegalBasisFactory.build(**old), LegalBasisFactory.build(**new)

    assert first_day_closed(after, before, TODAY) == expected


def test_the_agreements_and_watches_on_a_basis_are_counted_and_nobody_elses():
    stream, other = served(), StreamFactory(purpose="annat")
    ScopeFactory(agreement=other.agreement, basis=LegalBasisFactory(code="ANNAN", purpose="annat"))
    same = StreamFactory(agreement=stream.agreement, purpose="annat")
    WatchFactory.create_batch(2, stream=stream)
    WatchFactory(stream=stream, ended_at=NOW, end_reason="UPPHORD", ended_as_of=1)
    WatchFactory(stream=other)
    WatchFactory(stream=same)

    affected = affected_by_basis(BASIS)

    assert [(one.agreement, one.watches) for one in affected.agreements] == [(stream.agreement, 2)]
    assert affected.watches == 2


def test_an_agreement_that_has_moved_to_another_basis_or_is_over_is_not_affected():
    moved, over = served().agreement, served().agreement
    ScopeFactory(agreement=moved, version=2, basis=LegalBasisFactory(code="ANNAN"))
    Agreement.objects.filter(pk=over.pk).update(status=Agreement.Status.ENDED)

    assert affected_by_basis(BASIS).agreements == ()


def test_who_is_affected_is_found_in_two_queries(django_assert_num_queries):
    for _ in range(5):
        WatchFactory(stream=served())

    with django_assert_num_queries(2):
        affected = affected_by_basis(BASIS)
        assert len({one.customer.name for one in affected.agreements}) == 5


# Closing


def test_each_customer_is_told_of_the_day_and_what_to_rest_on_instead(basis, officer, lawyer):
    agreements = [served().agreement for _ in range(2)]
    made = proposed(basis, officer, valid_to=LATER, use_instead="INS-SAM")
    assert not Notice.objects.exists()

    approve_basis(basis=made, by=lawyer, at=NOW, reason=WHY)

    assert {(one.customer, one.details["agreement"]) for one in Notice.objects.all()} == {
        (one.customer, one.code) for one in agreements
    }
    assert {one.details["day"] for one in Notice.objects.all()} == {"2026-12-24"}
    assert all("INS-SAM" in body(one) for one in Notice.objects.all())


def test_a_version_that_goes_on_tells_nobody(basis, officer, lawyer):
    served()
    approve_basis(basis=proposed(basis, officer, title_sv="Ny"), by=lawyer, at=NOW, reason=WHY)

    assert not Notice.objects.exists()


# Owners' approvals


@pytest.fixture
def approval():
    return OwnerApprovalFactory(benefit=BENEFIT)


def test_the_watches_for_the_approvals_benefit_are_counted(approval):
    stream = served()
    AgreementFactory()
    WatchFactory(stream=stream)
    WatchFactory(stream=stream, benefit="FK:FP")

    affected = affected_by_approval(approval)

    assert [(one.agreement, one.watches) for one in affected.agreements] == [(stream.agreement, 1)]


def test_an_approval_is_ended_by_one_person_at_once(approval, officer):
    end_approval(approval=approval, on=TODAY - timedelta(days=1), by=officer, at=NOW, reason=WHY)

    assert OwnerApproval.objects.get().valid_to == TODAY - timedelta(days=1)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.details) == ("end", officer, {"on": "2026-11-22"})


@pytest.mark.parametrize(
    ("fields", "on", "code"),
    [
        ({"approved_at": None}, TODAY, "APPROVAL_NOT_IN_EFFECT"),
        ({}, TODAY - timedelta(days=2), "APPROVAL_END_PAST"),
        ({"valid_from": LATER}, TODAY, "APPROVAL_END_PAST"),
        ({"valid_to": TODAY}, TODAY, "APPROVAL_END_LATER"),
        ({"valid_to": TODAY}, LATER, "APPROVAL_END_LATER"),
    ],
)
def test_an_end_that_is_no_narrowing_or_changes_what_has_held_is_refused(officer, fields, on, code):
    approval = OwnerApprovalFactory(**fields)

    assert refusal(end_approval, approval=approval, on=on, by=officer, at=NOW, reason=WHY) == code
    assert OwnerApproval.objects.get().valid_to == approval.valid_to
