"""PURE: the form of an import: a manifest, and a data file with one JSON line a person. docs/import.md describes it."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from benefits.catalogue import HEADER, Catalogue, Section
from benefits.content import NOT_XML, Fault, digest, envelope, faults, unknown_paths, values_at, with_plain_line_ends
from benefits.fields import CODE_NAMES
from benefits.identity import IdentityError, parse
from lefi.errors import Refused

FORMAT = "lefi-import/1"
LONGEST_LINE = 16 * 1024 * 1024
PROTECTIONS = {"INGET", "SEKRETESSMARKERING", "SKYDDAD_FOLKBOKFORING"}
STATES = {"OK", "FELANDE", "OTILLGANGLIG"}
_LARGEST_AMOUNT = Decimal(10**12)
_LARGEST_COUNT = 2**31 - 1
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_QUOTE = json.encoder.encode_basestring


class ImportRefused(Refused):
    """The file as a whole cannot be taken in: truncated, altered, out of order, or of another form."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a source says of its file."""

    source: str
    sequence: int
    lines: int
    sha256: str
    data: Path
    states: dict[str, str]
    created_at: datetime

    @property
    def state(self) -> str:
        return self.states.get(self.source, "OK")


@dataclass(frozen=True, slots=True)
class Facts:
    name: str
    born: str
    died_on: str
    protection: str
    former: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a section, ready to be a row. `ordinal` counts equal items from 1."""

    section: str
    digest: str
    ordinal: int
    starts_on: date | None
    ends_on: date | None
    extent: Decimal | None
    amount: Decimal | None
    content: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    section: str
    code: str
    text: str


@dataclass(slots=True)
class Line:
    """What one line says of one person: facts if given, and the items of the sections that it speaks for."""

    number: str
    facts: Facts | None = None
    spoken: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    quarantined: list[Quarantine] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and check that its data file is whole. Raise ImportRefused otherwise."""
    manifest = _manifest(path)
    if not manifest.data.is_file():
        raise ImportRefused("DATA_FILE_MISSING", f"There is no file {manifest.data.name} beside the manifest.")
    if _sha256(manifest.data) != manifest.sha256:
        raise ImportRefused("SHA256", "The data file is not the one that the manifest describes.")
    return manifest


def _manifest(path: Path) -> Manifest:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            source=str(raw["kalla"]),
            sequence=_count(raw["lopnummer"]),
            lines=_count(raw["antal"]),
            sha256=raw["sha256"],
            data=path.parent / Path(raw["datafil"]).name,
            states={source: str(state) for source, state in dict(raw["tillstand"]).items()},
            created_at=datetime.fromisoformat(raw["skapad"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ImportRefused("MANIFEST", f"The manifest cannot be read ({type(error).__name__}).") from error
    if raw.get("format") != FORMAT or raw.get("slag") != "andring":
        raise ImportRefused("FORMAT", f"The manifest is not of the form {FORMAT}, kind andring.")
    if set(manifest.states.values()) - STATES:
        raise ImportRefused("STATE", f"A source's state is one of {', '.join(sorted(STATES))}.")
    if manifest.created_at.tzinfo is None:
        raise ImportRefused("MANIFEST", "skapad must carry its offset from UTC.")
    if manifest.state != "OK" and manifest.lines:
        raise ImportRefused("STATE", "A source that is not OK speaks for nothing, and its file holds no lines.")
    return manifest


def _count(said: Any) -> int:
    """A whole number that the register can hold. Raise ValueError for anything else."""
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= _LARGEST_COUNT:
        raise ValueError("Not a count.")
    return said


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lines(manifest: Manifest, catalogue: Catalogue) -> Iterator[Line]:
    """Yield every line of the data file. Raise ImportRefused if one cannot be read or the count is wrong."""
    sections = {name: one for name, one in catalogue.sections.items() if one.owner == manifest.source}
    on = manifest.created_at.date()
    count = 0
    with manifest.data.open("rb") as file:
        while raw := file.readline(LONGEST_LINE + 1):
            count += 1
            if len(raw) > LONGEST_LINE or not raw.endswith(b"\n"):
                raise ImportRefused("TRUNCATED", f"Line {count} is too long or has no end.")
            yield _read_line(raw, count, sections, on)
    if count != manifest.lines:
        raise ImportRefused("COUNT", f"The manifest says {manifest.lines} lines, and there are {count}.")


def _read_line(raw: bytes, place: int, sections: dict[str, Section], on: date) -> Line:
    try:
        said = json.loads(raw, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique)
        line = Line(number=parse(said["personnummer"], on=on).number)
        if said.get("person") is not None:
            line.facts = _facts(said["person"], on)
        line.spoken = list(dict.fromkeys(said.get("sektioner", [])))
        answer = dict(said.get("svar") or {})
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        # IdentityError is a ValueError; its sentence holds no number, but json's may quote the line.
        code = error.code if isinstance(error, IdentityError) else type(error).__name__
        raise ImportRefused("LINE", f"Line {place} cannot be read ({code}).") from None
    strangers = [name for name in line.spoken if name not in sections or name == HEADER]
    if strangers or (line.facts is not None and HEADER not in sections):
        raise ImportRefused("SECTION", f"Line {place} speaks for a section that is not its source's to give.")
    for name in list(line.spoken):
        _read_section(line, sections[name], answer)
    return line


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("A name stands twice in an object.")
    return found


def _facts(said: dict[str, Any], on: date) -> Facts:
    protection = said.get("skydd") or "INGET"
    if protection not in PROTECTIONS:
        raise ValueError("Unknown protection.")
    texts = [with_plain_line_ends(said.get(name) or "") for name in ("namn", "foddes", "avled")]
    former = tuple(parse(number, on=on).number for number in said.get("tidigarePersonnummer") or [])
    if any(not isinstance(text, str) or NOT_XML.search(text) for text in texts):
        raise TypeError("A fact is not text.")
    return Facts(texts[0][:200], texts[1][:20], texts[2][:20], protection, former)


def _read_section(line: Line, section: Section, answer: dict[str, Any]) -> None:
    """Take in the section's items, or quarantine it whole: then the source counts as not having spoken of it."""
    holder = answer.get(section.place) if section.place else answer
    said = (holder or {}).get(section.name) if isinstance(holder, dict | None) else holder
    items = said if isinstance(said, list) else [] if said is None else [said]
    found = next((fault for item in items for fault in faults(section.fields, item)), None)
    if len(items) > 1 and not section.many:
        found = Fault("", "TOO_MANY", "The section holds one item at most.")
    if found is None:
        unknown: Counter[str] = Counter()
        try:
            line.items.extend(list(_items(section, items, unknown)))
            line.unknown.update(unknown)
            return
        except RecursionError:
            found = Fault("", "TOO_DEEP", "Objects stand too deep inside each other.")
    line.quarantined.append(Quarantine(section.name, found.code, f"{found.path}: {found.text}"))
    line.spoken.remove(section.name)


def _items(section: Section, items: list[dict[str, Any]], unknown: Counter[str]) -> Iterator[Item]:
    seen: Counter[str] = Counter()
    for raw in items:
        unknown.update(f"{section.name}.{path}" for path in unknown_paths(section.fields, raw))
        item = with_plain_line_ends(raw)
        own = digest(section.fields, item)
        if own is None:
            continue
        seen[own] += 1
        span = envelope(section.dated_by, item)
        yield Item(
            section=section.name,
            digest=own,
            ordinal=seen[own],
            starts_on=span.start if span else None,
            ends_on=span.end if span else None,
            extent=_extent(section, item),
            amount=_amount(section, item),
            content=as_json(item),
        )


def _extent(section: Section, item: dict[str, Any]) -> Decimal | None:
    """The first extent in the item, for lists: a fraction of full."""
    for extent in values_at(item, _first_path(section, "extent", "taljare")):
        numerator, denominator = extent.get("taljare"), extent.get("namnare")
        if numerator is not None and denominator and 0 <= numerator <= denominator:
            return round(Decimal(numerator) / Decimal(denominator), 4)
    return None


def _amount(section: Section, item: dict[str, Any]) -> Decimal | None:
    """The first amount in the item, for lists."""
    for amount in values_at(item, _first_path(section, "amount", "summa")):
        number = amount.get("summa") if isinstance(amount, dict) else amount
        if number is not None and abs(number) < _LARGEST_AMOUNT:
            return round(Decimal(number), 2)
    return None


@cache
def _first_path(section: Section, cls: str, leaf: str) -> list[str]:
    """The path of the section's first object that holds the leaf, or first number that is no code, of a class."""
    for one in section.walk():
        holds = any(child.name == leaf for child in one.children)
        number = one.kind in ("integer", "decimal") and one.name not in CODE_NAMES
        if one.cls == cls and (holds or (leaf == "summa" and number)):
            return one.path.split(".")
    return ["-"]


def as_json(value: Any) -> str:
    """JSON with every number as its source wrote it."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quoted(name)}:{as_json(part)}" for name, part in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(as_json, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _quoted(text: str) -> str:
    """A JSON string; half a surrogate pair, which no UTF-8 can hold, stays escaped as it came."""
    return _QUOTE(text) if text.isascii() or _LONE_SURROGATE.search(text) is None else json.dumps(text)
