"""Which nights are planned, and what a day without a run means."""

from datetime import date, timedelta

import pytest

from deliveries import plan, runs
from deliveries.models import NoRun

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)


def days(count=7, since=MONDAY):
    return [(one.day - MONDAY).days for one in plan.calendar(since, count) if one.night]


def test_every_night_is_planned_unless_said_otherwise():
    assert days() == [0, 1, 2, 3, 4, 5, 6]


def test_weekdays_without_a_night_are_a_setting(settings):
    settings.NIGHT_WEEKDAYS = [1, 2, 3, 4, 5]
    assert days(9) == [0, 1, 2, 3, 4, 7, 8]


def test_staff_take_days_out_of_the_calendar():
    NoRun.objects.create(day=MONDAY + timedelta(days=1), reason="Driftstopp")
    assert days(4) == [0, 2, 3]
    assert [one.reason for one in plan.calendar(MONDAY, 3)] == ["", "Driftstopp", ""]


def test_a_night_ends_at_its_deadline_the_next_morning():
    night = plan.night_of(MONDAY)
    assert night.deadline.date() == MONDAY + timedelta(days=1)
    assert night.starts < night.deadline


def test_a_calendar_without_nights_ends_the_search(settings):
    settings.NIGHT_WEEKDAYS = []
    assert plan.coming_nights(MONDAY, 3) == []
    assert plan.coming(plan.night_of(MONDAY).starts) is None


def test_the_night_to_come_is_the_one_that_is_due_or_else_the_next():
    night, next_night = plan.night_of(MONDAY), plan.night_of(MONDAY + timedelta(days=1))

    assert plan.coming(night.starts - timedelta(hours=9)) == plan.coming(night.starts) == night
    assert plan.coming(night.deadline) == next_night


@pytest.mark.parametrize(
    ("hour", "due", "over"),
    [(12, None, 0), (21.99, None, 0), (22, 1, 0), (26, 1, 0), (28.99, 1, 0), (29, None, 1), (34, None, 1)],
)
def test_a_night_is_due_from_its_start_to_its_deadline_and_then_over(hour, due, over):
    """Hours from midnight to tuesday: monday's night was before it, tuesday's comes."""
    midnight = plan.night_of(MONDAY + timedelta(days=1)).starts - timedelta(hours=22)
    at = midnight + timedelta(hours=hour)

    assert plan.due(at) == (plan.night_of(MONDAY + timedelta(days=due)) if due else None)
    assert plan.latest_over(at) == plan.night_of(MONDAY + timedelta(days=over))


def test_a_day_without_a_run_is_never_due_nor_over():
    NoRun.objects.create(day=MONDAY, reason="Driftstopp")
    night = plan.night_of(MONDAY)

    assert plan.due(night.starts) is None
    assert plan.latest_over(night.deadline) is None


def test_no_run_starts_on_a_day_without_one_and_the_next_night_tells_all(world):
    world.watch(world.streams[0], 0)
    NoRun.objects.create(day=world.day, reason="Driftstopp")
    with pytest.raises(runs.RunRefused, match="NOT_PLANNED"):
        world.start_night()
    world.next_day()
    run = world.night()

    assert run.streams.get(stream=world.streams[0]).counts["complete"] == 1


def test_nights_that_have_begun_are_told_backwards():
    NoRun.objects.create(day=MONDAY - timedelta(days=1), reason="Driftstopp")
    night = plan.night_of(MONDAY)

    before = plan.past_nights(night.starts - timedelta(minutes=1), 2)
    after = plan.past_nights(night.starts, 2)

    assert [(one.day - MONDAY).days for one in before] == [-2, -3]
    assert [(one.day - MONDAY).days for one in after] == [0, -2]
