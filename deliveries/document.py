"""PURE: writing a delivery as XML, piece by piece, so that memory does not grow with it.

The text is put together by hand, escaped, because that is several times faster than any tree; a test holds that its
elements and texts are what lxml reads back, and each document is validated before it is released.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from benefits.catalogue import Field, Section
from benefits.content import NOT_XML, text_of
from deliveries.changes import BlockChange
from deliveries.schema import NAMESPACE, VERSION

_SPECIAL = re.compile('[&<>"\r]')


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source's state in a delivery, and the newest import up to which it is complete."""

    name: str
    state: str
    complete_to_import: int


@dataclass(frozen=True, slots=True)
class ReservationLine:
    """A condition on what the receiver may do with what it is told: the paragraph it rests on, and its text."""

    ground: str
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a document says of itself. `previous_sha256` is "" in the first of a stream.

    A spontaneous one stands in no stream and comes of no run: its `number` and `run` are 0.
    """

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
    sources: Sequence[SourceLine]
    benefits: Sequence[tuple[str, int]]
    final: bool
    reservations: Sequence[ReservationLine] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What an order of the customer's was answered, as a whole: `counts` says how many lines got each code."""

    id: int
    received: datetime
    lines: int
    reference: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """A line of an order that had no effect. `file_row` is 0 where the file's row has the line's own number."""

    line: int
    file_row: int
    code: str
    reference: str


@dataclass(frozen=True, slots=True)
class Status:
    """What has become of a watch: a kundStatus, the benefit's order name, and for an end its coarse reason.

    `order` and `line` name the line of an order that it answers; 0 where it answers none.
    """

    watch: int
    benefit: str
    code: str
    reason: str = ""
    order: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """One section of one watch, whole, with its digests before and after. `watch` is 0 in a spontaneous document."""

    watch: int
    benefit: str
    section: Section
    before: str
    after: str
    change: BlockChange


@dataclass(slots=True)
class Entry:
    """What is said of one person, either as complete information or as changes."""

    number: str
    complete: bool
    statuses: list[Status] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


class Writer:
    """Writes one document to a binary file, and knows its hash and size when it is closed."""

    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self.persons = 0
        self.blocks = 0
        self._answering = True
        self._write(_opening(head))

    def answer(self, order: OrderAnswer, pages: Iterable[Sequence[LineAnswer]]) -> None:
        """Say what an order was answered, its lines without effect a page at a time. Before all persons."""
        self._write(_order(order))
        for lines in pages:
            self._write("".join(map(_line, lines)))
        self._write("</bestallning>\n")

    def add(self, entries: Iterable[Entry]) -> None:
        self._end_answers()
        texts = []
        for entry in entries:
            texts.append(_person(entry))
            self.persons += 1
            self.blocks += len(entry.blocks)
        self._write("".join(texts))

    def close(self) -> str:
        """End the document and return its SHA-256 in hex."""
        self._end_answers()
        self._write(
            f"</informationsfalt>\n<slutfalt><personer>{self.persons}</personer><block>{self.blocks}</block>"
            "</slutfalt>\n</leverans>\n"
        )
        return self._hash.hexdigest()

    def _end_answers(self) -> None:
        if self._answering:
            self._write("<informationsfalt>\n")
            self._answering = False

    def _write(self, text: str) -> None:
        data = text.encode()
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)


def _opening(head: Head) -> str:
    texts = [
        f'<?xml version="1.0" encoding="UTF-8"?>\n<leverans xmlns="{NAMESPACE}" schemaversion="{VERSION}">\n'
        "<generelltfalt>",
        _leaf("organisationsnummer", head.organisation_number),
        _leaf("enhet", head.unit) if head.unit else "",
        _leaf("avtal", head.agreement),
        _leaf("andamal", head.purpose),
        _leaf("lopnummer", str(head.number)),
        _leaf("foregaende", head.previous_sha256),
        _leaf("korning", str(head.run)),
        _leaf("slag", head.kind),
        _leaf("orsak", head.cause) if head.cause else "",
        _leaf("beslutsdag", head.day.isoformat()),
        _leaf("skapad", head.created.isoformat(timespec="seconds")),
        _leaf("tillImport", str(head.as_of_import)),
        _leaf("tillLagandring", str(head.as_of_law)),
    ]
    for source in head.sources:
        texts.append(
            f'<kalla namn="{source.name}" tillstand="{source.state}" '
            f'fullstandigTillImport="{source.complete_to_import}"/>'
        )
    for code, number in head.benefits:
        texts.append(f'<forman kod="{code}" fullstandigTillImport="{number}"/>')
    for one in head.reservations:
        texts.append(f"<forbehall>{_leaf('grund', one.ground)}{_leaf('text', one.text)}</forbehall>")
    texts.append(_leaf("avslutar", "true" if head.final else "false"))
    return "".join(texts) + "</generelltfalt>\n"


def _order(order: OrderAnswer) -> str:
    received = order.received.isoformat(timespec="seconds")
    reference = f" referens={_quoted(order.reference)}" if order.reference else ""
    counts = "".join(f'<svar kod="{code}" antal="{count}"/>' for code, count in sorted(order.counts.items()))
    return f'<bestallning id="{order.id}" mottagen="{received}" rader="{order.lines}"{reference}>{counts}\n'


def _line(line: LineAnswer) -> str:
    row = f' fil-rad="{line.file_row}"' if line.file_row else ""
    reference = f" referens={_quoted(line.reference)}" if line.reference else ""
    return f'<rad nr="{line.line}"{row} kod="{line.code}"{reference}/>\n'


def _quoted(text: str) -> str:
    """A text of the customer's as an attribute; what XML cannot hold must not stop the delivery."""
    return quoteattr(NOT_XML.sub("\ufffd", text))


def _person(entry: Entry) -> str:
    texts = [f'<person informationstyp="{0 if entry.complete else 1}">{_leaf("personnummer", entry.number)}']
    for status in entry.statuses:
        reason = _leaf("orsak", status.reason) if status.reason else ""
        order = f' bestallning="{status.order}" rad="{status.line}"' if status.order else ""
        texts.append(
            f'<statusBestallning bevakning="{status.watch}"{order}><kundStatus>{status.code}</kundStatus>'
            f"<formansinformation><{status.benefit}>1</{status.benefit}></formansinformation>{reason}"
            "</statusBestallning>"
        )
    texts.extend(_block(block) for block in entry.blocks)
    return "".join(texts) + "</person>\n"


def _block(block: Block) -> str:
    name = block.section.name
    texts = [
        f'\n<block bevakning="{block.watch}" forman="{block.benefit}" sektion="{name}" '
        f'fore="{block.before}" efter="{block.after}">'
    ]
    for item in block.change.items:
        change = f' andring="{item.change}"' if item.change else ""
        replaces = f' ersatter="{item.replaces}"' if item.replaces else ""
        inside = _fields(block.section.fields, item.content)
        texts.append(f'<{name} id="{item.id}"{change}{replaces}>{inside}</{name}>')
    texts.extend(f'<borttagen id="{id_}"/>' for id_ in block.change.removed)
    return "".join(texts) + "</block>"


def _fields(fields: Sequence[Field], content: dict[str, Any]) -> str:
    texts = []
    for one in fields:
        value = content.get(one.name)
        if value is None:
            continue
        for element in value if one.many else (value,):
            if element is None:
                continue
            if one.is_leaf:
                texts.append(_leaf(one.name, text_of(one.kind, element)))
            else:
                texts.append(f"<{one.name}>{_fields(one.children, element)}</{one.name}>")
    return "".join(texts)


def _leaf(name: str, text: str) -> str:
    if _SPECIAL.search(text):
        text = escape(text, {"\r": "&#13;"})
    return f"<{name}>{text}</{name}>"
