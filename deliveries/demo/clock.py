"""The time in the demo's story: its days lie in the past, and each thing is to bear the time at which it happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from unittest.mock import patch

from django.utils import timezone


@contextmanager
def clock(moment: datetime) -> Iterator[datetime]:
    """Let Django's clock stand at the moment and run on from there, in this process, while the block lasts."""
    now = timezone.now
    ahead = moment - now()
    with patch.object(timezone, "now", lambda: now() + ahead):
        yield moment


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """An hour of a day, in the service's time zone."""
    return datetime.combine(day, time(hour, minute), timezone.get_default_timezone())
