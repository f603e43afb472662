"""Handing out what was released: every fetch goes through the gate, and what may no longer be told is recalled (C6)."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from deliveries import storage
from deliveries.decisions import Decider
from deliveries.models import Delivery, Disclosure, Fetch, HandoutRelease, StoredDecision
from deliveries.release import forget_replaced, take_back
from deliveries.runs import stopped_by
from lefi.errors import Refused
from lefi.locks import Lock, hold_shared
from subscriptions.decision import Decision, Refusal
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
PAGE = 2000
# What holds a delivery back for a while, without ending the right to it.
HOLDING = frozenset({Refusal.BLOCKED, Refusal.RESERVATION_NOT_ACKNOWLEDGED})


class FetchRefused(Refused):
    """A delivery that is not handed out: out of sequence, recalled, damaged, or because the right has ended."""


class AcknowledgeRefused(Refused):
    """An acknowledgement of what was not fetched, or of another document."""


_SENTENCES = {
    "OUT_OF_SEQUENCE": "An earlier delivery of the stream has not been fetched.",
    "RECALLED": "The delivery has been recalled; the next one brings what may still be told.",
    "RELEASE_NEEDED": "The delivery holds what may no longer be told; staff must release it to be handed out again.",
    "DOCUMENT_DAMAGED": "The stored document is not the one that was released.",
}


def fetch(*, delivery: Delivery, at: datetime, user=None, client: str = "") -> Path:
    """Hand out a delivery's document and log it; return its path.

    Raise FetchRefused, logged too, with the code OUT_OF_SEQUENCE, RECALLED, RELEASE_NEEDED, DOCUMENT_DAMAGED, or that
    of what stops the stream. A delivery never fetched that holds what may no longer be told is recalled instead.
    Repeating a fetch gives the same bytes.
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
    stream = (
        Stream.objects.select_for_update(no_key=True, of=("self",))
        .select_related("agreement__customer")
        .get(pk=stream_id)
    )
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
    """What may no longer be told is recalled before the first fetch, and needs a release by two of the staff after it.

    A block or a reservation holds a delivery back without recalling it: the one is lifted, the other acknowledged.
    """
    pairs = refused_now(delivery, stream, at)
    refusals = {code for _, code in pairs}
    if held := refusals & HOLDING:
        return min(held)
    if not refusals:
        return ""
    if delivery.first_fetched_at is None:
        take_back(stream, delivery.number, at)
        log.warning("delivery_recalled", delivery=delivery.pk, code=sorted(refusals)[0])
        return "RECALLED"
    unused = HandoutRelease.objects.approved().unused(timezone.localdate(at)).filter(delivery=delivery).order_by("pk")
    released = next((one for one in unused if one.covers(as_text(pairs))), None)
    if released is None:
        return "RELEASE_NEEDED"
    HandoutRelease.objects.filter(pk=released.pk).update(used_at=at)
    return ""


def as_text(pairs: Iterable[tuple[int, str]]) -> list[str]:
    """Watches with the codes of their refusals as a release keeps them: "watch:code", sorted."""
    return sorted(f"{watch}:{code}" for watch, code in pairs)


def no_longer_allowed(delivery: Delivery, stream: Stream, at: datetime) -> set[str]:
    """Why watches told something in the delivery may not be told it on the day of `at`; empty if all still may."""
    return {code for _, code in refused_now(delivery, stream, at)}


def refused_now(delivery: Delivery, stream: Stream, at: datetime) -> set[tuple[int, str]]:
    """The watches told something in the delivery that they may not be told on the day of `at`, each with why."""
    decider = Decider(law_of(stream, timezone.localdate(at)))
    sent = Disclosure.objects.filter(delivery=delivery, outcome=Disclosure.Outcome.SENT).exclude(sections={})
    refusals: set[tuple[int, str]] = set()
    last = 0
    while True:
        told = sent.filter(watch__gt=last).order_by("watch_id")[:PAGE]
        rows = {one.watch_id: one.decision for one in told.select_related("decision")}
        if not rows:
            return refusals
        last = max(rows)
        watches = list(Watch.objects.filter(pk__in=rows))
        decider.about(watches)
        for watch in watches:
            decision, _ = decider.decide(watch)
            refusals |= {(watch.pk, code) for code in _against(decision, rows[watch.pk])}


def _against(decision: Decision, told_on: StoredDecision) -> set[str]:
    if not decision.allowed:
        return {decision.refusal or ""}
    outcomes = set(told_on.profile["basis"]["outcomes"])
    within = decision.classes.issuperset(told_on.classes) and decision.outcomes.issuperset(outcomes)
    return set() if within else {Refusal.NO_FIELDS}


def recall_what_may_no_longer_be_told(at: datetime) -> int:
    """Recall unfetched deliveries as soon as a right in them has ended; return how many."""
    recalled = 0
    unfetched = Delivery.objects.standing().filter(first_fetched_at=None, final=False)
    for stream_id in unfetched.order_by().values_list("stream", flat=True).distinct():
        with transaction.atomic():
            stream = _locked(stream_id)
            for delivery in unfetched.filter(stream=stream).order_by("number"):
                if no_longer_allowed(delivery, stream, at) - HOLDING:
                    recalled += len(take_back(stream, delivery.number, at))
                    break
    return recalled


@transaction.atomic
def acknowledge(*, delivery: Delivery, sha256: str, at: datetime) -> None:
    """Note that the customer has taken a delivery in, bound to its hash. Repeating it is harmless.

    Raise AcknowledgeRefused if it has not been fetched (NOT_FETCHED) or the hash is another's (WRONG_HASH).
    """
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if delivery.first_fetched_at is None:
        raise AcknowledgeRefused("NOT_FETCHED", "The delivery has not been fetched.")
    if sha256.lower() != delivery.sha256:
        raise AcknowledgeRefused("WRONG_HASH", "The hash is not that of the delivery.")
    if delivery.acknowledged_at is None:
        Delivery.objects.filter(pk=delivery.pk).update(acknowledged_at=at)
