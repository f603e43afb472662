"""Random histories over a small register, and what must hold after every step of them (C10).

A history mixes imports, law changes, orders, runs that go well, fail or are killed, fetches and recalls. After each
step every receiver's own state is checked; after each run, and at the end, all that was told is verified against
the register.

Every history has a deck of cards, a rule on each, and plays a card at each step. What is rare by nature so comes as
often as its cards say; what finds nothing to act on leaves its turn to the next card that does.
"""

import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from benefits.services import person_of
from deliveries import building, runs
from deliveries.models import Delivery
from tests.factories import ConsentFactory
from tests.histories.checks import Receivers, check_document, prove
from tests.histories.knowledge import Knowledge
from tests.histories.law import Law
from tests.histories.nights import Nights
from tests.histories.receiving import Receiving
from tests.histories.sources import AP, FP, GEPI, SJP
from tests.histories.steps import Card, deck
from tests.histories.world import BENEFITS, WIDE, World

DECK = deck()
CONSENTING = [0, 1, 4, 5]
FIRST_WATCHES = [
    *[(0, 0, SJP), (0, 1, FP), (0, 2, SJP), (0, 2, GEPI), (0, 3, AP)],
    *[(1, 1, FP), (1, 4, SJP)],
    *[(2, 0, SJP), (2, 3, FP)],
]
TRUE_RELEASE = runs.release


class History(Knowledge, Law, Nights, Receiving, RuleBasedStateMachine):
    """One history, in a transaction that is rolled back at its end. `cut` is where its deck begins."""

    def __init__(self, cut: int = 0) -> None:
        super().__init__()
        self.deck: list[Card | None] = DECK[cut % len(DECK) :] + DECK[: cut % len(DECK)]
        self.broken = False
        self.violations: list[AssertionError] = []
        self.merged, self.emptied, self.future = [], [], []
        self.late: Any = None
        self.late_at = self.releases = 0
        self._folder = tempfile.TemporaryDirectory()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.world = World(Path(self._folder.name))
        self._patches = [mock.patch.object(runs, "release", self._release), mock.patch.object(building, "PAGE", 2)]
        for patch in self._patches:
            patch.start()
        self.receivers = Receivers()
        self.import_of(*self.world.sources.people)
        for person in CONSENTING:
            ConsentFactory(
                customer=self.world.streams[1].agreement.customer,
                person=person_of(self.someone(person).number),
                benefits=BENEFITS,
                classes=WIDE,
            )
        for place, person, benefit in FIRST_WATCHES:
            self.world.watch(self.world.streams[place], person, benefit)

    def teardown(self) -> None:
        try:
            if not self.broken:
                self._last_proof()
        finally:
            for patch in self._patches:
                patch.stop()
            self.world.close()
            transaction.set_rollback(True)
            self._transaction.__exit__(None, None, None)
            self._folder.cleanup()

    @rule(place=st.integers(0, len(DECK) - 1), data=st.data())
    def step(self, place, data):
        """Play the card at the place, or the next that has not been played and has something to act on."""
        try:
            card = self._take(place)
            self.data = data
            card.play(self, data.draw(card.rule.drawn, label=card.name))
        except BaseException:
            self.broken = True
            raise

    def _take(self, place: int) -> Card:
        for turn in range(len(self.deck)):
            at = (place + turn) % len(self.deck)
            card = self.deck[at]
            if card is not None and card.can_be_played(self):
                self.deck[at] = None
                return card
        raise AssertionError("no card can be played")

    def _last_proof(self) -> None:
        """A night examines everything; a run just after it has nothing to tell."""
        self._finish_what_runs()
        self._night()
        prove(self.world, examined=True)
        last = self.world.on_demand()
        told = Delivery.objects.filter(run=last).exclude(persons=0).exclude(stream__in=self._where_a_date_passed())
        self.everything_holds()
        assert not told.exists(), "a run told something though nothing had happened"
        prove(self.world, examined=True)

    def _where_a_date_passed(self) -> list[int]:
        """The streams examined on an earlier day in their last run but one: a right may have begun or ended since."""
        last = Delivery.objects.order_by("-pk")[: len(self.world.streams) * 2]
        by_stream: dict[int, set] = {}
        for one in last:
            by_stream.setdefault(one.stream_id, set()).add(one.day)
        return [stream for stream, days in by_stream.items() if len(days) > 1]

    @invariant()
    def everything_holds(self) -> None:
        try:
            assert not self.violations, self.violations
            self.receivers.look()
        except AssertionError:
            self.broken = True
            raise

    def _release(self, *args: Any, **kwargs: Any) -> Delivery:
        """The true release, after whatever was to happen just before it."""
        self.releases += 1
        if self.late and self.releases == self.late_at:
            late, self.late = self.late, None
            late()
        delivery = TRUE_RELEASE(*args, **kwargs)
        try:
            check_document(delivery)
        except AssertionError as violation:  # the run would take it for a failed try
            self.violations.append(violation)
        return delivery
