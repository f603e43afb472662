"""PURE: a delivery as one JSON document, told from its XML, which is the only form that is kept.

Names and content are those of the XML. Lists are arrays, an item's content stands in `innehall`, and numbers are
written with all their digits: read them as decimals, and the digests are the same (docs/digest.md).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benefits.catalogue import Catalogue, Field, catalogue
from benefits.content import text_of
from deliveries.reading import (
    Block,
    Head,
    Item,
    LineAnswer,
    OrderAnswer,
    PersonEntry,
    Reservation,
    Status,
    read,
    read_as,
    read_head,
    read_orders,
)
from deliveries.schema import VERSION

_TYPES = {"integer": "integer", "decimal": "number", "boolean": "boolean"}  # days may be partial: text
_QUOTE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SHA256 = "^([0-9a-f]{64})?$"
_ITEM_ID = "^[0-9a-f]{64}(-[0-9]+)?$"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "integer", "minimum": 1}


def to_json(path: Path) -> Iterator[str]:
    """Yield the delivery's JSON in pieces, a person at a time. Raise DocumentFault if the XML does not hold."""
    return _pieces(path, read(path), catalogue())


def to_json_as(path: Path, known: Catalogue) -> Iterator[str]:
    """The same of a document that was made with another catalogue than the one in force."""
    return _pieces(path, read_as(path, known), known)


def _pieces(path: Path, entries: Iterable[PersonEntry], known: Catalogue) -> Iterator[str]:
    yield f'{{"schemaversion":"{VERSION}",\n"generelltfalt":{_QUOTE(_head(read_head(path)))},\n'
    yield from _orders(read_orders(path))
    yield '"informationsfalt":{"person":['
    persons = blocks = 0
    for entry in entries:
        yield (",\n" if persons else "\n") + _person(entry, known)
        persons += 1
        blocks += len(entry.blocks)
    yield f'\n]}},\n"slutfalt":{{"personer":{persons},"block":{blocks}}}}}\n'


def _orders(said: Iterator[OrderAnswer | LineAnswer]) -> Iterator[str]:
    """The orders' answers, a line at a time; nothing where there are none."""
    between = '"bestallning":['
    inside = False
    for one in said:
        if isinstance(one, OrderAnswer):
            yield f'{"]}" if inside else ""}{between}\n{_QUOTE(_order(one))[:-1]},"rad":['
            between, inside, comma = ",", True, ""
        else:
            yield f"{comma}\n{_QUOTE(_line(one))}"
            comma = ","
    if inside:
        yield "]}],\n"


def _order(one: OrderAnswer) -> dict[str, Any]:
    return {
        "id": one.id,
        "mottagen": one.received.isoformat(timespec="seconds"),
        "rader": one.lines,
        **({"referens": one.reference} if one.reference else {}),
        "svar": [{"kod": code, "antal": count} for code, count in one.counts.items()],
    }


def _line(one: LineAnswer) -> dict[str, Any]:
    return {
        "nr": one.line,
        **({"fil-rad": one.file_row} if one.file_row else {}),
        "kod": one.code,
        **({"referens": one.reference} if one.reference else {}),
    }


def _head(head: Head) -> dict[str, Any]:
    return {
        "organisationsnummer": head.organisation_number,
        **({"enhet": head.unit} if head.unit else {}),
        "avtal": head.agreement,
        "andamal": head.purpose,
        "lopnummer": head.number,
        "foregaende": head.previous_sha256,
        "korning": head.run,
        "slag": head.kind,
        **({"orsak": head.cause} if head.cause else {}),
        "beslutsdag": head.day.isoformat(),
        "skapad": head.created.isoformat(timespec="seconds"),
        "tillImport": head.as_of_import,
        "tillLagandring": head.as_of_law,
        "kalla": [
            {"namn": one.name, "tillstand": one.state, "fullstandigTillImport": one.complete_to_import}
            for one in head.sources
        ],
        "forman": [{"kod": code, "fullstandigTillImport": number} for code, number in head.benefits],
        **({"forbehall": [_reservation(one) for one in head.reservations]} if head.reservations else {}),
        "avslutar": head.final,
    }


def _reservation(one: Reservation) -> dict[str, str]:
    return {"grund": one.ground, "text": one.text}


def _person(entry: PersonEntry, known: Catalogue) -> str:
    said = {"informationstyp": 0 if entry.complete else 1, "personnummer": entry.number}
    statuses = _QUOTE([_status(one) for one in entry.statuses])
    blocks = ",".join(_block(one, known) for one in entry.blocks)
    return f'{_QUOTE(said)[:-1]},"statusBestallning":{statuses},"block":[{blocks}]}}'


def _status(status: Status) -> dict[str, Any]:
    return {
        "bevakning": status.watch,
        "kundStatus": int(status.code),
        **({"bestallning": status.order, "rad": status.line} if status.order else {}),
        "formansinformation": {status.benefit: 1},
        **({"orsak": status.reason} if status.reason else {}),
    }


def _block(block: Block, known: Catalogue) -> str:
    said = {
        "bevakning": block.watch,
        "forman": block.benefit,
        "sektion": block.section,
        "fore": block.before,
        "efter": block.after,
    }
    fields = known.sections[block.section].fields
    items = ",".join(_item(fields, one) for one in block.items)
    return f'{_QUOTE(said)[:-1]},"poster":[{items}],"borttagen":{_QUOTE(block.removed)}}}'


def _item(fields: Sequence[Field], item: Item) -> str:
    said = {"id": item.id, "andring": item.change, "ersatter": item.replaces}
    marks = _QUOTE({name: value for name, value in said.items() if value})
    return f'{marks[:-1]},"innehall":{_object(fields, item.content)}}}'


def _object(fields: Iterable[Field], content: dict[str, Any]) -> str:
    parts = []
    for field in fields:
        value = content.get(field.name)
        if value is not None:
            text = f"[{','.join(_value(field, one) for one in value)}]" if field.many else _value(field, value)
            parts.append(f'"{field.name}":{text}')
    return "{" + ",".join(parts) + "}"


def _value(field: Field, value: Any) -> str:
    if not field.is_leaf:
        return _object(field.children, value)
    text = text_of(field.kind, value)
    return text if field.kind in _TYPES else _QUOTE(text)


def json_schema(known: Catalogue) -> dict[str, Any]:
    """The JSON Schema of deliveries, draft 2020-12, made from the catalogue."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "LEFI Prenumeration: leverans",
        "version": f"{VERSION}+{known.version}",
        **_closed(
            {
                "schemaversion": {"const": VERSION},
                "generelltfalt": _head_schema(),
                "bestallning": _list(_order_schema()),
                "informationsfalt": _closed({"person": _list({"$ref": "#/$defs/person"})}),
                "slutfalt": _closed({"personer": _COUNT, "block": _COUNT}),
            },
            optional=["bestallning"],
        ),
        "$defs": {
            "person": _person_schema(known),
            "block": {"oneOf": [{"$ref": f"#/$defs/block-{name}"} for name in known.sections]},
            **{f"block-{name}": _block_schema(name) for name in known.sections},
            **{f"sektion-{name}": _fields_schema(one.fields) for name, one in known.sections.items()},
        },
    }


@cache
def current_json_schema() -> str:
    """The schema of the product's own catalogue, as it is published."""
    return json.dumps(json_schema(catalogue()), ensure_ascii=False, indent=1) + "\n"


def _head_schema() -> dict[str, Any]:
    complete = {"fullstandigTillImport": _COUNT}
    return _closed(
        {
            **dict.fromkeys(("organisationsnummer", "enhet", "avtal", "andamal"), _TEXT),
            "lopnummer": _COUNT,
            "foregaende": {"type": "string", "pattern": _SHA256},
            "korning": _COUNT,
            "slag": _TEXT,
            "orsak": _TEXT,
            "beslutsdag": {"type": "string", "format": "date"},
            "skapad": {"type": "string", "format": "date-time"},
            "tillImport": _COUNT,
            "tillLagandring": _COUNT,
            "kalla": _list(_closed({"namn": _TEXT, "tillstand": _TEXT, **complete})),
            "forman": _list(_closed({"kod": _TEXT, **complete})),
            "forbehall": _list(_closed({"grund": _TEXT, "text": _TEXT})),
            "avslutar": {"type": "boolean"},
        },
        optional=["enhet", "orsak", "forbehall"],
    )


def _order_schema() -> dict[str, Any]:
    line = {"nr": _NUMBER, "fil-rad": _NUMBER, "kod": _TEXT, "referens": _TEXT}
    return _closed(
        {
            "id": _NUMBER,
            "mottagen": {"type": "string", "format": "date-time"},
            "rader": _COUNT,
            "referens": _TEXT,
            "svar": _list(_closed({"kod": _TEXT, "antal": _COUNT})),
            "rad": _list(_closed(line, optional=["fil-rad", "referens"])),
        },
        optional=["referens"],
    )


def _person_schema(known: Catalogue) -> dict[str, Any]:
    benefits = {one.order_name: {"const": 1} for one in known.benefits.values()}
    one_benefit = {**_closed(benefits, optional=benefits), "minProperties": 1, "maxProperties": 1}
    status = {
        "bevakning": _NUMBER,
        "kundStatus": {"type": "integer"},
        "bestallning": _NUMBER,
        "rad": _NUMBER,
        "formansinformation": one_benefit,
        "orsak": _TEXT,
    }
    return _closed(
        {
            "informationstyp": {"enum": [0, 1]},
            "personnummer": _TEXT,
            "statusBestallning": _list(_closed(status, optional=["bestallning", "rad", "orsak"])),
            "block": _list({"$ref": "#/$defs/block"}),
        }
    )


def _block_schema(name: str) -> dict[str, Any]:
    item_id = {"type": "string", "pattern": _ITEM_ID}
    item = {
        "id": item_id,
        "andring": {"enum": ["ny", "andrad"]},
        "ersatter": item_id,
        "innehall": {"$ref": f"#/$defs/sektion-{name}"},
    }
    return _closed(
        {
            "bevakning": _COUNT,
            "forman": _TEXT,
            "sektion": {"const": name},
            "fore": {"type": "string", "pattern": _SHA256},
            "efter": {"type": "string", "pattern": _SHA256},
            "poster": _list(_closed(item, optional=["andring", "ersatter"])),
            "borttagen": _list(item_id),
        }
    )


def _fields_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """Nothing is required of a content: what a customer may not see is absent."""
    properties = {one.name: _field_schema(one) for one in fields}
    return _closed(properties, optional=properties)


def _field_schema(field: Field) -> dict[str, Any]:
    if field.is_leaf:
        one: dict[str, Any] = {"type": _TYPES.get(field.kind, "string")}
    else:
        one = _fields_schema(field.children)
    return _list(one) if field.many else one


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _closed(properties: dict[str, Any], *, optional: Iterable[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in set(optional)]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
