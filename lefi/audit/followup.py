"""Following up the log of reads, month by month (SFB 114:13): what was found is frozen, and signed off by people.

The rules that find something know more than the log, and stand higher up (`subscriptions.followup`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from lefi.audit.models import Action, AuditEvent, Finding, FollowUp, FollowUpQuerySet, SignOff, record
from lefi.errors import Refused
from lefi.reasons import demand_reason


class FollowUpRefused(Refused):
    """A month that cannot be frozen or signed off: NOT_OVER, SIGNED, OWN_READING or ALTERED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a rule found: who read how much about how many; on one day or about one person, if it is about that."""

    rule: str
    reader: int
    persons: int
    reads: int
    day: date | None = None
    person: int | None = None
    usual: int | None = None


def next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def begins(day: date) -> datetime:
    """The instant at which a day begins in Sweden."""
    return timezone.make_aware(datetime.combine(day, time.min))


def months_to_look_through(day: date) -> list[date]:
    """The months that are over and in which something was logged or later, and that nobody has looked through."""
    first = AuditEvent.objects.order_by("at").values_list("at", flat=True).first()
    if first is None:
        return []
    month, months = timezone.localdate(first).replace(day=1), []
    while next_month(month) <= day:
        months.append(month)
        month = next_month(month)
    done = set(FollowUp.objects.values_list("month", flat=True))
    return [one for one in months if one not in done]


@transaction.atomic
def freeze(*, month: date, found: Iterable[Found], thresholds: Mapping[str, Any], at: datetime) -> FollowUp:
    """Keep what was found in a month, for good. Once kept it stays: of two at once the second changes nothing.

    Raise FollowUpRefused (NOT_OVER) before the month is over.
    """
    if next_month(month) > timezone.localdate(at):
        raise FollowUpRefused("NOT_OVER", "The month is not over.")
    rows = list(found)
    kept, made = FollowUp.objects.get_or_create(
        month=month,
        defaults={
            "found_at": at,
            "due_at": begins(next_month(month) + timedelta(days=settings.FOLLOW_UP_DAYS)),
            "thresholds": dict(thresholds),
            "findings": len(rows),
            "digest": digest(rows),
        },
    )
    if made:
        Finding.objects.bulk_create((_row(kept, one) for one in rows), batch_size=1000)
    return kept


@transaction.atomic
def sign_off(*, followup: FollowUp, remarks: str, by: Any, at: datetime) -> SignOff:
    """Sign off a month's findings, but for those about the signer's own reading: these wait for another.

    Raise FollowUpRefused if the signer has signed it (SIGNED), if all that was found is the signer's own reading
    (OWN_READING), or if the rows are not those that were frozen (ALTERED); ReasonRefused for remarks that cannot be
    kept.
    """
    said = demand_reason(remarks)
    rows = [_found(one) for one in followup.found.all()]
    others = [one for one in rows if one.reader != by.pk]
    if (len(rows), digest(rows)) != (followup.findings, followup.digest):
        raise FollowUpRefused("ALTERED", "The findings are not those that were frozen.")
    if rows and not others:
        raise FollowUpRefused("OWN_READING", "All that was found is the signer's own reading.")
    kept, made = SignOff.objects.get_or_create(
        followup=followup,
        by=by,
        defaults={"at": at, "remarks": said, "findings": len(others), "digest": digest(others)},
    )
    if not made:
        raise FollowUpRefused("SIGNED", "The signer has signed this month already.")
    label = FollowUp._meta.label_lower
    record(action=Action.SIGN, object_type=label, object_id=followup.pk, actor=by, reason=said, findings=len(others))
    return kept


def overdue(at: datetime) -> FollowUpQuerySet:
    """The months that should have been signed off by now and are not, in whole."""
    return FollowUp.objects.overdue(at)


def digest(rows: Iterable[Found]) -> str:
    """One digest of findings, in whatever order they come."""
    lines = sorted("|".join("" if value is None else str(value) for value in astuple(one)) for one in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _row(followup: FollowUp, one: Found) -> Finding:
    return Finding(
        followup=followup,
        rule=one.rule,
        reader_id=one.reader,
        day=one.day,
        person_id=one.person,
        persons=one.persons,
        reads=one.reads,
        usual=one.usual,
    )


def _found(row: Finding) -> Found:
    return Found(
        rule=row.rule,
        reader=row.reader_id,  # type: ignore[attr-defined]
        persons=row.persons,
        reads=row.reads,
        day=row.day,
        person=row.person_id,
        usual=row.usual,
    )
