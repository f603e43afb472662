"""Releasing a draft (C5): keep the file, then record in one transaction the delivery, its disclosures, what was told
and the stream's mark. A try that fails anywhere leaves no number used, nothing told, and at most an orphan file.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from deliveries import brake, decisions, storage
from deliveries.building import Draft
from deliveries.candidates import touched_by_law
from deliveries.models import Delivery, Disclosure, Run, StreamRun, Told
from deliveries.receipts import sign_manifest, sign_tombstones
from deliveries.schema import VERSION
from deliveries.standing import awaken
from lefi.bulk import CHUNK, copy_rows, execute
from lefi.locks import Lock, hold_shared
from subscriptions.models import Order, Pending, Stream

LEASE = timedelta(minutes=5)
WRITING = timedelta(milliseconds=1)  # what a watch may take in the release, generously


class LeaseLost(Exception):
    """Another worker has taken the stream: this one's work is void."""


class RunStopped(LeaseLost):
    """The run has been held, or is over: its work is void."""


class LawChanged(Exception):
    """The law's side changed under the draft: it must be built again."""


def take_lease(stream: Stream, at: datetime) -> int | None:
    """Take the stream for a while and return the fencing token; None while another worker has it."""
    token = stream.lease + 1
    free = Q(leased_until=None) | Q(leased_until__lte=at)
    taken = Stream.objects.filter(free, pk=stream.pk, lease=stream.lease).update(lease=token, leased_until=at + LEASE)
    return token if taken else None


def keep_lease(stream: Stream, token: int, at: datetime, watches: int = 0) -> None:
    """Hold the stream for a while more, longer if so many watches are to be written at one go.

    Raise LeaseLost if another worker has taken it.
    """
    until = at + LEASE + watches * WRITING
    if not Stream.objects.filter(pk=stream.pk, lease=token).update(leased_until=until):
        raise LeaseLost


def drop_lease(stream: Stream, token: int) -> None:
    Stream.objects.filter(pk=stream.pk, lease=token).update(leased_until=None)


def release(run: Run, stream: Stream, draft: Draft, token: int, at: datetime) -> Delivery:
    """Make a draft the stream's next delivery.

    Raise LeaseLost if the stream is no longer this worker's, RunStopped if the run does not go on, LawChanged if the
    law's side has touched a watch in the draft since it was built, and SigningRefused if its manifest cannot be signed.
    None has any effect.
    """
    storage.keep(draft.path, draft.sha256)
    with transaction.atomic():
        now = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
        if now.lease != token or now.last_number != stream.last_number:
            raise LeaseLost
        _demand_run_goes_on(run)
        hold_shared(Lock.LAW)
        _demand_law_unchanged(stream, draft)
        delivery = _deliver(run, stream, draft, at)
        _disclose(delivery, stream, draft)
        _remember(delivery, draft)
        _settle(draft, at)
        _hold_back(run, stream, draft, at)
        _carry(delivery, draft)
        awaken(delivery)
        Stream.objects.filter(pk=stream.pk).update(
            last_number=delivery.number,
            last_sha256=delivery.sha256,
            examined_import=run.as_of_import,
            examined_law=draft.as_of_law,
            examined_day=draft.day,
            closed=draft.final,
            leased_until=None,
        )
        _note(run, stream, draft, delivery)
    return delivery


def _demand_run_goes_on(run: Run) -> None:
    """A run that has ended has no candidates left: a draft built meanwhile may lack some, and would lose them."""
    if not Run.objects.filter(pk=run.pk, status=Run.Status.RUNNING).exists():
        raise RunStopped


def _note(run: Run, stream: Stream, draft: Draft, delivery: Delivery) -> None:
    """The stream has had this run: in the same transaction, so that a worker killed just after releases no second."""
    counts = draft.counts + Counter(persons=draft.persons, blocks=draft.blocks)
    StreamRun.objects.filter(run=run, stream=stream).update(
        status=StreamRun.Status.RELEASED, counts=dict(counts), news=dict(draft.news), delivery=delivery
    )


def _demand_law_unchanged(stream: Stream, draft: Draft) -> None:
    """Nothing is released that a newer law change could forbid. A stream's own end concerns all of it."""
    stream.examined_law = draft.as_of_law
    newest, touched = touched_by_law(stream, draft.as_of_law)
    if newest > draft.as_of_law and not touched.isdisjoint(draft.watches):
        raise LawChanged


def _deliver(run: Run, stream: Stream, draft: Draft, at: datetime) -> Delivery:
    delivery = Delivery(
        stream=stream,
        run=run,
        number=stream.last_number + 1,
        sha256=draft.sha256,
        previous_sha256=stream.last_sha256,
        size=draft.size,
        schema_version=VERSION,
        as_of_import=run.as_of_import or 0,
        as_of_law=draft.as_of_law,
        day=draft.day,
        final=draft.final,
        persons=draft.persons,
        blocks=draft.blocks,
        planned_for=run.planned_for,
        released_at=at,
    )
    delivery.manifest = sign_manifest(delivery, stream)
    delivery.save(force_insert=True)
    return delivery


def _disclose(delivery: Delivery, stream: Stream, draft: Draft) -> None:
    ids = decisions.store(draft.decisions)
    fixed = {"delivery_id": delivery.pk, "customer_id": stream.agreement.customer_id}
    columns = [
        *fixed,
        *[
            "person_id",
            "watch_id",
            "decision_id",
            "outcome",
            "reason",
            "complete",
            "from_date",
            "case_reference",
            "sections",
            "items",
        ],
    ]
    copy_rows("deliveries_disclosure", columns, _disclosure_rows(draft, [*fixed.values()], ids))


def _disclosure_rows(draft: Draft, fixed: list[int], ids: dict[str, int]) -> Iterator[list[Any]]:
    for row in draft.spooled():
        said = row.get("disclosure")
        if said is not None:
            said["decision"] = ids[said["decision"]]
            said["sections"] = json.dumps(said["sections"])
            yield fixed + list(said.values())


def _remember(delivery: Delivery, draft: Draft) -> None:
    """Move Told: what the delivery replaces is kept aside, what it told stands."""
    for ids in _chunks(draft.told_gone):
        Told.objects.filter(pk__in=ids).update(replaced_by=delivery)
    if draft.final:
        Told.objects.filter(watch__stream=delivery.stream_id, replaced_by=None).update(replaced_by=delivery)
    columns = ["watch_id", "section", "digest", "items", "delivery_id"]
    rows = ([*row["told"], delivery.pk] for row in draft.spooled() if "told" in row)
    copy_rows("deliveries_told", columns, rows)


def _settle(draft: Draft, at: datetime) -> None:
    """Delete what is no longer owed, by id, and add what now is (C2)."""
    for ids in _chunks(draft.pending_gone):
        Pending.objects.filter(pk__in=ids).delete()
    Pending.objects.bulk_create(
        (Pending(watch_id=watch, reason=why, since=at) for watch, why in draft.pending_new), batch_size=CHUNK
    )


def _carry(delivery: Delivery, draft: Draft) -> None:
    """Note which orders' answers the delivery tells."""
    for ids in _chunks(draft.orders):
        Order.objects.filter(pk__in=ids).update(carried_in=delivery.number)


def _hold_back(run: Run, stream: Stream, draft: Draft, at: datetime) -> None:
    """What is left out stays owed; what had been held and was released has been told now (C6)."""
    brake.told(run, stream, draft.left_out)
    for benefit in sorted(draft.left_out):
        execute(
            "INSERT INTO subscriptions_pending (watch_id, reason, since) SELECT c.watch_id, %s, %s "
            "FROM deliveries_candidate c JOIN subscriptions_watch w ON w.id = c.watch_id WHERE c.run_id = %s "
            "AND c.stream_id = %s AND w.benefit = %s AND NOT EXISTS (SELECT 1 FROM subscriptions_pending p "
            "WHERE p.watch_id = c.watch_id AND p.reason = %s)",
            [
                Pending.Reason.BRAKED,
                connection.ops.adapt_datetimefield_value(at),
                run.pk,
                stream.pk,
                benefit,
                Pending.Reason.BRAKED,
            ],
        )


def _chunks(ids) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield list(ids[start : start + CHUNK])


def forget_replaced(stream: Stream, number: int) -> int:
    """Drop what deliveries up to `number`, now fetched, replaced: none of them can be recalled any more (C3)."""
    replaced = Told.objects.filter(replaced_by__stream=stream, replaced_by__number__lte=number)
    return replaced._raw_delete(replaced.db)


def take_back(stream: Stream, number: int, at: datetime) -> list[Delivery]:
    """Recall delivery `number` and all later ones: none has been fetched. Told is again the fold of the others (C6).

    The watches in them become pending, so that the next release sends the rest again; what was complete comes complete.
    So do the answers to orders that stand in them.
    A document that ends the stream names no person and stands, and what it ended stays so. The caller holds the
    stream's row and the law's lock.
    """
    standing = Delivery.objects.standing().select_related("manifest")
    recalled = list(standing.filter(stream=stream, number__gte=number, final=False))
    ids = [one.pk for one in recalled]
    owed = dict(Disclosure.objects.filter(delivery__in=ids).order_by("complete").values_list("watch", "complete"))
    Told.objects.filter(delivery__in=ids).delete()
    end = Delivery.objects.filter(stream=stream, final=True).first()
    Told.objects.filter(replaced_by__in=ids).update(replaced_by=end)
    Delivery.objects.filter(pk__in=ids).update(recalled_at=at)
    sign_tombstones(stream, recalled, at)
    Order.objects.filter(stream=stream, carried_in__gte=number).update(carried_in=None)
    reasons = {True: Pending.Reason.REFRESH, False: Pending.Reason.RECALLED}
    if not stream.closed:
        Pending.objects.bulk_create(
            (Pending(watch_id=watch, reason=reasons[complete], since=at) for watch, complete in owed.items()),
            batch_size=CHUNK,
        )
    return recalled
