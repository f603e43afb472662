"""PURE: the lines of an order, whatever form they came in. docs/orders.md describes the forms."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from lefi.errors import Refused

NEW, CANCEL, REFRESH = KINDS = ("nybestallningBevakning", "avbestallningBevakning", "heluppdateringBevakning")
MOST_LINES = 1_000_000
MOST_ROWS = 2 * MOST_LINES  # of a file, with those that are empty
MOST_NUMBER, MOST_BENEFIT = 20, 60  # what is kept of a text that is neither a number nor a benefit
MOST_CASE, MOST_REFERENCE = 60, 100
MOST_BENEFITS = 1000  # of one row

# Control characters, and what no XML document holds: halves of surrogate pairs and two that are no characters.
_UNFIT = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Fault(StrEnum):
    """What in the writing of a line is wrong, and is its answer."""

    KIND_UNKNOWN = "KIND_UNKNOWN"
    NUMBER_DAMAGED = "NUMBER_DAMAGED"
    FROM_INVALID = "FROM_INVALID"
    REFERENCE_TOO_LONG = "REFERENCE_TOO_LONG"


class OrderRefused(Refused):
    """The order as a whole cannot be taken; nothing of it has any effect. `row` is where, 0 if nowhere."""

    def __init__(self, code: str, row: int = 0) -> None:
        super().__init__(code)
        self.row = row


class Head(NamedTuple):
    """Who orders, as far as the order says."""

    organisation_number: str
    unit: str


class Line(NamedTuple):
    """One person and one benefit, as written; nothing in it has been checked but its form.

    `kind` is one of KINDS, or "" with the fault KIND_UNKNOWN. `row` is its row or element in the file, from 1.
    """

    kind: str
    number: str
    benefit: str
    from_date: date | None
    case_reference: str = ""
    need_reference: str = ""
    reference: str = ""
    row: int = 0
    fault: str = ""


class Stock(NamedTuple):
    """The whole stock: everybody who is watched in the stream, for the benefits named; all, if none is named.

    To order anew for the stock is to order the benefits for everybody who is watched for any.
    """

    kind: str
    benefits: tuple[str, ...]
    from_date: date | None
    reference: str = ""
    row: int = 0
    fault: str = ""


Item = Head | Line | Stock


def head_of(row: int, texts: Mapping[str, str]) -> Head:
    """The head, of `texts` by the service's names: organisationsnummer, enhet. FORM as in `lines_of`."""
    _refuse_unfit(row, texts.values())
    return Head(texts.get("organisationsnummer", ""), texts.get("enhet", ""))


def lines_of(row: int, kind: str, texts: Mapping[str, str], benefits: Iterable[str], fault: str = "") -> Iterator[Line]:
    """A line for each benefit; one without a benefit where none is named, so that it too is answered.

    `texts` holds what is written, without blanks around it, by the service's names: personnummer, from, arendereferens,
    behovsreferens, referens. Raise OrderRefused with FORM if a text holds a character that none may, or there are more
    than MOST_BENEFITS.
    """
    named = list(benefits) or [""]
    _refuse_form(row, texts.values(), named)
    written = texts.get("from", "")
    from_date = day_of(written)
    case, need, reference = texts.get("arendereferens", ""), texts.get("behovsreferens", ""), texts.get("referens", "")
    if not fault:
        fault = _fault(kind, written, from_date, case, need, reference)
    number = _cut(texts.get("personnummer", ""), MOST_NUMBER)
    kind = kind if kind in KINDS else ""
    case, need, reference = case[:MOST_CASE], need[:MOST_CASE], reference[:MOST_REFERENCE]
    for benefit in named:
        yield Line(kind, number, _cut(benefit, MOST_BENEFIT), from_date, case, need, reference, row, fault)


def stock_of(row: int, kind: str, texts: Mapping[str, str], benefits: Iterable[str]) -> Stock:
    """The whole stock, of `texts` as in `lines_of`; FORM too if it names a person, case or need, which it cannot."""
    named = tuple(benefits)
    _refuse_form(row, texts.values(), named)
    if any(texts.get(name) for name in ("personnummer", "arendereferens", "behovsreferens")):
        raise OrderRefused("FORM", row)
    written, reference = texts.get("from", ""), texts.get("referens", "")
    from_date = day_of(written)
    fault = _fault(kind, written, from_date, "", "", reference)
    named = tuple(_cut(one, MOST_BENEFIT) for one in named)
    return Stock(kind if kind in KINDS else "", named, from_date, reference[:MOST_REFERENCE], row, fault)


def _refuse_form(row: int, texts: Iterable[str], named: Sequence[str]) -> None:
    if len(named) > MOST_BENEFITS:
        raise OrderRefused("FORM", row)
    _refuse_unfit(row, (*texts, *named))


def _refuse_unfit(row: int, texts: Iterable[str]) -> None:
    """Raise OrderRefused with FORM if any text holds a control character, or one that no XML document holds."""
    joined = "".join(texts)
    if not joined.isprintable() and _UNFIT.search(joined):  # all that is printable is fit, and quick to see
        raise OrderRefused("FORM", row)


def _cut(text: str, most: int) -> str:
    """The text, so short that it can be kept; one that was longer ends in a mark, and so is no other text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _fault(kind: str, written: str, from_date: date | None, case: str, need: str, reference: str) -> str:
    if kind not in KINDS:
        return Fault.KIND_UNKNOWN
    if written and from_date is None:
        return Fault.FROM_INVALID
    if max(len(case), len(need)) > MOST_CASE or len(reference) > MOST_REFERENCE:
        return Fault.REFERENCE_TOO_LONG
    return ""


def day_of(text: str) -> date | None:
    """A day written YYYY-MM-DD, and in none of the other forms that Python reads."""
    return _day(text) if len(text) == 10 and text[4] == text[7] == "-" else None


@lru_cache(maxsize=4096)  # an order names few days
def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
