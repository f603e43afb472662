"""The pure parts of measuring pages: how much stands behind them, and what is told of their times."""

import csv

import pytest

from benchmarks.faces import Faces, small_of
from benchmarks.facesizes import face_sizes

AT = "2026-11-23T17:00:00+00:00"


def opened(**faces):
    """An outcome: each page's p95, and how many queries it sent."""
    return {
        "loads": [1.5, 0.5],
        "faces": [
            {"name": name, "times": 20, "p50": p95 / 2, "p95": p95, "max": p95, "processor": p95, "queries": queries}
            for name, (p95, queries) in faces.items()
        ],
    }


@pytest.fixture
def told(tmp_path):
    """What is noted of two sizes, by name; and the table of all pages."""

    def tell(large, small):
        noted, table = [], tmp_path / "pages.csv"
        Faces(1, AT, tmp_path, noted.append, table).tell(large, small)
        with table.open(encoding="utf-8", newline="") as file:
            return {one.name: one for one in noted}, list(csv.DictReader(file))

    return tell


def test_the_full_size_is_a_million_persons_five_million_watches_and_ten_million_disclosures():
    full = face_sizes(1)

    assert full.persons == 1_000_000
    assert full.large == 500_000
    assert 4_990_000 < full.watches <= 5_000_000
    assert full.disclosures == 2 * full.watches


@pytest.mark.parametrize("scale", [0.005, 0.01, 0.05, 1])
def test_no_customer_has_more_watches_than_there_are_persons(scale):
    made = face_sizes(scale)

    assert 0 < made.middling < made.large <= made.persons


@pytest.mark.parametrize("scale", [0, 0.004, 1.01])
def test_a_scale_out_of_range_is_refused(scale):
    with pytest.raises(ValueError, match="BENCH_SCALE"):
        face_sizes(scale)


@pytest.mark.parametrize(("scale", "small"), [(1, 0.01), (0.05, 0.005)])
def test_pages_stand_beside_those_of_a_hundredth_or_of_the_smallest_there_can_be(scale, small):
    assert small_of(scale) == small


def test_the_slowest_pages_are_noted_first_and_one_over_a_second_misses_the_target(told):
    noted, _ = told(opened(quick=(0.1, 5), slow=(1.2, 7)), opened(quick=(0.1, 5), slow=(0.3, 7)))

    assert (noted["pages, 1: slow"].value, noted["pages, 1: slow"].ratio, noted["pages, 1: slow"].missed) == (
        1.2,
        4,
        True,
    )
    assert not noted["pages, 2: quick"].missed
    assert noted["pages, over a second at p95"].value == 1
    assert noted["pages, over a second at p95"].missed


def test_a_page_that_sends_more_queries_with_more_behind_it_is_counted(told):
    noted, _ = told(opened(a=(0.1, 5), b=(0.1, 9)), opened(a=(0.1, 5), b=(0.1, 8)))

    assert noted["pages, with more queries than at a hundredth"].value == 1


def test_every_page_has_a_line_in_the_table_also_one_that_the_small_size_has_not(told):
    _, table = told(opened(a=(0.1, 5), b=(0.2, 9)), opened(a=(0.1, 5)))

    assert [(one["page"], one["queries"], one["queries at a hundredth"]) for one in table] == [
        ("b", "9", ""),
        ("a", "5", "5"),
    ]
