"""Planting a fault: a scenario is played in a world of its own, with patches in place, and everything is verified."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import transaction

from deliveries import runs
from deliveries.verification import verify
from subscriptions.models import Stream, Watch
from tests.histories.checks import check_document
from tests.histories.sources import SJP
from tests.histories.world import World, world

Fault = Callable[[], AbstractContextManager]
Scenario = Callable[[World, Callable[[], Any]], Any]
TRUE_RELEASE = runs.release


def play(folder: Path, scenario: Scenario, *faults: Fault) -> list[str]:
    """Play a scenario, which says when the faults are planted, and return what is then found to be different."""
    folder.mkdir()
    with transaction.atomic(), world(folder, persons=4) as made:
        made.sources.hand_over(made.now, *made.sources.people)
        with ExitStack() as planted:
            scenario(made, lambda: [planted.enter_context(fault()) for fault in faults])
        found = [str(one) for stream in made.streams for one in verify(stream, made.now).different]
        transaction.set_rollback(True)
    return found


def patched(owner: Any, name: str, value: Any) -> Fault:
    """A fault: something else in place of a part of the product."""
    return lambda: mock.patch.object(owner, name, value)


def spoken(made: World, section: str, *items, person: int = 0) -> None:
    """The source says what a section of a person holds, from now on."""
    one = made.sources.people[person]
    one.sections[section] = list(items)
    made.sources.hand_over(made.now, one, only=[section])


def watched(made: World, benefit: str = SJP) -> Watch:
    """A watch that has had its first delivery."""
    watch = made.watch(made.streams[0], 0, benefit)
    made.night()
    return watch


@contextmanager
def before_release(stream: Stream, happens: Callable[[], Any]) -> Iterator[list[str]]:
    """Let something happen just before the stream's release; yields what released documents should not have told."""
    due, leaked = [happens], []

    def late(*args):
        if due and args[1] == stream:
            due.pop()()
        delivery = TRUE_RELEASE(*args)
        try:
            check_document(delivery)
        except AssertionError as found:
            leaked.append(str(found))
        return delivery

    with mock.patch.object(runs, "release", late):
        yield leaked
