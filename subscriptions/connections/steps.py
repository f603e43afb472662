"""What every step is made of: taken once, by whoever comes first, or refused in words."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.identity import IdentityError, parse_organisation
from lefi.audit.models import record
from lefi.errors import Refused
from subscriptions.models import Agreement, Connection

REFUSALS: dict[str, Promise] = {
    "WRONG_STEP": _("This cannot be done at this step: %(status)s."),
    "CODE_INVALID": _("A code has up to 40 letters, digits, dots, dashes and underscores."),
    "CODE_TAKEN": _("There is an agreement with this code already."),
    "DOCUMENT_CHANGED": _("The agreement is not what was sent. Send it again, so that both parties sign the same."),
    "DOCUMENT_UNCHANGED": _("The agreement has been sent as it is."),
    "SIGNATORY_MISSING": _("Say who signs, by name."),
    "NOT_ADMINISTRATOR": _("Only an administrator of the customer may sign for it."),
    "SIGNATURE_TOO_LONG": _("The signature is longer than can be kept."),
    "NOTHING_COVERED": _("The agreement covers nothing."),
    "DAY_PASSED": _("An agreement cannot end on a day that has passed."),
    "BEFORE_START": _("It would end before it starts."),
    "NOT_EARLIER": _("It ends earlier than that already. To go on longer needs a new agreement."),
    "ORGANISATION_NUMBER": _("This is not an organisation number."),
    "NAME_MISSING": _("A name is needed."),
    "PROCESSING_AGREEMENT_MISSING": _("An agent needs a data processing agreement with the customer."),
    "AGENT_REGISTERED": _("The agent is registered for the customer already."),
    "CUSTOMER_INACTIVE": _("The customer is not active. A stopped customer must be started first."),
    "CUSTOMER_NOT_STOPPED": _("The customer is not stopped."),
    "SAME_PERSON": _("A customer is started by another person than who stopped it."),
    "OWN_APPLICATION": _("Who sent an application, or is named in it, does not decide on it."),
}


class StepRefused(Refused):
    """A step that is not taken. WRONG_STEP: it is not the one that comes next, or somebody took it already."""


def refused(code: str, **details: Any) -> StepRefused:
    return StepRefused(code, str(REFUSALS[code]) % details)


def compare_and_set(row: Connection | Agreement, after: Iterable[str], **values: Any) -> None:
    """Set the values if the row's status is one of `after`, and read it again. Raise StepRefused WRONG_STEP if not."""
    rows: Any = type(row)._default_manager.filter(pk=row.pk, status__in=list(after))
    moved = rows.update(**values)
    row.refresh_from_db()
    if not moved:
        raise refused("WRONG_STEP", status=row.get_status_display())


def demand_not_own(connection: Connection | None, by: Any) -> None:
    """Raise StepRefused OWN_APPLICATION to who sent an application, and to whom it names by address."""
    if connection is not None and Connection.objects.filter(pk=connection.pk).applied_by(by).exists():
        raise refused("OWN_APPLICATION")


def log_step(row: Any, action: str, by: Any, *, reason: str = "", **details: Any) -> None:
    record(action=action, object_type=row._meta.label_lower, object_id=row.pk, actor=by, reason=reason, **details)


def organisation(text: str) -> str:
    """An organisation's number in 10 digits; "" if the text is none."""
    try:
        return parse_organisation(text)
    except IdentityError:
        return ""
