"""How the rules of a history are written, dealt and counted, and how a step of a run is made to fail."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from deliveries import building, reading, release, runs

FIRED: Counter[str] = Counter()  # how often each rule, and each kind of it, had an effect in all histories
PLAYED: Counter[str] = Counter()  # how often each was played at all
REFUSED: Counter[str] = Counter()  # what the system refused, by code
PERSON = st.integers(0, 7)
STREAM = st.integers(0, 2)
ANY = st.integers(0, 255)  # which of those that a rule may act on, counted round
DAYS_AGO = st.integers(0, 400)

# Every step from examining to closing, at which a try can fail or be killed (C5).
STEPS: dict[str, tuple[Any, str]] = {
    name: (owner, name)
    for owner, name in [
        (building.Builder, "_examine"),
        (reading, "validate"),
        (release.storage, "keep"),
        (release, "_demand_law_unchanged"),
        (release, "_deliver"),
        (release, "_disclose"),
        (release, "_remember"),
        (release, "_settle"),
        (runs, "release"),
    ]
}


@dataclass(frozen=True, eq=False)
class Rule:
    """Something that can happen. `when` says whether it would find anything to act on.

    A rule that `shuts` leaves others less to act on, and happens only while not much is shut.
    """

    name: str
    act: Callable[..., Any]
    draws: dict[str, st.SearchStrategy]
    weight: int
    when: Callable[[Any], Any]
    shuts: bool
    kinds: tuple[str, ...]
    also: tuple[str, ...]

    @cached_property
    def drawn(self) -> st.SearchStrategy:
        return st.fixed_dictionaries(self.draws)


@dataclass(frozen=True, eq=False)
class Card:
    """A rule, or one kind of it, that a history may play once."""

    rule: Rule
    kind: str = ""

    @property
    def name(self) -> str:
        return f"{self.rule.name}: {self.kind}" if self.kind else self.rule.name

    def can_be_played(self, history: Any) -> bool:
        if self.rule.shuts and not history.room():
            return False
        inner = RULES.get(self.kind)
        return bool(self.rule.when(history) and (inner is None or inner.when(history)))

    def play(self, history: Any, drawn: dict[str, Any]) -> None:
        """Do it, and count it under its rule's name and its own if it had an effect, and under what it says it did."""
        names = {self.rule.name, self.name}
        PLAYED.update(names)
        effect = self.rule.act(history, **drawn, kind=self.kind) if self.kind else self.rule.act(history, **drawn)
        if effect is not False:
            FIRED.update(names if effect in (None, True) else {*names, effect})


RULES: dict[str, Rule] = {}


def always(history: Any) -> bool:
    return True


def happens(
    *,
    weight: int = 1,
    when: Callable[[Any], Any] = always,
    shuts: bool = False,
    kinds: Sequence[str] = (),
    also: Sequence[str] = (),
    **draws: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A rule with `weight` cards in the deck, or as many of each of its kinds, played only `when` it can be.

    It returns False if it had no effect; or else the one of `also` to count besides itself, if there are such.
    """

    def decorate(act: Callable[..., Any]) -> Callable[..., Any]:
        RULES[act.__name__] = Rule(act.__name__, act, draws, weight, when, shuts, tuple(kinds), tuple(also))
        return act

    return decorate


def deck() -> list[Card]:
    """A card for each unit of weight, each rule's evenly spread, and neighbours in the code far from each other."""
    placed: list[tuple[float, Card]] = []
    kinds = [Card(rule, kind) for rule in RULES.values() for kind in rule.kinds or ("",)]
    for number, card in enumerate(kinds):
        offset = number * 0.618 % 1
        placed += [((turn + offset) / card.rule.weight, card) for turn in range(card.rule.weight)]
    return [card for _, card in sorted(placed, key=lambda one: one[0])]


def pick(things: Sequence[Any], which: int) -> Any:
    return things[which % len(things)]


def another(things: Sequence[Any], than: Any, which: int) -> Any:
    """One of the things that is not what it is now."""
    return pick([one for one in things if one != than], which)


class Killed(BaseException):
    """The process was killed here: nothing after this point ran."""


class Broken(Exception):
    """Something failed here."""


@contextmanager
def trouble(step: tuple[Any, str], error: BaseException, *, times: int = 1, after: bool = False) -> Iterator[list]:
    """Fail at a step, before or after what it does, the first times it is reached; yields what was raised."""
    owner, name = step
    true = getattr(owner, name)
    raised: list[BaseException] = []

    def fail(*args: Any, **kwargs: Any) -> Any:
        if len(raised) == times:
            return true(*args, **kwargs)
        if after:
            true(*args, **kwargs)
        raised.append(error)
        raise error

    with mock.patch.object(owner, name, fail):
        yield raised
