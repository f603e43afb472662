"""Needs and cases: confirmed on time, and ended when the customer says so (R11, R12).

A watch that a legal basis lets stand only while it is needed has a day by which the customer confirms that it still is.
The decision pauses it when the day has passed; the steps here warn before, say so, and at last end it. A case or need
reference counts as personal data: it stands in no log, address or notice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.locks import Lock, hold
from subscriptions.answers import Answer
from subscriptions.models import Agreement, LawChange, LegalBasis, Notice, OrderLine, Stream, Watch
from subscriptions.models.watches import WatchQuerySet
from subscriptions.notices import notify
from subscriptions.profiles import law_of, of_basis, rests_on
from subscriptions.watches import end_watches

WARNED_AHEAD = timedelta(days=30)
WARNED_EVERY = timedelta(days=7)
CHUNK = 5000
MOST_LINES = 10_000
T = TypeVar("T")


class ListRefused(Refused):
    """A list of references that as a whole cannot be read (FILE_FORM) or is too long (FILE_TOO_LONG)."""


class CaseAnswer(StrEnum):
    ENDED = "ENDED"
    NOT_FOUND = "NOT_FOUND"


CASE_SENTENCES: dict[str, Promise] = {
    CaseAnswer.ENDED: _("The watches have ended; the next delivery says so."),
    CaseAnswer.NOT_FOUND: _("There is no open watch with this reference."),
}


@dataclass(frozen=True, slots=True)
class CaseEnded:
    """The answer to one line of a list of ended cases; the reference itself is not repeated."""

    line: int
    answer: CaseAnswer
    watches: int


def read_references(text: str) -> list[str]:
    """One case or need reference on each line that is not empty. Raise ListRefused."""
    return checked_references(text.removeprefix("\ufeff").splitlines())


def checked_references(said: Sequence[str]) -> list[str]:
    """The references without white space around them and without empty ones. Raise ListRefused."""
    references = [one for one in (line.strip() for line in said) if one]
    if not references:
        raise ListRefused("FILE_FORM", "The list holds no reference.")
    if len(references) > MOST_LINES:
        raise ListRefused("FILE_TOO_LONG", f"A list holds {MOST_LINES} references at most.")
    return references


def referring_to(watches: WatchQuerySet, references: Iterable[str]) -> WatchQuerySet:
    """The watches that name one of the references as their case or their need."""
    wanted = [one for one in references if one]
    return watches.filter(Q(case_reference__in=wanted) | Q(need_reference__in=wanted))


def about(watches: WatchQuerySet, sought: str) -> WatchQuerySet:
    """The watches whose case or need reference has a text in it.

    They are found among the references alone, which indexes hold with the streams and the keys, and then read.
    """
    cases = watches.order_by().filter(~Q(case_reference=""), case_reference__icontains=sought)
    needs = watches.order_by().filter(~Q(need_reference=""), need_reference__icontains=sought)
    return watches.filter(pk__in=cases.values("pk").union(needs.values("pk")))


def reference_of(watch: Watch) -> str:
    """What a watch stands for: its case, or its need where it has no case; "" where it has neither."""
    return watch.case_reference or watch.need_reference


# Confirming on time


def to_reconfirm(watches: WatchQuerySet, day: date) -> WatchQuerySet:
    """The open ones that are to be confirmed within thirty days, or should have been already; the oldest first."""
    return watches.open().filter(reconfirm_by__lte=day + WARNED_AHEAD).order_by("reconfirm_by", "pk")


@transaction.atomic
def reconfirm(*, watches: WatchQuerySet, by: Any = None, client: str = "", at: datetime) -> int:
    """Note that the customer still needs the open ones among the watches; return how many were confirmed.

    Each is to be confirmed again after as many days as its legal basis says today. A paused one goes on.
    """
    day = timezone.localdate(at)
    asked = watches.open().exclude(reconfirm_by=None)
    confirmed = 0
    for stream in _streams_of(asked):
        days = law_of(stream, day).reconfirm_days
        due = day + timedelta(days=days) if days is not None else None
        for ids in _chunks(asked.filter(stream=stream)):
            confirmed += Watch.objects.open().filter(pk__in=ids).update(reconfirm_by=due)
            _note(Action.ACKNOWLEDGE, stream, ids, by=by, client=client)
    return confirmed


def _streams_of(watches: WatchQuerySet) -> list[Stream]:
    streams = Stream.objects.filter(pk__in=watches.order_by().values("stream"))
    return list(streams.select_related("agreement__customer").order_by("pk"))


def _chunks(watches: WatchQuerySet) -> Iterator[list[int]]:
    """The ids of the watches, as they are before any chunk is changed."""
    return _parts(list(watches.order_by("pk").values_list("pk", flat=True)))


def _parts(things: Iterable[T]) -> Iterator[list[T]]:
    left = iter(things)
    while part := list(islice(left, CHUNK)):
        yield part


def _note(action: str, stream: Stream, ids: Sequence[int], *, by: Any = None, client: str = "", why: str = "") -> None:
    record(
        action=action,
        object_type=Watch._meta.label_lower,
        actor=by,
        client=client,
        customer_id=stream.agreement.customer_id,
        reason=why,
        stream=stream.pk,
        watches=list(ids),
    )


# The end of a case


@transaction.atomic
def end_case(*, streams: Any, case_reference: str, by: Any = None, client: str = "", at: datetime) -> int:
    """End the open watches in the streams that stand for a case or need; return how many. Repeating is harmless."""
    return _end(referring_to(Watch.objects.filter(stream__in=streams), [case_reference]), by=by, client=client, at=at)


@transaction.atomic
def end_cases(
    *, streams: Any, references: Sequence[str], by: Any = None, client: str = "", at: datetime
) -> list[CaseEnded]:
    """End the watches of many cases or needs, and answer each line. One that stands twice is answered on its first."""
    answers: list[CaseEnded] = []
    for lines in _parts(enumerate(references, start=1)):
        watches = referring_to(Watch.objects.open().filter(stream__in=streams), {one for _, one in lines})
        found = Counter[str]()
        for named in watches.values_list("case_reference", "need_reference"):
            found.update({one for one in named if one})
        for line, reference in lines:
            ended = found.pop(reference, 0)
            answers.append(CaseEnded(line, CaseAnswer.ENDED if ended else CaseAnswer.NOT_FOUND, ended))
        _end(watches, by=by, client=client, at=at)
    return answers


def _end(watches: WatchQuerySet, *, by: Any, client: str, at: datetime) -> int:
    """End the open ones as cancelled by the customer, and log which."""
    ended = 0
    standing = watches.open()
    for stream in _streams_of(standing):
        for ids in _chunks(standing.filter(stream=stream)):
            ended += end_watches(Watch.objects.filter(pk__in=ids), at=at, reason=Watch.EndReason.CANCELLED)
            _note(Action.END, stream, ids, by=by, client=client, why="case ended")
    return ended


class ReopenRefused(Refused):
    """The end stands: it has been TOLD, it was not a case's (NOT_A_CASE), or somebody has WATCHED_AGAIN since."""


def untold(watches: WatchQuerySet) -> WatchQuerySet:
    """Those whose newest change no delivery has looked at: what is done with them can be taken back.

    By the streams' marks alone, and so the same for every watch: whether a frozen one's end was told would show (C8).
    """
    changes = LawChange.objects.filter(
        kind="watch", stream_id=OuterRef("stream_id"), watch_from__lte=OuterRef("pk"), watch_to__gte=OuterRef("pk")
    )
    return watches.filter(Exists(changes.filter(pk__gt=OuterRef("stream__examined_law"))), stream__closed=False)


@transaction.atomic
def reopen_case(*, watch: Watch, by: Any, at: datetime) -> int:
    """Open all the watches again that ended together with this one when its case did; return how many.

    All or none; beside a watch on the same person by another number one is kept by its own. A release stands before
    this or after it: one that has the end in it is built again. Raise ReopenRefused with TOLD, NOT_A_CASE or
    WATCHED_AGAIN.
    """
    hold(Lock.LAW)
    ended = ended_together(watch)
    ids = list(ended.values_list("pk", flat=True))
    if watch.pk not in ids:
        raise ReopenRefused("NOT_A_CASE", "The watch did not end with its case.")
    if untold(ended).count() != len(ids):
        raise ReopenRefused("TOLD", "That the watches have ended has been told.")
    if ended.filter(_watched_again("ordered_number")).exists():
        raise ReopenRefused("WATCHED_AGAIN", "A person is watched again already.")
    ended.filter(_watched_again("person", by_number=False)).update(by_number=True)
    opened = Watch.objects.filter(pk__in=ids).update(ended_at=None, end_reason="", ended_as_of=None)
    for stream in _streams_of(Watch.objects.filter(pk__in=ids)):
        of_stream = Watch.objects.filter(pk__in=ids, stream=stream).values_list("pk", flat=True)
        _note(Action.CHANGE, stream, list(of_stream), by=by, why="case end undone")
    return opened


def _watched_again(whom: str, **values: Any) -> Exists:
    """Whether another watch stands, by the same number or on the same person, where a watch that ended stood."""
    same = {name: OuterRef(name) for name in ("stream", "benefit", whom)}
    return Exists(Watch.objects.open().filter(**same, **values))


def ended_together(watch: Watch) -> WatchQuerySet:
    """The customer's watches that ended for the same case at the same instant as this one, and not by an order."""
    reference = reference_of(watch)
    if not reference or watch.ended_at is None:
        return Watch.objects.none()
    streams = Stream.objects.filter(agreement__customer=watch.stream.agreement.customer_id)
    cancelled = OrderLine.objects.filter(watch=OuterRef("pk"), answer=Answer.CANCELLED)
    ended = Watch.objects.filter(stream__in=streams, ended_at=watch.ended_at, end_reason=Watch.EndReason.CANCELLED)
    return referring_to(ended, [reference]).filter(~Exists(cancelled))


# What time brings


@transaction.atomic
def set_reconfirmations(*, day: date, at: datetime) -> int:
    """Give the open watches without one a day to be confirmed by, where their basis has begun to ask; return how many.

    They have as long as if they had been ordered today.
    """
    streams = Stream.objects.filter(closed=False).annotate(basis_code=rests_on())
    bases = streams.annotate(days=of_basis("reconfirm_days", day), status=of_basis("status", day))
    asking = bases.filter(status=LegalBasis.Status.ACTIVE, days__isnull=False)
    given = 0
    for days in sorted(set(asking.values_list("days", flat=True))):
        without = Watch.objects.open().filter(reconfirm_by=None, stream__in=asking.filter(days=days).values("pk"))
        given += without.update(reconfirm_by=day + timedelta(days=days))
    if given:
        record(action=Action.CHANGE, object_type=Watch._meta.label_lower, reason="to be confirmed", watches=given)
    return given


def warn_of_reconfirmations(*, day: date, at: datetime) -> int:
    """Tell each customer of an agreement's watches to be confirmed within thirty days, once a week while there are any.

    Return how many were told.
    """
    told = _told_on("RECONFIRM_SOON", since=at - WARNED_EVERY)
    soon = _counted(_unconfirmed().filter(reconfirm_by__gte=day, reconfirm_by__lte=day + WARNED_AHEAD))
    news = [(agreement, watches, first) for agreement, watches, first in soon if agreement.code not in told]
    for agreement, watches, first in news:
        _tell(agreement, "RECONFIRM_SOON", at, watches=watches, day=first.isoformat())
    return len(news)


def tell_of_paused_watches(*, day: date, at: datetime) -> int:
    """Tell each customer once of the watches that are paused since they were not confirmed; return how many were told.

    The pause itself is the decision's. A notice speaks of what fell due since the one before.
    """
    grace = timedelta(days=settings.RECONFIRM_GRACE_DAYS + 1)
    told = _told_on("RECONFIRM_PAUSED", since=at - grace)
    overdue = _unconfirmed().filter(reconfirm_by__lt=day, reconfirm_by__gte=_last_day_of_grace(day))
    news = 0
    for paused, _watches, first in _counted(overdue):
        fresh = overdue.filter(stream__agreement=paused, reconfirm_by__gte=told.get(paused.code, first))
        for agreement, watches, earliest in _counted(fresh):
            _tell(agreement, "RECONFIRM_PAUSED", at, watches=watches, day=(earliest + grace).isoformat())
            news += 1
    return news


@transaction.atomic
def end_unconfirmed_watches(*, day: date, at: datetime) -> int:
    """End the watches still not confirmed RECONFIRM_GRACE_DAYS days after they should have been; return how many."""
    over = _unconfirmed().filter(reconfirm_by__lt=_last_day_of_grace(day))
    ended = 0
    counts: Counter[Agreement] = Counter()
    for stream in _streams_of(over):
        for ids in _chunks(over.filter(stream=stream)):
            late = Watch.objects.filter(pk__in=ids, reconfirm_by__lt=_last_day_of_grace(day))
            counts[stream.agreement] += end_watches(late, at=at, reason=Watch.EndReason.NO_LONGER)
            _note(Action.END, stream, ids, why="not confirmed")
    for agreement, watches in (+counts).items():  # not of none: they were confirmed, or ended, a moment before
        _tell(agreement, "RECONFIRM_ENDED", at, watches=watches)
        ended += watches
    return ended


def _last_day_of_grace(day: date) -> date:
    """What was to be confirmed before this day has had its time."""
    return day - timedelta(days=settings.RECONFIRM_GRACE_DAYS)


def _unconfirmed() -> WatchQuerySet:
    return Watch.objects.open().filter(stream__closed=False).exclude(reconfirm_by=None)


def _counted(watches: WatchQuerySet) -> list[tuple[Agreement, int, date]]:
    """By agreement, how many of the watches there are and the earliest day by which one is to be confirmed."""
    groups = watches.order_by().values("stream__agreement").annotate(watches=Count("pk"), first=Min("reconfirm_by"))
    rows = {one["stream__agreement"]: (one["watches"], one["first"]) for one in groups}
    agreements = Agreement.objects.filter(pk__in=rows).select_related("customer").order_by("pk")
    return [(one, *rows[one.pk]) for one in agreements]


def _tell(agreement: Agreement, code: str, at: datetime, **details: Any) -> None:
    notify(agreement.customer, code, at=at, agreement=agreement.code, **details)


def _told_on(code: str, *, since: datetime) -> dict[str, date]:
    """The agreements, by code, that a notice has named after an instant, with the day of the newest."""
    notices = Notice.objects.filter(code=code, at__gt=since).order_by("at").values_list("details", "at")
    return {details["agreement"]: timezone.localdate(told_at) for details, told_at in notices}
