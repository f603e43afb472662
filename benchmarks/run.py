"""`make bench`: measure imports, orders, first deliveries and whole nights at four sizes, on PostgreSQL; and all pages.

Makes databases and a folder of its own, and removes them. BENCH_SCALE (0.05 unless told) says how large: 1 is a
million persons and two million watches, behind the pages five million. BENCH_ONLY=orders measures the order of full
size alone, BENCH_ONLY=faces the pages; either leaves the other results as they were. Results go to
benchmarks/latest.json as they come, those of every page to benchmarks/pages.csv, and to standard output.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks import baselines
from benchmarks.faces import FACES, Faces, small_of
from benchmarks.facesizes import SMALLEST
from benchmarks.measure import run_case
from benchmarks.ordering import ORDER_FILES, Ordering
from benchmarks.results import LARGEST_GROWTH, LARGEST_PEAK, Result, growth, ratio, read, table, write
from benchmarks.sizes import Sizes, sizes

LATEST = Path(__file__).parent / "latest.json"
EVERY_PAGE = Path(__file__).parent / "pages.csv"
ROOT = Path(__file__).parent.parent
DATABASE = f"lefi_bench_{os.getpid()}"
NIGHTS = 3  # at each number of watches
# What BENCH_ONLY may name, and how the results begin that are then measured anew.
ONLY = {"orders": ORDER_FILES, "faces": FACES}
MB = 1_000_000


class Notes:
    """The results so far, said and written as they come."""

    def __init__(self, output: Path, results: Sequence[Result] = ()) -> None:
        self.output = output
        self.results = list(results)

    def note(self, result: Result) -> None:
        self.results.append(result)
        write(self.results, self.output)
        _say(f"{datetime.now(UTC):%H:%M:%S} {result.name}: {result.size:,} → {result.value:,.2f} {result.unit}")


def environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "DOCUMENTS_DIR": str(folder / "documents"),
        "ORDERS_DIR": str(folder / "orders"),
        "SIGNING_KEYS_DIR": str(folder / "signing-keys"),
        "SIGNING_KEY_AT_FIRST_USE": "true",
        "LOG_LEVEL": "ERROR",
    }


class Bench:
    """One pass through all cases, in the order in which each needs what those before it left."""

    def __init__(self, sizes: Sizes, url: str, folder: Path, notes: Notes) -> None:
        self.sizes = sizes
        self.url = url
        self.folder = folder
        self.notes = notes
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.environment = environment(url, folder)
        self.sections: list[str] = []
        self.sequence = 0  # of FK's imports
        self.nights: list[dict[str, Any]] = []

    def run(self) -> None:
        self.sections = self._case("prepare", at=self.at.isoformat())["sections"]
        self._imports()
        self._change()  # so that every night that is measured takes one case away and brings one
        ordered = 0
        for place, count in enumerate(self.sizes.orders):
            self._order(place, ordered, count)
            ordered += count
            if ordered in self.sizes.stocks:
                self._nights(ordered)
        for stock in self.sizes.stocks[2:]:
            self._case("add_watches", count=stock - ordered, beyond=self.sizes.stocks[0])
            ordered = stock
            self._nights(stock)
        self._note(Result("night, growth", self.sizes.stocks[-1], self._growth("seconds"), "×", target=LARGEST_GROWTH))
        self._note(Result("night, growth in processor", self.sizes.stocks[-1], self._growth("processor"), "×"))
        peak = max(one.peak_mb for one in self.notes.results if one.peak_mb is not None)
        self._note(Result("memory, largest process", self.sizes.persons, peak, "MB", target=LARGEST_PEAK))

    def _growth(self, what: str) -> float:
        return growth([night[what] for night in self.nights])

    def _imports(self) -> None:
        start = 0
        for part, count in enumerate(self.sizes.imports, start=1):
            self.sequence = part
            made = self._case(
                "write_part",
                persons=self.sizes.persons,
                part=part,
                start=start,
                stop=start + count,
                folder=str(self.folder),
                at=self.at.isoformat(),
            )
            start += count
            done = self._case("take_in", manifests=made["manifests"], at=self.at.isoformat())
            self._remove(made["manifests"])
            parameters = {"imports": done["imports"]}
            self._measured("import", count, "persons", done, baselines.IMPORT, parameters, read=made["read"])

    def _order(self, place: int, ordered: int, count: int) -> None:
        done = self._case(
            "order",
            stream=place,
            start=ordered,
            stop=ordered + count,
            folder=str(self.folder),
            at=self.at.isoformat(),
        )
        self._measured("order", count, "watches", done, baselines.ORDER, {"order": done["order"]})
        parameters = {"stream": done["stream"], "sections": self.sections}
        done = self._case("first", at=self.at.isoformat())
        self._measured("first delivery", count, "watches", done, baselines.FIRST, parameters)

    def _change(self) -> int:
        """Import a change of one in a hundred persons, and return the import's number."""
        self.sequence += 1
        made = self._case(
            "write_night",
            persons=self.sizes.persons,
            sequence=self.sequence,
            step=self.sizes.step,
            count=self.sizes.changed,
            folder=str(self.folder),
            at=self.at.isoformat(),
        )
        done = self._case("take_in", manifests=made["manifests"], at=self.at.isoformat())
        self._remove(made["manifests"])
        return done["imports"][0]

    def _nights(self, stock: int) -> None:
        """Change equally many persons, and tell the news to however many watches stand; note the median night."""
        nights = []
        for _ in range(NIGHTS):
            number = self._change()
            self.at += timedelta(days=1)
            nights.append((self._case("night", at=self.at.isoformat()), number))
        done, number = sorted(nights, key=lambda one: one[0]["seconds"])[NIGHTS // 2]
        parameters = {"import": number, "touched": "sjukpenningarende", "sections": self.sections}
        self.nights.append(done)
        self._note(Result("night, search", stock, done["searching"], "s"))
        self._note(Result("night, watches told", stock, done["counts"]["changed"], "watches"))
        self._note(Result("night, watches frozen", stock, done["counts"]["frozen"], "watches"))
        self._measured("night", stock, "", done, baselines.NIGHT, parameters)

    def _measured(
        self,
        name: str,
        size: int,
        what: str,
        done: dict[str, Any],
        query: str,
        parameters: dict[str, Any],
        read: int = 0,
    ) -> None:
        """Note a case: its time and ratio, its rate, the bytes it had to read and those it wrote, and peak memory."""
        base = baselines.measure(self.url, query, parameters)
        peak = max(done["python_mb"], done["postgres_mb"] or 0)
        self._note(
            Result(name, size, done["seconds"], "s", ratio=ratio(done["seconds"], base.seconds), peak_mb=round(peak, 1))
        )
        used = ratio(done["processor"], base.processor)
        self._note(Result(f"{name}, processor", size, round(done["processor"], 3), "s", ratio=used))
        if what:
            self._note(Result(f"{name}, rate", size, round(size / done["seconds"], 1), f"{what}/s"))
        self._note(Result(f"{name}, read", size, round((read or base.size) / MB, 2), "MB"))
        self._note(Result(f"{name}, written", size, round(done["written"] / MB, 2), "MB"))
        for process, mb in (("Python", done["python_mb"]), ("PostgreSQL", done["postgres_mb"])):
            if mb is not None:
                self._note(Result(f"{name}, {process} memory", size, round(mb, 1), "MB", target=LARGEST_PEAK))

    def _case(self, name: str, **arguments: Any) -> dict[str, Any]:
        return run_case(name, arguments, self.environment, self.url)

    def _note(self, result: Result) -> None:
        self.notes.note(result)

    @staticmethod
    def _remove(manifests: list[str]) -> None:
        for manifest in map(Path, manifests):
            manifest.with_suffix(".jsonl").unlink()
            manifest.unlink()


@contextmanager
def _own_database(url: str, name: str) -> Iterator[str]:
    """A new database on the server that the address names, with our tables, dropped at the end; yields its address."""
    own = urlsplit(url)._replace(path=f"/{name}").geturl()
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            _call("migrate", DATABASE_URL=own)
            yield own
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _call(command: str, *arguments: str, **environment: str) -> None:
    """A command of manage.py."""
    called = [sys.executable, "manage.py", command, *arguments, "--verbosity", "0"]
    subprocess.run(called, check=True, cwd=ROOT, env=os.environ | environment)  # noqa: S603


def _kept(but_for: str) -> Notes:
    """The results that are left as they were."""
    return Notes(LATEST, [one for one in read(LATEST) if not one.name.startswith(but_for)])


def _measure_all(measured: Sizes, url: str, folder: Path) -> Notes:
    notes = Notes(LATEST)
    with _own_database(url, DATABASE) as own:
        Bench(measured, own, folder, notes).run()
    return notes


def _measure_order_files(measured: Sizes, url: str, folder: Path, notes: Notes) -> None:
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    with _own_database(url, f"{DATABASE}_files") as own:
        Ordering(measured.orders[-1], own, str(folder), at, environment(own, folder), notes.note).run()


def _measure_faces(scale: float, url: str, folder: Path, notes: Notes) -> None:
    """All pages at a scale and at a hundredth of it, each in a database of its own."""
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    _call("collectstatic", "--noinput")
    faces = Faces(scale, at, folder, notes.note, EVERY_PAGE)
    done = []
    for name, one in (("small", small_of(scale)), ("large", scale)):
        own_folder = folder / name
        own_folder.mkdir()
        with _own_database(url, f"{DATABASE}_{name}") as own:
            done.append(faces.measure(own, environment(own, own_folder), one))
    faces.tell(done[1], done[0])


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> int:
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        _say("The benchmarks need PostgreSQL: set DATABASE_URL, as `make bench` does.")
        return 2
    scale, only = float(os.environ.get("BENCH_SCALE", "0.05")), os.environ.get("BENCH_ONLY", "")
    measured = sizes(scale)
    with tempfile.TemporaryDirectory(prefix="lefi-bench-") as folder:
        notes = _kept(ONLY[only]) if only else _measure_all(measured, url, Path(folder))
        if only != "faces":
            _measure_order_files(measured, url, Path(folder), notes)
        if only != "orders":
            _measure_faces(max(scale, SMALLEST), url, Path(folder), notes)
    _say(table(notes.results))
    return 1 if any(one.missed for one in notes.results) else 0


if __name__ == "__main__":
    sys.exit(main())
