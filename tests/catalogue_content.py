"""Content for any section, made from the catalogue's own tree: no benefit is known here by name."""

from copy import deepcopy
from typing import Any

from benefits.catalogue import Field, Section, catalogue

Item = dict[str, Any]
_PERIOD_STARTS, _PERIOD_ENDS = ("fran", "from"), ("till", "tom")


def item_of(section: Section, benefit: str, year: int = 2025, text: str = "Text") -> Item:
    """An item with every field of the section, about one benefit, dated in a year, and no refusal."""
    item = _object(section.fields, year, text)
    if section.benefit_code is not None:
        _put(item, section.benefit_code, benefit)
    if section.key is not None:
        _put(item, section.key, f"K{year}")
    if section.payment is not None:
        _put(item[section.payment.rows][0], section.payment.row_code, row_code(benefit))
        _put(item[section.payment.rows][0], section.payment.type_code, "BRU")
    return item


def row_code(benefit: str) -> str | None:
    """A code by which payments name the benefit; None if none does."""
    return next((code for code, one in catalogue().payment_codes.items() if one.benefit == benefit), None)


def _object(fields: tuple[Field, ...], year: int, text: str) -> Item:
    return {field.name: [_value(field, year, text)] if field.many else _value(field, year, text) for field in fields}


def _value(field: Field, year: int, text: str) -> Any:
    if not field.is_leaf:
        value = _object(field.children, year, text)
        leaf = field.code_leaf
        if leaf is not None and (field.codes or field.refusal):
            value[leaf.name] = _code(field, leaf.kind)
        return value
    return _code(field, field.kind) if field.codes or field.refusal else _leaf(field, year, text)


def _code(field: Field, kind: str) -> Any:
    """A code of the field that is not a refusal; codes are written as text in the catalogue, whatever their kind."""
    if kind == "boolean":
        return True not in field.refusal
    known = [int(code) if kind == "integer" else code for code in field.codes]
    return next((code for code in known if code not in field.refusal), 1 if kind == "integer" else "X")


def _leaf(field: Field, year: int, text: str) -> Any:
    if field.kind in ("integer", "decimal"):
        return year
    if field.kind == "boolean":
        return True
    if field.kind == "date":
        return f"{year}-02-01" if field.name in _PERIOD_STARTS else f"{year}-03-31"
    if field.kind == "datetime":
        return f"{year}-03-01T12:00:00"
    return f"{text} {year}"


def _put(item: Item, path: str, value: Any) -> None:
    *before, last = path.split(".")
    for name in before:
        item = item[name]
    item[last] = value


def with_another_end(item: Item, path: str) -> Item:
    """The item with a later end of the first period or day at a dotted path, through lists."""
    changed = deepcopy(item)
    _move(changed, path.split("."))
    return changed


def _move(value: Any, path: list[str]) -> None:
    name, *rest = path
    holder = value[0] if isinstance(value, list) else value
    if rest:
        _move(holder[name], rest)
    elif isinstance(holder[name], dict):
        end = next(one for one in _PERIOD_ENDS if one in holder[name])
        holder[name][end] = "2025-04-30"
    else:
        holder[name] = 2026 if isinstance(holder[name], int) else "2025-04-30"
