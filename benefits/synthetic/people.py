"""Made-up people: numbers that belong to nobody, names, addresses, and the third persons around them.

**Numbers.** Every number has a birth number in 980-999, which is our choice of a series that marks it as made
up; the manifests say `"syntetisk": true` too. Registered persons own 980-997; 998 and 999 are kept for the
numbers that people change from and to. One birth day and birth number gives one personnummer and one
samordningsnummer (day + 60), so a register can hold `CAPACITY` persons; past half of that, each further
person has the other kind of the two numbers, a samordningsnummer as a rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random

from benefits.identity import check_digit

from .draw import Item, between, iso, mix, pick, random_for
from .words import MEN, STREETS, SURNAMES, TOWNS, WOMEN

FIRST_BIRTH = date(1932, 1, 1).toordinal()
LAST_BIRTH = date(2010, 12, 31).toordinal()
BIRTH_DAYS = LAST_BIRTH - FIRST_BIRTH + 1
_PAIRS = 9  # birth numbers 980-997: nine for each sex
_LAYERS = 2 * _PAIRS
CAPACITY = 2 * _LAYERS * BIRTH_DAYS
_STEP = 17_389  # a prime that does not divide BIRTH_DAYS: neighbours are born far apart

UNPROTECTED, MARKED, PROTECTED = "INGET", "SEKRETESSMARKERING", "SKYDDAD_FOLKBOKFORING"
UNKNOWN_DAY = "Datum saknas"


@dataclass(frozen=True, slots=True)
class Birth:
    """Where in the series a person stands: day of birth, birth number, and which kind of number."""

    day: int
    birth_number: int
    coordination: bool

    @property
    def female(self) -> bool:
        return self.birth_number % 2 == 0

    @property
    def number(self) -> str:
        return identity_number(self.day, self.birth_number, coordination=self.coordination)


def identity_number(day: int, birth_number: int, *, coordination: bool = False) -> str:
    """Twelve digits, with their check digit."""
    born = date.fromordinal(day)
    digits = f"{born:%Y%m}{born.day + (60 if coordination else 0):02d}{birth_number:03d}"
    return f"{digits}{check_digit(digits[2:])}"


def birth_of(seed: int, index: int, wants_coordination: Callable[[int], bool]) -> Birth:
    """The person's own place in the series; no two indexes below CAPACITY share one."""
    layer, column = divmod(index, BIRTH_DAYS)
    day = FIRST_BIRTH + (column * _STEP + mix(seed, 0, "births")) % BIRTH_DAYS
    turn, place = divmod(layer, _LAYERS)
    sex = (mix(seed, column, "sex") + place) & 1
    birth_number = 980 + 2 * (place >> 1) + sex
    first = index - turn * _LAYERS * BIRTH_DAYS
    return Birth(day, birth_number, wants_coordination(first) ^ bool(turn))


def may_change_number(index: int) -> bool:
    """Only the first person of each birth day may: there is one spare number of each kind a day and sex."""
    return index < BIRTH_DAYS


def spare_number(birth: Birth, *, coordination: bool) -> str:
    """The number that this person alone may have had or may get (birth number 998 or 999)."""
    return identity_number(birth.day, 998 + birth.birth_number % 2, coordination=coordination)


def name_of(seed: int, index: int, *, female: bool) -> str:
    rng = random_for(seed, index, "name")
    given = WOMEN if female else MEN
    second = f" {pick(rng, given)}" if rng.random() < 0.4 else ""
    return f"{pick(rng, given)}{second} {pick(rng, SURNAMES)}"


def new_surname(rng: Random, name: str) -> str:
    """The same person after a wedding or a divorce; never the name as it was."""
    given, _, surname = name.rpartition(" ")
    others = [other for other in SURNAMES if other != surname]
    return f"{given} {pick(rng, others)}"


def death_day(rng: Random, today: int) -> str:
    """A day of death as sources give it: mostly a day, at times a month, a year, or not known."""
    day, lot = iso(today - between(rng, 5, 500)), rng.random()
    if lot < 0.7:
        return day
    return day[:7] if lot < 0.85 else day[:4] if lot < 0.9 else UNKNOWN_DAY


def address(rng: Random, *, role: int = 1) -> Item:
    """An address; 1 = registered, 2 = special, 3 = abroad."""
    if role == 3:
        return {
            "roller": [{"id": 3, "beskrivning": "Utlandsadress"}],
            "utdelningadress": ["Rue de l'Église 4"],
            "postnummer": "1000",
            "postort": "Bruxelles",
            "land": {"kod": "BE", "namn": "Belgien"},
        }
    head, tail, town, _, _ = pick(rng, TOWNS)
    text = "Folkbokföringsadress" if role == 1 else "Särskild adress"
    lines = [f"{pick(rng, STREETS)} {between(rng, 1, 120)}"]
    if rng.random() < 0.15:
        lines.insert(0, "c/o " + pick(rng, SURNAMES))
    return {
        "roller": [{"id": role, "beskrivning": text}],
        "utdelningadress": lines,
        "postnummer": f"{head}{between(rng, 0, 9)} {tail}",
        "postort": town,
    }


def relative(rng: Random, born_from: int, born_to: int, surname: str = "") -> Item:
    """A third person, as the contract's `person`; one in twenty is protected and has no name."""
    day = between(rng, born_from, born_to)
    birth_number = between(rng, 980, 999)
    person = {"personnummer": identity_number(day, birth_number), "foddes": iso(day)}
    if rng.random() < 0.05:
        return person | {"skyddad": True}
    given = pick(rng, MEN if birth_number % 2 else WOMEN)
    return person | {"namn": f"{given} {surname or pick(rng, SURNAMES)}", "skyddad": False}


def child(rng: Random, today: int, youngest: int = 0, oldest: int = 15, surname: str = "") -> Item:
    """A child between the ages."""
    return relative(rng, today - (oldest + 1) * 365, today - youngest * 365 - 30, surname)


def deceased(rng: Random, today: int) -> Item:
    """A dead relative; the day of death is at times only a month, or not known."""
    person = relative(rng, today - 85 * 365, today - 50 * 365)
    return person | {"avled": [death_day(rng, today)]}
