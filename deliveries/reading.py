"""PURE: reading a delivery back, a person at a time, through the published XSD alone, however it was made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from benefits.catalogue import Field, catalogue
from deliveries.schema import NAMESPACE, current

_NS = f"{{{NAMESPACE}}}"
_PARENTS = {"generelltfalt": "leverans", "person": "informationsfalt"}  # where the elements read for themselves stand


class DocumentFault(Exception):
    """A document that does not hold to its schema. The sentence names a line, and no value."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    state: str
    complete_to_import: int


@dataclass(frozen=True, slots=True)
class Reservation:
    ground: str
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    organisation_number: str
    unit: str
    agreement: str
    purpose: str
    number: int
    previous_sha256: str
    run: int
    kind: str
    day: date
    created: datetime
    as_of_import: int
    as_of_law: int
    sources: list[Source]
    benefits: list[tuple[str, int]]
    final: bool
    reservations: list[Reservation]


@dataclass(frozen=True, slots=True)
class Status:
    watch: int
    benefit: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    change: str
    replaces: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    watch: int
    benefit: str
    section: str
    before: str
    after: str
    items: list[Item]
    removed: list[str]


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """What a document says of one person. `benefit` of a status is its order name, of a block its code."""

    number: str
    complete: bool
    statuses: list[Status] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


def validate(path: Path) -> None:
    """Check a document against the schema, streaming. Raise DocumentFault where it does not hold."""
    for _ in _elements(path, "person"):
        pass


def read_head(path: Path) -> Head:
    """Read what a document says of itself, and no further."""
    for element in _elements(path, "generelltfalt", check=False):
        return _head(element)
    raise DocumentFault("The document has no generelltfalt.")


def read(path: Path, *, check: bool = True) -> Iterator[PersonEntry]:
    """Yield the persons of a document in its order, validating it on the way unless told not to."""
    for element in _elements(path, "person", check=check):
        yield _person(element)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(current().encode()))


def _elements(path: Path, name: str, *, check: bool = True) -> Iterator[etree._Element]:
    ended = False  # a parser that holds a schema does not say when its document was cut off
    try:
        walk = etree.iterparse(
            str(path),
            events=("end",),
            schema=_schema() if check else None,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
        )
        for _, element in walk:
            ended = element.getparent() is None
            if element.tag == _NS + name and element.getparent().tag == _NS + _PARENTS[name]:  # else an item's field
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise DocumentFault(f"The document does not hold to its schema at line {error.lineno}.") from None
    if not ended:
        raise DocumentFault("The document is cut off before its last line.")


def _text(element: etree._Element, name: str) -> str:
    return element.findtext(_NS + name) or ""


def _head(element: etree._Element) -> Head:
    return Head(
        organisation_number=_text(element, "organisationsnummer"),
        unit=_text(element, "enhet"),
        agreement=_text(element, "avtal"),
        purpose=_text(element, "andamal"),
        number=int(_text(element, "lopnummer")),
        previous_sha256=_text(element, "foregaende"),
        run=int(_text(element, "korning")),
        kind=_text(element, "slag"),
        day=date.fromisoformat(_text(element, "beslutsdag")),
        created=datetime.fromisoformat(_text(element, "skapad")),
        as_of_import=int(_text(element, "tillImport")),
        as_of_law=int(_text(element, "tillLagandring")),
        sources=[
            Source(one.get("namn", ""), one.get("tillstand", ""), int(one.get("fullstandigTillImport", "0")))
            for one in element.findall(_NS + "kalla")
        ],
        benefits=[
            (one.get("kod", ""), int(one.get("fullstandigTillImport", "0"))) for one in element.findall(_NS + "forman")
        ],
        final=_text(element, "avslutar") == "true",
        reservations=[
            Reservation(_text(one, "grund"), _text(one, "text")) for one in element.findall(_NS + "forbehall")
        ],
    )


def _person(element: etree._Element) -> PersonEntry:
    return PersonEntry(
        number=_text(element, "personnummer"),
        complete=element.get("informationstyp") == "0",
        statuses=[_status(one) for one in element.findall(_NS + "statusBestallning")],
        blocks=[_block(one) for one in element.findall(_NS + "block")],
    )


def _status(element: etree._Element) -> Status:
    benefit = element.find(_NS + "formansinformation")
    named = etree.QName(benefit[0]).localname if benefit is not None and len(benefit) else ""
    return Status(int(element.get("bevakning", "0")), named, _text(element, "kundStatus"), _text(element, "orsak"))


def _block(element: etree._Element) -> Block:
    name = element.get("sektion", "")
    fields = catalogue().sections[name].fields
    return Block(
        watch=int(element.get("bevakning", "0")),
        benefit=element.get("forman", ""),
        section=name,
        before=element.get("fore", ""),
        after=element.get("efter", ""),
        items=[
            Item(one.get("id", ""), one.get("andring", ""), one.get("ersatter", ""), content(fields, one))
            for one in element.findall(_NS + name)
        ],
        removed=[one.get("id", "") for one in element.findall(_NS + "borttagen")],
    )


def content(fields: Sequence[Field], element: etree._Element) -> dict[str, Any]:
    """An item's content as values, from its element."""
    by_name = {one.name: one for one in fields}
    found: dict[str, Any] = {}
    for child in element:
        one = by_name[etree.QName(child).localname]
        value = _value(one.kind, child.text or "") if one.is_leaf else content(one.children, child)
        if one.many:
            found.setdefault(one.name, []).append(value)
        else:
            found[one.name] = value
    return found


def _value(kind: str, text: str) -> Any:
    if kind == "integer":
        return int(text)
    if kind == "decimal":
        return Decimal(text)
    if kind == "boolean":
        return text in ("true", "1")
    return text
