"""A sample of deliveries in the form that a catalogue gives them, with every section and every field of it.

Made from the catalogue's own tree, so that what is new in it is there to be seen; the register of made-up persons knows
the catalogue in force alone. The numbers are of the series that nobody holds, and the document says what it is.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.utils import timezone

from benefits.catalogue import HEADER, Benefit, Catalogue, Field, Section
from benefits.content import block_digest, digest
from benefits.synthetic.people import identity_number
from deliveries.changes import BlockChange, Said
from deliveries.document import Block, Entry, Head, Status, Writer
from deliveries.jsonform import to_json_as
from deliveries.schema import ACTIVE
from deliveries.specimen import KIND, marked

ORGANISATION, NAME = "0000000000", "PROV"
FIRST_BORN = date(1950, 1, 1)
BIRTH_NUMBER = 980  # of the series that is nobody's
DAY = date(2025, 3, 15)
_STARTS = ("fran", "from")
# What a field with a pattern may hold, tried in turn.
_TEXTS = ("2025-03", "2025", "2025-03-15", "Exempel")


def sample(known: Catalogue) -> bytes:
    """The document in XML: one person for each benefit, and each section where it stands first."""
    file = BytesIO()
    writer = Writer(file, _head())
    seen: set[str] = set()
    for place, benefit in enumerate(known.benefits.values(), start=1):
        names = [name for name in (HEADER, *benefit.sections) if name not in seen or name == HEADER]
        seen.update(names)
        writer.add([_entry(known, benefit, place, [known.sections[name] for name in names])])
    writer.close()
    return marked(file.getvalue())


def sample_json(known: Catalogue, document: bytes) -> str:
    """The same document in JSON."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "sample.xml")
        path.write_bytes(document)
        return "".join(to_json_as(path, known))


def _head() -> Head:
    return Head(
        organisation_number=ORGANISATION,
        unit="",
        agreement=NAME,
        purpose=NAME,
        number=0,
        previous_sha256="",
        run=0,
        kind=KIND,
        day=DAY,
        created=datetime(DAY.year, DAY.month, DAY.day, tzinfo=timezone.get_default_timezone()),
        as_of_import=0,
        as_of_law=0,
        sources=[],
        benefits=[],
        final=False,
    )


def _entry(known: Catalogue, benefit: Benefit, place: int, sections: Sequence[Section]) -> Entry:
    number = identity_number((FIRST_BORN + timedelta(days=place)).toordinal(), BIRTH_NUMBER)
    entry = Entry(number, complete=True, statuses=[Status(place, benefit.order_name, ACTIVE)])
    entry.blocks += [_block(known, section, benefit.code, place, number) for section in sections]
    return entry


def _block(known: Catalogue, section: Section, benefit: str, place: int, number: str) -> Block:
    item = _item(known, section, benefit, number)
    id_ = digest(section.fields, item) or ""
    return Block(
        watch=place,
        benefit=benefit,
        section=section,
        before=block_digest(section.name, ()),
        after=block_digest(section.name, [id_]),
        change=BlockChange(items=[Said(id_, "", "", item)]),
    )


def _item(known: Catalogue, section: Section, benefit: str, number: str) -> dict[str, Any]:
    """An item with every field of the section, about one benefit."""
    item = _object(section.fields, number)
    if section.benefit_code is not None:
        _put(item, section.benefit_code, benefit)
    if section.payment is not None:
        codes = (code for code, one in known.payment_codes.items() if one.benefit == benefit)
        row = item[section.payment.rows][0]
        _put(row, section.payment.row_code, next(codes, benefit))
    return item


def _object(fields: Sequence[Field], number: str) -> dict[str, Any]:
    return {one.name: [_value(one, number)] if one.many else _value(one, number) for one in fields}


def _value(field: Field, number: str) -> Any:
    return _leaf(field, number) if field.is_leaf else _object(field.children, number)


def _leaf(field: Field, number: str) -> Any:
    if field.kind == "boolean":
        return True
    if field.kind in ("integer", "decimal"):
        return next((int(code) for code in field.codes if code.isdecimal()), DAY.year)
    if field.codes:
        return next(iter(field.codes))
    return next(_texts(field, number))


def _texts(field: Field, number: str) -> Iterator[str]:
    """What a text may hold, the likeliest first: what its pattern lets it, if it has one."""
    if field.pattern:
        yield from (text for text in (number, *_TEXTS) if re.search(field.pattern, text))
    if field.kind == "datetime":
        yield f"{DAY}T12:00:00"
    if field.kind == "date":
        yield str(DAY.replace(day=1) if field.name in _STARTS else DAY)
    if field.cls == "identity" or "personnummer" in field.name.lower():
        yield number
    yield "Exempel"


def _put(item: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a dotted path leads, by the first element of each list on the way."""
    name, _, rest = path.partition(".")
    if not rest:
        item[name] = value
    else:
        below = item[name]
        _put(below[0] if isinstance(below, list) else below, rest, value)
