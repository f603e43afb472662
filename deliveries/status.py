"""How the service stands, for everybody: what is told of the nights are figures of all streams together."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Q
from django.db.models.enums import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.models import Import
from deliveries import plan
from deliveries.building import sources_as_of
from deliveries.models import Run, StreamRun
from deliveries.plan import Night
from lefi.service.models import ServiceNotice

NIGHTS = 14  # shown
LEFT = (StreamRun.Status.FAILED, StreamRun.Status.CARRIED_OVER)


class State(TextChoices):
    """How a planned night went."""

    DONE = "done", _("all released in time")
    PARTLY = "partly", _("some carried over to the next night")
    ABORTED = "aborted", _("ended before its time")
    RUNNING = "running", _("going on")
    HELD = "held", _("held")
    WAITING = "waiting", _("has not begun yet")
    MISSED = "missed", _("was not run")


class Standing(TextChoices):
    """How the service stands as a whole, the worst first."""

    STOPPED = "stopped", _("A planned stop goes on")
    DISTURBED = "disturbed", _("There is a disturbance")
    LATE = "late", _("The service is up; not all of the last night was told in time")
    OK = "ok", _("Everything works as it should")


WELL = (State.DONE, State.RUNNING, State.WAITING)


@dataclass(frozen=True, slots=True)
class Result:
    """A planned night and what became of it: how many streams had their delivery, and how many have to wait."""

    night: Night
    state: State
    started_at: datetime | None
    ended_at: datetime | None
    released: int
    left: int


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """A data owner's newest import: its state, and when it came."""

    name: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    standing: Standing
    interruptions: list[ServiceNotice]
    planned: list[ServiceNotice]
    topical: list[ServiceNotice]
    nights: list[Result]
    coming: list[Night]
    sources: list[SourceStanding]

    @property
    def last_night(self) -> Result | None:
        """The last that was to be over by now; None before there was any."""
        return next((one for one in self.nights if one.state not in (State.RUNNING, State.HELD, State.WAITING)), None)


def status_at(at: datetime) -> Status:
    """How the service stands at an instant. As many queries, however much there is."""
    interruptions = list(ServiceNotice.objects.interrupting(at))
    nights = last_nights(at, NIGHTS)
    return Status(
        standing=_standing(interruptions, nights),
        interruptions=interruptions,
        planned=list(ServiceNotice.objects.planned(at)),
        topical=list(ServiceNotice.objects.topical(at)),
        nights=nights,
        coming=plan.coming_nights(timezone.localdate(at), 3),
        sources=_sources(at),
    )


def last_nights(at: datetime, count: int) -> list[Result]:
    """The latest planned nights that have begun by an instant, since the first that was run; the newest first."""
    runs = {run.day: run for run in _nightly(at, count)}
    first = Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False).order_by("day").values_list("day", flat=True)
    since: date | None = first.first()
    nights = plan.past_nights(at, count) if since else []
    return [_result(night, runs.get(night.day), at) for night in nights if since and night.day >= since]


def _nightly(at: datetime, count: int) -> list[Run]:
    """The latest nightly runs, with how many streams were released, and left."""
    runs = Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False, day__lte=timezone.localdate(at))
    counted = runs.annotate(
        released=Count("streams", filter=Q(streams__status=StreamRun.Status.RELEASED)),
        left=Count("streams", filter=Q(streams__status__in=LEFT)),
    )
    return list(counted.order_by("-day")[:count])


def _result(night: Night, run: Run | None, at: datetime) -> Result:
    if run is None:
        return Result(night, State.WAITING if at < night.deadline else State.MISSED, None, None, 0, 0)
    released, left = run.released, run.left  # type: ignore[attr-defined]
    return Result(night, _state(run, left), run.started_at, run.ended_at, released, left)


def _state(run: Run, left: int) -> State:
    if run.status == Run.Status.DONE:
        return State.PARTLY if left else State.DONE
    return State(run.status)


def _standing(interruptions: list[ServiceNotice], nights: list[Result]) -> Standing:
    kinds = {one.kind for one in interruptions}
    if ServiceNotice.Kind.STOP in kinds:
        return Standing.STOPPED
    if kinds:
        return Standing.DISTURBED
    return Standing.LATE if nights and nights[0].state not in WELL else Standing.OK


def _sources(at: datetime) -> list[SourceStanding]:
    published = Import.objects.published().filter(reverses=None).order_by()
    newest = dict(published.values_list("source").annotate(at=Max("published_at")))
    lines = sources_as_of(Import.objects.last_number(), at)
    return [SourceStanding(one.name, one.state, newest.get(one.name)) for one in lines]
