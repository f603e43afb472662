"""Running the night: start as of one cut of both logs, release stream by stream, end at the deadline whatever happens.

One failing stream never stops another: its mark stays, and the next run takes up all since. A task may be lost or run
twice; the rows say what is left to do.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from benefits.models import Import
from deliveries import candidates, reading
from deliveries.building import Builder, Draft
from deliveries.models import Candidate, Run, StreamRun
from deliveries.release import LawChanged, LeaseLost, drop_lease, keep_lease, release, take_lease
from lefi.errors import Refused
from lefi.locks import Lock, hold
from subscriptions.consents import move_consents_to_holders
from subscriptions.models import LawChange, Pending, Stream, Watch
from subscriptions.profiles import StreamLaw, law_of
from subscriptions.services import end_watches, follow_persons
from subscriptions.upkeep import keep_up

log = structlog.get_logger(__name__)
TRIES = 3
REBUILDS = 5
PAUSE = 1.0  # seconds between looking for streams that another worker has let go


class RunRefused(Refused):
    """A run that may not start: too early, a second time, or while another runs."""


def plan_of_night(day: date) -> tuple[datetime, datetime]:
    """When the nightly run of a day starts, and the deadline the next morning."""
    zone = timezone.get_default_timezone()
    starts = datetime.combine(day, settings.NIGHT_STARTS, zone)
    ends = datetime.combine(day, settings.NIGHT_ENDS, zone)
    return starts, ends if ends > starts else datetime.combine(day + timedelta(days=1), settings.NIGHT_ENDS, zone)


def start_night(*, day: date, at: datetime, dry_run: bool = False) -> Run:
    """Start the nightly run of a day. A run later than its own deadline has as long from now as it would have had."""
    starts, ends = plan_of_night(day)
    deadline = ends if at < ends else at + (ends - starts)
    if not dry_run and at >= starts:
        keep_up(day=day, at=at)
    return start_run(kind=Run.Kind.NIGHTLY, day=day, planned_for=starts, deadline=deadline, at=at, dry_run=dry_run)


def start_run(
    *, kind: str, day: date, planned_for: datetime, deadline: datetime, at: datetime, dry_run: bool = False
) -> Run:
    """Start a run over all open streams, as of the newest import and law change, and return it.

    Raise RunRefused before its planned instant (TOO_EARLY), for a night that has had its run (ALREADY_RUN), and while
    another runs (ANOTHER_RUNS). Nothing has been told when it returns.
    """
    if at < planned_for:
        raise RunRefused("TOO_EARLY", f"The run is planned for {planned_for:%Y-%m-%d %H:%M}.")
    end_overdue_runs(at)
    if Run.objects.filter(kind=Run.Kind.NIGHTLY, day=day, dry_run=False).exists() and kind == Run.Kind.NIGHTLY:
        raise RunRefused("ALREADY_RUN", f"The night of {day} has had its run.")
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
            )
            streams = list(Stream.objects.filter(closed=False).select_related("agreement__customer"))
            StreamRun.objects.bulk_create(StreamRun(run=run, stream=stream) for stream in streams)
            found = candidates.find(run, streams)
    except IntegrityError as error:
        raise RunRefused("ANOTHER_RUNS", "Another run has not ended.") from error
    log.info("run_started", run=run.pk, day=str(day), as_of_import=run.as_of_import, candidates=found)
    return run


def _followed_to() -> int:
    """The import as of which watches have surely followed their persons: that of the run before the last.

    Not of the last itself: an order may then have been on its way that had looked up a person before an import.
    """
    runs = Run.objects.exclude(as_of_import=None).order_by("-pk").values_list("as_of_import", flat=True)
    two = [number or 0 for number in runs[:2]]
    return min(two) if len(two) == 2 else 0


def perform(run: Run) -> Run:
    """Release all streams of a run, one after the other, and end it: when all are done, or at its deadline."""
    while waiting := list(run.streams.filter(status=StreamRun.Status.WAITING).order_by("tries", "pk")):
        for stream_run in waiting:
            if timezone.now() > run.deadline:
                return end_run(run, timezone.now())
            release_stream(stream_run)
        if run.streams.filter(status=StreamRun.Status.WAITING, stream__leased_until__gt=timezone.now()).exists():
            time.sleep(PAUSE)  # another worker has what is left
    return end_run(run, timezone.now())


def release_stream(stream_run: StreamRun) -> None:
    """Build and release one stream of a run. Repeating it, or doing it twice at once, releases once.

    What goes wrong is counted in the row and tried again, three times in all.
    """
    run = Run.objects.get(pk=stream_run.run_id)
    stream = _read(stream_run.stream_id)
    still = StreamRun.objects.filter(pk=stream_run.pk, status=StreamRun.Status.WAITING)
    if run.status != Run.Status.RUNNING or not still.exists():
        return
    token = take_lease(stream, timezone.now())
    if token is None:
        return
    try:
        _work(run, stream_run, stream, token)
    except LeaseLost:
        log.warning("lease_lost", run=run.pk, stream=stream.pk)
    except Exception as error:  # whatever it is, other streams go on; the row and the log keep it
        _failed(stream_run, error)
    finally:
        drop_lease(stream, token)


def _keeper(stream: Stream, token: int) -> Callable[[], None]:
    """Holds the stream's lease for a while more, each time it is called."""
    return lambda: keep_lease(stream, token, timezone.now())


def _read(stream_id: int) -> Stream:
    return Stream.objects.select_related("agreement__customer").get(pk=stream_id)


def _work(run: Run, stream_run: StreamRun, stream: Stream, token: int) -> None:
    as_of_law = run.as_of_law or 0
    for _ in range(REBUILDS):
        stream = _read(stream.pk)  # anew each time: what changed may be its agreement or its customer
        law = law_of(stream, max(run.day, stream.examined_day or run.day))  # a stream's day never goes back
        stop = stopped_by(law)
        if stop:
            _close(stream_run, StreamRun.Status.STOPPED, Counter(), code=stop)
            return
        draft = Builder(run, law, as_of_law, _keeper(stream, token)).build(timezone.now())
        try:
            _finish(run, stream_run, stream, draft, token)
            return
        except LawChanged:
            as_of_law, touched = candidates.touched_by_law(stream, run.as_of_law or 0)
            _examine_also(run, stream, touched)
        finally:
            draft.discard()
    raise LawChanged


def _finish(run: Run, stream_run: StreamRun, stream: Stream, draft: Draft, token: int) -> None:
    if run.dry_run:
        counts = draft.counts + Counter(persons=draft.persons, blocks=draft.blocks)
        _close(stream_run, StreamRun.Status.REHEARSED, counts)
        return
    reading.validate(draft.path)
    release(run, stream, draft, token, timezone.now())


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


def _failed(stream_run: StreamRun, error: Exception) -> None:
    tries = stream_run.tries + 1
    stream_run.tries = tries
    status = StreamRun.Status.FAILED if tries >= TRIES else StreamRun.Status.WAITING
    StreamRun.objects.filter(pk=stream_run.pk, status=StreamRun.Status.WAITING).update(
        tries=tries, status=status, code=type(error).__name__
    )
    log.exception("stream_failed", stream_run=stream_run.pk, tries=tries)


def end_run(run: Run, at: datetime) -> Run:
    """End a run: what is still waiting is carried over to the next, and the watches of streams that are over end."""
    with transaction.atomic():
        run.streams.filter(status=StreamRun.Status.WAITING).update(status=StreamRun.Status.CARRIED_OVER)
        counts: Counter[str] = Counter()
        for status, said in run.streams.values_list("status", "counts"):
            counts[status] += 1
            counts.update(said)
        ended = Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING)
        ended.update(status=Run.Status.DONE, ended_at=at, counts=dict(counts))
        Candidate.objects.filter(run=run).delete()
        closed = Watch.objects.filter(stream__closed=True)
        end_watches(closed, at=at, reason=Watch.EndReason.NO_LONGER)
    run.refresh_from_db()
    log.info("run_ended", run=run.pk, **run.counts)
    return run


def end_overdue_runs(at: datetime) -> int:
    """End the runs whose deadline has passed; they never block the next (C2)."""
    overdue = list(Run.objects.filter(status=Run.Status.RUNNING, deadline__lt=at))
    for run in overdue:
        end_run(run, at)
    return len(overdue)


def end_if_done(run: Run, at: datetime) -> None:
    if not run.streams.filter(status=StreamRun.Status.WAITING).exists():
        end_run(run, at)
