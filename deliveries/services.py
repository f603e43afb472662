"""Handing out what was released: every fetch goes through the gate, and what may no longer be told is recalled (C6)."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deliveries import storage
from deliveries.models import Delivery, Fetch, HandoutRelease, Purged, Receipt
from deliveries.receipts import sign_acknowledgement
from deliveries.release import forget_replaced, take_back
from deliveries.rights import Refused, refused_now, refused_today
from deliveries.runs import stopped_by
from lefi import errors
from lefi.locks import Lock, hold_shared
from subscriptions.decision import Refusal
from subscriptions.models import Stream
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
# What holds a delivery back for a while, without ending the right to it.
HOLDING = frozenset({Refusal.BLOCKED, Refusal.RESERVATION_NOT_ACKNOWLEDGED})


class FetchRefused(errors.Refused):
    """A delivery that is not handed out: out of sequence, recalled, damaged, or because the right has ended."""


class AcknowledgeRefused(errors.Refused):
    """An acknowledgement of what was not fetched, or of another document."""


_SENTENCES: dict[str, Promise] = {
    "OUT_OF_SEQUENCE": _("An earlier delivery of the stream has not been fetched."),
    "RECALLED": _("The delivery has been recalled; the next one brings what may still be told."),
    "PURGED": _("The delivery's content has been erased; its number, hash and manifest are kept."),
    "RELEASE_NEEDED": _("The delivery holds what may no longer be told; staff must release it to be handed out again."),
    "DOCUMENT_DAMAGED": _("The stored document is not the one that was released."),
}
_STOPPED = _("The stream is stopped.")


def fetch(*, delivery: Delivery, at: datetime, user=None, client: str = "") -> Path:
    """Hand out a delivery's document and log it; return its path.

    Raise FetchRefused, logged too, with the code OUT_OF_SEQUENCE, RECALLED, PURGED, RELEASE_NEEDED, DOCUMENT_DAMAGED,
    or that of what stops the stream. A delivery never fetched that holds what may no longer be told is recalled
    instead. Repeating a fetch gives the same bytes.
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
        raise FetchRefused(code, str(_SENTENCES.get(code, _STOPPED)))
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
    if Purged.objects.filter(delivery=delivery).exists():
        return "PURGED"
    stop = "" if delivery.final else _stop(stream, at)
    if stop:
        return stop
    earlier = Delivery.objects.standing().filter(stream=stream, number__lt=delivery.number, first_fetched_at=None)
    if not delivery.final and earlier.exists():
        return "OUT_OF_SEQUENCE"
    if not storage.is_whole(delivery.sha256, delivery.size):
        return "DOCUMENT_DAMAGED"
    return _refused_by_law(delivery, stream, at)


@transaction.atomic
def refusal_now(delivery: Delivery, at: datetime) -> str:
    """Why a delivery that has been fetched would not be handed out once more; "" if it would. It is no fetch."""
    stream = _locked(delivery.stream_id)
    delivery = Delivery.objects.get(pk=delivery.pk)
    if delivery.recalled_at is not None:
        return "RECALLED"
    if Purged.objects.filter(delivery=delivery).exists():
        return "PURGED"
    stop = "" if delivery.final else _stop(stream, at)
    if stop:
        return stop
    if not storage.is_whole(delivery.sha256, delivery.size):
        return "DOCUMENT_DAMAGED"
    return min(_codes(refused_today(delivery, stream, at)), default="")


def _stop(stream: Stream, at: datetime) -> str:
    law = law_of(stream, timezone.localdate(at))
    return "AGREEMENT_NOT_ACTIVE" if law.ended else stopped_by(law)


def why_not_again(delivery: Delivery, at: datetime) -> str:
    """The code that handing a delivery out once more would be refused with; "" if it would not. Changes nothing."""
    with transaction.atomic():
        stream = _locked(delivery.stream_id)
        stop = "" if delivery.final else _stop(stream, at)
        refusals = _codes(refused_today(delivery, stream, at))
    return stop or min(refusals & HOLDING, default="RELEASE_NEEDED" if refusals else "")


def _refused_by_law(delivery: Delivery, stream: Stream, at: datetime) -> str:
    """What may no longer be told is recalled before the first fetch, and needs a release by two of the staff after it.

    A block or a reservation holds a delivery back without recalling it: the one is lifted, the other acknowledged.
    """
    pairs = refused_today(delivery, stream, at)
    refusals = _codes(pairs)
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
    """Why watches told something in the delivery may not be told it on the day of `at`; empty if all still may.

    Asked of every watch, whatever has been found before.
    """
    return _codes(refused_now(delivery, stream, at))


def _codes(refused: Refused) -> set[str]:
    return {code for _, code in refused}


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
def acknowledge(
    *, delivery: Delivery, at: datetime, sha256: str = "", manifest_sha256: str = "", client: str = "", user: str = ""
) -> Receipt:
    """Note that the customer has taken a delivery in, bound to its hash, its manifest's or both; return the receipt,
    which names the system or the portal user by whom it is.

    Repeating it is harmless. Raise AcknowledgeRefused if the delivery has not been fetched (NOT_FETCHED) or a hash is
    another's, or none is said (WRONG_HASH), and SigningRefused if the receipt cannot be signed.
    """
    rows = Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("manifest")
    delivery = rows.get(pk=delivery.pk)
    if delivery.first_fetched_at is None:
        raise AcknowledgeRefused("NOT_FETCHED", gettext("The delivery has not been fetched."))
    said = {(sha256.lower(), delivery.sha256), (manifest_sha256.lower(), delivery.manifest.sha256)}
    told = {(hash_, own) for hash_, own in said if hash_}
    if not told or any(hash_ != own for hash_, own in told):
        raise AcknowledgeRefused("WRONG_HASH", gettext("The hash is not that of the delivery."))
    if delivery.acknowledged_at is None:
        Delivery.objects.filter(pk=delivery.pk).update(acknowledged_at=at)
    return sign_acknowledgement(delivery, at=at, client=client, user=user)
