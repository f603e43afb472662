"""Telling a customer about a person of Försäkringskassan's own accord: a flow of its own, outside every stream (R25).

Reasons are written down, two of the staff stand behind it, the ordinary decision is asked on the day, and one document
with complete information on one person and benefit is kept and logged before anybody can read it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from benefits.catalogue import catalogue
from benefits.content import block_digest
from benefits.models import Import, Person
from deliveries import reading, storage
from deliveries.building import reservations_of, sources_as_of
from deliveries.changes import BlockChange, Item, Said, compare
from deliveries.decisions import row_of, store
from deliveries.document import Block, Entry, Head, Writer
from deliveries.known import Register, sections_of, tellable
from deliveries.models import SpontaneousDisclosure
from deliveries.schema import SPONTANEOUS
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.locks import Lock, hold_shared
from lefi.reasons import demand_reason
from subscriptions.decision import Decision, Profile, Refusal, decide
from subscriptions.models import Agreement, Customer, LawChange, Scope, Stream, Watch
from subscriptions.notices import notify
from subscriptions.profiles import StreamLaw, best, consents_of, law_of, protected_among

# On which bases information is given without being asked for: "på eget initiativ" (SoL 2025:400 15 kap. 10 §, with
# förordning 2008:975 3 § for Försäkringskassan).
BASES = frozenset({"KOM-SOC"})
OWN = "FK"
OUTSIDE = 0  # the number of the stream's document, of the run and of the watch


class SpontaneousRefused(Refused):
    """Something that is not told: with the code of the decision's refusal, or BASIS, BENEFIT_UNKNOWN,
    LOOK_BACK_TOO_LONG, NOTHING_TO_TELL, LAW_CHANGED, NOT_APPROVED, NO_LONGER_ALLOWED or DOCUMENT_DAMAGED.
    """


@dataclass(frozen=True, slots=True)
class _Case:
    """What the decision on a disclosure is made on, and its answer."""

    law: StreamLaw
    profile: Profile
    decision: Decision


@dataclass(frozen=True, slots=True)
class _Document:
    """A written document, not yet kept, and the digest of each section in it."""

    path: Path
    sha256: str
    size: int
    sections: dict[str, str]
    as_of_import: int


@transaction.atomic
def propose_spontaneous(
    *,
    customer: Customer,
    person: Person,
    basis_code: str,
    benefit: str,
    from_date: date,
    reason: str,
    by: Any,
    at: datetime,
) -> SpontaneousDisclosure:
    """Propose that a customer be told a person's benefit from a date, and why. Nothing is told by this.

    Raise SpontaneousRefused for a basis on which nothing is told unasked (BASIS), for a benefit that does not exist
    (BENEFIT_UNKNOWN) or is another agency's (OWNER_NOT_APPROVED), and, with the decision's code, for what the law as it
    now stands does not let be told.
    """
    if basis_code not in BASES:
        raise SpontaneousRefused("BASIS", "On this legal basis nothing is told without being asked for.")
    if benefit not in catalogue().benefits:
        raise SpontaneousRefused("BENEFIT_UNKNOWN", "There is no such benefit.")
    if catalogue().benefits[benefit].owner != OWN:
        raise SpontaneousRefused(Refusal.OWNER_NOT_APPROVED, "What another agency owns, that agency tells of itself.")
    disclosure = SpontaneousDisclosure(
        customer=customer,
        person=person,
        basis_code=basis_code,
        benefit=benefit,
        from_date=from_date,
        reason=demand_reason(reason),
    )
    _demand_allowed(_examine(disclosure, at), disclosure)
    foureyes.propose(disclosure, by=by, at=at)
    return disclosure


def approve_spontaneous(*, disclosure: SpontaneousDisclosure, by: Any, at: datetime, reason: str) -> None:
    """Tell it: decide, write and keep the document, and then record it all in one transaction (C5).

    Raise SpontaneousRefused with the decision's code (PROTECTED among them), NOTHING_TO_TELL if nothing is known that
    may be told, LAW_CHANGED if the law's side changed meanwhile, and NotApproved as four eyes do. None has any effect.
    """
    said = demand_reason(reason)
    foureyes.demand_another(disclosure, by=by)
    case = _examine(disclosure, at)
    _demand_allowed(case, disclosure)
    document = _write(disclosure, case, at)
    try:
        reading.validate(document.path)
        storage.keep(document.path, document.sha256)
    finally:
        document.path.unlink(missing_ok=True)
    with transaction.atomic():
        hold_shared(Lock.LAW)
        if _examine(disclosure, at).profile != case.profile:
            raise SpontaneousRefused("LAW_CHANGED", "The law's side changed meanwhile; try again.")
        row = row_of(case.profile, case.decision)
        SpontaneousDisclosure.objects.filter(pk=disclosure.pk, approved_at=None).update(
            decision_id=store({row.key: row})[row.key],
            sha256=document.sha256,
            size=document.size,
            sections=document.sections,
            as_of_import=document.as_of_import,
        )
        foureyes.approve(disclosure, by=by, at=at, reason=said)
        notify(disclosure.customer, "SPONTANEOUS", at=at)


def open_spontaneous(*, disclosure: SpontaneousDisclosure, by: Any, at: datetime) -> Path:
    """Hand the document to one of the customer's people, and log whom was read about; return its path.

    Raise SpontaneousRefused, logged too, if what is in it may not be told any more (NO_LONGER_ALLOWED), with the code
    of what holds it back for a while (BLOCKED, RESERVATION_NOT_ACKNOWLEDGED), or NOT_APPROVED or DOCUMENT_DAMAGED.
    """
    with transaction.atomic():
        hold_shared(Lock.LAW)
        code = _refusal(disclosure, at)
        refused: dict[str, Any] = {"refused": code} if code else {}
        record(
            action=Action.FETCH,
            object_type=disclosure._meta.label_lower,
            object_id=disclosure.pk,
            actor=by,
            person_id=disclosure.person_id,
            customer_id=disclosure.customer_id,
            **refused,
        )
        if not code:
            SpontaneousDisclosure.objects.filter(pk=disclosure.pk, first_fetched_at=None).update(
                first_fetched_at=at, fetched_by=by.get_username()
            )
    if code:
        raise SpontaneousRefused(code, "What the message holds cannot be shown.")
    disclosure.refresh_from_db()
    return storage.place_of(disclosure.sha256)


def _refusal(disclosure: SpontaneousDisclosure, at: datetime) -> str:
    if not disclosure.in_effect or disclosure.decision is None:
        return "NOT_APPROVED"
    if not storage.is_whole(disclosure.sha256, disclosure.size):
        return "DOCUMENT_DAMAGED"
    try:
        decision = _examine(disclosure, at).decision
    except SpontaneousRefused:
        return "NO_LONGER_ALLOWED"
    if decision.refusal in (Refusal.BLOCKED, Refusal.RESERVATION_NOT_ACKNOWLEDGED):
        return decision.refusal
    told = set(disclosure.decision.classes)
    return "" if decision.allowed and told <= decision.classes else "NO_LONGER_ALLOWED"


def _examine(disclosure: SpontaneousDisclosure, at: datetime) -> _Case:
    """Ask the decision, as if the customer watched the person: by the agreement that rests on the basis.

    The references that a watch needs are not asked for: nobody at the customer has ordered anything. Raise
    SpontaneousRefused if no agreement of the customer's rests on the basis (AGREEMENT_NOT_ACTIVE).
    """
    day = timezone.localdate(at)
    stream = _stream_of(disclosure, day)
    law = law_of(stream, day)
    consents = [one.consent for one in consents_of(stream, [disclosure.person_id])[disclosure.person_id]]
    profile = law.profile(
        disclosure.benefit,
        consent=best(consents, disclosure.benefit, day),
        case=True,
        need=True,
        protected=bool(protected_among([disclosure.person_id])),
    )
    return _Case(law, profile, decide(profile))


def _stream_of(disclosure: SpontaneousDisclosure, day: date) -> Stream:
    """The stream that a watch on the basis would be told in; it need not be there, and nothing is told in it."""
    scopes = Scope.objects.newest().filter(
        agreement__customer=disclosure.customer,
        agreement__status=Agreement.Status.ACTIVE,
        agreement__valid_from__lte=day,
        basis_code=disclosure.basis_code,
    )
    scope = scopes.select_related("agreement__customer").order_by("-agreement__valid_from", "-pk").first()
    if scope is None:
        raise SpontaneousRefused(Refusal.AGREEMENT_NOT_ACTIVE, "No active agreement rests on the legal basis.")
    return Stream(agreement=scope.agreement, purpose=scope.purpose, channel=Stream.Channel.PORTAL)


def _demand_allowed(case: _Case, disclosure: SpontaneousDisclosure) -> None:
    if case.decision.refusal is not None:
        raise SpontaneousRefused(case.decision.refusal, "This may not be told.")
    if "identity" not in case.decision.classes:
        raise SpontaneousRefused(Refusal.NO_FIELDS, "Whom it is about may not be told.")
    days = case.law.scope.look_back_days if case.law.scope else 0
    if disclosure.from_date < case.law.day - timedelta(days=days):
        raise SpontaneousRefused("LOOK_BACK_TOO_LONG", "The from-date is earlier than the agreement allows.")


def _write(disclosure: SpontaneousDisclosure, case: _Case, at: datetime) -> _Document:
    """Write complete information on the person's benefit. Raise SpontaneousRefused if there is none to tell."""
    as_of = Import.objects.last_number()
    person = disclosure.person_id
    register = Register([person], sections_of(disclosure.benefit), oldest=as_of, newest=as_of)
    number = register.number(person, as_of) or disclosure.person.first_number
    told = {name: items for name, items in _tellable(disclosure, case, register, as_of) if items}
    if not told.keys() - {sections_of(disclosure.benefit)[0]}:
        raise SpontaneousRefused("NOTHING_TO_TELL", "Nothing is known of the benefit that may be told.")
    blocks = [_block(disclosure.benefit, name, items) for name, items in told.items()]
    path = storage.temporary()
    with path.open("wb") as file:
        writer = Writer(file, _head(disclosure, case, as_of, at))
        writer.add([Entry(number, complete=True, blocks=blocks)])
        sha256 = writer.close()
    return _Document(path, sha256, writer.size, {one.section.name: one.after for one in blocks}, as_of)


def _tellable(
    disclosure: SpontaneousDisclosure, case: _Case, register: Register, as_of: int
) -> list[tuple[str, list[Item]]]:
    like = Watch(person_id=disclosure.person_id, benefit=disclosure.benefit, from_date=disclosure.from_date)
    sections = catalogue().sections
    return [
        (name, tellable(register, like, sections[name], case.decision, as_of))
        for name in sections_of(disclosure.benefit)
    ]


def _block(benefit: str, name: str, items: list[Item]) -> Block:
    marked = compare([], items).items
    return Block(
        watch=OUTSIDE,
        benefit=benefit,
        section=catalogue().sections[name],
        before=block_digest(name, ()),
        after=block_digest(name, (item.known.digest for item in items)),
        change=BlockChange(items=[Said(one.id, "", "", one.content) for one in marked]),
    )


def _head(disclosure: SpontaneousDisclosure, case: _Case, as_of: int, at: datetime) -> Head:
    agreement = case.law.stream.agreement
    sources = sources_as_of(as_of, at)
    complete = {one.name: one.complete_to_import for one in sources}
    return Head(
        organisation_number=agreement.customer.organisation_number,
        unit=agreement.customer.unit,
        agreement=agreement.code,
        purpose=case.law.stream.purpose,
        number=OUTSIDE,
        previous_sha256="",
        run=OUTSIDE,
        kind=SPONTANEOUS,
        day=case.law.day,
        created=at,
        as_of_import=as_of,
        as_of_law=LawChange.objects.aggregate(last=Max("id"))["last"] or 0,
        sources=sources,
        benefits=[(disclosure.benefit, complete[catalogue().benefits[disclosure.benefit].owner])],
        final=False,
        reservations=reservations_of(case.law),
    )


def told_about(person: Person) -> QuerySet[SpontaneousDisclosure]:
    """What was told spontaneously about a person, the newest first; a proposal has told nothing."""
    rows = SpontaneousDisclosure.objects.approved().about(person)
    return rows.select_related("customer", "decision").order_by("-approved_at")


def recipients() -> QuerySet[Customer]:
    """The customers who can be told something: those with an active agreement that rests on one of the bases."""
    scopes = Scope.objects.newest().filter(basis_code__in=BASES, agreement__status=Agreement.Status.ACTIVE)
    return Customer.objects.filter(active=True, pk__in=scopes.values("agreement__customer"))


def visible_to(user: Any) -> QuerySet[SpontaneousDisclosure]:
    """What the portal user's customers were told spontaneously, the newest first."""
    rows = SpontaneousDisclosure.objects.approved().filter(customer__in=Customer.objects.visible_to(user))
    return rows.select_related("customer").order_by("-approved_at")


def counts_for(user: Any) -> dict[str, int]:
    """How many the portal user can open (`all`), and how many nobody has (`unread`)."""
    rows = visible_to(user).order_by()
    return rows.aggregate(all=Count("pk"), unread=Count("pk", filter=Q(first_fetched_at=None)))
