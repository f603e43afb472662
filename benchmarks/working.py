"""Timing the work of a case, in the process that does it."""

import time
from typing import Any

from django.db import connection

from benchmarks import measure
from benchmarks.measure import Outcome


class Failed(Exception):
    """A case did not do what it measures."""


class Work:
    """Times what is done inside it, and counts what the database wrote to its log meanwhile."""

    def __enter__(self) -> "Work":
        self._log = _log_position()
        self._used = measure.processor_seconds(connection.connection.info.backend_pid)
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started
        self.processor = measure.processor_seconds(connection.connection.info.backend_pid) - self._used
        self.log_bytes = _log_position() - self._log


def told(work: Work, **values: Any) -> Outcome:
    return {"seconds": work.seconds, "processor": work.processor} | values


def _log_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        return int(cursor.fetchone()[0])
