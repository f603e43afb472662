"""The pure parts of the benchmarks: sizes, ratios and the form of results. The rest needs PostgreSQL and minutes."""

import json

import pytest

from benchmarks.population import write_import
from benchmarks.results import Result, growth, ratio, read, table, write
from benchmarks.sizes import CHANGED, FULL_STOCKS, sizes
from tests.factories import AT

FIELDS = ["name", "size", "value", "unit", "ratio", "target", "peak_mb"]


def test_the_full_size_is_a_million_persons_and_two_million_watches():
    full = sizes(1)
    assert (full.persons, full.orders[-1], full.stocks) == (1_000_000, 500_000, FULL_STOCKS)


@pytest.mark.parametrize("scale", [0.001, 0.005, 0.05, 0.3, 1])
def test_at_every_scale_all_who_change_are_watched_from_the_first_night(scale):
    measured = sizes(scale)
    assert measured.changed == int(measured.persons * CHANGED) > 0
    assert measured.step * (measured.changed - 1) < measured.stocks[0] == sum(measured.orders[:3])


@pytest.mark.parametrize("scale", [0.001, 0.05, 1])
def test_orders_and_stocks_grow_and_no_more_persons_are_ordered_than_there_are(scale):
    measured = sizes(scale)
    assert list(measured.stocks) == sorted(set(measured.stocks))
    assert measured.stocks[1] == sum(measured.orders) < measured.persons


@pytest.mark.parametrize("scale", [0, 1.01, -1])
def test_a_scale_out_of_range_is_refused(scale):
    with pytest.raises(ValueError, match="BENCH_SCALE"):
        sizes(scale)


def test_a_ratio_is_to_the_median_of_the_baselines_runs():
    assert ratio(6.0, [1.0, 9.0, 2.0]) == 3.0
    assert ratio(6.0, [0.0, 0.0, 0.0]) is None


def test_growth_is_the_last_night_to_the_first():
    assert growth([2.0, 9.0, 2.5]) == 1.25


@pytest.mark.parametrize(("value", "missed"), [(300.0, False), (300.1, True)])
def test_a_target_is_missed_only_above_it(value, missed):
    assert Result("memory", 1, value, "MB", target=300.0).missed is missed
    assert not Result("memory", 1, value, "MB").missed


def test_the_file_of_results_is_a_list_of_objects_with_the_same_fields(tmp_path):
    results = [Result("import", 78, 0.34, "s", ratio=2.0, peak_mb=96.8), Result("night", 1, 1.1, "×", target=1.5)]
    write(results, tmp_path / "latest.json")
    written = json.loads((tmp_path / "latest.json").read_text(encoding="utf-8"))
    assert [list(one) for one in written] == [FIELDS, FIELDS]
    assert written[0] == dict(zip(FIELDS, ["import", 78, 0.34, "s", 2.0, None, 96.8], strict=True))


def test_the_table_has_a_line_for_every_result():
    lines = table([Result("import", 1234, 0.5, "s"), Result("night", 1, 1.1, "×", target=1.5)]).splitlines()
    assert len(lines) == 3
    assert "1,234" in lines[1]


def test_an_imports_manifest_names_its_file_with_its_count_and_hash(tmp_path):
    written = write_import("FK", 2, ({"personnummer": str(n)} for n in range(3)), tmp_path, AT)
    manifest = json.loads(written.manifest.read_text(encoding="utf-8"))
    data = tmp_path / manifest["datafil"]
    assert (manifest["antal"], manifest["lopnummer"], data.stat().st_size) == (3, 2, written.size)


def test_results_are_read_back_as_they_were_written(tmp_path):
    results = [Result("import", 78, 0.34, "s", ratio=2.0), Result("night", 1, 1.1, "×", target=1.5)]
    write(results, tmp_path / "latest.json")
    assert read(tmp_path / "latest.json") == results
    assert read(tmp_path / "none.json") == []
