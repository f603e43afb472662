"""How far a run has come, and what its deadline says of it."""

from datetime import timedelta
from unittest import mock

import pytest

from deliveries import building, runs
from deliveries.models import Run, StreamRun
from deliveries.progress import Clock, progress_of
from tests.deliveries.test_runs import news
from tests.factories import AT, RunFactory, StreamRunFactory
from tests.histories.sources import SJP

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Status = StreamRun.Status


def run_with(*streams, **said):
    """A run that began at AT and has until seven hours later; streams as (status, candidates, examined)."""
    run = RunFactory(**{"status": Run.Status.RUNNING, "started_at": AT} | said)
    for status, candidates, examined in streams:
        StreamRunFactory(run=run, status=status, candidates=candidates, examined=examined)
    return run


def test_progress_counts_streams_and_the_watches_examined_within_one_that_is_not_done(django_assert_num_queries):
    run = run_with((Status.RELEASED, 98, 98), (Status.WAITING, 300, 50), (Status.WAITING, 99, 0))

    with django_assert_num_queries(1):
        found = progress_of(run, AT + HOUR)

    assert (found.streams, found.streams_done, found.watches, found.watches_done) == (3, 1, 497, 148)
    assert found.percent == 100 * (1 + 148) // 500


@pytest.mark.parametrize(
    ("done", "hours", "end", "clock"),
    [
        (50, 2, 4, Clock.IN_TIME),
        (50, 4, 8, Clock.AT_RISK),
        (0, 1, None, Clock.IN_TIME),
        (0, 7.1, None, Clock.AT_RISK),
    ],
)
def test_while_a_run_goes_on_the_clock_says_whether_it_will_be_in_time(done, hours, end, clock):
    run = run_with((Status.WAITING, 99, done))

    found = progress_of(run, AT + hours * HOUR)

    assert found.clock == clock
    if end is None:
        assert found.expected_end is None
    else:
        assert found.expected_end == AT + end * HOUR


@pytest.mark.parametrize(
    ("status", "clock"),
    [
        (Status.RELEASED, Clock.IN_TIME),
        (Status.STOPPED, Clock.IN_TIME),
        (Status.FAILED, Clock.LATE),
        (Status.CARRIED_OVER, Clock.LATE),
    ],
)
def test_when_it_is_over_the_clock_says_whether_all_were_told_in_time(status, clock):
    found = progress_of(run_with((status, 1, 1), (Status.RELEASED, 1, 1), status=Run.Status.DONE), AT)

    assert (found.clock, found.percent, found.expected_end) == (clock, 100, None)


def test_a_held_run_has_no_expected_end_and_a_rehearsal_no_deadline_to_keep():
    assert progress_of(run_with((Status.WAITING, 9, 3), status=Run.Status.HELD), AT + HOUR).expected_end is None
    assert progress_of(RunFactory(dry_run=True), AT).clock == Clock.REHEARSAL
    assert progress_of(RunFactory(), AT).percent == 100


def test_a_stream_notes_how_many_watches_it_has_examined_after_each_page(world):
    for n in range(3):
        news(world, n)
        world.watch(world.streams[0], n, SJP)
    run = world.start_night()
    seen, true = [], runs.keep_lease

    def look(*args):
        seen.append(run.streams.get(stream=world.streams[0]).examined)
        true(*args)

    with mock.patch.object(building, "PAGE", 1), mock.patch.object(runs, "keep_lease", look):
        runs.release_stream(run.streams.get(stream=world.streams[0]))

    assert seen[:3] == [0, 1, 2]
    assert run.streams.get(stream=world.streams[0]).examined == 3
