"""Whether all that a delivery told may still be told: asked anew of whatever can have changed since it was last asked.

What the answer rests on is the day, what the imports say, and what the log of law changes tells of. Nothing of a
delivery is asked twice while those three stand; a law change about some watches or persons has those asked anew, and
one about the whole stream, a new import or a new day the whole delivery.
"""

from datetime import datetime

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from benefits.models import Import, PersonNumber
from deliveries.decisions import Decider
from deliveries.models import Delivery, Disclosure, FoundAllowed, StoredDecision
from subscriptions.decision import Decision, Refusal
from subscriptions.models import Consent, LawChange, Stream, Watch
from subscriptions.profiles import law_of

PAGE = 2000
MOST = 200  # law changes that are looked into one by one

Refused = set[tuple[int, str]]  # watches, each with a code of why


def refused_now(delivery: Delivery, stream: Stream, at: datetime) -> Refused:
    """The watches told something in the delivery that they may not be told on the day of `at`, each with why."""
    return _refused_of(_sent(delivery), stream, at)


def refused_today(delivery: Delivery, stream: Stream, at: datetime) -> Refused:
    """The same, asked only of what can have changed since all of it was found allowed, if that was the same day."""
    day = timezone.localdate(at)
    # Read before anything else is: what comes after it is met the next time.
    law = LawChange.objects.aggregate(last=Max("pk"))["last"] or 0
    imported = Import.objects.aggregate(last=Max("number"))["last"] or 0
    found = FoundAllowed.objects.filter(delivery=delivery, day=day, as_of_import=imported).first()
    if found is not None and found.as_of_law == law:
        return set()
    touched = _touched(delivery, stream, found.as_of_law) if found is not None else None
    refused = _refused_of(_sent(delivery) if touched is None else touched, stream, at)
    if not refused:
        said = {"day": day, "as_of_law": law, "as_of_import": imported}
        FoundAllowed.objects.update_or_create(delivery=delivery, defaults=said)
    return refused


def _sent(delivery: Delivery) -> QuerySet[Disclosure]:
    return Disclosure.objects.filter(delivery=delivery, outcome=Disclosure.Outcome.SENT).exclude(sections={})


def _touched(delivery: Delivery, stream: Stream, since: int) -> QuerySet[Disclosure] | None:
    """What the delivery told that law changes since one can affect; None where that can be all of it.

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
    return _sent(delivery).filter(wanted)


def _refused_of(sent: QuerySet[Disclosure], stream: Stream, at: datetime) -> Refused:
    decider = Decider(law_of(stream, timezone.localdate(at)))
    decisions: dict[int, StoredDecision] = {}
    refused: Refused = set()
    last = 0
    while True:
        told = dict(sent.filter(watch__gt=last).order_by("watch_id").values_list("watch_id", "decision_id")[:PAGE])
        if not told:
            return refused
        last = max(told)
        decisions |= StoredDecision.objects.in_bulk(set(told.values()) - decisions.keys())
        watches = list(Watch.objects.filter(pk__in=told))
        decider.about(watches)
        for watch in watches:
            decision, _ = decider.decide(watch)
            refused |= {(watch.pk, code) for code in against(decision, decisions[told[watch.pk]])}


def against(decision: Decision, told_on: StoredDecision) -> set[str]:
    """Why what was told on one decision may not all be told on another: codes, empty if it may."""
    if not decision.allowed:
        return {decision.refusal or ""}
    outcomes = set(told_on.profile["basis"]["outcomes"])
    within = decision.classes.issuperset(told_on.classes) and decision.outcomes.issuperset(outcomes)
    return set() if within else {Refusal.NO_FIELDS}
