"""The night's twelve stories: runs that cannot go wrong quietly, and deliveries that prove themselves.

Two are told here by their number, the others where what they are about is tested; all of them on both databases:

 2. tests/deliveries/test_brake.py
    test_220_000_changes_that_nobody_expected_are_held_at_every_customer_and_all_else_is_on_time
    (in one stream: tests/deliveries/test_brake.py test_what_is_too_much_is_held_and_all_else_is_on_time)
 3. tests/deliveries/test_sources.py
    test_three_nights_without_the_pensions_agency_end_nothing_and_each_delivery_says_so
    (and back: tests/deliveries/test_sources.py
    test_what_was_missed_in_the_three_nights_is_told_once_when_the_source_is_back)
 4. tests/deliveries/test_ordered.py test_january_2020_ends_well
 5. tests/deliveries/test_debt.py
    test_thirty_nights_without_retroactive_parental_benefit_are_found_and_exactly_the_lost_is_sent
 6. tests/deliveries/test_many_streams.py test_one_stream_far_behind_changes_nothing_for_two_hundred_others
    (with lost, doubled and late tasks: tests/deliveries/test_fault_injector.py
    test_whatever_goes_wrong_at_whatever_step_everything_is_told_once_logged_and_in_order)
 8. tests/deliveries/test_verifier.py test_each_tampering_is_named
    (and a new key: tests/deliveries/test_receipts.py
    test_a_new_key_is_published_and_told_of_at_once_and_signs_from_its_day)
 9. tests/deliveries/test_replay.py test_after_many_nights_what_is_known_is_what_a_receiver_holds
    (without today's code: tests/deliveries/test_replay.py test_the_catalogue_is_never_asked)
10. tests/deliveries/test_retention.py
    test_everything_is_verified_after_an_erasure_and_after_the_nights_that_follow
    (and held: tests/deliveries/test_retention.py test_the_documents_that_a_held_person_is_in_stay)
11. tests/deliveries/test_personreport.py test_the_print_and_the_file_say_the_same_and_each_is_logged
    (with its review: tests/deliveries/test_personreport.py
    test_what_one_made_another_approves_and_it_is_fixed_from_then_on)
12. tests/deliveries/test_schemachange.py test_a_proposal_is_not_coming_until_another_approves_it
    (with its samples: tests/deliveries/test_schemachange.py
    test_the_samples_are_valid_against_the_schemas_to_come_and_have_all_that_is_new)
"""

from datetime import timedelta
from unittest import mock

import pytest

from deliveries import lags, runs, tasks
from deliveries.models import Delivery, Lag, NoRun, Run, StreamRun
from deliveries.progress import Clock, progress_of
from deliveries.services import FetchRefused, acknowledge, fetch
from deliveries.verification import verify
from lefi.foureyes import NotApproved
from subscriptions.models import Notice
from tests.deliveries.test_runs import news
from tests.deliveries.test_verifier import check, hand_over
from tests.factories import UserFactory
from tests.histories.sources import SJP

WHY = "kontroll av filen"


class Killed(BaseException):
    """What no handler of errors sees."""


def test_1_a_night_is_planned_rehearsed_held_let_go_by_another_killed_gone_on_with_and_in_time(world):
    news(world)
    for place in (0, 2):
        world.watch(world.streams[place], 0, SJP)
    NoRun.objects.create(day=world.day - timedelta(days=1), reason="Driftstopp")
    world.now = world._at(21)
    with pytest.raises(runs.RunRefused, match="TOO_EARLY"):
        runs.start_night(day=world.day, at=world.now)
    with pytest.raises(runs.RunRefused, match="NOT_PLANNED"):
        runs.start_night(day=world.day - timedelta(days=1), at=world.now)
    rehearsal = runs.perform(runs.rehearse(day=world.day, by=UserFactory(), at=world.now, reason=WHY))
    assert rehearsal.counts["persons"] == 2 and not Delivery.objects.exists()

    world.now = world._at(22)
    run, by = runs.start_night(day=world.day, at=world.now), UserFactory()
    with pytest.raises(runs.RunRefused, match="ALREADY_RUN"):
        runs.start_night(day=world.day, at=world.now)
    with pytest.raises(runs.RunRefused, match="ANOTHER_RUNS"):
        world.start_on_demand()
    runs.hold_run(run, by=by, reason=WHY)
    tasks.hand_out(run.pk)
    assert not Delivery.objects.exists()
    with pytest.raises(NotApproved, match="SAME_PERSON"):
        runs.release_run(run, by=by, reason=WHY)
    runs.release_run(run, by=UserFactory(), reason=WHY)

    first, second, third = runs.in_turn(run)
    runs.release_stream(first)
    with mock.patch.object(runs, "_work", side_effect=Killed), pytest.raises(Killed):
        runs.release_stream(second)
    world.now += timedelta(hours=1)
    seen = progress_of(Run.objects.get(pk=run.pk), world.now)
    assert (seen.streams_done, seen.streams, seen.clock) == (1, 3, Clock.IN_TIME)
    assert seen.expected_end < run.deadline
    runs.resume_run()

    run.refresh_from_db()
    assert (run.status, progress_of(run, world.now).clock) == (Run.Status.DONE, Clock.IN_TIME)
    assert set(run.streams.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    assert run.streams.get(pk=second.pk).tries == 2 and run.streams.get(pk=third.pk).tries == 1
    world.next_day()
    assert all(verify(stream, world.now).equal == stream.watches.count() for stream in world.streams)


def test_7_a_gap_is_noticed_by_the_receiver_and_by_us_and_each_says_so_once(world, tmp_path, settings):
    settings.LAG_FETCH_DAYS = 2
    stream = world.streams[0]
    world.watch(stream, 0, SJP)
    for _ in range(4):
        news(world)
        world.night()
    first, second, *_ = Delivery.objects.filter(stream=stream).order_by("number")
    fetch(delivery=first, at=world.now, client="test")
    acknowledge(delivery=first, sha256=first.sha256, at=world.now)

    with pytest.raises(FetchRefused, match="OUT_OF_SEQUENCE"):
        fetch(delivery=Delivery.objects.get(stream=stream, number=3), at=world.now, client="test")
    hand_over(stream, tmp_path / "folder")
    (tmp_path / "folder" / "2.xml").unlink()
    code, said = check(tmp_path / "folder", "--newest", "4")
    assert (code, {(one["code"], one["delivery"]) for one in said["faults"]}) == (1, {("GAP", 2)})
    code, said = check(tmp_path / "folder", "--newest", "5")
    assert {(one["code"], one["delivery"]) for one in said["faults"]} == {("GAP", 2), ("GAP", 5)}, "no heartbeat"

    for _ in range(3):
        lags.watch_lags(world.now)
    assert Lag.objects.get(stream=stream).delivery == second
    for delivery in Delivery.objects.filter(stream=stream, number__gt=1).order_by("number"):
        fetch(delivery=delivery, at=world.now, client="test")
        acknowledge(delivery=delivery, sha256=delivery.sha256, at=world.now)
    for _ in range(3):
        lags.watch_lags(world.now)
    own = Notice.objects.filter(customer=stream.agreement.customer).order_by("pk")
    assert list(own.values_list("code", flat=True)) == ["BEHIND_NOT_FETCHED", "CAUGHT_UP_NOT_FETCHED"]
