"""What time alone brings about on the side of the law, done at the start of every night and once an hour.

Each step is set-based and harmless to repeat; what it changes leaves LawChange rows like any other change.
"""

from collections.abc import Callable
from datetime import date, datetime

import structlog
from django.db import transaction

from lefi.accounts.entry import forget_sessions
from lefi.locks import Lock, hold
from subscriptions.calls import forget_old_calls
from subscriptions.clients import forget_tokens
from subscriptions.connections import end_expired_agreements, sweep_drafts
from subscriptions.consents import end_watches_without_consent
from subscriptions.orders.placing import throw_away_forgotten
from subscriptions.protection import release_protected_by_policy
from subscriptions.references import (
    end_unconfirmed_watches,
    set_reconfirmations,
    tell_of_paused_watches,
    warn_of_reconfirmations,
)

log = structlog.get_logger(__name__)
Step = Callable[..., int]  # (*, day: date, at: datetime) -> how many rows it changed

STEPS: tuple[Step, ...] = (
    end_expired_agreements,
    release_protected_by_policy,
    end_watches_without_consent,
    set_reconfirmations,
    end_unconfirmed_watches,
    tell_of_paused_watches,
    warn_of_reconfirmations,
    throw_away_forgotten,
    sweep_drafts,
    forget_old_calls,
    forget_tokens,
    forget_sessions,
)


def keep_up(*, day: date, at: datetime) -> dict[str, int]:
    """Do all that is due on a day, and return how much of each, and how many steps `failed`.

    A step that fails is undone and logged, and stops neither the others nor the caller: the next time takes it up.
    """
    done = {"failed": 0}
    for step in STEPS:
        try:
            with transaction.atomic():
                hold(Lock.UPKEEP)  # two at once would do and tell everything twice
                done[step.__name__] = step(day=day, at=at)
        except Exception:
            log.exception("upkeep_failed", code=step.__name__, day=str(day))
            done["failed"] += 1
    log.info("kept_up", day=str(day), **done)
    return done
