"""Faults planted in the product, one at a time: each must be found by the proof, or stopped by the database (C10).

Every scenario is first run as the product stands, and proved; then again with the fault in place.
"""

import itertools
from datetime import timedelta
from unittest import mock

import pytest

from benefits.content import digest
from deliveries import building, candidates, known, release, runs
from deliveries.building import Builder
from deliveries.known import Register
from deliveries.models import Delivery, Told
from deliveries.tasks import put_back_what_is_stuck
from subscriptions.disclosable import disclosable
from subscriptions.models import Consent, Stream
from subscriptions.models.orders import OrderKind
from tests.factories import ConsentFactory
from tests.histories import sources
from tests.histories.faults import before_release, patched, play, spoken, watched
from tests.histories.sources import CASES, FP, PAID, PLANNED, SJP
from tests.histories.steps import Broken, Killed, trouble
from tests.histories.world import NARROW

pytestmark = pytest.mark.django_db
SICK = CASES[SJP]


@pytest.fixture
def scene(tmp_path):
    """Play a scenario in a new world with faults in place; return what is different (tests.histories.faults.play)."""
    count = itertools.count()
    return lambda scenario, *faults: play(tmp_path / str(next(count)), scenario, *faults)


# The register


def test_a_retroactive_item_skipped_by_a_window_is_found(scene):
    def scenario(made, plant):
        watched(made)
        plant()
        spoken(made, PAID, sources.payment(made.day - timedelta(days=200), 900, "SJP"))
        made.night()

    true = Register.items

    def last_month(self, person, section, as_of):
        items = true(self, person, section, as_of)
        return [one for one in items if one.get("datum", "2026") >= "2025-12-01"]

    assert not scene(scenario)
    assert scene(scenario, patched(Register, "items", last_month))


def test_a_closed_case_that_is_ignored_is_found(scene):
    def scenario(made, plant):
        case = sources.sickness(made.day - timedelta(days=90), 60)
        spoken(made, SICK, case)
        watched(made)
        plant()
        spoken(made, SICK, case | {"aktivt": False})
        made.night()

    true = Register.items

    def open_cases(self, person, section, as_of):
        return [one for one in true(self, person, section, as_of) if one.get("aktivt", True)]

    assert not scene(scenario)
    assert scene(scenario, patched(Register, "items", open_cases))


def test_a_preliminary_payment_doubled_when_it_is_effectuated_is_found(scene):
    def scenario(made, plant):
        paid = sources.payment(made.day, 900, "SJP")
        spoken(made, PLANNED, paid)
        watched(made)
        plant()
        one = made.sources.people[0]
        one.sections |= {PLANNED: [], PAID: [paid]}
        made.sources.hand_over(made.now, one, only=[PLANNED, PAID])
        made.night()

    true = Builder._compare

    def never_emptied(self, page, finding, decision, told):
        news = true(self, page, finding, decision, told)
        finding.blocks = [one for one in finding.blocks if one.change.items]
        return [(section, now) for section, now in news if now]

    assert not scene(scenario)
    assert scene(scenario, patched(Builder, "_compare", never_emptied))


def test_one_of_two_equal_payments_that_is_lost_is_found(scene):
    def scenario(made, plant):
        watched(made)
        plant()
        spoken(made, PAID, *[sources.payment(made.day, 900, "SJP")] * 2)
        made.night()

    true = building.tellable

    def a_set(*args):
        return list({one.known.digest: one for one in true(*args)}.values())

    assert not scene(scenario)
    assert scene(scenario, patched(building, "tellable", a_set))


def test_the_removal_of_the_last_item_left_untold_is_found(scene):
    def scenario(made, plant):
        spoken(made, SICK, sources.sickness(made.day, 9))
        watched(made)
        plant()
        spoken(made, SICK)
        made.night()

    true = Builder._compare

    def only_what_stands(self, page, finding, decision, told):
        news = true(self, page, finding, decision, told)
        finding.blocks = [one for one in finding.blocks if one.change.items]
        return [(section, now) for section, now in news if now]

    assert not scene(scenario)
    assert scene(scenario, patched(Builder, "_compare", only_what_stands))


def test_a_late_committing_import_that_is_skipped_is_found(scene):
    """An import published while a run is under way is not in that run, and its number is not passed by the mark."""

    def scenario(made, plant):
        watched(made)
        plant()
        run = made.start_night()
        spoken(made, SICK, sources.sickness(made.day, 9))
        runs.perform(run)
        made.next_day()
        made.night()

    true = runs.release

    def watermark(run, stream, draft, token, at):
        delivery = true(run, stream, draft, token, at)
        type(stream).objects.filter(pk=stream.pk).update(examined_import=run.as_of_import + 1)
        return delivery

    assert not scene(scenario)
    assert scene(scenario, patched(runs, "release", watermark))


# The law


def test_a_narrowed_agreement_that_is_not_examined_again_is_found(scene):
    def scenario(made, plant):
        watched(made)
        plant()
        made.scope(made.streams[0], classes=NARROW)
        made.night()

    nobody = "SELECT w.stream_id, w.id FROM subscriptions_watch w WHERE %s > %s"
    assert not scene(scenario)
    assert scene(scenario, patched(candidates, "_LAW_OF_STREAMS", nobody), patched(candidates, "_OPEN", ""))


def consent_withdrawn_before_release(made, plant):
    holder = made.watch(made.streams[0]).person
    ConsentFactory(customer=made.streams[1].agreement.customer, person=holder, benefits=[SJP])
    made.watch(made.streams[1])
    plant()
    with before_release(made.streams[1], lambda: Consent.objects.update(withdrawn_at=made.now)) as leaked:
        made.night()
    return leaked


def protection_set_before_release(made, plant):
    made.watch(made.streams[0])
    plant()

    def protect():
        made.sources.people[0].protection = "SEKRETESSMARKERING"
        made.sources.hand_over(made.now, made.sources.people[0], only=[])

    with before_release(made.streams[0], protect) as leaked:
        made.night()
    return leaked


def number_of_a_protected_person_before_release(made, plant):
    """The number that was watched turns out to be another's, who is protected."""
    kept, gone = made.sources.people[:2]
    kept.protection = "SEKRETESSMARKERING"
    made.sources.hand_over(made.now, kept)
    made.watch(made.streams[0], 1)
    plant()

    def merge():
        kept.former.append(gone.number)
        made.sources.hand_over(made.now, kept)

    with before_release(made.streams[0], merge) as leaked:
        made.night()
    return leaked


def last_change_of_an_ended_watch_blocked_before_release(made, plant):
    watch = watched(made)
    spoken(made, SICK, sources.sickness(made.day, 9))
    made.order(made.streams[0], OrderKind.CANCEL, watch.ordered_number, SJP)
    plant()
    with before_release(made.streams[0], lambda: made.scope(made.streams[0], benefits=[FP])) as leaked:
        made.night()
    return leaked


@pytest.mark.parametrize(
    "scenario",
    [
        consent_withdrawn_before_release,
        protection_set_before_release,
        number_of_a_protected_person_before_release,
        last_change_of_an_ended_watch_blocked_before_release,
    ],
)
def test_a_right_that_ends_between_render_and_release_tells_nothing(scene, scenario):
    leaked = []

    def played(made, plant):
        leaked.append(scenario(made, plant))

    found = scene(played)
    assert not found and not leaked[-1]

    scene(played, patched(release, "_demand_law_unchanged", lambda stream, draft: None))
    assert leaked[-1], "what leaked was not found"


def test_a_hidden_field_that_causes_a_delivery_is_found(scene):
    """The customer may see the period only; when the application came in is none of its news."""
    told = []

    def scenario(made, plant):
        case = sources.sickness(made.day, 9)
        spoken(made, SICK, case)
        made.watch(made.streams[2])
        made.night()
        plant()
        spoken(made, SICK, case | {"startades": "2025-12-24"})
        told.append(Delivery.objects.get(run=made.night(), stream=made.streams[2]).blocks)

    sources_of: list[dict] = []

    def remembered(known, section, item, allowance):
        sources_of.append(item)
        return disclosable(known, section, item, allowance)

    def of_the_source(fields, part):
        return digest(fields, sources_of[-1])

    assert not scene(scenario)
    assert told == [0]
    assert scene(scenario, patched(known, "disclosable", remembered), patched(known, "digest", of_the_source))
    assert told == [0, 1]


# Persons


def test_a_number_change_that_drops_a_watch_is_found(scene):
    def scenario(made, plant):
        spoken(made, SICK, sources.sickness(made.day, 9), person=1)
        made.watch(made.streams[0], 1)
        made.night()
        plant()
        kept, gone = made.sources.people[:2]
        kept.former.append(gone.number)
        kept.sections = gone.sections
        made.sources.hand_over(made.now, kept)
        made.night()

    assert not scene(scenario)
    assert scene(scenario, patched(runs, "follow_persons", lambda **about: 0))


# Runs


def a_night_that_fails(made, plant):
    watched(made)
    spoken(made, SICK, sources.sickness(made.day, 9))
    plant()
    with trouble((runs, "release"), Broken(), times=len(made.streams) * runs.TRIES):
        run = made.night()
    assert not Delivery.objects.filter(run=run).exists()
    made.night()


def test_changes_of_a_failed_stream_that_are_lost_are_found(scene):
    true = runs._failed

    def past_it(stream_run, error):
        true(stream_run, error)
        Stream.objects.filter(pk=stream_run.stream_id).update(
            examined_import=stream_run.run.as_of_import, examined_law=stream_run.run.as_of_law
        )

    assert not scene(a_night_that_fails)
    assert scene(a_night_that_fails, patched(runs, "_failed", past_it))


def test_told_that_moves_before_the_release_is_found(scene):
    true = Builder.build

    def remember_at_once(self, at):
        draft = true(self, at)
        last = Delivery.objects.filter(stream=self.law.stream).last()
        Told.objects.filter(pk__in=list(draft.told_gone)).delete()
        for row in draft.spooled():
            if "told" in row:
                watch, section, own, items = row["told"]
                Told.objects.create(watch_id=watch, section=section, digest=own, items=items, delivery=last)
        return draft

    assert not scene(a_night_that_fails)
    assert scene(a_night_that_fails, patched(Builder, "build", remember_at_once))


def test_what_a_run_ended_while_building_would_lose_is_found(scene):
    """The reaper ends a run past its deadline, and with it the list of what was left to examine."""

    def scenario(made, plant):
        watched(made)
        spoken(made, SICK, sources.sickness(made.day, 9))
        plant()
        run = made.start_night()
        true = Builder._pages

        def ended_first(self):
            if self.law.stream == made.streams[0]:
                runs.end_run(run, made.now)
            return true(self)

        with mock.patch.object(Builder, "_pages", ended_first):
            runs.perform(run)
        made.next_day()
        made.night()

    assert not scene(scenario)
    assert scene(scenario, patched(release, "_demand_run_goes_on", lambda run: None))


def test_a_retry_cannot_use_a_number_twice(scene):
    codes = []

    def scenario(made, plant):
        watched(made)
        plant()
        run = made.night()
        codes.append(run.streams.get(stream=made.streams[0]).code)

    true = release._deliver

    def with_the_last_number(run, stream, draft, at):
        stream.last_number -= 1
        return true(run, stream, draft, at)

    assert not scene(scenario)
    assert not scene(scenario, patched(release, "_deliver", with_the_last_number))
    assert codes == ["", "IntegrityError"]


def test_a_worker_killed_just_after_its_release_does_not_release_again(scene):
    numbers = []

    def scenario(made, plant):
        watched(made)
        plant()
        run = made.start_night()
        killed = trouble((runs, "release"), Killed(), after=True)
        with mock.patch.object(runs, "drop_lease"), killed, pytest.raises(Killed):
            runs.perform(run)
        made.now += timedelta(minutes=6)
        put_back_what_is_stuck()
        numbers.append(Delivery.objects.filter(run=run).count() - len(made.streams))

    assert not scene(scenario)
    scene(scenario, patched(release, "_note", lambda *about: None))
    assert numbers == [0, 1]
