"""Faults at every step of a run, dealt as cards: nothing is lost, told twice, unlogged or unnoticed, whatever happens.

A task is lost, doubled, turned round or late; the broker is away; the database fails or the process dies on either side
of every step; a byte is changed in a document that is being made, or in one that is kept. Each night plays a few cards,
and every card must have had its effect. Beat and reaper go as in production, leases run out by the clock, and what a
deadline cut off comes the next night. HISTORY_SEED deals otherwise.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from deliveries import building, candidates, jws, release, runs, storage, tasks
from deliveries.lags import watch_lags
from deliveries.models import Delivery, Disclosure, Lag, Receipt, Run, StreamRun
from deliveries.reading import read
from deliveries.services import FetchRefused, acknowledge, fetch
from deliveries.verification import verify
from subscriptions.models import Pending, Stream
from tests.histories.checks import Receivers, prove
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import World, world
from tests.test_crash_points import AFTER, BEFORE, STEPS

SEED = os.environ.get("HISTORY_SEED", "1")
HANDS = 4  # the deck is played in so many histories
CARDS_A_NIGHT = 3
MINUTES = 6  # from one look of the reaper to the next: a lease has run out
LOOKS = 12  # of the reaper, in a night
PERSONS = 3
ALL_STEPS = [
    *STEPS,
    ("the run begins", runs, "start_run", BEFORE),
    ("the candidates are found", candidates, "find", AFTER),
    ("the lease is asked for", runs, "take_lease", BEFORE),
    ("the lease is given", runs, "take_lease", AFTER),
    ("the try is counted", runs, "_begin", AFTER),
    ("the manifest is signed", release, "sign_manifest", AFTER),
    ("what is held back is noted", release, "_hold_back", AFTER),
    ("the answered orders are noted", release, "_carry", AFTER),
    ("the run ends", runs, "end_run", BEFORE),
    ("the run has ended", runs, "end_run", AFTER),
]
MESSAGES = ["dropped", "doubled", "first", "late", "refused by the broker"]
BYTES = ["in the head", "in the last line"]


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Card:
    """A fault, the context in which it waits to happen, and whether it has."""

    name: str
    planted: Callable[["Night", "Card"], Any]
    happened: bool = False


class Night:
    """Workers, broker and reaper of one night, all in one process: messages are delivered one by one."""

    def __init__(self, made: World, cards: list[Card], random: Random) -> None:
        self.made = made
        self.cards = cards
        self.random = random
        self.dying = False
        self.queue: list[int] = []
        self.late: list[int] = []
        self.messages: list[Card] = []

    def play(self) -> None:
        """One night, to its end or its deadline."""
        made = self.made
        made.now = max(made.now, made._at(22))
        with ExitStack() as planted:
            planted.enter_context(mock.patch.object(tasks.release_stream, "delay", self.publish))
            self._die_without_cleaning_up(planted)
            for card in self.cards:
                planted.enter_context(card.planted(self, card))
            self._go_on()
        self._deadline()

    def _die_without_cleaning_up(self, planted: ExitStack) -> None:
        for owner, name in ((building.Draft, "discard"), (runs, "drop_lease")):
            true = getattr(owner, name)
            planted.enter_context(mock.patch.object(owner, name, self._unless_dying(true)))

    def _unless_dying(self, true: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: None if self.dying else true(*args)

    def _go_on(self) -> None:
        for _ in range(LOOKS):
            self.attempt(tasks.start_the_night)
            self.attempt(tasks.put_back_what_is_stuck)
            self._drain()
            if Run.objects.filter(day=self.made.day, status=Run.Status.DONE).exists():
                return
            self.made.now += timedelta(minutes=MINUTES)

    def _drain(self) -> None:
        while self.queue:
            message = self.queue.pop(0)
            self.attempt(lambda pk=message: tasks.release_stream(pk))

    def _deadline(self) -> None:
        """The next noon: what was late comes when nobody waits for it."""
        self.made.next_day()
        tasks.put_back_what_is_stuck()
        for pk in self.late:
            tasks.release_stream(pk)

    def attempt(self, task: Callable[[], Any]) -> None:
        """Let a worker try a task: it may fail or die."""
        try:
            task()
        except (Killed, OperationalError, BrokerAway):
            self.dying = False

    def publish(self, pk: int) -> None:
        card = self.messages.pop() if self.messages else None
        if card is None:
            self.queue.append(pk)
            return
        card.happened = True
        if card.name == "refused by the broker":
            raise BrokerAway
        places = {"dropped": [], "doubled": [pk, pk], "first": [pk], "late": []}[card.name]
        self.queue = places + self.queue if card.name == "first" else self.queue + places
        self.late += [pk] if card.name == "late" else []


def message(name: str) -> Card:
    """A card about the next message."""

    @contextmanager
    def planted(night: Night, card: Card) -> Iterator[None]:
        night.messages.append(card)
        yield

    return Card(name, planted)


def at_step(step: tuple[str, Any, str, str], error: type[BaseException]) -> Card:
    """A card that fails or kills at a step, the first time that it is come to."""
    what, owner, name, side = step

    @contextmanager
    def planted(night: Night, card: Card) -> Iterator[None]:
        true = getattr(owner, name)

        def fail(*args: Any, **kwargs: Any) -> Any:
            if card.happened:
                return true(*args, **kwargs)
            if side == AFTER:
                true(*args, **kwargs)
            card.happened, night.dying = True, error is Killed
            raise error

        # Wherever it has been imported by its name; what is already patched there is left to its own card.
        owners = [one for one in {owner, release, building, runs} if getattr(one, name, None) is true]
        with ExitStack() as patches:
            for one in owners:
                patches.enter_context(mock.patch.object(one, name, fail))
            yield

    return Card(f"{error.__name__} {side} {what}", planted)


def changed_byte(place: str) -> Card:
    """A card that changes a digit of a finished document before it is examined: it is as well-formed as before."""

    @contextmanager
    def planted(night: Night, card: Card) -> Iterator[None]:
        true = runs.reading.validate

        def examine(path: Path, *args: Any) -> None:
            if not card.happened:
                card.happened = True
                change_a_digit(path, last=place == "in the last line")
            true(path, *args)

        with mock.patch.object(runs.reading, "validate", examine):
            yield

    return Card(f"a byte changed {place}", planted)


def change_a_digit(path: Path, *, last: bool) -> None:
    """Another digit in the decision day, or in the number of persons."""
    text = path.read_bytes()
    at = text.rindex(b"</personer>") - 1 if last else text.index(b"<beslutsdag>") + len("<beslutsdag>200")
    digit = b"1" if text[at : at + 1] != b"1" else b"2"
    path.write_bytes(text[:at] + digit + text[at + 1 :])


def deck() -> list[Card]:
    cards = [at_step(step, error) for step in ALL_STEPS for error in (Killed, OperationalError)]
    cards += [message(name) for name in MESSAGES] + [changed_byte(place) for place in BYTES]
    Random(SEED).shuffle(cards)
    return cards


def hand(number: int) -> list[list[Card]]:
    """The nights of one history: a few cards each."""
    cards = deck()[number::HANDS]
    return [cards[start : start + CARDS_A_NIGHT] for start in range(0, len(cards), CARDS_A_NIGHT)]


@pytest.fixture
def made(db, tmp_path) -> Iterator[World]:
    """Two streams with watches on three persons; only the first stream's customer fetches what it is told."""
    with mock.patch.object(building, "PAGE", 2), world(tmp_path, persons=PERSONS) as made:
        made.sources.hand_over(made.now, *made.sources.people)
        for person in range(PERSONS):
            made.watch(made.streams[0], person, SJP)
            made.watch(made.streams[2], person, FP)
        yield made


def something_new(made: World, random: Random) -> None:
    """A case comes, goes or is told anew; now and then a watch is ordered or cancelled."""
    person = random.choice(made.sources.people)
    items = person.items("sjukpenningarende")
    if items and random.random() < 0.3:
        items.pop()
    else:
        items.append(sickness(made.day - timedelta(days=random.randint(1, 300)), random.randint(1, 30)))
    made.sources.hand_over(made.now, person)
    kind = random.choice(["nybestallningBevakning", "avbestallningBevakning", "heluppdateringBevakning"])
    made.order(made.streams[random.choice([0, 2])], kind, person.number, SJP)


def fetch_and_acknowledge(made: World) -> None:
    """The first customer fetches what waits, in order, each day."""
    waiting = Delivery.objects.standing().filter(stream=made.streams[0], first_fetched_at=None)
    for delivery in waiting.order_by("number"):
        fetch(delivery=delivery, at=made.now, client="test")
        acknowledge(delivery=delivery, sha256=delivery.sha256, at=made.now)


def nothing_is_told_unlogged() -> None:
    """Each watch that a document speaks of has its row in the log of that delivery, and each delivery its manifest."""
    for delivery in Delivery.objects.select_related("manifest"):
        told = {
            one.watch for entry in read(storage.place_of(delivery.sha256)) for one in (*entry.statuses, *entry.blocks)
        }
        assert told <= set(Disclosure.objects.filter(delivery=delivery).values_list("watch", flat=True))
        assert jws.payload_of(delivery.manifest.jws)["sha256"] == delivery.sha256
    for stream in Stream.objects.all():
        chain = list(Receipt.objects.chain(stream.pk))
        assert [one.previous for one in chain] == ["", *(one.sha256 for one in chain)][: len(chain)]


@pytest.mark.parametrize("number", range(HANDS))
def test_whatever_goes_wrong_at_whatever_step_everything_is_told_once_logged_and_in_order(made, number):
    random = Random(f"{SEED} {number}")
    receivers = Receivers()
    nights = hand(number)
    for cards in nights:
        something_new(made, random)
        Night(made, cards, random).play()
        receivers.look()
        fetch_and_acknowledge(made)
        watch_lags(made.now)
    made.night()
    fetch_and_acknowledge(made)

    assert [card.name for cards in nights for card in cards if not card.happened] == []
    prove(made, examined=True)
    assert not Pending.objects.exists()
    nothing_is_told_unlogged()
    assert not StreamRun.objects.filter(status=StreamRun.Status.WAITING).exists()
    late = Lag.objects.values_list("stream", flat=True)
    assert made.streams[0].pk not in late, "an alarm about a customer who fetched in time"
    assert len(nights) < 6 or made.streams[2].pk in late, "no alarm about a customer who never fetched"


def test_a_kept_document_that_is_damaged_is_neither_handed_out_nor_overlooked(made):
    made.night()
    delivery = Delivery.objects.get(stream=made.streams[0])
    path = storage.place_of(delivery.sha256)
    whole = path.read_bytes()
    change_a_digit(path, last=False)

    with pytest.raises(FetchRefused, match="DOCUMENT_DAMAGED"):
        fetch(delivery=delivery, at=made.now)
    report = verify(made.streams[0], made.now)
    assert any("damaged" in str(one) for one in report.different)
    made.night()
    assert Delivery.objects.filter(stream=made.streams[0]).count() == 2, "the stream goes on"

    path.write_bytes(whole)
    fetch(delivery=delivery, at=made.now)
    prove(made, examined=True)


def test_the_deck_has_every_fault_at_every_step():
    names = [card.name for card in deck()]

    assert len(names) == len(set(names)) == 2 * len(ALL_STEPS) + len(MESSAGES) + len(BYTES)
    assert sorted(card.name for number in range(HANDS) for cards in hand(number) for card in cards) == sorted(names)
