"""Persons with protected identity: which frozen watches wait for a decision, and what lets one be told (C8).

A watch on such a person is frozen whole until two of the staff release it for a time, or until the legal basis's own
rule does. What reveals a place is never told, released or not: the decision sees to that (OSL 21:3, 21:3 a).
Whoever proposes, approves, withdraws or releases by rule holds the law's lock from before looking at what stands, so
that of two at once one sees what the other did.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import (
    BooleanField,
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from benefits.apart import numbers_apart
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.locks import Lock, hold
from lefi.reasons import demand_reason
from subscriptions.decision import Decision, decide
from subscriptions.models import LegalBasis, Pending, ProtectedRelease, Stream, Watch
from subscriptions.profiles import (
    consents_of,
    given_for,
    law_of,
    of_basis,
    protected_among,
    protected_numbers,
    rests_on,
)

RIGHT = "subscriptions.release_protected"  # to see what is frozen, and to propose, withdraw and take back
APPROVE_RIGHT = "subscriptions.approve_protectedrelease"  # to see it, and to approve and refuse
LONGEST = 90  # days that two of the staff may release a watch for
USUAL = 30  # days, where nobody says otherwise; also where the basis's rule releases
BY_RULE = "The legal basis lets it be told when nobody has decided in time."
BATCH = 1000


class ReleaseRefused(Refused):
    """A release that cannot be proposed, approved or withdrawn.

    Codes: NO_RIGHT, NOT_PROTECTED, ALREADY_RELEASED, ENDS_BEFORE_IT_STARTS, TOO_LONG, LAPSED, NOT_IN_FORCE.
    """


def queue(*, day: date, at: datetime) -> QuerySet[Any]:
    """The frozen watches that no release in force on the day lets be told: what is overdue first, then by deadline.

    Each row has `deadline`, `overdue`, `policy` (LegalBasis.Protection) and `proposal` (a release's id or None) beside
    its watch with stream, agreement and customer; the person is not read.
    """
    proposed = ProtectedRelease.objects.proposed().filter(watch=OuterRef("watch"), valid_to__gte=day)
    waiting = _frozen(day).annotate(
        overdue=Case(When(deadline__lt=at, then=True), default=False, output_field=BooleanField()),
        proposal=Subquery(proposed.order_by("-pk").values("pk")[:1]),
    )
    return waiting.select_related("watch__stream__agreement__customer").order_by("deadline", "pk")


def first_in_queue(count: int, *, day: date) -> list[int]:
    """The keys of the first rows of the queue, in its order: as many as asked for, or all there are.

    The deadline is so many days after the watch was frozen as the basis of its stream says. Of each number of days the
    oldest are asked for, which an index knows, so that the queue is not sorted.
    """
    found: list[tuple[datetime, int]] = []
    for days, streams in _streams_by_days(day).items():
        oldest = _waiting(day).filter(watch__stream__in=streams).order_by("since", "pk")
        found += [(since + timedelta(days=days), pk) for pk, since in oldest.values_list("pk", "since")[:count]]
    return [pk for _, pk in sorted(found)[:count]]


def _streams_by_days(day: date) -> dict[int, list[int]]:
    """The open streams by how many days their bases give until a frozen watch is to be decided on."""
    days = of_basis("protection_days", day, output_field=IntegerField())
    streams = Stream.objects.filter(closed=False).order_by().annotate(basis_code=rests_on()).annotate(days=days)
    found: dict[int, list[int]] = defaultdict(list)
    for pk, number in streams.values_list("pk", "days"):
        found[number or 0].append(pk)
    return found


def _frozen(day: date) -> QuerySet[Any]:
    """What waits, with the policy of the basis that each watch rests on, and when it is to be decided on."""
    frozen = _waiting(day).annotate(basis_code=rests_on("watch__stream__"))
    return frozen.annotate(
        policy=of_basis("protection", day), days=of_basis("protection_days", day, output_field=IntegerField())
    ).annotate(
        deadline=ExpressionWrapper(
            F("since")
            + ExpressionWrapper(
                Coalesce(F("days"), 0) * Value(timedelta(days=1), output_field=DurationField()),
                output_field=DurationField(),
            ),
            output_field=DateTimeField(),
        )
    )


def _waiting(day: date) -> QuerySet[Any]:
    """What is owed to frozen watches not released.

    Nothing is owed in a closed stream, nor to a watch that ended before its first delivery.
    """
    released = ProtectedRelease.objects.on(day).filter(watch=OuterRef("watch"))
    untold = Pending.objects.filter(watch=OuterRef("watch"), reason=Pending.Reason.FIRST)
    return Pending.objects.filter(
        Q(watch__ended_at=None) | ~Exists(untold),
        ~Exists(released),
        reason=Pending.Reason.PROTECTED,
        watch__stream__closed=False,
    )


@transaction.atomic
def propose_release(
    *, watch: Watch, reason: str, by: Any, at: datetime, valid_to: date | None = None
) -> ProtectedRelease:
    """Propose that a watch on a person with protected identity may be told, from today for 30 days or to `valid_to`.

    Raise ReleaseRefused without the right to it (NO_RIGHT), if the person is not protected (NOT_PROTECTED), if a
    release is in force or proposed already (ALREADY_RELEASED), and for an end before today (ENDS_BEFORE_IT_STARTS) or
    more than 90 days ahead (TOO_LONG).
    """
    _demand_right(by)
    day = timezone.localdate(at)
    ends = valid_to or day + timedelta(days=USUAL)
    release = ProtectedRelease(watch=watch, valid_from=day, valid_to=ends, reason=demand_reason(reason))
    if ends < day:
        raise ReleaseRefused("ENDS_BEFORE_IT_STARTS", "The release ends before it starts.")
    if ends > day + timedelta(days=LONGEST):
        raise ReleaseRefused("TOO_LONG", f"A release is for {LONGEST} days at most.")
    if not _is_protected(watch):
        raise ReleaseRefused("NOT_PROTECTED", "The person's identity is not protected.")
    hold(Lock.LAW)
    if _stands(watch, day):
        raise ReleaseRefused("ALREADY_RELEASED", "The watch is released already, or a release of it is proposed.")
    foureyes.propose(release, by=by, at=at)
    return release


@transaction.atomic
def approve_release(*, release: ProtectedRelease, by: Any, at: datetime, reason: str) -> None:
    """Let the watch be told from the next delivery on.

    Raise ReleaseRefused without the right to it (NO_RIGHT), when its last day has passed (LAPSED) or if another release
    is in force (ALREADY_RELEASED), and NotApproved if `by` prepared it or it is no proposal.
    """
    _demand_right(by, APPROVE_RIGHT)
    day = timezone.localdate(at)
    if release.valid_to is not None and release.valid_to < day:
        raise ReleaseRefused("LAPSED", "The last day of the release has passed.")
    hold(Lock.LAW)
    if ProtectedRelease.objects.on(day).exclude(pk=release.pk).filter(watch=release.watch_id).exists():
        raise ReleaseRefused("ALREADY_RELEASED", "The watch is released already.")
    foureyes.approve(release, by=by, at=at, reason=demand_reason(reason))


@transaction.atomic
def refuse_release(*, release: ProtectedRelease, by: Any, at: datetime, reason: str) -> None:
    """Refuse a proposal, or take one's own back. It is kept: from then on the watch is the staff's alone to release.

    Raise ReleaseRefused without the right to it (NO_RIGHT), and NotApproved (NOT_PROPOSED) if it is no proposal.
    """
    _demand_right(by, RIGHT, APPROVE_RIGHT)
    said = demand_reason(reason)
    if not ProtectedRelease.objects.proposed().filter(pk=release.pk).update(refused_at=at):
        raise foureyes.NotApproved("NOT_PROPOSED", "There is nothing here that waits for approval.")
    release.refresh_from_db()
    _note(Action.REFUSE, release, by=by, reason=said)


@transaction.atomic
def withdraw_release(*, release: ProtectedRelease, by: Any, at: datetime, reason: str) -> None:
    """End a release at once, and any other of the watch: it is frozen again, as it was last told. One is enough.

    Raise ReleaseRefused without the right to it (NO_RIGHT), or if it is not in force (NOT_IN_FORCE).
    """
    _demand_right(by)
    said = demand_reason(reason)
    hold(Lock.LAW)
    standing = list(ProtectedRelease.objects.on(timezone.localdate(at)).filter(watch=release.watch_id))
    if release not in standing:
        raise ReleaseRefused("NOT_IN_FORCE", "The release is not in force.")
    ProtectedRelease.objects.filter(pk__in=[one.pk for one in standing]).update(withdrawn_at=at)
    for one in standing:
        _note(Action.WITHDRAW, one, by=by, reason=said)
    release.refresh_from_db()


@transaction.atomic
def release_protected_by_policy(*, day: date, at: datetime) -> int:
    """Release, for 30 days, what nobody has decided on in time where the legal basis says so; return how many.

    A watch that the staff have once decided to leave frozen, by refusing a proposal or withdrawing a release, is left
    to them, and so is one they have a proposal on.
    """
    decided = Q(withdrawn_at__isnull=False) | Q(refused_at__isnull=False)
    theirs = ProtectedRelease.objects.filter(decided | Q(approved_at=None, valid_to__gte=day), watch=OuterRef("watch"))
    due = _frozen(day).filter(~Exists(theirs), policy=LegalBasis.Protection.DELAYED, deadline__lte=at)
    hold(Lock.LAW)
    watches = sorted(set(due.values_list("watch_id", flat=True)))
    ProtectedRelease.objects.bulk_create(
        (
            ProtectedRelease(
                watch_id=watch,
                valid_from=day,
                valid_to=day + timedelta(days=USUAL),
                reason=BY_RULE,
                automatic=True,
                approved_at=at,
            )
            for watch in watches
        ),
        batch_size=BATCH,
    )
    if watches:
        record(
            action=Action.APPROVE, object_type=ProtectedRelease._meta.label_lower, reason=BY_RULE, watches=len(watches)
        )
    return len(watches)


def would_tell(watch: Watch, *, day: date) -> Decision:
    """The decision on a watch on a person with protected identity as it would be on a day, if it were released."""
    stream = Stream.objects.select_related("agreement__customer").get(pk=watch.stream_id)
    law = law_of(stream, day)
    apart = numbers_apart([watch.person_id]) | protected_numbers([watch.person_id])
    given = given_for(watch.ordered_number, consents_of(stream, [watch.person_id])[watch.person_id], apart)
    return decide(
        law.profile(
            watch.benefit,
            consent=law.consent(given, watch.ordered_number, watch.benefit),
            case=bool(watch.case_reference),
            need=bool(watch.need_reference),
            protected=True,
            released=True,
            reconfirm_by=watch.reconfirm_by,
        )
    )


def _note(action: str, release: ProtectedRelease, *, by: Any, reason: str) -> None:
    record(
        action=action,
        object_type=release._meta.label_lower,
        object_id=release.pk,
        actor=by,
        person_id=release.person_id,
        reason=reason,
    )


def may_see(reader: Any) -> bool:
    """Whether somebody of the staff may see which watches are frozen, and what is said of their release."""
    return bool(reader.has_perm(RIGHT) or reader.has_perm(APPROVE_RIGHT))


def _demand_right(by: Any, *rights: str) -> None:
    """One of the rights is enough; where none is named it is that to release."""
    if not any(by.has_perm(right) for right in rights or (RIGHT,)):
        raise ReleaseRefused("NO_RIGHT", "This needs the right to release persons with protected identity.")


def _is_protected(watch: Watch) -> bool:
    person = [watch.person_id]
    return bool(protected_among(person)) or watch.ordered_number in protected_numbers(person)


def _stands(watch: Watch, day: date) -> bool:
    releases = ProtectedRelease.objects.filter(watch=watch)
    return releases.on(day).exists() or releases.proposed().filter(valid_to__gte=day).exists()
