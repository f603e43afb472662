"""Delta debt: does each watch know what it should, whatever the nights did? Checked over everything, a page at a time.

The check shares neither candidates nor marks with the nights: it reads each watch's section as of the stream's mark and
compares it with what was last told, by digest. What is owed already (Pending), frozen, or touched by a law change that
no run has examined is no debt. What is found is repaired in a marked run, which tells only what differs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from benefits.catalogue import catalogue
from benefits.models import Touched
from deliveries.building import STATUS
from deliveries.candidates import touched_by_law
from deliveries.changes import from_text
from deliveries.decisions import Decider
from deliveries.known import Register, sections_of, tellable
from deliveries.models import Debt, DebtCheck, Run, Told
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from subscriptions.decision import Decision, Outcome
from subscriptions.models import Pending, Stream, Watch
from subscriptions.profiles import law_of

log = structlog.get_logger(__name__)
PAGE = 1000  # watches


@dataclass(frozen=True, slots=True)
class Found:
    """A section, or the status (""), in which a watch was told something else than it should know, and how."""

    section: str
    cause: str


def start_check(at: datetime) -> DebtCheck:
    """The check that is going on; a new one if none is."""
    going = DebtCheck.objects.filter(status=DebtCheck.Status.RUNNING).first()
    return going or DebtCheck.objects.create(started_at=at)


def go_on(check: DebtCheck, *, most: int, at: datetime) -> bool:
    """Check so many watches more, a page in each transaction; return whether there is more to check.

    Nothing is checked while a run goes on: what it is about to tell would seem to be missing.
    """
    done = 0
    while done < most:
        if Run.objects.filter(status__in=[Run.Status.RUNNING, Run.Status.HELD]).exists():
            return True
        with transaction.atomic():
            check = DebtCheck.objects.select_for_update(no_key=True).get(pk=check.pk)
            if check.status != DebtCheck.Status.RUNNING:
                return False
            page = _page(check)
            if not page:
                _end(check, at)
                return False
            _check(check, page, at)
        done += len(page)
    return True


def _page(check: DebtCheck) -> list[Watch]:
    """The next watches of one stream, open or ended, whose stream has been examined and is not over."""
    streams = Stream.objects.filter(closed=False, examined_day__isnull=False)
    watches = Watch.objects.filter(stream=check.stream, pk__gt=check.watch, stream__in=streams)
    page = list(watches.order_by("pk")[:PAGE])
    if page:
        return page
    following = streams.filter(pk__gt=check.stream, watches__isnull=False).order_by("pk").first()
    if following is None:
        return []
    check.stream, check.watch = following.pk, 0
    return list(Watch.objects.filter(stream=following).order_by("pk")[:PAGE])


def _check(check: DebtCheck, page: list[Watch], at: datetime) -> None:
    stream = Stream.objects.select_related("agreement__customer").get(pk=page[0].stream_id)
    counts = Counter(check.counts)
    compared = list(_compared(stream, page, counts))
    _settle(compared, at)
    counts["debts"] += sum(len(found) for _, found in compared)
    counts["watches"] += len(page)
    check.counts, check.watch = dict(counts), page[-1].pk
    check.save(update_fields=["counts", "stream", "watch"])


def _compared(stream: Stream, page: list[Watch], counts: Counter[str]) -> Iterator[tuple[Watch, list[Found]]]:
    """The watches that can be judged, each with what was found; the others are counted."""
    _, unexamined = touched_by_law(stream, stream.examined_law)
    owed = dict(Pending.objects.filter(watch__in=page).values_list("watch", "reason"))
    decider = Decider(law_of(stream, stream.examined_day or stream.agreement.valid_from))
    decider.about(page)
    judged = [one for one in page if one.pk not in unexamined]
    counts["unexamined"] += len(page) - len(judged)
    register = Register(
        sorted({one.person_id for one in judged}),
        {name for one in judged for name in sections_of(one.benefit)},
        oldest=min((one.ended_as_of or stream.examined_import for one in judged), default=stream.examined_import),
        newest=stream.examined_import,
    )
    told: dict[int, dict[str, Told]] = {}
    for row in Told.objects.filter(watch__in=judged, replaced_by=None):
        told.setdefault(row.watch_id, {})[row.section] = row
    for watch in judged:
        reason = owed.get(watch.pk, "")
        decision, _ = decider.decide(watch)
        if decision.outcome is Outcome.FROZEN or (reason and reason != Pending.Reason.DROPPED):
            counts["owed"] += 1
            continue
        found = _differences(register, stream, watch, decision, told.get(watch.pk, {}))
        if reason:
            found = [Found(one.section, Debt.Cause.DROPPED) for one in found]
        counts["equal"] += not found
        yield watch, found


def _differences(
    register: Register, stream: Stream, watch: Watch, decision: Decision, told: dict[str, Told]
) -> list[Found]:
    status = ENDED if watch.ended_at is not None else ACTIVE if decision.allowed else NOT_AUTHORISED
    said = told[STATUS].digest if STATUS in told else ACTIVE
    if said != status:
        return [Found("", Debt.Cause.STATUS)]
    if status != ACTIVE:
        return []
    found = []
    for name in sections_of(watch.benefit):
        items = tellable(register, watch, catalogue().sections[name], decision, stream.examined_import)
        now = Counter(one.known.digest for one in items)
        before = Counter(one.digest for one in from_text(told[name].items)) if name in told else Counter()
        if now != before:
            found.append(Found(name, _cause(now, before)))
    return found


def _cause(now: Counter[str], before: Counter[str]) -> str:
    if not before - now:
        return Debt.Cause.UNTOLD
    return Debt.Cause.OTHER if now - before else Debt.Cause.REMAINS


def _settle(compared: Sequence[tuple[Watch, list[Found]]], at: datetime) -> None:
    """Add the debts that are new, and settle those that are no more."""
    watches = {watch.pk: watch for watch, _ in compared}
    now = {(watch.pk, one.section): one.cause for watch, found in compared for one in found}
    rows = Debt.objects.standing().filter(watch__in=watches).values_list("watch", "section", "pk")
    standing = {(watch, section): pk for watch, section, pk in rows}
    Debt.objects.filter(pk__in=[pk for key, pk in standing.items() if key not in now]).update(settled_at=at)
    new = {key: cause for key, cause in now.items() if key not in standing}
    since = _since([(watches[watch], section) for watch, section in new])
    Debt.objects.bulk_create(
        Debt(watch_id=watch, section=section, cause=cause, since_import=since.get((watch, section)), found_at=at)
        for (watch, section), cause in new.items()
    )
    if new:
        log.error("debts_found", debts=len(new), watches=len({watch for watch, _ in new}))


def _since(pairs: Sequence[tuple[Watch, str]]) -> dict[tuple[int, str], int]:
    """By watch and section, the first import that changed the section after what was last told of it."""
    rows = Told.objects.filter(watch__in={watch.pk for watch, _ in pairs}, replaced_by=None)
    last = {(one[0], one[1]): one[2] for one in rows.values_list("watch", "section", "delivery__as_of_import")}
    changes: dict[tuple[int, str], list[int]] = {}
    touched = Touched.objects.filter(person__in={watch.person_id for watch, _ in pairs})
    for person, section, number in touched.order_by("number").values_list("person", "section", "number"):
        changes.setdefault((person, section), []).append(number)
    found = {}
    for watch, section in pairs:
        after = last.get((watch.pk, section), 0)
        first = next((one for one in changes.get((watch.person_id, section), ()) if one > after), None)
        if first is not None:
            found[watch.pk, section] = first
    return found


def _end(check: DebtCheck, at: datetime) -> None:
    DebtCheck.objects.filter(pk=check.pk).update(status=DebtCheck.Status.DONE, ended_at=at)
    log.info("debt_checked", check=check.pk, **check.counts)


def owe(at: datetime) -> int:
    """Make what stands as debt owed, so that the next run takes it up; return for how many watches. Once is enough."""
    debts = Debt.objects.standing().exclude(watch__pending__reason=Pending.Reason.REPAIR)
    watches = sorted(set(debts.values_list("watch", flat=True)))
    Pending.objects.bulk_create(
        (Pending(watch_id=one, reason=Pending.Reason.REPAIR, since=at) for one in watches), batch_size=PAGE
    )
    return len(watches)
