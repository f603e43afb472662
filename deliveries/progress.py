"""How far a run has come, and whether it will be in time: for who looks on while it goes on, and afterwards."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, F, Q, Sum, TextChoices, When
from django.utils.translation import gettext_lazy as _

from deliveries.models import Run, StreamRun
from deliveries.runs import GOING_ON

UNTOLD = (StreamRun.Status.FAILED, StreamRun.Status.CARRIED_OVER)


class Clock(TextChoices):
    """What the deadline says of a run: how it will go as it goes now, or how it went."""

    REHEARSAL = "rehearsal", _("rehearsal")
    IN_TIME = "in_time", _("in time")
    AT_RISK = "at_risk", _("will not be in time as it goes now")
    LATE = "late", _("not all in time")


@dataclass(frozen=True, slots=True)
class Progress:
    """Of a run's streams and of the watches to examine in them, how many there are and how many are done."""

    streams: int
    streams_done: int
    streams_untold: int
    watches: int
    watches_done: int
    expected_end: datetime | None
    clock: Clock

    @property
    def percent(self) -> int:
        everything = self.streams + self.watches
        return 100 * (self.streams_done + self.watches_done) // everything if everything else 100


def progress_of(run: Run, at: datetime) -> Progress:
    """How far a run has come at an instant, in one query."""
    waiting = Q(status=StreamRun.Status.WAITING)
    figures = run.streams.aggregate(
        streams=Count("pk"),
        streams_done=Count("pk", filter=~waiting),
        streams_untold=Count("pk", filter=Q(status__in=UNTOLD)),
        watches=Sum("candidates", default=0),
        watches_done=Sum(Case(When(waiting, then=F("examined")), default=F("candidates")), default=0),
    )
    done = figures["streams_done"] + figures["watches_done"]
    end = _expected_end(run, done, figures["streams"] + figures["watches"], at)
    return Progress(**figures, expected_end=end, clock=_clock(run, figures["streams_untold"], end, at))


def _expected_end(run: Run, done: int, everything: int, at: datetime) -> datetime | None:
    """When a run will end if it goes on at the speed it has had; None while that cannot be said."""
    if run.status != Run.Status.RUNNING or run.started_at is None or not done or at <= run.started_at:
        return None
    return run.started_at + (at - run.started_at) * (everything / done)


def _clock(run: Run, untold: int, end: datetime | None, at: datetime) -> Clock:
    if run.dry_run:
        return Clock.REHEARSAL
    if run.status in GOING_ON:
        late = (end or at) > run.deadline
        return Clock.AT_RISK if late or untold else Clock.IN_TIME
    return Clock.LATE if untold else Clock.IN_TIME
