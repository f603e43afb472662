"""The night in the background: tasks find rows and call one service each. Any of them may be lost or run twice."""

from itertools import chain

from celery import shared_task
from django.utils import timezone

from deliveries import runs, services, storage
from deliveries.models import Delivery, Run, SpontaneousDisclosure, StreamRun


@shared_task
def start_the_night() -> None:
    """Start today's nightly run and send its streams to the workers; a second start of the same night is refused."""
    run = runs.start_night(day=timezone.localdate(), at=timezone.now())
    for pk in run.streams.values_list("pk", flat=True):
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
    waiting = StreamRun.objects.filter(run__status=Run.Status.RUNNING, status=StreamRun.Status.WAITING)
    free = waiting.exclude(stream__leased_until__gt=now)
    for pk in free.values_list("pk", flat=True):
        release_stream.delay(pk)
    for run in Run.objects.filter(status=Run.Status.RUNNING):
        runs.end_if_done(run, now)
    services.recall_what_may_no_longer_be_told(now)


@shared_task
def sweep_orphan_documents() -> int:
    """Remove the documents that neither a delivery nor a spontaneous disclosure names."""
    delivered = Delivery.objects.values_list("sha256", flat=True)
    told = SpontaneousDisclosure.objects.approved().values_list("sha256", flat=True)
    return storage.sweep(chain(delivered.iterator(), told.iterator()))
