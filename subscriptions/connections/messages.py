"""Messages about an application, both ways: kept as they were sent."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import Action
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from subscriptions.connections.steps import log_step
from subscriptions.models import Agreement, Connection, ConnectionMessage
from subscriptions.notices import notify_applicant

LONGEST = 4000  # characters
UNDER_WAY = (Connection.Status.NOTIFIED, Connection.Status.ACCEPTED)
OVER = (Agreement.Status.ACTIVE, Agreement.Status.REFUSED, Agreement.Status.ENDED)
REFUSALS: dict[str, Promise] = {
    "EMPTY": _("Write something first."),
    "TOO_LONG": _("The message is longer than 4000 characters."),
    "IDENTITY_NUMBER": _("Leave out what looks like an identity number."),
    "CLOSED": _("The application is over. Turn to us as a customer, or apply anew."),
}


class MessageRefused(Refused):
    """A message that is not sent: EMPTY, TOO_LONG, IDENTITY_NUMBER, or CLOSED once the application is over."""


def may_write(connection: Connection) -> bool:
    """Whether an application is under way: neither over nor an agreement in force."""
    agreement = connection.agreement
    return connection.status in UNDER_WAY and (agreement is None or agreement.status not in OVER)


@transaction.atomic
def write_as_applicant(*, connection: Connection, text: str, at: datetime) -> ConnectionMessage:
    """Send a message to the officer who examines the application. Raise MessageRefused."""
    return _write(connection, text, None, at)


@transaction.atomic
def answer_applicant(*, connection: Connection, text: str, by: Any, at: datetime) -> ConnectionMessage:
    """Send a message to the applicant, who is told by mail that there is one. Raise MessageRefused."""
    message = _write(connection, text, by, at)
    notify_applicant(connection, "CONNECTION_MESSAGE", at=at)
    return message


def _write(connection: Connection, text: str, by: Any, at: datetime) -> ConnectionMessage:
    tidy = text.replace("\r\n", "\n").strip()
    code = _fault(connection, tidy)
    if code:
        raise MessageRefused(code, str(REFUSALS[code]))
    message = ConnectionMessage.objects.create(connection=connection, by=by, at=at, text=tidy)
    log_step(connection, Action.SEND, by, message=message.pk)
    return message


def _fault(connection: Connection, text: str) -> str:
    if not may_write(connection):
        return "CLOSED"
    if not text:
        return "EMPTY"
    if len(text) > LONGEST:
        return "TOO_LONG"
    return "IDENTITY_NUMBER" if mask_identity_numbers(text) != text else ""
