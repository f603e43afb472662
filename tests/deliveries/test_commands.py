"""The commands of operations: what they say, and how they end."""

import pytest
from django.core.management import CommandError, call_command

from deliveries.models import Delivery, Run
from tests.histories.sources import SJP


def test_a_night_is_run_here_and_now_and_every_stream_reported(world, capsys):
    world.watch(world.streams[0], 0, SJP)
    world.now = world._at(22)

    call_command("run_night", "--date", world.day.isoformat())

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(": released 1 " in line for line in lines[:3])
    assert lines[-1].startswith(f"Run {Run.objects.get().pk} of {world.day}, as of import 0: ")
    assert world.sources.people[0].number not in "\n".join(lines)


def test_a_rehearsal_tells_nothing(world, capsys):
    world.now = world._at(22)

    call_command("run_night", "--dry-run")

    assert "rehearsed" in capsys.readouterr().out
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(("hour", "code"), [(21, "TOO_EARLY"), (22, "ALREADY_RUN")])
def test_a_refused_night_says_why(world, hour, code):
    world.now = world._at(hour)
    if code == "ALREADY_RUN":
        call_command("run_night")

    with pytest.raises(CommandError, match=code):
        call_command("run_night")
