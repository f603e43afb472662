"""Legal bases and data owners' approvals: proposed by one, in force once another has approved (R2, R6).

A version that has been approved is never changed: a change is a new version, and what it would affect can be seen
before it takes effect. An approval of an owner's can be ended by one person alone, since that only narrows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.models import Agreement, Customer, LegalBasis, OwnerApproval, Scope, Watch
from subscriptions.notices import notify
from subscriptions.profiles import basis_on

# What a version says, in the order of its form.
FIELDS = (
    "title_sv",
    "title_en",
    "citations",
    "recipient_kinds",
    "purpose",
    "valid_from",
    "valid_to",
    "status",
    "service",
    "consent_needed",
    "needs",
    "owners",
    "benefits",
    "classes",
    "agreement_classes",
    "outcomes",
    "fee",
    "protection",
    "protection_days",
    "reconfirm_days",
    "use_instead",
    "note_sv",
    "note_en",
    "ours",
)
OVER = (Agreement.Status.REFUSED, Agreement.Status.ENDED)


class BasisRefused(Refused):
    """A version that is not taken (VERSION_TAKEN, START_MISSING, END_MISSING) or not approved (OVERTAKEN)."""


class ApprovalRefused(Refused):
    """An end that is not set: APPROVAL_NOT_IN_EFFECT, APPROVAL_END_PAST, APPROVAL_END_LATER."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a basis that a version changes; the values as the columns hold them."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Resting:
    """An agreement that rests on a basis, and how many open watches it has on it."""

    agreement: Agreement
    customer: Customer
    watches: int


@dataclass(frozen=True, slots=True)
class Affected:
    """What a change of a basis touches: agreements that are not over, and all their open watches on it."""

    agreements: tuple[Resting, ...]
    watches: int


@transaction.atomic
def propose_basis(*, basis: LegalBasis, by: Any, at: datetime) -> LegalBasis:
    """Save a new version of a basis as a proposal; it has no effect.

    Raise BasisRefused: END_MISSING if it is closed without a last day, START_MISSING if it has no first day although
    an earlier version has begun (it would never take effect), VERSION_TAKEN if its number is another's by now.
    """
    if basis.status == LegalBasis.Status.CLOSED and basis.valid_to is None:
        raise BasisRefused("END_MISSING", "A closed basis says on which day it was last in force.")
    earlier = LegalBasis.objects.approved().filter(code=basis.code, valid_from__isnull=False)
    if basis.valid_from is None and earlier.exists():
        raise BasisRefused("START_MISSING", "A new version says from which day it holds.")
    try:
        with transaction.atomic():
            foureyes.propose(basis, by=by, at=at)
    except IntegrityError as error:
        if LegalBasis.objects.filter(code=basis.code, version=basis.version).exists():
            raise BasisRefused("VERSION_TAKEN", "Another has just proposed a version with this number.") from error
        raise
    return basis


@transaction.atomic
def approve_basis(*, basis: LegalBasis, by: Any, at: datetime, reason: str) -> None:
    """Put a proposed version in effect, and tell the customers whose basis it closes.

    Raise lefi.foureyes.NotApproved, or BasisRefused OVERTAKEN if a later version holds already from its first day.
    """
    day = timezone.localdate(at)
    old = held_before(basis, day)
    if old is not None and old.version > basis.version:
        raise BasisRefused("OVERTAKEN", "A later version of the basis holds already.")
    foureyes.approve(basis, by=by, at=at, reason=demand_reason(reason))
    closes = first_day_closed(basis, old, day)
    if closes is not None:
        for one in affected_by_basis(basis.code).agreements:
            notify(
                one.customer,
                "BASIS_CLOSED",
                at=at,
                agreement=one.agreement.code,
                basis=basis.code,
                day=closes.isoformat(),
                use_instead=_use_instead(basis),
            )


def takes_effect(basis: LegalBasis, today: date) -> date | None:
    """The first day on which a version approved today would hold; None for a draft, or one without a first day.

    Such a version is only what a basis is called where nothing else of it has begun: nothing is told on it.
    """
    if basis.status == LegalBasis.Status.DRAFT or basis.valid_from is None:
        return None
    return max(today, basis.valid_from)


def first_day_closed(basis: LegalBasis, old: LegalBasis | None, today: date) -> date | None:
    """The first day on which nothing is told on a basis because of a version approved today; None if it goes on.

    None as well where what held before (`old`) stopped it as early.
    """
    begins, until = takes_effect(basis, today), _first_day_without(old, today)
    stops = None if begins is None else _first_day_without(basis, begins)
    return stops if stops is not None and (until is None or stops < until) else None


def _first_day_without(basis: LegalBasis | None, begins: date) -> date | None:
    """The first day from `begins` on which a version serves no standing watch; None if it always does."""
    if basis is None or basis.status != LegalBasis.Status.ACTIVE or basis.service != LegalBasis.Service.STANDING:
        return begins
    return None if basis.valid_to is None else max(begins, basis.valid_to + timedelta(days=1))


def changes_of(basis: LegalBasis, old: LegalBasis | None) -> list[Change]:
    """What a version says otherwise than `old`; all that it says, if there is none."""
    pairs = ((name, getattr(old, name, None), getattr(basis, name)) for name in FIELDS)
    return [Change(name, before, now) for name, before, now in pairs if old is None or before != now]


def held_before(basis: LegalBasis, today: date) -> LegalBasis | None:
    """The approved version that a proposal would take the place of."""
    return basis_on(basis.code, takes_effect(basis, today) or today)


def affected_by_basis(code: str) -> Affected:
    """The agreements whose scope rests on a basis, and the open watches there. Two queries."""
    return _affected(Q(basis_code=code), Q())


def affected_by_approval(approval: OwnerApproval) -> Affected:
    """The agreements on the approval's basis with open watches for its benefit. Two queries."""
    found = _affected(Q(basis_code=approval.basis_code), Q(benefit=approval.benefit))
    covering = tuple(one for one in found.agreements if one.watches)
    return Affected(covering, found.watches)


def _affected(scopes: Q, watches: Q) -> Affected:
    resting: dict[tuple[int, str], Scope] = {
        (scope.agreement_id, scope.purpose): scope
        for scope in Scope.objects.newest()
        .filter(scopes)
        .exclude(agreement__status__in=OVER)
        .select_related("agreement__customer")
    }
    counts: dict[int, int] = {scope.agreement_id: 0 for scope in resting.values()}
    rows = (
        Watch.objects.open()
        .filter(watches, stream__agreement__in=counts)
        .values_list("stream__agreement", "stream__purpose")
        .annotate(number=Count("pk"))
        .order_by()
    )
    for agreement, purpose, number in rows:
        counts[agreement] += number if (agreement, purpose) in resting else 0
    agreements = {scope.agreement_id: scope.agreement for scope in resting.values()}
    return Affected(tuple(_resting(agreements.values(), counts)), sum(counts.values()))


def _resting(agreements: Iterable[Agreement], counts: dict[int, int]) -> Iterable[Resting]:
    for agreement in sorted(agreements, key=lambda one: one.code):
        yield Resting(agreement, agreement.customer, counts[agreement.pk])


def _use_instead(basis: LegalBasis) -> str:
    """What to rest on instead, in the language that notices are mailed in; empty if there is nothing."""
    if not basis.use_instead:
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        return _("Use legal basis %(code)s instead.") % {"code": basis.use_instead}


@transaction.atomic
def end_approval(*, approval: OwnerApproval, on: date, by: Any, at: datetime, reason: str) -> OwnerApproval:
    """Set the last day of an owner's approval; one person may, since less is told by it.

    Raise ApprovalRefused: APPROVAL_NOT_IN_EFFECT for a proposal, APPROVAL_END_PAST for a day before yesterday or before
    its first day (what has held stays as it was), APPROVAL_END_LATER if it ends on that day or sooner already.
    """
    if not approval.in_effect:
        raise ApprovalRefused("APPROVAL_NOT_IN_EFFECT", "The approval is not in effect.")
    if on < max(approval.valid_from, timezone.localdate(at) - timedelta(days=1)):
        raise ApprovalRefused("APPROVAL_END_PAST", "The last day is yesterday at the earliest.")
    longer = OwnerApproval.objects.approved().filter(Q(valid_to=None) | Q(valid_to__gt=on), pk=approval.pk)
    if not longer.update(valid_to=on):
        raise ApprovalRefused("APPROVAL_END_LATER", "The approval ends on that day or sooner already.")
    record(
        action=Action.END,
        object_type=approval._meta.label_lower,
        object_id=approval.pk,
        actor=by,
        reason=demand_reason(reason),
        on=on.isoformat(),
    )
    approval.refresh_from_db()
    return approval
