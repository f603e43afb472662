"""The night in the background: tasks find rows and call one service each. Any of them may be lost or run twice."""

from functools import partial
from itertools import chain

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from deliveries import (
    ahead,
    checkpoints,
    debt,
    lags,
    plan,
    reconciliation,
    retention,
    runs,
    schemachange,
    services,
    standing,
    storage,
)
from deliveries.models import DebtCheck, Delivery, Reconciliation, Run, SpontaneousDisclosure, StreamRun

log = structlog.get_logger(__name__)


@shared_task
def start_the_night() -> None:
    """Start the nightly run that is due, unless the night has had it, and send its streams to the workers.

    Each minute until the deadline, so that a start that was lost, failed or had to wait for another run is made good.
    """
    now = timezone.now()
    night = plan.due(now)
    if night is None or runs.has_run(night.day):
        return
    try:
        run = runs.start_night(day=night.day, at=now)
    except runs.RunRefused as refused:
        log.warning("night_waits", day=str(night.day), code=refused.code)
        return
    hand_out(run.pk)


@shared_task
def look_back_at_the_night() -> None:
    """Say, once the night's deadline has passed, if it had no run, or if a stream was not told in it."""
    now = timezone.now()
    runs.end_overdue_runs(now)
    night = plan.latest_over(now)
    if night is None:
        return
    run = Run.objects.filter(kind=Run.Kind.NIGHTLY, day=night.day, dry_run=False).first()
    if run is None:
        log.error("night_missed", day=str(night.day))
        return
    untold = run.streams.filter(status__in=[StreamRun.Status.FAILED, StreamRun.Status.CARRIED_OVER]).count()
    if untold:
        log.error("night_incomplete", run=run.pk, day=str(night.day), streams=untold)


def hand_out_later(run: Run) -> None:
    """Send a run's streams to the workers once the transaction in which it starts is committed."""
    transaction.on_commit(partial(hand_out.delay, run.pk))


@shared_task
def hand_out(run_pk: int) -> None:
    """Send the streams that wait in a run, and that no worker has, to the workers."""
    waiting = runs.in_turn(Run.objects.get(pk=run_pk)).exclude(stream__leased_until__gt=timezone.now())
    for pk in waiting.values_list("pk", flat=True):
        release_stream.delay(pk)


@shared_task
def release_stream(stream_run_pk: int) -> None:
    stream_run = StreamRun.objects.select_related("run").get(pk=stream_run_pk)
    runs.release_stream(stream_run)
    runs.end_if_done(stream_run.run, timezone.now())


@shared_task
def put_back_what_is_stuck() -> None:
    """End overdue runs, send waiting streams that no worker holds, and recall what may no longer be told."""
    now = timezone.now()
    runs.end_overdue_runs(now)
    for run in Run.objects.filter(status=Run.Status.RUNNING):
        hand_out(run.pk)
        runs.end_if_done(run, now)
    services.recall_what_may_no_longer_be_told(now)


@shared_task
def examine_ahead() -> int:
    """Ask of what somebody is likely to open, so that the first to open it need not wait for that."""
    return ahead.examine_ahead(timezone.now())


@shared_task
def sweep_orphan_documents() -> int:
    """Remove the documents that neither a delivery nor a spontaneous disclosure names, and states without a row."""
    delivered = Delivery.objects.filter(purged=None).values_list("sha256", flat=True)
    told = SpontaneousDisclosure.objects.approved().filter(purged=None).values_list("sha256", flat=True)
    return storage.sweep(chain(delivered.iterator(), told.iterator(), checkpoints.standing()))


@shared_task
def erase_what_is_due() -> None:
    """Erase what is old enough; where the agency has decided nothing, nothing is."""
    if retention.decision():
        retention.purge(at=timezone.now())


def give_to_a_worker(waiting: Reconciliation) -> None:
    """Have a list compared now; a worker that cannot be reached finds it within a minute all the same."""
    try:
        compare_list.delay(waiting.pk)
    except OperationalError:
        log.warning("broker_unreachable", reconciliation=waiting.pk)


def compare_soon(waiting: Reconciliation) -> Reconciliation:
    """Compare a short list now, and have a longer one compared by a worker."""
    if waiting.size <= settings.ORDER_AT_ONCE_BYTES:
        return reconciliation.compare(waiting.pk)
    give_to_a_worker(waiting)
    return waiting


@shared_task
def compare_list(pk: int) -> None:
    reconciliation.compare(pk)


@shared_task
def compare_waiting_lists() -> None:
    """Send the lists that wait to the workers: their tasks may have been lost."""
    waiting = Reconciliation.objects.filter(status=Reconciliation.Status.WAITING)
    for pk in waiting.order_by("pk").values_list("pk", flat=True):
        compare_list.delay(pk)


@shared_task
def note_watches_to_close() -> None:
    standing.note(day=timezone.localdate(), at=timezone.now())


@shared_task
def start_debt_check() -> None:
    debt.start_check(timezone.now())


@shared_task
def check_debt() -> None:
    """Go a minute's worth further with the check for debt, if one is going on."""
    check = DebtCheck.objects.filter(status=DebtCheck.Status.RUNNING).first()
    if check is not None:
        debt.go_on(check, most=settings.DEBT_WATCHES_A_MINUTE, at=timezone.now())


@shared_task
def watch_lags() -> dict[str, int]:
    return lags.watch_lags(timezone.now())


@shared_task
def remind_of_the_next_schema() -> bool:
    return schemachange.remind(timezone.now())
