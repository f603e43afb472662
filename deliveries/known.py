"""What is known of some persons as of an import, and what of it a watch may be told: read in sets."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Q

from benefits.catalogue import HEADER, Section, catalogue
from benefits.content import digest, values_at
from benefits.models import BenefitPeriod, PersonFacts, PersonNumber
from deliveries.changes import Item, Known
from subscriptions.decision import Decision
from subscriptions.disclosable import Allowance, disclosable
from subscriptions.models import Watch


@dataclass(slots=True)
class Period:
    """A benefit period's row, as much as is needed of it."""

    section: str
    recorded_in: int
    withdrawn_in: int | None
    content: dict[str, Any]

    def is_known(self, as_of: int) -> bool:
        return self.recorded_in <= as_of and (self.withdrawn_in is None or self.withdrawn_in > as_of)


class Contents(Protocol):
    """Where the contents of persons' sections are looked up."""

    def items(self, person: int, section: str, as_of: int) -> list[dict[str, Any]]: ...


class Register:
    """The content, numbers and facts of a set of persons, from an import number on."""

    def __init__(self, person_ids: Iterable[int], sections: Iterable[str], *, oldest: int, newest: int) -> None:
        """Read versions that were known at any import from `oldest` to `newest`."""
        ids = list(person_ids)
        self._periods: dict[tuple[int, str], list[Period]] = defaultdict(list)
        rows = BenefitPeriod.objects.filter(
            Q(withdrawn_in=None) | Q(withdrawn_in__gt=oldest),
            person__in=ids,
            section__in=list(sections),
            recorded_in__lte=newest,
        )
        columns = ("person_id", "section", "recorded_in", "withdrawn_in", "content")
        for person, section, recorded, withdrawn, text in rows.order_by("id").values_list(*columns):
            content = json.loads(text, parse_float=Decimal)
            self._periods[person, section].append(Period(section, recorded, withdrawn, content))
        self._headers = _Headers(ids)

    def items(self, person: int, section: str, as_of: int) -> list[dict[str, Any]]:
        """The contents of a person's section as of an import, in the order they were recorded."""
        if section == HEADER:
            return self._headers.at(person, as_of)
        return [one.content for one in self._periods[person, section] if one.is_known(as_of)]

    def number(self, person: int, as_of: int) -> str | None:
        """The person's current identity number as of an import."""
        return self._headers.number(person, as_of)


class _Headers:
    """Who persons are: their numbers and facts, as one item of the header section."""

    def __init__(self, person_ids: list[int]) -> None:
        self._numbers: dict[int, list[PersonNumber]] = defaultdict(list)
        for number in PersonNumber.objects.filter(person__in=person_ids).order_by("number"):
            self._numbers[number.person_id].append(number)
        self._facts: dict[int, list[PersonFacts]] = defaultdict(list)
        for facts in PersonFacts.objects.filter(person__in=person_ids):
            self._facts[facts.person_id].append(facts)

    def at(self, person: int, as_of: int) -> list[dict[str, Any]]:
        numbers = [one for one in self._numbers[person] if _is_known(one, as_of)]
        facts = next((one for one in self._facts[person] if _is_known(one, as_of)), None)
        header: dict[str, Any] = {
            "personnummer": next((one.number for one in numbers if one.current), None),
            "tidigarePersonnummer": [one.number for one in numbers if not one.current],
        }
        if facts is not None:
            header |= {"namn": facts.name or None, "foddes": facts.born or None, "avled": facts.died_on or None}
        return [header]

    def number(self, person: int, as_of: int) -> str | None:
        current = (one.number for one in self._numbers[person] if one.current and _is_known(one, as_of))
        return next(current, None)


def _is_known(row: PersonNumber | PersonFacts, as_of: int) -> bool:
    return row.recorded_in <= as_of and (row.withdrawn_in is None or row.withdrawn_in > as_of)


def sections_of(benefit: str) -> tuple[str, ...]:
    """The sections whose blocks a watch on the benefit is told, the header first."""
    return (HEADER, *catalogue().benefits[benefit].sections)


def tellable(register: Contents, watch: Watch, section: Section, decision: Decision, as_of: int) -> list[Item]:
    """The items of a section that a watch may be told under a decision, as of an import."""
    allowance = Allowance(watch.benefit, decision.classes, decision.outcomes, watch.from_date)
    found = []
    for content in register.items(watch.person_id, section.name, as_of):
        part = disclosable(catalogue(), section, content, allowance)
        own = digest(section.fields, part) if part else None
        if part is not None and own is not None:
            found.append(Item(Known(own, _key(section, part)), part))
    return found


def _key(section: Section, content: dict[str, Any]) -> str:
    if section.key is None:
        return ""
    return str(next(values_at(content, section.key.split(".")), ""))
