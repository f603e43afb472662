"""How far an application has come, as steps in order."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Agreement, Connection


class State(StrEnum):
    DONE = "done"
    NOW = "now"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when it was done, or why it stopped."""

    title: str | Promise
    state: State
    day: date | None = None
    why: str = ""


TITLES = (
    _("Received"),
    _("Examined"),
    _("Agreement sent"),
    _("Signed by you"),
    _("Signed by Försäkringskassan"),
    _("Approved by a second person"),
    _("Active"),
)


def steps(connection: Connection) -> list[Step]:
    """The steps of an application, from the first to the last; none after the one that it stopped at."""
    ends, why = _stopped(connection)
    found: list[Step] = []
    for title, at in zip(TITLES, _instants(connection), strict=True):
        if at is not None:
            found.append(Step(title, State.DONE, _day(at)))
        elif ends is not None:
            found.append(Step(ends, State.STOPPED, why=why))
            break
        else:
            before = found[-1].state
            found.append(Step(title, State.NOW if before == State.DONE else State.WAITING))
    agreement = connection.agreement
    if agreement is not None and agreement.status == Agreement.Status.ENDED:
        found.append(Step(_("Ended"), State.STOPPED, agreement.valid_to, agreement.ended_why))
    return found


def _instants(connection: Connection) -> tuple[datetime | date | None, ...]:
    """When each step was done, in the order of TITLES."""
    agreement = connection.agreement
    if agreement is None:
        return connection.submitted_at, None, None, None, None, None, None
    approved = agreement.approved_at
    return (
        connection.submitted_at,
        connection.examined_at,
        agreement.sent_at,
        agreement.signed_by_customer_at,
        agreement.signed_by_fk_at,
        approved,
        max(agreement.valid_from, _day(approved)) if approved else None,
    )


def _stopped(connection: Connection) -> tuple[str | Promise | None, str]:
    """What ended it, with the reason; None while nothing has."""
    agreement = connection.agreement
    if connection.status == Connection.Status.REFUSED:
        return _("Refused"), connection.refusal
    if connection.status == Connection.Status.WITHDRAWN:
        return _("Withdrawn by you"), ""
    if agreement is not None and agreement.status == Agreement.Status.REFUSED:
        return _("Agreement refused"), agreement.ended_why
    return None, ""


def _day(at: datetime | date) -> date:
    return timezone.localdate(at) if isinstance(at, datetime) else at
