"""Whether this process can do its work: each part is tried, and none is described to strangers."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache as shared_cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from deliveries import plan
from deliveries.models import Run
from deliveries.runs import GOING_ON

log = structlog.get_logger(__name__)
BROKER_SECONDS = 2


class NotReady(Exception):
    """A part that answers, but not as it should."""


def failing() -> list[str]:
    """The parts that do not work; why, is logged."""
    return [name for name, check in CHECKS.items() if not _works(name, check)]


def oldest_due(at: datetime) -> int:
    """For how many seconds the oldest run that should have begun, or ended, by now has been due; 0 if none is."""
    overdue = Run.objects.filter(status__in=GOING_ON, deadline__lt=at).order_by("deadline").first()
    if overdue is not None:
        return int((at - overdue.deadline).total_seconds())
    last = plan.past_nights(at, 1)
    ran = not last or Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False, day__gte=last[0].day).exists()
    return 0 if ran else int((at - last[0].starts).total_seconds())


def _works(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception as error:  # whatever it is, the part does not work
        log.warning("not_ready", kind=name, error=type(error).__name__)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    if not _migrated():
        _migrated.cache_clear()  # somebody is about to
        raise NotReady


@cache
def _migrated() -> bool:
    """Whether the tables are those of this code; once they are, they stay so while the process lives."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _cache() -> None:
    written = uuid4().hex
    key = f"health:{written}"
    shared_cache.set(key, written, timeout=10)
    if shared_cache.get(key) != written:
        raise NotReady
    shared_cache.delete(key)


def _broker() -> None:
    with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)


def _storage() -> None:
    for folder in (settings.DOCUMENTS_DIR, settings.ORDERS_DIR):
        Path(folder).mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"1")


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "cache": _cache,
    "broker": _broker,
    "storage": _storage,
}
