"""Random histories: whatever happens in whatever order, what was told is what may and should be told."""

import logging
import os
import sys
from collections.abc import Iterator
from math import ceil

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import DECK, History
from tests.histories.steps import FIRED, PLAYED, REFUSED

STEPS = int(os.environ.get("HISTORY_STEPS", "300"))
SEED = int(os.environ.get("HISTORY_SEED", "1"))
LENGTH = 60
AT_A_TIME = 10  # after ten histories hypothesis turns to near copies of those it has
MANY, LEAST = 10_000, 50  # in so many steps, every rule and every kind of one has an effect so often


@pytest.fixture
def silence() -> Iterator[None]:
    """Without the log of everything that was made to fail, which would be kept with all that stood in memory then."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@pytest.mark.usefixtures("silence")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a head that was read and no more: pytest would keep each one
def test_whatever_happens_first_and_changes_are_everything_that_may_be_told(settings):
    """HISTORY_STEPS says how many steps in all, HISTORY_SEED which histories; docs/proof.md tells more."""
    settings.PENDING_DAYS = settings.FROZEN_DAYS = 100_000
    settings.IMPORT_QUARANTINE_MOST = 10
    histories = ceil(STEPS / LENGTH)
    for first in range(0, histories, AT_A_TIME):
        run_state_machine_as_test(_begun(first), settings=_so_many(min(AT_A_TIME, histories - first)))
    if STEPS >= 1000:
        sys.stdout.write(statistics())
    if STEPS >= MANY:
        rare = {name: FIRED[name] for name in _names() if FIRED[name] < LEAST}
        assert not rare, f"had an effect fewer than {LEAST} times: {rare}"


def _begun(first: int):
    """The deck is cut anew for each ten histories, the first of which plays it nearly from top to bottom."""

    @seed(SEED * 1000 + first)
    def history() -> History:
        return History(cut=first * 7)

    return history


def _so_many(histories: int):
    return hypothesis_settings(
        max_examples=histories,
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if os.environ.get("HISTORY_SHRINK") else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _names() -> set[str]:
    return {name for card in DECK for name in (card.name, card.rule.name, *card.rule.also)}


def statistics() -> str:
    """How often each rule had an effect, of how often it was played, and what was refused."""
    rules = {card.rule.name for card in DECK}
    lines = [f"{FIRED[name]:7} of {PLAYED[name] or '':5}  {name}" for name in sorted(_names())]
    refused = [f"{count:7}  {code}" for code, count in sorted(REFUSED.items())]
    effect, played = (sum(count[name] for name in rules) for count in (FIRED, PLAYED))
    return "\n".join([f"\n{effect} of {played} steps had an effect", *lines, "answered or refused", *refused, ""])
