"""Deterministic draws: the same seed, person and purpose give the same numbers on every machine.

Nothing here reads the clock, the process's hash seed or the shared generator of `random`.
"""

import zlib
from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any, TypeVar

_MASK = (1 << 64) - 1
_PURPOSES: dict[str, int] = {}

Item = dict[str, Any]
T = TypeVar("T")


def mix(seed: int, index: int, purpose: str) -> int:
    """64 well-spread bits from seed, index and purpose (the splitmix64 finaliser over their sum)."""
    salt = _PURPOSES.get(purpose)
    if salt is None:
        salt = _PURPOSES[purpose] = zlib.crc32(purpose.encode())
    bits = (seed * 0x9E3779B97F4A7C15 + index * 0xD1342543DE82EF95 + (salt << 17) + salt) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


def random_for(seed: int, index: int, purpose: str) -> Random:
    """A generator of its own for one person and one purpose."""
    return Random(mix(seed, index, purpose))  # noqa: S311 -- made-up registers, nothing secret


def pick(rng: Random, choices: Sequence[T]) -> T:
    """One of the choices; faster than `Random.choice`."""
    return choices[int(rng.random() * len(choices))]


def between(rng: Random, low: int, high: int) -> int:
    """A whole number in [low, high]."""
    return low + int(rng.random() * (high - low + 1))


def iso(ordinal: int) -> str:
    """A day number (`date.toordinal`) as YYYY-MM-DD."""
    return date.fromordinal(ordinal).isoformat()


def code(value: int | str, text: str) -> Item:
    """An `intkod` or `strkod` of the contract."""
    return {"id": value, "beskrivning": text}


def pm_code(value: int | str, text: str) -> Item:
    """A code of the Pensions Agency's model, which says `kod` where FK's says `id`."""
    return {"kod": value, "beskrivning": text}


def money(amount: float) -> Item:
    """An amount of FK's model, in SEK."""
    return {"summa": amount, "valuta": "SEK"}


def share(numerator: int, denominator: int) -> Item:
    """An extent of FK's model, as a fraction."""
    return {"taljare": numerator, "namnare": denominator}


def span(start: str, end: str | None = None) -> Item:
    """A period of FK's model; without an end it is open."""
    return {"fran": start, "till": end} if end else {"fran": start}


def pm_span(start: str, end: str | None = None) -> Item:
    """A period of the Pensions Agency's model; without an end it is open."""
    return {"from": start, "tom": end} if end else {"from": start}
