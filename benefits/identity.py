"""Swedish identity numbers: personnummer, samordningsnummer and organisation numbers.

Pure, standard library only. The day is always given, never read from a clock. No message, no
exception and no `repr` here contains a number: what is refused may be logged as it is.

The form of the numbers follows Skatteverket's public description of personnummer and
samordningsnummer: birth day, three-digit serial, check digit by the Luhn rule over ten digits;
a coordination number has 60 added to its day. `+` is written for a person from the year in
which the person turns 100.
"""

import re
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

FIRST_YEAR = 1800  # no earlier birth year exists in the population register
COORDINATION_DAYS = 60

MESSAGES = {
    "CHARACTERS": "Only digits are allowed, and one - or + before the last four of them.",
    "LENGTH": "The number must have 10 or 12 digits.",
    "CENTURY": "The century does not agree with the rest of the number.",
    "DATE": "The number does not begin with a day that exists.",
    "SERIAL": "The three digits after the day must not be 000.",
    "CHECK_DIGIT": "The check digit is wrong.",
    "FUTURE": "The day of birth has not come yet.",
    "PREFIX": "An organisation number with 12 digits must begin with 16.",
    "KIND": "The number is not of a kind that organisations have.",
}

_SHAPE = re.compile(r"([0-9]{6}|[0-9]{8})([-+]?)([0-9]{4})")
_ALLOWED = re.compile(r"[0-9]*([-+][0-9]{4})?")


class IdentityError(ValueError):
    """A text that is not an identity number; `code` is a key of MESSAGES and never changes meaning."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = MESSAGES[code]
        super().__init__(self.message)


@dataclass(frozen=True)
class IdentityNumber:
    """A well-formed personnummer or samordningsnummer; that somebody has it is not known."""

    number: str = field(repr=False)  # 12 digits, as registered: a coordination number keeps its day + 60
    coordination: bool = False

    @property
    def born(self) -> date:
        """The day of birth that the number states."""
        day = int(self.number[6:8]) - COORDINATION_DAYS * self.coordination
        return date(int(self.number[:4]), int(self.number[4:6]), day)


def parse(text: str, *, on: date) -> IdentityNumber:
    """Read a number of 10 or 12 digits, with or without - or + before the last four.

    With 10 digits the century is the latest that does not put the birth after `on`; with +, the
    latest in which the person has turned 100 by the end of that year. With 12 digits - says
    nothing and + must be true. Raise IdentityError with CHARACTERS, LENGTH, CENTURY, DATE,
    FUTURE, SERIAL or CHECK_DIGIT.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise _shape_error(text)
    digits, sign, last = match.groups()
    day, coordination, day_luhn = _DAYS[digits[-2:]]
    month = _read_month(digits[:-2], sign, on, day > on.day)
    if month.error:
        raise IdentityError(month.error)
    if not 0 < day <= month.days:
        raise IdentityError("DATE")
    if last < "0010":
        raise IdentityError("SERIAL")
    if (month.luhn + day_luhn + _LUHN[last]) % 10:
        raise IdentityError("CHECK_DIGIT")
    return IdentityNumber(month.digits + digits[-2:] + last, coordination)


def parse_organisation(text: str) -> str:
    """Read an organisation number as 10 digits; 12 digits beginning with 16 and a dash are accepted.

    Raise IdentityError with CHARACTERS, LENGTH, PREFIX, KIND or CHECK_DIGIT. A sole trader's
    number is a personnummer and is refused as KIND: it must not be stored as an organisation's.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise _shape_error(text)
    if match[2] == "+":
        raise IdentityError("CHARACTERS")
    digits, _, last = match.groups()
    if len(digits) == 8 and not digits.startswith("16"):
        raise IdentityError("PREFIX")
    first = digits[-6:]
    if first[0] == "0" or first[2] < "2":
        raise IdentityError("KIND")
    if (_LUHN[first[:4]] + _LUHN[first[4:] + last[:2]] + _LUHN[last[2:]]) % 10:
        raise IdentityError("CHECK_DIGIT")
    return first + last


def masked(number: str) -> str:
    """Show of a 12-digit number the year of birth only, of anything else nothing."""
    year = number[:4] if re.fullmatch("[0-9]{12}", number) else "••••"
    return f"{year}••••-••••"


def check_digit(nine_digits: str) -> str:
    """Return the digit that completes yymmddnnn by the Luhn rule. ValueError unless nine digits."""
    if not re.fullmatch("[0-9]{9}", nine_digits):
        raise ValueError("Nine digits are needed.")
    return str(-_luhn(nine_digits) % 10)


class _Month(NamedTuple):
    """What a year and month say, computed once for all the numbers that begin with them."""

    digits: str  # yyyymm
    luhn: int  # the sum over yymm
    days: int  # in the month
    error: str  # CENTURY, DATE, FUTURE or empty


def _luhn(digits: str) -> int:
    """Sum the digits with every other doubled, from the first; a doubled digit counts as its cross sum."""
    return sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits))


# An even number of digits keeps the alternation, so sums of pieces add up to the sum of the whole.
_LUHN = {f"{n:0{width}}": _luhn(f"{n:0{width}}") for width in (2, 4) for n in range(10**width)}
# The two digits of a day: the day that is meant, whether 60 was added to it, and their Luhn sum.
_DAYS = {
    f"{n:02}": (n - COORDINATION_DAYS * (n > COORDINATION_DAYS), n > COORDINATION_DAYS, _LUHN[f"{n:02}"])
    for n in range(100)
}


@lru_cache(maxsize=2**14)  # every month of two centuries in each form; about 5 MB when full
def _read_month(digits: str, sign: str, on: date, late: bool) -> _Month:
    """Place yymm or yyyymm in its century as `parse` says. `late`: its day is after that of `on`."""
    month = int(digits[-2:])
    to_come = month > on.month or (month == on.month and late)  # this year
    if len(digits) == 6:
        year = int(digits[:4])
    else:
        year = _full_year(int(digits[:2]), on.year - (100 if sign == "+" else to_come))
    days = monthrange(year, month)[1] if 1 <= month <= 12 and year else 0
    error = _calendar_error(year, days, sign, on, to_come)
    return _Month(f"{year:04}{digits[-2:]}", _luhn(digits[-4:]), days, error)


def _full_year(year: int, latest: int) -> int:
    """The latest year, up to and including `latest`, that ends in the two digits."""
    return latest - (latest - year) % 100


def _calendar_error(year: int, days: int, sign: str, on: date, to_come: bool) -> str:
    """The code of what the calendar has against the month, or nothing."""
    if year < FIRST_YEAR:
        return "CENTURY"
    if not days:
        return "DATE"
    if year > on.year or (year == on.year and to_come):
        return "FUTURE"
    return "CENTURY" if sign == "+" and on.year - year < 100 else ""


def _shape_error(text: str) -> IdentityError:
    """Characters or the place of the sign are wrong before the count of digits is."""
    text = text.strip()
    only_the_count_is_wrong = not text or _ALLOWED.fullmatch(text)
    return IdentityError("LENGTH" if only_the_count_is_wrong else "CHARACTERS")
