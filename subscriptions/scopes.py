"""What an agreement covers, and how that changes: widened by two people, narrowed by one and at once (R4, R5).

Every change is a new version of the scope of one purpose. A basis may be agreed on only while it can serve the
customer; a narrowing is taken whatever has become of the basis.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import benefit_name
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.languages import language
from lefi.reasons import demand_reason
from subscriptions.decision import Refusal, in_force
from subscriptions.models import Agreement, LegalBasis, Scope, Stream
from subscriptions.notices import notify
from subscriptions.profiles import basis_on, standing_on

LOOK_BACK_DAYS = 730  # the longest without an exception in the agreement
Fault = tuple[str, str, str]  # the field, a stable code, and a sentence in the reader's language

FAULTS: dict[str, Promise] = {
    Refusal.BASIS_UNKNOWN: _("There is no legal basis %(basis)s."),
    Refusal.BASIS_CLOSED: _("Legal basis %(basis)s no longer applies."),
    "BASIS_REPLACED": _("Legal basis %(basis)s no longer applies. Use %(use_instead)s instead."),
    Refusal.BASIS_DRAFT: _("Legal basis %(basis)s has not been approved."),
    Refusal.BASIS_NOT_IN_FORCE: _("Legal basis %(basis)s is not in force."),
    Refusal.NOT_STANDING: _("Legal basis %(basis)s does not allow a standing subscription."),
    Refusal.RECIPIENT_KIND: _("Legal basis %(basis)s does not name this kind of recipient."),
    Refusal.BENEFIT_NOT_IN_BASIS: _("Legal basis %(basis)s does not cover %(benefit)s."),
    "BENEFIT_UNKNOWN": _("There is no benefit %(benefit)s."),
    "BENEFITS_MISSING": _("Choose at least one benefit."),
    "CLASS_NOT_IN_BASIS": _("Legal basis %(basis)s does not give the field class %(field_class)s."),
    "PURPOSE": _("The purpose is not that of the legal basis."),
}
REFUSALS: dict[str, Promise] = {
    "WRONG_STEP": _("This cannot be done while the agreement is: %(status)s."),
    "NO_CHANGE": _("This is what the agreement covers already."),
    "NO_SCOPE": _("The agreement covers nothing for this purpose."),
    "NOT_NARROWER": _("This is more than the agreement covers now, so it needs a second person's approval."),
    "SUPERSEDED": _("What the agreement covers has changed since this was proposed. Propose it again."),
    "STREAM_EXISTS": _("There is already such a stream."),
}


class ScopeRefused(Refused):
    """A change of what an agreement covers that is not made. `faults` is what is wrong with the values (INCOMPLETE)."""

    def __init__(self, code: str, sentence: str = "", faults: Iterable[Fault] = ()) -> None:
        super().__init__(code, sentence)
        self.faults = list(faults)


@dataclass(frozen=True, slots=True)
class Difference:
    """What one version covers and another does not; `look_back` is days before and after, None where there is none."""

    benefits_gained: tuple[str, ...]
    benefits_lost: tuple[str, ...]
    classes_gained: tuple[str, ...]
    classes_lost: tuple[str, ...]
    look_back: tuple[int | None, int | None]
    basis: tuple[str, str]

    @property
    def nothing(self) -> bool:
        lists = self.benefits_gained, self.benefits_lost, self.classes_gained, self.classes_lost
        return not any(lists) and self.look_back[0] == self.look_back[1] and self.basis[0] == self.basis[1]

    @property
    def only_narrows(self) -> bool:
        before, after = self.look_back
        shorter = before is not None and (after is None or after <= before)
        same_basis = self.basis[0] == self.basis[1]
        return not self.benefits_gained and not self.classes_gained and shorter and same_basis


def scope_difference(old: Scope | None, new: Scope | None) -> Difference:
    """What `new` covers beside `old`, and the other way round. None covers nothing."""
    benefits_gained, benefits_lost = _gained_and_lost(old.benefits if old else (), new.benefits if new else ())
    classes_gained, classes_lost = _gained_and_lost(old.classes if old else (), new.classes if new else ())
    return Difference(
        benefits_gained,
        benefits_lost,
        classes_gained,
        classes_lost,
        look_back=(old.look_back_days if old else None, new.look_back_days if new else None),
        basis=(old.basis_code if old else "", new.basis_code if new else ""),
    )


def _gained_and_lost(old: Iterable[str], new: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before, after = set(old), set(new)
    return tuple(sorted(after - before)), tuple(sorted(before - after))


def in_force_for(agreement: Agreement, purpose: str) -> Scope | None:
    """The version that holds: the newest approved."""
    return Scope.objects.approved().filter(agreement=agreement, purpose=purpose).order_by("-version").first()


def openings(day: date) -> list[tuple[LegalBasis, list[str]]]:
    """The bases that serve standing subscriptions on a day, in order of code, each with the kinds it is open to."""
    versions = LegalBasis.objects.approved().order_by("code", "-version")
    held = (standing_on(group, day) for _code, group in groupby(versions, attrgetter("code")))
    found = [(one, [kind for kind in one.recipient_kinds if not _basis_refusal(one, kind, day)]) for one in held if one]
    return [(basis, kinds) for basis, kinds in found if kinds]


def open_bases(kind: str, day: date) -> list[LegalBasis]:
    """The bases on which a kind of recipient may be served by a standing subscription on a day, in order of code."""
    return [basis for basis, kinds in openings(day) if kind in kinds]


def faults_of_part(basis_code: str, benefits: Iterable[str], kind: str, day: date) -> Iterator[Fault]:
    """What hinders a kind of recipient from being told of the benefits on the basis; fields `basis` and `benefits`."""
    basis = basis_on(basis_code, day)
    if basis is None:
        yield fault("basis", Refusal.BASIS_UNKNOWN, basis=basis_code)
        return
    refusal = _basis_refusal(basis, kind, day)
    if refusal:
        yield fault("basis", refusal, basis=basis.code, use_instead=basis.use_instead)
        return
    if not benefits:
        yield fault("benefits", "BENEFITS_MISSING")
    for code in benefits:
        known = catalogue().benefits.get(code)
        if known is None:
            yield fault("benefits", "BENEFIT_UNKNOWN", benefit=code)
        elif known.owner not in basis.owners or (basis.benefits is not None and code not in basis.benefits):
            yield fault("benefits", Refusal.BENEFIT_NOT_IN_BASIS, basis=basis.code, benefit=benefit_name(code))


def fault(field: str, code: str, **details: Any) -> Fault:
    return field, str(code), str(FAULTS[code]) % details


def _basis_refusal(basis: LegalBasis, kind: str, day: date) -> str:
    """Why a basis cannot be agreed on with a kind of recipient on a day; "" if it can."""
    if basis.status == LegalBasis.Status.CLOSED or (basis.valid_to is not None and basis.valid_to < day):
        return "BASIS_REPLACED" if basis.use_instead else Refusal.BASIS_CLOSED
    if basis.status != LegalBasis.Status.ACTIVE:
        return Refusal.BASIS_DRAFT
    if not in_force(basis.valid_from, basis.valid_to, day):
        return Refusal.BASIS_NOT_IN_FORCE
    if basis.service != LegalBasis.Service.STANDING:
        return Refusal.NOT_STANDING
    return "" if kind in basis.recipient_kinds else Refusal.RECIPIENT_KIND


@transaction.atomic
def propose_scope(*, agreement: Agreement, purpose: str, values: Mapping[str, Any], by: Any, at: datetime) -> Scope:
    """Propose what an agreement is to cover for a purpose; a proposal that waits already gives way to it.

    `values` holds `basis_code`, `benefits`, `classes` and `look_back_days`; what is left out is as it is now, else as
    it is proposed, else all that the basis can give and two years. The proposals of an agreement that is not active
    yet are approved with the agreement, which must be sent again.

    Raise ScopeRefused: WRONG_STEP after its end, NO_CHANGE, or INCOMPLETE with `faults`.
    """
    agreement = _held(agreement)
    if agreement.status in (Agreement.Status.REFUSED, Agreement.Status.ENDED):
        raise _refused("WRONG_STEP", status=agreement.get_status_display())
    now = in_force_for(agreement, purpose)
    waiting = Scope.objects.proposed().filter(agreement=agreement, purpose=purpose).order_by("version")
    scope = _version(agreement, purpose, values, now or waiting.last(), timezone.localdate(at))
    _demand_sound(scope, timezone.localdate(at))
    if scope_difference(now, scope).nothing:
        raise _refused("NO_CHANGE")
    for other in waiting:
        foureyes.drop(other, by=by, reason="another proposal took its place")
    foureyes.propose(scope, by=by, at=at)
    return scope


@transaction.atomic
def approve_scope(*, scope: Scope, by: Any, at: datetime, reason: str) -> None:
    """Let a proposed version hold, open the streams of a new purpose, and tell the customer.

    Raise NotApproved (SAME_PERSON, NOT_PROPOSED); ScopeRefused WRONG_STEP unless the agreement is active, SUPERSEDED if
    a later version holds already, INCOMPLETE if the basis can no longer serve the customer.
    """
    reason = demand_reason(reason)
    agreement = _held(scope.agreement)
    _demand_active(agreement)
    now = in_force_for(agreement, scope.purpose)
    if now is not None and now.version > scope.version:
        raise _refused("SUPERSEDED")
    _demand_sound(scope, timezone.localdate(at))
    foureyes.approve(scope, by=by, at=at, reason=reason)
    open_streams(agreement, scope.purpose, _channels(agreement))
    notify(agreement.customer, "AGREEMENT_CHANGED", at=at, agreement=agreement.code)


@transaction.atomic
def narrow_scope(*, agreement: Agreement, purpose: str, values: Mapping[str, Any], by: Any, at: datetime) -> Scope:
    """Narrow what an active agreement covers for a purpose, at once; `values` as in `propose_scope`.

    Raise ScopeRefused: WRONG_STEP, NO_SCOPE, NO_CHANGE, or NOT_NARROWER unless benefits and classes are among those in
    force, the look-back is no longer and the basis is the same.
    """
    agreement = _held(agreement)
    _demand_active(agreement)
    now = in_force_for(agreement, purpose)
    if now is None:
        raise _refused("NO_SCOPE")
    scope = _version(agreement, purpose, values, now, timezone.localdate(at))
    difference = scope_difference(now, scope)
    if difference.nothing:
        raise _refused("NO_CHANGE")
    if not difference.only_narrows:
        raise _refused("NOT_NARROWER")
    scope.narrows = True
    scope.prepared_by, scope.prepared_at, scope.approved_at = by, at, at
    scope.save(force_insert=True)
    record(
        action=Action.CHANGE,
        object_type=scope._meta.label_lower,
        object_id=scope.pk,
        actor=by,
        narrows_to=scope.version,
    )
    notify(agreement.customer, "AGREEMENT_CHANGED", at=at, agreement=agreement.code)
    return scope


def change_scope(*, agreement: Agreement, purpose: str, values: Mapping[str, Any], by: Any, at: datetime) -> Scope:
    """Narrow at once if the values do no more than that, else propose; raise as these do.

    `in_effect` of what is returned says which it was.
    """
    now = in_force_for(agreement, purpose)
    if now is not None and agreement.status == Agreement.Status.ACTIVE:
        wanted = _version(agreement, purpose, values, now, timezone.localdate(at))
        if scope_difference(now, wanted).only_narrows:
            return narrow_scope(agreement=agreement, purpose=purpose, values=values, by=by, at=at)
    return propose_scope(agreement=agreement, purpose=purpose, values=values, by=by, at=at)


@transaction.atomic
def open_stream(*, agreement: Agreement, purpose: str, channel: str, by: Any, at: datetime) -> Stream:
    """Open a further channel for a purpose that an active agreement covers, and tell the customer.

    Raise ScopeRefused: WRONG_STEP, NO_SCOPE or STREAM_EXISTS.
    """
    agreement = _held(agreement)
    _demand_active(agreement)
    if in_force_for(agreement, purpose) is None:
        raise _refused("NO_SCOPE")
    opened = open_streams(agreement, purpose, [channel])
    if not opened:
        raise _refused("STREAM_EXISTS")
    record(action=Action.CREATE, object_type=opened[0]._meta.label_lower, object_id=opened[0].pk, actor=by)
    notify(agreement.customer, "AGREEMENT_CHANGED", at=at, agreement=agreement.code)
    return opened[0]


def open_streams(agreement: Agreement, purpose: str, channels: Iterable[str]) -> list[Stream]:
    """Make the streams of a purpose that are not there, in the caller's transaction, and return those made."""
    found = (Stream.objects.get_or_create(agreement=agreement, purpose=purpose, channel=one) for one in channels)
    return [stream for stream, made in found if made]


def _channels(agreement: Agreement) -> list[str]:
    """The channels that an agreement's deliveries go through."""
    return list(agreement.streams.order_by("channel").values_list("channel", flat=True).distinct())


def _held(agreement: Agreement) -> Agreement:
    """The agreement as it is now, held to the end of the transaction: its versions are numbered one at a time."""
    return (
        Agreement.objects.select_for_update(no_key=True, of=("self",)).select_related("customer").get(pk=agreement.pk)
    )


def _demand_active(agreement: Agreement) -> None:
    if agreement.status != Agreement.Status.ACTIVE:
        raise _refused("WRONG_STEP", status=agreement.get_status_display())


def _version(agreement: Agreement, purpose: str, values: Mapping[str, Any], now: Scope | None, day: date) -> Scope:
    """The next version for the purpose, like `now` but for the values; not saved."""
    code = values.get("basis_code") or (now.basis_code if now else "")
    basis = basis_on(code, day)
    all_classes = sorted({*basis.classes, *basis.agreement_classes}) if basis else []
    versions = Scope.objects.filter(agreement=agreement, purpose=purpose)
    return Scope(
        agreement=agreement,
        purpose=purpose,
        version=(versions.aggregate(last=Max("version"))["last"] or 0) + 1,
        basis_code=code,
        benefits=list(values.get("benefits", now.benefits if now else [])),
        classes=list(values.get("classes", now.classes if now else all_classes)),
        look_back_days=values.get("look_back_days", now.look_back_days if now else LOOK_BACK_DAYS),
    )


def first_scope(agreement: Agreement, basis_code: str, benefits: list[str], look_back_days: int, day: date) -> Scope:
    """A new agreement's version for the purpose of a basis, with all the field classes that it can give; not saved."""
    basis = basis_on(basis_code, day)
    values = {"basis_code": basis_code, "benefits": benefits, "look_back_days": look_back_days}
    return _version(agreement, basis.purpose if basis else "", values, None, day)


def _demand_sound(scope: Scope, day: date) -> None:
    faults = list(_faults(scope, day))
    if faults:
        raise ScopeRefused("INCOMPLETE", " ".join(sentence for _field, _code, sentence in faults), faults)


def _faults(scope: Scope, day: date) -> Iterator[Fault]:
    """What is wrong with a version that is more than a narrowing; fields by the names of `propose_scope`'s values."""
    for field, code, sentence in faults_of_part(scope.basis_code, scope.benefits, scope.agreement.customer.kind, day):
        yield ("basis_code" if field == "basis" else field), code, sentence
    basis = basis_on(scope.basis_code, day)
    if basis is None:
        return
    if basis.purpose != scope.purpose:
        yield fault("purpose", "PURPOSE")
    known = catalogue().classes
    for one in scope.classes:
        if one not in basis.classes and one not in basis.agreement_classes:
            name = getattr(known[one], language()) if one in known else one
            yield fault("classes", "CLASS_NOT_IN_BASIS", basis=basis.code, field_class=name)


def _refused(code: str, **details: Any) -> ScopeRefused:
    return ScopeRefused(code, str(REFUSALS[code]) % details)
