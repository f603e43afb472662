"""A person after any number of nights, computed from the seed alone."""

from .changes import apply, merge
from .draw import random_for
from .people import may_change_number
from .plan import Register, both_are_coordination_numbers, kind_for, role
from .state import State, gone, start


def state_after(register: Register, index: int, night: int) -> State | None:
    """The person as the sources know them after the night; None once they are found to be somebody else."""
    if gone(register, index, night):
        return None
    state = start(register, index)
    for earlier in range(1, night + 1):
        advance(state, register, index, earlier)
    return state


def advance(state: State, register: Register, index: int, night: int) -> str | None:
    """Take the state from the night before to the night; return the kind of change made, if any."""
    kind = kind_for(register, index, night)
    if kind is None:
        return None
    if kind == "persons_merged":
        kind = "daily_payment"
        if _merges(register, index, night):
            return _merge(state, register, index, night)
    rng = random_for(register.seed, index, f"night {night}")
    return apply(state, kind, rng, register.today(night), may_change_number=may_change_number(index))


def _merges(register: Register, index: int, night: int) -> bool:
    """Only on the first turn of the cast, and only if the other person is in the register."""
    first_turn = (night - 1) // register.cycle == 0
    return first_turn and role(register, index) == "persons_merged" and index + 1 < register.persons


def _merge(state: State, register: Register, index: int, night: int) -> str:
    other = state_after(register, index + 1, night - 1)
    if other is None:
        raise AssertionError("A person can be merged into another only once.")
    merge(state, other, new_number=both_are_coordination_numbers(index))
    return "persons_merged"
