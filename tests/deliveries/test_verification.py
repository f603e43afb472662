"""Verify finds every fault that it names, and is silent where there is none."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from benefits.models import BenefitPeriod
from deliveries import storage
from deliveries.document import Block, Entry, Status
from deliveries.models import Delivery, Disclosure, Told
from deliveries.verification import fold, verify
from subscriptions.models import Pending, Stream, Watch
from subscriptions.models.orders import OrderKind
from tests.documents import CASES, EMPTY, FULL, a_block, an_item, delivered
from tests.factories import DeliveryFactory, DisclosureFactory
from tests.histories.sources import SJP, sickness
from tests.histories.world import World


@pytest.fixture
def told(world: World) -> World:
    """One watch that has been told one case."""
    person = world.sources.people[0]
    person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=30), 9))
    world.sources.hand_over(world.now, person)
    world.watch(world.streams[0], 0, SJP)
    world.night()
    return world


def last(made: World) -> Delivery:
    return Delivery.objects.filter(stream=made.streams[0]).latest("number")


def damage(made: World) -> None:
    path = storage.place_of(last(made).sha256)
    path.write_bytes(path.read_bytes().replace(b"BEVILJAN", b"BEVILJAT"))


def break_chain(made: World) -> None:
    DeliveryFactory(stream=made.streams[0], number=3, sha256="1" * 64, previous_sha256="2" * 64)


def change_told(made: World) -> None:
    Told.objects.filter(watch__stream=made.streams[0], section=CASES.name).update(items="0" * 64)


def forget_status(made: World) -> None:
    row = Told.objects.filter(watch__stream=made.streams[0], section=CASES.name).get()
    row.pk, row.section, row.digest, row.items = None, "@status", "3", ""
    row.save()


FAULTS: dict[str, tuple[Callable[[World], object], str]] = {
    "damaged document": (damage, "damaged or gone"),
    "document gone": (lambda made: storage.place_of(last(made).sha256).unlink(), "damaged or gone"),
    "broken chain": (break_chain, "the chain breaks at delivery 3"),
    "number lost": (
        lambda made: Stream.objects.filter(pk=made.streams[0].pk).update(last_number=5),
        "the stream's last number or hash is not the chain's",
    ),
    "told otherwise": (change_told, "what is remembered as told is not what the documents say"),
    "told to have ended": (forget_status, "what is remembered as told is not what the documents say"),
    "an item untold": (
        lambda made: BenefitPeriod.objects.update(content='{"aktivt": false, "startades": "2025-12-06"}'),
        "1 items untold, 1 told that should not stand",
    ),
    "an item told that has gone": (
        lambda made: BenefitPeriod.objects.update(withdrawn_in=1),
        "0 items untold, 1 told that should not stand",
    ),
    "stream closed without a last document": (
        lambda made: Stream.objects.filter(pk=made.streams[0].pk).update(closed=True),
        "told something after the stream ended",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_and_named(told, fault):
    plant, expected = FAULTS[fault]
    assert verify(told.streams[0], told.now).holds
    plant(told)

    report = verify(told.streams[0], told.now)

    assert not report.holds
    assert any(expected in str(one) for one in report.different), [*map(str, report.different)]


def an_entry(watch: Watch, *blocks: Block, codes: tuple[str, ...] = ("1",), shown: int | None = None) -> Entry:
    statuses = [Status(shown or watch.pk, "sjukpenning", code) for code in codes]
    return Entry(watch.ordered_number, complete=True, statuses=statuses, blocks=list(blocks))


@pytest.fixture
def watch(world: World) -> Watch:
    return world.watch(world.streams[0], 0, SJP)


@pytest.mark.parametrize("logged", ["not at all", "without the section", "with another digest", "truly"])
def test_what_is_told_is_logged_with_its_digest(watch, logged):
    delivery = delivered([an_entry(watch, a_block(watch.pk, an_item()))], stream=watch.stream)
    Stream.objects.filter(pk=watch.stream_id).update(last_number=1, last_sha256=delivery.sha256)
    digests = {"without the section": {}, "with another digest": {CASES.name: EMPTY}, "truly": {CASES.name: FULL}}
    if logged in digests:
        DisclosureFactory(delivery=delivery, watch=watch, sections=digests[logged])

    found = {fault.why for fault in fold(Stream.objects.get(pk=watch.stream_id)).faults}

    assert found == (set() if logged == "truly" else {"delivery 1 is not logged"})


def test_a_recalled_delivery_keeps_its_place_and_tells_nothing(watch):
    delivery = delivered(
        [an_entry(watch, a_block(watch.pk, an_item()))], stream=watch.stream, recalled_at=watch.opened_at
    )
    Stream.objects.filter(pk=watch.stream_id).update(last_number=1, last_sha256=delivery.sha256)

    found = fold(Stream.objects.get(pk=watch.stream_id))

    assert (found.faults, found.watches) == ([], {})


def test_what_is_told_of_no_watch_is_different(watch):
    delivered([an_entry(watch, a_block(9_999, an_item()), shown=9_999)], stream=watch.stream)

    whys = {one.why for one in verify(watch.stream, watch.opened_at).different}

    assert "told, but there is no such watch" in whys


def test_a_status_other_than_the_one_that_holds_is_different(told):
    Watch.objects.update(ended_at=told.now, end_reason="AVBESTALLD", ended_as_of=1)
    Stream.objects.update(examined_law=10**6)

    report = verify(told.streams[0], told.now)

    assert [one.why for one in report.different] == ["told active, should be ended"]


def test_what_is_owed_is_pending_and_after_its_time_overdue(world, settings):
    world.watch(world.streams[0], 0, SJP)
    Stream.objects.update(examined_law=10**6)

    early = verify(world.streams[0], world.now)
    late = verify(world.streams[0], world.now + timedelta(days=settings.PENDING_DAYS, seconds=1))

    assert ("first" in early.pending[0].why, early.holds) == (True, True)
    assert ("past its deadline" in late.overdue[0].why, late.holds) == (True, False)


def test_a_protected_person_may_wait_longer(told, settings):
    told.sources.people[0].protection = "SEKRETESSMARKERING"
    told.sources.hand_over(told.now, told.sources.people[0], only=[])
    told.night()
    since = Pending.objects.get().since

    report = verify(told.streams[0], since + timedelta(days=settings.FROZEN_DAYS))
    late = verify(told.streams[0], since + timedelta(days=settings.FROZEN_DAYS, seconds=1))

    assert (report.holds, [one.why.split(" ")[0] for one in report.pending]) == (True, ["frozen"])
    assert not late.holds


def test_a_law_change_that_no_run_has_seen_is_pending_and_not_different(told):
    told.scope(told.streams[0], benefits=["FK:FP"])

    report = verify(told.streams[0], told.now)

    assert (len(report.pending), report.different) == (1, [])
    assert "law changed since the mark" in report.pending[0].why


def test_an_ended_watch_of_a_protected_person_is_equal_once_it_has_been_told(told):
    told.order(told.streams[0], "avbestallningBevakning", told.sources.people[0].number, SJP)
    told.night()
    told.sources.people[0].protection = "SEKRETESSMARKERING"
    told.sources.hand_over(told.now, told.sources.people[0], only=[])
    told.night()

    report = verify(told.streams[0], told.now)

    assert (report.equal, report.pending, report.different) == (1, [], [])


@pytest.mark.parametrize("fault", [False, True])
def test_the_command_ends_with_one_line_of_counts_and_says_by_its_exit_whether_all_holds(told, capsys, fault):
    told.watch(told.streams[2], 1, SJP)
    if fault:
        Told.objects.all().delete()
        with pytest.raises(SystemExit) as ended:
            call_command("verify", "--all")
        assert ended.value.code == 1
    else:
        call_command("verify", "--all")

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"equal 1 · pending 1 · different {int(fault)}"
    assert any(line.startswith("  pending: stream") for line in lines)
    assert any(line.startswith("  different: stream") for line in lines) is fault
    assert told.sources.people[0].number not in "\n".join(lines)


def test_the_command_takes_streams_by_name_or_all(told, capsys):
    call_command("verify", str(told.streams[0].pk))

    assert capsys.readouterr().out.splitlines()[-1] == "equal 1 · pending 0 · different 0"
    for wrong in ([], ["--all", "1"]):
        with pytest.raises(CommandError):
            call_command("verify", *wrong)


def test_the_log_of_what_was_told_cannot_be_changed_afterwards(told):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Disclosure.objects.all().delete()


def test_what_was_cancelled_before_it_was_told_is_not_overdue_while_it_is_frozen(told):
    told.sources.people[1].protection = "SEKRETESSMARKERING"
    told.sources.hand_over(told.now, told.sources.people[1], only=[])
    watch = told.watch(told.streams[0], 1)
    told.order(told.streams[0], OrderKind.CANCEL, watch.ordered_number, watch.benefit)
    told.night()
    assert Pending.objects.filter(watch=watch).exists()

    report = verify(told.streams[0], told.now + timedelta(days=1000))

    assert not [one for one in report.overdue if one.watch == watch.pk]
