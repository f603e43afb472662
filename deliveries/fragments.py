"""PURE: what a stored document says about some watches, as the bytes that stand in the file.

It knows how a delivery is built (person, statusBestallning, block) and nothing else: neither the catalogue nor a
schema, so that what a document said years ago is read the same whatever has become of either.
"""

import re
from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from xml.parsers import expat

PIECE = 1 << 18  # bytes
_PERSON = b"<person informationstyp="  # "<" stands in no text and no value, so it is always an element
_END = b"</informationsfalt>"
# Where a person begins, or a watch is named. A tag's own attribute is met before any "<" after it.
_SAID = re.compile(_PERSON + rb'|<(?:statusBestallning|block) [^<]*?bevakning="(\d+)"')
_OPENED, _CLOSED = b"<leverans><informationsfalt>", b"</informationsfalt></leverans>"  # around a person


class NotReadable(Exception):
    """A document that is not well-formed."""


@dataclass(slots=True)
class Item:
    """An item in a block: its id, and where its bytes stand."""

    id: str
    start: int
    end: int = 0
    xml: str = ""


@dataclass(slots=True)
class Block:
    watch: int
    benefit: str
    section: str
    before: str
    after: str
    items: list[Item] = field(default_factory=list)


@dataclass(slots=True)
class Status:
    watch: int
    code: str = ""
    reason: str = ""


@dataclass(slots=True)
class Entry:
    """What one document says of one person's watches."""

    number: str = ""
    complete: bool = False
    statuses: list[Status] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


class _Reader:
    """Finds the entries that name some watches, with the places of their items in the file.

    It is fed a document, or the part of one from `offset` on with as many elements opened as are open there.
    """

    def __init__(self, watches: Collection[int], offset: int = 0) -> None:
        self.found: list[Entry] = []
        self.before = ""  # `foregaende`
        self._watches = watches
        self._offset = offset
        self._path: list[str] = []
        self._text: list[str] = []
        self._entry = Entry()
        self._wanted = False
        self._ended: Item | None = None  # an item whose end shows where the next thing begins
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def feed(self, data: bytes) -> None:
        self._parser.Parse(data)

    def close(self) -> None:
        self._parser.Parse(b"", True)

    @property
    def _here(self) -> int:
        return self._parser.CurrentByteIndex + self._offset

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._close_item()
        self._path.append(name)
        depth = len(self._path)
        if depth == 3 and name == "person":
            self._entry = Entry(complete=attributes.get("informationstyp") == "0")
        elif depth == 4 and self._path[2] == "person":
            self._begin(name, attributes)
        elif self._at_item():
            self._entry.blocks[-1].items.append(Item(attributes.get("id", ""), self._here))
        if _speaks(self._path):
            self._text = []
            self._parser.CharacterDataHandler = self._text.append

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        watch = int(attributes.get("bevakning", "-1"))
        self._wanted = watch in self._watches
        if self._wanted and name == "statusBestallning":
            self._entry.statuses.append(Status(watch))
        elif self._wanted:
            said = {name: attributes.get(name, "") for name in ("forman", "sektion", "fore", "efter")}
            block = Block(watch, said["forman"], said["sektion"], said["fore"], said["efter"])
            self._entry.blocks.append(block)

    def _at_item(self) -> bool:
        return len(self._path) == 5 and self._wanted and self._path[3] == "block" and self._path[4] != "borttagen"

    def _end(self, name: str) -> None:
        self._close_item()
        if _speaks(self._path):
            self._say(name, "".join(self._text))
            self._parser.CharacterDataHandler = None
        if self._at_item():
            self._ended = self._entry.blocks[-1].items[-1]
            self._parser.DefaultHandler = lambda data: self._close_item()
        if len(self._path) == 3 and (self._entry.blocks or self._entry.statuses):
            self.found.append(self._entry)
            self._entry = Entry()
        self._path.pop()

    def _close_item(self) -> None:
        if self._ended is not None:
            self._ended.end = self._here
            self._ended = None
            self._parser.DefaultHandler = None

    def _say(self, name: str, text: str) -> None:
        if name == "foregaende":
            self.before = text
        elif name == "personnummer":
            self._entry.number = text
        elif self._wanted:
            setattr(self._entry.statuses[-1], "code" if name == "kundStatus" else "reason", text)


_SPEAKING = frozenset(
    {
        ("generelltfalt", "foregaende"),
        ("person", "personnummer"),
        ("statusBestallning", "kundStatus"),
        ("statusBestallning", "orsak"),
    }
)


def _speaks(path: list[str]) -> bool:
    """Whether the text of the element at the end of a path is wanted. An item's own elements lie deeper."""
    return 3 <= len(path) <= 5 and tuple(path[-2:]) in _SPEAKING


def read_about(path: Path, watches: Collection[int], told: Collection[int] = ()) -> tuple[str, list[Entry]]:
    """The hash that a document builds on, and its entries about some watches with their items' bytes.

    It is first looked for where a document of ours names a watch, byte for byte; the document is read whole only if a
    watch in `told` is not found so. Raise NotReadable if what is read is not well-formed.
    """
    try:
        return _read(path, watches, told)
    except (expat.ExpatError, ValueError) as error:
        raise NotReadable(type(error).__name__) from None


def some_persons(path: Path, first: int, most: int, watches: Collection[int] | None = None) -> bytes:
    """The bytes of some of a document's persons, found without reading those before them: from the `first`, of 0 on.

    With `watches`, of those alone that it says something of one of these watches of.
    """
    with (
        path.open("rb") as file,
        mmap(file.fileno(), 0, access=ACCESS_READ) as data,
        closing(_hits(data, _PERSON) if watches is None else _naming(data, watches)) as found,
    ):
        return b"".join(data[start : _end_of(data, start)] for start in islice(found, first, first + most))


def _naming(data: mmap, watches: Collection[int]) -> Generator[int, None, None]:
    """Where the persons begin of whom one of the watches is named."""
    person = None
    for said in _SAID.finditer(data):
        if said[1] is None:
            person = said.start()
        elif person is not None and int(said[1]) in watches:
            yield person
            person = None


def _read(path: Path, watches: Collection[int], told: Collection[int]) -> tuple[str, list[Entry]]:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        entries = [entry for place in _places(data, watches) for entry in _part(data, watches, *place)]
        if not {watch for entry in entries for watch in _watches_in(entry)}.issuperset(told):
            entries = _whole(data, watches)
        for item in (one for entry in entries for block in entry.blocks for one in block.items):
            item.xml = data[item.start : item.end].decode()
        return _builds_on(data), entries


def _places(data: mmap, watches: Collection[int]) -> list[tuple[int, int]]:
    """From where to where the persons stand in whose entries a watch is named."""
    return sorted({_around(data, hit) for watch in watches for hit in _hits(data, f'bevakning="{watch}"'.encode())})


def _hits(data: mmap, text: bytes) -> Generator[int, None, None]:
    hit = data.find(text)
    while hit >= 0:
        yield hit
        hit = data.find(text, hit + 1)


def _around(data: mmap, hit: int) -> tuple[int, int]:
    return data.rfind(_PERSON, 0, hit), _end_of(data, hit)


def _end_of(data: mmap, hit: int) -> int:
    """Where the person ends within whose entry, or at whose beginning, a place is."""
    end = data.find(_PERSON, hit + 1)
    return end if end >= 0 else data.rfind(_END)


def _part(data: mmap, watches: Collection[int], start: int, end: int) -> list[Entry]:
    if not 0 <= start < end:
        return []
    reader = _Reader(watches, start - len(_OPENED))
    for piece in (_OPENED, data[start:end], _CLOSED):
        reader.feed(piece)
    reader.close()
    return reader.found


def _whole(data: mmap, watches: Collection[int]) -> list[Entry]:
    reader = _Reader(watches)
    for start in range(0, len(data), PIECE):
        reader.feed(data[start : start + PIECE])
    reader.close()
    return reader.found


def _builds_on(data: mmap) -> str:
    """The hash in the document's head."""
    reader = _Reader(())
    reader.feed(data[: data.find(b"</generelltfalt>") + len(b"</generelltfalt>")])
    return reader.before


def _watches_in(entry: Entry) -> set[int]:
    return {one.watch for one in entry.statuses} | {one.watch for one in entry.blocks}
