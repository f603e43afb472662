"""Asking ahead what the gate will be asked: of the deliveries that somebody is likely to open, before anybody does.

It changes nothing but what the gate remembers, holds no lock meanwhile, and may be lost or run twice.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from time import monotonic

from django.core.cache import cache
from django.db.models import Max, Min, Q, QuerySet

from deliveries import rights
from deliveries.models import Delivery, GateAnswer
from subscriptions.models import LawChange, Stream

MOST = 500  # deliveries at a time
SECONDS = 20  # after which no more are begun
NEW, AWAITED = timedelta(days=7), timedelta(days=60)  # since the release: of any, and of what is not acknowledged
_KEY, _HELD = "examining-ahead", 60 * 60  # seconds that one who was killed keeps others from it


def examine_ahead(at: datetime) -> int:
    """Ask of deliveries whose answer is out of date, the newest first, for a while; return of how many.

    One does so at a time: another would ask of the same.
    """
    if not cache.add(_KEY, True, _HELD):
        return 0
    try:
        return sum(1 for _ in _examined(at, monotonic() + SECONDS))
    finally:
        cache.delete(_KEY)


def _examined(at: datetime, until: float) -> Iterator[int]:
    for pk, stream in _out_of_date(at).values_list("pk", "stream")[:MOST]:
        now = rights.as_of(at)
        rights.refused_in([pk], Stream.objects.select_related("agreement__customer").get(pk=stream), now)
        yield pk
        if monotonic() > until:
            return


def _out_of_date(at: datetime) -> QuerySet[Delivery]:
    """Those that the gate would ask of as a whole. What law changes about some watches touch is soon asked anew."""
    now = rights.as_of(at)
    likely = Q(released_at__gt=at - NEW) | Q(released_at__gt=at - AWAITED, acknowledged_at=None)
    asked = Q(gate_answer__day=now.day, gate_answer__as_of_import=now.imported)
    standing = Delivery.objects.standing().filter(likely, purged=None)
    return standing.filter(Q(gate_answer=None) | ~asked | _met_by_wide_changes(now))


def _met_by_wide_changes(now: rights.AsOf) -> Q:
    """Deliveries of streams that a law change concerned as a whole after the gate answered."""
    answers = GateAnswer.objects.filter(day=now.day, as_of_import=now.imported)
    oldest = answers.aggregate(law=Min("as_of_law"))["law"]
    met = Q(pk=None)
    if oldest is None:
        return met
    wide = LawChange.objects.filter(pk__gt=oldest, person_id=None, watch_from=None).order_by()
    scopes = ("customer_id", "agreement_id", "stream_id")
    for customer, agreement, stream, last in wide.values(*scopes).annotate(last=Max("pk")).values_list(*scopes, "last"):
        named = {"stream__agreement__customer": customer, "stream__agreement": agreement, "stream": stream}
        met |= Q(gate_answer__as_of_law__lt=last, **{name: pk for name, pk in named.items() if pk is not None})
    return met
