"""Letting a fetched delivery be handed out once more although it holds what may no longer be told (C6).

The customer has had it already; that it gets it again is for two of the staff to say, each time, and only for what
they knew was refused. What is refused later needs a release of its own.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from deliveries.models import Delivery, HandoutRelease
from deliveries.rights import refused_now
from deliveries.services import HOLDING, as_text
from lefi import foureyes
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.models import Stream

DAYS = 30  # that a release can be used, from its approval


class HandoutRefused(Refused):
    """A handout that there is nothing to propose for: NOT_FETCHED, NOTHING_REFUSED or ALREADY_RELEASED."""


@transaction.atomic
def propose_handout(*, delivery: Delivery, reason: str, by: Any, at: datetime) -> HandoutRelease:
    """Propose that a delivery may be fetched once more although it holds what is refused now.

    Raise HandoutRefused for one that nobody has fetched (NOT_FETCHED: it is recalled instead), where all may be told or
    is only held back for a while (NOTHING_REFUSED), and where a release for as much stands or is proposed
    (ALREADY_RELEASED).
    """
    if delivery.first_fetched_at is None:
        raise HandoutRefused("NOT_FETCHED", "Nobody has fetched the delivery.")
    stream = Stream.objects.select_related("agreement__customer").get(pk=delivery.stream_id)
    refused = as_text(pair for pair in refused_now(delivery, stream, at) if pair[1] not in HOLDING)
    if not refused:
        raise HandoutRefused("NOTHING_REFUSED", "Nothing in the delivery is refused: it needs no release.")
    unused = HandoutRelease.objects.unused(timezone.localdate(at)).filter(delivery=delivery)
    if any(one.covers(refused) for one in unused):
        raise HandoutRefused("ALREADY_RELEASED", "The delivery is released once more already, or that is proposed.")
    release = HandoutRelease(delivery=delivery, reason=demand_reason(reason), refused=refused)
    foureyes.propose(release, by=by, at=at)
    return release


@transaction.atomic
def approve_handout(*, release: HandoutRelease, by: Any, at: datetime, reason: str) -> None:
    """Let the delivery be fetched once within 30 days; the fetch uses the release up. Raise NotApproved."""
    ends = timezone.localdate(at) + timedelta(days=DAYS)
    HandoutRelease.objects.proposed().filter(pk=release.pk).update(valid_to=ends)
    foureyes.approve(release, by=by, at=at, reason=demand_reason(reason))
