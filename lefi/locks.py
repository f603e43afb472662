"""Locks that last to the end of the transaction. On SQLite every transaction is the only writer already."""

from enum import IntEnum

from django.db import connection


class Lock(IntEnum):
    """What is locked. The numbers are PostgreSQL advisory keys; LAW stands in migration subscriptions 0002 too."""

    IMPORT = 4_105_001
    LAW = 4_105_002
    RUN = 4_105_003
    UPKEEP = 4_105_004
    RETENTION = 4_105_005


def hold(lock: Lock) -> None:
    """Wait until nobody else holds the lock, and hold it to the end of the transaction."""
    _take("pg_advisory_xact_lock", lock)


def hold_shared(lock: Lock) -> None:
    """Wait until nobody holds the lock for themselves; others may share it meanwhile."""
    _take("pg_advisory_xact_lock_shared", lock)


def _take(function: str, lock: Lock) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("A lock is held to the end of a transaction, and there is none.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [int(lock)])
