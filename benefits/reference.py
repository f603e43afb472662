"""PURE: the catalogue as pages show it: one row a field, with what it holds, its class and its codes."""

from collections.abc import Iterator
from dataclasses import dataclass

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
