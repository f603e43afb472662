"""Whether all that a delivery told may still be told: asked anew of whatever can have changed since it was last asked.

What the answer rests on is the day, what the imports say, and what the log of law changes tells of. Nothing of a
delivery is asked twice while those three stand, whether it was allowed or refused; a law change about some watches or
persons has those asked anew, and one about the whole stream, a new import or a new day the whole delivery.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from benefits.models import Import, PersonNumber
from deliveries.decisions import Decider
from deliveries.models import Delivery, Disclosure, GateAnswer, StoredDecision
from subscriptions.decision import Decision, Refusal
from subscriptions.models import Consent, LawChange, Stream, Watch
from subscriptions.profiles import law_of

PAGE = 2000
MOST = 200  # law changes that are looked into one by one

Refused = set[tuple[int, str]]  # watches, each with a code of why


@dataclass(frozen=True, slots=True)
class AsOf:
    """All that an answer rests on. Read before anything else is: what comes after it is met the next time."""

    day: date
    law: int
    imported: int


def as_of(at: datetime) -> AsOf:
    law = LawChange.objects.aggregate(last=Max("pk"))["last"] or 0
    imported = Import.objects.aggregate(last=Max("number"))["last"] or 0
    return AsOf(timezone.localdate(at), law, imported)


def refused_now(delivery: Delivery, stream: Stream, at: datetime) -> Refused:
    """The watches told something in the delivery that they may not be told on the day of `at`, each with why."""
    return _refused_of(_sent([delivery.pk]), stream, timezone.localdate(at))[delivery.pk]


def refused_today(delivery: Delivery, stream: Stream, at: datetime) -> Refused:
    """The same, asked only of what can have changed since it was last asked, if that was the same day."""
    return refused_in([delivery.pk], stream, as_of(at))[delivery.pk]


def refused_in(deliveries: Collection[int], stream: Stream, now: AsOf) -> dict[int, Refused]:
    """The same of several deliveries of one stream, with no more queries than of one.

    `stream`, with its agreement and customer, was read after `now` was, or while the law could not change.
    """
    answers = GateAnswer.objects.filter(delivery__in=deliveries, day=now.day, as_of_import=now.imported)
    known = {one.delivery_id: one for one in answers}
    found = {pk: _pairs(one.refused) for pk, one in known.items()}
    behind = [pk for pk, one in known.items() if one.as_of_law != now.law]
    anew = set(deliveries) - known.keys()
    touched = None
    if behind:
        touched = _touched(behind, stream, min(known[pk].as_of_law for pk in behind))
        anew |= set(behind) if touched is None else set()
    refused: dict[int, Refused] = defaultdict(set)
    if anew:
        refused |= _refused_of(_sent(anew), stream, now.day)
        found |= {pk: refused[pk] for pk in anew}
    if touched is not None:
        refused |= _refused_of(touched, stream, now.day)
        asked = _watches_of(touched) if any(found[pk] for pk in behind) else {}
        for pk in behind:
            stay = {pair for pair in found[pk] if pair[0] not in asked.get(pk, ())}
            found[pk] = stay | refused[pk]
    _remember({pk: found[pk] for pk in anew.union(behind)}, now)
    return found


def _pairs(refused: dict[str, list[int]]) -> Refused:
    return {(watch, code) for code, watches in refused.items() for watch in watches}


def _remember(found: dict[int, Refused], now: AsOf) -> None:
    rows = []
    for pk, pairs in found.items():
        refused: dict[str, list[int]] = defaultdict(list)
        for watch, code in sorted(pairs):
            refused[code].append(watch)
        rows.append(
            GateAnswer(delivery_id=pk, day=now.day, as_of_law=now.law, as_of_import=now.imported, refused=dict(refused))
        )
    GateAnswer.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["delivery"],
        update_fields=["day", "as_of_law", "as_of_import", "refused"],
    )


def _sent(deliveries: Collection[int]) -> QuerySet[Disclosure]:
    told = Disclosure.objects.filter(delivery__in=deliveries, outcome=Disclosure.Outcome.SENT)
    return told.exclude(sections={}).order_by("watch_id")


def _watches_of(sent: QuerySet[Disclosure]) -> dict[int, set[int]]:
    """The watches by delivery."""
    watches: dict[int, set[int]] = defaultdict(set)
    for delivery, watch in sent.values_list("delivery_id", "watch_id"):
        watches[delivery].add(watch)
    return watches


def _touched(deliveries: Collection[int], stream: Stream, since: int) -> QuerySet[Disclosure] | None:
    """What the deliveries told that law changes since one can affect; None where that can be all of it.

    A consent given by a number rests on who holds it, and so does a watch that was ordered by it.
    """
    customer = stream.agreement.customer_id
    changes = LawChange.objects.filter(
        Q(customer_id=None) | Q(customer_id=customer),
        Q(agreement_id=None) | Q(agreement_id=stream.agreement_id),
        Q(stream_id=None) | Q(stream_id=stream.pk),
        pk__gt=since,
    )
    rows = list(changes.values_list("person_id", "watch_from", "watch_to")[: MOST + 1])
    if len(rows) > MOST or any(person is None and first is None for person, first, _last in rows):
        return None
    persons = {person for person, _first, _last in rows if person is not None}
    wanted = Q(pk=None)
    for _person, first, last in rows:
        if first is not None:
            wanted |= Q(watch__gte=first, watch__lte=last)
    if persons:
        numbers = set(PersonNumber.objects.filter(person__in=persons).values_list("number", flat=True))
        consents = Consent.objects.filter(number__in=numbers, customer=customer)
        persons |= set(consents.values_list("person_id", flat=True))
        about = Watch.objects.filter(Q(person__in=persons) | Q(ordered_number__in=numbers), stream=stream)
        wanted |= Q(watch__in=list(about.values_list("pk", flat=True)))
    return _sent(deliveries).filter(wanted)


def _refused_of(sent: QuerySet[Disclosure], stream: Stream, day: date) -> dict[int, Refused]:
    """What of what was sent is refused on a day, by delivery: in the order of the watches, some at a time."""
    decider = Decider(law_of(stream, day))
    decisions: dict[int, StoredDecision] = {}
    refused: dict[int, Refused] = defaultdict(set)
    rows = sent.values_list("watch_id", "delivery_id", "decision_id").iterator(chunk_size=PAGE)
    while some := list(islice(rows, PAGE)):
        decisions |= StoredDecision.objects.in_bulk({told_on for _, _, told_on in some} - decisions.keys())
        now = _decided(decider, {watch for watch, _, _ in some})
        for watch, delivery, told_on in some:
            refused[delivery] |= {(watch, code) for code in against(now[watch], decisions[told_on])}
    return refused


def _decided(decider: Decider, pks: Iterable[int]) -> dict[int, Decision]:
    watches = list(Watch.objects.filter(pk__in=pks))
    decider.about(watches)
    return {one.pk: decider.decide(one)[0] for one in watches}


def against(decision: Decision, told_on: StoredDecision) -> set[str]:
    """Why what was told on one decision may not all be told on another: codes, empty if it may."""
    if not decision.allowed:
        return {decision.refusal or ""}
    outcomes = set(told_on.profile["basis"]["outcomes"])
    within = decision.classes.issuperset(told_on.classes) and decision.outcomes.issuperset(outcomes)
    return set() if within else {Refusal.NO_FIELDS}
