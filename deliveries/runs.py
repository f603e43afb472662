"""Running the night: start as of one cut of both logs, release stream by stream, end at the deadline whatever happens.

One failing stream never stops another: its mark stays, and the next run takes up all since. A task may be lost or run
twice; the rows say what is left to do.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone

from benefits.models import Import
from deliveries import brake, candidates, plan, reading
from deliveries.building import Builder, Draft, sources_as_of
from deliveries.models import Candidate, Run, StreamRun
from deliveries.release import LawChanged, LeaseLost, RunStopped, drop_lease, keep_lease, release, take_lease
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.foureyes import NotApproved
from lefi.locks import Lock, hold
from subscriptions.consents import move_consents_to_holders
from subscriptions.models import LawChange, Pending, Stream, Watch
from subscriptions.profiles import StreamLaw, law_of
from subscriptions.upkeep import keep_up
from subscriptions.watches import end_watches, follow_persons

log = structlog.get_logger(__name__)
TRIES = 3
REBUILDS = 5
GOING_ON = (Run.Status.RUNNING, Run.Status.HELD)
PAUSE = 1.0  # seconds between looking for streams that another worker has let go


class RunRefused(Refused):
    """A run that may not start: too early, a second time, or while another runs. Or that is not where it should be."""


class TooManyTries(Exception):
    """A stream that was tried as often as it may be, and each time lost its worker."""


def start_night(*, day: date, at: datetime, dry_run: bool = False) -> Run:
    """Start the nightly run of a day. A run later than its own deadline has as long from now as it would have had.

    A rehearsal can be started at any time, and is over when the night begins.

    Raise RunRefused as `start_run` does, and for a day without a run in the calendar (NOT_PLANNED).
    """
    if not plan.is_planned(day):
        raise RunRefused("NOT_PLANNED", f"The calendar has no run on {day}.")
    night = plan.night_of(day)
    starts, ends = night.starts, night.deadline
    deadline = ends if at < ends else at + (ends - starts)
    if dry_run and at < starts:
        deadline = starts
    if not dry_run and at >= starts:
        keep_up(day=day, at=at)
    return start_run(kind=Run.Kind.NIGHTLY, day=day, planned_for=starts, deadline=deadline, at=at, dry_run=dry_run)


@transaction.atomic
def rehearse(*, day: date, by: Any, at: datetime, reason: str) -> Run:
    """Start a rehearsal of a night, for the workers. Raise RunRefused as `start_night` does."""
    run = start_night(day=day, at=at, dry_run=True)
    _note_step(Action.CREATE, run, by, reason)
    return run


def start_run(
    *,
    kind: str,
    day: date,
    planned_for: datetime,
    deadline: datetime,
    at: datetime,
    dry_run: bool = False,
    cause: str = "",
) -> Run:
    """Start a run over all open streams, as of the newest import and law change, and return it.

    Raise RunRefused before its planned instant (TOO_EARLY), for a night that has had its run (ALREADY_RUN), and while
    another runs (ANOTHER_RUNS); a rehearsal gives way. Nothing has been told when it returns.
    """
    if at < planned_for and not dry_run:
        raise RunRefused("TOO_EARLY", f"The run is planned for {planned_for:%Y-%m-%d %H:%M}.")
    end_overdue_runs(at)
    if kind == Run.Kind.NIGHTLY and not dry_run and has_run(day):
        raise RunRefused("ALREADY_RUN", f"The night of {day} has had its run.")
    if not dry_run:
        _end_rehearsals(at)
    try:
        with transaction.atomic():
            hold(Lock.RUN)
            hold(Lock.IMPORT)
            follow_persons(since=_followed_to(), at=at)
            move_consents_to_holders()
            run = Run.objects.create(
                kind=kind,
                status=Run.Status.RUNNING,
                day=day,
                planned_for=planned_for,
                deadline=deadline,
                started_at=at,
                as_of_import=Import.objects.last_number(),
                as_of_law=LawChange.objects.aggregate(last=Max("id"))["last"] or 0,
                dry_run=dry_run,
                cause=cause,
            )
            run.sources = [asdict(one) for one in sources_as_of(run.as_of_import or 0, at)]
            streams = list(Stream.objects.filter(closed=False).select_related("agreement__customer"))
            found = candidates.find(run, streams)
            sizes = candidates.sizes(run)
            StreamRun.objects.bulk_create(
                StreamRun(run=run, stream=stream, candidates=sizes.get(stream.pk, 0)) for stream in streams
            )
            run.save(update_fields=["sources", "touched"])
            if not dry_run:
                brake.hold_everywhere(run, at)
    except IntegrityError as error:
        raise RunRefused("ANOTHER_RUNS", "Another run has not ended.") from error
    log.info("run_started", run=run.pk, day=str(day), as_of_import=run.as_of_import, candidates=found)
    return run


def has_run(day: date) -> bool:
    """Whether the night of a day has had its run, or has it now."""
    return Run.objects.filter(kind=Run.Kind.NIGHTLY, day=day, dry_run=False).exists()


def _end_rehearsals(at: datetime) -> None:
    for run in Run.objects.filter(status__in=GOING_ON, dry_run=True):
        Run.objects.filter(pk=run.pk, status__in=GOING_ON).update(status=Run.Status.ABORTED, ended_at=at)
        end_run(run, at)


def _followed_to() -> int:
    """The import as of which watches have surely followed their persons: that of the run before the last.

    Not of the last itself: an order may then have been on its way that had looked up a person before an import.
    """
    runs = Run.objects.exclude(as_of_import=None).order_by("-pk").values_list("as_of_import", flat=True)
    two = [number or 0 for number in runs[:2]]
    return min(two) if len(two) == 2 else 0


def perform(run: Run) -> Run:
    """Release all streams of a run, one after the other, and end it: when all are done, or at its deadline."""
    while waiting := list(in_turn(run)):
        for stream_run in waiting:
            if timezone.now() > run.deadline:
                return end_run(run, timezone.now())
            release_stream(stream_run)
        run.refresh_from_db()
        if run.status == Run.Status.ABORTED:
            return run
        if run.status == Run.Status.HELD or _in_other_hands(run):
            time.sleep(PAUSE)
    return end_run(run, timezone.now())


def _in_other_hands(run: Run) -> bool:
    """Whether another worker has what is left."""
    waiting = run.streams.filter(status=StreamRun.Status.WAITING)
    return waiting.filter(stream__leased_until__gt=timezone.now()).exists()


def in_turn(run: Run):
    """The streams that wait, the smallest first: one that is a million items behind keeps no other waiting."""
    return run.streams.filter(status=StreamRun.Status.WAITING).order_by("tries", "candidates", "pk")


def release_stream(stream_run: StreamRun) -> None:
    """Build and release one stream of a run. Repeating it, or doing it twice at once, releases once.

    What goes wrong is counted in the row and tried again, three times in all.
    """
    run = Run.objects.get(pk=stream_run.run_id)
    stream = _read(stream_run.stream_id)
    token = take_lease(stream, timezone.now()) if _waits(stream_run) else None
    if token is None:
        return
    try:
        if not _waits(stream_run):
            return  # another worker released it while this one waited for the lease
        _begin(stream_run)
        _work(run, stream_run, stream, token)
    except RunStopped:
        StreamRun.objects.filter(pk=stream_run.pk).update(tries=F("tries") - 1)  # it was no try
        log.warning("run_stopped", run=run.pk, stream=stream.pk)
    except LeaseLost:  # it was a try: one that is too slow each time must not go on until the deadline
        log.warning("lease_lost", run=run.pk, stream=stream.pk)
    except Exception as error:  # whatever it is, other streams go on; the row and the log keep it
        _failed(stream_run, error)
    finally:
        drop_lease(stream, token)


def _waits(stream_run: StreamRun) -> bool:
    """Whether a stream is still to be released in its run, and the run goes on."""
    waiting = StreamRun.objects.filter(status=StreamRun.Status.WAITING, run__status=Run.Status.RUNNING)
    return waiting.filter(pk=stream_run.pk).exists()


def _keeper(stream: Stream, token: int) -> Callable[[], None]:
    """Holds the stream's lease for a while more, each time it is called."""
    return lambda: keep_lease(stream, token, timezone.now())


def _counter(stream_run: StreamRun) -> Callable[[int], None]:
    """Notes how many watches have been examined, for who looks on."""

    def note(examined: int) -> None:
        StreamRun.objects.filter(pk=stream_run.pk).update(examined=examined)

    return note


def _read(stream_id: int) -> Stream:
    return Stream.objects.select_related("agreement__customer").get(pk=stream_id)


def _work(run: Run, stream_run: StreamRun, stream: Stream, token: int) -> None:
    as_of_law = run.as_of_law or 0
    left_out = brake.held(stream)
    for _ in range(REBUILDS):
        stream = _read(stream.pk)  # anew each time: what changed may be its agreement or its customer
        law = law_of(stream, max(run.day, stream.examined_day or run.day))  # a stream's day never goes back
        stop = stopped_by(law)
        if stop:
            _close(stream_run, StreamRun.Status.STOPPED, Counter(), code=stop)
            return
        keep, examined = _keeper(stream, token), _counter(stream_run)
        draft = Builder(run, law, as_of_law, keep, left_out, examined).build(timezone.now())
        try:
            found = brake.trips(run, stream, draft.news)
            if found and not run.dry_run:
                brake.hold(run, stream, found, timezone.now())
                left_out = brake.held(stream)
                continue
            if run.dry_run:
                _rehearsed(run, stream_run, stream, draft)
                return
            reading.validate(draft.path, keep)
            keep_lease(stream, token, timezone.now(), len(draft.watches))
            release(run, stream, draft, token, timezone.now())
            return
        except LawChanged:
            as_of_law, touched = candidates.touched_by_law(stream, run.as_of_law or 0)
            _examine_also(run, stream, touched)
        finally:
            draft.discard()
    raise LawChanged


def _rehearsed(run: Run, stream_run: StreamRun, stream: Stream, draft: Draft) -> None:
    counts = draft.counts + Counter(persons=draft.persons, blocks=draft.blocks)
    everywhere = {one.benefit for one in brake.trips_everywhere(run)}
    tripped = sorted({one.benefit for one in brake.trips(run, stream, draft.news)} | everywhere & draft.news.keys())
    _close(stream_run, StreamRun.Status.REHEARSED, counts, news=dict(draft.news), code=_would_hold(tripped))


def _would_hold(benefits: Sequence[str]) -> str:
    """What a rehearsal says of the brake."""
    return f"BRAKE {' '.join(benefits)}"[:40] if benefits else ""


def stopped_by(law: StreamLaw) -> str:
    """Why a stream as a whole gets no document now; "" if it does. One that has ended gets its last."""
    if law.ended:
        return ""
    if not law.stream.agreement.customer.active:
        return "CUSTOMER_INACTIVE"
    if law.blocked:
        return "BLOCKED"
    if not law.terms.reservations_acknowledged:
        return "RESERVATION_NOT_ACKNOWLEDGED"
    if not law.terms.active or law.terms.valid_from > law.day:
        return "AGREEMENT_NOT_ACTIVE"
    return "" if law.scope else "NO_SCOPE"


def _examine_also(run: Run, stream: Stream, watches: Iterable[int]) -> None:
    """Examine what the law has touched since; a watch ordered since waits for the next run, which it is owed.

    Its person was looked up as of a newer import than the run's, of which its number may have been another's.
    """
    ordered = Pending.objects.filter(watch__stream=stream, reason=Pending.Reason.FIRST)
    also = set(watches) - set(ordered.values_list("watch", flat=True))
    Candidate.objects.bulk_create(
        (Candidate(run=run, stream=stream, watch_id=watch) for watch in also), ignore_conflicts=True
    )


def _close(stream_run: StreamRun, status: str, counts: Counter[str], **values) -> None:
    StreamRun.objects.filter(pk=stream_run.pk).update(status=status, counts=dict(counts), **values)


def _begin(stream_run: StreamRun) -> None:
    """Count the try before it is made, so that a stream that kills its worker is given up as well.

    Raise TooManyTries once it has had them all.
    """
    stream_run.refresh_from_db(fields=["tries"])
    if stream_run.tries >= TRIES:
        raise TooManyTries
    StreamRun.objects.filter(pk=stream_run.pk).update(tries=F("tries") + 1)
    stream_run.tries += 1


def _failed(stream_run: StreamRun, error: Exception) -> None:
    status = StreamRun.Status.FAILED if stream_run.tries >= TRIES else StreamRun.Status.WAITING
    code = error.code if isinstance(error, Refused) else type(error).__name__
    StreamRun.objects.filter(pk=stream_run.pk, status=StreamRun.Status.WAITING).update(status=status, code=code)
    log.exception("stream_failed", stream_run=stream_run.pk, tries=stream_run.tries)


def hold_run(run: Run, *, by: Any, reason: str) -> Run:
    """Let a run go no further until another person releases it; a stream that is being released ends as void.

    Its deadline stands. Raise RunRefused (NOT_RUNNING) if it does not run.
    """
    with transaction.atomic():
        _move(run, Run.Status.RUNNING, status=Run.Status.HELD, held_by=by)
        _note_step(Action.END, run, by, reason)
    return run


def release_run(run: Run, *, by: Any, reason: str) -> Run:
    """Let a held run go on, as another than who held it.

    Raise RunRefused (NOT_HELD) if it is not held, and NotApproved (SAME_PERSON) to who held it.
    """
    with transaction.atomic():
        run.refresh_from_db()
        if run.held_by_id is not None and run.held_by_id == by.pk:
            raise NotApproved("SAME_PERSON", "What one person held, another must release.")
        _move(run, Run.Status.HELD, status=Run.Status.RUNNING)
        _note_step(Action.APPROVE, run, by, reason)
    return run


def abort_run(run: Run, *, by: Any, reason: str, at: datetime) -> Run:
    """End a run before its time: what it has released stands, and the rest is carried over to the next.

    Raise RunRefused (NOT_RUNNING) if it is over.
    """
    with transaction.atomic():
        _move(run, Run.Status.RUNNING, Run.Status.HELD, status=Run.Status.ABORTED, ended_at=at)
        _note_step(Action.REFUSE, run, by, reason)
    return end_run(run, at)


def resume_run() -> Run:
    """Go on with the run that has not ended, its workers lost. Raise RunRefused (NOT_RUNNING) if there is none."""
    run = Run.objects.filter(status=Run.Status.RUNNING).first()
    if run is None:
        raise RunRefused("NOT_RUNNING", "No run is going on.")
    return perform(run)


def _move(run: Run, *since: str, **values: Any) -> None:
    code = "NOT_HELD" if since == (Run.Status.HELD,) else "NOT_RUNNING"
    if not Run.objects.filter(pk=run.pk, status__in=since).update(**values):
        raise RunRefused(code, "The run is not where it should be for this.")
    run.refresh_from_db()


def _note_step(action: str, run: Run, by: Any, reason: str) -> None:
    record(action=action, object_type=run._meta.label_lower, object_id=run.pk, actor=by, reason=reason)


def end_run(run: Run, at: datetime) -> Run:
    """End a run: what is still waiting is carried over to the next, and the watches of streams that are over end."""
    with transaction.atomic():
        run.streams.filter(status=StreamRun.Status.WAITING).update(status=StreamRun.Status.CARRIED_OVER)
        counts: Counter[str] = Counter()
        for status, said in run.streams.values_list("status", "counts"):
            counts[status] += 1
            counts.update(said)
        ended = Run.objects.filter(pk=run.pk)
        ended.filter(status__in=GOING_ON).update(status=Run.Status.DONE, ended_at=at)
        ended.update(counts=dict(counts))
        Candidate.objects.filter(run=run).delete()
        closed = Watch.objects.filter(stream__closed=True)
        end_watches(closed, at=at, reason=Watch.EndReason.NO_LONGER)
    run.refresh_from_db()
    log.info("run_ended", run=run.pk, **run.counts)
    return run


def end_overdue_runs(at: datetime) -> int:
    """End the runs whose deadline has passed; they never block the next (C2)."""
    overdue = list(Run.objects.filter(status__in=GOING_ON, deadline__lt=at))
    for run in overdue:
        end_run(run, at)
    return len(overdue)


def end_if_done(run: Run, at: datetime) -> None:
    if not run.streams.filter(status=StreamRun.Status.WAITING).exists():
        end_run(run, at)
