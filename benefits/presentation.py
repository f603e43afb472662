"""An item's content as people read it: labels of the catalogue, and periods, amounts and codes in words.

Pure; nothing here knows a benefit by name. What comes out is a tree of lines, groups and tables for a page to
lay out. Values may be typed as in an import or text as in a document: both give the same words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from benefits.catalogue import catalogue
from benefits.fields import Field, Label

SPACE = "\N{NO-BREAK SPACE}"
WIDEST_TABLE = 8  # columns; rows with more are easier to read as lists
WORDS = {
    "sv": {"yes": "Ja", "no": "Nej", "from": "från och med", "to": "till och med"},
    "en": {"yes": "Yes", "no": "No", "from": "from", "to": "to"},
}
_PERIODS = ({"fran", "till"}, {"from", "tom"})
_AMOUNT = {"summa", "valuta"}
_EXTENT = {"taljare", "namnare"}
_NAMED_CODE = {"id", "kod", "beskrivning", "namn"}
_GROUPED_FROM = 10_000  # integers below it stay together, so that a year is a year


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    text: str
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    entries: tuple["Entry", ...]
    kind: str = "group"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as wide as `heads`; a cell without a value is an empty text."""

    label: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = "table"


Entry = Line | Group | Table


def describe(fields: Iterable[Field], content: Mapping[str, Any], language: str = "sv") -> tuple[Entry, ...]:
    """What the content says, in the order of the catalogue. What the catalogue does not know is left out."""
    entries: list[Entry] = []
    for field in fields:
        values = values_of(content.get(field.name))
        if values:
            entries += _entries(field, values, language)
    return tuple(entries)


def label_of(one: Any, language: str = "sv") -> str:
    """The label of a field, section or benefit in a language."""
    text: str = one.label_en if language == "en" else one.label_sv
    return text


def benefit_name(code: str, language: str = "sv") -> str:
    """The name of a benefit; the code itself if it is of another time."""
    benefit = catalogue().benefits.get(code)
    return label_of(benefit, language) if benefit else code


def section_name(name: str, language: str = "sv") -> str:
    """The name of a section; its own name if the catalogue does not know it."""
    section = catalogue().sections.get(name)
    return label_of(section, language) if section else name


def amount(value: Any, currency: str = "SEK", language: str = "sv") -> str:
    """An amount as written in the language: 1 234,50 kr or SEK 1,234.50."""
    if language == "en":
        return f"{currency}{SPACE}{number(value, language)}"
    return f"{number(value, language)}{SPACE}{'kr' if currency == 'SEK' else currency}"


def number(value: Any, language: str = "sv", *, decimals: int = 2) -> str:
    """A decimal number in groups of three, with as many decimals. What is no number is shown as it is."""
    try:
        text = f"{Decimal(str(value)):,.{decimals}f}"
    except InvalidOperation:
        return str(value)
    return text if language == "en" else text.replace(",", SPACE).replace(".", ",")


def period(first: Any, last: Any, language: str = "sv") -> str:
    """A period of days, open at either end: 2026-10-01 – 2026-10-31."""
    if first and last:
        return str(first) if first == last else f"{first} – {last}"
    words = WORDS[language]
    return f"{words['from']} {first}" if first else f"{words['to']} {last}"


def written(identity_number: str) -> str:
    """An identity number of 12 digits with its dash; anything else as it is."""
    if len(identity_number) == 12 and identity_number.isdigit():
        return f"{identity_number[:8]}-{identity_number[8:]}"
    return identity_number


def organisation(number: str) -> str:
    """An organisation's number of 10 digits as it is written: 559000-0013; anything else as it is."""
    return f"{number[:6]}-{number[6:]}" if len(number) == 10 and number.isdigit() else number


def values_of(value: Any) -> list[Any]:
    """The values that say something: null, empty text, [] and {} are all nothing."""
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if one not in (None, "", [], {})]


def _entries(field: Field, values: Sequence[Any], language: str) -> list[Entry]:
    label = label_of(field, language)
    if is_short(field):
        texts = [short_text(field, value, language) for value in values if not field.is_unknown(value)]
        return [Line(label, ", ".join(text for text in texts if text))] if any(texts) else []
    if field.many and len(values) > 1 and all(map(is_short, _present(field, values))):
        table = _table(field, values, label, language)
        if len(table.heads) <= WIDEST_TABLE:
            return [table] if table.rows else []
    return _groups(field, values, label, language)


def _groups(field: Field, values: Sequence[Any], label: str, language: str) -> list[Entry]:
    groups: list[Entry] = []
    for place, value in enumerate(values, start=1):
        title = f"{label} {place}" if len(values) > 1 else label
        entries = describe(field.children, value, language)
        if entries:
            groups.append(Group(title, entries))
    return groups


def _table(field: Field, values: Sequence[Mapping[str, Any]], label: str, language: str) -> Table:
    columns = _present(field, values)
    rows = [tuple(_cell(column, value, language) for column in columns) for value in values]
    heads = tuple(label_of(column, language) for column in columns)
    return Table(label, heads, tuple(row for row in rows if any(row)))


def _cell(column: Field, row: Mapping[str, Any], language: str) -> str:
    return ", ".join(short_text(column, value, language) for value in values_of(row.get(column.name)))


def _present(field: Field, values: Sequence[Mapping[str, Any]]) -> list[Field]:
    """The children that at least one of the values has."""
    return [child for child in field.children if any(values_of(value.get(child.name)) for value in values)]


def is_short(field: Field) -> bool:
    """Whether a value of the field is one short text: a leaf, or an object that means one thing."""
    names = {child.name for child in field.children}
    return field.is_leaf or names in (*_PERIODS, _AMOUNT, _EXTENT) or names <= _NAMED_CODE


def short_text(field: Field, value: Any, language: str) -> str:
    """One value of a short field, as one text."""
    if field.is_leaf:
        return _leaf_text(field, value, language)
    names = {child.name for child in field.children}
    if names == _AMOUNT:
        return amount(value.get("summa", ""), value.get("valuta") or "SEK", language)
    if names == _EXTENT:
        return _extent(value.get("taljare"), value.get("namnare"), language)
    if names in _PERIODS:
        first, last = (value.get(child.name) for child in field.children)
        return period(first, last, language) if first or last else ""
    return _code_text(field, value, language)


def _leaf_text(field: Field, value: Any, language: str) -> str:
    if field.kind == "boolean":
        return WORDS[language]["yes" if value in (True, "true", "1") else "no"]
    if str(value) in field.codes:
        return _named(field.codes[str(value)], language)
    if field.kind == "decimal":
        return number(value, language)
    if field.kind == "integer" and str(value).isdigit() and int(value) >= _GROUPED_FROM:
        return number(value, language, decimals=0)
    if field.kind == "datetime":
        return str(value)[:16].replace("T", " ")
    return written(str(value)) if field.cls == "identity" or field.name == "personnummer" else str(value)


def _code_text(field: Field, value: Mapping[str, Any], language: str) -> str:
    """What a code means: by the catalogue, else in the source's own words, else the code itself."""
    code = str(value.get("id", value.get("kod", "")))
    if code in field.codes:
        return _named(field.codes[code], language)
    return str(value.get("beskrivning") or value.get("namn") or code)


def _named(label: Label, language: str) -> str:
    return label.en if language == "en" else label.sv


def _extent(numerator: Any, denominator: Any, language: str) -> str:
    """A fraction as per cent where that is exact to two decimals: 50 %, 12,5 %, else 1/3."""
    try:
        share = Fraction(int(numerator), int(denominator)) * 100
    except (TypeError, ValueError, ZeroDivisionError):
        return "/".join("" if one is None else str(one) for one in (numerator, denominator))
    if (share * 100).denominator != 1:
        return f"{numerator}/{denominator}"
    text = f"{float(share):g}"
    return f"{text if language == 'en' else text.replace('.', ',')}{SPACE}%"
