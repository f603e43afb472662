"""The cases of the pages: the scene is filled, some of it is told by a true run, and each page is opened in rounds.

Registered in `cases`.
"""

import logging
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

from benchmarks import facepages, facescene, measure
from benchmarks.facepages import Face, People
from benchmarks.facesizes import face_sizes
from benchmarks.measure import Outcome
from benchmarks.working import Failed
from deliveries.models import Run
from deliveries.runs import perform, start_run

Taken = list[tuple[float, float, int]]  # seconds by the clock and of processors, and queries, of each time


def face_scene(*, scale: float, folder: str, at: str) -> Outcome:
    """Not measured: the rows, and documents by an on-demand run, in which the large customer has a full refresh."""
    started = time.perf_counter()
    facescene.make(face_sizes(scale), Path(folder), datetime.fromisoformat(at))
    filled = time.perf_counter()
    when = timezone.now()
    deadline = when + timedelta(days=1)
    run = start_run(kind=Run.Kind.ON_DEMAND, day=timezone.localdate(when), planned_for=when, deadline=deadline, at=when)
    perform(run)
    statuses = set(run.streams.values_list("status", flat=True))
    if statuses != {"released"}:
        raise Failed(f"Streams ended as {sorted(statuses)}.")
    facescene.tell_busy_report(timezone.now())
    _vacuum()
    told = sum(one.counts.get("persons", 0) for one in run.streams.all())
    return {"seconds": filled - started, "running": time.perf_counter() - filled, "persons": told}


def open_faces(*, rounds: int) -> Outcome:
    """Open each page once in a round, after a round that warms it and is not counted."""
    logging.disable(logging.CRITICAL)  # what some may not see is looked for, and each refusal would be logged
    found = facepages.people()
    faces = facepages.every_face(found)
    taken: dict[str, Taken] = defaultdict(list)
    loads = []
    for face in faces:
        _opened(found, face)
    for _ in range(rounds):
        loads.append(os.getloadavg()[0])
        for face in faces:
            taken[face.title].append(_timed(found, face))
    return {"faces": [_summed(name, times) for name, times in taken.items()], "loads": loads, "rows": _rows()}


def _summed(name: str, times: Taken) -> dict[str, Any]:
    seconds = sorted(one[0] for one in times)
    return {
        "name": name,
        "times": len(times),
        "p50": median(seconds),
        "p95": seconds[math.ceil(0.95 * len(seconds)) - 1],
        "max": seconds[-1],
        "processor": sum(one[1] for one in times) / len(times),
        "queries": max(one[2] for one in times),
    }


def _timed(found: People, face: Face) -> tuple[float, float, int]:
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    with counted() as queries:
        used, started = measure.processor_seconds(backend), time.perf_counter()
        _opened(found, face)
        seconds = time.perf_counter() - started
    return seconds, measure.processor_seconds(backend) - used, len(queries)


def _opened(found: People, face: Face) -> None:
    client = found.clients[face.who]
    response = client.get(face.address) if face.data is None else client.post(face.address, face.data)
    if response.status_code not in ((200,) if face.data is None else (200, 302)):
        raise Failed(f"{face.title} is answered {response.status_code}.")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The queries that are sent meanwhile."""
    queries: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield queries


def _rows() -> dict[str, int]:
    """How many rows each large table has, about."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r' AND reltuples > 10000 "
            "AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
        )
        return dict(cursor.fetchall())


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


CASES: tuple[Callable[..., dict[str, Any]], ...] = (face_scene, open_faces)
