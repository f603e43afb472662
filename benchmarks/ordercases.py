"""The cases of an order of full size: by our ways in, and by those of `orderways`. Registered in `cases`."""

import csv
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from django.db import connection

from benchmarks import orderfile, orderscene, orderways
from benchmarks.measure import Outcome
from benchmarks.working import Failed, Work, told
from subscriptions.models import Order, Stream
from subscriptions.orders import files, placing, results

MOST = 1 << 30  # bytes


class Chunks:
    """Times the chunks in which lines are answered: from the locks to before the commit."""

    longest = 0.0

    def __enter__(self) -> "Chunks":
        self._true = placing._answer
        placing._answer = self._answer
        return self

    def __exit__(self, *_: object) -> None:
        placing._answer = self._true

    def _answer(self, *args: Any) -> None:
        started = time.perf_counter()
        self._true(*args)
        self.longest = max(self.longest, time.perf_counter() - started)


def order_scene(*, lines: int, folder: str, at: str) -> Outcome:
    """Not measured: the register and the files."""
    orderscene.make(lines, datetime.fromisoformat(at))
    orderfile.write_csv(_path(folder, "csv"), orderfile.wanted_lines(lines))
    orderfile.write_xml(_path(folder, "xml"), orderfile.wanted_lines(lines), orderscene.ORGANISATION)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {form: _path(folder, form).stat().st_size for form in ("csv", "xml")}


def _path(folder: str, form: str) -> Path:
    return Path(folder) / f"order.{form}"


def order_by_api(*, lines: int, form: str, folder: str, at: str) -> Outcome:
    """As the API does with a file that was sent to it: kept, read and carried out."""

    def run() -> dict[str, float]:
        placed = receive_file(Stream.objects.get(), _path(folder, form), form, at, Order.Aim.CARRY_OUT)
        placing.work_on(placed.pk)
        return {}

    return _measured(run, lines, first_row=2 if form == "csv" else 1)


def order_by_portal(*, lines: int, form: str, folder: str, at: str) -> Outcome:
    """As the portal does with a file: previewed, confirmed, carried out."""

    def run() -> dict[str, float]:
        with Work() as previewing:
            placed = placing.work_on(
                receive_file(Stream.objects.get(), _path(folder, form), form, at, Order.Aim.PREVIEW).pk
            )
        with Work() as confirming:
            placing.confirm(placed, at=datetime.fromisoformat(at))
        placing.work_on(placed.pk)
        return {"previewing": previewing.seconds, "confirming": confirming.seconds}

    return _measured(run, lines, first_row=2 if form == "csv" else 1)


def order_by_hand(*, lines: int, folder: str, at: str) -> Outcome:
    def run() -> dict[str, float]:
        orderways.by_hand(Stream.objects.get(), _path(folder, "csv"), datetime.fromisoformat(at))
        return {}

    return _measured(run, lines, first_row=2)


def order_by_hand_after_preview(*, lines: int, folder: str, at: str) -> Outcome:
    """What the portal's way does, by hand: answered without effect, forgotten, carried out."""

    def run() -> dict[str, float]:
        path, when = _path(folder, "csv"), datetime.fromisoformat(at)
        orderways.by_hand(Stream.objects.get(), path, when, preview=True)
        orderways.forget_preview(Order.objects.get())
        orderways.by_hand(Stream.objects.get(), path, when)
        return {}

    return _measured(run, lines, first_row=2)


def order_by_bulk_create(*, lines: int, folder: str, at: str) -> Outcome:
    def run() -> dict[str, float]:
        orderways.by_bulk_create(Stream.objects.get(), _path(folder, "csv"), datetime.fromisoformat(at))
        return {}

    return _measured(run, lines, first_row=2)


def receive_file(stream: Stream, path: Path, form: str, at: str, aim: str) -> Order:
    """As the edges do with a file that was sent to them, up to its being handed over."""
    with path.open("rb") as file:
        received = files.take_in(file, most=MOST)
    when = datetime.fromisoformat(at)
    return placing.receive(stream=stream, channel=Order.Channel.API, received=received, form=form, at=when, aim=aim)


def _measured(run: Callable[[], dict[str, float]], lines: int, first_row: int) -> Outcome:
    with Work() as work, Chunks() as chunks:
        more = run()
    placed = Order.objects.latest("pk")
    if placed.status != Order.Status.DONE:
        raise Failed(f"The order is {placed.status}: {placed.refusal}.")
    wrong = _wrong_answers(placed, lines)
    if wrong:
        raise Failed(f"{wrong} lines are not answered as they should be.")
    return told(
        work,
        written=work.log_bytes,
        counts=placed.counts,
        effects=_effects(first_row),
        longest_chunk=chunks.longest,
        **more,
    )


def _wrong_answers(placed: Order, lines: int) -> int:
    """How many lines of the result, as the customer fetches it, have another answer than expected; and the counts."""
    texts = (line for piece in results.csv_rows(placed) for line in StringIO(piece, newline=""))
    rows = csv.reader(texts, delimiter=";")
    next(rows)
    told = ((int(row[0]), row[6], row[7]) for row in rows)
    due = Counter(answer for _, _, answer in orderscene.expected(lines))
    wrong = sum(1 for row, expected in zip_longest(told, orderscene.expected(lines)) if row != expected)
    return wrong + (due != Counter(placed.counts))


def _effects(first_row: int) -> dict[str, str]:
    """The digests of all that the order left, for other ways to be compared to; rows count from `first_row` in CSV."""
    return {name: _digest(query) for name, query in orderscene.effects(first_row).items()}


def _digest(query: str) -> str:
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        for data in copy:
            digest.update(data)
    return digest.hexdigest()


CASES: tuple[Callable[..., dict[str, Any]], ...] = (
    order_scene,
    order_by_api,
    order_by_portal,
    order_by_hand,
    order_by_hand_after_preview,
    order_by_bulk_create,
)
