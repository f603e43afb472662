"""The agreement's steps: sent, signed by both, approved by a second person, and its end."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from lefi import foureyes
from lefi.audit.models import Action
from lefi.masking import mask_identity_numbers
from lefi.reasons import demand_reason
from subscriptions import agreementtext
from subscriptions.connections.agents import is_registered, register_agent
from subscriptions.connections.customers import is_stopped
from subscriptions.connections.steps import compare_and_set, demand_not_own, log_step, refused
from subscriptions.models import Agreement, Connection, Contact, Customer, Member, Scope, Stream
from subscriptions.notices import notify, notify_applicant
from subscriptions.scopes import ScopeRefused, faults_of_part, open_streams
from subscriptions.signing import signing

SIGNATURE_LONGEST = 200  # characters, as the agreement holds
Status = Agreement.Status
UNTIL_ACTIVE = (Status.EXAMINED, Status.SENT, Status.SIGNED_BY_CUSTOMER, Status.SIGNED_BY_FK)


@transaction.atomic
def send_agreement(*, agreement: Agreement, by: Any, at: datetime) -> None:
    """Fix the agreement's text, keep it with its SHA-256, and tell the customer that it is there to sign.

    One that has changed since it was sent is sent again, and signed again from the start. Raise StepRefused WRONG_STEP,
    NOTHING_COVERED, or DOCUMENT_UNCHANGED.
    """
    held = _held(agreement)
    if held.status not in UNTIL_ACTIVE:
        raise refused("WRONG_STEP", status=held.get_status_display())
    if not held.scopes.exists():
        raise refused("NOTHING_COVERED")
    text = agreementtext.written(agreementtext.document(held))
    if held.status != Status.EXAMINED and held.document == text:
        raise refused("DOCUMENT_UNCHANGED")
    compare_and_set(
        agreement,
        UNTIL_ACTIVE,
        status=Status.SENT,
        document=text,
        document_sha256=agreementtext.digest(text),
        sent_at=at,
        signed_by_customer_at=None,
        customer_signatory="",
        customer_signature="",
        signed_by_fk_at=None,
        fk_signatory="",
        fk_signature="",
    )
    log_step(agreement, Action.SEND, by, document=agreement.document_sha256)
    _tell(held, "AGREEMENT_SENT", at)


@transaction.atomic
def sign_for_customer(
    *,
    agreement: Agreement,
    signatory: str,
    signature: str,
    at: datetime,
    user: Any = None,
    document_sha256: str = "",
) -> None:
    """The customer signs: through the portal as an administrator of it, or on paper, recorded without a user.

    `signature` says how, such as what was ticked or where the paper is kept; it stands after what the signing backend
    gives. `document_sha256` is what the signatory read, if that is known.

    Raise StepRefused: WRONG_STEP, NOT_ADMINISTRATOR, SIGNATORY_MISSING, SIGNATURE_TOO_LONG, DOCUMENT_CHANGED.
    """
    held = _held(agreement)
    administrators = Member.objects.filter(customer=held.customer_id, role=Member.Role.ADMINISTRATOR)
    if user is not None and not (user.is_active and administrators.filter(user=user).exists()):
        raise refused("NOT_ADMINISTRATOR")
    signed = _signed(held, Status.SENT, signatory, signature, document_sha256)
    compare_and_set(
        agreement,
        [Status.SENT],
        status=Status.SIGNED_BY_CUSTOMER,
        signed_by_customer_at=at,
        customer_signatory=signatory.strip(),
        customer_signature=signed,
    )
    logged = {"party": "customer", "document": agreement.document_sha256}
    log_step(agreement, Action.SIGN, user, customer_id=agreement.customer_id, **logged)


@transaction.atomic
def sign_for_fk(*, agreement: Agreement, signatory: str, by: Any, at: datetime, document_sha256: str = "") -> None:
    """Försäkringskassan signs, after the customer, and the customer is told.

    Raise as `sign_for_customer`; StepRefused OWN_APPLICATION to who applied for it.
    """
    held = _held(agreement)
    demand_not_own(_application_of(held), by)
    signed = _signed(held, Status.SIGNED_BY_CUSTOMER, signatory, "", document_sha256)
    compare_and_set(
        agreement,
        [Status.SIGNED_BY_CUSTOMER],
        status=Status.SIGNED_BY_FK,
        signed_by_fk_at=at,
        fk_signatory=signatory.strip(),
        fk_signature=signed,
    )
    log_step(agreement, Action.SIGN, by, party="fk", document=agreement.document_sha256)
    _tell(held, "AGREEMENT_SIGNED", at)


@transaction.atomic
def approve_agreement(*, agreement: Agreement, by: Any, at: datetime, reason: str) -> None:
    """Put the agreement in force, by another than who prepared it; tell the customer.

    Its scopes are approved with it, its streams opened, and whom its application names are contacts and agent of the
    customer from now on. A new customer becomes active.

    Raise NotApproved SAME_PERSON; StepRefused WRONG_STEP, OWN_APPLICATION to who applied for it, CUSTOMER_INACTIVE if
    the customer is stopped, or DOCUMENT_CHANGED if what is to be approved is not what was signed; ScopeRefused
    INCOMPLETE if a basis can no longer serve the customer.
    """
    reason = demand_reason(reason)
    held = _held(agreement)
    if held.status != Status.SIGNED_BY_FK:
        raise refused("WRONG_STEP", status=held.get_status_display())
    if is_stopped(held.customer):
        raise refused("CUSTOMER_INACTIVE")
    connection = _application_of(held)
    demand_not_own(connection, by)
    scopes = list(held.scopes.proposed())
    foureyes.approve(held, by=by, at=at, reason=reason)
    _demand_as_sent(held)
    _demand_served(held, scopes, timezone.localdate(at))
    for scope in scopes:
        foureyes.approve(scope, by=by, at=at, reason=reason)
    compare_and_set(agreement, [Status.SIGNED_BY_FK], status=Status.ACTIVE)
    Customer.objects.filter(pk=held.customer_id, active=False, stopped_at=None).update(active=True)
    if connection:
        _add_people(connection, held, by, at)
    channel = connection.channel if connection else Stream.Channel.API
    for scope in scopes:
        open_streams(held, scope.purpose, [channel])
    begins = max(held.valid_from, timezone.localdate(at))
    notify(held.customer, "AGREEMENT_ACTIVE", at=at, agreement=agreement.code, day=begins.isoformat())


@transaction.atomic
def refuse_agreement(*, agreement: Agreement, by: Any, at: datetime, reason: str) -> None:
    """Refuse an agreement that is not active yet, drop its proposals, and tell the customer why.

    Raise StepRefused WRONG_STEP, or ReasonRefused.
    """
    reason = demand_reason(reason)
    compare_and_set(agreement, UNTIL_ACTIVE, status=Status.REFUSED, ended_why=reason)
    for scope in agreement.scopes.proposed():
        foureyes.drop(scope, by=by, reason=reason)
    log_step(agreement, Action.REFUSE, by, reason=reason)
    _tell(agreement, "AGREEMENT_REFUSED", at, reason=reason)


@transaction.atomic
def end_agreement(*, agreement: Agreement, by: Any, at: datetime, on: date | None, reason: str) -> None:
    """End an active agreement after a day, or at once without one, and tell the customer. One person is enough.

    Raise StepRefused: WRONG_STEP, DAY_PASSED, BEFORE_START, NOT_EARLIER if it ends before that already; ReasonRefused.
    """
    reason = demand_reason(reason)
    held, today = _held(agreement), timezone.localdate(at)
    if held.status != Status.ACTIVE:
        raise refused("WRONG_STEP", status=held.get_status_display())
    if on is None:
        last = max(held.valid_from, min(today, held.valid_to or today))
        compare_and_set(agreement, [Status.ACTIVE], status=Status.ENDED, valid_to=last, ended_why=reason)
    else:
        last = _last_day(held, on, today)
        compare_and_set(agreement, [Status.ACTIVE], valid_to=last, ended_why=reason)
    log_step(agreement, Action.END, by, reason=reason, day=last.isoformat())
    notify(held.customer, "AGREEMENT_ENDED", at=at, agreement=agreement.code, day=last.isoformat())


@transaction.atomic
def end_expired_agreements(*, day: date, at: datetime) -> int:
    """Mark active agreements whose last day has passed as ended; return how many. Nothing is told on them already."""
    return Agreement.objects.filter(status=Status.ACTIVE, valid_to__lt=day).update(status=Status.ENDED)


def _application_of(agreement: Agreement) -> Connection | None:
    return Connection.objects.filter(agreement=agreement).first()


def _tell(agreement: Agreement, code: str, at: datetime, **details: Any) -> None:
    """Tell the customer, and who applied for the agreement: nobody is a contact for having applied."""
    notify(agreement.customer, code, at=at, agreement=agreement.code, **details)
    connection = _application_of(agreement)
    if connection:
        notify_applicant(connection, code, at=at, agreement=agreement.code, **details)


def _add_people(connection: Connection, agreement: Agreement, by: Any, at: datetime) -> None:
    """Make contacts and agent of the customer of whom the application names, if they are not there.

    The agreement's text names the agent, so its code stands as the agent's data processing agreement.
    """
    customer, number, day = agreement.customer, connection.agent_organisation_number, timezone.localdate(at)
    for one in contacts_in(connection):
        Contact.objects.get_or_create(
            customer=customer, role=one.role, email=one.email, defaults={"name": one.name, "phone": one.phone}
        )
    if number and not is_registered(customer, number, day):
        register_agent(
            customer=customer,
            organisation_number=number,
            name=connection.agent_name,
            processing_agreement=agreement.code,
            valid_from=day,
            by=by,
            at=at,
        )


def contacts_in(connection: Connection) -> list[Contact]:
    """The contacts that an application names; not saved."""
    signatory = Contact(role=Contact.Role.SIGNATORY, name=connection.signatory_name, email=connection.signatory_email)
    contact = Contact(
        role=Contact.Role.CONNECTION,
        name=connection.contact_name,
        email=connection.contact_email,
        phone=connection.contact_phone,
    )
    technical = Contact(role=Contact.Role.TECHNICAL, name=connection.technical_name, email=connection.technical_email)
    return [one for one in (signatory, contact, technical) if one.email]


def _last_day(agreement: Agreement, on: date, today: date) -> date:
    if on < today:
        raise refused("DAY_PASSED")
    if on < agreement.valid_from:
        raise refused("BEFORE_START")
    if agreement.valid_to is not None and agreement.valid_to <= on:
        raise refused("NOT_EARLIER")
    return on


def _signed(agreement: Agreement, step: str, signatory: str, how: str, read: str) -> str:
    """What the signing backend gives for the document that was sent, with how it was signed."""
    if agreement.status != step:
        raise refused("WRONG_STEP", status=agreement.get_status_display())
    name = signatory.strip()
    if not name or len(name) > 120 or mask_identity_numbers(name) != name:
        raise refused("SIGNATORY_MISSING")
    _demand_as_sent(agreement)
    if read and read != agreement.document_sha256:
        raise refused("DOCUMENT_CHANGED")
    signature = " ".join(filter(None, [signing().sign(agreement.document_sha256, name), how.strip()]))
    if len(signature) > SIGNATURE_LONGEST:
        raise refused("SIGNATURE_TOO_LONG")
    return signature


def _demand_as_sent(agreement: Agreement) -> None:
    """That the text kept is the one sent, and says what the agreement's rows say now."""
    kept = agreement.document
    now = agreementtext.written(agreementtext.document(agreement))
    if kept != now or agreementtext.digest(kept) != agreement.document_sha256:
        raise refused("DOCUMENT_CHANGED")


def _demand_served(agreement: Agreement, scopes: Iterable[Scope], day: date) -> None:
    kind = agreement.customer.kind
    faults = [fault for scope in scopes for fault in faults_of_part(scope.basis_code, scope.benefits, kind, day)]
    if faults:
        raise ScopeRefused("INCOMPLETE", " ".join(sentence for _field, _code, sentence in faults), faults)


def _held(agreement: Agreement) -> Agreement:
    """The agreement as it is now, held to the end of the transaction."""
    return (
        Agreement.objects.select_for_update(no_key=True, of=("self",)).select_related("customer").get(pk=agreement.pk)
    )
