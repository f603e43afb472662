"""PURE: an order as customers send it, in XML with Försäkringskassan's element names or in JSON: one reading of both.

    bestallning/generelltfalt/{organisationsnummer, enhet?}
    bestallning/informationsfalt/<order type>/person/{personnummer, from?, formansinformation/<benefit>=1,
                                                      arendereferens?, behovsreferens?, referens?}

Order types, `personnummer`, `from` and `formansinformation` are the service's own names; root, namespace, `enhet` and
the references are our choice (the schema's are not public). docs/orders.md describes both forms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from lxml import etree

from benefits.content import NOT_XML
from lefi.errors import Refused

KINDS = ("nybestallningBevakning", "avbestallningBevakning", "heluppdateringBevakning")
MOST_LINES = 1_000_000


class OrderRefused(Refused):
    """The order as a whole cannot be read; nothing of it has any effect."""


@dataclass(frozen=True, slots=True)
class Line:
    """One person and one benefit of an order, as written; nothing in it has been checked but its form."""

    kind: str
    number: str
    benefit: str
    from_date: date | None
    case_reference: str = ""
    need_reference: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class OrderFile:
    organisation_number: str
    unit: str
    lines: list[Line]


def read_xml(file: IO[bytes]) -> OrderFile:
    """Read an order in XML. Raise OrderRefused if it is not well formed, has a DOCTYPE or a person in no order type."""
    lines: list[Line] = []
    heads: dict[str, str] = {}
    try:
        for element in _elements(file):
            name, kind = etree.QName(element).localname, _parent_name(element)
            if name == "person" and kind in KINDS:
                lines.extend(_xml_person(element, kind))
                _forget(element)
            elif name == "person":
                raise OrderRefused("FORM", f"A person stands outside the order types, on line {element.sourceline}.")
            elif kind == "generelltfalt":
                heads[name] = (element.text or "").strip()
            if len(lines) > MOST_LINES:
                raise OrderRefused("TOO_MANY_LINES", f"An order holds {MOST_LINES} lines at most.")
    except etree.XMLSyntaxError as error:
        line = error.lineno if error.lineno is not None else 0
        raise OrderRefused("NOT_XML", f"The order is not well-formed XML (line {line}).") from None
    if not heads.get("organisationsnummer"):
        raise OrderRefused("ORGANISATION_MISSING", "generelltfalt/organisationsnummer is missing.")
    return OrderFile(heads["organisationsnummer"], heads.get("enhet", ""), _some(lines))


def _elements(file: IO[bytes]) -> Iterator[etree._Element]:
    parser = etree.iterparse(
        file, events=("end",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    for _, element in parser:
        if element.getroottree().docinfo.doctype:
            raise OrderRefused("DOCTYPE", "An order must not have a DOCTYPE.")
        if isinstance(element.tag, str):
            yield element


def _parent_name(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else etree.QName(parent).localname


def _forget(element: etree._Element) -> None:
    """Free what has been read, so that memory does not grow with the file."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _xml_person(person: etree._Element, kind: str) -> Iterator[Line]:
    texts: dict[str, str] = {}
    benefits: list[str] = []
    for child in person.iterchildren("{*}*"):
        name = etree.QName(child).localname
        if name == "formansinformation":
            named = child.iterchildren("{*}*")
            benefits.extend(etree.QName(one).localname for one in named if (one.text or "").strip() == "1")
        else:
            texts[name] = (child.text or "").strip()
    yield from _lines(kind, texts, benefits)


def read_json(said: Any) -> OrderFile:
    """Read an order given as parsed JSON. Raise OrderRefused if it is of another form."""
    if not isinstance(said, dict) or not isinstance(said.get("rader"), list):
        raise OrderRefused("FORM", "An order is an object with organisationsnummer and a list rader.")
    if len(said["rader"]) > MOST_LINES:
        raise OrderRefused("TOO_MANY_LINES", f"An order holds {MOST_LINES} lines at most.")
    lines = [line for place, row in enumerate(said["rader"], start=1) for line in _json_row(row, place)]
    return OrderFile(str(said.get("organisationsnummer") or ""), str(said.get("enhet") or ""), _some(lines))


def _json_row(row: Any, place: int) -> Iterator[Line]:
    benefits = row.get("formaner") if isinstance(row, dict) else None
    if not isinstance(benefits, list) or row.get("typ") not in KINDS:
        raise OrderRefused("FORM", f"Row {place} needs typ (one of {', '.join(KINDS)}) and a list formaner.")
    texts = {name: str(value) for name, value in row.items() if isinstance(value, str | int)}
    benefits = [str(one) for one in benefits]
    if any(NOT_XML.search(text) for text in (*texts.values(), *benefits)):
        raise OrderRefused("FORM", f"Row {place} holds a character that no XML document can hold.")
    yield from _lines(row["typ"], texts, benefits)


def _lines(kind: str, texts: dict[str, str], benefits: Iterable[str]) -> Iterator[Line]:
    """A line for each benefit; one without a benefit where none is named, so that it too is answered."""
    for benefit in list(benefits) or [""]:
        yield Line(
            kind=kind,
            number=texts.get("personnummer", "")[:20],
            benefit=benefit[:60],
            from_date=_day(texts.get("from", "")),
            case_reference=texts.get("arendereferens", "")[:60],
            need_reference=texts.get("behovsreferens", "")[:60],
            reference=texts.get("referens", "")[:100],
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _some(lines: list[Line]) -> list[Line]:
    if not lines:
        raise OrderRefused("EMPTY", "The order has no lines.")
    return lines
