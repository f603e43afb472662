"""The life of an order: received, read, answered a chunk at a time, previewed and confirmed, stopped and gone on with.

The rows are the truth. A worker holds an order by a lease with a token; each chunk's answers, its effects and the count
of lines done are one transaction, so that a worker may be killed anywhere and no line is lost or answered twice.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.locks import Lock, hold_shared
from subscriptions.models import Order, OrderLine, Stream
from subscriptions.orders import answering, estimate, files
from subscriptions.orders.files import Received
from subscriptions.orders.lines import Item, OrderRefused
from subscriptions.orders.rows import Row, read_rows, rows_of, write_rows
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
LEASE = timedelta(minutes=5)
TRIES = 5  # to get on, before the order is left for somebody to look at


class OrderStateRefused(Refused):
    """What is asked for cannot be done with the order as it now stands (ORDER_STATE)."""


class OrderLost(Exception):
    """Another worker has taken the order, or it has been stopped: this one's chunk is void."""


def place_order(
    *,
    stream: Stream,
    channel: str,
    lines: Iterable[Item],
    at: datetime,
    aim: str = Order.Aim.CARRY_OUT,
    ordered_by=None,
    client: str = "",
    reference: str = "",
    idempotency_key: str = "",
    mends: Order | None = None,
    mends_line: int | None = None,
) -> Order:
    """Carry out, or preview, an order that came as lines, and return it with an answer to every line.

    All in one transaction: for the few lines of a page, not for a file. A key that the stream has seen gives the order
    that it was for. Raise OrderRefused if the order as a whole cannot be taken.
    """
    said = {"ordered_by": ordered_by, "client": client, "reference": reference, "idempotency_key": idempotency_key}
    said |= {"mends": mends, "mends_line": mends_line}
    known = _of_key(stream, idempotency_key)
    if known is not None:
        return known
    rows = rows_of(lines, _whole(stream), timezone.localdate(at))
    try:
        with transaction.atomic():
            order = Order.objects.create(
                stream=stream,
                channel=channel,
                received_at=at,
                aim=aim,
                status=Order.Status.WORKING,
                pass_started_at=at,
                **said,
            )
            _note_order(order)
            _answer_all(order, list(rows), at)
    except IntegrityError:  # the same key in another request, at the same time
        known = _of_key(stream, idempotency_key)
        if known is None:
            raise
        return known
    return order


def _answer_all(order: Order, rows: Sequence[Row], at: datetime) -> None:
    order.line_count = order.lines_read = len(rows)
    Order.objects.filter(pk=order.pk).update(line_count=len(rows), lines_read=len(rows))
    for start in range(0, len(rows), answering.CHUNK):
        _answer(order, rows[start : start + answering.CHUNK], at)
    _end(order, at)
    if order.aim == Order.Aim.PREVIEW:
        _write_rows(order, rows)


def _of_key(stream: Stream, key: str) -> Order | None:
    """The order that a key of the stream's was used for; None without a key."""
    return Order.objects.filter(stream=stream, idempotency_key=key).first() if key else None


def receive(
    *,
    stream: Stream,
    channel: str,
    received: Received,
    form: str,
    at: datetime,
    aim: str = Order.Aim.CARRY_OUT,
    at_once: bool = False,
    ordered_by=None,
    client: str = "",
    reference: str = "",
    file_name: str = "",
    idempotency_key: str = "",
    mends: Order | None = None,
) -> Order:
    """Keep a file that has come as an order, for a worker to read (`tasks.hand_over`).

    `at_once` it is read first, and if it has few lines its `line_count` is known and `work_on` may answer them now.

    A key that the stream has seen gives the order that it was for. Raise OrderRefused with IDEMPOTENCY_KEY_REUSED if
    that was another file, and `at_once` with what is wrong with the file: nothing of it is kept then.
    """
    known = _known(stream, idempotency_key, received)
    if known is not None:
        received.discard()
        return known
    order = Order(
        stream=stream,
        channel=channel,
        ordered_by=ordered_by,
        client=client,
        reference=reference,
        file_name=file_name,
        form=form,
        size=received.size,
        received_bytes=received.size,
        sha256=received.sha256,
        received_at=at,
        aim=aim,
        idempotency_key=idempotency_key,
        mends=mends,
    )
    try:
        rows = _few_rows(order, received) if at_once else None
        with transaction.atomic():
            order.save(force_insert=True)
            _note_order(order)
            files.forget(order)  # what a number used before, by a database since lost, may have left
            files.keep(received.path, files.raw_path(order))
            if rows is not None:
                _write_rows(order, rows)
    except IntegrityError:  # the same key in another request, at the same time
        known = _known(stream, idempotency_key, received)
        if known is None:
            raise
        return known
    finally:
        received.discard()
    log.info("order_received", order=order.pk, stream=stream.pk, size=order.size, form=form)
    return order


def _few_rows(order: Order, received: Received) -> list[Row] | None:
    """The rows of a file that is short enough to be answered at once; None of a longer one."""
    most = settings.ORDER_AT_ONCE_LINES
    found = rows_of(files.read(received.path, order.form), _whole(order.stream), timezone.localdate(order.received_at))
    rows = list(islice(found, most + 1))
    if len(rows) > most:
        return None
    order.line_count = order.lines_read = len(rows)
    return rows


def _write_rows(order: Order, rows: Iterable[Row]) -> None:
    path = files.temporary()
    for _ in write_rows(path, rows):
        pass
    files.keep(path, files.rows_path(order))


def _known(stream: Stream, key: str, received: Received) -> Order | None:
    known = _of_key(stream, key)
    if known is not None and known.sha256 != received.sha256:
        received.discard()
        raise OrderRefused("IDEMPOTENCY_KEY_REUSED")
    return known


def _whole(stream: Stream) -> Stream:
    """The stream with its agreement and customer."""
    return Stream.objects.select_related("agreement__customer").get(pk=stream.pk)


def work_on(order_pk: int) -> Order:
    """Read an order and answer its lines, until it is done, previewed, stopped or refused. Repeating it is harmless."""
    order = Order.objects.get(pk=order_pk)
    token = _take(order, timezone.now())
    if token is None:
        return _again(order)
    try:
        while _go_on(order_pk, token):
            pass
    except OrderLost:
        log.warning("order_lost", order=order_pk)
    except OrderRefused as refused:
        _refuse(order_pk, token, refused)
    finally:
        Order.objects.filter(pk=order_pk, lease=token).update(leased_until=None)
    return Order.objects.get(pk=order_pk)


def _take(order: Order, at: datetime) -> int | None:
    """Take an order in hand and return the fencing token; None while another worker has it, or nobody is to."""
    token = order.lease + 1
    mine = Order.objects.to_work_on(at).filter(pk=order.pk, lease=order.lease)
    if order.tries >= TRIES:
        mine.update(status=Order.Status.STOPPED)
        log.error("order_stuck", order=order.pk, tries=order.tries)
        return None
    taken = mine.update(
        lease=token,
        leased_until=at + LEASE,
        status=Order.Status.WORKING,
        tries=F("tries") + 1,
        pass_started_at=at,
        pass_from=F("lines_done"),
    )
    return token if taken else None


def _go_on(order_pk: int, token: int) -> bool:
    """Take the order one step further; return whether there is more to do."""
    order = Order.objects.select_related("stream__agreement__customer").get(pk=order_pk)
    if order.line_count is None or not (order.lines_done or files.rows_path(order).exists()):
        _read(order, token)
        return True
    rows = read_rows(files.rows_path(order), after=order.lines_done)
    while chunk := list(islice(rows, answering.CHUNK)):
        with transaction.atomic():
            held = _hold(order_pk, token)  # and its count is that of the rows read: no other worker has been at it
            if held.stop_wanted:
                _held(held).update(status=Order.Status.STOPPED, stop_wanted=False, leased_until=None)
                return False
            _answer(held, chunk, timezone.now())
    with transaction.atomic():
        _end(_hold(order_pk, token), timezone.now())
    if order.aim != Order.Aim.PREVIEW:
        files.rows_path(order).unlink(missing_ok=True)
    return False


def _read(order: Order, token: int) -> None:
    """Read the file into rows, whole, before any of them has an effect."""
    path = files.temporary()
    try:
        count = _rows_written(order, token, path)
        with transaction.atomic():
            _hold(order.pk, token)  # so that nobody's rows are put in place of those that are being answered
            files.keep(path, files.rows_path(order))
            _keep(order, token, lines_read=count, line_count=count, pass_started_at=timezone.now())
    finally:
        path.unlink(missing_ok=True)


def _rows_written(order: Order, token: int, path: Path) -> int:
    """Write the rows of an order's file to a path; return how many they are. Raise OrderLost if it is to stop."""
    if not files.raw_path(order).exists():
        raise OrderRefused("FILE_LOST")
    count = 0
    with files.raw_path(order).open("rb") as file:
        rows = rows_of(files.READERS[order.form](file), order.stream, timezone.localdate(order.received_at))
        for count in write_rows(path, rows):
            _keep(order, token, lines_read=count, bytes_read=file.tell())
            asked = Order.objects.filter(pk=order.pk, lease=token, stop_wanted=True)
            if asked.update(status=Order.Status.STOPPED, stop_wanted=False, leased_until=None):
                raise OrderLost
    return count


def _keep(order: Order, token: int, **values: Any) -> None:
    """Hold the order's lease for a while more. Raise OrderLost if another worker has taken it."""
    held = Order.objects.filter(pk=order.pk, lease=token, status=Order.Status.WORKING)
    if not held.update(leased_until=timezone.now() + LEASE, **values):
        raise OrderLost


def _hold(order_pk: int, token: int) -> Order:
    """The order's row, locked to the end of the transaction. Raise OrderLost if it is another worker's."""
    order = Order.objects.select_for_update(no_key=True).get(pk=order_pk)
    if order.lease != token or order.status != Order.Status.WORKING:
        raise OrderLost
    return order


def _held(order: Order):
    return Order.objects.filter(pk=order.pk)


def _answer(order: Order, chunk: Sequence[Row], at: datetime) -> None:
    """Answer a chunk of lines with all its effects, in the caller's transaction; no run starts meanwhile."""
    hold_shared(Lock.RUN)  # whose start moves watches to those who now hold their numbers
    streams = Stream.objects.select_for_update(no_key=True, of=("self",)).select_related("agreement__customer")
    law = law_of(streams.get(pk=order.stream_id), timezone.localdate(at))
    counts = answering.answer(order, law, chunk, at)
    order.counts = {code: order.counts.get(code, 0) + counts.get(code, 0) for code in order.counts | counts}
    order.lines_done += len(chunk)
    _held(order).update(
        counts=order.counts,
        lines_done=order.lines_done,
        line_count=order.line_count,
        tries=0,
        leased_until=order.leased_until and timezone.now() + LEASE,
    )


def _end(order: Order, at: datetime) -> None:
    """All lines are answered."""
    preview = order.aim == Order.Aim.PREVIEW
    order.status = Order.Status.PREVIEWED if preview else Order.Status.DONE
    order.done_at = at
    order.expected = estimate.expected(order) if preview else {}
    _held(order).update(status=order.status, done_at=at, expected=order.expected, leased_until=None, stop_wanted=False)
    log.info("order_answered", order=order.pk, stream=order.stream_id, aim=order.aim, **order.counts)


def _refuse(order_pk: int, token: int, refused: OrderRefused) -> None:
    """The file as a whole cannot be read: nothing of it has had any effect."""
    Order.objects.filter(pk=order_pk, lease=token).update(
        status=Order.Status.REFUSED,
        refusal=refused.code,
        refused_at_row=refused.row or None,
        done_at=timezone.now(),
        lines_read=0,
    )
    log.warning("order_refused", order=order_pk, code=refused.code, row=refused.row)


# What somebody does with an order: `by` is a user of ours or the customer's, `client` a system of the customer's


def confirm(order: Order, *, at: datetime, by: Any = None, client: str = "", reason: str = "") -> Order:
    """Have an order carried out that has been previewed: its lines are answered anew, by a worker.

    Raise OrderStateRefused unless it waits to be confirmed.
    """
    with transaction.atomic():
        held = _lock(order, Order.Status.PREVIEWED)
        _forget_answers(held)
        _held(held).update(
            aim=Order.Aim.CARRY_OUT, status=Order.Status.WAITING, lines_done=0, counts={}, expected={}, done_at=None
        )
        _note(Action.APPROVE, held, by, client, reason)
    return _again(order)


def throw_away(order: Order, *, at: datetime, by: Any = None, client: str = "", reason: str = "") -> Order:
    """Throw away an order that has had no effect, with its file. Raise OrderStateRefused if it has, or is in hand."""
    with transaction.atomic():
        held = _lock(order, Order.Status.RECEIVING, Order.Status.PREVIEWED, Order.Status.STOPPED)
        if held.aim != Order.Aim.PREVIEW and held.lines_done:
            raise OrderStateRefused("ORDER_STATE")
        _forget_answers(held)
        _held(held).update(status=Order.Status.THROWN_AWAY, done_at=at, counts={}, lines_done=0)
        _note(Action.WITHDRAW, held, by, client, reason)
        transaction.on_commit(partial(files.forget, held))
    return _again(order)


def stop(order: Order, *, by: Any = None, client: str = "", reason: str = "") -> Order:
    """Have an order stopped: at once if no worker is at it, else after the lines it is at."""
    with transaction.atomic():
        held = _lock(order, *Order.IN_HAND)
        at_it = held.leased_until is not None and held.leased_until > timezone.now()
        _held(held).update(**({"stop_wanted": True} if at_it else {"status": Order.Status.STOPPED}))
        _note(Action.END, held, by, client, reason)
    return _again(order)


def resume(order: Order, *, by: Any = None, client: str = "", reason: str = "") -> Order:
    """Let an order that was stopped go on where it was, by a worker."""
    return _restart(order, by, client, reason)


def give_up(order: Order, *, by: Any = None, client: str = "", reason: str = "") -> Order:
    """Have the rest of an order that was stopped answered NOT_CARRIED_OUT; what has been done stands.

    Raise OrderStateRefused of one that has not been read, or that was a preview: those are thrown away.
    """
    if order.line_count is None or order.aim == Order.Aim.PREVIEW:
        raise OrderStateRefused("ORDER_STATE")
    return _restart(order, by, client, reason, aim=Order.Aim.GIVE_UP)


def _restart(order: Order, by: Any, client: str, reason: str, **values: Any) -> Order:
    with transaction.atomic():
        held = _lock(order, Order.Status.STOPPED)
        _held(held).update(status=Order.Status.WAITING, tries=0, stop_wanted=False, **values)
        _note(Action.SEND, held, by, client, reason)
    return _again(order)


def _lock(order: Order, *statuses: str) -> Order:
    held = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    if held.status not in statuses:
        raise OrderStateRefused("ORDER_STATE")
    return held


def _forget_answers(order: Order) -> None:
    lines = OrderLine.objects.filter(order=order)
    lines._raw_delete(lines.db)


def _note_order(order: Order) -> None:
    """Log that an order came. One of staff's is logged with its reason, where that is asked for."""
    if order.channel != Order.Channel.ADMIN:
        _note(Action.ORDER, order, order.ordered_by, order.client, "")


def _note(action: str, order: Order, by: Any, client: str, reason: str) -> None:
    record(
        action=action,
        object_type=order._meta.label_lower,
        object_id=order.pk,
        actor=by,
        client=client,
        customer_id=order.stream.agreement.customer_id,
        reason=reason,
    )


def _again(order: Order) -> Order:
    order.refresh_from_db()
    return order


# What time brings


def throw_away_forgotten(*, day: date, at: datetime) -> int:
    """Throw away the previews that nobody confirmed and the files that never came whole; return how many."""
    limit = at - timedelta(days=settings.ORDER_PREVIEW_DAYS)
    waiting = Order.objects.filter(status__in=[Order.Status.PREVIEWED, Order.Status.RECEIVING])
    forgotten = list(waiting.filter(received_at__lt=limit))
    for order in forgotten:
        throw_away(order, at=at)
    return len(forgotten)
