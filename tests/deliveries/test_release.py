"""The lease and its token, the release in one transaction, and taking back."""

from datetime import timedelta
from unittest import mock

import pytest

from deliveries import release, runs
from deliveries.building import Builder
from deliveries.models import Delivery, Disclosure, StreamRun, Told
from deliveries.services import fetch
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of
from tests.histories.sources import SJP, sickness


@pytest.fixture
def stream(world) -> Stream:
    person = world.sources.people[0]
    person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=30), 9))
    world.sources.hand_over(world.now, person)
    world.watch(world.streams[0], 0, SJP)
    return Stream.objects.select_related("agreement__customer").get(pk=world.streams[0].pk)


def built(world, run, stream):
    law = law_of(stream, run.day)
    return Builder(run, law, run.as_of_law, lambda: None).build(world.now)


def test_a_lease_is_one_workers_until_it_runs_out(world, stream):
    first = release.take_lease(stream, world.now)
    again = Stream.objects.get(pk=stream.pk)

    assert release.take_lease(again, world.now + release.LEASE - timedelta(seconds=1)) is None
    second = release.take_lease(again, world.now + release.LEASE)
    assert second == first + 1
    with pytest.raises(release.LeaseLost):
        release.keep_lease(stream, first, world.now)
    release.drop_lease(stream, first)
    assert Stream.objects.get(pk=stream.pk).leased_until is not None


def test_two_that_saw_the_same_free_stream_cannot_both_take_it(world, stream):
    other = Stream.objects.get(pk=stream.pk)

    assert release.take_lease(stream, world.now) is not None
    assert release.take_lease(other, world.now + 2 * release.LEASE) is None


def test_a_release_writes_all_of_it_at_once(world, stream):
    run = world.start_night()
    token = release.take_lease(stream, world.now)

    delivery = release.release(run, stream, built(world, run, stream), token, world.now)

    stream.refresh_from_db()
    assert (stream.last_number, stream.last_sha256) == (1, delivery.sha256)
    assert (stream.examined_import, stream.examined_law, stream.examined_day) == (1, run.as_of_law, run.day)
    assert stream.leased_until is None
    assert Disclosure.objects.get(delivery=delivery).sections.keys() == {"person", "sjukpenningarende"}
    assert set(Told.objects.values_list("section", flat=True)) == {"person", "sjukpenningarende"}
    assert StreamRun.objects.get(run=run, stream=stream).delivery == delivery


@pytest.mark.parametrize("what", ["token", "number", "run"])
def test_a_release_is_void_when_its_token_number_or_run_is_no_longer_the_one(world, stream, what):
    run = world.start_night()
    token = release.take_lease(stream, world.now)
    draft = built(world, run, stream)
    if what == "run":
        runs.end_run(run, world.now)
    else:
        Stream.objects.filter(pk=stream.pk).update(**{"token": {"lease": 9}, "number": {"last_number": 9}}[what])

    with pytest.raises(release.LeaseLost):
        release.release(run, stream, draft, token, world.now)

    assert not Delivery.objects.exists() and not Told.objects.exists() and not Disclosure.objects.exists()


@pytest.mark.parametrize("touched", [True, False])
def test_a_law_change_that_touches_the_draft_makes_it_be_built_again(world, stream, touched):
    """A consent withdrawn or a protection set between building and release is never too late."""
    other = world.watch(world.streams[2], 1, SJP)
    run = world.start_night()
    token = release.take_lease(stream, world.now)
    draft = built(world, run, stream)
    changed = Watch.objects.exclude(pk=other.pk) if touched else Watch.objects.filter(pk=other.pk)
    changed.update(case_reference="A9")

    if touched:
        with pytest.raises(release.LawChanged):
            release.release(run, stream, draft, token, world.now)
        assert not Delivery.objects.exists()
    else:
        assert release.release(run, stream, draft, token, world.now).number == 1


def test_a_person_protected_between_building_and_release_is_not_told(world, stream):
    run = world.start_night()
    true, protected = runs.release, []

    def late(*args):
        if not protected:
            protected.append(world.sources.people[0])
            protected[0].protection = "SKYDDAD_FOLKBOKFORING"
            world.sources.hand_over(world.now, *protected, only=[])
        return true(*args)

    with mock.patch.object(runs, "release", late):
        runs.perform(run)

    assert Delivery.objects.get(stream=stream).persons == 0


def test_what_was_replaced_is_kept_until_the_delivery_that_replaced_it_is_fetched(world, stream):
    world.night()
    person = world.sources.people[0]
    person.sections["sjukpenningarende"] = []
    world.sources.hand_over(world.now, person)
    world.night()
    first, second = Delivery.objects.filter(stream=stream).order_by("number")

    assert Told.objects.filter(replaced_by=second).count() == 1
    fetch(delivery=first, at=world.now)
    assert Told.objects.filter(replaced_by=second).count() == 1
    fetch(delivery=second, at=world.now)
    assert not Told.objects.exclude(replaced_by=None).exists()
