"""The nights in figures: what the last one did, what is known of the next, how they compare. Few, bounded queries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from benefits.catalogue import catalogue
from benefits.models import Import
from deliveries import plan
from deliveries.models import DebtCheck, Delivery, HeldSlice, NoRun, Run, StreamRun
from deliveries.plan import Night
from lefi.bulk import entries
from subscriptions.models import LawChange, Pending

MANY = 10_000  # rows; beyond that it is enough to know that there are more
UNTIL_LATER = (Pending.Reason.PROTECTED, Pending.Reason.HELD, Pending.Reason.BRAKED, Pending.Reason.DROPPED)


@dataclass(frozen=True, slots=True)
class NightFigures:
    """A nightly run, in figures. One that has not ended has no `length`."""

    run: int
    day: date
    released: int
    missed: int
    persons: int
    items: int
    length: timedelta | None
    allowed: timedelta
    late: bool


@dataclass(frozen=True, slots=True)
class LastNight:
    """The newest nightly run: its streams by how they fared, the slices held in it, and the newest check for debt."""

    run: Run
    streams: Counter[str]
    deliveries: int
    persons: int
    held: int
    check: DebtCheck | None

    @property
    def missed(self) -> int:
        return sum(self.streams[one] for one in (StreamRun.Status.FAILED, StreamRun.Status.CARRIED_OVER))

    @property
    def length(self) -> timedelta | None:
        return _length(self.run)

    @property
    def margin(self) -> timedelta | None:
        """How long before its deadline it ended."""
        return self.run.deadline - self.run.ended_at if self.run.ended_at else None


@dataclass(frozen=True, slots=True)
class NextNight:
    """The next nightly run that the calendar has, and what is known of it already."""

    night: Night | None
    without: NoRun | None
    rehearsal: Run | None
    imports: int
    unpublished: int
    touched: int
    law_changes: int
    owed: int
    silent: tuple[str, ...]
    many: int = MANY


@dataclass(frozen=True, slots=True)
class Volume:
    """Of how many watches on a benefit there was news, night by night."""

    benefit: str
    nights: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.nights)


@dataclass(frozen=True, slots=True)
class Behind:
    """How many deliveries a customer has not fetched, and since when the first has waited."""

    customer: int
    name: str
    waiting: int
    since: datetime


def last_night() -> LastNight | None:
    """What the newest nightly run did so far. Five queries, of that run's rows alone."""
    run = _nightly().first()
    if run is None:
        return None
    streams = run.streams.order_by().values_list("status").annotate(count=Count("pk"))
    told = Delivery.objects.filter(run=run).aggregate(count=Count("pk"), persons=Sum("persons"))
    return LastNight(
        run=run,
        streams=Counter(dict(streams)),
        deliveries=told["count"],
        persons=told["persons"] or 0,
        held=HeldSlice.objects.filter(run=run).count(),
        check=DebtCheck.objects.first(),
    )


def next_night(at: datetime) -> NextNight:
    """The night that comes, and what has been touched since the newest run began. Nothing is counted past `MANY`."""
    day = timezone.localdate(at)
    run = Run.objects.filter(dry_run=False).exclude(as_of_import=None).first()
    as_of_import, as_of_law = (run.as_of_import or 0, run.as_of_law or 0) if run else (0, 0)
    waiting = Q(status__in=[Import.Status.RECEIVED, Import.Status.CHECKING])
    imports = list(Import.objects.filter(waiting | Q(number__gt=as_of_import)).values_list("number", "counts"))
    night = _coming(day, at)
    return NextNight(
        night=night,
        without=NoRun.objects.filter(day=day).first(),
        rehearsal=Run.objects.filter(dry_run=True, day=night.day if night else day).first(),
        imports=sum(number is not None for number, _ in imports),
        unpublished=sum(number is None for number, _ in imports),
        touched=sum(counts.get("touched", 0) for number, counts in imports if number is not None),
        law_changes=LawChange.objects.filter(pk__gt=as_of_law)[: MANY + 1].count(),
        owed=Pending.objects.exclude(reason__in=UNTIL_LATER)[: MANY + 1].count(),
        silent=_silent(at),
    )


def _coming(day: date, at: datetime) -> Night | None:
    """The next night that has not begun."""
    return next((one for one in plan.coming_nights(day, 2) if one.starts > at), None)


def _silent(at: datetime) -> tuple[str, ...]:
    """The sources that have sent nothing for too long, or never."""
    limit = at - timedelta(hours=settings.SOURCE_SILENT_HOURS)
    newest = dict(Import.objects.published().order_by().values_list("source").annotate(at=Max("published_at")))
    return tuple(name for name in catalogue().owners if name not in newest or newest[name] < limit)


def latest(count: int) -> list[NightFigures]:
    """The latest nights, the oldest first. One query."""
    return [_figures(run) for run in reversed(_nightly()[:count])]


def volume(nights: Sequence[NightFigures]) -> list[Volume]:
    """The benefits that there was news of in some nights, the most first. One query, of a row a benefit and night."""
    counts: dict[str, Counter[int]] = {}
    runs = [one.run for one in nights]
    marks = ", ".join(["%s"] * len(runs)) or "NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.key, s.run_id, sum(CAST(e.value AS integer)) FROM deliveries_streamrun s, {entries('s.news')} "
            f"WHERE s.run_id IN ({marks}) AND s.status = %s GROUP BY e.key, s.run_id",
            [*runs, StreamRun.Status.RELEASED],
        )
        for benefit, run, watches in cursor.fetchall():
            counts.setdefault(benefit, Counter())[run] = int(watches)
    found = [Volume(benefit, tuple(seen[one.run] for one in nights)) for benefit, seen in counts.items()]
    return sorted(found, key=lambda one: (-one.total, one.benefit))


def behind() -> list[Behind]:
    """The customers with deliveries that wait to be fetched, the most first. One query, by an index of those alone."""
    waiting = Delivery.objects.standing().filter(first_fetched_at=None)
    customer = "stream__agreement__customer"
    rows = waiting.order_by().values_list(customer, f"{customer}__name")
    found = [Behind(*one) for one in rows.annotate(count=Count("pk"), since=Min("released_at"))]
    return sorted(found, key=lambda one: (-one.waiting, one.name))


def _nightly():
    return Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False).order_by("-day")


def _length(run: Run) -> timedelta | None:
    return run.ended_at - run.started_at if run.started_at and run.ended_at else None


def _figures(run: Run) -> NightFigures:
    missed = (StreamRun.Status.FAILED, StreamRun.Status.CARRIED_OVER)
    return NightFigures(
        run=run.pk,
        day=run.day,
        released=run.counts.get("released", 0),
        missed=sum(run.counts.get(one, 0) for one in missed),
        persons=run.counts.get("persons", 0),
        items=run.counts.get("items", 0),
        length=_length(run),
        allowed=run.deadline - (run.started_at or run.planned_for),
        late=run.ended_at is not None and run.ended_at >= run.deadline,
    )
