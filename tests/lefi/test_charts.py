"""Where columns, lines and names stand in a chart."""

import pytest

from lefi import charts
from lefi.charts import Value, bar, columns, spark


def values(*numbers):
    return [Value(f"n{place}", number, f"{number} st") for place, number in enumerate(numbers)]


def test_no_number_is_no_chart():
    assert columns([]) is None
    assert columns(values(None, None)) is None


def test_the_highest_column_stays_below_the_highest_line_and_nothing_is_below_the_lowest():
    chart = columns(values(3, 17, 9))

    assert [line.number for line in chart.lines] == [0, 5, 10, 15, 20]
    assert all(chart.lines[-1].y <= one.y for one in chart.columns)
    assert all(one.y + one.height == pytest.approx(chart.bottom) for one in chart.columns)


def test_columns_are_as_high_as_their_numbers_and_stand_in_order_inside_the_frame():
    chart = columns(values(10, 20))
    first, second = chart.columns

    assert second.height == pytest.approx(2 * first.height, abs=0.1)
    assert chart.left <= first.x < first.x + first.width < second.x
    assert second.x + second.width <= chart.right


def test_nothing_is_a_gap_and_very_little_can_be_seen():
    chart = columns(values(0, None, 1, 1_000_000))

    assert len(chart.columns) == 2
    assert chart.columns[0].height == charts.NARROWEST


@pytest.mark.parametrize("most", [0, 1, 2, 3, 7, 42, 99, 1234, 87_654_321])
def test_lines_are_few_at_round_and_whole_numbers_and_reach_above_the_most(most):
    numbers = [line.number for line in columns(values(most)).lines]

    assert 2 <= len(numbers) <= charts.LINES + 1
    assert all(number == int(number) for number in numbers)
    assert numbers[-1] >= most


def test_the_newest_column_has_its_name_and_names_are_few():
    names = columns(values(*range(1, 31))).names

    assert names[-1].text == "n29"
    assert len(names) <= charts.NAMED


def test_a_limit_near_the_columns_is_drawn_and_one_far_above_would_flatten_them():
    assert columns(values(5, 8), limit=10).limit.number == 10
    assert columns(values(5, 8), limit=1000).limit is None


def test_what_is_marked_stays_marked():
    chart = columns([Value("a", 1, "i tid"), Value("b", 2, "sen", marked=True)])

    assert [one.marked for one in chart.columns] == [False, True]


def test_a_row_of_small_columns_fills_its_height_and_leaves_gaps():
    chart = spark(values(0, 2, 4))

    assert [one.height for one in chart.columns] == [charts.SPARK_HEIGHT / 2, charts.SPARK_HEIGHT]
    assert spark([]).columns == ()


def test_a_bar_is_as_long_as_its_share_of_the_most():
    assert bar(5, 10, "5").columns[0].width == charts.SPARK_WIDTH / 2
    assert bar(0, 0, "0").columns[0].width == 0
