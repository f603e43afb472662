"""An order of full size, by each way in and by those of `orderways`, in turn, each in a fresh copy of one database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psycopg

from benchmarks.measure import Outcome, run_case
from benchmarks.results import (
    LARGEST_ORDER_PEAK,
    LARGEST_TO_BULK_CREATE,
    LARGEST_TO_HAND,
    LONGEST_CHUNK,
    LONGEST_CONFIRM,
    Result,
)

ROUNDS = 3
ORDER_FILES = "order file"  # how the names of all of these results begin
HAND, HAND_AFTER_PREVIEW, BULK = "order_by_hand", "order_by_hand_after_preview", "order_by_bulk_create"
# Each way as it is called in the results, its case, the form of its file, and the case that does by hand what it does.
OURS = (
    ("order file, API, CSV", "order_by_api", "csv", HAND),
    ("order file, API, XML", "order_by_api", "xml", HAND),
    ("order file, portal, CSV", "order_by_portal", "csv", HAND_AFTER_PREVIEW),
)


class Ordering:
    """Some rounds of all ways, and what came of them. Raise ValueError if two ways leave different rows."""

    def __init__(
        self, lines: int, url: str, folder: str, at: str, environment: dict[str, str], note: Callable[[Result], None]
    ) -> None:
        self.lines = lines
        self.url = url
        self.arguments = {"lines": lines, "folder": folder, "at": at}
        self.environment = environment
        self.note = note
        self.done: dict[str, list[Outcome]] = {}

    def run(self) -> None:
        run_case("order_scene", self.arguments, self.environment, self.url)
        for _ in range(ROUNDS):
            for name, case, form, _ in OURS:
                self._try(name, case, form=form)
            for case in (HAND, HAND_AFTER_PREVIEW):
                self._try(case, case)
        self._try(BULK, BULK)  # once: it takes longer than all the others, and comes nowhere near them
        self.tell()

    def tell(self) -> None:
        self._demand_same_effects()
        for name, _, _, hand in OURS:
            self._tell(name, hand)
        for case in (HAND, HAND_AFTER_PREVIEW, BULK):
            self._tell_baseline(case)

    def _try(self, name: str, case: str, **more: str) -> None:
        with copy_of(self.url) as url:
            environment = self.environment | {"DATABASE_URL": url}
            self.done.setdefault(name, []).append(run_case(case, self.arguments | more, environment, url))

    def _demand_same_effects(self) -> None:
        left = {tuple(sorted(one["effects"].items())) for outcomes in self.done.values() for one in outcomes}
        if len(left) != 1:
            raise ValueError("Not all ways of ordering leave the same rows.")

    def _tell(self, name: str, hand: str) -> None:
        seconds = self._median(name, "seconds")
        self._note(name, seconds, "s", ratio=self._ratio(name, hand, "seconds"))
        self._note(
            f"{name}, processor", self._median(name, "processor"), "s", ratio=self._ratio(name, hand, "processor")
        )
        self._note(f"{name}, rate", round(self.lines / seconds, 1), "lines/s")
        self._tell_ratios(name, hand)
        self._note(f"{name}, longest chunk", self._median(name, "longest_chunk"), "s", target=LONGEST_CHUNK)
        if hand == HAND_AFTER_PREVIEW:
            self._note(f"{name}, previewing", self._median(name, "previewing"), "s")
            self._note(f"{name}, confirming", self._median(name, "confirming"), "s", target=LONGEST_CONFIRM)
        for label, process in (("Python", "python_mb"), ("PostgreSQL", "postgres_mb")):
            peak = max(one[process] or 0 for one in self.done[name])
            self._note(f"{name}, {label} memory", round(peak, 1), "MB", target=LARGEST_ORDER_PEAK)

    def _tell_ratios(self, name: str, hand: str) -> None:
        """What the targets are about, by the clock; and the same in processor time, which others disturb less."""
        others = [("SQL by hand", hand, LARGEST_TO_HAND)]
        if hand == HAND:
            others.append(("bulk_create", BULK, LARGEST_TO_BULK_CREATE))
        for label, other, target in others:
            self._note(f"{name}, to {label}", self._ratio(name, other, "seconds"), "×", target=target)
            self._note(f"{name}, to {label}, processor", self._ratio(name, other, "processor"), "×")

    def _tell_baseline(self, case: str) -> None:
        name = f"{ORDER_FILES}, {case.removeprefix('order_').replace('_', ' ')}"
        self._note(name, self._median(case, "seconds"), "s")
        self._note(f"{name}, processor", self._median(case, "processor"), "s")

    def _median(self, name: str, what: str) -> float:
        return round(median(one[what] for one in self.done[name]), 3)

    def _ratio(self, name: str, other: str, what: str) -> float:
        return round(self._median(name, what) / self._median(other, what), 3)

    def _note(self, name: str, value: float, unit: str, **more: Any) -> None:
        self.note(Result(name, self.lines, value, unit, **more))


@contextmanager
def copy_of(url: str) -> Iterator[str]:
    """A copy of a database that nobody is using, dropped at the end; yields its address."""
    name = urlsplit(url).path.removeprefix("/")
    server, copy = (urlsplit(url)._replace(path=path).geturl() for path in ("/postgres", f"/{name}_copy"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name} STRATEGY FILE_COPY")
        try:
            connection.execute("CHECKPOINT")
            yield copy
        finally:
            connection.execute(f"DROP DATABASE {name}_copy WITH (FORCE)")
