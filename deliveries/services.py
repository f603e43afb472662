"""Handing out what was released: every fetch goes through the gate, and what may no longer be told is recalled (C6)."""

from datetime import datetime
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from deliveries import storage
from deliveries.decisions import Decider
from deliveries.models import Delivery, Disclosure, Fetch
from deliveries.release import forget_replaced, take_back
from deliveries.runs import stopped_by
from lefi.errors import Refused
from lefi.locks import Lock, hold_shared
from subscriptions.decision import Decision, Refusal
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
PAGE = 2000


class FetchRefused(Refused):
    """A delivery that is not handed out: out of sequence, recalled, damaged, or because the right has ended."""


class AcknowledgeRefused(Refused):
    """An acknowledgement of what was not fetched, or of another document."""


_SENTENCES = {
    "OUT_OF_SEQUENCE": "An earlier delivery of the stream has not been fetched.",
    "RECALLED": "The delivery has been recalled; the next one brings what may still be told.",
    "PROTECTED": "A person must release the delivery before it is handed out again.",
    "DOCUMENT_DAMAGED": "The stored document is not the one that was released.",
}


def fetch(*, delivery: Delivery, at: datetime, user=None, client: str = "") -> Path:
    """Hand out a delivery's document and log it; return its path.

    Raise FetchRefused, logged too, with the code OUT_OF_SEQUENCE, RECALLED, PROTECTED, DOCUMENT_DAMAGED, or that of
    what stops the stream. A delivery never fetched that holds what may no longer be told is recalled instead. Repeating
    a fetch gives the same bytes.
    """
    with transaction.atomic():
        stream = _locked(delivery.stream_id)
        delivery = Delivery.objects.get(pk=delivery.pk)
        code = _refusal(delivery, stream, at)
        Fetch.objects.create(delivery=delivery, at=at, user=user, client=client, refusal=code)
        if not code and delivery.first_fetched_at is None:
            Delivery.objects.filter(pk=delivery.pk).update(first_fetched_at=at)
            forget_replaced(stream, delivery.number)
    if code:
        log.warning("fetch_refused", delivery=delivery.pk, code=code)
        raise FetchRefused(code, _SENTENCES.get(code, "The stream is stopped."))
    return storage.place_of(delivery.sha256)


def _locked(stream_id: int) -> Stream:
    """The stream, held so that neither a release nor a law change comes in between."""
    stream = Stream.objects.select_for_update(of=("self",)).select_related("agreement__customer").get(pk=stream_id)
    hold_shared(Lock.LAW)
    return stream


def _refusal(delivery: Delivery, stream: Stream, at: datetime) -> str:
    if delivery.recalled_at is not None:
        return "RECALLED"
    stop = "" if delivery.final else _stop(stream, at)
    if stop:
        return stop
    earlier = Delivery.objects.standing().filter(stream=stream, number__lt=delivery.number, first_fetched_at=None)
    if not delivery.final and earlier.exists():
        return "OUT_OF_SEQUENCE"
    if not storage.is_whole(delivery.sha256, delivery.size):
        return "DOCUMENT_DAMAGED"
    return _refused_by_law(delivery, stream, at)


def _stop(stream: Stream, at: datetime) -> str:
    law = law_of(stream, timezone.localdate(at))
    return "AGREEMENT_NOT_ACTIVE" if law.ended else stopped_by(law)


def _refused_by_law(delivery: Delivery, stream: Stream, at: datetime) -> str:
    """What may no longer be told is recalled before the first fetch, and needs a person's release after it.

    A block holds a delivery back without recalling it: blocks are lifted.
    """
    refusals = no_longer_allowed(delivery, stream, at)
    if Refusal.BLOCKED in refusals:
        return Refusal.BLOCKED
    if delivery.first_fetched_at is None and refusals:
        take_back(stream, delivery.number, at)
        log.warning("delivery_recalled", delivery=delivery.pk, code=sorted(refusals)[0])
        return "RECALLED"
    return "PROTECTED" if Refusal.PROTECTED in refusals else ""


def no_longer_allowed(delivery: Delivery, stream: Stream, at: datetime) -> set[str]:
    """Why watches told something in the delivery may not be told it on the day of `at`; empty if all still may."""
    decider = Decider(law_of(stream, timezone.localdate(at)))
    sent = Disclosure.objects.filter(delivery=delivery, outcome=Disclosure.Outcome.SENT).exclude(sections={})
    refusals: set[str] = set()
    last = 0
    while True:
        told = sent.filter(watch__gt=last).order_by("watch_id")[:PAGE]
        rows = {one.watch_id: frozenset(one.decision.classes) for one in told.select_related("decision")}
        if not rows:
            return refusals
        last = max(rows)
        watches = list(Watch.objects.filter(pk__in=rows))
        decider.about([one.person_id for one in watches])
        for watch in watches:
            decision, _ = decider.decide(watch)
            refusals |= _against(decision, rows[watch.pk])


def _against(decision: Decision, told_classes: frozenset[str]) -> set[str]:
    if not decision.allowed:
        return {decision.refusal or ""}
    return set() if told_classes <= decision.classes else {Refusal.NO_FIELDS}


def recall_what_may_no_longer_be_told(at: datetime) -> int:
    """Recall unfetched deliveries as soon as a right in them has ended; return how many."""
    recalled = 0
    unfetched = Delivery.objects.standing().filter(first_fetched_at=None, final=False)
    for stream_id in unfetched.order_by().values_list("stream", flat=True).distinct():
        with transaction.atomic():
            stream = _locked(stream_id)
            for delivery in unfetched.filter(stream=stream).order_by("number"):
                if no_longer_allowed(delivery, stream, at) - {Refusal.BLOCKED}:
                    recalled += len(take_back(stream, delivery.number, at))
                    break
    return recalled


@transaction.atomic
def acknowledge(*, delivery: Delivery, sha256: str, at: datetime) -> None:
    """Note that the customer has taken a delivery in, bound to its hash. Repeating it is harmless.

    Raise AcknowledgeRefused if it has not been fetched (NOT_FETCHED) or the hash is another's (WRONG_HASH).
    """
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if delivery.first_fetched_at is None:
        raise AcknowledgeRefused("NOT_FETCHED", "The delivery has not been fetched.")
    if sha256.lower() != delivery.sha256:
        raise AcknowledgeRefused("WRONG_HASH", "The hash is not that of the delivery.")
    if delivery.acknowledged_at is None:
        Delivery.objects.filter(pk=delivery.pk).update(acknowledged_at=at)
