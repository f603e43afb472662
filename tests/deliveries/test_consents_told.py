"""Consents, needs and cases through runs: what a customer is told, and when it is told no more."""

from datetime import timedelta
from unittest import mock

import pytest

from benefits.models import PersonFacts, Protection
from benefits.services import person_of
from deliveries import runs, storage
from deliveries.document import Status
from deliveries.models import Delivery, Disclosure, Run
from deliveries.reading import read
from deliveries.services import recall_what_may_no_longer_be_told
from deliveries.verification import verify
from subscriptions.consents import examine_consent, register_consent, withdraw_consent
from subscriptions.models import Consent, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.references import ReopenRefused, end_case, reconfirm, reopen_case
from subscriptions.upkeep import keep_up
from tests.factories import UserFactory
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import PLAIN, World

CLASSES = ["identity", "name", "period", "extent"]


@pytest.fixture
def made(world: World) -> World:
    """Each person has had a sickness case."""
    for person in world.sources.people:
        person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=40), 20))
    world.sources.hand_over(world.now, *world.sources.people)
    return world


def asked(made: World) -> Stream:
    """The stream that rests on consent."""
    return made.streams[1]


def give(made: World, person: int = 0, *, benefits=(SJP,), evidence: str = "F 1", **changes) -> Consent:
    return register_consent(
        customer=asked(made).agreement.customer,
        number=changes.pop("number", made.sources.people[person].number),
        purpose=asked(made).purpose,
        benefits=benefits,
        classes=CLASSES,
        valid_from=made.day,
        valid_to=changes.pop("valid_to", None),
        given_on=made.day,
        evidence=evidence,
        giver=changes.pop("giver", "self"),
        channel="api",
        at=made.now,
        **changes,
    )


def news(made: World, person: int = 0) -> None:
    one = made.sources.people[person]
    items = one.items("sjukpenningarende")
    items.append(sickness(made.day - timedelta(days=40 * len(items) + 40), 20))
    made.sources.hand_over(made.now, one)


def delivery_of(run: Run, stream: Stream) -> Delivery:
    return Delivery.objects.get(run=run, stream=stream)


def blocks_of(delivery: Delivery) -> list[tuple[int, str]]:
    """What is told of benefits: watch and section."""
    entries = read(storage.place_of(delivery.sha256))
    return [(block.watch, block.section) for entry in entries for block in entry.blocks if block.section != "person"]


def statuses_of(delivery: Delivery) -> list[tuple[str, str]]:
    statuses: list[Status] = [one for entry in read(storage.place_of(delivery.sha256)) for one in entry.statuses]
    return [(one.code, one.reason) for one in statuses]


def all_is_true(made: World) -> bool:
    return not any(verify(stream, made.now).different for stream in Stream.objects.all())


def withdrawn_just_before_release(made: World, consent: Consent) -> Run:
    """A run in which the document is written, and the consent withdrawn before it is released."""
    run, true, withdrawn = made.start_night(), runs.release, []

    def late(*args):
        if not withdrawn and args[1] == asked(made):
            withdrawn.append(withdraw_consent(consent=consent, at=made.now))
        return true(*args)

    with mock.patch.object(runs, "release", late):
        runs.perform(run)
    assert withdrawn == [1]
    made.next_day()
    return run


def test_2_a_consent_withdrawn_after_the_nights_extraction_and_before_sending_tells_nothing(made):
    """Acceptance test 2 of the law's list."""
    consent = give(made)
    watch = made.watch(asked(made))
    made.night()
    news(made)

    run = withdrawn_just_before_release(made, consent)

    delivery = delivery_of(run, asked(made))
    assert blocks_of(delivery) == []
    assert statuses_of(delivery) == [("3", "UPPHORD")]
    said = Disclosure.objects.get(delivery=delivery, watch=watch)
    assert (said.sections, said.decision.refusal, said.decision.consent_id) == ({}, "CONSENT_MISSING", consent.pk)
    assert all_is_true(made)


def test_a_first_delivery_is_not_told_either_when_the_consent_goes_before_release(made):
    consent = give(made)
    made.watch(asked(made))

    run = withdrawn_just_before_release(made, consent)

    assert blocks_of(delivery_of(run, asked(made))) == []
    assert all_is_true(made)


def test_what_waits_to_be_fetched_is_recalled_when_the_consent_is_withdrawn(made):
    consent = give(made)
    made.watch(asked(made))
    delivery = delivery_of(made.night(), asked(made))

    withdraw_consent(consent=consent, at=made.now)
    recall_what_may_no_longer_be_told(made.now)

    delivery.refresh_from_db()
    assert delivery.recalled_at is not None
    assert blocks_of(delivery_of(made.night(), asked(made))) == []
    assert all_is_true(made)


def test_a_renewed_consent_catches_up_nothing_until_the_customer_orders_anew(made):
    consent = give(made)
    first = made.watch(asked(made))
    made.night()
    withdraw_consent(consent=consent, at=made.now)
    made.night()

    give(made, evidence="F 2")
    news(made)
    assert blocks_of(delivery_of(made.night(), asked(made))) == []

    again = made.watch(asked(made))
    assert again != first
    assert blocks_of(delivery_of(made.night(), asked(made))) == [(again.pk, "sjukpenningarende")]
    assert all_is_true(made)


def test_a_consent_that_runs_out_is_refused_at_once_and_its_watch_ends_after_thirty_days(made):
    """Renewed in between, it is told again; afterwards it takes a new order."""
    give(made, valid_to=made.day + timedelta(days=1))
    made.watch(asked(made))
    made.night()
    made.next_day()

    assert statuses_of(delivery_of(made.night(), asked(made))) == [("2", "")]

    made.next_day(28)
    made.night()
    assert Watch.objects.open().exists()
    made.night()
    ended = Watch.objects.get()
    assert ended.end_reason == Watch.EndReason.NO_LONGER
    assert all_is_true(made)


def test_a_consent_renewed_within_the_thirty_days_is_told_on_again(made):
    give(made, valid_to=made.day)
    watch = made.watch(asked(made))
    made.night()
    made.night()

    give(made, evidence="F 2")

    assert blocks_of(delivery_of(made.night(), asked(made))) == [(watch.pk, "sjukpenningarende")]
    assert all_is_true(made)


def test_a_partial_consent_is_told_on_in_part(made):
    """Of two benefits one, of all field classes some."""
    give(made, benefits=[SJP])

    assert made.order(asked(made), OrderKind.NEW, made.sources.people[0].number, FP) == ["CONSENT_MISSING"]
    watch = made.watch(asked(made))
    delivery = delivery_of(made.night(), asked(made))

    assert blocks_of(delivery) == [(watch.pk, "sjukpenningarende")]
    assert set(Disclosure.objects.get(delivery=delivery).decision.classes) == set(CLASSES)


def test_11_a_guardians_consent_tells_nothing_until_somebody_has_accepted_it(made):
    """Acceptance test 11 of the law's list."""
    consent = give(made, giver="guardian")
    number = made.sources.people[0].number
    assert made.order(asked(made), OrderKind.NEW, number, SJP) == ["CONSENT_NOT_EXAMINED"]

    examine_consent(consent=consent, accept=True, by=UserFactory(), at=made.now, reason="Fullmakten är prövad.")

    assert made.order(asked(made), OrderKind.NEW, number, SJP) == ["ACCEPTED"]
    assert blocks_of(delivery_of(made.night(), asked(made)))


def test_a_duty_is_served_without_any_consent(made):
    """R10: a withdrawn consent never stands in the way of a statutory duty."""
    duty = made.streams[0]
    watch = made.watch(duty)
    withdraw_consent(consent=give(made), at=made.now)

    assert blocks_of(delivery_of(made.night(), duty)) == [(watch.pk, "sjukpenningarende")]


def test_a_person_whom_nobody_has_named_is_watched_on_consent_and_told_of_when_known(made):
    person = made.sources.people[2]
    unknown = made.sources.new_number()
    consent = give(made, number=unknown)

    assert person_of(unknown) == consent.person
    assert made.order(asked(made), OrderKind.NEW, unknown, SJP) == ["ACCEPTED"]
    assert blocks_of(delivery_of(made.night(), asked(made))) == []
    assert person.number != unknown


# Needs and cases


@pytest.fixture
def confirmed(made: World) -> World:
    """The first stream's basis asks for the need once in ten days."""
    made.basis(PLAIN, reconfirm_days=10)
    return made


def test_a_watch_not_confirmed_is_paused_without_a_word_goes_on_when_confirmed_and_ends_at_last(confirmed):
    stream = confirmed.streams[0]
    watch = confirmed.watch(stream)
    assert watch.reconfirm_by == confirmed.day + timedelta(days=10)
    confirmed.night()

    confirmed.next_day(10)
    news(confirmed)
    paused = delivery_of(confirmed.night(), stream)
    assert (blocks_of(paused), statuses_of(paused)) == ([], [])
    assert all_is_true(confirmed)

    assert reconfirm(watches=Watch.objects.all(), at=confirmed.now) == 1
    assert blocks_of(delivery_of(confirmed.night(), stream)) == [(watch.pk, "sjukpenningarende")]

    confirmed.next_day(10 + 31)
    assert statuses_of(delivery_of(confirmed.night(), stream)) == [("3", "UPPHORD")]
    assert all_is_true(confirmed)


def test_a_paused_watch_that_is_cancelled_tells_its_end_and_nothing_of_the_pause(confirmed):
    stream = confirmed.streams[0]
    watch = confirmed.watch(stream)
    confirmed.night()
    confirmed.next_day(10)
    news(confirmed)
    confirmed.night()

    end_case(streams=[stream], case_reference=watch.case_reference, at=confirmed.now)

    delivery = delivery_of(confirmed.night(), stream)
    assert (blocks_of(delivery), statuses_of(delivery)) == ([], [("3", "AVBESTALLD")])
    assert not watch.pending.exists()
    assert all_is_true(confirmed)


def test_the_end_of_a_case_tells_the_last_changes_and_that_it_was_cancelled(made):
    stream = made.streams[0]
    watch = made.watch(stream)
    made.night()
    news(made)

    assert end_case(streams=[stream], case_reference=watch.case_reference, at=made.now) == 1

    delivery = delivery_of(made.night(), stream)
    assert statuses_of(delivery) == [("3", "AVBESTALLD")]
    assert blocks_of(delivery) == [(watch.pk, "sjukpenningarende")]
    assert all_is_true(made)


@pytest.mark.parametrize("nightly", [True, False])
def test_after_a_wrong_merger_is_split_nobody_is_told_of_on_the_other_persons_consent(made, nightly):
    """Also where the split is imported at the last moment before the run begins (C8)."""
    one, two = made.sources.people[0], made.sources.people[1]
    one.former.append(two.number)
    made.sources.people.remove(two)
    made.sources.hand_over(made.now, one)
    give(made, number=two.number)
    made.order(asked(made), OrderKind.NEW, one.number, SJP)
    watch = Watch.objects.get()
    made.night()
    assert blocks_of(Delivery.objects.get(stream=asked(made)))
    one.former.remove(two.number)
    made.sources.people.append(two)

    kept_up = runs.keep_up

    def split_just_after(**values):
        kept_up(**values)
        news(made, 0)
        made.sources.hand_over(made.now, two)

    if nightly:
        with mock.patch.object(runs, "keep_up", split_just_after):
            run = made.night()
    else:
        news(made, 0)
        made.sources.hand_over(made.now, two)
        run = made.on_demand()

    assert blocks_of(delivery_of(run, asked(made))) == []
    assert Disclosure.objects.filter(watch=watch).latest("pk").reason == "CONSENT_MISSING"
    assert not verify(asked(made), made.now).different


def test_an_upkeep_between_a_split_and_the_run_ends_no_watch_that_has_its_own_consent(made):
    one, two = made.sources.people[0], made.sources.people[1]
    one.former.append(two.number)
    made.sources.people.remove(two)
    made.sources.hand_over(made.now, one)
    withdraw_consent(consent=give(made, number=one.number), at=made.now)
    give(made, number=two.number, evidence="F 2")
    made.order(asked(made), OrderKind.NEW, two.number, SJP)
    made.night()
    one.former.remove(two.number)
    made.sources.people.append(two)
    made.sources.hand_over(made.now, one, two)

    keep_up(day=made.day, at=made.now)
    made.night()

    assert Watch.objects.get().ended_at is None
    assert not verify(asked(made), made.now).different


# The end of a case, and its undoing


def on_a_case(made: World) -> list[Watch]:
    """Two watches in one case, told."""
    watches = [made.watch(made.streams[0], person) for person in (0, 1)]
    made.night()
    return watches


def end(made: World) -> int:
    streams = Stream.objects.filter(pk=made.streams[0].pk)
    return end_case(streams=streams, case_reference="A1", by=UserFactory(), at=made.now)


def undo(made: World, watch: Watch) -> int:
    return reopen_case(watch=Watch.objects.get(pk=watch.pk), by=UserFactory(), at=made.now)


def test_the_end_of_a_case_that_is_undone_is_never_told(made):
    watches = on_a_case(made)
    end(made)
    made.now += timedelta(minutes=1)

    assert undo(made, watches[1]) == 2
    news(made)
    delivery = delivery_of(made.night(), made.streams[0])

    assert statuses_of(delivery) == []
    assert [watch for watch, _ in blocks_of(delivery)] == [watches[0].pk]
    assert all_is_true(made)


def test_the_end_of_a_case_cannot_be_undone_once_it_has_been_told(made):
    watches = on_a_case(made)
    end(made)
    made.night()

    with pytest.raises(ReopenRefused) as refused:
        undo(made, watches[0])

    assert refused.value.code == "TOLD"
    assert not Watch.objects.open().exists()


def test_an_undoing_shows_nothing_of_a_protected_persons_frozen_watch(made):
    """That its end was not told is no way to learn that it is frozen (C8)."""
    watches = on_a_case(made)
    end(made)
    PersonFacts.objects.filter(person=watches[0].person_id).update(protection=Protection.MARKED)
    made.night()

    with pytest.raises(ReopenRefused) as refused:
        undo(made, watches[0])

    assert refused.value.code == "TOLD"


def test_an_undoing_while_a_delivery_is_written_has_it_written_again(made):
    watches = on_a_case(made)
    end(made)
    run, true, undone = made.start_night(), runs.release, []

    def late(*args):
        if not undone and args[1] == made.streams[0]:
            undone.append(undo(made, watches[0]))
        return true(*args)

    with mock.patch.object(runs, "release", late):
        runs.perform(run)

    assert undone == [2]
    assert statuses_of(delivery_of(run, made.streams[0])) == []
    made.next_day()
    assert all_is_true(made)


def test_what_an_order_ended_or_is_watched_again_is_not_opened_by_an_undoing(made):
    watches = on_a_case(made)
    made.order(made.streams[0], OrderKind.CANCEL, watches[0].ordered_number, SJP)
    end(made)

    with pytest.raises(ReopenRefused) as refused:
        undo(made, watches[0])
    assert refused.value.code == "NOT_A_CASE"

    made.watch(made.streams[0], 1)
    with pytest.raises(ReopenRefused) as refused:
        undo(made, watches[1])
    assert refused.value.code == "WATCHED_AGAIN"
