"""A large file sent in parts, each where the last one ended, with a checksum of the whole (modelled on tus).

A part is first taken in whole, then added to the file under the lock of the order's row, durably before the count of
bytes received moves: what a crash leaves beyond that count is cut off before the next part. A part that is sent twice,
or by two at once, is added once.
"""

import hashlib
import os
import shutil
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from lefi.audit.models import Action, record
from lefi.errors import Refused
from subscriptions.models import Order, Stream
from subscriptions.orders import files
from subscriptions.orders.files import Received
from subscriptions.orders.lines import OrderRefused
from subscriptions.orders.placing import OrderStateRefused

log = structlog.get_logger(__name__)


class OffsetRefused(Refused):
    """A part that does not begin where the last one ended (UPLOAD_OFFSET); `offset` is where that is."""

    def __init__(self, offset: int) -> None:
        super().__init__("UPLOAD_OFFSET")
        self.offset = offset
        self.headers = {"Upload-Offset": str(offset)}


def begin(
    *,
    stream: Stream,
    form: str,
    size: int,
    sha256: str,
    at: datetime,
    aim: str = Order.Aim.CARRY_OUT,
    client: str = "",
    reference: str = "",
    file_name: str = "",
    idempotency_key: str = "",
) -> Order:
    """An order whose file is to come in parts. A key that the stream has seen gives the order that it was for.

    Raise OrderRefused with TOO_LARGE, or IDEMPOTENCY_KEY_REUSED if the key was for another file.
    """
    if size > settings.ORDER_FILE_MAX_BYTES:
        raise OrderRefused("TOO_LARGE")
    file = {"form": form, "size": size, "sha256": sha256}
    known = _known(stream, idempotency_key, file)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            order = Order.objects.create(
                stream=stream,
                channel=Order.Channel.API,
                status=Order.Status.RECEIVING,
                received_at=at,
                aim=aim,
                client=client,
                reference=reference,
                file_name=file_name,
                idempotency_key=idempotency_key,
                **file,
            )
            record(
                action=Action.ORDER,
                object_type=order._meta.label_lower,
                object_id=order.pk,
                client=client,
                customer_id=stream.agreement.customer_id,
            )
    except IntegrityError:  # the same key in another request, at the same time
        known = _known(stream, idempotency_key, file)
        if known is None:
            raise
        return known
    log.info("upload_begun", order=order.pk, stream=stream.pk, size=size, form=form)
    return order


def _known(stream: Stream, key: str, file: dict[str, object]) -> Order | None:
    known = Order.objects.filter(stream=stream, idempotency_key=key).first() if key else None
    if known is not None and any(getattr(known, name) != value for name, value in file.items()):
        raise OrderRefused("IDEMPOTENCY_KEY_REUSED")
    return known


def has_come(order: Order) -> bool:
    """Whether the file has come whole, and was what was announced: also when the order is over since."""
    whole = order.received_bytes == order.size and order.refusal != "UPLOAD_DIGEST"
    return whole and order.status not in (Order.Status.RECEIVING, Order.Status.THROWN_AWAY)


def expect(order: Order, offset: int, size: int) -> None:
    """Say whether a part of so many bytes may be added there.

    Raise OrderStateRefused if the file no longer comes, OffsetRefused, or OrderRefused with TOO_LARGE.
    """
    if order.status != Order.Status.RECEIVING:
        raise OrderStateRefused("ORDER_STATE")
    if offset != order.received_bytes:
        raise OffsetRefused(order.received_bytes)
    if offset + size > order.size:
        raise OrderRefused("TOO_LARGE")


def add_part(order: Order, *, offset: int, part: Received | None) -> Order:
    """Add a part, or none, and return the order: with the last byte its file is whole, and waits for a worker.

    Raise what `expect` raises, and OrderRefused with UPLOAD_DIGEST if the whole file is not what was announced: the
    order is refused then.
    """
    try:
        with transaction.atomic():
            held = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
            expect(held, offset, part.size if part else 0)
            if part is not None:
                _append(held, part)
    finally:
        if part is not None:
            part.discard()
    return _finish(held) if held.received_bytes == held.size else held


def _append(order: Order, part: Received) -> None:
    path = files.raw_path(order)
    if order.received_bytes and not path.exists():
        raise OrderRefused("FILE_LOST")
    if order.received_bytes:
        with part.path.open("rb") as source, path.open("r+b") as target:
            target.truncate(order.received_bytes)
            target.seek(order.received_bytes)
            shutil.copyfileobj(source, target, files.PIECE)
            target.flush()
            os.fsync(target.fileno())
    else:
        files.keep(part.path, path)
    order.received_bytes += part.size
    Order.objects.filter(pk=order.pk).update(received_bytes=order.received_bytes)


def _finish(order: Order) -> Order:
    """See that a whole file is what was announced: outside the lock, for it may be large, and changes no more."""
    whole = _sha256(order) == order.sha256
    if whole:
        _leave(order, status=Order.Status.WAITING)
    else:
        _leave(order, status=Order.Status.REFUSED, refusal="UPLOAD_DIGEST", done_at=timezone.now())
        files.forget(order)
    log.info("upload_ended", order=order.pk, whole=whole)
    if not whole:
        raise OrderRefused("UPLOAD_DIGEST")
    order.refresh_from_db()
    return order


def _leave(order: Order, **values: Any) -> None:
    """No more is to come. Raise OrderStateRefused if the order has been thrown away, or ended by another request."""
    if not Order.objects.filter(pk=order.pk, status=Order.Status.RECEIVING).update(**values):
        raise OrderStateRefused("ORDER_STATE")


def _sha256(order: Order) -> str:
    """The hash of the file as it lies; "" if it was thrown away meanwhile."""
    try:
        with files.raw_path(order).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
