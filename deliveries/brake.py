"""The brake on mass changes: unusually much news of one benefit in one stream is held, while all others go on (C6).

The same is asked of a benefit over all streams, since each of many customers may have few: it is then held in each of
them. There, what the imports since the last night concern is counted as a run starts, before anything is told.

What is usual is taken from the nights before: from their median, and from the second largest of them, so that one wild
night changes nothing and a payday that has been seen twice is known. Until enough nights have been seen, and above all
usual, there are absolute caps. Staff say by two whether what is held is released or dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from statistics import median
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet

from benefits.models import Import
from deliveries.models import Candidate, HeldSlice, Run, SliceVerdict, StreamRun
from lefi.errors import Refused
from lefi.foureyes import approve, demand_another, propose
from subscriptions.models import Pending, Stream, Watch

log = structlog.get_logger(__name__)
NIGHTS = 40  # that say what is usual: a payday and the one before it are among them
ENOUGH = 5  # nights, before they say anything
SPREADS = 6  # median deviations above the median
ABOVE = 1.5  # times the second largest
AGAIN = 1.2  # times what was released, when it is counted anew
BRAKED_KINDS = (Run.Kind.NIGHTLY, Run.Kind.ON_DEMAND)  # the others are marked runs that two people have started


class VerdictRefused(Refused):
    """A verdict that cannot be given: the slice is not held any more (NOT_HELD)."""


@dataclass(frozen=True, slots=True)
class Trip:
    """That a benefit's news are too many: for how many watches, how many there might be, and how many is usual."""

    benefit: str
    watches: int
    limit: int
    usual: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many watches may have news at once whatever is usual, and how many never may."""

    floor: int
    most: int


def in_a_stream() -> Bounds:
    return Bounds(settings.BRAKE_FLOOR, settings.BRAKE_MOST)


def in_all_streams() -> Bounds:
    return Bounds(settings.BRAKE_FLOOR_ALL, settings.BRAKE_MOST_ALL)


def limit_of(nights: Sequence[int], watched: int, bounds: Bounds) -> int:
    """How many of `watched` watches may have news at once, after nights with so many each."""
    if len(nights) < ENOUGH:
        return max(bounds.floor, min(bounds.most, int(watched * settings.BRAKE_SHARE)))
    middle = median(nights)
    spread = 1.4826 * median(abs(one - middle) for one in nights)
    second = sorted(nights)[-2]
    return max(bounds.floor, min(bounds.most, int(max(middle + SPREADS * spread, ABOVE * second))))


def held(stream: Stream) -> frozenset[str]:
    """The benefits whose news are held in a stream."""
    slices = HeldSlice.objects.filter(stream=stream, status=HeldSlice.Status.HELD)
    return frozenset(slices.values_list("benefit", flat=True))


def trips(run: Run, stream: Stream, news: Mapping[str, int]) -> list[Trip]:
    """Which benefits have more watches with news than they may, of `news`: benefit → watches."""
    if run.kind not in BRAKED_KINDS:
        return []
    released = {benefit: int(count * AGAIN) for benefit, count in _released(stream).items()}
    return _tripped(
        news, Watch.objects.filter(stream=stream), partial(_nights, stream, run), in_a_stream(), released=released
    )


def trips_everywhere(run: Run) -> list[Trip]:
    """Which benefits the imports since the last night concern too many watches of, over all streams."""
    if run.kind not in BRAKED_KINDS:
        return []
    watches = Watch.objects.filter(stream__in=run.streams.values("stream"))
    return _tripped(run.touched, watches, partial(_nights_everywhere, run), in_all_streams())


def _tripped(
    counts: Mapping[str, int],
    watches: QuerySet[Watch],
    nights: Callable[[], list[dict[str, int]]],
    bounds: Bounds,
    released: Mapping[str, int] = {},
) -> list[Trip]:
    """The benefits of `counts` that are above their limits, by those of `watches` that stand and the nights before."""
    suspects = {benefit: count for benefit, count in counts.items() if count > bounds.floor}
    if not suspects:
        return []
    standing = watches.filter(ended_at=None, benefit__in=suspects).order_by("benefit")
    watched = dict(standing.values_list("benefit").annotate(count=Count("pk")))
    found, known = [], nights()
    for benefit, count in sorted(suspects.items()):
        before = [one.get(benefit, 0) for one in known]
        limit = max(limit_of(before, watched.get(benefit, 0), bounds), released.get(benefit, 0))
        if count > limit:
            found.append(Trip(benefit, count, limit, int(median(before)) if before else 0))
    return found


def _nights_everywhere(run: Run) -> list[dict[str, int]]:
    """What the imports before each of the latest nights concerned, over all streams."""
    nightly = Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False, pk__lt=run.pk)
    return list(nightly.order_by("-pk").values_list("touched", flat=True)[:NIGHTS])


def _nights(stream: Stream, run: Run) -> list[dict[str, int]]:
    """What the latest nights told in a stream: for each, benefit → watches with news."""
    nightly = StreamRun.objects.filter(
        stream=stream, status=StreamRun.Status.RELEASED, run__kind=Run.Kind.NIGHTLY, run__lt=run
    )
    return list(nightly.order_by("-run").values_list("news", flat=True)[:NIGHTS])


def _released(stream: Stream) -> dict[str, int]:
    """What has been released by two people and not been told yet: benefit → watches."""
    slices = HeldSlice.objects.filter(stream=stream, status=HeldSlice.Status.RELEASED, told_in=None)
    return dict(slices.values_list("benefit", "watches"))


def hold(run: Run, stream: Stream, found: Sequence[Trip], at: datetime) -> None:
    """Hold the slices that tripped, from now on. Repeating it is harmless."""
    for one in found:
        try:
            with transaction.atomic():
                HeldSlice.objects.create(
                    stream=stream,
                    benefit=one.benefit,
                    run=run,
                    watches=one.watches,
                    limit=one.limit,
                    usual=one.usual,
                    held_at=at,
                )
        except IntegrityError:  # another worker has held it
            continue
        log.error("slice_held", run=run.pk, stream=stream.pk, benefit=one.benefit, watches=one.watches, limit=one.limit)


def hold_everywhere(run: Run, at: datetime) -> None:
    """Hold, in each stream that has something of them, the benefits that tripped over all streams."""
    for one in trips_everywhere(run):
        candidates = Candidate.objects.filter(run=run, watch__benefit=one.benefit).order_by("stream")
        slices = [
            HeldSlice(
                stream_id=stream,
                benefit=one.benefit,
                run=run,
                watches=watches,
                limit=one.limit,
                usual=one.usual,
                everywhere=True,
                held_at=at,
            )
            for stream, watches in candidates.values_list("stream").annotate(watches=Count("pk"))
        ]
        HeldSlice.objects.bulk_create(slices, ignore_conflicts=True)
        log.error("held_everywhere", run=run.pk, benefit=one.benefit, watches=one.watches, limit=one.limit)


def told(run: Run, stream: Stream, left_out: frozenset[str]) -> None:
    """Note, in the release's transaction, that what had been released is told, but for what is held again."""
    slices = HeldSlice.objects.filter(stream=stream, status=HeldSlice.Status.RELEASED, told_in=None)
    slices.exclude(benefit__in=left_out).update(told_in=run)


@transaction.atomic
def propose_verdict(
    *, held_slice: HeldSlice, verdict: str, reason: str, by: Any, at: datetime, for_all: bool = False
) -> SliceVerdict:
    """Say what is to be done with a held slice, or with all that is held of its benefit by its run (`for_all`).

    A second person approves. Raise VerdictRefused if it is not held.
    """
    _demand_held(held_slice)
    proposed = SliceVerdict(slice=held_slice, verdict=verdict, reason=reason, for_all=for_all)
    try:
        with transaction.atomic():
            propose(proposed, by=by, at=at)
    except IntegrityError:
        raise VerdictRefused("VERDICT_WAITS", "A verdict waits for approval already.") from None
    return proposed


@transaction.atomic
def approve_verdict(*, verdict: SliceVerdict, by: Any, at: datetime, reason: str = "") -> None:
    """Release or drop what is held as a second person.

    What is released is examined and told by the next run; what is dropped is told only once it changes again, and is
    listed until the register agrees. Raise VerdictRefused, or NotApproved as `approve` does.
    """
    demand_another(verdict, by=by)
    _demand_held(verdict.slice)
    approve(verdict, by=by, at=at, reason=reason)
    release = verdict.verdict == SliceVerdict.Verdict.RELEASE
    status = HeldSlice.Status.RELEASED if release else HeldSlice.Status.DROPPED
    streams = list(concerned(verdict).values_list("stream", flat=True))
    held_ones = HeldSlice.objects.filter(stream__in=streams, benefit=verdict.slice.benefit)
    held_ones.filter(status=HeldSlice.Status.HELD).update(status=status, ended_at=at)
    if not release:
        braked = Pending.objects.filter(
            watch__stream__in=streams, watch__benefit=verdict.slice.benefit, reason=Pending.Reason.BRAKED
        )
        braked.update(reason=Pending.Reason.DROPPED)


def concerned(verdict: SliceVerdict) -> QuerySet[HeldSlice]:
    """The slices that a verdict is about, of those that are held still."""
    slices = HeldSlice.objects.filter(status=HeldSlice.Status.HELD)
    if verdict.for_all:
        return slices.filter(run=verdict.slice.run_id, benefit=verdict.slice.benefit)
    return slices.filter(pk=verdict.slice_id)


def owed(held_slice: HeldSlice) -> QuerySet[Pending]:
    """What is not told while a slice is held: a row for each of its watches that something may have happened to."""
    return Pending.objects.filter(
        watch__stream=held_slice.stream_id, watch__benefit=held_slice.benefit, reason=Pending.Reason.BRAKED
    )


def taken_up(held_slice: HeldSlice) -> QuerySet[Import]:
    """The imports that the slice's run was the first to take up: one of them may be wrong."""
    before = Run.objects.filter(pk__lt=held_slice.run_id, dry_run=False).exclude(as_of_import=None).order_by("-pk")
    last = before.values_list("as_of_import", flat=True).first() or 0
    published = Import.objects.published().filter(number__gt=last, number__lte=held_slice.run.as_of_import or 0)
    return published.order_by("number")


def _demand_held(held_slice: HeldSlice) -> None:
    if not HeldSlice.objects.filter(pk=held_slice.pk, status=HeldSlice.Status.HELD).exists():
        raise VerdictRefused("NOT_HELD", "The slice is not held any more.")
