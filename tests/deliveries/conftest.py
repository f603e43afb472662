"""A small world of persons, customers and nights for the tests of deliveries."""

from collections.abc import Iterator

import pytest

from deliveries.models import Delivery
from deliveries.services import fetch
from tests.deliveries.test_runs import news
from tests.histories.sources import FP, SJP
from tests.histories.world import World
from tests.histories.world import world as made_world


@pytest.fixture
def world(db, tmp_path) -> Iterator[World]:
    """Three persons and three streams; nobody is watched yet. It is noon of a day long past."""
    with made_world(tmp_path, persons=3) as made:
        yield made


@pytest.fixture
def many(db, tmp_path, settings):
    """Six persons watched for two benefits in one stream and one in another, all told; three may have news at once."""
    settings.BRAKE_FLOOR, settings.BRAKE_SHARE = 3, 0.5
    with made_world(tmp_path) as world:
        world.sources.hand_over(world.now, *world.sources.people)
        for n in range(6):
            world.watch(world.streams[0], n, SJP)
            world.watch(world.streams[0], n, FP)
        world.watch(world.streams[2], 0, SJP)
        world.night()
        yield world


@pytest.fixture
def wrong(world):
    """Two streams were told of a blocked benefit by an import a month too early; the first one has fetched it."""
    world.sources.hand_over(world.now, *world.sources.people)
    for n in (0, 1):
        news(world, n)
        world.watch(world.streams[0], n, SJP)
        world.watch(world.streams[2], n, SJP)
    world.night()
    for one in Delivery.objects.all():
        fetch(delivery=one, at=world.now)
    for person in world.sources.people[:2]:
        person.items("sjukpenningarende").clear()
    world.wrong = world.sources.hand_over(world.now, *world.sources.people[:2])
    world.night()
    fetch(delivery=Delivery.objects.get(stream=world.streams[0], number=2), at=world.now)
    return world
