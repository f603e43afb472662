"""How the rules of a history are written and counted."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import rule

from deliveries import building, reading, release, runs

FIRED: Counter[str] = Counter()  # how often each rule had an effect, in all histories of this process
REFUSED: Counter[str] = Counter()  # what the system refused, by code
PERSON = st.integers(0, 7)
STREAM = st.integers(0, 2)
DAYS_AGO = st.integers(0, 400)

# Every step from examining to closing, at which a try can fail or be killed (C5).
STEPS: list[tuple[Any, str]] = [
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


def happens(**draws: Any) -> Callable[[Callable[..., Any]], Any]:
    """A rule that is counted when it had an effect; one without any returns False."""

    def decorate(step: Callable[..., Any]) -> Any:
        @rule(**draws)
        @wraps(step)
        def counted(self: Any, **drawn: Any) -> None:
            try:
                if step(self, **drawn) is not False:
                    FIRED[step.__name__] += 1
            except BaseException:
                self.broken = True
                raise

        return counted

    return decorate


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
