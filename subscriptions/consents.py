"""Consents: registered with their evidence, examined where a guardian or a minor gave them, withdrawn at any time.

A consent lifts secrecy for the person who gives it (OSL 10:1, 12:2), is no harder to withdraw than to give (GDPR 7.3),
and is never asked for where a duty is the ground. What it lets be told is the decision's to say, at each delivery.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from benefits.catalogue import catalogue
from benefits.identity import IdentityError, IdentityNumber, parse
from benefits.models import PersonNumber
from benefits.services import ensure_persons
from lefi.audit.models import Action, AuditEvent, record
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from subscriptions.consentanswers import ConsentAnswer
from subscriptions.consentfile import Given
from subscriptions.models import Agreement, Consent, Customer, LegalBasis, Scope, Stream, Watch
from subscriptions.profiles import Given as GivenBy
from subscriptions.profiles import StreamLaw, basis_on, law_of
from subscriptions.watches import end_watches

OF_AGE = 18
PAGE = 1000  # watches
LONGEST_EVIDENCE = 100


class State(StrEnum):
    """What a consent is worth on a day."""

    WITHDRAWN = "WITHDRAWN"
    REFUSED = "REFUSED"
    WAITING = "WAITING"
    TO_COME = "TO_COME"
    IN_FORCE = "IN_FORCE"
    ENDED = "ENDED"


class ConsentRefused(Refused):
    """A consent that is not registered (a ConsentAnswer), or not examined (NOT_WAITING, SAME_PERSON)."""


@dataclass(slots=True)
class Answered:
    """The answer to one consent of a file, by its place in it."""

    line: int
    given: Given
    answer: str = ""
    consent: Consent | None = None
    number: str = ""
    benefits: list[str] = field(default_factory=list)
    minor: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        return self.number, self.given.purpose, self.given.evidence


@dataclass(frozen=True, slots=True)
class _Asking:
    """The legal bases that ask the customer for consent for one purpose."""

    bases: list[LegalBasis]

    def reaches(self, benefit: str) -> bool:
        owner = catalogue().benefits[benefit].owner
        return any(owner in one.owners and (one.benefits is None or benefit in one.benefits) for one in self.bases)

    @property
    def classes(self) -> set[str]:
        return {name for one in self.bases for name in (*one.classes, *one.agreement_classes)}


def register_consent(
    *,
    customer: Customer,
    number: str,
    purpose: str,
    benefits: Sequence[str],
    classes: Sequence[str],
    valid_from: date | None,
    valid_to: date | None,
    given_on: date | None,
    evidence: str,
    giver: str,
    channel: str,
    by: Any = None,
    client: str = "",
    purposes: Collection[str] | None = None,
    at: datetime,
) -> Consent:
    """Register one consent, or return the one that was registered with the same evidence before.

    Raise ConsentRefused with the ConsentAnswer that says what is wrong. Whether the person is known is never told.
    """
    given = Given(
        number=number,
        purpose=purpose,
        benefits=tuple(benefits),
        classes=tuple(classes),
        valid_from=valid_from,
        valid_to=valid_to,
        given_on=given_on,
        evidence=evidence.strip(),
        giver=giver,
        fault="" if giver in Consent.Giver.values else ConsentAnswer.GIVER_UNKNOWN,
    )
    (answered,) = register_consents(
        customer=customer, given=[given], channel=channel, by=by, client=client, purposes=purposes, at=at
    )
    if answered.consent is None:
        raise ConsentRefused(answered.answer)
    return answered.consent


@transaction.atomic
def register_consents(
    *,
    customer: Customer,
    given: Iterable[Given],
    channel: str,
    by: Any = None,
    client: str = "",
    purposes: Collection[str] | None = None,
    at: datetime,
) -> list[Answered]:
    """Register consents of one customer, and return the answer to each; one that is refused stops no other.

    Repeating is harmless: the same number, purpose and evidence are one consent. `purposes`: those that the caller may
    speak for, all of the customer's if None. Those given by a guardian, or by a minor, wait to be examined (OSL 12:3).
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    day = timezone.localdate(at)
    asking = _asking(customer, day)
    answered = [Answered(line, one) for line, one in enumerate(given, start=1)]
    for one in answered:
        allowed = purposes is None or one.given.purpose in purposes
        one.answer = _fault(one, asking.get(one.given.purpose) if allowed else None, day)
    wanted = [one for one in answered if not one.answer]
    if wanted:
        ensure_persons({one.number for one in wanted})
    fresh = list(_new(customer, wanted, channel=channel, by=by, at=at))
    Consent.objects.bulk_create(one.consent for one in fresh if one.consent)
    AuditEvent.objects.bulk_create(_events(fresh, by=by, client=client, at=at), batch_size=1000)
    return answered


def _asking(customer: Customer, day: date) -> dict[str, _Asking]:
    """By purpose, the bases under the customer's agreements that rest on consent; a closed one asks for nothing."""
    over = [Agreement.Status.REFUSED, Agreement.Status.ENDED]
    scopes = Scope.objects.newest().filter(agreement__customer=customer).exclude(agreement__status__in=over)
    scopes = scopes.filter(Q(agreement__valid_to=None) | Q(agreement__valid_to__gte=day))
    found: dict[str, list[LegalBasis]] = defaultdict(list)
    for purpose, code in scopes.values_list("purpose", "basis_code").distinct():
        basis = basis_on(code, day)
        if basis is not None and basis.consent_needed and basis.status != LegalBasis.Status.CLOSED:
            found[purpose].append(basis)
    return {purpose: _Asking(bases) for purpose, bases in found.items()}


def _fault(one: Answered, asking: _Asking | None, day: date) -> str:
    """What is wrong with a consent; empty if it can be registered. Notes its number, benefits and the giver's age."""
    given = one.given
    if given.fault:
        return given.fault
    if asking is None:
        return ConsentAnswer.NOT_ASKED_FOR
    try:
        number = parse(given.number, on=day)
    except IdentityError:
        return ConsentAnswer.NUMBER_INVALID
    one.number, one.minor = number.number, given.given_on is not None and is_minor(number, given.given_on)
    return _extent_fault(one, asking) or _evidence_fault(given.evidence) or _dates_fault(given, day)


def is_minor(number: IdentityNumber, day: date) -> bool:
    """Whether who bears the number is under 18 on a day; one born on 29 February comes of age on 1 March."""
    born = number.born
    return (day.year - born.year) - ((day.month, day.day) < (born.month, born.day)) < OF_AGE


def _extent_fault(one: Answered, asking: _Asking) -> str:
    known = catalogue()
    benefits = [known.benefits.get(name) or known.by_order_name(name) for name in one.given.benefits]
    one.benefits = sorted({benefit.code for benefit in benefits if benefit})
    if not benefits or None in benefits:
        return ConsentAnswer.BENEFIT_UNKNOWN
    if not all(asking.reaches(code) for code in one.benefits):
        return ConsentAnswer.BENEFIT_NOT_IN_BASIS
    if not one.given.classes or not set(one.given.classes) <= known.classes.keys():
        return ConsentAnswer.CLASS_UNKNOWN
    return "" if set(one.given.classes) <= asking.classes else ConsentAnswer.CLASS_NOT_IN_BASIS


def _evidence_fault(evidence: str) -> str:
    if not 0 < len(evidence) <= LONGEST_EVIDENCE:
        return ConsentAnswer.EVIDENCE_MISSING
    return "" if mask_identity_numbers(evidence) == evidence else ConsentAnswer.EVIDENCE_NAMES_A_PERSON


def _dates_fault(given: Given, day: date) -> str:
    begins, ends = given.valid_from, given.valid_to
    if begins is None or given.given_on is None:
        return ConsentAnswer.DATES_MISSING
    if not given.given_on <= min(begins, day) or (ends is not None and ends < max(begins, day)):
        return ConsentAnswer.DATES_WRONG
    most = settings.CONSENT_MOST_DAYS.get(given.purpose)
    if most is None:
        return ""
    if ends is None:
        return ConsentAnswer.END_NEEDED
    return ConsentAnswer.TOO_LONG if ends > begins + timedelta(days=most) else ""


def _new(customer: Customer, wanted: list[Answered], *, channel: str, by: Any, at: datetime) -> Iterator[Answered]:
    """Answer all that are wanted, and yield those that are new with their rows, not saved yet."""
    numbers = {one.number for one in wanted}
    holders = dict(PersonNumber.objects.live().filter(number__in=numbers).values_list("number", "person_id"))
    rows = Consent.objects.filter(customer=customer, number__in=numbers)
    stands = {(row.number, row.purpose, row.evidence): row for row in rows}
    for one in wanted:
        row = _row(customer, one, holders[one.number], channel=channel, by=by, at=at)
        before = stands.setdefault(one.key, row)
        one.consent = before if _says(before) == _says(row) else None
        if before is row:
            waits = row.examination == Consent.Examination.WAITING
            one.answer = ConsentAnswer.WAITS if waits else ConsentAnswer.REGISTERED
            yield one
        else:
            one.answer = ConsentAnswer.ALREADY_REGISTERED if one.consent else ConsentAnswer.DIFFERS


def _row(customer: Customer, one: Answered, person_id: int, *, channel: str, by: Any, at: datetime) -> Consent:
    given = one.given
    assert given.valid_from is not None and given.given_on is not None  # noqa: S101 - _dates_fault answered the others
    looked_at = one.minor or given.giver == Consent.Giver.GUARDIAN
    return Consent(
        customer=customer,
        person_id=person_id,
        number=one.number,
        purpose=given.purpose,
        benefits=one.benefits,
        classes=sorted(set(given.classes)),
        valid_from=given.valid_from,
        valid_to=given.valid_to,
        given_on=given.given_on,
        evidence=given.evidence,
        giver=given.giver,
        examination=Consent.Examination.WAITING if looked_at else Consent.Examination.NOT_NEEDED,
        channel=channel,
        registered_by=by,
        registered_at=at,
    )


def _says(consent: Consent) -> tuple[Any, ...]:
    return (
        sorted(consent.benefits),
        sorted(consent.classes),
        consent.valid_from,
        consent.valid_to,
        consent.given_on,
        consent.giver,
    )


def _events(fresh: Iterable[Answered], *, by: Any, client: str, at: datetime) -> Iterator[AuditEvent]:
    for one in fresh:
        if one.consent is not None:
            yield AuditEvent(
                at=at,
                actor=by,
                client=client,
                action=Action.CREATE,
                object_type=Consent._meta.label_lower,
                object_id=str(one.consent.pk),
                person_id=one.consent.person_id,
                customer_id=one.consent.customer_id if client else None,
                details={"channel": one.consent.channel, "examination": one.consent.examination},
            )


def state_of(consent: Consent, day: date) -> State:
    if consent.withdrawn_at is not None:
        return State.WITHDRAWN
    if consent.examination in (Consent.Examination.REFUSED, Consent.Examination.WAITING):
        return State.REFUSED if consent.examination == Consent.Examination.REFUSED else State.WAITING
    if consent.valid_to is not None and consent.valid_to < day:
        return State.ENDED
    return State.IN_FORCE if consent.valid_from <= day else State.TO_COME


@transaction.atomic
def examine_consent(*, consent: Consent, accept: bool, by: Any, at: datetime, reason: str) -> None:
    """Decide whether a consent given by a guardian or a minor holds (OSL 12:3).

    Raise ConsentRefused if it does not wait for that (any more), or if `by` registered it.
    """
    if consent.registered_by_id is not None and consent.registered_by_id == by.pk:
        raise ConsentRefused("SAME_PERSON", "What one person registered, another must examine.")
    outcome = Consent.Examination.ACCEPTED if accept else Consent.Examination.REFUSED
    waiting = Consent.objects.filter(pk=consent.pk, examination=Consent.Examination.WAITING, withdrawn_at=None)
    if not waiting.update(examination=outcome, examined_by=by, examined_at=at):
        raise ConsentRefused("NOT_WAITING", "The consent does not wait to be examined.")
    record(
        action=Action.APPROVE if accept else Action.REFUSE,
        object_type=Consent._meta.label_lower,
        object_id=consent.pk,
        actor=by,
        person_id=consent.person_id,
        reason=reason,
    )


@transaction.atomic
def withdraw_consent(*, consent: Consent, by: Any = None, client: str = "", at: datetime, reason: str = "") -> int:
    """Withdraw a consent, and end the open watches that rested on it alone; return how many ended.

    It takes effect before the next delivery. A later consent brings nothing back: the customer orders anew (R8).
    Repeating it is harmless.
    """
    if not Consent.objects.filter(pk=consent.pk, withdrawn_at=None).update(withdrawn_at=at):
        return 0
    rested = Watch.objects.filter(pk__in=_resting_on(consent, timezone.localdate(at)))
    ended = end_watches(rested, at=at, reason=Watch.EndReason.NO_LONGER)
    record(
        action=Action.WITHDRAW,
        object_type=Consent._meta.label_lower,
        object_id=consent.pk,
        actor=by,
        client=client,
        person_id=consent.person_id,
        customer_id=consent.customer_id,
        reason=reason,
        watches=ended,
    )
    return ended


def _resting_on(consent: Consent, day: date) -> list[int]:
    """The open watches that the consent let be told, and that no other consent covers on the day."""
    same = Consent.objects.filter(customer=consent.customer_id, person=consent.person_id, purpose=consent.purpose)
    this = replace(consent.as_value(), withdrawn=False)
    others = [GivenBy(row.number, row.as_value()) for row in same.exclude(pk=consent.pk)]
    streams = _streams_on_consent(day, Stream.objects.filter(agreement__customer=consent.customer_id))
    watches = Watch.objects.open().filter(person=consent.person_id, benefit__in=consent.benefits)
    rested = []
    for watch in watches.filter(stream__in=streams, stream__purpose=consent.purpose).select_related(
        "stream__agreement__customer"
    ):
        law = law_of(watch.stream, day)
        spoken = law.consent([GivenBy(consent.number, this)], watch.ordered_number, watch.benefit)
        other = law.consent(others, watch.ordered_number, watch.benefit)
        if spoken is not None and not (other is not None and other.covers(watch.benefit, day)):
            rested.append(watch.pk)
    return rested


def _streams_on_consent(day: date, streams: QuerySet[Stream]) -> list[int]:
    """The open ones among streams whose basis rests on consent. A query for each basis, not for each stream."""
    scopes = Scope.objects.newest().values_list("agreement", "purpose", "basis_code")
    codes = {(agreement, purpose): code for agreement, purpose, code in scopes}
    needed: dict[str, bool] = {"": False}
    found = []
    for pk, agreement, purpose in streams.filter(closed=False).values_list("pk", "agreement", "purpose"):
        code = codes.get((agreement, purpose), "")
        if code not in needed:
            basis = basis_on(code, day)
            needed[code] = basis is not None and basis.consent_needed
        if needed[code]:
            found.append(pk)
    return found


def end_watches_without_consent(*, day: date, at: datetime) -> int:
    """End the open watches whose newest consent was withdrawn, or ended CONSENT_GRACE_DAYS days ago or more.

    Withdrawal by the service has ended them already: this finds what was changed past it, and what time ended.
    Until then a watch without a consent is refused, and told nothing.
    """
    last = day - timedelta(days=settings.CONSENT_GRACE_DAYS)
    over = Consent.objects.filter(
        Q(withdrawn_at__isnull=False) | Q(valid_to__lt=last),
        customer=OuterRef("stream__agreement__customer"),
        person=OuterRef("person"),
        purpose=OuterRef("stream__purpose"),
    )
    streams = _streams_on_consent(day, Stream.objects.all())
    suspects = Watch.objects.open().filter(Exists(over), stream__in=streams).order_by("pk")
    ended = after = 0
    law = cache(partial(law_of, day=day))
    while page := list(suspects.filter(pk__gt=after).select_related("stream__agreement__customer")[:PAGE]):
        after = page[-1].pk
        ended += _end(page, law, last, at)
    return ended


@transaction.atomic
def _end(page: list[Watch], law: Callable[[Stream], StreamLaw], last: date, at: datetime) -> int:
    consents: dict[tuple[int, int, str], list[Consent]] = defaultdict(list)
    rows = Consent.objects.filter(person__in={one.person_id for one in page})
    for row in rows.exclude(examination=Consent.Examination.REFUSED).order_by("-pk"):
        consents[row.customer_id, row.person_id, row.purpose].append(row)
    gone = [
        one.pk
        for one in page
        if _is_over(
            consents[one.stream.agreement.customer_id, one.person_id, one.stream.purpose], one, law(one.stream), last
        )
    ]
    ended = end_watches(Watch.objects.filter(pk__in=gone), at=at, reason=Watch.EndReason.NO_LONGER)
    if ended:
        record(action=Action.END, object_type=Watch._meta.label_lower, reason="no consent", watches=gone)
    return ended


def _is_over(consents: list[Consent], watch: Watch, law: StreamLaw, last: date) -> bool:
    """Whether none covers the watch and the newest that speaks for it was withdrawn, or ended before `last`."""
    naming = [one for one in consents if watch.benefit in one.benefits]
    speaking = law.consent([GivenBy(one.number, one.as_value()) for one in naming], watch.ordered_number, watch.benefit)
    naming = [one for one in naming if one.number in ("", watch.ordered_number)]
    if not naming or (speaking is not None and speaking.covers(watch.benefit, law.day)):
        return False
    newest = naming[0]
    return newest.withdrawn_at is not None or (newest.valid_to is not None and newest.valid_to < last)


def move_consents_to_holders() -> int:
    """Move each consent to whoever now holds the number it was given by; return how many moved (C8).

    So a consent follows the person through a merge or a split of two, as the watches do, and never speaks for another.
    It moves when they do: at the start of a run, with the imports held.
    """
    holder = PersonNumber.objects.live().filter(number=OuterRef("number")).values("person")[:1]
    let_go = PersonNumber.objects.filter(withdrawn_in__isnull=False).values("number")
    astray = Consent.objects.filter(number__in=let_go).annotate(holder=Subquery(holder))
    return astray.exclude(holder=None).exclude(holder=F("person")).update(person=Subquery(holder))
