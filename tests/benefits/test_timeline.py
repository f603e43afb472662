"""Where periods stand in the chart of a person."""

from datetime import date
from itertools import pairwise

import pytest

from benefits.timeline import LABELS, MOST_TICKS, NARROWEST, NEAR, WIDTH, Point, Span, draw

TODAY = date(2026, 11, 23)


def told(on, lane="Kommunen", told=True):
    return Point(lane=lane, on=on, text=f"{on}", told=told, url=f"/{on}/")


def span(starts_on=None, ends_on=None, lane="Sjukpenning", live=True):
    return Span(lane=lane, starts_on=starts_on, ends_on=ends_on, text="", live=live)


def test_without_dates_there_is_nothing_to_draw():
    assert draw([], on=TODAY) is None
    assert draw([span()], on=TODAY) is None


def test_the_years_of_all_periods_and_of_today_fill_the_width():
    timeline = draw([span(date(2025, 1, 1), date(2025, 12, 31))], on=TODAY)

    assert timeline.ticks[0].text == "2025-01"
    assert timeline.ticks[-1].text == "2026-11"
    assert timeline.bars[0].x == LABELS
    assert timeline.bars[0].width == pytest.approx((WIDTH - LABELS) / 2, abs=1.5)
    assert LABELS < timeline.today < WIDTH


def test_many_years_are_not_all_labelled():
    timeline = draw([span(date(1970, 1, 1), date(1970, 2, 1))], on=TODAY)

    assert len(timeline.ticks) <= 13


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "reaches"),
    [(date(2026, 7, 1), None, WIDTH), (None, date(2026, 12, 31), WIDTH)],
)
def test_an_open_end_reaches_the_edge(starts_on, ends_on, reaches):
    bar = draw([span(starts_on, ends_on)], on=TODAY).bars[0]

    assert bar.x + bar.width == pytest.approx(reaches, abs=3)
    assert (bar.x == LABELS) is (starts_on is None)


def test_a_single_day_can_be_seen():
    bars = draw([span(date(1980, 1, 1), date(1980, 1, 1))], on=TODAY).bars

    assert bars[0].width == NARROWEST


def test_each_section_has_a_lane_and_what_was_taken_away_lies_under_what_stands():
    day = date(2026, 1, 1)
    timeline = draw([span(day, lane="A"), span(day, lane="B"), span(day, lane="A", live=False)], on=TODAY)

    assert [lane.text for lane in timeline.lanes] == ["A", "B"]
    first, second, withdrawn = timeline.bars
    assert first.y < withdrawn.y < second.y
    assert withdrawn.y + withdrawn.height <= second.y


def test_years_are_ticks_where_months_would_be_many():
    timeline = draw([span(date(2020, 5, 1), date(2021, 5, 1))], on=TODAY)

    assert [tick.text for tick in timeline.ticks] == ["2020", "2021", "2022", "2023", "2024", "2025", "2026"]
    assert timeline.ticks[0].x == LABELS


@pytest.mark.parametrize("years", [0, 1, 2, 3, 11, 12, 13, 40, 90])
def test_ticks_are_few_and_stand_in_order_inside_the_chart(years):
    ticks = draw([span(date(2026 - years, 2, 3), None)], on=TODAY).ticks

    assert 1 < len(ticks) <= MOST_TICKS + 1 or years == 0
    assert all(LABELS <= one.x <= WIDTH for one in ticks)
    assert [one.x for one in ticks] == sorted(one.x for one in ticks)


def test_who_was_told_stands_below_what_is_known_in_lanes_of_their_own():
    day = date(2026, 6, 1)
    timeline = draw(
        [span(day)], on=TODAY, watched=[span(day, lane="Kommunen")], points=[told(day), told(day, lane="Bolaget")]
    )

    assert [lane.text for lane in timeline.lanes] == ["Sjukpenning", "Kommunen", "Bolaget"]
    assert timeline.bars[0].y < timeline.told_at < timeline.watched[0].y
    assert timeline.told_at < min(dot.y for dot in timeline.dots) < timeline.height


def test_without_receivers_there_is_no_heading_for_them():
    assert draw([span(TODAY)], on=TODAY).told_at == 0


def test_what_was_withheld_lies_under_what_was_told():
    day = date(2026, 6, 1)
    above, below = draw([], on=TODAY, points=[told(day), told(day, told=False)]).dots

    assert (above.told, below.told) == (True, False)
    assert above.y < below.y


def test_marks_that_could_not_be_told_apart_are_one_that_leads_to_the_last():
    night = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 7, 1)]
    near, far = draw([], on=TODAY, points=[told(day) for day in reversed(night)]).dots

    assert (near.count, near.url) == (2, "/2026-01-06/")
    assert near.text.splitlines() == ["2026-01-05", "2026-01-06"]
    assert far.count == 1


def test_no_two_marks_of_a_kind_lie_on_each_other_however_many_nights_there_were():
    nights = [date.fromordinal(TODAY.toordinal() - ago) for ago in range(365)]
    dots = draw([], on=TODAY, points=[told(day) for day in nights]).dots

    apart = [second.x - first.x for first, second in pairwise(dots)]
    assert min(apart) >= NEAR * 0.9
    assert sum(dot.count for dot in dots) == 365


def test_a_window_shows_what_meets_it_and_cuts_what_reaches_out_of_it():
    window = (date(2026, 1, 1), date(2026, 12, 31))
    timeline = draw(
        [span(date(2020, 1, 1), date(2030, 1, 1)), span(date(2019, 1, 1), date(2019, 2, 1), lane="Förr")],
        on=TODAY,
        points=[told(date(2025, 12, 31)), told(date(2026, 1, 1))],
        window=window,
    )

    assert [lane.text for lane in timeline.lanes] == ["Sjukpenning", "Kommunen"]
    assert (timeline.bars[0].x, timeline.bars[0].x + timeline.bars[0].width) == (LABELS, WIDTH)
    assert [dot.text for dot in timeline.dots] == ["2026-01-01"]


def test_a_window_that_nothing_meets_is_nothing_to_draw():
    assert draw([span(date(2019, 1, 1), date(2019, 2, 1))], on=TODAY, window=(TODAY, TODAY)) is None
