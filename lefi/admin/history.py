"""What has happened to a row: its own moments and what people did to it, in one line of time, the newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from lefi.admin.masked import masked
from lefi.audit.models import AuditEvent

MOST = 50
SAME = timedelta(seconds=2)  # a moment of the row and what the log says of it are one event


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    what: str
    who: str = ""
    why: str = ""
    details: str = ""


Moments = Iterable[str | tuple[str, str]]


def events_of(row: Model, moments: Moments, request: HttpRequest) -> list[Event]:
    """The newest events of a row. What the log tells with its actor stands for the row's own moment at that time.

    `moments` names the row's moments, with the field that says who if it is no other than that which ends in `_by`.
    A customer's own people are named to those alone who may see users.
    """
    names = request.user.has_perm("accounts.view_user")  # type: ignore[union-attr]
    logged = [_logged(masked(one), names) for one in AuditEvent.objects.acts_on(row)[:MOST]]
    times = [one.at for one in logged]
    own = (one for one in _own(masked(row), moments, names) if not any(abs(one.at - at) < SAME for at in times))
    return sorted([*logged, *own], key=attrgetter("at"), reverse=True)[:MOST]


def may_read_log(request: HttpRequest) -> bool:
    return request.user.has_perm("audit.view_auditevent")  # type: ignore[union-attr]


def log_of(row: Model) -> str:
    """The address of the log, narrowed to all that was done to a row, reads too."""
    query = urlencode({"object_type": row._meta.label_lower, "object_id": row.pk})
    return f"{reverse('admin:audit_auditevent_changelist')}?{query}"


def _own(row: Any, moments: Moments, names: bool) -> Iterator[Event]:
    for one in moments:
        name, by = one if isinstance(one, tuple) else (one, f"{one.removesuffix('_at')}_by")
        at, who = getattr(row, name), getattr(row, by, None)
        if at is not None:
            yield Event(at, capfirst(str(row._meta.get_field(name).verbose_name)), _called(who, names))


def _logged(event: AuditEvent, names: bool) -> Event:
    who = _called(event.actor, names) or event.by
    return Event(event.at, capfirst(event.get_action_display()), who, event.reason, ", ".join(event.fields))


def _called(who: Any, names: bool) -> str:
    if who and not names and not getattr(who, "is_staff", False):
        return _("somebody at the customer")
    return str(who or "")
