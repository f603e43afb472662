"""The cases, each run in a process of its own: `python -m benchmarks.cases NAME ARGUMENTS`.

Prints one JSON object on its last line: `seconds` of the work itself, `processor` seconds that it took of
processors, `python_mb` at its peak, and what it came to.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lefi.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks import facecases, measure, ordercases, orderfile, population, scene  # noqa: E402
from benchmarks.measure import Outcome  # noqa: E402
from benchmarks.sizes import STREAMS  # noqa: E402
from benchmarks.working import Failed, Work, told  # noqa: E402
from benefits.catalogue import catalogue  # noqa: E402
from benefits.services import import_file  # noqa: E402
from benefits.synthetic import Register  # noqa: E402
from deliveries.models import Run  # noqa: E402
from deliveries.plan import night_of  # noqa: E402
from deliveries.runs import perform, start_night, start_run  # noqa: E402
from subscriptions.models import Order, Stream  # noqa: E402
from subscriptions.orders.lines import NEW  # noqa: E402
from subscriptions.orders.placing import work_on  # noqa: E402


def prepare(at: str) -> Outcome:
    scene.make(STREAMS, datetime.fromisoformat(at))
    return {"sections": list(catalogue().benefits[scene.BENEFIT].sections)}


def write_part(*, persons: int, part: int, start: int, stop: int, folder: str, at: str) -> Outcome:
    """Make the files of an import; not measured."""
    register, when = Register(persons), datetime.fromisoformat(at)
    written = population.write_part(register, part, range(start, stop), Path(folder), when)
    return {"manifests": [str(one.manifest) for one in written], "read": sum(one.size for one in written)}


def write_night(*, persons: int, sequence: int, step: int, count: int, folder: str, at: str) -> Outcome:
    indexes = range(0, step * count, step)
    register, when = Register(persons), datetime.fromisoformat(at)
    written = population.write_night(register, sequence, indexes, Path(folder), when)
    return {"manifests": [str(written.manifest)], "read": written.size}


def take_in(*, manifests: list[str], at: str) -> Outcome:
    with Work() as work:
        done = [import_file(manifest_path=Path(one), at=datetime.fromisoformat(at)) for one in manifests]
    _analyze("benefits")
    return told(work, imports=[one.number for one in done], written=work.log_bytes)


def order(*, stream: int, start: int, stop: int, folder: str, at: str) -> Outcome:
    found = population.numbers(Path(folder), range(start, stop))
    path = Path(folder) / "order.csv"
    wanted = (orderfile.Wanted(NEW, one, scene.FROM.isoformat(), scene.ORDER_NAME, "", "", "") for one in found)
    orderfile.write_csv(path, wanted)
    target = Stream.objects.order_by("pk")[stream]
    with Work() as work:
        placed = work_on(ordercases.receive_file(target, path, Order.Form.CSV, at, Order.Aim.CARRY_OUT).pk)
    if placed.counts != {"ACCEPTED": stop - start}:
        raise Failed(f"Of {stop - start} lines not all were accepted: {placed.counts}.")
    _analyze("subscriptions")
    return told(work, order=placed.pk, stream=target.pk, written=work.log_bytes)


def first(*, at: str) -> Outcome:
    """An on-demand run over all streams: what has been ordered since the last is told for the first time."""
    when = datetime.fromisoformat(at)
    day, deadline = timezone.localdate(when), when + timedelta(days=1)
    return _run(lambda: start_run(kind=Run.Kind.ON_DEMAND, day=day, planned_for=when, deadline=deadline, at=when))


def night(*, at: str) -> Outcome:
    day = timezone.localdate(datetime.fromisoformat(at))
    return _run(lambda: start_night(day=day, at=night_of(day).starts))


def _run(begin: Callable[[], Run]) -> Outcome:
    with Work() as work:
        started = time.perf_counter()
        run = begin()
        searching = time.perf_counter() - started
        perform(run)
    statuses = set(run.streams.values_list("status", flat=True))
    if statuses != {"released"}:
        raise Failed(f"Streams ended as {sorted(statuses)}.")
    _analyze("deliveries")
    counts = [one.counts for one in run.streams.all()]
    told = {name: sum(one.get(name, 0) for one in counts) for name in ("complete", "changed", "frozen", "persons")}
    size = scene.documents_size(run.pk - 1)
    return told(work, searching=searching, documents=size, written=work.log_bytes + size, counts=told)


def add_watches(*, count: int, beyond: int) -> Outcome:
    """Not measured: see scene.add_told_watches."""
    scene.add_told_watches(count, beyond_person=beyond)
    return {"standing": scene.standing()}


def _analyze(app: str) -> None:
    """As autovacuum would have by then, so that no case meets the statistics of an empty table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE %s", [f"{app}%"])
        for (table,) in cursor.fetchall():
            cursor.execute(f'VACUUM ANALYZE "{table}"')


_OURS = (prepare, write_part, write_night, take_in, order, first, night, add_watches)
CASES = {one.__name__: one for one in (*_OURS, *ordercases.CASES, *facecases.CASES)}

if __name__ == "__main__":
    outcome = CASES[sys.argv[1]](**json.loads(sys.argv[2]))
    print(json.dumps(outcome | {"python_mb": measure.own_peak_mb()}))  # noqa: T201
