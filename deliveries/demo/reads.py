"""What was read in the month before: made-up reads that the follow-up finds, so that there is one to sign."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from benefits.models import Person
from lefi.audit.models import Action, AuditEvent
from subscriptions.followup import look_through

MANY = 60  # persons, in one day
WHY = "DEMO: läst i förra månaden"


def look_back(at: datetime) -> int:
    """Make the reads of the last month that is over, and look through it; return how much was found."""
    month = (timezone.localdate(at).replace(day=1) - timedelta(days=1)).replace(day=1)
    persons = list(Person.objects.order_by("pk").values_list("pk", flat=True)[:MANY])
    first = next(day for day in (month + timedelta(days=n) for n in range(7)) if day.isoweekday() == 2)  # a Tuesday
    rows = [_read("handlaggare", person, first, 10) for person in persons]
    rows += [_read("jurist", persons[0], first + timedelta(days=day), 9) for day in (0, 1, 2, 3, 6, 7)]
    rows += [_read("godkannare", person, first + timedelta(days=4), 11) for person in persons[:8]]  # a Saturday
    rows += [_read("dataskydd", persons[1], first + timedelta(days=day), 14) for day in (0, 1, 2, 3, 6, 7)]
    rows += [
        _read("jurist", None, first, hour, action=Action.SEARCH, details={"found": False}) for hour in range(7, 18)
    ]
    AuditEvent.objects.bulk_create(rows)
    return look_through(month=month, at=at).findings


def _read(username: str, person: int | None, day: date, hour: int, **values: Any) -> AuditEvent:
    reader = get_user_model().objects.get(username=username)
    said = {"action": Action.READ, "object_type": "benefits.person", "object_id": str(person or "")} | values
    at = timezone.make_aware(datetime.combine(day, time(hour)))
    return AuditEvent(at=at, actor=reader, person_id=person, reason=WHY, **said)
