"""PURE: the results and their form. benchmarks/latest.json is a list of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

LARGEST_PEAK = 300.0  # MB, of any process
LARGEST_GROWTH = 1.5  # of a night, from the fewest watches to the most
LARGEST_ORDER_PEAK = 200.0  # MB, of any process at an order's file
LARGEST_TO_HAND = 1.5  # of an order's file, to the best SQL by hand
LARGEST_TO_BULK_CREATE = 0.4
LONGEST_CHUNK = 2.0  # seconds in which an order's lines hold the law's lock
LONGEST_CONFIRM = 3.0  # seconds that somebody waits for
LONGEST_PAGE = 1.0  # seconds, of each page at p95


@dataclass(frozen=True, slots=True)
class Result:
    """One measured value. `ratio` is to the baseline, `target` what `value` may be at most."""

    name: str
    size: int
    value: float
    unit: str
    ratio: float | None = None
    target: float | None = None
    peak_mb: float | None = None

    @property
    def missed(self) -> bool:
        return self.target is not None and self.value > self.target


def ratio(seconds: float, baselines: Sequence[float]) -> float | None:
    """How many times the median of the baseline's runs; None where that took no time that can be measured."""
    base = median(baselines)
    return round(seconds / base, 2) if base > 0 else None


def growth(seconds: Sequence[float]) -> float:
    """How many times longer the last took than the first."""
    return round(seconds[-1] / seconds[0], 2)


def write(results: Sequence[Result], path: Path) -> None:
    """Put the results in place of the file's, one a line."""
    lines = ",\n".join(json.dumps(asdict(one)) for one in results)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def read(path: Path) -> list[Result]:
    """What `write` has written; nothing, if it has not."""
    return [Result(**one) for one in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def table(results: Sequence[Result]) -> str:
    """The results as text for people."""
    rows = [("case", "size", "value", "", "× COPY", "target", "peak MB")]
    rows += [
        (one.name, f"{one.size:,}", f"{one.value:,.2f}", one.unit, *map(_text, (one.ratio, one.target, one.peak_mb)))
        for one in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"
