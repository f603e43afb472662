"""Rules about runs: nights that go well, and runs that fail, are killed, overtaken or ended on the way."""

from datetime import timedelta
from typing import Any
from unittest import mock

from hypothesis import strategies as st

from deliveries import building, runs, tasks
from deliveries.models import Delivery, Run
from tests.histories.checks import prove
from tests.histories.steps import REFUSED, RULES, STEPS, STREAM, Broken, Killed, happens, trouble
from tests.histories.world import World

LATE = [
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
TROUBLE = [f"trouble at {step}" for step in STEPS]


class Nights:
    """Each rule is a run, after which everything is verified."""

    world: World
    data: st.DataObject
    late: Any
    late_at: int
    releases: int

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

    @happens(weight=4, quiet=st.integers(0, 2))
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

    @happens(
        weight=5,
        also=TROUBLE,
        when=lambda self: self.served(),
        step=st.sampled_from(list(STEPS)),
        times=st.integers(1, 4),
        after=st.booleans(),
        nightly=st.booleans(),
    )
    def run_that_fails(self, step, times, after, nightly):
        """A step fails once, so that the stream is tried again, or until a stream is given up for the night."""
        run = self._start(nightly=nightly)
        with trouble(STEPS[step], Broken(), times=times, after=after) as raised:
            runs.perform(run)
        self._proved(run, examined=False)
        return bool(raised) and f"trouble at {step}"

    @happens(
        weight=6,
        also=TROUBLE,
        when=lambda self: self.served(),
        step=st.sampled_from(list(STEPS)),
        after=st.booleans(),
        nightly=st.booleans(),
        reaped=st.booleans(),
    )
    def run_that_is_killed(self, step, after, nightly, reaped):
        """The process dies at a step; the reaper takes the run up again, or the run lies until its deadline."""
        run = self._start(nightly=nightly)
        with mock.patch.object(runs, "drop_lease"), trouble(STEPS[step], Killed(), after=after) as raised:
            try:
                runs.perform(run)
            except Killed:
                self.late = None
        if reaped:
            self._finish_what_runs()
        numbers = Delivery.objects.filter(run=run).values_list("stream", flat=True)
        assert len(numbers) == len(set(numbers)), "a run released a stream twice"
        self._proved(run, examined=False)
        return bool(raised) and f"trouble at {step}"

    @happens(kinds=LATE, when=lambda self: self.served(), nightly=st.booleans(), place=STREAM)
    def change_between_build_and_release(self, kind, nightly, place):
        self._finish_what_runs()
        change, happened = RULES[kind], []
        step = self.data.draw(change.drawn, label=kind)

        def late() -> None:
            if change.when(self) and change.act(self, **step) is not False:
                happened.append(kind)

        run = self._start(nightly=nightly)
        self.late, self.late_at, self.releases = late, 1 + place % max(1, len(self.served())), 0
        runs.perform(run)
        self.late = None
        self._proved(run, examined=False)
        return bool(happened)

    @happens(weight=2, when=lambda self: self.served(), pages=st.integers(1, 3), nightly=st.booleans())
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
