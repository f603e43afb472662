"""Every page that people see, opened with a country's worth behind it, and again with a hundredth of that.

The same pages stand beside each other: how much longer each takes when there is a hundred times as much, and that it
sends as many queries.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.facesizes import SMALLEST, face_sizes
from benchmarks.measure import Outcome, run_case
from benchmarks.results import LONGEST_PAGE, Result

FACES = "pages"  # how the names of all of these results begin
ROUNDS = 3  # after one that warms: p95 is the longest of them
WORST = 10
COLUMNS = ("page", "times", "p50", "p95", "max", "processor", "queries", "p50 at a hundredth", "queries at a hundredth")

Case = Callable[[str, dict[str, Any]], Outcome]


class Faces:
    """A scene of some size opened in rounds, beside a small one."""

    def __init__(self, scale: float, at: str, folder: Path, note: Callable[[Result], None], table: Path) -> None:
        self.scale = scale
        self.at = at
        self.folder = folder
        self.note = note
        self.table = table

    def measure(self, url: str, environment: dict[str, str], scale: float) -> Outcome:
        """Fill a database, and open all pages."""
        run_case("face_scene", {"scale": scale, "folder": str(self.folder), "at": self.at}, environment, url)
        return run_case("open_faces", {"rounds": ROUNDS}, environment, url)

    def tell(self, large: Outcome, small: Outcome) -> None:
        beside = {one["name"]: one for one in small["faces"]}
        faces = sorted(large["faces"], key=lambda one: one["p95"], reverse=True)
        self._write(faces, beside)
        both = [(one, beside[one["name"]]) for one in faces if one["name"] in beside]
        more = [one for one, other in both if one["queries"] > other["queries"]]
        self._note("opened", len(faces), "pages")
        self._note("in both sizes", len(both), "pages")
        self._note("over a second at p95", sum(one["p95"] > LONGEST_PAGE for one in faces), "pages", target=0)
        self._note("with more queries than at a hundredth", len(more), "pages")
        self._note("load", max(large["loads"]), "processes")
        for name in ("p50", "p95", "max", "processor"):
            value = sorted(one[name] for one in faces)
            self._note(f"median page, {name}", value[len(value) // 2], "s")
        for place, one in enumerate(faces[:WORST], start=1):
            other = beside.get(one["name"])
            said = round(one["p50"] / other["p50"], 2) if other else None
            self._note(f"{place}: {one['name']}", one["p95"], "s", ratio=said, target=LONGEST_PAGE)
            self._note(f"{place}, processor", one["processor"], "s")
            self._note(f"{place}, queries", one["queries"], "queries")

    def _write(self, faces: list[dict[str, Any]], beside: dict[str, dict[str, Any]]) -> None:
        """All pages, the slowest first."""
        with self.table.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            for one in faces:
                other = beside.get(one["name"], {})
                times = [f"{one[name]:.3f}" for name in ("p50", "p95", "max", "processor")]
                small = f"{other['p50']:.3f}" if other else ""
                rows.writerow([one["name"], one["times"], *times, one["queries"], small, other.get("queries", "")])

    def _note(self, name: str, value: float, unit: str, **more: Any) -> None:
        size = face_sizes(self.scale).watches
        self.note(Result(f"{FACES}, {name}", size, round(value, 3), unit, **more))


def small_of(scale: float) -> float:
    """A hundredth, or as little as there can be."""
    return max(SMALLEST, scale / 100)
