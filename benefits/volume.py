"""How much the register holds on an average person: a mean over it, which says nothing of anybody in particular.

Read from persons spread evenly over the whole register, once for each import.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.core.cache import cache
from django.db.models import Max, Min

from benefits.catalogue import PaymentRule, Section, catalogue
from benefits.content import values_at
from benefits.models import BenefitPeriod, Import, Person, PersonFacts

FEWEST = 1000  # persons that a source has spoken of; a mean over fewer could tell of one of them
READ = 5000  # persons, at most
KEPT = 7 * 24 * 60 * 60  # seconds


def bytes_a_person() -> dict[str, float]:
    """By benefit, the mean size of a person's content in the source's JSON as newest known.

    An item that speaks of several benefits counts for each by its share of the rows. Empty where the register holds too
    few persons to say.
    """
    key = f"bytes_a_person:{Import.objects.last_number()}"
    return cache.get_or_set(key, _means, timeout=KEPT) or {}


def _means() -> dict[str, float]:
    if PersonFacts.objects.live()[:FEWEST].count() < FEWEST:
        return {}
    read = _spread()
    persons = PersonFacts.objects.live().filter(person__in=read).count()
    sums: dict[str, float] = defaultdict(float)
    contents = BenefitPeriod.objects.live().filter(person__in=read).order_by()
    for name, text in contents.values_list("section", "content").iterator():
        named = _benefits_of(catalogue().sections.get(name), text)
        for benefit in named:
            sums[benefit] += len(text) / len(named)
    return {benefit: size / persons for benefit, size in sums.items()} if persons else {}


def _spread() -> list[int]:
    """Ids of persons, evenly over the register."""
    ends = Person.objects.aggregate(first=Min("pk"), last=Max("pk"))
    ids = range(ends["first"], ends["last"] + 1)
    return list(ids[:: -(-len(ids) // READ)])


def _benefits_of(section: Section | None, text: str) -> list[str]:
    """The benefits that an item speaks of, one for each of its rows; none if no benefit answers for it."""
    if section is None:
        return []
    if section.payment is not None:
        return list(filter(None, _paid(section.payment, json.loads(text))))
    if section.benefit_code is not None:
        return list(values_at(json.loads(text), section.benefit_code.split(".")))
    return list(section.benefits)


def _paid(rule: PaymentRule, payment: dict[str, Any]) -> Iterator[str | None]:
    family = _first(payment, rule.family_code)
    for row in payment.get(rule.rows) or [{}]:
        yield catalogue().payment_benefit(_first(row, rule.row_code), family)


def _first(value: Any, path: str | None) -> Any:
    return next(values_at(value, path.split(".")), None) if path else None
