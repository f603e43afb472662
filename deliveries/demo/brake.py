"""The brake in the demo: its limits are made for hundreds of thousands of watches, and would hold nothing of so few."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.conf import settings

SHARE = 0.3  # of a slice's watches


@contextmanager
def for_few(persons: int) -> Iterator[None]:
    """Let the brake hold what is much in a register of so many persons, in this process, while the block lasts."""
    alarms = logging.getLogger("deliveries.brake")  # what is held is part of the story
    with patch.multiple(settings, BRAKE_FLOOR=persons // 50, BRAKE_SHARE=SHARE), patch.object(alarms, "disabled", True):
        yield
