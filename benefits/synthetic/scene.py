"""What a section builder is told about the person it writes for, and the small parts that cases share."""

from dataclasses import dataclass
from random import Random

from .draw import Item, between, code, iso, money, pick, share, span
from .people import Birth

EXTENTS = ((1, 4), (1, 2), (3, 4), (1, 1))
PERIODICITY = ("Ingen", "Månadsvis", "Kvartalsvis", "Halvårsvis", "Årsvis")


@dataclass(frozen=True, slots=True)
class Scene:
    """One person on one day, with the generator that everything about them is drawn from."""

    rng: Random
    today: int
    birth: Birth
    name: str

    @property
    def age(self) -> int:
        return (self.today - self.birth.day) // 365

    @property
    def surname(self) -> str:
        return self.name.rpartition(" ")[2]


def extent(rng: Random) -> Item:
    return share(*pick(rng, EXTENTS))


def month(ordinal: int) -> str:
    return iso(ordinal)[:7]


def period(rng: Random, start: int, end: int | None, *, coarse: bool = False) -> Item:
    """A period from day numbers; some sources give months only, some leave out one end."""
    if coarse:
        return span(month(start), None if end is None else month(end))
    if end is not None and rng.random() < 0.01:
        return {"till": iso(end)}
    return span(iso(start), None if end is None else iso(end))


def decided(rng: Random, day: int, benefit: tuple[str, str]) -> Item:
    """The fields that every decision begins with."""
    return {"fattades": iso(day), "definitivt": rng.random() < 0.9, "forman": code(*benefit)}


def monthly(rng: Random, low: int, high: int) -> Item:
    """What a decision about a monthly benefit says of its amount."""
    return {
        "periodicitet": code(1, PERIODICITY[1]),
        "beslutatBruttobelopp": money(between(rng, low, high)),
    }


def case_head(rng: Random, start: int, *, active: bool, refused: bool | None = False) -> Item:
    """The fields that every case begins with; `refused=None` where the contract has no such field."""
    head: Item = {"startades": iso(start - between(rng, 1, 30)), "aktivt": active}
    return head if refused is None else head | {"avslaget": refused}
