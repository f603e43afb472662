"""Handing out what was released: every fetch goes through the gate, and what may no longer be told is recalled (C6)."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
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
from deliveries.rights import Refused, as_of, refused_in, refused_today
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


def fetch(*, delivery: Delivery, at: datetime, user=None, client: str = "", page: bool = False) -> Path:
    """Hand out a delivery's document, or a `page` of it, and log it; return the document's path.

    The bytes of a document are hashed each time that it is handed out; for a page, once while the file is untouched.

    Raise FetchRefused, logged too, with the code OUT_OF_SEQUENCE, RECALLED, PURGED, RELEASE_NEEDED, DOCUMENT_DAMAGED,
    or that of what stops the stream. A delivery never fetched that holds what may no longer be told is recalled
    instead. Repeating a fetch gives the same bytes.
    """
    with transaction.atomic():
        stream = _locked(delivery.stream_id)
        delivery = Delivery.objects.get(pk=delivery.pk)
        whole = storage.is_still_whole if page else storage.is_whole
        code = _refusal(delivery, stream, at, whole)
        Fetch.objects.create(delivery=delivery, at=at, user=user, client=client, refusal=code)
        if not code and delivery.first_fetched_at is None:
            Delivery.objects.filter(pk=delivery.pk).update(first_fetched_at=at)
            forget_replaced(stream, delivery.number)
    if code:
        log.warning("fetch_refused", delivery=delivery.pk, code=code)
        raise FetchRefused(code, str(_SENTENCES.get(code, _STOPPED)))
    return storage.place_of(delivery.sha256)


def _locked(stream_id: int) -> Stream:
    return _all_locked([stream_id])[stream_id]


def _all_locked(streams: Collection[int]) -> dict[int, Stream]:
    """The streams, held so that neither a release nor a law change comes in between, and read once they are."""
    rows = Stream.objects.filter(pk__in=streams)
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    hold_shared(Lock.LAW)
    return rows.select_related("agreement__customer").in_bulk()


def _refusal(delivery: Delivery, stream: Stream, at: datetime, is_whole: Callable[[str, int], bool]) -> str:
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
    if not is_whole(delivery.sha256, delivery.size):
        return "DOCUMENT_DAMAGED"
    return _refused_by_law(delivery, stream, at)


@transaction.atomic
def refusals_now(deliveries: Collection[Delivery], at: datetime) -> dict[int, str]:
    """Why deliveries that have been fetched would not be handed out once more, by id; "" where they would.

    It is no fetch, and takes as many queries for many deliveries of a stream as for one.
    """
    streams = _all_locked({one.stream_id for one in deliveries})
    rows = Delivery.objects.filter(pk__in=[one.pk for one in deliveries])
    purged = set(Purged.objects.filter(delivery__in=rows).values_list("delivery_id", flat=True))
    by_stream: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in rows:
        by_stream[delivery.stream_id].append(delivery)
    codes: dict[int, str] = {}
    for pk, own in by_stream.items():
        stop = _stop(streams[pk], at)
        codes |= {one.pk: _closed(one, stop, erased=one.pk in purged) for one in own}
        left = [one.pk for one in own if not codes[one.pk]]
        refused = refused_in(left, streams[pk], as_of(at))
        codes |= {one: min(_codes(refused[one]), default="") for one in left}
    return codes


def _closed(delivery: Delivery, stop: str, *, erased: bool) -> str:
    if delivery.recalled_at is not None:
        return "RECALLED"
    if erased:
        return "PURGED"
    if stop and not delivery.final:
        return stop
    return "" if storage.is_still_whole(delivery.sha256, delivery.size) else "DOCUMENT_DAMAGED"


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


def _codes(refused: Refused) -> set[str]:
    return {code for _, code in refused}


def recall_what_may_no_longer_be_told(at: datetime) -> int:
    """Recall unfetched deliveries as soon as a right in them has ended; return how many."""
    recalled = 0
    unfetched = Delivery.objects.standing().filter(first_fetched_at=None, final=False)
    for stream_id in unfetched.order_by().values_list("stream", flat=True).distinct():
        with transaction.atomic():
            stream = _locked(stream_id)
            waiting = list(unfetched.filter(stream=stream).order_by("number"))
            refused = refused_in([one.pk for one in waiting], stream, as_of(at))
            ended = next((one for one in waiting if _codes(refused[one.pk]) - HOLDING), None)
            if ended is not None:
                recalled += len(take_back(stream, ended.number, at))
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
