"""PURE: the catalogue as pages show it: one row a field, with what it holds, its class and its codes."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from benefits.catalogue import Catalogue, Field, Label, Section
from benefits.presentation import label_of


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    label: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A field of a section. `path` is dotted from the item and names the row's anchor; `depth` counts from 0.

    `cls` and `codes` stand on leaves alone. `at_most` is None for a list of any length.
    """

    path: str
    name: str
    depth: int
    label: str
    kind: str
    many: bool
    at_most: int | None
    required: bool
    ordered: bool
    third_person: bool
    cls: str
    pattern: str
    closed: bool
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A section or benefit in a list: its code or name, what it is called, and whose it is."""

    name: str
    label: str
    owner: str
    related: tuple[str, ...]
    fields: int = 0
    ours: bool = False
    order_name: str = ""


MOST_HITS = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search found: a benefit, or a section, field or code by the section's name and the field's path."""

    name: str
    label: str
    section: str = ""
    path: str = ""
    within: str = ""


def search(catalogue: Catalogue, text: str, language: str) -> list[Hit]:
    """The benefits, sections, fields and codes whose name or label, in either language, holds all words of a text.

    Å, ä and ö are found without their dots as well. At most MOST_HITS, benefits first.
    """
    words = _folded(text).split()
    found = (hit for said, hit in _searched(catalogue, language) if all(word in said for word in words))
    return list(islice(found, MOST_HITS)) if words else []


@lru_cache(maxsize=4)
def _searched(catalogue: Catalogue, language: str) -> tuple[tuple[str, Hit], ...]:
    """Everything that can be found, as it is said and as it is shown."""
    return tuple((_folded(said), hit) for said, hit in _sayings(catalogue, language))


def _sayings(catalogue: Catalogue, language: str) -> Iterator[tuple[str, Hit]]:
    for one in catalogue.benefits.values():
        hit = Hit(one.code, label_of(one, language))
        yield f"{one.code} {one.order_name} {one.label_sv} {one.label_en}", hit
    for section in catalogue.sections.values():
        name, title = section.name, label_of(section, language)
        yield f"{name} {section.label_sv} {section.label_en}", Hit(name, title, name)
        for field in section.walk():
            label = label_of(field, language)
            hit = Hit(field.path, label, name, field.path, title)
            yield f"{field.path} {label_of(field, 'sv')} {label_of(field, 'en')}", hit
            for code, said in field.codes.items():
                hit = Hit(code, _text(said, language), name, field.path, f"{title}, {label}")
                yield f"{code} {said.sv} {said.en}", hit


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def sections(catalogue: Catalogue, language: str) -> list[Entry]:
    return [
        Entry(
            name=one.name,
            label=label_of(one, language),
            owner=_owner(catalogue, one.owner, language),
            related=one.benefits,
            fields=sum(1 for _ in one.leaves()),
        )
        for one in catalogue.sections.values()
    ]


def benefits(catalogue: Catalogue, language: str) -> list[Entry]:
    return [
        Entry(
            name=one.code,
            label=label_of(one, language),
            owner=_owner(catalogue, one.owner, language),
            related=one.sections,
            ours=one.ours,
            order_name=one.order_name,
        )
        for one in catalogue.benefits.values()
    ]


def classes(catalogue: Catalogue, language: str) -> list[tuple[str, str]]:
    return [(name, _text(label, language)) for name, label in catalogue.classes.items()]


def rows(catalogue: Catalogue, section: Section, language: str) -> Iterator[Row]:
    """Yield the section's fields, parents before children, in the order of the digest."""
    for field in section.walk():
        yield Row(
            path=field.path,
            name=field.name,
            depth=field.path.count("."),
            label=label_of(field, language),
            kind=field.kind,
            many=field.many,
            at_most=field.at_most,
            required=field.required,
            ordered=field.ordered,
            third_person=field.subject == "other",
            cls=_text(catalogue.classes[field.cls], language) if field.is_leaf else "",
            pattern=field.pattern or "",
            closed=field.closed,
            codes=_codes(field, language) if field.is_leaf else (),
        )


def _codes(field: Field, language: str) -> tuple[Code, ...]:
    return tuple(Code(code, _text(label, language), label.ours) for code, label in field.codes.items())


def _owner(catalogue: Catalogue, owner: str, language: str) -> str:
    return _text(catalogue.owners[owner], language)


def _text(label: Label, language: str) -> str:
    return label.en if language == "en" else label.sv
