"""Where periods stand in the chart of a person."""

from datetime import date

import pytest

from benefits.timeline import LABELS, NARROWEST, WIDTH, Span, draw

TODAY = date(2026, 11, 23)


def span(starts_on=None, ends_on=None, lane="Sjukpenning", live=True):
    return Span(lane=lane, starts_on=starts_on, ends_on=ends_on, text="", live=live)


def test_without_dates_there_is_nothing_to_draw():
    assert draw([], on=TODAY) is None
    assert draw([span()], on=TODAY) is None


def test_the_years_of_all_periods_and_of_today_fill_the_width():
    timeline = draw([span(date(2025, 1, 1), date(2025, 12, 31))], on=TODAY)

    assert [year.text for year in timeline.years] == ["2025", "2026"]
    assert timeline.bars[0].x == LABELS
    assert timeline.bars[0].width == pytest.approx((WIDTH - LABELS) / 2, abs=1.5)
    assert LABELS < timeline.today < WIDTH


def test_many_years_are_not_all_labelled():
    timeline = draw([span(date(1970, 1, 1), date(1970, 2, 1))], on=TODAY)

    assert len(timeline.years) <= 13


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
