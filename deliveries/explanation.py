"""What an explanation is made of: what became of each field, watch and message, as values for pages and files."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import Field, Section
from benefits.labels import labelled_leaves
from deliveries.models import StoredDecision
from subscriptions.decision import NEVER_OF_PROTECTED
from subscriptions.disclosable import THIRD_PERSON
from subscriptions.labels import class_name

Text = Promise | str


class Verdict(TextChoices):
    """What became of one field."""

    TOLD = "told", _("told")
    EMPTY = "empty", _("allowed, but held no value")
    ALLOWED = "allowed", _("allowed; the document has not been looked into")
    NOT_IN_BASIS = "not_in_basis", _("left out: the legal basis does not give its class")
    NOT_IN_CONSENT = "not_in_consent", _("left out: the consent does not cover its class")
    NOT_IN_AGREEMENT = "not_in_agreement", _("left out: the agreement does not name its class")
    OF_PROTECTED = "of_protected", _("left out: it is never told of a person with protected identity")
    THIRD_PERSON = "third_person", _("left out: it is about a third person")


class State(TextChoices):
    """What had become of a watch by the day."""

    TOLD = "told", _("Told.")
    ENDED = "ended", _("Ended, and the customer was told so.")
    WITHHELD = "withheld", _("Not told.")
    NOTHING_YET = "nothing_yet", _("Nothing had been told: no delivery had come to this watch yet.")
    NOT_OPENED = "not_opened", _("Nothing had been told: the watch had not been opened yet.")


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    path: str
    label: str
    cls: str
    class_label: str
    verdict: Verdict

    @property
    def told(self) -> bool:
        return self.verdict in (Verdict.TOLD, Verdict.EMPTY, Verdict.ALLOWED)


@dataclass(frozen=True, slots=True)
class ConsentUsed:
    """The consent that a decision rested on, as it was then."""

    id: int
    valid_from: str
    valid_to: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Ground:
    """A stored decision in words: the rule, and the versions of all that it rested on."""

    decision: int
    day: date
    outcome: str
    refusal: str
    sentence: Text
    basis_code: str
    basis_version: int | None
    basis_title: str
    citations: tuple[str, ...]
    agreement: str
    purpose: str
    scope_version: int
    consent: ConsentUsed | None
    protected: bool


@dataclass(frozen=True, slots=True)
class InDelivery:
    """Where and when something was told, or withheld."""

    number: int
    run: int
    day: date
    released_at: datetime
    first_fetched_at: datetime | None
    acknowledged_at: datetime | None
    recalled_at: datetime | None


@dataclass(frozen=True, slots=True)
class SectionVerdict:
    """One section as last told, and by which delivery; None for a message outside every stream."""

    name: str
    label: str
    delivery: int | None
    fields: tuple[FieldVerdict, ...]


@dataclass(frozen=True, slots=True)
class Withheld:
    reason: str
    sentence: Text
    delivery: InDelivery


@dataclass(frozen=True, slots=True)
class WatchAnswer:
    """What stood for one watch on the day, and why."""

    watch: int
    benefit: str
    benefit_label: str
    stream: str
    from_date: date
    opened_at: datetime
    ended_at: datetime | None
    end_reason: Text
    state: State
    reason: str
    sentence: Text
    night: Text
    ground: Ground | None = None
    delivery: InDelivery | None = None
    complete: bool = False
    references: bool = False
    outcomes: tuple[str, ...] = ()
    sections: tuple[SectionVerdict, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    recalled: tuple[InDelivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What was told of Försäkringskassan's own accord, outside every stream."""

    id: int
    benefit: str
    benefit_label: str
    approved_at: datetime
    first_fetched_at: datetime | None
    ground: Ground | None
    sections: tuple[SectionVerdict, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    customer: str
    day: date
    sentence: Text
    watches: tuple[WatchAnswer, ...]
    messages: tuple[Message, ...]


def verdicts(section: Section, decision: StoredDecision, values: Collection[str] | None) -> tuple[FieldVerdict, ...]:
    """Every field of a section, by the stored decision; `values` are the paths that had one, None if not known."""
    return tuple(
        FieldVerdict(leaf.path, label, leaf.cls, class_name(leaf.cls), _verdict(leaf, decision, values))
        for leaf, label in labelled_leaves(section.fields)
    )


def _verdict(leaf: Field, decision: StoredDecision, values: Collection[str] | None) -> Verdict:
    if leaf.cls not in decision.classes:
        return _why_not(leaf.cls, decision.profile)
    if leaf.subject == "other" and THIRD_PERSON not in decision.classes:
        return Verdict.THIRD_PERSON
    if values is None:
        return Verdict.ALLOWED
    return Verdict.TOLD if leaf.path in values else Verdict.EMPTY


def _why_not(cls: str, profile: Mapping[str, Any]) -> Verdict:
    """Which of the parts that a decision rests on did not give the class (R5)."""
    basis, terms, consent = (profile.get(name) or {} for name in ("basis", "terms", "consent"))
    if cls not in (*basis.get("classes", ()), *basis.get("agreement_classes", ())):
        return Verdict.NOT_IN_BASIS
    if basis.get("consent_needed") and cls not in consent.get("classes", ()):
        return Verdict.NOT_IN_CONSENT
    if cls in terms.get("classes", ()) and profile.get("protected") and cls in NEVER_OF_PROTECTED:
        return Verdict.OF_PROTECTED
    return Verdict.NOT_IN_AGREEMENT
