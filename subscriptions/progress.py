"""How far an application has come, as steps in order, and what comes next."""

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


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next; `yours` if it waits for the applicant. `page` names an address to go to."""

    title: Promise
    text: Promise
    yours: bool = False
    page: str = ""
    words: Promise | str = ""


APPLY_ANEW = Next(
    _("You can apply anew"),
    _("Mend what hindered the application, and send another."),
    yours=True,
    page="connect",
    words=_("Apply for connection"),
)
WAITING = Next(
    _("We examine your application"),
    _("You need do nothing now. We write here if something is unclear, and you are told by mail."),
)
BY_AGREEMENT: dict[str, Next] = {
    Agreement.Status.EXAMINED: Next(
        _("We prepare the agreement"), _("You need do nothing now. You are told by mail when it is there to sign.")
    ),
    Agreement.Status.SENT: Next(
        _("Read and sign the agreement"),
        _("The organisation's administrator logs in, reads the agreement and signs it on the same page."),
        yours=True,
        page="portal:agreement-list",
        words=_("To the agreement"),
    ),
    Agreement.Status.SIGNED_BY_CUSTOMER: Next(
        _("We sign the agreement"), _("You need do nothing now. You are told by mail when we have signed.")
    ),
    Agreement.Status.SIGNED_BY_FK: Next(
        _("A second person of ours examines it"), _("You need do nothing now. After that the agreement holds.")
    ),
    Agreement.Status.ACTIVE: Next(
        _("Order your first watches"),
        _("The agreement holds. What you order today comes with the next night's delivery."),
        yours=True,
        page="portal:start",
        words=_("To the start page"),
    ),
    Agreement.Status.REFUSED: APPLY_ANEW,
    Agreement.Status.ENDED: APPLY_ANEW,
}
TITLES = (
    _("Received"),
    _("Examined"),
    _("Agreement sent"),
    _("Signed by you"),
    _("Signed by Försäkringskassan"),
    _("Approved by a second person"),
    _("Active"),
)


def next_step(connection: Connection) -> Next:
    """What is to be done next about an application, whoever does it."""
    if connection.agreement is not None:
        return BY_AGREEMENT[connection.agreement.status]
    return WAITING if connection.status == Connection.Status.NOTIFIED else APPLY_ANEW


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
