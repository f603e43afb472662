"""From an application to an agreement in force, and its end: each step once, by whom it may be, in its order."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from lefi.audit.models import AuditEvent
from lefi.foureyes import NotApproved
from lefi.reasons import ReasonRefused
from subscriptions import agreementtext
from subscriptions.connections import (
    ConnectionRefused,
    StepRefused,
    accept_connection,
    apply_for_connection,
    approve_agreement,
    end_agreement,
    end_expired_agreements,
    examine,
    refuse_agreement,
    refuse_connection,
    send_agreement,
    sign_for_customer,
    sign_for_fk,
    start_customer,
    stop_customer,
    withdraw_connection,
)
from subscriptions.models import Agreement, Connection, Contact, Customer, LegalBasis, Member, Notice, Scope, Stream
from subscriptions.scopes import ScopeRefused, propose_scope
from tests.factories import (
    AT,
    BASIS,
    BENEFIT,
    CLASSES,
    DAY,
    PURPOSE,
    AgreementFactory,
    CustomerFactory,
    LegalBasisFactory,
    MemberFactory,
    OwnerApprovalFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
Status = Agreement.Status
REASON = "Ansökan uppfyller kraven."
VALUES = {
    "organisation_number": "556000-0001",
    "unit": "",
    "name": "Trygga Försäkringar AB",
    "kind": "forsakringsbolag",
    "signatory_name": "Eva Al",
    "signatory_email": "eva.al@example.org",
    "contact_name": "Bo Ask",
    "contact_email": "bo.ask@example.org",
    "contact_phone": "0701234567",
    "technical_name": "Ada Ek",
    "technical_email": "ada.ek@example.org",
    "agent_name": "",
    "agent_organisation_number": "",
    "parts": [{"basis": BASIS, "benefits": [BENEFIT]}],
    "channel": "api",
    "look_back_days": 730,
    "persons": 500,
    "annexes": {"authority": "Dnr 2026-1"},
    "message": "",
}


@pytest.fixture
def officer():
    return UserFactory(username="karin.ek", is_staff=True)


@pytest.fixture
def approver():
    return UserFactory(username="olle.lind", is_staff=True)


@pytest.fixture
def basis():
    return LegalBasisFactory()


@pytest.fixture
def agreement(basis, officer):
    return accepted(officer)


def applied(**changes) -> Connection:
    return apply_for_connection(values=VALUES | changes, at=AT)


def accepted(officer, code="AVTAL-1", **changes) -> Agreement:
    return accept_connection(connection=applied(**changes), by=officer, at=AT, code=code)


def bring_to(agreement: Agreement, status: str, officer) -> Agreement:
    """Take the agreement step by step to where it has the status."""
    if status == Status.EXAMINED:
        return agreement
    send_agreement(agreement=agreement, by=officer, at=AT)
    if status == Status.SENT:
        return agreement
    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="papper", at=AT)
    if status != Status.SIGNED_BY_CUSTOMER:
        sign_for_fk(agreement=agreement, signatory="Karin Ek", by=officer, at=AT)
    return agreement


def activated(agreement, officer, approver) -> Agreement:
    bring_to(agreement, Status.SIGNED_BY_FK, officer)
    approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)
    return agreement


def faults(**changes) -> set[tuple[str, str]]:
    with pytest.raises(ConnectionRefused) as refusal:
        applied(**changes)
    assert refusal.value.code == "INCOMPLETE"
    assert all(sentence for _, _, sentence in refusal.value.faults)
    return {(field, code) for field, code, _ in refusal.value.faults}


def part(basis=BASIS, benefits=(BENEFIT,)):
    return {"parts": [{"basis": basis, "benefits": list(benefits)}]}


# The application


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"organisation_number": "556000-0002"}, ("organisation_number", "ORGANISATION_NUMBER")),
        ({"organisation_number": ""}, ("organisation_number", "ORGANISATION_NUMBER")),
        ({"organisation_number": "19500101-2384"}, ("organisation_number", "ORGANISATION_NUMBER")),
        ({"name": " "}, ("name", "MISSING")),
        ({"signatory_name": ""}, ("signatory_name", "MISSING")),
        ({"contact_email": "bo.ask"}, ("contact_email", "INVALID")),
        ({"persons": None}, ("persons", "MISSING")),
        ({"channel": "fax"}, ("channel", "INVALID_CHOICE")),
        ({"unit": "x" * 21}, ("unit", "MAX_LENGTH")),
        ({"parts": []}, ("parts", "MISSING")),
        ({"parts": ["TEST-SKADE"]}, ("parts", "PARTS")),
        ({"parts": [{"basis": BASIS}]}, ("parts", "PARTS")),
        ({"parts": [{"basis": BASIS, "benefits": [BENEFIT]}] * 21}, ("parts", "PARTS")),
        ({"parts": [{"basis": BASIS, "benefits": [BENEFIT]}] * 2}, ("parts", "PURPOSE_TWICE")),
        (part(benefits=[]), ("parts.0.benefits", "BENEFITS_MISSING")),
        (part(benefits=["FK:FINNS-INTE"]), ("parts.0.benefits", "BENEFIT_UNKNOWN")),
        (part(benefits=["PM:AP"]), ("parts.0.benefits", "BENEFIT_NOT_IN_BASIS")),
        (part("FINNS-INTE"), ("parts.0.basis", "BASIS_UNKNOWN")),
        (part("OLD-114-26"), ("parts.0.basis", "BASIS_REPLACED")),
        (part("OLD-114-22"), ("parts.0.basis", "BASIS_CLOSED")),
        (part("INS-SKADE"), ("parts.0.basis", "BASIS_DRAFT")),
        (part("STAT-3"), ("parts.0.basis", "BASIS_NOT_IN_FORCE")),
        (part("KOM-15A"), ("parts.0.basis", "NOT_STANDING")),
        (part("KOM-SOC"), ("parts.0.basis", "RECIPIENT_KIND")),
        ({"look_back_days": 731}, ("look_back_days", "LOOK_BACK_UNMOTIVATED")),
        ({"kind": "socialnamnd"}, ("unit", "UNIT_MISSING")),
        ({"agent_name": "Ombudet AB"}, ("agent_organisation_number", "AGENT_INCOMPLETE")),
        ({"agent_organisation_number": "1"}, ("agent_organisation_number", "ORGANISATION_NUMBER")),
        ({"message": "Det gäller 19500101-2384."}, ("message", "IDENTITY_NUMBER")),
    ],
)
def test_an_application_that_cannot_be_agreed_on_is_refused_at_the_field(basis, changes, fault):
    assert fault in faults(**changes)
    assert not Connection.objects.exists()
    assert not Notice.objects.exists()


def test_a_closed_citation_is_refused_with_what_to_use_instead(basis):
    with pytest.raises(ConnectionRefused) as refusal:
        applied(**part("OLD-114-26"))

    assert "INS-SKADE" in refusal.value.faults[0][2]


def test_what_is_not_applied_for_cannot_be_slipped_in(basis):
    with pytest.raises(TypeError):
        apply_for_connection(values=VALUES | {"status": "accepted"}, at=AT)


def test_a_proposed_legal_basis_cannot_be_applied_for(officer):
    LegalBasisFactory(approved_at=None, prepared_by=officer, prepared_at=AT)

    assert ("parts.0.basis", "BASIS_UNKNOWN") in faults()


def test_an_organisation_has_one_application_waiting_at_a_time(basis):
    applied()

    assert faults() == {("organisation_number", "ALREADY_APPLIED")}
    assert applied(unit="LIV").pk


def test_one_that_came_in_between_is_refused_in_the_same_words(basis, monkeypatch):
    applied()
    monkeypatch.setattr("subscriptions.connections.application.faults_of", lambda *_: iter(()))

    assert faults() == {("organisation_number", "ALREADY_APPLIED")}


def test_a_customer_of_another_kind_is_not_taken_for_the_applicant(basis):
    CustomerFactory(organisation_number="5560000001", unit="", kind="socialnamnd")

    assert faults() == {("kind", "OTHER_KIND")}


def test_an_application_is_kept_tidily_logged_and_its_contact_told(basis):
    connection = applied(name=" Trygga Försäkringar AB ", look_back_days=1000, message="Långa skadefall.")

    assert (connection.organisation_number, connection.name) == ("5560000001", "Trygga Försäkringar AB")
    assert connection.status == Connection.Status.NOTIFIED
    event = AuditEvent.objects.get()
    assert (event.action, event.object_type, event.details) == ("create", "subscriptions.connection", {})
    notice = Notice.objects.get()
    assert (notice.code, notice.connection, notice.customer) == ("CONNECTION_RECEIVED", connection, None)


def test_an_application_in_a_customers_name_is_not_told_to_the_customer_in_another_mail(basis):
    CustomerFactory(organisation_number="5560000001", unit="")

    applied()

    assert Notice.objects.get().customer is None


# What becomes of it


def test_an_applicant_takes_back_what_waits_and_nothing_else(basis, officer):
    connection = applied()

    withdraw_connection(connection=connection, at=AT)

    assert connection.status == Connection.Status.WITHDRAWN
    assert Notice.objects.latest("pk").code == "CONNECTION_WITHDRAWN"
    for step in (
        lambda: withdraw_connection(connection=connection, at=AT),
        lambda: refuse_connection(connection=connection, by=officer, at=AT, reason=REASON),
        lambda: accept_connection(connection=connection, by=officer, at=AT, code="AVTAL-1"),
    ):
        with pytest.raises(StepRefused) as refusal:
            step()
        assert refusal.value.code == "WRONG_STEP"
    assert AuditEvent.objects.filter(action="withdraw").count() == 1


def test_a_refusal_says_why_to_the_applicant_and_in_the_log(basis, officer):
    connection = applied()

    with pytest.raises(ReasonRefused):
        refuse_connection(connection=connection, by=officer, at=AT, reason=" ")
    refuse_connection(connection=connection, by=officer, at=AT, reason="Ni är ingen försäkringsgivare.")

    assert (connection.status, connection.examined_by) == (Connection.Status.REFUSED, officer)
    assert Notice.objects.get(code="CONNECTION_REFUSED").details == {"reason": "Ni är ingen försäkringsgivare."}
    assert AuditEvent.objects.get(action="refuse").reason == "Ni är ingen försäkringsgivare."


def test_an_officer_is_shown_what_to_look_at(basis):
    LegalBasisFactory(code="TEST-PM", purpose="samordning", owners=["FK", "PM"])
    customer = CustomerFactory(organisation_number="5560000001", unit="")
    AgreementFactory(customer=customer, code="AVTAL-9")
    connection = applied(
        parts=[{"basis": BASIS, "benefits": [BENEFIT]}, {"basis": "TEST-PM", "benefits": ["PM:AP", "PM:BTI"]}],
        look_back_days=1000,
        message="Långa skadefall.",
        agent_name="Egen AB",
        agent_organisation_number="5560000001",
        technical_email="",
        channel="portal",
        persons=5000,
    )
    OwnerApprovalFactory(basis_code="TEST-PM", benefit="PM:AP")

    checks = {check.code: check for check in examine(connection)}

    assert {code: check.ok for code, check in checks.items()} == {
        "COMPLETE": True,
        "CUSTOMER": False,
        "LOOK_BACK": False,
        "OWNER": False,
        "AGENT": False,
        "CONTACTS": True,
        "ESTIMATE": False,
        "ANNEXES": False,
    }
    assert "Personuppgiftsbiträdesavtal" in checks["ANNEXES"].sentence
    assert "AVTAL-9" in checks["CUSTOMER"].sentence
    assert "PM:BTI" not in checks["OWNER"].sentence
    assert "TEST-PM" in checks["OWNER"].sentence


def test_an_ordinary_application_has_nothing_to_look_at(basis):
    assert [check.code for check in examine(applied()) if not check.ok] == []


def test_a_basis_that_closed_meanwhile_cannot_be_accepted(basis, officer):
    connection = applied()
    LegalBasisFactory(version=2, status=LegalBasis.Status.CLOSED, valid_to=DAY - timedelta(days=1))

    with pytest.raises(ConnectionRefused):
        accept_connection(connection=connection, by=officer, at=AT, code="AVTAL-1")

    connection.refresh_from_db()
    assert connection.status == Connection.Status.NOTIFIED
    assert not Agreement.objects.exists()


@pytest.mark.parametrize("code", ["", "AVTAL 1", "../1", "x" * 41, "19500101-2384"])
def test_a_code_stands_in_mails_and_addresses_and_must_be_fit_for_them(basis, officer, code):
    with pytest.raises(StepRefused) as refusal:
        accepted(officer, code=code)

    assert refusal.value.code == "CODE_INVALID"


def test_a_code_is_one_agreements_alone(basis, officer):
    AgreementFactory(code="AVTAL-1")

    with pytest.raises(StepRefused) as refusal:
        accepted(officer)

    assert refusal.value.code == "CODE_TAKEN"


# Who applied decides on nothing of it


@pytest.fixture
def applicant():
    return UserFactory(username="per.ask", is_staff=True, is_superuser=True, email="Per.Ask@example.org")


def applied_by(applicant, how) -> Connection:
    """An application of one of the staff's: sent while logged in, or one that names the address."""
    if how == "sent":
        return apply_for_connection(values=VALUES, by=applicant, at=AT)
    return applied(**{how: "per.ask@EXAMPLE.org"})


def refused(act) -> str:
    with pytest.raises(StepRefused) as refusal:
        act()
    return refusal.value.code


@pytest.mark.parametrize("how", ["sent", "signatory_email", "contact_email", "technical_email"])
def test_who_applied_or_is_named_neither_examines_signs_nor_approves(basis, officer, approver, applicant, how):
    connection = applied_by(applicant, how)
    by = {"connection": connection, "by": applicant, "at": AT}

    assert refused(lambda: accept_connection(**by, code="AVTAL-1")) == "OWN_APPLICATION"
    assert refused(lambda: refuse_connection(**by, reason=REASON)) == "OWN_APPLICATION"
    agreement = accept_connection(connection=connection, by=officer, at=AT, code="AVTAL-1")
    bring_to(agreement, Status.SIGNED_BY_CUSTOMER, officer)
    sign = {"agreement": agreement, "signatory": "Per Ask", "at": AT}
    assert refused(lambda: sign_for_fk(**sign, by=applicant)) == "OWN_APPLICATION"
    sign_for_fk(**sign, by=officer)
    approve = {"agreement": agreement, "at": AT, "reason": REASON}
    assert refused(lambda: approve_agreement(**approve, by=applicant)) == "OWN_APPLICATION"
    approve_agreement(**approve, by=approver)

    assert agreement.status == Status.ACTIVE


@pytest.mark.parametrize("how", ["sent", "contact_email"])
def test_what_somebody_applied_for_waits_for_the_others_alone(basis, officer, applicant, how):
    connection = applied_by(applicant, how)

    assert list(Connection.objects.to_examine(officer)) == [connection]
    assert not Connection.objects.to_examine(applicant).exists()


def test_the_database_keeps_who_sent_an_application_from_examining_it(basis, applicant):
    applied_by(applicant, "sent")

    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.update(examined_by=applicant, examined_at=AT)


def test_accepting_makes_a_customer_without_people_and_an_agreement_of_proposals(basis, officer):
    agreement = accepted(
        officer,
        technical_name="Ada Ek",
        technical_email="ada.ek@example.org",
        agent_name="Ombudet AB",
        agent_organisation_number="559000-0021",
        look_back_days=365,
    )

    customer = agreement.customer
    assert (customer.organisation_number, customer.kind, customer.active) == ("5560000001", "forsakringsbolag", False)
    assert not (customer.contacts.exists() or customer.agents.exists())
    assert (agreement.status, agreement.prepared_by, agreement.in_effect) == (Status.EXAMINED, officer, False)
    scope = Scope.objects.get()
    assert (scope.agreement, scope.purpose, scope.basis_code) == (agreement, PURPOSE, BASIS)
    assert (scope.benefits, scope.classes, scope.look_back_days) == ([BENEFIT], sorted(CLASSES), 365)
    assert (scope.prepared_by, scope.in_effect) == (officer, False)
    assert not Stream.objects.exists()


AGENT = {"agent_name": "Ombudet AB", "agent_organisation_number": "5590000021"}


def test_who_applies_in_a_customers_name_is_told_nothing_of_it_before_a_second_person_has_approved(
    basis, officer, approver
):
    customer = CustomerFactory(organisation_number="5560000001", unit="")
    agreement = bring_to(accepted(officer, **AGENT), Status.SIGNED_BY_FK, officer)

    assert not (customer.contacts.exists() or customer.agents.exists())
    assert "Ombudet AB" in agreement.document
    told = Notice.objects.filter(connection__agreement=agreement).order_by("pk")
    assert [one.code for one in told] == [
        "CONNECTION_RECEIVED",
        "CONNECTION_ACCEPTED",
        "AGREEMENT_SENT",
        "AGREEMENT_SIGNED",
    ]
    with pytest.raises(NotApproved):
        approve_agreement(agreement=agreement, by=officer, at=AT, reason=REASON)
    assert not customer.contacts.exists()


def test_whom_an_application_names_are_contacts_and_agent_once_its_agreement_is_approved(basis, officer, approver):
    technical = {"technical_name": "Ada Ek", "technical_email": "ada.ek@example.org"}
    customer = activated(accepted(officer, **AGENT, **technical), officer, approver).customer

    assert set(Contact.objects.filter(customer=customer).values_list("role", "email")) == {
        ("signatory", "eva.al@example.org"),
        ("connection", "bo.ask@example.org"),
        ("technical", "ada.ek@example.org"),
    }
    agent = customer.agents.get()
    assert (agent.organisation_number, agent.processing_agreement) == ("5590000021", "AVTAL-1")


def test_an_existing_customer_keeps_its_name_people_and_agents(basis, officer, approver):
    customer = CustomerFactory(organisation_number="5560000001", unit="", name="Gamla namnet AB")
    first = activated(accepted(officer, **AGENT), officer, approver)
    second = activated(accepted(officer, code="AVTAL-2", **AGENT), officer, approver)

    assert {first.customer, second.customer} == {customer}
    assert Customer.objects.get().name == "Gamla namnet AB"
    assert customer.active
    assert (customer.contacts.count(), customer.agents.count()) == (3, 1)


@pytest.mark.parametrize("stopped", [{"stopped_at": AT}, {}], ids=["by somebody", "after an earlier agreement"])
def test_a_new_agreement_does_not_start_a_customer_that_was_stopped(basis, officer, approver, stopped):
    customer = CustomerFactory(organisation_number="5560000001", unit="", active=False, **stopped)
    if not stopped:
        AgreementFactory(customer=customer, status=Status.ENDED)
    connection = applied()
    assert [check.code for check in examine(connection) if not check.ok] == ["CUSTOMER"]
    agreement = accept_connection(connection=connection, by=officer, at=AT, code="AVTAL-1")
    bring_to(agreement, Status.SIGNED_BY_FK, officer)

    with pytest.raises(StepRefused) as refusal:
        approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)

    assert refusal.value.code == "CUSTOMER_INACTIVE"
    assert not Customer.objects.get().active
    start_customer(customer=customer, by=approver, at=AT, reason=REASON)
    approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)
    assert agreement.status == Status.ACTIVE


# A customer's stop


def test_one_person_stops_a_customer_at_once_and_another_starts_it(officer, approver):
    customer = CustomerFactory()

    stop_customer(customer=customer, by=officer, at=AT, reason="Kunden har upphört.")

    assert (customer.active, customer.stopped_by, customer.stopped_at) == (False, officer, AT)
    with pytest.raises(StepRefused) as refusal:
        start_customer(customer=customer, by=officer, at=AT, reason=REASON)
    assert refusal.value.code == "SAME_PERSON"
    assert not Customer.objects.get().active
    start_customer(customer=customer, by=approver, at=AT, reason=REASON)
    assert (customer.active, customer.stopped_by, customer.stopped_at) == (True, None, None)
    logged = AuditEvent.objects.order_by("pk").values_list("action", "actor", "reason")
    assert list(logged) == [("end", officer.pk, "Kunden har upphört."), ("approve", approver.pk, REASON)]


def test_what_is_stopped_or_started_already_and_what_has_no_reason_changes_nothing(officer, approver):
    active, stopped = CustomerFactory(), CustomerFactory(active=False, stopped_at=AT, stopped_by=officer)
    new = CustomerFactory(active=False)

    for act, customer, code in (
        (start_customer, active, "CUSTOMER_NOT_STOPPED"),
        (start_customer, new, "CUSTOMER_NOT_STOPPED"),
        (stop_customer, stopped, "CUSTOMER_INACTIVE"),
    ):
        with pytest.raises(StepRefused) as refusal:
            act(customer=customer, by=approver, at=AT, reason=REASON)
        assert refusal.value.code == code
    for act, customer in ((stop_customer, active), (start_customer, stopped)):
        with pytest.raises(ReasonRefused):
            act(customer=customer, by=approver, at=AT, reason=" ")
    assert not AuditEvent.objects.exists()


# The agreement's steps

STEPS = {
    "send": lambda one, by: send_agreement(agreement=one, by=by, at=AT),
    "sign_for_customer": lambda one, by: sign_for_customer(agreement=one, signatory="Eva Al", signature="", at=AT),
    "sign_for_fk": lambda one, by: sign_for_fk(agreement=one, signatory="Karin Ek", by=by, at=AT),
    "approve": lambda one, by: approve_agreement(agreement=one, by=by, at=AT, reason=REASON),
    "refuse": lambda one, by: refuse_agreement(agreement=one, by=by, at=AT, reason=REASON),
    "end": lambda one, by: end_agreement(agreement=one, by=by, at=AT, on=None, reason=REASON),
}
OPEN = {
    Status.EXAMINED: {"send", "refuse"},
    Status.SENT: {"sign_for_customer", "refuse"},
    Status.SIGNED_BY_CUSTOMER: {"sign_for_fk", "refuse"},
    Status.SIGNED_BY_FK: {"approve", "refuse"},
    Status.ACTIVE: {"end"},
    Status.REFUSED: set(),
    Status.ENDED: set(),
}


def brought_to(status, agreement, officer, approver) -> Agreement:
    if status == Status.REFUSED:
        refuse_agreement(agreement=agreement, by=officer, at=AT, reason=REASON)
    elif status in (Status.ACTIVE, Status.ENDED):
        activated(agreement, officer, approver)
        if status == Status.ENDED:
            end_agreement(agreement=agreement, by=officer, at=AT, on=None, reason=REASON)
    else:
        bring_to(agreement, status, officer)
    return agreement


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", OPEN)
def test_each_step_is_open_at_its_place_alone(agreement, officer, approver, status, step):
    brought_to(status, agreement, officer, approver)
    before = Notice.objects.count(), AuditEvent.objects.count()

    if step in OPEN[status]:
        STEPS[step](agreement, approver)
        assert agreement.status != status
    else:
        with pytest.raises(StepRefused):
            STEPS[step](agreement, approver)
        assert Agreement.objects.get().status == status
        assert (Notice.objects.count(), AuditEvent.objects.count()) == before


def test_two_who_take_a_step_at_once_take_it_once(agreement, officer):
    same = Agreement.objects.get()
    refuse_agreement(agreement=agreement, by=officer, at=AT, reason=REASON)

    with pytest.raises(StepRefused) as refusal:
        refuse_agreement(agreement=same, by=officer, at=AT, reason=REASON)

    assert refusal.value.code == "WRONG_STEP"
    assert Notice.objects.filter(code="AGREEMENT_REFUSED", customer=agreement.customer).count() == 1


def test_an_agreement_that_covers_nothing_is_not_sent(agreement, officer):
    Scope.objects.all().delete()

    with pytest.raises(StepRefused) as refusal:
        send_agreement(agreement=agreement, by=officer, at=AT)

    assert refusal.value.code == "NOTHING_COVERED"


def test_the_text_is_kept_as_sent_with_its_digest_and_the_customer_told(agreement, officer):
    send_agreement(agreement=agreement, by=officer, at=AT)

    assert agreement.document_sha256 == agreementtext.digest(agreement.document)
    assert agreementtext.shown(agreement) == agreementtext.document(agreement)
    assert Notice.objects.get(code="AGREEMENT_SENT", connection=None).details == {"agreement": "AVTAL-1"}
    assert AuditEvent.objects.get(action="send").details == {"document": agreement.document_sha256}


def test_what_has_been_sent_is_not_sent_again_while_it_is_the_same(agreement, officer):
    bring_to(agreement, Status.SIGNED_BY_CUSTOMER, officer)

    with pytest.raises(StepRefused) as refusal:
        send_agreement(agreement=agreement, by=officer, at=AT)

    assert refusal.value.code == "DOCUMENT_UNCHANGED"
    assert Agreement.objects.get().customer_signatory == "Eva Al"


def narrowed(agreement, by):
    propose_scope(agreement=agreement, purpose=PURPOSE, values={"classes": ["period"]}, by=by, at=AT)


def tampered(agreement, by):
    Agreement.objects.update(document=agreement.document.replace("Trygga", "Otrygga"))


def tampered_with_its_digest(agreement, by):
    text = agreement.document.replace("Trygga", "Otrygga")
    Agreement.objects.update(document=text, document_sha256=agreementtext.digest(text))


@pytest.mark.parametrize("change", [narrowed, tampered, tampered_with_its_digest])
@pytest.mark.parametrize(
    ("status", "step"),
    [
        (Status.SENT, "sign_for_customer"),
        (Status.SIGNED_BY_CUSTOMER, "sign_for_fk"),
        (Status.SIGNED_BY_FK, "approve"),
    ],
)
def test_nothing_is_signed_or_approved_but_what_was_sent(agreement, officer, approver, change, status, step):
    bring_to(agreement, status, officer)
    change(agreement, officer)

    with pytest.raises(StepRefused) as refusal:
        STEPS[step](agreement, approver)

    assert refusal.value.code == "DOCUMENT_CHANGED"
    agreement.refresh_from_db()
    assert (agreement.status, agreement.approved_at) == (status, None)


def test_an_agreement_that_changed_is_sent_again_and_signed_from_the_start(agreement, officer):
    bring_to(agreement, Status.SIGNED_BY_FK, officer)
    old = agreement.document_sha256
    narrowed(agreement, officer)

    send_agreement(agreement=agreement, by=officer, at=AT)

    assert agreement.status == Status.SENT
    assert agreement.document_sha256 != old
    assert (agreement.signed_by_customer_at, agreement.signed_by_fk_at) == (None, None)
    assert not any([agreement.customer_signature, agreement.fk_signature, agreement.customer_signatory])


def test_a_customer_signs_what_it_read(agreement, officer):
    bring_to(agreement, Status.SENT, officer)

    with pytest.raises(StepRefused) as refusal:
        sign_for_customer(agreement=agreement, signatory="Eva Al", signature="", document_sha256="0" * 64, at=AT)

    assert refusal.value.code == "DOCUMENT_CHANGED"


@pytest.mark.parametrize("role", [None, Member.Role.CASE_WORKER, Member.Role.INTEGRATION])
def test_only_the_customers_administrator_signs_in_the_portal(agreement, officer, role):
    bring_to(agreement, Status.SENT, officer)
    if role is None:
        user = MemberFactory(role=Member.Role.ADMINISTRATOR).user  # of another customer
    else:
        user = MemberFactory(customer=agreement.customer, role=role).user

    with pytest.raises(StepRefused) as refusal:
        sign_for_customer(agreement=agreement, signatory="Eva Al", signature="", at=AT, user=user)

    assert refusal.value.code == "NOT_ADMINISTRATOR"


@pytest.mark.parametrize(
    ("signatory", "signature", "code"),
    [
        (" ", "", "SIGNATORY_MISSING"),
        ("Eva Al 19500101-2384", "", "SIGNATORY_MISSING"),
        ("x" * 121, "", "SIGNATORY_MISSING"),
        ("Eva Al", "x" * 200, "SIGNATURE_TOO_LONG"),
    ],
)
def test_a_signature_that_cannot_be_kept_is_none(agreement, officer, signatory, signature, code):
    bring_to(agreement, Status.SENT, officer)

    with pytest.raises(StepRefused) as refusal:
        sign_for_customer(agreement=agreement, signatory=signatory, signature=signature, at=AT)

    assert refusal.value.code == code


def test_both_signatures_are_kept_and_the_log_names_nobody(agreement, officer):
    user = MemberFactory(customer=agreement.customer, role=Member.Role.ADMINISTRATOR).user
    bring_to(agreement, Status.SENT, officer)

    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="portal", at=AT, user=user)
    sign_for_fk(agreement=agreement, signatory="Karin Ek", by=officer, at=AT)

    assert (agreement.customer_signatory, agreement.fk_signatory) == ("Eva Al", "Karin Ek")
    assert agreement.customer_signature.startswith("recorded:")
    assert agreement.customer_signature.endswith(" portal")
    signed = AuditEvent.objects.filter(action="sign").order_by("pk")
    assert [(event.actor, event.details["party"]) for event in signed] == [(user, "customer"), (officer, "fk")]
    assert "Eva" not in str([event.details for event in signed])
    assert Notice.objects.filter(code="AGREEMENT_SIGNED", customer=agreement.customer).count() == 1


def test_who_prepared_an_agreement_cannot_approve_it(agreement, officer, approver):
    bring_to(agreement, Status.SIGNED_BY_FK, officer)
    officer.is_superuser = True
    officer.save()

    with pytest.raises(NotApproved) as refusal:
        approve_agreement(agreement=agreement, by=officer, at=AT, reason=REASON)

    assert refusal.value.code == "SAME_PERSON"
    assert Agreement.objects.get().status == Status.SIGNED_BY_FK


def test_who_proposed_a_part_of_it_cannot_approve_it_either(agreement, officer, approver):
    narrowed(agreement, approver)
    bring_to(agreement, Status.SIGNED_BY_FK, officer)

    with pytest.raises(NotApproved):
        approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)

    held = Agreement.objects.get()
    assert (held.status, held.approved_at) == (Status.SIGNED_BY_FK, None)


def test_who_signed_for_fk_may_approve_what_another_prepared(agreement, officer, approver):
    bring_to(agreement, Status.SIGNED_BY_CUSTOMER, officer)
    sign_for_fk(agreement=agreement, signatory="Olle Lind", by=approver, at=AT)

    approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)

    assert agreement.status == Status.ACTIVE


def test_an_approval_needs_a_reason(agreement, officer, approver):
    bring_to(agreement, Status.SIGNED_BY_FK, officer)

    with pytest.raises(ReasonRefused):
        approve_agreement(agreement=agreement, by=approver, at=AT, reason="")


def test_an_agreement_on_a_basis_that_closed_meanwhile_is_not_approved(agreement, officer, approver):
    bring_to(agreement, Status.SIGNED_BY_FK, officer)
    Customer.objects.update(kind="socialnamnd")

    with pytest.raises(ScopeRefused):
        approve_agreement(agreement=agreement, by=approver, at=AT, reason=REASON)

    assert Agreement.objects.get().approved_at is None


def test_an_approved_agreement_is_active_with_its_scopes_and_streams(agreement, officer, approver):
    activated(agreement, officer, approver)

    assert (agreement.status, agreement.approved_by) == (Status.ACTIVE, approver)
    scope = Scope.objects.get()
    assert (scope.approved_by, scope.in_effect) == (approver, True)
    assert list(Stream.objects.values_list("agreement", "purpose", "channel")) == [(agreement.pk, PURPOSE, "api")]
    assert Customer.objects.get().active
    told = Notice.objects.get(code="AGREEMENT_ACTIVE").details
    assert told == {"agreement": "AVTAL-1", "day": "2026-11-23"}
    assert AuditEvent.objects.filter(action="approve", object_type="subscriptions.agreement").get().reason == REASON


def test_what_is_signed_stays_as_it_was_when_the_agreement_changes(agreement, officer, approver):
    activated(agreement, officer, approver)
    signed = agreementtext.shown(agreement)
    agreement.customer.name = "Nya namnet AB"
    agreement.customer.save()

    assert agreementtext.shown(Agreement.objects.get()) == signed


def test_a_refused_agreement_leaves_no_proposal_waiting(agreement, officer):
    refuse_agreement(agreement=agreement, by=officer, at=AT, reason="Avtalet återtas.")

    assert (agreement.status, agreement.ended_why) == (Status.REFUSED, "Avtalet återtas.")
    assert not Scope.objects.proposed().exists()
    told = Notice.objects.filter(code="AGREEMENT_REFUSED")
    assert {one.customer for one in told} == {agreement.customer, None}
    assert {one.details["reason"] for one in told} == {"Avtalet återtas."}


# Its end


@pytest.mark.parametrize(
    ("valid_to", "on", "code"),
    [
        (None, DAY - timedelta(days=1), "DAY_PASSED"),
        (DAY + timedelta(days=9), DAY + timedelta(days=9), "NOT_EARLIER"),
        (DAY + timedelta(days=9), DAY + timedelta(days=10), "NOT_EARLIER"),
    ],
)
def test_an_end_lies_ahead_and_is_never_put_off(officer, valid_to, on, code):
    agreement = AgreementFactory(valid_to=valid_to)

    with pytest.raises(StepRefused) as refusal:
        end_agreement(agreement=agreement, by=officer, at=AT, on=on, reason=REASON)

    assert refusal.value.code == code
    assert Agreement.objects.get().valid_to == valid_to


def test_an_end_before_the_start_is_refused(officer):
    agreement = AgreementFactory(valid_from=DAY + timedelta(days=5))

    with pytest.raises(StepRefused) as refusal:
        end_agreement(agreement=agreement, by=officer, at=AT, on=DAY, reason=REASON)

    assert refusal.value.code == "BEFORE_START"


@pytest.mark.parametrize(
    ("on", "status", "last"),
    [
        (None, Status.ENDED, DAY),
        (DAY, Status.ACTIVE, DAY),
        (DAY + timedelta(days=30), Status.ACTIVE, DAY + timedelta(days=30)),
    ],
)
def test_an_agreement_ends_at_once_or_after_a_day_and_the_customer_is_told(officer, on, status, last):
    agreement = AgreementFactory(code="AVTAL-1")

    end_agreement(agreement=agreement, by=officer, at=AT, on=on, reason="Kunden har sagt upp avtalet.")

    assert (agreement.status, agreement.valid_to) == (status, last)
    assert agreement.ended_why == "Kunden har sagt upp avtalet."
    assert Notice.objects.get().details == {"agreement": "AVTAL-1", "day": last.isoformat()}
    assert AuditEvent.objects.get().action == "end"


def test_an_agreement_whose_last_day_has_passed_is_marked_as_ended():
    over, last_day = AgreementFactory(valid_to=DAY - timedelta(days=1)), AgreementFactory(valid_to=DAY)
    open_ended = AgreementFactory()

    assert end_expired_agreements(day=DAY, at=AT) == 1
    assert end_expired_agreements(day=DAY, at=AT) == 0

    statuses = dict(Agreement.objects.values_list("pk", "status"))
    assert statuses == {over.pk: Status.ENDED, last_day.pk: Status.ACTIVE, open_ended.pk: Status.ACTIVE}
