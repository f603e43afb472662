"""`make bench`: measure imports, orders, first deliveries and whole nights at four sizes, on PostgreSQL.

Makes a database and a folder of its own, and removes them. BENCH_SCALE (0.05 unless told) says how large: 1 is a
million persons and two million watches. Results go to benchmarks/latest.json as they come, and to standard output.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks import baselines
from benchmarks.measure import run_case
from benchmarks.results import LARGEST_GROWTH, LARGEST_PEAK, Result, growth, ratio, table, write
from benchmarks.sizes import Sizes, sizes

LATEST = Path(__file__).parent / "latest.json"
ROOT = Path(__file__).parent.parent
DATABASE = f"lefi_bench_{os.getpid()}"
NIGHTS = 3  # at each number of watches
MB = 1_000_000


class Bench:
    """One pass through all cases, in the order in which each needs what those before it left."""

    def __init__(self, sizes: Sizes, url: str, folder: Path, output: Path) -> None:
        self.sizes = sizes
        self.url = url
        self.folder = folder
        self.output = output
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.environment = {
            "DATABASE_URL": url,
            "DOCUMENTS_DIR": str(folder / "documents"),
            "LOG_LEVEL": "ERROR",
        }
        self.results: list[Result] = []
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
        peak = max(one.peak_mb for one in self.results if one.peak_mb is not None)
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
        self.results.append(result)
        write(self.results, self.output)
        _say(f"{datetime.now(UTC):%H:%M:%S} {result.name}: {result.size:,} → {result.value:,.2f} {result.unit}")

    @staticmethod
    def _remove(manifests: list[str]) -> None:
        for manifest in map(Path, manifests):
            manifest.with_suffix(".jsonl").unlink()
            manifest.unlink()


@contextmanager
def _own_database(url: str) -> Iterator[str]:
    """A new database on the server that the address names, dropped at the end; yields its address."""
    own = urlsplit(url)._replace(path=f"/{DATABASE}").geturl()
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield own
        finally:
            server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> int:
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        _say("The benchmarks need PostgreSQL: set DATABASE_URL, as `make bench` does.")
        return 2
    measured = sizes(float(os.environ.get("BENCH_SCALE", "0.05")))
    with _own_database(url) as own, tempfile.TemporaryDirectory(prefix="lefi-bench-") as folder:
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"DATABASE_URL": own})  # noqa: S603
        bench = Bench(measured, own, Path(folder), LATEST)
        bench.run()
    _say(table(bench.results))
    return 1 if any(one.missed for one in bench.results) else 0


if __name__ == "__main__":
    sys.exit(main())
