"""PURE: may this customer, under this agreement, for this purpose, be told this benefit about this person on this day?

Eight gates in order, default deny (SFB 114 kap., OSL 8:1 and 10 kap.; the rules R1-R26 of docs/law.md). Gate 8,
the record of the decision, is what the callers do with the answer: store it before anything leaves.
The same function is asked when an order comes in and at each delivery.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

REFUSED = "refused"
# What a release of a protected person's block may never hold: everything that can reveal a place (OSL 21:3, 21:3 a),
# and what numbers the person has: one that came with protection would be linked to the old one (C8).
NEVER_OF_PROTECTED = frozenset({"address", "employer", "contact", "related", "protection", "identity"})


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    FROZEN = "frozen"  # nothing may be told, not even that it is so


class Refusal(StrEnum):
    """Why the answer is no: stable codes, in the order of the gates."""

    CUSTOMER_INACTIVE = "CUSTOMER_INACTIVE"  # G1
    BASIS_UNKNOWN = "BASIS_UNKNOWN"  # G2
    BASIS_CLOSED = "BASIS_CLOSED"
    BASIS_DRAFT = "BASIS_DRAFT"
    BASIS_NOT_IN_FORCE = "BASIS_NOT_IN_FORCE"
    RECIPIENT_KIND = "RECIPIENT_KIND"
    CONSENT_MISSING = "CONSENT_MISSING"
    CONSENT_NOT_EXAMINED = "CONSENT_NOT_EXAMINED"
    PURPOSE = "PURPOSE"  # G3
    NOT_STANDING = "NOT_STANDING"  # G4
    BLOCKED = "BLOCKED"  # G5
    AGREEMENT_NOT_ACTIVE = "AGREEMENT_NOT_ACTIVE"
    AGREEMENT_NOT_IN_FORCE = "AGREEMENT_NOT_IN_FORCE"
    BENEFIT_NOT_AGREED = "BENEFIT_NOT_AGREED"
    RESERVATION_NOT_ACKNOWLEDGED = "RESERVATION_NOT_ACKNOWLEDGED"
    CASE_REFERENCE_MISSING = "CASE_REFERENCE_MISSING"  # G6
    NEED_REFERENCE_MISSING = "NEED_REFERENCE_MISSING"
    RECONFIRMATION_OVERDUE = "RECONFIRMATION_OVERDUE"
    PROTECTED = "PROTECTED"
    BENEFIT_NOT_IN_BASIS = "BENEFIT_NOT_IN_BASIS"  # G7
    OWNER_NOT_APPROVED = "OWNER_NOT_APPROVED"
    NO_FIELDS = "NO_FIELDS"


# Stops that a delivery says nothing of: the watch is frozen as it was last told.
FREEZING = frozenset(
    {
        Refusal.BLOCKED,
        Refusal.RESERVATION_NOT_ACKNOWLEDGED,
        Refusal.RECONFIRMATION_OVERDUE,
        Refusal.PROTECTED,
    }
)


@dataclass(frozen=True, slots=True)
class Basis:
    """One version of a legal basis, as values."""

    code: str
    version: int
    recipient_kinds: frozenset[str]
    purpose: str
    valid_from: date | None
    valid_to: date | None
    status: str
    service: str
    consent_needed: bool
    needs: frozenset[str]
    owners: frozenset[str]
    benefits: frozenset[str] | None
    classes: frozenset[str]
    agreement_classes: frozenset[str]
    outcomes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Consent:
    id: int
    benefits: frozenset[str]
    classes: frozenset[str]
    valid_from: date
    valid_to: date | None
    withdrawn: bool
    examined: bool = True  # nobody needs to look at it, or somebody has and it holds (OSL 12:3)

    def covers(self, benefit: str, day: date) -> bool:
        return self.examined and self._names(benefit, day)

    def awaits(self, benefit: str, day: date) -> bool:
        """Whether it would cover the benefit and day if somebody had examined it."""
        return not self.examined and self._names(benefit, day)

    def _names(self, benefit: str, day: date) -> bool:
        return benefit in self.benefits and not self.withdrawn and in_force(self.valid_from, self.valid_to, day)


@dataclass(frozen=True, slots=True)
class Terms:
    """An agreement's state and what its scope covers for the stream's purpose."""

    agreement_id: int
    version: int
    active: bool
    valid_from: date
    valid_to: date | None
    purpose: str
    benefits: frozenset[str]
    classes: frozenset[str]
    reservations_acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a decision depends on. Watches with equal profiles share one decision."""

    day: date
    customer_id: int
    customer_kind: str
    customer_active: bool
    terms: Terms
    basis: Basis | None
    benefit: str
    owner: str
    owner_approved: bool
    blocked: bool
    consent: Consent | None
    has_case_reference: bool
    has_need_reference: bool
    protected: bool
    released: bool = False  # a protected person's watch, by two of the staff or by the basis's own rule
    reconfirmation_overdue: bool = False
    ended: bool = False  # said of a watch that is overdue alone: its end is told, and nothing more


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: the field classes that may be told, or a refusal code."""

    outcome: Outcome
    refusal: Refusal | None
    classes: frozenset[str]
    outcomes: frozenset[str]

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOWED


def in_force(valid_from: date | None, valid_to: date | None, day: date) -> bool:
    """Both ends included; what has no start is not in force."""
    return valid_from is not None and valid_from <= day and (valid_to is None or day <= valid_to)


def decide(profile: Profile) -> Decision:
    """Return what may be told under the profile. Never raises; anything not expressly allowed is refused."""
    refusal = (
        _basis_refusal(profile) or _agreement_refusal(profile) or _person_refusal(profile) or _extent_refusal(profile)
    )
    if refusal in FREEZING and not (profile.ended and refusal is Refusal.RECONFIRMATION_OVERDUE):
        return Decision(Outcome.FROZEN, refusal, frozenset(), frozenset())
    if refusal is not None:
        return Decision(Outcome.REFUSED, refusal, frozenset(), frozenset())
    basis = profile.basis
    return Decision(Outcome.ALLOWED, None, allowed_classes(profile), basis.outcomes if basis else frozenset())


def allowed_classes(profile: Profile) -> frozenset[str]:
    """Basis ∩ agreement ∩ consent (R5). A class that the basis leaves to the agreement counts only if named there.

    Of a person with protected identity never what reveals a place, or a number that the customer did not order by.
    """
    basis = profile.basis
    if basis is None:
        return frozenset()
    given = basis.classes | basis.agreement_classes
    if basis.consent_needed:
        given &= profile.consent.classes if profile.consent else frozenset()
    if profile.protected:
        given -= NEVER_OF_PROTECTED
    return given & profile.terms.classes


def _basis_refusal(profile: Profile) -> Refusal | None:
    """Gates 1-4: the customer, the secrecy-breaking rule, the purpose and the form."""
    basis = profile.basis
    if not profile.customer_active:
        return Refusal.CUSTOMER_INACTIVE
    if basis is None:
        return Refusal.BASIS_UNKNOWN
    if basis.status == "closed" or (basis.valid_to is not None and basis.valid_to < profile.day):
        return Refusal.BASIS_CLOSED
    if basis.status != "active":
        return Refusal.BASIS_DRAFT
    if not in_force(basis.valid_from, basis.valid_to, profile.day):
        return Refusal.BASIS_NOT_IN_FORCE
    if profile.customer_kind not in basis.recipient_kinds:
        return Refusal.RECIPIENT_KIND
    if basis.consent_needed and not _consented(profile):
        awaits = profile.consent is not None and profile.consent.awaits(profile.benefit, profile.day)
        return Refusal.CONSENT_NOT_EXAMINED if awaits else Refusal.CONSENT_MISSING
    if basis.purpose != profile.terms.purpose:
        return Refusal.PURPOSE
    return None if basis.service == "standing" else Refusal.NOT_STANDING


def _consented(profile: Profile) -> bool:
    return profile.consent is not None and profile.consent.covers(profile.benefit, profile.day)


def _agreement_refusal(profile: Profile) -> Refusal | None:
    """Gate 5."""
    terms = profile.terms
    if profile.blocked:
        return Refusal.BLOCKED
    if not terms.active:
        return Refusal.AGREEMENT_NOT_ACTIVE
    if not in_force(terms.valid_from, terms.valid_to, profile.day):
        return Refusal.AGREEMENT_NOT_IN_FORCE
    if profile.benefit not in terms.benefits:
        return Refusal.BENEFIT_NOT_AGREED
    return None if terms.reservations_acknowledged else Refusal.RESERVATION_NOT_ACKNOWLEDGED


def _person_refusal(profile: Profile) -> Refusal | None:
    """Gate 6."""
    needs = profile.basis.needs if profile.basis else frozenset()
    if "case_reference" in needs and not profile.has_case_reference:
        return Refusal.CASE_REFERENCE_MISSING
    if "need_reference" in needs and not profile.has_need_reference:
        return Refusal.NEED_REFERENCE_MISSING
    hidden = profile.protected and not profile.released
    if profile.reconfirmation_overdue and not (profile.ended and hidden):
        return Refusal.RECONFIRMATION_OVERDUE
    return Refusal.PROTECTED if hidden else None


def _extent_refusal(profile: Profile) -> Refusal | None:
    """Gate 7."""
    basis = profile.basis
    if basis is not None and basis.benefits is not None and profile.benefit not in basis.benefits:
        return Refusal.BENEFIT_NOT_IN_BASIS
    if basis is None or profile.owner not in basis.owners or not profile.owner_approved:
        return Refusal.OWNER_NOT_APPROVED
    return None if allowed_classes(profile) else Refusal.NO_FIELDS
