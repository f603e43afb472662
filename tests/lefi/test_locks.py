"""Locks last to the end of a transaction; alone, or shared."""

import threading
from importlib import import_module

import pytest
from django.db import connection, connections, transaction

from lefi.locks import Lock, hold, hold_shared


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("take", [hold, hold_shared])
def test_a_lock_outside_a_transaction_would_hold_nothing_and_is_refused(take):
    with pytest.raises(RuntimeError):
        take(Lock.IMPORT)


@pytest.mark.django_db
@pytest.mark.parametrize("take", [hold, hold_shared])
def test_a_lock_can_be_taken_again_by_its_holder(take):
    take(Lock.RUN)
    take(Lock.RUN)

    assert held() == ([Lock.RUN] if connection.vendor == "postgresql" else [])


def held() -> list[int]:
    """The locks of this connection; on SQLite whoever writes has them all, and none is noted."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return [row[0] for row in cursor.fetchall()]


def test_the_law_lock_is_the_one_that_the_triggers_take():
    assert import_module("subscriptions.migrations.0002_law_log").LAW_LOCK == Lock.LAW


def gets(take, lock):
    """Whether another connection gets the lock at once."""
    got = []

    def run():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '300ms'")
                take(lock)
                got.append(True)
        except Exception:
            got.append(False)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    return got[0]


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("held", "asked", "waits"),
    [(hold, hold, True), (hold, hold_shared, True), (hold_shared, hold, True), (hold_shared, hold_shared, False)],
)
def test_only_those_who_share_hold_a_lock_together(held, asked, waits):
    with transaction.atomic():
        held(Lock.LAW)
        assert gets(asked, Lock.LAW) is not waits
        assert gets(hold, Lock.RUN)
    assert gets(hold, Lock.LAW)
