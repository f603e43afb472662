"""The source guard: a source that fails, is away or is silent ends nothing, is said so, and comes right on return."""

from datetime import timedelta

import pytest

from deliveries.models import Delivery
from deliveries.reading import read, read_head
from deliveries.storage import place_of
from deliveries.verification import verify
from subscriptions.models import Pending
from tests.deliveries.test_runs import news
from tests.histories.sources import AP, SJP, pension

NIGHTS = 3


@pytest.fixture
def told(world):
    """Two persons with a pension and a sickness case each, both told; the agencies answer each day before the night."""
    for n, person in enumerate(world.sources.people[:2]):
        person.items("beslut").append(pension(n, world.day - timedelta(days=90), 9000))
    world.sources.hand_over(world.now, *world.sources.people)
    world.sources.hand_over_pension(world.now, *world.sources.people)
    for n in (0, 1):
        world.watch(world.streams[0], n, AP)
        world.watch(world.streams[0], n, SJP)
    world.night()
    return world


def newest(world):
    return place_of(Delivery.objects.filter(stream=world.streams[0]).latest("number").sha256)


def said(world):
    """Benefit and section of what the newest delivery tells; and its head."""
    path = newest(world)
    entries = list(read(path))
    assert not [status for entry in entries for status in entry.statuses], "a false end, or a false beginning"
    return sorted((block.benefit, block.section) for entry in entries for block in entry.blocks), read_head(path)


def differences(world):
    return [one for stream in world.streams for one in verify(stream, world.now).different]


def nights_without_pension(world, how):
    """Three nights in which FK answers and the Pensions Agency does not; it knows more each day."""
    for night in range(NIGHTS):
        first, second = world.sources.people[:2]
        first.items("beslut").append(pension(10 + night, world.day, 100 + night))
        second.items("beslut").clear()
        news(world, night % 2)
        if how != "UTEBLIVEN":
            world.sources.send("PM", [], world.now, state=how)
        run = world.night()
        yield run, *said(world)


@pytest.mark.parametrize("how", ["OTILLGANGLIG", "FELANDE", "UTEBLIVEN"])
def test_three_nights_without_the_pensions_agency_end_nothing_and_each_delivery_says_so(told, how):
    complete = dict(read_head(newest(told)).benefits)[AP]

    for night, (run, blocks, head) in enumerate(nights_without_pension(told, how)):
        assert blocks == [(SJP, "sjukpenningarende")]
        silent = how != "UTEBLIVEN" or night > 0  # within 36 hours one has not failed to come
        assert {one.name: one.state for one in head.sources} == {"FK": "OK", "PM": how if silent else "OK"}
        assert dict(head.benefits)[AP] == complete < dict(head.benefits)[SJP] == run.as_of_import - (how != "UTEBLIVEN")
        assert run.sources == [
            {"name": one.name, "state": one.state, "complete_to_import": one.complete_to_import} for one in head.sources
        ]
        assert not differences(told)
    assert not Pending.objects.exists()


@pytest.mark.parametrize("how", ["OTILLGANGLIG", "UTEBLIVEN"])
def test_what_was_missed_in_the_three_nights_is_told_once_when_the_source_is_back(told, how):
    list(nights_without_pension(told, how))
    told.sources.hand_over_pension(told.now, *told.sources.people)
    told.night()

    blocks, head = said(told)
    assert blocks == [(AP, "beslut")] * 2
    assert {one.name: one.state for one in head.sources} == {"FK": "OK", "PM": "OK"}
    assert dict(head.benefits)[AP] == head.as_of_import
    assert not differences(told)
    told.night()
    assert said(told)[0] == []


def test_a_source_that_has_never_sent_anything_is_not_said_to_be_well(world):
    world.sources.hand_over(world.now, *world.sources.people)
    run = world.night()

    assert {one["name"]: one["state"] for one in run.sources} == {"FK": "OK", "PM": "UTEBLIVEN"}
