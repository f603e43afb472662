"""From rows to the values that the decision is made on: one stream's law on one day, and its watches' consents."""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Case, Exists, OuterRef, Q, Subquery, When

from benefits.catalogue import catalogue
from benefits.models import PersonFacts, PersonNumber, Protection, VersionQuerySet
from subscriptions import decision
from subscriptions.models import (
    Agreement,
    Block,
    Consent,
    LegalBasis,
    OwnerApproval,
    ProtectedRelease,
    Reservation,
    Scope,
    Stream,
    Watch,
)
from subscriptions.models.law import covers


class Given(NamedTuple):
    """A consent and the number that it was given by; "" where it names none, and speaks for every number."""

    number: str
    consent: decision.Consent

    def by(self, number: str) -> bool:
        return self.number in ("", number)


def given_for(number: str, given: Iterable[Given], apart: Container[str]) -> list[Given]:
    """Of a person's consents those that may speak for a number: a number apart has its own, and lends them to none."""
    return [one for one in given if one.by(number) or not (number in apart or one.number in apart)]


@dataclass(frozen=True, slots=True)
class StreamLaw:
    """All that holds for every watch of one stream on one day."""

    day: date
    stream: Stream
    scope: Scope | None
    terms: decision.Terms
    basis: decision.Basis | None
    approved: frozenset[str]
    blocked_benefits: frozenset[str]
    blocked: bool
    reconfirm_days: int | None
    reservations: tuple[Reservation, ...]  # in force, acknowledged or not

    def profile(
        self,
        benefit: str,
        *,
        consent: decision.Consent | None,
        case: bool,
        need: bool,
        protected: bool = False,
        released: bool = False,
        reconfirm_by: date | None = None,
        ended: bool = False,
    ) -> decision.Profile:
        """What the decision on a watch is made on. One not ordered yet is as good as one on an unprotected person."""
        customer = self.stream.agreement.customer
        overdue = reconfirm_by is not None and reconfirm_by < self.day
        owner = catalogue().benefits[benefit].owner
        return decision.Profile(
            day=self.day,
            customer_id=customer.pk,
            customer_kind=customer.kind,
            customer_active=customer.active,
            terms=self.terms,
            basis=self.basis,
            benefit=benefit,
            owner=owner,
            owner_approved=owner == "FK" or benefit in self.approved,
            blocked=self.blocked or benefit in self.blocked_benefits,
            consent=consent,
            has_case_reference=case,
            has_need_reference=need,
            protected=protected,
            released=protected and released,
            reconfirmation_overdue=overdue,
            ended=ended and overdue,
        )

    @property
    def may_tell_numbers(self) -> bool:
        """Whether the basis and the agreement let anything be told of who a person is; a consent may still not."""
        basis = self.basis
        return basis is not None and "identity" in (basis.classes | basis.agreement_classes) & self.terms.classes

    def tells_numbers(self, benefit: str) -> bool:
        """Whether the customer may be told which numbers are one person's, and not by that one's consent alone (C8)."""
        profile = self.profile(benefit, consent=None, case=True, need=True)
        return "identity" in decision.decide(profile).classes

    def consent(self, given: Iterable["Given"], number: str, benefit: str) -> decision.Consent | None:
        """Of a person's consents the best for a watch by one number.

        One given by another number speaks for it only where it lets the customer be told which numbers are the
        person's: else what comes of it would tell that (C8).
        """
        named = self.may_tell_numbers
        speaking = [
            one.consent
            for one in given
            if one.by(number) or (named and "identity" in one.consent.classes and one.consent.covers(benefit, self.day))
        ]
        return best(speaking, benefit, self.day)

    @property
    def ended(self) -> bool:
        """Whether the agreement has ended, so that the stream says so once and is over."""
        agreement = self.stream.agreement
        return agreement.status == Agreement.Status.ENDED or (
            agreement.valid_to is not None and agreement.valid_to < self.day
        )


def law_of(stream: Stream, day: date) -> StreamLaw:
    """Read a stream's law for a day. Five queries; `stream` comes with its agreement and customer."""
    scopes = Scope.objects.approved().filter(agreement=stream.agreement, purpose=stream.purpose)
    return law_under(stream, scopes.order_by("-version").first(), day)


def law_under(stream: Stream, scope: Scope | None, day: date) -> StreamLaw:
    """A stream's law for a day, were `scope` what its agreement covers for its purpose."""
    agreement = stream.agreement
    basis = basis_on(scope.basis_code, day) if scope else None
    code = scope.basis_code if scope else ""
    approvals = OwnerApproval.objects.approved().filter(covers(day), basis_code=code).values_list("owner", "benefit")
    reservations = tuple(Reservation.objects.filter(agreement=agreement, lifted_at=None))
    blocks = list(_blocks(stream, code))
    return StreamLaw(
        day=day,
        stream=stream,
        scope=scope,
        terms=decision.Terms(
            agreement_id=agreement.pk,
            version=scope.version if scope else 0,
            active=agreement.status == Agreement.Status.ACTIVE and not stream.closed,
            valid_from=agreement.valid_from,
            valid_to=agreement.valid_to,
            purpose=stream.purpose,
            benefits=frozenset(scope.benefits if scope else ()),
            classes=frozenset(scope.classes if scope else ()),
            reservations_acknowledged=all(one.acknowledged_at for one in reservations),
        ),
        basis=basis.as_value() if basis else None,
        approved=frozenset(benefit for owner, benefit in approvals if _owner_of(benefit) == owner),
        blocked_benefits=frozenset(block.benefit for block in blocks if block.benefit),
        blocked=any(not block.benefit for block in blocks),
        reconfirm_days=basis.reconfirm_days if basis else None,
        reservations=reservations,
    )


def _owner_of(benefit: str) -> str:
    """Whose benefit it is; "" for one that the catalogue has no more."""
    known = catalogue().benefits.get(benefit)
    return known.owner if known else ""


def basis_on(code: str, day: date) -> LegalBasis | None:
    """The version of a basis that holds on a day: the newest begun and no draft; failing that, the newest.

    A version that nobody has approved does not exist here.
    """
    return standing_on(LegalBasis.objects.approved().filter(code=code).order_by("-version"), day)


def standing_on(versions: Iterable[LegalBasis], day: date) -> LegalBasis | None:
    """Of a basis's approved versions, newest first, the one that `basis_on` speaks of."""
    known = list(versions)
    draft = LegalBasis.Status.DRAFT
    begun = (one for one in known if one.valid_from and one.valid_from <= day and one.status != draft)
    return next(begun, None) or next(iter(known), None)


def rests_on(stream: str = "") -> Subquery:
    """The code of the basis that a stream rests on, as a column; `stream` leads to it, as in "watch__stream__"."""
    scopes = Scope.objects.approved().filter(
        agreement=OuterRef(f"{stream}agreement"), purpose=OuterRef(f"{stream}purpose")
    )
    return Subquery(scopes.order_by("-version").values("basis_code")[:1])


def of_basis(name: str, day: date, **kwargs: Any) -> Subquery:
    """What the version that `basis_on` speaks of has in a column, for rows with a `basis_code`."""
    begun = Case(When(~Q(status=LegalBasis.Status.DRAFT), valid_from__lte=day, then=0), default=1)
    versions = LegalBasis.objects.approved().filter(code=OuterRef("basis_code")).order_by(begun, "-version")
    return Subquery(versions.values(name)[:1], **kwargs)


def _blocks(stream: Stream, basis_code: str):
    """The blocks in force that touch the stream: all that a block names must fit."""
    agreement = stream.agreement
    return Block.objects.filter(
        Q(customer=None) | Q(customer=agreement.customer_id),
        Q(agreement=None) | Q(agreement=agreement),
        Q(basis_code="") | Q(basis_code=basis_code),
        lifted_at=None,
    )


def consents_of(stream: Stream, person_ids: Iterable[int]) -> dict[int, list[Given]]:
    """The consents of persons towards a stream's customer and purpose, newest first.

    One given by a number that another person holds by now speaks for nobody, until it has moved there.
    """
    found: dict[int, list[Given]] = defaultdict(list)
    moved = PersonNumber.objects.live().filter(number=OuterRef("number")).exclude(person=OuterRef("person"))
    rows = Consent.objects.filter(
        ~Exists(moved), customer=stream.agreement.customer_id, purpose=stream.purpose, person__in=list(person_ids)
    )
    for row in rows.order_by("-id"):
        found[row.person_id].append(Given(row.number, row.as_value()))
    return found


def best(consents: list[decision.Consent], benefit: str, day: date) -> decision.Consent | None:
    """The consent that covers the benefit and day; else one that would if it were examined; else the newest."""
    covering = (one for one in consents if one.covers(benefit, day))
    awaiting = (one for one in consents if one.awaits(benefit, day))
    return next(covering, None) or next(awaiting, None) or next(iter(consents), None)


def protected_among(person_ids: Iterable[int]) -> set[int]:
    """Which persons are protected, as newest known: never as of an earlier import (C1)."""
    return set(_protected().filter(person__in=list(person_ids)).values_list("person_id", flat=True))


def released_among(watches: Iterable[Watch], day: date) -> set[int]:
    """Which watches may be told on a day although the person is protected."""
    return set(ProtectedRelease.objects.on(day).filter(watch__in=list(watches)).values_list("watch_id", flat=True))


def protected_numbers(person_ids: Iterable[int]) -> set[str]:
    """Numbers that the persons have let go and a protected person now holds: their watches move at the next run."""
    let_go = PersonNumber.objects.filter(person__in=list(person_ids), withdrawn_in__isnull=False)
    held = PersonNumber.objects.live().filter(
        number__in=let_go.values("number"), person__in=_protected().values("person")
    )
    return set(held.values_list("number", flat=True))


def _protected() -> VersionQuerySet:
    return PersonFacts.objects.live().exclude(protection=Protection.NONE)
