"""Carrying out orders: every line is answered, and nothing is watched that the law does not let be told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import structlog
from django.db import transaction
from django.utils import timezone

from benefits.catalogue import Benefit, catalogue
from benefits.identity import IdentityError, parse
from benefits.models import Import, PersonNumber
from benefits.services import ensure_persons
from subscriptions import decision
from subscriptions.answers import CARRIED_OUT, Answer
from subscriptions.models import Order, OrderLine, Pending, Stream, Watch
from subscriptions.models.watches import OrderKind
from subscriptions.orderfile import Line
from subscriptions.profiles import StreamLaw, best, consents_of, law_of

log = structlog.get_logger(__name__)
CHUNK = 5000


@dataclass(slots=True)
class _Asked:
    """A line on its way to its answer."""

    place: int
    line: Line
    number: str = ""
    benefit: Benefit | None = None
    person_id: int = 0
    answer: str = ""
    watch: Watch | None = None

    @property
    def key(self) -> tuple[int, str]:
        return self.person_id, self.benefit.code if self.benefit else ""


@dataclass(slots=True)
class _Chunk:
    """Some lines of an order with all that their answers depend on."""

    law: StreamLaw
    at: datetime
    asked: list[_Asked]
    open: dict[tuple[int, str], Watch] = field(default_factory=dict)
    consents: dict[int, list[decision.Consent]] = field(default_factory=dict)


@transaction.atomic
def place_order(
    *,
    stream: Stream,
    channel: str,
    lines: Iterable[Line],
    at: datetime,
    ordered_by=None,
    client: str = "",
    reference: str = "",
    raw: str = "",
) -> Order:
    """Carry out an order in one stream and return it with an answered OrderLine for every line.

    A line that the law, the agreement or its own form does not allow is answered so and has no effect. Repeating an
    order is harmless: a watch that is open is left as it is, and one that has ended is answered NOT_WATCHED.
    """
    stream = (
        Stream.objects.select_for_update(no_key=True, of=("self",))
        .select_related("agreement__customer")
        .get(pk=stream.pk)
    )
    order = Order.objects.create(
        stream=stream,
        channel=channel,
        ordered_by=ordered_by,
        client=client,
        reference=reference,
        received_at=at,
        raw=raw,
    )
    law = law_of(stream, timezone.localdate(at))
    seen: set[tuple[int, str]] = set()
    counts: dict[str, int] = {}
    numbered = enumerate(lines, start=1)
    while asked := [_Asked(place, line) for place, line in islice(numbered, CHUNK)]:
        _answer(_Chunk(law, at, asked), seen)
        _write(order, asked)
        for one in asked:
            counts[one.answer] = counts.get(one.answer, 0) + 1
    log.info("order_placed", order=order.pk, stream=stream.pk, **counts)
    return order


def _answer(chunk: _Chunk, seen: set[tuple[int, str]]) -> None:
    for one in chunk.asked:
        _read(one, chunk.at)
    _find_persons([one for one in chunk.asked if not one.answer and one.line.kind == OrderKind.NEW])
    _find_what_stands(chunk)
    for one in chunk.asked:
        if one.answer:
            continue
        if one.person_id and one.key in seen:
            one.answer = Answer.DUPLICATE_IN_ORDER
            continue
        one.answer = _ANSWERERS[OrderKind(one.line.kind)](chunk, one)
        if one.answer in CARRIED_OUT:
            seen.add(one.key)
    _carry_out(chunk)


def _read(one: _Asked, at: datetime) -> None:
    known = catalogue()
    one.benefit = known.benefits.get(one.line.benefit) or known.by_order_name(one.line.benefit)
    try:
        one.number = parse(one.line.number, on=timezone.localdate(at)).number
    except IdentityError:
        one.answer = Answer.NUMBER_INVALID
        return
    if one.benefit is None:
        one.answer = Answer.BENEFIT_UNKNOWN


def _find_persons(new: list[_Asked]) -> None:
    """Make persons for the new watches' numbers; a number that no source has named is watched all the same (C8)."""
    if new:
        ensure_persons({one.number for one in new})


def _find_what_stands(chunk: _Chunk) -> None:
    numbers = {one.number for one in chunk.asked if not one.answer}
    holders = dict(PersonNumber.objects.live().filter(number__in=numbers).values_list("number", "person_id"))
    for one in chunk.asked:
        one.person_id = holders.get(one.number, 0)
    persons = set(holders.values())
    watches = Watch.objects.open().filter(stream=chunk.law.stream, person__in=persons)
    chunk.open = {(watch.person_id, watch.benefit): watch for watch in watches}
    if chunk.law.basis is not None and chunk.law.basis.consent_needed:
        chunk.consents = consents_of(chunk.law.stream, persons)


def _answer_new(chunk: _Chunk, one: _Asked) -> str:
    line, benefit = one.line, one.benefit
    assert benefit is not None  # noqa: S101 - _read answered the others
    consent = best(chunk.consents.get(one.person_id, []), benefit.code, chunk.law.day)
    profile = chunk.law.profile(
        benefit.code,
        consent=consent,
        case=bool(line.case_reference),
        need=bool(line.need_reference),
    )  # a protected person is watched like any other, and nothing is told (C8)
    refusal = decision.decide(profile).refusal
    if refusal is not None:
        return refusal
    if line.from_date is None:
        return Answer.FROM_MISSING
    scope = chunk.law.scope
    if scope is not None and line.from_date < chunk.law.day - timedelta(days=scope.look_back_days):
        return Answer.LOOK_BACK_TOO_LONG
    return Answer.ALREADY_WATCHED if one.key in chunk.open else Answer.ACCEPTED


def _answer_cancel(chunk: _Chunk, one: _Asked) -> str:
    return Answer.CANCELLED if one.key in chunk.open else Answer.NOT_WATCHED


def _answer_refresh(chunk: _Chunk, one: _Asked) -> str:
    return Answer.REFRESH_ORDERED if one.key in chunk.open else Answer.NOT_WATCHED


_ANSWERERS = {
    OrderKind.NEW: _answer_new,
    OrderKind.CANCEL: _answer_cancel,
    OrderKind.REFRESH: _answer_refresh,
}


def _carry_out(chunk: _Chunk) -> None:
    opened = [one for one in chunk.asked if one.answer == Answer.ACCEPTED]
    watches = Watch.objects.bulk_create(_new_watch(chunk, one) for one in opened)
    for one, watch in zip(opened, watches, strict=True):
        one.watch = watch
    owed = [(watch, Pending.Reason.FIRST) for watch in watches]
    for one in chunk.asked:
        if one.answer in (Answer.CANCELLED, Answer.REFRESH_ORDERED, Answer.ALREADY_WATCHED):
            one.watch = chunk.open[one.key]
        if one.answer == Answer.REFRESH_ORDERED and one.watch is not None:
            owed.append((one.watch, Pending.Reason.REFRESH))
    Pending.objects.bulk_create(Pending(watch=watch, reason=why, since=chunk.at) for watch, why in owed)
    cancelled = [one.watch.pk for one in chunk.asked if one.answer == Answer.CANCELLED and one.watch]
    end_watches(Watch.objects.filter(pk__in=cancelled), at=chunk.at, reason=Watch.EndReason.CANCELLED)


def _new_watch(chunk: _Chunk, one: _Asked) -> Watch:
    line, benefit, days = one.line, one.benefit, chunk.law.reconfirm_days
    return Watch(
        stream=chunk.law.stream,
        person_id=one.person_id,
        ordered_number=one.number,
        benefit=benefit.code if benefit else "",
        from_date=line.from_date or chunk.law.day,
        case_reference=line.case_reference,
        need_reference=line.need_reference,
        reconfirm_by=chunk.law.day + timedelta(days=days) if days is not None else None,
        opened_at=chunk.at,
    )


def end_watches(watches, *, at: datetime, reason: str) -> int:
    """End the open ones among the watches, as of the newest import, and return how many. The next delivery says so."""
    return watches.open().update(ended_at=at, end_reason=reason, ended_as_of=Import.objects.last_number())


def _write(order: Order, asked: Iterable[_Asked]) -> None:
    OrderLine.objects.bulk_create(_order_lines(order, asked), batch_size=1000)


def _order_lines(order: Order, asked: Iterable[_Asked]) -> Iterator[OrderLine]:
    for one in asked:
        yield OrderLine(
            order=order,
            line=one.place,
            kind=one.line.kind,
            number=one.number or one.line.number,
            benefit=one.benefit.code if one.benefit else one.line.benefit,
            from_date=one.line.from_date,
            reference=one.line.reference,
            answer=one.answer,
            watch=one.watch,
        )


@transaction.atomic
def follow_persons(*, since: int, at: datetime) -> int:
    """Move each open watch to whoever now holds the number it was ordered by; return how many moved (C8).

    Looks at the numbers that changed hands after import `since`.

    Where that person is watched already for the same benefit in the same stream, the watch with the later from-date
    ends as a duplicate.
    """
    moved = 0
    for watch, holder in _astray(since):
        other = Watch.objects.open().filter(stream=watch.stream_id, person=holder, benefit=watch.benefit).first()
        if other is not None:
            later = max(watch, other, key=lambda one: (one.from_date, one.pk))
            end_watches(Watch.objects.filter(pk=later.pk), at=at, reason=Watch.EndReason.DUPLICATE)
            if later.pk == watch.pk:
                continue
        Watch.objects.filter(pk=watch.pk).update(person=holder)
        moved += 1
    return moved


def _astray(since: int) -> Iterator[tuple[Watch, int]]:
    """The open watches whose number is held by another person than theirs, with that person's id."""
    candidates = Watch.objects.raw(
        "SELECT w.*, n.person_id AS holder FROM benefits_personnumber n JOIN subscriptions_watch w "
        "ON w.ordered_number = n.number WHERE n.recorded_in > %s AND n.withdrawn_in IS NULL "
        "AND w.ended_at IS NULL AND n.person_id <> w.person_id ORDER BY w.id",
        [since],
    )
    for watch in list(candidates):
        yield watch, watch.holder  # type: ignore[attr-defined]
