"""PURE: an order in XML, with Försäkringskassan's element names; read as a stream, and no tree is ever built.

    bestallning/generelltfalt/{organisationsnummer, enhet?}
    bestallning/informationsfalt/<order type>/person/{personnummer, from?, formansinformation/<benefit>=1,
                                                      arendereferens?, behovsreferens?, referens?}
    bestallning/informationsfalt/<order type>/bestand/{from?, formansinformation?/<benefit>=1, referens?}

Order types, `personnummer`, `from` and `formansinformation` are the service's own names; root, namespace, `enhet`,
`bestand` and the references are our choice (the schema's are not public). What is not named here is refused, never
passed over; so there is nothing in a hostile file that memory could grow with.
"""

import re
from collections.abc import Iterator, Mapping
from typing import IO, Never
from xml.parsers import expat

from subscriptions.orders.lines import KINDS, MOST_BENEFITS, Item, OrderRefused, head_of, lines_of, stock_of

PIECE = 1 << 16  # bytes
MOST_TOKEN = 1 << 20  # bytes of one tag or comment
MOST_TEXT = 100_000  # characters between two tags
MOST_PREFIXES, MOST_NAMES = 100, 1000  # a parser keeps each
_BLANKS = re.compile("[ \t\r\n]+")
_UNTIDY = re.compile("[\t\r\n]|  |^ | $")

# What may stand in what. Each name leads to what stands in it; TEXT holds text alone, a BENEFIT 0 or 1.
TEXT, BENEFIT = "text", "benefit"
_HEAD = dict.fromkeys(("organisationsnummer", "enhet"), TEXT)
_STOCK = {"from": TEXT, "referens": TEXT, "formansinformation": "formansinformation"}
_PERSON = _STOCK | dict.fromkeys(("personnummer", "arendereferens", "behovsreferens"), TEXT)
_INSIDE: Mapping[str, Mapping[str, str]] = {
    "bestallning": {"generelltfalt": "generelltfalt", "informationsfalt": "informationsfalt"},
    "generelltfalt": _HEAD,
    "informationsfalt": {kind: kind for kind in KINDS},
    **{kind: {"person": "person", "bestand": "bestand"} for kind in KINDS},
    "person": _PERSON,
    "bestand": _STOCK,
    TEXT: {},
    BENEFIT: {},
}


def read_xml(file: IO[bytes]) -> Iterator[Item]:
    """Yield an order's head and lines.

    Raise OrderRefused, with the file's line, with NOT_XML (not well formed), DOCTYPE, FORM (something else than what
    may stand there) or ORGANISATION_MISSING.
    """
    order = _Order()
    parser = _parser(order)
    size = 0
    try:
        while piece := file.read(PIECE):
            size += len(piece)
            parser.Parse(piece)
            if size - parser.CurrentByteIndex > MOST_TOKEN or len(parser.intern) > MOST_NAMES:
                raise OrderRefused("FORM")
            yield from order.taken()
        parser.Parse(b"", True)
        yield from order.taken()
        if not order.has_head:
            raise OrderRefused("ORGANISATION_MISSING")
    except OrderRefused as refused:
        raise OrderRefused(refused.code, parser.CurrentLineNumber) from None
    except (expat.ExpatError, LookupError, ValueError):  # the last two of encodings that are not known
        raise OrderRefused("NOT_XML", parser.CurrentLineNumber) from None


def _parser(order: "_Order") -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartNamespaceDeclHandler = order.declared
    parser.StartElementHandler = order.started
    parser.EndElementHandler = order.ended
    parser.CharacterDataHandler = order.said
    return parser


def _refuse_doctype(*_declared: object) -> Never:
    raise OrderRefused("DOCTYPE")


class _Order:
    """What has been read of the order, and where in it the reader is."""

    def __init__(self) -> None:
        self.has_head = False
        self._items: list[Item] = []
        self._path = ["document"]  # keys of _INSIDE
        self._prefixes: set[str | None] = set()
        self._row = 0
        self._name = ""  # of the element that began last: in what holds text or a choice nothing else begins
        self._text = ""
        self._texts: dict[str, str] = {}
        self._benefits: list[str] = []

    def taken(self) -> Iterator[Item]:
        """The items since the last time."""
        yield from self._items
        self._items.clear()

    def declared(self, prefix: str | None, _namespace: str | None) -> None:
        self._prefixes.add(prefix)
        if len(self._prefixes) > MOST_PREFIXES:
            raise OrderRefused("FORM")

    def said(self, text: str) -> None:
        self._text += text
        if len(self._text) > MOST_TEXT:
            raise OrderRefused("FORM")

    def started(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._text:
            self._refuse_text()
        inside = self._path[-1]
        if inside == "document":
            self._path.append("bestallning")
            return
        self._name = name = name.rpartition(" ")[2]
        what = BENEFIT if inside == "formansinformation" else _INSIDE[inside].get(name)
        if what is None or attributes:
            raise OrderRefused("FORM")
        if what in ("person", "bestand"):
            self._row += 1
            self._texts, self._benefits = {}, []
        self._path.append(what)

    def ended(self, _name: str) -> None:
        what = self._path.pop()
        if what == TEXT:
            self._keep(self._name)
        elif what == BENEFIT:
            self._choose(self._name)
        else:
            if self._text:
                self._refuse_text()
            if what == "person":
                self._items.extend(lines_of(self._row, self._path[-1], self._texts, self._benefits))
            elif what == "bestand":
                self._items.append(stock_of(self._row, self._path[-1], self._texts, self._benefits))
            elif what == "generelltfalt":
                self._head()

    def _refuse_text(self) -> None:
        """Between the tags of what holds no text itself there are blanks only."""
        if not self._text.isspace():
            raise OrderRefused("FORM")
        self._text = ""

    def _keep(self, name: str) -> None:
        if name in self._texts:
            raise OrderRefused("FORM")
        text, self._text = self._text, ""
        if not text.isalnum() and _UNTIDY.search(text):  # most are tidy, and quick to see to be
            text = _BLANKS.sub(" ", text).strip(" ")
        self._texts[name] = text

    def _choose(self, benefit: str) -> None:
        chosen, self._text = self._text.strip(), ""
        if chosen not in ("0", "1") or len(self._benefits) > MOST_BENEFITS:
            raise OrderRefused("FORM")
        if chosen == "1":
            self._benefits.append(benefit)

    def _head(self) -> None:
        if self.has_head:
            raise OrderRefused("FORM")
        head = head_of(self._row, self._texts)
        if not head.organisation_number:
            raise OrderRefused("ORGANISATION_MISSING")
        self.has_head = True
        self._items.append(head)
