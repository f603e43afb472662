"""A protected person's watch through the nights: frozen, released without what reveals a place, frozen again (C8)."""

from datetime import timedelta

import pytest

from deliveries import reading, runs, storage
from deliveries.models import Delivery
from deliveries.services import recall_what_may_no_longer_be_told
from deliveries.verification import verify
from subscriptions import protection
from subscriptions.decision import NEVER_OF_PROTECTED
from subscriptions.models import LegalBasis, Pending, ProtectedRelease
from tests.factories import UserFactory
from tests.histories.sources import DETAILS, GEPI, SJP, details, sickness
from tests.histories.world import PLAIN, World

STREET, CHILD = "Testgatan 77", "Barn 77"


@pytest.fixture
def told(world: World) -> World:
    """Stream 0 has been told a person's address and sickness; then the person becomes protected, and there is news."""
    one = world.sources.people[0]
    one.sections[DETAILS] = [details(one.number, 77, one.name)]
    news(world)
    for benefit in (GEPI, SJP):
        world.watch(world.streams[0], 0, benefit)
    world.night()
    one.protection = "SEKRETESSMARKERING"
    news(world)
    world.night()
    return world


def news(made: World) -> None:
    one = made.sources.people[0]
    items = one.items("sjukpenningarende")
    items.append(sickness(made.day - timedelta(days=30 * len(items) + 30), 10))
    made.sources.hand_over(made.now, one)


def newest(made: World) -> str:
    """The text of stream 0's newest document."""
    delivery = Delivery.objects.filter(stream=made.streams[0]).latest("number")
    return storage.place_of(delivery.sha256).read_text()


def verified(made: World) -> tuple[int, int]:
    """How many watches were told what they should be and how many wait; nothing differs."""
    report = verify(made.streams[0], made.now)
    assert report.different == []
    return report.equal, len(report.pending)


def released(made: World, benefit: str = SJP, **values) -> ProtectedRelease:
    watch = made.streams[0].watches.get(benefit=benefit)
    one, other = UserFactory(is_superuser=True), UserFactory(is_superuser=True)
    said = {"at": made.now, "reason": "Nämnden behöver veta."}
    release = protection.propose_release(watch=watch, by=one, **said, **values)
    protection.approve_release(release=release, by=other, **said)
    return release


def test_the_frozen_are_told_nothing_and_wait_in_the_queue(told):
    assert "<person " not in newest(told)
    assert protection.queue(day=told.day, at=told.now).count() == 2
    assert verified(told) == (0, 2)


def test_a_released_watch_is_told_its_news_and_the_others_stay_frozen(told):
    released(told)
    told.night()

    document = newest(told)
    assert 'forman="FK:SJP"' in document and 'forman="FK:GEPI"' not in document
    assert verified(told) == (1, 1)
    assert set(Pending.objects.values_list("watch__benefit", "reason")) == {(GEPI, "protected")}


def test_what_is_told_of_a_released_watch_never_reveals_a_place_or_another_number(told):
    """The address that was told before protection goes: its item is taken back, and the new one lacks it."""
    assert STREET in storage.place_of(Delivery.objects.get(stream=told.streams[0], number=1).sha256).read_text()
    released(told, GEPI)
    told.night()

    document = newest(told)
    assert "<borttagen " in document and 'forman="FK:GEPI"' in document
    assert STREET not in document and CHILD not in document
    assert verified(told) == (1, 1)
    told_now = protection.would_tell(told.streams[0].watches.get(benefit=GEPI), day=told.day).classes
    assert not told_now & NEVER_OF_PROTECTED


def test_a_release_that_lapses_freezes_the_watch_as_it_was_last_told(told):
    release = released(told, valid_to=told.day + timedelta(days=1))
    told.night()
    told.night()
    assert verified(told) == (1, 1)
    assert release.valid_to is not None and told.day > release.valid_to

    news(told)
    told.night()

    assert "<person " not in newest(told)
    assert verified(told) == (0, 2)
    assert protection.queue(day=told.day, at=told.now).count() == 2


def test_a_release_withdrawn_freezes_it_and_recalls_what_nobody_has_fetched(told):
    release = released(told)
    told.night()
    protection.withdraw_release(release=release, by=UserFactory(is_superuser=True), at=told.now, reason="Ny uppgift.")

    assert recall_what_may_no_longer_be_told(told.now) >= 1
    assert Delivery.objects.filter(stream=told.streams[0]).latest("number").recalled_at is not None
    told.night()

    assert "<person " not in newest(told)
    assert verified(told) == (0, 2)


def test_a_release_withdrawn_while_a_document_is_made_is_not_in_it(told, monkeypatch):
    release = released(told)
    run = told.start_night()

    true = reading.validate

    def late(path):
        true(path)
        ProtectedRelease.objects.filter(pk=release.pk, withdrawn_at=None).update(withdrawn_at=told.now)

    monkeypatch.setattr(reading, "validate", late)
    runs.perform(run)

    assert "<person " not in newest(told)
    assert verified(told) == (0, 2)


def test_the_basis_releases_by_itself_at_night_and_freezes_again_when_that_lapses(told):
    told.basis(PLAIN, protection=LegalBasis.Protection.DELAYED, protection_days=3)
    for _ in range(2):
        told.night()
    assert "<person " not in newest(told), "three days have not passed"

    told.night()

    assert {(one.automatic, one.prepared_by) for one in ProtectedRelease.objects.all()} == {(True, None)}
    assert "<person " in newest(told)
    assert STREET not in newest(told)
    assert verified(told) == (2, 0)
    told.next_day(31)
    news(told)
    told.night()
    assert "<person " not in newest(told)
    assert verified(told) == (0, 2)
