"""The log of what customers' systems called: one row a call, written once the answer is made, and kept for a time.

A call that cannot be noted is answered all the same: the log is for finding faults, and proves nothing.
"""

from datetime import date, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from lefi.bulk import hurried
from subscriptions.models import ApiCall, ApiClient

log = structlog.get_logger(__name__)
AT_A_TIME = 50_000  # rows that are forgotten in one statement
MOST_TIMES = 20  # in one go; the rest waits an hour


def note(client: ApiClient, *, at: datetime, seconds: float, **said: Any) -> None:
    """Note one call: its method, route, status and code."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    try:
        with hurried():
            ApiCall.objects.create(
                client=client, at=at, request_id=str(request_id), milliseconds=round(seconds * 1000), **said
            )
    except DatabaseError as error:
        log.warning("call_not_noted", error=type(error).__name__)


def forget_old_calls(*, day: date, at: datetime) -> int:
    """Delete the calls that are too old; return how many. The oldest have the lowest ids, and are found by them."""
    limit = at - timedelta(days=settings.API_CALL_DAYS)
    forgotten = 0
    for _time in range(MOST_TIMES):
        ids = list(ApiCall.objects.order_by("pk").values_list("pk", "at")[:AT_A_TIME])
        old = [pk for pk, noted in ids if noted < limit]
        if not old:
            break
        rows = ApiCall.objects.filter(pk__gte=old[0], pk__lte=old[-1], at__lt=limit)
        forgotten += rows._raw_delete(rows.db)
        if len(old) < AT_A_TIME:
            break
    return forgotten
