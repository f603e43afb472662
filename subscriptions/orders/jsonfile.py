"""PURE: an order in JSON: one object with `rader`; or in JSON Lines: a row on each line.

Both are UTF-8. What docs/orders.md does not name is refused, never passed over.
"""

import json
from collections.abc import Iterator
from typing import IO, Any, Never

from subscriptions.orders.lines import KINDS, MOST_ROWS, Head, Item, OrderRefused, head_of, lines_of, stock_of

MOST_BYTES = 4 * 1024 * 1024  # read whole; what is larger is written as JSON Lines
MOST_LINE = 64 * 1024  # bytes of one row in JSON Lines

_HEAD = {"organisationsnummer", "enhet"}
_TEXTS = {"personnummer", "from", "arendereferens", "behovsreferens", "referens"}
_ROW = _TEXTS | {"typ", "formaner", "bestand"}
_BYTE_ORDER_MARK = "\ufeff"


def read_json(file: IO[bytes]) -> Iterator[Item]:
    """Yield an order's head and lines.

    Raise OrderRefused with NOT_JSON, ENCODING (not UTF-8), FORM (another form) or TOO_LARGE.
    """
    body = file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise OrderRefused("TOO_LARGE")
    said = _parsed(_text(body, 0), 0)
    if not isinstance(said, dict) or not isinstance(said.get("rader"), list):
        raise OrderRefused("FORM")
    rows = said.pop("rader")
    yield _head(said, 0)
    for place, row in enumerate(rows, start=1):
        yield from _row(row, place)


def read_jsonl(file: IO[bytes]) -> Iterator[Item]:
    """Yield an order's head, if its first line is one, and lines: a row on each line of the file that is not empty.

    Raise OrderRefused as `read_json` does, with the line of the file; FORM of a line too long, too.
    """
    place = 0
    while line := file.readline(MOST_LINE + 1):
        place += 1
        if len(line) > MOST_LINE:
            raise OrderRefused("FORM", place)
        if place > MOST_ROWS:
            raise OrderRefused("TOO_MANY_LINES")
        if text := _text(line, place).strip():
            said = _parsed(text, place)
            if place == 1 and isinstance(said, dict) and "typ" not in said:
                yield _head(said, place)
            else:
                yield from _row(said, place)


def _text(body: bytes, place: int) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise OrderRefused("ENCODING", place) from None
    return text.removeprefix(_BYTE_ORDER_MARK) if place <= 1 else text


def _parsed(text: str, place: int) -> Any:
    try:
        return _DECODER.decode(text)
    except OrderRefused as refused:
        raise OrderRefused(refused.code, place) from None
    except (ValueError, RecursionError):
        raise OrderRefused("NOT_JSON", place) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name stands twice."""
    said = dict(pairs)
    if len(said) < len(pairs):
        raise OrderRefused("FORM")
    return said


def _refuse_constant(_written: str) -> Never:
    """NaN and the infinities are Python's, and no JSON."""
    raise ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)


def _head(said: dict[str, Any], place: int) -> Head:
    texts = _texts(said, _HEAD, place)
    if said.keys() - _HEAD:
        raise OrderRefused("FORM", place)
    return head_of(place, texts)


def _row(row: Any, place: int) -> Iterator[Item]:
    """What one row asks for: an object with `typ`, `formaner` and `personnummer`, or `bestand` in its place."""
    if not isinstance(row, dict) or row.keys() - _ROW or row.get("typ") not in KINDS:
        raise OrderRefused("FORM", place)
    stock = row.get("bestand", False)
    benefits = row.get("formaner", [] if stock else None)
    if (
        not isinstance(stock, bool)
        or not isinstance(benefits, list)
        or not all(isinstance(one, str) for one in benefits)
    ):
        raise OrderRefused("FORM", place)
    texts = _texts(row, _TEXTS, place)
    benefits = [one.strip() for one in benefits]
    if stock:
        yield stock_of(place, row["typ"], texts, benefits)
    else:
        yield from lines_of(place, row["typ"], texts, benefits)


def _texts(said: dict[str, Any], names: set[str], place: int) -> dict[str, str]:
    """The texts under these names; an integer is one too, and null is as if it were left out."""
    texts = {name: value for name, value in said.items() if name in names and value is not None}
    for name, value in texts.items():
        if type(value) is int:
            texts[name] = str(value)
        elif isinstance(value, str):
            texts[name] = value.strip()
        else:
            raise OrderRefused("FORM", place)
    return texts
