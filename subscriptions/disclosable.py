"""PURE: what of an item a decision lets be told, for one watch: fields, decisions, payment rows and time.

What cannot be told is left out whole: a field by its class, a third person's data by its subject, a refusal by its
outcome, another benefit's row by its code, and what ended before the watch's from-date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benefits.catalogue import Catalogue, Field, PaymentRule, Section
from benefits.content import envelope, values_at, without_what_ended_before
from subscriptions.decision import REFUSED

THIRD_PERSON = "related"
DEDUCTION = "deduction"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one decision allows one watch: classes, outcomes, the benefit ordered and the from-date."""

    benefit: str
    classes: frozenset[str]
    outcomes: frozenset[str]
    from_date: date


def disclosable(catalogue: Catalogue, section: Section, item: dict[str, Any], allowance: Allowance) -> dict | None:
    """Return the part of the item that may be told, or None if nothing of it may.

    The header section holds who the person is and has no time; elsewhere an item is kept if its envelope meets the
    from-date or if it has no dates.
    """
    span = envelope(section.dated_by, item)
    if span is not None and not span.reaches(allowance.from_date):
        return None
    cut: dict[str, Any] | None = without_what_ended_before(section.fields, item, allowance.from_date)
    if section.benefit_code is not None and not _names_benefit(section.benefit_code, item, allowance.benefit):
        return None
    if section.payment is not None:
        cut = _payment(catalogue, section.payment, item, cut or {}, allowance)
    if cut is not None and REFUSED not in allowance.outcomes:
        cut = _granted(section.fields, cut)
    return _allowed(section.fields, cut, allowance.classes) if cut is not None else None


def _names_benefit(path: str, item: dict[str, Any], benefit: str) -> bool:
    return any(value == benefit for value in values_at(item, path.split(".")))


def _payment(
    catalogue: Catalogue, rule: PaymentRule, whole: dict[str, Any], cut: dict[str, Any], allowance: Allowance
) -> dict[str, Any] | None:
    """Only the rows of the benefit; totals and deductions only if every row of the whole payment is (C7).

    A row that is a deduction is one as a whole: that there is one, and of what kind, is told only with its class.
    """
    family = _first(whole, rule.family_code)
    every, current = whole.get(rule.rows) or [], cut.get(rule.rows) or []
    owners = [catalogue.payment_benefit(_first(row, rule.row_code), family) for row in every]
    if not owners:
        owners = [catalogue.payment_benefit(None, family)]
    own = len(every) == len(current) and all(owner == allowance.benefit for owner in owners)
    if own and DEDUCTION in allowance.classes:
        return cut
    rows = [
        row
        for row in current
        if catalogue.payment_benefit(_first(row, rule.row_code), family) == allowance.benefit
        and _first(row, rule.type_code) not in rule.deduction_types
    ]
    if own:
        return cut | {rule.rows: rows}
    if not rows:
        return None
    return {name: value for name, value in cut.items() if name not in rule.totals} | {rule.rows: rows}


def _first(value: Any, path: str | None) -> Any:
    return next(values_at(value, path.split(".")), None) if path else None


def unmapped_rows(catalogue: Catalogue, rule: PaymentRule, payment: dict[str, Any]) -> int:
    """How many rows of a payment (or 1 for a payment without rows) no benefit answers for."""
    family = _first(payment, rule.family_code)
    codes: Iterable[Any] = [_first(row, rule.row_code) for row in payment.get(rule.rows) or []] or [None]
    return sum(catalogue.payment_benefit(code, family) is None for code in codes)


def _granted(fields: Sequence[Field], item: dict[str, Any]) -> dict[str, Any] | None:
    """The item without refusals: None if it is one itself, or if every decision that it held was one."""
    if any(_refuses(field, item.get(field.name)) for field in fields):
        return None
    kept = dict(item)
    for field in fields:
        value = kept.get(field.name)
        if value is None or field.is_leaf:
            continue
        if field.many:
            granted = [found for element in value if (found := _granted(field.children, element)) is not None]
            if value and not granted:
                return None
            kept[field.name] = granted
        else:
            found = _granted(field.children, value)
            if found is None:
                return None
            kept[field.name] = found
    return kept


def _refuses(field: Field, value: Any) -> bool:
    if not field.refusal or value is None:
        return False
    leaf = field.code_leaf
    said = value if field.is_leaf or leaf is None else value.get(leaf.name)
    return said is not None and said in field.refusal


def _allowed(fields: Sequence[Field], item: dict[str, Any], classes: frozenset[str]) -> dict[str, Any] | None:
    """The item with only the leaves of allowed classes; None if none is left."""
    kept: dict[str, Any] = {}
    for field in fields:
        value = item.get(field.name)
        if value is None or value == [] or field.is_unknown(value):
            continue
        if field.is_leaf:
            if field.cls in classes and (field.subject != "other" or THIRD_PERSON in classes):
                kept[field.name] = value
        elif field.many:
            found = [part for element in value if element and (part := _allowed(field.children, element, classes))]
            if found:
                kept[field.name] = found
        elif part := _allowed(field.children, value, classes):
            kept[field.name] = part
    return kept or None
