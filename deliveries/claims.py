"""PURE: a customer's list of the watches it believes it has, as CSV or JSON Lines, read a line at a time.

A line names a watch by `bevakning`, or by `personnummer` and `forman`; `tillstand` is the watch's state hash and
`referens` the customer's own. `from`, `arendereferens` and `behovsreferens` are for ordering the watch, should it not
stand. docs/delivery.md describes both forms.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from io import TextIOWrapper
from typing import IO, Any, NamedTuple

from benefits.catalogue import catalogue
from benefits.content import NOT_XML
from benefits.identity import IdentityError, parse
from lefi.sheets import written
from subscriptions.orders.lines import MOST_CASE, MOST_LINES, MOST_REFERENCE, OrderRefused, day_of

MOST_LINE = 16 * 1024  # bytes of a line in JSON Lines
COLUMNS = {
    "bevakning": "bevakning",
    "watch": "bevakning",
    "personnummer": "personnummer",
    "identity number": "personnummer",
    "forman": "forman",
    "förmån": "forman",
    "benefit": "forman",
    "tillstand": "tillstand",
    "tillstånd": "tillstand",
    "state": "tillstand",
    "referens": "referens",
    "reference": "referens",
    "from": "from",
    "från": "from",
    "from date": "from",
    "arendereferens": "arendereferens",
    "ärendereferens": "arendereferens",
    "case reference": "arendereferens",
    "behovsreferens": "behovsreferens",
    "need reference": "behovsreferens",
}
_WATCH = re.compile("[1-9][0-9]{0,17}")
_STATE = re.compile("([0-9a-f]{64})?")


class Claim(NamedTuple):
    """A line of the list. `code` is "" unless it cannot be read; `watch` is None where it is named otherwise.

    `number` has 12 digits and `benefit` is a code; both are "" where a watch is named, or where they cannot be read.
    """

    line: int
    watch: int | None
    number: str
    benefit: str
    state: str
    reference: str
    code: str
    from_date: str | None = None
    case_reference: str = ""
    need_reference: str = ""


def read_claims(file: IO[bytes], form: str, day: date) -> Iterator[Claim]:
    """Yield the lines of a list that came on a day.

    Raise OrderRefused, with the row where there is one: ENCODING (not UTF-8), NOT_JSON, FORM (a line that is no object,
    or a broken table), HEADER (a column that is not known, or stands twice), TOO_MANY_LINES, or EMPTY at the end.
    """
    place = 0
    for place, (line, texts) in enumerate(READERS[form](file), start=1):
        if place > MOST_LINES:
            raise OrderRefused("TOO_MANY_LINES")
        yield _claim(line, texts, day)
    if not place:
        raise OrderRefused("EMPTY")


def _claim(line: int, texts: Mapping[str, str], day: date) -> Claim:
    own, case, need, code = _references(texts)
    state, written = texts.get("tillstand", "").lower(), texts.get("from", "")
    begins = day_of(written)
    if written and begins is None:
        code = "FROM_INVALID"
    if not _STATE.fullmatch(state):
        code, state = "STATE_INVALID", ""
    watch, number, benefit, fault = _named(texts, day)
    return Claim(
        line, watch, number, benefit, state, own, fault or code, begins.isoformat() if begins else None, case, need
    )


def _references(texts: Mapping[str, str]) -> tuple[str, str, str, str]:
    """The customer's own reference, those to case and need, and what is wrong with them: then none is kept."""
    own, case, need = (texts.get(one, "") for one in ("referens", "arendereferens", "behovsreferens"))
    fit = len(own) <= MOST_REFERENCE and max(len(case), len(need)) <= MOST_CASE
    return (own, case, need, "") if fit and not NOT_XML.search(own + case + need) else ("", "", "", "REFERENCE_INVALID")


def _named(texts: Mapping[str, str], day: date) -> tuple[int | None, str, str, str]:
    """The watch, or the number and the benefit, and what is wrong with them."""
    watch, number, name = (texts.get(one, "") for one in ("bevakning", "personnummer", "forman"))
    if watch:
        return (int(watch), "", "", "") if _WATCH.fullmatch(watch) else (None, "", "", "WATCH_INVALID")
    if not number or not name:
        return None, "", "", "NOTHING_NAMED"
    benefit = catalogue().benefits.get(name) or catalogue().by_order_name(name)
    try:
        number = parse(number, on=day).number
    except IdentityError:
        return None, "", "", "NUMBER_INVALID"
    return (None, number, benefit.code, "") if benefit else (None, "", "", "BENEFIT_UNKNOWN")


def _csv(file: IO[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    place = 0
    try:
        first = text.readline(MOST_LINE)
        mark = max(";,\t", key=first.count)
        header = _header(next(csv.reader([first], delimiter=mark, strict=True), []))
        place = 1
        for place, cells in enumerate(csv.reader(text, delimiter=mark, strict=True), start=2):
            if len(cells) > len(header):
                raise OrderRefused("FORM", place)
            texts = {name: written(cell.strip()) for name, cell in zip(header, cells, strict=False)}
            if any(texts.values()):
                yield place, texts
    except UnicodeDecodeError:
        raise OrderRefused("ENCODING", place + 1) from None
    except csv.Error:
        raise OrderRefused("FORM", place + 1) from None
    finally:
        text.detach()


def _header(cells: list[str]) -> list[str]:
    header = [COLUMNS.get(cell.strip().lower().replace("_", " "), "") for cell in cells]
    if not header or "" in header or len(set(header)) < len(header):
        raise OrderRefused("HEADER", 1)
    return header


def _jsonl(file: IO[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
    place = 0
    while line := file.readline(MOST_LINE + 1):
        place += 1
        if len(line) > MOST_LINE:
            raise OrderRefused("FORM", place)
        if line.strip():
            yield place, _texts(_parsed(line, place), place)


def _parsed(line: bytes, place: int) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig" if place == 1 else "utf-8"))
    except UnicodeDecodeError:
        raise OrderRefused("ENCODING", place) from None
    except (ValueError, RecursionError):
        raise OrderRefused("NOT_JSON", place) from None


def _texts(said: Any, place: int) -> dict[str, str]:
    """An object's values as texts: a whole number is one too, and null is as if it were left out."""
    if not isinstance(said, dict) or said.keys() - set(COLUMNS.values()):
        raise OrderRefused("FORM", place)
    given = {name: value for name, value in said.items() if value is not None}
    if any(type(value) not in (str, int) for value in given.values()):
        raise OrderRefused("FORM", place)
    return {name: str(value).strip() for name, value in given.items()}


READERS: dict[str, Callable[[IO[bytes]], Iterator[tuple[int, dict[str, str]]]]] = {"csv": _csv, "jsonl": _jsonl}
