"""Who was told what about a person: every customer by name (GDPR 15.1 c; CJEU C-154/21)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import Q

from benefits.labels import benefit_name, section_name
from benefits.models import Person
from deliveries.models import Disclosure, SpontaneousDisclosure
from subscriptions.labels import class_name


@dataclass(frozen=True, slots=True)
class _Telling:
    at: datetime
    fetched_at: datetime | None
    sections: Iterable[str]
    classes: Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """What one named customer was told about a person, of one benefit."""

    customer: int
    name: str
    benefit: str
    benefit_label: str
    times: int
    first_at: datetime
    last_at: datetime
    fetched: bool
    sections: tuple[str, ...]
    classes: tuple[str, ...]


def recipients(person: Person) -> list[Recipient]:
    """Every customer that was told anything about the person, benefit by benefit, in order of name.

    Recalled deliveries, which nobody fetched, told nothing; nor did the word alone that a watch has ended. Two queries.
    """
    sent = Disclosure.objects.about(person).filter(outcome=Disclosure.Outcome.SENT, delivery__recalled_at=None)
    sent = sent.filter(Q(complete=True) | ~Q(sections={}))
    rows = sent.order_by("pk").values_list(
        *("customer__name", "customer", "watch__benefit", "delivery__released_at", "delivery__first_fetched_at"),
        *("sections", "decision__classes"),
    )
    messages = SpontaneousDisclosure.objects.approved().about(person)
    others = messages.order_by("pk").values_list(
        *("customer__name", "customer", "benefit", "approved_at", "first_fetched_at"),
        *("sections", "decision__classes"),
    )
    told: dict[tuple[str, int, str], list[_Telling]] = defaultdict(list)
    for name, customer, benefit, *telling in chain(rows, others):
        told[name, customer, benefit].append(_Telling(*telling))
    return [_recipient(*key, told[key]) for key in sorted(told)]


def _recipient(name: str, customer: int, benefit: str, tellings: Sequence[_Telling]) -> Recipient:
    instants = [one.at for one in tellings]
    return Recipient(
        customer=customer,
        name=name,
        benefit=benefit,
        benefit_label=benefit_name(benefit),
        times=len(tellings),
        first_at=min(instants),
        last_at=max(instants),
        fetched=any(one.fetched_at for one in tellings),
        sections=tuple(sorted({section_name(name) for one in tellings for name in one.sections})),
        classes=tuple(sorted({class_name(cls) for one in tellings for cls in one.classes or ()})),
    )
