"""Random histories over a small register, and what must hold after every step of them (C10).

A history mixes imports, law changes, orders, runs that go well, fail or are killed, fetches and recalls. After each
step every receiver's own state is checked; after each run, and at the end, all that was told is verified against
the register.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from deliveries import building, runs, tasks
from deliveries.models import Delivery, Run
from deliveries.services import AcknowledgeRefused, FetchRefused, acknowledge, fetch, recall_what_may_no_longer_be_told
from tests.histories.checks import Receivers, check_document, prove
from tests.histories.knowledge import Knowledge
from tests.histories.law import Law
from tests.histories.sources import AP, FP, GEPI, SJP
from tests.histories.steps import PERSON, REFUSED, STEPS, STREAM, Broken, Killed, happens, trouble
from tests.histories.world import World

STEP = st.sampled_from(STEPS)
FIRST_WATCHES = [(0, 0, SJP), (0, 1, FP), (0, 2, SJP), (0, 2, GEPI), (0, 3, AP), (2, 0, SJP), (2, 3, FP)]
TRUE_RELEASE = runs.release
LATE = st.sampled_from(
    [
        "consent_withdrawn",
        "protection_set",
        "agreement_narrowed",
        "agreement_ended",
        "basis_closed",
        "block_set",
        "approval_ended",
        "cancelled",
        "refreshed",
        "new_case",
        "number_changed",
    ]
)


class History(Knowledge, Law, RuleBasedStateMachine):
    """One history, in a transaction that is rolled back at its end."""

    def __init__(self) -> None:
        super().__init__()
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

    def _finish_what_runs(self) -> None:
        """As the reaper does once the lease of a killed worker has run out."""
        for _ in range(runs.TRIES):
            if Run.objects.filter(status=Run.Status.RUNNING).exists():
                self.world.now += timedelta(minutes=6)
                tasks.put_back_what_is_stuck()

    def _start(self, *, nightly: bool) -> Run:
        try:
            return self.world.start_night() if nightly else self.world.start_on_demand()
        except runs.RunRefused as refused:
            REFUSED[refused.code] += 1
            self._finish_what_runs()
            return (
                self.world.start_night() if nightly and refused.code != "ALREADY_RUN" else self.world.start_on_demand()
            )

    def _night(self) -> Run:
        run = runs.perform(self._start(nightly=True))
        assert run.status == Run.Status.DONE
        return run

    def _proved(self, run: Run, *, examined: bool) -> None:
        self.everything_holds()
        prove(self.world, examined=examined)
        if run.kind == Run.Kind.NIGHTLY:
            self.world.next_day()

    @happens(quiet=st.integers(0, 2))
    def nightly_run(self, quiet):
        """A night on which all goes well, after some days without a run."""
        self._finish_what_runs()
        self.world.next_day(quiet) if quiet else None
        self._proved(self._night(), examined=True)

    @happens()
    def run_on_demand(self):
        self._proved(runs.perform(self._start(nightly=False)), examined=True)

    @happens()
    def dry_run(self):
        self._finish_what_runs()
        before = Delivery.objects.count()
        runs.perform(self.world.start_night(dry_run=True))
        assert Delivery.objects.count() == before, "a dry run told something"
        prove(self.world)

    @happens(step=STEP, times=st.integers(1, 4), after=st.booleans(), nightly=st.booleans())
    def run_that_fails(self, step, times, after, nightly):
        """A step fails once, so that the stream is tried again, or until a stream is given up for the night."""
        run = self._start(nightly=nightly)
        with trouble(step, Broken(), times=times, after=after) as raised:
            runs.perform(run)
        self._proved(run, examined=False)
        return bool(raised)

    @happens(step=STEP, after=st.booleans(), nightly=st.booleans(), reaped=st.booleans())
    def run_that_is_killed(self, step, after, nightly, reaped):
        """The process dies at a step; the reaper takes the run up again, or the run lies until its deadline."""
        run = self._start(nightly=nightly)
        with mock.patch.object(runs, "drop_lease"), trouble(step, Killed(), after=after) as raised:
            try:
                runs.perform(run)
            except Killed:
                self.late = None
        if reaped:
            self._finish_what_runs()
        numbers = Delivery.objects.filter(run=run).values_list("stream", flat=True)
        assert len(numbers) == len(set(numbers)), "a run released a stream twice"
        self._proved(run, examined=False)
        return bool(raised)

    @happens(change=LATE, data=st.data(), nightly=st.booleans(), place=STREAM)
    def change_between_build_and_release(self, change, data, nightly, place):
        self._finish_what_runs()
        step = {one: data.draw(draws) for one, draws in _draws(type(self), change).items()}
        happened = []

        def late() -> None:
            getattr(type(self), change)(self, **step)
            happened.append(change)

        run = self._start(nightly=nightly)
        self.late, self.late_at, self.releases = late, 1 + place, 0
        runs.perform(run)
        self.late = None
        self._proved(run, examined=False)
        return bool(happened)

    @happens(pages=st.integers(1, 3), nightly=st.booleans())
    def deadline_while_building(self, pages, nightly):
        """The reaper ends the run while a worker is in the middle of a stream."""
        run = self._start(nightly=nightly)
        true, built = building.Builder._examine, []

        def examine(*args: Any) -> None:
            built.append(1)
            if len(built) == pages:
                runs.end_run(run, self.world.now)
            true(*args)

        with mock.patch.object(building.Builder, "_examine", examine):
            runs.perform(run)
        self._proved(run, examined=False)
        return len(built) >= pages

    @happens(place=STREAM, most=st.integers(1, 3))
    def fetched(self, place, most):
        unfetched = Delivery.objects.standing().filter(stream=self.world.streams[place], first_fetched_at=None)
        for delivery in unfetched.order_by("number")[:most]:
            try:
                fetch(delivery=delivery, at=self.world.now, client="test")
            except FetchRefused as refused:
                REFUSED[refused.code] += 1
                return False
        return unfetched.exists() or bool(most)

    @happens(place=STREAM)
    def fetched_again(self, place):
        again = Delivery.objects.filter(stream=self.world.streams[place]).exclude(first_fetched_at=None).first()
        if again is None:
            return False
        try:
            fetch(delivery=again, at=self.world.now, client="test")
        except FetchRefused as refused:
            REFUSED[refused.code] += 1

    @happens(place=STREAM, person=PERSON)
    def acknowledged(self, place, person):
        deliveries = list(Delivery.objects.filter(stream=self.world.streams[place]))
        if not deliveries:
            return False
        delivery = deliveries[person % len(deliveries)]
        try:
            acknowledge(delivery=delivery, sha256=delivery.sha256, at=self.world.now)
        except AcknowledgeRefused as refused:
            REFUSED[refused.code] += 1
            return False

    @happens()
    def recalled_at_the_gate(self):
        recalled = recall_what_may_no_longer_be_told(self.world.now)
        prove(self.world)
        return recalled > 0

    @happens(place=STREAM, person=PERSON)
    def protected_after_release_and_recalled(self, place, person):
        """A person in a delivery that nobody has fetched becomes protected."""
        self._finish_what_runs()
        self._proved(self._night(), examined=True)
        type(self).protection_set(self, person=person, kind="SEKRETESSMARKERING")
        recalled = recall_what_may_no_longer_be_told(self.world.now)
        self.everything_holds()
        prove(self.world)
        return recalled > 0


def _draws(machine: type, name: str) -> dict[str, Any]:
    """The strategies that a rule draws its arguments from."""
    return getattr(machine, name).hypothesis_stateful_rule.arguments
