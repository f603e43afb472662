"""PURE: what an item of a section says: is it well formed, when does it hold, and what is its digest (C4).

An item is a dict as JSON gave it, with numbers as int or Decimal. Null, [], {} and absent are one.

The digest is SHA-256 over UTF-8 lines `path=value`, each ended by a line feed, in catalogue order. Text is in NFC,
with backslash and line feed written as \\\\ and \\n; decimals have no exponent and no trailing zeros; list elements
are numbered from 1, sorted by their own lines unless the catalogue says that their order means something.
docs/digest.md publishes this with test vectors.
"""

import hashlib
import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from benefits.catalogue import Field

LONGEST_NUMBER = 400  # digits; more than any double needs
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value, and where. Never holds the value itself."""

    path: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Days from and to, both included; None is open."""

    start: date | None
    end: date | None

    def reaches(self, day: date) -> bool:
        """Whether any of it lies on or after the day."""
        return self.end is None or self.end >= day


def faults(fields: Sequence[Field], item: Any, path: str = "") -> Iterator[Fault]:
    """Yield what keeps an item from being read: wrong types, missing required fields, characters no document holds."""
    if not isinstance(item, dict):
        yield Fault(path, "NOT_AN_OBJECT", "Expected an object.")
        return
    for field in fields:
        yield from _field_faults(field, item.get(field.name), f"{path}{field.name}")


def _field_faults(field: Field, value: Any, path: str) -> Iterator[Fault]:
    if value is None:
        if field.required:
            yield Fault(path, "REQUIRED", "A required field is absent.")
    elif not field.many:
        yield from _value_faults(field, value, path)
    elif not isinstance(value, list):
        yield Fault(path, "NOT_A_LIST", "Expected a list.")
    else:
        for element in value:
            if element is not None:
                yield from _value_faults(field, element, path)


def _value_faults(field: Field, value: Any, path: str) -> Iterator[Fault]:
    if not field.is_leaf:
        yield from faults(field.children, value, f"{path}.")
    elif not _fits(field.kind, value) and not field.is_unknown(value):
        yield Fault(path, "WRONG_TYPE", f"Expected {field.kind}.")
    elif isinstance(value, str) and NOT_XML.search(value):
        yield Fault(path, "CHARACTER", "Holds a character that no XML document can hold.")


def _fits(kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "decimal"):
        return _is_number(value) and (kind == "decimal" or value == int(value))
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    number = Decimal(value)
    return (
        number.is_finite()
        and abs(number.adjusted()) < LONGEST_NUMBER
        and len(number.as_tuple().digits) < (LONGEST_NUMBER)
    )


def unknown_paths(fields: Sequence[Field], item: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths of what the catalogue does not know: kept as given, counted, never told (C9)."""
    known = _by_name(fields)
    for name, value in item.items():
        field = known.get(name)
        if field is None or field.is_unknown(value):
            yield f"{path}{name}"
        elif not field.is_leaf:
            for element in value if isinstance(value, list) else [value]:
                if isinstance(element, dict):
                    yield from unknown_paths(field.children, element, f"{path}{name}.")


@lru_cache(maxsize=4096)
def _by_name(fields: Sequence[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


def with_plain_line_ends(value: Any) -> Any:
    """The value with every line end in its texts as a line feed, as XML readers see it."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    if isinstance(value, list):
        return [with_plain_line_ends(element) for element in value]
    if isinstance(value, dict):
        return {name: with_plain_line_ends(element) for name, element in value.items()}
    return value


def text_of(kind: str, value: Any) -> str:
    """A leaf's value as digest and documents write it, before any escaping."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "integer":
        return str(int(value))
    if kind == "decimal":
        return _plain(Decimal(value))
    return value


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def lines(fields: Sequence[Field], item: dict[str, Any]) -> list[str]:
    """The digest's lines of an item, without their line feeds."""
    found: list[str] = []
    for field in fields:
        value = item.get(field.name)
        if value is None or field.is_unknown(value):
            continue
        if field.many:
            for place, element in enumerate(_elements(field, value), start=1):
                found.extend(f"{field.name}[{place}]{line}" for line in element)
        else:
            found.extend(field.name + line for line in _relative(field, value))
    return found


def _elements(field: Field, value: list[Any]) -> list[list[str]]:
    elements = [relative for element in value if element is not None and (relative := _relative(field, element))]
    if not field.ordered:
        elements.sort(key="\n".join)
    return elements


def _relative(field: Field, value: Any) -> list[str]:
    if field.is_leaf:
        return ["=" + _escaped(text_of(field.kind, value))]
    return ["." + line for line in lines(field.children, value)]


def _escaped(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\\" in text or "\n" in text:
        text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text


def digest(fields: Sequence[Field], item: dict[str, Any]) -> str | None:
    """The item's digest in hex; None where it says nothing at all."""
    found = lines(fields, item)
    return _sha256(found) if found else None


def block_digest(section: str, digests: Iterable[str]) -> str:
    """The digest of a block: the section's name, then the digests of its items, sorted, equal ones repeated."""
    return _sha256([f"sektion={section}", *sorted(digests)])


def _sha256(found: list[str]) -> str:
    return hashlib.sha256(("\n".join(found) + "\n").encode()).hexdigest()


def spans(paths: Iterable[str], value: Any) -> Iterator[Span]:
    """Yield the spans of time found at dotted paths below a value, through lists."""
    for path in paths:
        for found in values_at(value, path.split(".")):
            span = _span(found)
            if span is not None:
                yield span


def values_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield every value at a path, through lists."""
    if isinstance(value, list):
        for element in value:
            yield from values_at(element, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from values_at(value.get(path[0]), path[1:])


def envelope(paths: Iterable[str], value: Any) -> Span | None:
    """The span that holds all spans at the paths; None where nothing is dated."""
    found = list(spans(paths, value))
    if not found:
        return None
    starts = [span.start for span in found]
    ends = [span.end for span in found]
    return Span(
        None if None in starts else min(day for day in starts if day),
        None if None in ends else max(day for day in ends if day),
    )


def _span(value: Any) -> Span | None:
    if isinstance(value, dict):
        start = _named_day(value, "fran", "from")
        end = _named_day(value, "till", "tom")
        return Span(start[0] if start else None, end[1] if end else None) if value else None
    days = first_and_last_day(str(value))
    return Span(*days) if days else None


def _named_day(value: dict[str, Any], *names: str) -> tuple[date, date] | None:
    return next((first_and_last_day(str(value[name])) for name in names if value.get(name) is not None), None)


@lru_cache(maxsize=65536)
def first_and_last_day(text: str) -> tuple[date, date] | None:
    """The first and last day of a year, month or day such as 2024, 2024-05 or 2024-05-17; None for anything else."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        if month is None:
            return date(year or 0, 1, 1), date(year or 0, 12, 31)
        if day is None:
            return date(year or 0, month, 1), date(year or 0, month, monthrange(year or 0, month)[1])
        return date(year or 0, month, day), date(year or 0, month, day)
    except ValueError:
        return None


def without_what_ended_before(fields: Sequence[Field], item: dict[str, Any], day: date) -> dict[str, Any]:
    """The item without nested decisions and rows that lie wholly before the day; undated ones stay."""
    kept = dict(item)
    for field in fields:
        value = kept.get(field.name)
        if value is None or field.is_leaf:
            continue
        if field.many:
            kept[field.name] = [
                without_what_ended_before(field.children, element, day)
                for element in value
                if element is not None and _holds_on_or_after(field, element, day)
            ]
        else:
            kept[field.name] = without_what_ended_before(field.children, value, day)
    return kept


def _holds_on_or_after(field: Field, element: Any, day: date) -> bool:
    span = envelope(field.dated_by, element)
    return span is None or span.reaches(day)
