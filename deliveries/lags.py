"""Customers who are behind: one alert when a delivery has waited too long, and one message when none does any more."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q

from deliveries.models import Delivery, Lag
from subscriptions.models import Stream
from subscriptions.notices import notify

log = structlog.get_logger(__name__)


def watch_lags(at: datetime) -> dict[str, int]:
    """Alert once for each stream that has fallen behind, and say once that it has caught up; return how many of each.

    Repeating it is harmless.
    """
    counts = {"alerted": 0, "recovered": 0}
    for kind in Lag.Kind:
        behind = _behind(kind, at)
        counts["alerted"] += sum(_alert(kind, delivery, at) for delivery in behind)
        known = Lag.objects.filter(kind=kind, recovered_at=None, stream__agreement__customer__active=True)
        caught_up = known.exclude(stream__in=[one.stream_id for one in behind]).select_related(
            "delivery", "stream__agreement__customer"
        )
        counts["recovered"] += sum(_recover(lag, at) for lag in caught_up)
    return counts


def _behind(kind: str, at: datetime) -> list[Delivery]:
    """The oldest delivery that waits too long, of each stream where one does."""
    return list(Delivery.objects.filter(pk__in=_oldest(kind, at)).select_related("stream__agreement__customer"))


def _oldest(kind: str, at: datetime) -> Iterable[int]:
    standing = Delivery.objects.standing().filter(stream__agreement__customer__active=True)
    if kind == Lag.Kind.NOT_FETCHED:
        late = Q(first_fetched_at=None, released_at__lt=at - timedelta(days=settings.LAG_FETCH_DAYS))
    else:
        limit = at - timedelta(days=settings.LAG_ACKNOWLEDGE_DAYS)
        late = Q(acknowledged_at=None, first_fetched_at__lt=limit, stream__channel=Stream.Channel.API)
    oldest = standing.filter(late).order_by("stream").values("stream").annotate(first=Min("pk"))
    return oldest.values_list("first", flat=True)


@transaction.atomic
def _alert(kind: str, delivery: Delivery, at: datetime) -> bool:
    fetched = delivery.first_fetched_at or delivery.released_at
    since = delivery.released_at if kind == Lag.Kind.NOT_FETCHED else fetched
    _, new = Lag.objects.get_or_create(
        stream=delivery.stream,
        kind=kind,
        recovered_at=None,
        defaults={"delivery": delivery, "since": since, "alerted_at": at},
    )
    if new:
        log.warning("customer_behind", stream=delivery.stream_id, kind=kind, delivery=delivery.pk)
        _tell(delivery.stream, f"BEHIND_{kind.upper()}", delivery.number, at)
    return new


@transaction.atomic
def _recover(lag: Lag, at: datetime) -> bool:
    recovered = Lag.objects.filter(pk=lag.pk, recovered_at=None).update(recovered_at=at)
    if recovered:
        log.info("customer_caught_up", stream=lag.stream_id, kind=lag.kind)
        _tell(lag.stream, f"CAUGHT_UP_{lag.kind.upper()}", lag.delivery.number, at)
    return bool(recovered)


def _tell(stream: Stream, code: str, number: int, at: datetime) -> None:
    notify(stream.agreement.customer, code, at=at, agreement=stream.agreement.code, number=number)
