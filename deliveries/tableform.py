"""PURE: a delivery as a table for spreadsheets, a row for each item, told from its XML a person at a time.

What an item says stands in words and in a few columns; the whole of it stands in the other forms.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benefits.catalogue import Section, catalogue
from benefits.content import envelope
from benefits.presentation import label_of
from benefits.sentences import statements
from deliveries.changes import CHANGED, NEW
from deliveries.reading import Block, Item, PersonEntry, Status, read
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from lefi import sheets

_HEADS = {
    "sv": (
        "Personnummer",
        "Fullständig",
        "Bevakning",
        "Förmån",
        "Avsnitt",
        "Ändring",
        "Från",
        "Till",
        "Omfattning",
        "Belopp",
        "I ord",
        "Post",
        "Ersätter",
    ),
    "en": (
        "Identity number",
        "Complete",
        "Watch",
        "Benefit",
        "Section",
        "Change",
        "From",
        "To",
        "Extent",
        "Amount",
        "In words",
        "Item",
        "Replaces",
    ),
}
_WORDS = {
    "sv": {
        NEW: "ny",
        CHANGED: "ändrad",
        "": "oförändrad",
        "removed": "borttagen",
        "complete": "fullständig",
        "yes": "ja",
        "no": "nej",
        "status": "Läge",
        ACTIVE: "bevakas",
        NOT_AUTHORISED: "får inte lämnas ut",
        ENDED: "avslutad",
    },
    "en": {
        NEW: "new",
        CHANGED: "changed",
        "": "unchanged",
        "removed": "removed",
        "complete": "complete",
        "yes": "yes",
        "no": "no",
        "status": "State",
        ACTIVE: "watched",
        NOT_AUTHORISED: "may not be told",
        ENDED: "ended",
    },
}


def to_csv(path: Path, language: str) -> Iterator[str]:
    """Yield the table in pieces, a person at a time. Raise DocumentFault if the XML does not hold."""
    yield sheets.MARK + sheets.row(_HEADS[language])
    for entry in read(path):
        yield "".join(map(sheets.row, _rows(entry, language)))


def _rows(entry: PersonEntry, language: str) -> Iterator[Iterable[Any]]:
    words = _WORDS[language]
    person = (entry.number, words["yes"] if entry.complete else words["no"])
    for status in entry.statuses:
        yield (*person, *_status(status, language))
    for block in entry.blocks:
        yield from ((*person, *row) for row in _block(block, entry.complete, language))


def _status(status: Status, language: str) -> Iterable[Any]:
    words = _WORDS[language]
    benefit = catalogue().by_order_name(status.benefit)
    name = label_of(benefit, language) if benefit else status.benefit
    said = words.get(status.code, status.code)
    reason = f" ({status.reason})" if status.reason else ""
    return (status.watch, name, words["status"], "", None, None, "", "", f"{said}{reason}", "", "")


def _block(block: Block, complete: bool, language: str) -> Iterator[Iterable[Any]]:
    section = catalogue().sections[block.section]
    benefit = catalogue().benefits.get(block.benefit)
    where = (block.watch, label_of(benefit, language) if benefit else block.benefit, label_of(section, language))
    for item in block.items:
        yield (*where, *_item(section, item, complete, language))
    for one in block.removed:
        yield (*where, _WORDS[language]["removed"], None, None, "", "", "", one, "")


def _item(section: Section, item: Item, complete: bool, language: str) -> Iterable[Any]:
    words = _WORDS[language]
    said = statements(section, item.content, language)
    span = envelope(section.dated_by, item.content)
    return (
        words["complete"] if complete else words[item.change],
        span.start if span else None,
        span.end if span else None,
        said[0].extent if said else "",
        said[0].amount if said else "",
        " ".join(one.text for one in said),
        item.id,
        item.replaces,
    )
