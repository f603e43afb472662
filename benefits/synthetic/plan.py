"""Who changes on which night, and how: a schedule that can be asked without walking the register.

Two parts. **The cast**: the first persons of the register come in rows of forty, a row a night, and each
place in the row stands for one kind of change, which that person's beginning is made to fit. So small
registers have every kind on every night of the first cycle. **The many**: about 1.5 % of all persons, found
by a permutation of the register that is new each night and can be inverted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import gcd

from .draw import mix
from .people import CAPACITY, may_change_number

KINDS = (
    "new_case", "closed_case", "reopened_case", "corrected_period", "extent_changed", "annulled_decision",
    "deleted_case", "refused_case", "retroactive_payment", "daily_payment", "mixed_payment",
    "preliminary_payment", "payment_effectuated", "equal_payment_removed", "number_changed", "protection_set",
    "protection_lifted", "death", "death_date_known",
    "name_changed", "child_protected", "certificate_block", "certificate_reopened",
    "pension_decision", "pension_payment_effectuated", "pension_claim_withdrawn", "persons_merged",
)  # fmt: skip
ROW = 40
LONGEST_CYCLE = 50
MERGED_AWAY = KINDS.index("persons_merged") + 1
FIRST_DAY = date(2026, 11, 22)


@dataclass(frozen=True, slots=True)
class Register:
    """A made-up register: how many persons, which seed, and the day of its population (night k: +k)."""

    persons: int
    seed: int = 1
    day: date = FIRST_DAY

    def __post_init__(self) -> None:
        if not 1 <= self.persons <= CAPACITY:
            raise ValueError(f"A register can have 1 to {CAPACITY} persons: there are no more numbers in the series.")

    @property
    def cycle(self) -> int:
        """How many rows of cast there are, and so after how many nights the first row's turn comes again."""
        return max(1, min(self.persons // ROW, LONGEST_CYCLE))

    def today(self, night: int = 0) -> int:
        return self.day.toordinal() + night


def pension_agency_answers(night: int) -> bool:
    """The Pensions Agency is out of reach every fourth night of five; what it owes comes the night after."""
    return night % 5 != 4


def last_answer_before(night: int) -> int:
    """The newest earlier night that the Pensions Agency answered on (0 = the population)."""
    return next(k for k in range(night - 1, -1, -1) if pension_agency_answers(k))


def role(register: Register, index: int) -> str | None:
    """The kind of change that the person is cast for, if any."""
    row, place = divmod(index, ROW)
    return KINDS[place] if row < register.cycle and place < len(KINDS) else None


def merged_into(register: Register, index: int) -> int | None:
    """The person that this one turns out to be, if so: the one before, cast for it."""
    row, place = divmod(index, ROW)
    return index - 1 if row < register.cycle and place == MERGED_AWAY else None


def cast_night(index: int) -> int:
    """The first night that a person of the cast has a part in."""
    return index // ROW + 1


def starts_with_coordination_number(register: Register, index: int) -> bool:
    """Two in a hundred, those cast for a number change, and one or both of two found to be one."""
    if merged_into(register, index) is not None:
        return True
    kind = role(register, index)
    if kind in ("number_changed", "persons_merged"):
        return kind == "number_changed" or both_are_coordination_numbers(index)
    return mix(register.seed, index, "coordination") % 100 < 2


def both_are_coordination_numbers(index: int) -> bool:
    """Every second merger: two samordningsnummer of one human, who now gets a personnummer."""
    return (index // ROW) % 2 == 0 and may_change_number(index)


@cache
def _permutation(persons: int, seed: int, night: int) -> tuple[int, int, int, int]:
    """(step, its inverse, shift, how many) of the night's permutation of the register."""
    step = mix(seed, night, "step") % persons or 1
    while gcd(step, persons) != 1:
        step += 1
    share = 10 + mix(seed, night, "share") % 11  # 1.0-2.0 %
    return (
        step,
        pow(step, -1, persons) if persons > 1 else 0,
        mix(seed, night, "shift") % persons,
        persons * share // 1000,
    )


def kind_for(register: Register, index: int, night: int) -> str | None:
    """The change that the night has in store for the person; it may not fit, see `changes.apply`."""
    part = role(register, index)
    if part and (night - 1) % register.cycle == index // ROW:
        return part
    if (part or merged_into(register, index) is not None) and night < cast_night(index):
        return None
    _, inverse, shift, many = _permutation(register.persons, register.seed, night)
    if (index - shift) * inverse % register.persons >= many:
        return None
    return KINDS[mix(register.seed, index, f"kind {night % 997}") % (len(KINDS) - 1)]


def changed_on(register: Register, night: int) -> list[tuple[int, str]]:
    """(person, kind) of one night, in the order of the register."""
    found = {index: kind for index in _candidates(register, night) if (kind := kind_for(register, index, night))}
    return sorted(found.items())


def _candidates(register: Register, night: int) -> Iterator[int]:
    row = (night - 1) % register.cycle * ROW
    yield from range(row, min(row + ROW, register.persons))
    step, _, shift, many = _permutation(register.persons, register.seed, night)
    for rank in range(many):
        yield (rank * step + shift) % register.persons
