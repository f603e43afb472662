"""PURE: reading a delivery back, a person at a time, through the published XSD alone, however it was made."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from lxml import etree

from benefits.catalogue import Catalogue, Field, catalogue
from deliveries.fragments import some_persons
from deliveries.schema import NAMESPACE, current

_NS = f"{{{NAMESPACE}}}"
SOME = 1000  # persons
# Where the elements that are read for themselves stand.
_PARENTS = {
    "generelltfalt": "leverans",
    "svar": "bestallning",
    "rad": "bestallning",
    "bestallning": "leverans",
    "person": "informationsfalt",
}


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
    cause: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What an order was answered as a whole; its lines without effect follow it."""

    id: int
    received: datetime
    lines: int
    reference: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """A line without effect of the order before it; `file_row` is 0 where the file's row has the same number."""

    line: int
    file_row: int
    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class Status:
    """What has become of a watch; `order` and `line` name the line of an order that it answers, if any."""

    watch: int
    benefit: str
    code: str
    reason: str
    order: int = 0
    line: int = 0


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


def validate(path: Path, on_the_way: Callable[[], None] = lambda: None) -> None:
    """Check a document against the schema, streaming; call `on_the_way` now and then in a long one.

    Raise DocumentFault where it does not hold.
    """
    for place, _ in enumerate(_elements(path, _BULK), start=1):
        if place % SOME == 0:
            on_the_way()


def read_head(path: Path) -> Head:
    """Read what a document says of itself, and no further."""
    for element in _elements(path, {"generelltfalt"}, check=False):
        return _head(element)
    raise DocumentFault("The document has no generelltfalt.")


def read(path: Path, *, check: bool = True) -> Iterator[PersonEntry]:
    """Yield the persons of a document in its order, validating it on the way unless told not to."""
    return _persons(path, catalogue(), check=check)


def read_some(path: Path, first: int, most: int, watches: Collection[int] | None = None) -> Iterator[PersonEntry]:
    """Yield some persons of a document of ours, from the `first`, of 0 on; what stands before them is not read.

    With `watches`, of those alone that it says something of one of these watches of.
    """
    opened, closed = f'<leverans xmlns="{NAMESPACE}"><informationsfalt>', "</informationsfalt></leverans>"
    part = opened.encode() + some_persons(path, first, most, watches) + closed.encode()
    return _persons(BytesIO(part), catalogue(), check=False)


def read_as(path: Path, known: Catalogue) -> Iterator[PersonEntry]:
    """Yield the persons of a document that was made with another catalogue than the one in force."""
    return _persons(path, known, check=False)


def _persons(source: Path | BytesIO, known: Catalogue, *, check: bool) -> Iterator[PersonEntry]:
    for element in _elements(source, _BULK, check=check):
        if element.tag == _NS + "person":
            yield _person(element, known)


def read_orders(path: Path) -> Iterator[OrderAnswer | LineAnswer]:
    """Yield each order that a document answers, followed by its lines without effect. Reads no further than they go."""
    counts: dict[str, int] = {}
    said = False
    for element in _elements(path, _ORDERS, check=False):
        name = etree.QName(element).localname
        if name == "person":
            return
        if name == "svar":
            counts[element.get("kod", "")] = int(element.get("antal", "0"))
            continue
        if not said:
            yield _order(element if name == "bestallning" else element.getparent(), counts)
        if name == "rad":
            yield _line(element)
        said = name == "rad"
        counts = counts if said else {}


_BULK = frozenset({"rad", "person"})  # what a document may hold half a million of
_ORDERS = frozenset({"svar", "rad", "bestallning", "person"})


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(current().encode()))


def _elements(source: Path | BytesIO, names: Collection[str], *, check: bool = True) -> Iterator[etree._Element]:
    """Yield the elements of these names as they end, and free them."""
    parents = {_NS + name: _NS + _PARENTS[name] for name in names}
    ended = not check  # a parser that holds a schema does not say when its document was cut off
    try:
        walk = etree.iterparse(
            str(source) if isinstance(source, Path) else source,
            events=("end",),
            tag=[*parents, _NS + "leverans"],
            schema=_schema() if check else None,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
        )
        for _, element in walk:
            parent = element.getparent()
            ended = ended or parent is None
            if parent is not None and parent.tag == parents.get(element.tag):  # else an item's field
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del parent[0]
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
        cause=_text(element, "orsak"),
    )


def _order(element: etree._Element, counts: dict[str, int]) -> OrderAnswer:
    return OrderAnswer(
        id=int(element.get("id", "0")),
        received=datetime.fromisoformat(element.get("mottagen", "")),
        lines=int(element.get("rader", "0")),
        reference=element.get("referens", ""),
        counts=counts,
    )


def _line(element: etree._Element) -> LineAnswer:
    row = int(element.get("fil-rad", "0"))
    return LineAnswer(int(element.get("nr", "0")), row, element.get("kod", ""), element.get("referens", ""))


def _person(element: etree._Element, known: Catalogue) -> PersonEntry:
    return PersonEntry(
        number=_text(element, "personnummer"),
        complete=element.get("informationstyp") == "0",
        statuses=[_status(one) for one in element.findall(_NS + "statusBestallning")],
        blocks=[_block(one, known) for one in element.findall(_NS + "block")],
    )


def _status(element: etree._Element) -> Status:
    benefit = element.find(_NS + "formansinformation")
    named = etree.QName(benefit[0]).localname if benefit is not None and len(benefit) else ""
    return Status(
        watch=int(element.get("bevakning", "0")),
        benefit=named,
        code=_text(element, "kundStatus"),
        reason=_text(element, "orsak"),
        order=int(element.get("bestallning", "0")),
        line=int(element.get("rad", "0")),
    )


def _block(element: etree._Element, known: Catalogue) -> Block:
    name = element.get("sektion", "")
    fields = known.sections[name].fields
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
