"""The order that is measured: every kind of wrong line is in it equally often, and both forms say the same."""

from collections import Counter
from datetime import date

import pytest

from benchmarks.orderfile import STRIDE, wanted_lines, watched_numbers, write_csv, write_xml
from benchmarks.orderways import read
from benefits.identity import parse
from subscriptions.models import Order
from subscriptions.orders import files
from subscriptions.orders.lines import Line

LINES = 15 * STRIDE * 2
WAYS = 15


@pytest.fixture(scope="module")
def wanted():
    return list(wanted_lines(LINES))


def test_one_line_in_a_hundred_is_wrong_and_in_fifteen_ways_equally_often(wanted):
    answers = Counter(one.answer for one in wanted)
    assert answers.pop("ACCEPTED") == LINES - LINES // STRIDE
    assert len(answers) == WAYS and set(answers.values()) == {LINES // STRIDE // WAYS}


def test_lines_that_are_to_be_accepted_name_each_person_once(wanted):
    numbers = [one.number for one in wanted if one.answer == "ACCEPTED"]
    assert len(set(numbers)) == len(numbers)
    assert not set(numbers) & set(watched_numbers(LINES))
    assert all(parse(one, on=date(2026, 11, 23)) for one in numbers)


def test_csv_and_xml_say_the_same(wanted, tmp_path):
    write_csv(tmp_path / "order.csv", wanted)
    write_xml(tmp_path / "order.xml", wanted, "5590000000")

    def lines(form):
        items = files.read(tmp_path / f"order.{form}", form)
        return [(one.kind, one.number, one.benefit, one.from_date, one.fault) for one in items if isinstance(one, Line)]

    assert lines(Order.Form.CSV) == lines(Order.Form.XML)
    assert len(lines(Order.Form.CSV)) == LINES


def test_what_is_compared_to_reads_every_line_and_finds_what_the_file_and_the_law_alone_say(wanted, tmp_path):
    write_csv(tmp_path / "order.csv", wanted)
    asked = list(read(tmp_path / "order.csv", date(2026, 11, 23)))

    said = [one.answer or "ACCEPTED" for one in asked]
    by_database = {"DUPLICATE_IN_ORDER", "CONFLICT_IN_ORDER", "NOT_WATCHED", "ALREADY_WATCHED"}
    assert said == ["ACCEPTED" if one.answer in by_database else one.answer for one in wanted]
