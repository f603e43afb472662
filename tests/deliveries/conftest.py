"""A small world of persons, customers and nights for the tests of deliveries."""

from collections.abc import Iterator

import pytest

from tests.histories.world import World
from tests.histories.world import world as made_world


@pytest.fixture
def world(db, tmp_path) -> Iterator[World]:
    """Three persons and three streams; nobody is watched yet. It is noon of a day long past."""
    with made_world(tmp_path, persons=3) as made:
        yield made
