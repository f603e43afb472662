"""When nights are planned: the weekdays of a setting, but for the days that staff have taken out of the calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.utils import timezone

from deliveries.models import NoRun

LOOK_AHEAD = 366  # days


@dataclass(frozen=True, slots=True)
class Night:
    """A planned nightly run: all that is known when it starts is told, by its deadline the next morning."""

    day: date
    starts: datetime
    deadline: datetime


def night_of(day: date) -> Night:
    """When the nightly run of a day starts, and the deadline the next morning."""
    zone = timezone.get_default_timezone()
    starts = datetime.combine(day, settings.NIGHT_STARTS, zone)
    ends = datetime.combine(day, settings.NIGHT_ENDS, zone)
    if ends <= starts:
        ends = datetime.combine(day + timedelta(days=1), settings.NIGHT_ENDS, zone)
    return Night(day, starts, ends)


def due(at: datetime) -> Night | None:
    """The night whose run is to have started at an instant and not to be over: today's, or that of yesterday."""
    return next((one for one in _latest(at) if one.starts <= at < one.deadline and is_planned(one.day)), None)


def coming(at: datetime) -> Night | None:
    """The night that is due, or else the next within a year."""
    return due(at) or next((one for one in coming_nights(timezone.localdate(at), 2) if one.starts > at), None)


def latest_over(at: datetime) -> Night | None:
    """The last night whose deadline has passed at an instant; None if it was not planned."""
    last = next(one for one in _latest(at) if one.deadline <= at)
    return last if is_planned(last.day) else None


def _latest(at: datetime) -> Iterator[Night]:
    """The nights of the latest days, planned or not, the newest first."""
    today = timezone.localdate(at)
    return (night_of(today - timedelta(days=ago)) for ago in range(3))


def is_planned(day: date) -> bool:
    """Whether a day has a nightly run; without one, what came that day is told the next."""
    return day.isoweekday() in settings.NIGHT_WEEKDAYS and not NoRun.objects.filter(day=day).exists()


def coming_nights(since: date, count: int) -> list[Night]:
    """The next nights that are planned, from a day on."""
    return list(islice(_planned(since), count))


def past_nights(at: datetime, count: int) -> list[Night]:
    """The latest planned nights whose start has passed at an instant, the newest first."""
    nights = _planned(timezone.localdate(at), step=-1)
    return list(islice((night for night in nights if night.starts <= at), count))


def _planned(since: date, step: int = 1) -> Iterator[Night]:
    """The planned nights from a day on, or backwards from it."""
    days = [since + timedelta(days=step * offset) for offset in range(LOOK_AHEAD)]
    first, last = min(days), max(days)
    without = set(NoRun.objects.filter(day__range=(first, last)).values_list("day", flat=True))
    for day in days:
        if day.isoweekday() in settings.NIGHT_WEEKDAYS and day not in without:
            yield night_of(day)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar: its night, or why it has none ("": its weekday has none)."""

    day: date
    night: Night | None
    reason: str = ""


def calendar(since: date, count: int) -> list[Day]:
    """So many days from one on, with their nights."""
    last = since + timedelta(days=count)
    without = dict(NoRun.objects.filter(day__range=(since, last)).values_list("day", "reason"))
    days = [since + timedelta(days=offset) for offset in range(count)]
    planned = {day for day in days if day.isoweekday() in settings.NIGHT_WEEKDAYS and day not in without}
    return [Day(day, night_of(day) if day in planned else None, without.get(day, "")) for day in days]
