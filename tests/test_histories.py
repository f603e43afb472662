"""Random histories: whatever happens in whatever order, what was told is what may and should be told."""

import os
import sys

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from tests.histories.machine import History
from tests.histories.steps import FIRED, REFUSED

STEPS = int(os.environ.get("HISTORY_STEPS", "300"))
LENGTH = 60


@pytest.mark.django_db
def test_whatever_happens_first_and_changes_are_everything_that_may_be_told(settings):
    """HISTORY_STEPS says how many steps in all, HISTORY_SEED which histories; docs/proof.md tells more."""
    settings.PENDING_DAYS = settings.PROTECTED_DAYS = 100_000
    settings.IMPORT_QUARANTINE_MOST = 10
    run_state_machine_as_test(seed(int(os.environ.get("HISTORY_SEED", "1")))(History), settings=_of_histories())
    if STEPS >= 1000:
        sys.stdout.write(statistics())


def _of_histories():
    return hypothesis_settings(
        max_examples=max(1, STEPS // LENGTH),
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if os.environ.get("HISTORY_SHRINK") else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def statistics() -> str:
    """How often each rule had an effect, and what was refused."""
    lines = [f"{count:7}  {name}" for name, count in sorted(FIRED.items())]
    refused = [f"{count:7}  {code}" for code, count in sorted(REFUSED.items())]
    return "\n".join([f"\n{sum(FIRED.values())} steps with an effect", *lines, "answered or refused", *refused, ""])
