"""The application for a connection: taken if it is complete and the law allows it, examined, accepted or refused."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi import foureyes
from lefi.audit.models import Action
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from lefi.reasons import demand_reason
from subscriptions.connections.steps import compare_and_set, demand_not_own, log_step, organisation, refused
from subscriptions.models import Agreement, Connection, Customer
from subscriptions.notices import notify_applicant
from subscriptions.profiles import basis_on
from subscriptions.scopes import LOOK_BACK_DAYS, Fault, faults_of_part, first_scope

BOARDS = frozenset({"socialnamnd"})  # share a municipality's number, so the unit says which (R3, OSL 8:2)
MOST_PARTS = 20
LONGEST = 120  # characters of the reference to an annex
WAITING = (Connection.Status.NOTIFIED,)
APPLIED_FOR = frozenset(
    {
        "organisation_number",
        "unit",
        "name",
        "kind",
        "signatory_name",
        "signatory_email",
        "contact_name",
        "contact_email",
        "contact_phone",
        "technical_name",
        "technical_email",
        "agent_name",
        "agent_organisation_number",
        "parts",
        "channel",
        "look_back_days",
        "persons",
        "annexes",
        "message",
    }
)
FREE_TEXTS = ("unit", "name", "signatory_name", "contact_name", "technical_name", "agent_name", "message")
CODE = re.compile(r"[\w.-]{1,40}")
FAULTS: dict[str, Promise] = {
    "ORGANISATION_NUMBER": _("This is not an organisation number."),
    "UNIT_MISSING": _("Name the board's unit: the boards of a municipality share one organisation number."),
    "AGENT_INCOMPLETE": _("Give both the agent's name and its organisation number, or neither."),
    "IDENTITY_NUMBER": _("Leave out what looks like an identity number."),
    "PARTS": _("Say for each legal basis which benefits you apply for."),
    "PURPOSE_TWICE": _("Two legal bases are for the same purpose. Choose one of them."),
    "LOOK_BACK_UNMOTIVATED": _("More than %(days)s days back needs a reason. Write it in the message."),
    "ALREADY_APPLIED": _("An application from this organisation and unit waits to be examined already."),
    "ANNEXES": _("Name each annex in a few words, without identity numbers."),
    "OTHER_KIND": _("The organisation is a customer already, of another kind."),
}


class Annex(TextChoices):
    """A document that goes with an application. It is sent outside the system; the application holds its reference."""

    AUTHORITY = "authority", _("Proof that the signatory may sign for the organisation")
    PROCESSING = "processing", _("Data processing agreement with the agent")


class ConnectionRefused(Refused):
    """An application that is not taken. `faults` says what is wrong: (field, code, sentence).

    The field is one of APPLIED_FOR; of a part it is `parts.0.basis` or `parts.0.benefits`, by its place.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("INCOMPLETE", str(_("The application is not complete.")))
        self.faults = list(faults)


@transaction.atomic
def apply_for_connection(*, values: Mapping[str, Any], by: Any = None, at: datetime) -> Connection:
    """Take an application to be examined, and tell its contact.

    `values` holds the fields of APPLIED_FOR by name. Raise ConnectionRefused if anything is missing or cannot be agreed
    on; TypeError for other names.
    """
    connection = filled_in(values)
    connection.token, connection.submitted_at, connection.submitted_by = uuid4(), at, by
    faults = list(faults_of(connection, timezone.localdate(at)))
    if faults:
        raise ConnectionRefused(faults)
    try:
        with transaction.atomic():
            connection.save(force_insert=True)
    except IntegrityError as error:  # another came in between
        raise ConnectionRefused([_fault("organisation_number", "ALREADY_APPLIED")]) from error
    log_step(connection, Action.CREATE, by)
    notify_applicant(connection, "CONNECTION_RECEIVED", at=at)
    return connection


@transaction.atomic
def withdraw_connection(*, connection: Connection, at: datetime) -> None:
    """The applicant takes the application back. Raise StepRefused WRONG_STEP once it has been examined."""
    compare_and_set(connection, WAITING, status=Connection.Status.WITHDRAWN)
    log_step(connection, Action.WITHDRAW, None, at=at.isoformat())
    notify_applicant(connection, "CONNECTION_WITHDRAWN", at=at)


@transaction.atomic
def refuse_connection(*, connection: Connection, by: Any, at: datetime, reason: str) -> None:
    """Refuse an application, and tell its contact why. Raise StepRefused WRONG_STEP, OWN_APPLICATION; ReasonRefused."""
    reason = demand_reason(reason)
    demand_not_own(connection, by)
    compare_and_set(
        connection,
        WAITING,
        status=Connection.Status.REFUSED,
        refusal=reason,
        examined_by=by,
        examined_at=at,
    )
    log_step(connection, Action.REFUSE, by, reason=reason)
    notify_applicant(connection, "CONNECTION_REFUSED", at=at, reason=reason)


@transaction.atomic
def accept_connection(*, connection: Connection, by: Any, at: datetime, code: str) -> Agreement:
    """Find the application good: make its customer, if need be, and an agreement with its scopes as proposals.

    The agreement covers what was applied for, with all the field classes that its bases can give; the officer may
    propose less. Whom the application names is no contact and no agent of the customer, and a new customer is not
    active, before a second person has approved the agreement.

    Raise StepRefused (WRONG_STEP, OWN_APPLICATION, CODE_INVALID, CODE_TAKEN), or ConnectionRefused if it can no longer
    be agreed on.
    """
    held = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection.pk)
    if held.status != Connection.Status.NOTIFIED:
        raise refused("WRONG_STEP", status=held.get_status_display())
    demand_not_own(held, by)
    _demand_code(code)
    faults = list(faults_of(held, timezone.localdate(at)))
    if faults:
        raise ConnectionRefused(faults)
    agreement = _new_agreement(held, _customer_of(held), code, by, at)
    compare_and_set(
        connection,
        WAITING,
        status=Connection.Status.ACCEPTED,
        agreement=agreement,
        examined_by=by,
        examined_at=at,
    )
    log_step(connection, Action.APPROVE, by)
    notify_applicant(connection, "CONNECTION_ACCEPTED", at=at)
    return agreement


def filled_in(values: Mapping[str, Any]) -> Connection:
    """An application, not saved, of values that may lack some. Raise TypeError for other names than APPLIED_FOR."""
    if unknown := values.keys() - APPLIED_FOR:
        raise TypeError(f"not applied for: {sorted(unknown)}")
    tidy = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    connection = Connection(**tidy)
    _normalise(connection)
    return connection


def annexes_needed(connection: Connection) -> list[Annex]:
    """The documents that go with an application."""
    return [Annex.AUTHORITY, Annex.PROCESSING] if connection.agent_name else [Annex.AUTHORITY]


def _normalise(connection: Connection) -> None:
    """Organisation numbers as they are kept; what is none stays as written, and is found to be a fault."""
    for name in ("organisation_number", "agent_organisation_number"):
        written = getattr(connection, name) or ""
        setattr(connection, name, organisation(written) or written)


def faults_of(connection: Connection, day: date) -> Iterator[Fault]:
    """All that hinders an application from being taken, or accepted."""
    yield from _form_faults(connection)
    if not organisation(connection.organisation_number):
        yield _fault("organisation_number", "ORGANISATION_NUMBER")
    if connection.kind in BOARDS and not connection.unit:
        yield _fault("unit", "UNIT_MISSING")
    yield from _agent_faults(connection)
    for name in FREE_TEXTS:
        text = getattr(connection, name) or ""
        if mask_identity_numbers(text) != text:
            yield _fault(name, "IDENTITY_NUMBER")
    if not _are_annexes(connection.annexes):
        yield _fault("annexes", "ANNEXES")
    if looks_back_far(connection) and not connection.message:
        yield _fault("look_back_days", "LOOK_BACK_UNMOTIVATED", days=LOOK_BACK_DAYS)
    yield from _part_faults(connection, day)
    same = {"organisation_number": connection.organisation_number, "unit": connection.unit}
    waiting = Connection.objects.filter(**same, status=Connection.Status.NOTIFIED)
    if waiting.exclude(pk=connection.pk).exists():
        yield _fault("organisation_number", "ALREADY_APPLIED")
    if Customer.objects.filter(**same).exclude(kind=connection.kind).exists():
        yield _fault("kind", "OTHER_KIND")


def _form_faults(connection: Connection) -> Iterator[Fault]:
    """What the fields' own rules say: missing, too long, not an address."""
    others = {field.name for field in connection._meta.fields} - APPLIED_FOR
    try:
        connection.clean_fields(exclude=others | {"organisation_number", "agent_organisation_number"})
    except ValidationError as error:
        for name, found in error.error_dict.items():
            for one in found:
                code = "MISSING" if one.code in ("blank", "null") else (one.code or "invalid").upper()
                yield name, code, " ".join(one.messages)


def _agent_faults(connection: Connection) -> Iterator[Fault]:
    number = connection.agent_organisation_number
    if number and not organisation(number):
        yield _fault("agent_organisation_number", "ORGANISATION_NUMBER")
    elif bool(number) != bool(connection.agent_name):
        yield _fault("agent_organisation_number", "AGENT_INCOMPLETE")


def _are_annexes(annexes: Any) -> bool:
    """Whether it is a reference of the applicant's for some of the documents."""
    return isinstance(annexes, dict) and all(
        code in Annex.values and isinstance(text, str) and len(text) <= LONGEST and mask_identity_numbers(text) == text
        for code, text in annexes.items()
    )


def looks_back_far(connection: Connection) -> bool:
    days = connection.look_back_days
    return isinstance(days, int) and days > LOOK_BACK_DAYS


def _part_faults(connection: Connection, day: date) -> Iterator[Fault]:
    parts = connection.parts
    if not _well_formed(parts):
        if parts:
            yield _fault("parts", "PARTS")
        return
    for place, part in enumerate(parts):
        for field, code, sentence in faults_of_part(part["basis"], part["benefits"], connection.kind, day):
            yield f"parts.{place}.{field}", code, sentence
    purposes = [basis.purpose for part in parts if (basis := basis_on(part["basis"], day))]
    if len(purposes) != len(set(purposes)):
        yield _fault("parts", "PURPOSE_TWICE")


def _well_formed(parts: Any) -> bool:
    """Whether it is a short, non-empty list of {"basis": code, "benefits": [code, ...]}."""
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST_PARTS:
        return False
    return all(
        isinstance(part, dict)
        and part.keys() == {"basis", "benefits"}
        and isinstance(part["basis"], str)
        and isinstance(part["benefits"], list)
        and all(isinstance(code, str) for code in part["benefits"])
        for part in parts
    )


def _demand_code(code: str) -> None:
    if not CODE.fullmatch(code) or mask_identity_numbers(code) != code:
        raise refused("CODE_INVALID")
    if Agreement.objects.filter(code=code).exists():
        raise refused("CODE_TAKEN")


def _customer_of(connection: Connection) -> Customer:
    """The customer by organisation number and unit, made if need be."""
    customer, _made = Customer.objects.get_or_create(
        organisation_number=connection.organisation_number,
        unit=connection.unit,
        defaults={"name": connection.name, "kind": connection.kind, "active": False},
    )
    return customer


def _new_agreement(connection: Connection, customer: Customer, code: str, by: Any, at: datetime) -> Agreement:
    day = timezone.localdate(at)
    agreement = Agreement(customer=customer, code=code, valid_from=day)
    foureyes.propose(agreement, by=by, at=at)
    for part in connection.parts:
        scope = first_scope(agreement, part["basis"], part["benefits"], connection.look_back_days, day)
        foureyes.propose(scope, by=by, at=at)
    return agreement


def _fault(field: str, code: str, **details: Any) -> Fault:
    return field, code, str(FAULTS[code]) % details
