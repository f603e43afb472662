"""A basis that closes and a block that is set, as the nights and the fetches meet them (R2, R6, R19)."""

from datetime import timedelta
from unittest import mock

import pytest

from deliveries import runs, storage
from deliveries.models import Delivery, Disclosure, StreamRun
from deliveries.reading import read
from deliveries.schema import NOT_AUTHORISED
from deliveries.services import FetchRefused, fetch
from deliveries.verification import verify
from subscriptions.bases import approve_basis, end_approval, propose_basis
from subscriptions.blocks import lift_block, set_block
from subscriptions.models import Agreement, Block, Customer, LegalBasis, Notice, OwnerApproval, Pending, Watch
from tests.factories import UserFactory
from tests.histories.faults import TRUE_RELEASE, before_release, spoken, watched
from tests.histories.sources import AP, CASES, SJP, pension, sickness
from tests.histories.world import PLAIN, World

WHY = "Rättsavdelningens beslut."


@pytest.fixture
def officer(db):
    return UserFactory()


@pytest.fixture
def lawyer(db):
    return UserFactory()


def new_version(made: World, officer, **changes) -> LegalBasis:
    """A proposed version of the basis of streams 0 and 2."""
    row = LegalBasis.objects.filter(code=PLAIN).latest("version")
    row.pk, row._state.adding = None, True
    row.version += 1
    for name, value in changes.items():
        setattr(row, name, value)
    return propose_basis(basis=row, by=officer, at=made.now)


def told(delivery: Delivery) -> list[tuple[list[str], bool]]:
    """For each person of a delivery: the kundStatus of the watches, and whether there is content."""
    entries = read(storage.place_of(delivery.sha256))
    return [([status.code for status in one.statuses], bool(one.blocks)) for one in entries]


def last(made: World) -> Delivery:
    return Delivery.objects.filter(stream=made.streams[0]).latest("number")


def sick(made: World, days: int) -> None:
    spoken(made, CASES[SJP], sickness(made.day - timedelta(days=90), days))


def why_withheld(watch: Watch) -> str:
    return Disclosure.objects.filter(watch=watch, outcome=Disclosure.Outcome.WITHHELD).latest("pk").decision.refusal


@pytest.mark.parametrize("by", ["its status", "its last day"])
def test_the_watches_of_a_basis_stop_on_the_day_it_closes_and_the_customers_are_told(world, officer, lawyer, by):
    watch = watched(world)
    tomorrow = world.day + timedelta(days=1)
    changes = {
        "its status": {"status": "closed", "valid_from": tomorrow, "valid_to": tomorrow},
        "its last day": {"valid_to": world.day},
    }
    version = new_version(world, officer, **changes[by])
    approve_basis(basis=version, by=lawyer, at=world.now, reason=WHY)
    assert {(one.customer, one.details["day"]) for one in Notice.objects.all()} == {
        (world.streams[place].agreement.customer, tomorrow.isoformat()) for place in (0, 2)
    }

    sick(world, 9)
    world.night()
    assert told(last(world)) == [([], True)]
    sick(world, 12)
    world.night()

    assert told(last(world)) == [([NOT_AUTHORISED], False)]
    assert why_withheld(watch) == "BASIS_CLOSED"
    assert not verify(world.streams[0], world.now).different


def test_a_proposal_to_close_a_basis_stops_nothing(world, officer):
    watched(world)
    new_version(world, officer, status="closed", valid_to=world.day)

    sick(world, 9)
    world.night()

    assert told(last(world)) == [([], True)]
    assert not Notice.objects.exists()


def test_what_an_owner_no_longer_approves_is_told_no_more(world, officer):
    person = world.sources.people[0]
    person.sections["beslut"] = [pension(1, world.day, 1000)]
    world.sources.hand_over_pension(world.now, person)
    watch = watched(world, AP)
    approval = OwnerApproval.objects.get(basis_code=PLAIN)

    end_approval(approval=approval, on=world.day - timedelta(days=1), by=officer, at=world.now, reason=WHY)
    world.night()

    assert told(last(world)) == [([NOT_AUTHORISED], False)]
    assert why_withheld(watch) == "OWNER_NOT_APPROVED"


@pytest.mark.parametrize("ground", Block.Ground.values)
def test_a_block_set_while_a_run_builds_is_in_force_for_its_releases_and_for_a_fetch_a_moment_later(
    world, officer, lawyer, ground
):
    watched(world)
    fetched = last(world)
    fetch(delivery=fetched, at=world.now)
    sick(world, 9)
    customer = world.streams[0].agreement.customer
    standing = []

    def release(*args):
        if args[1] == world.streams[0] and not standing:
            block = Block(customer=customer, ground=ground, reason="Misstänkt intrång.")
            standing.append(set_block(block=block, by=officer, at=world.now))
        return TRUE_RELEASE(*args)

    with mock.patch.object(runs, "release", release):
        run = world.night()

    stopped = run.streams.get(stream=world.streams[0])
    assert (stopped.status, stopped.code, stopped.delivery) == (StreamRun.Status.STOPPED, "BLOCKED", None)
    assert last(world) == fetched
    with pytest.raises(FetchRefused, match="BLOCKED"):
        fetch(delivery=fetched, at=world.now)

    lift_block(block=standing[0], by=lawyer, at=world.now, reason=WHY)
    world.night()
    assert told(last(world)) == [([], True)]


def test_a_benefit_blocked_while_a_run_builds_is_frozen_in_its_releases(world, officer):
    watch = watched(world)
    sick(world, 9)

    def block():
        set_block(block=Block(benefit=SJP, reason="Fel i registret."), by=officer, at=world.now)

    with before_release(world.streams[0], block) as leaked:
        world.night()

    assert told(last(world)) == [] and not leaked
    assert why_withheld(watch) == "BLOCKED"
    assert Pending.objects.get(watch=watch).reason == Pending.Reason.HELD


# What ends or stops a whole stream while its document is being built.
STOPS = {
    "the agreement is ended": lambda agreement: {"status": Agreement.Status.ENDED},
    "the agreement is paused": lambda agreement: {"status": Agreement.Status.SIGNED_BY_FK},
    "the agreement's last day has passed": lambda agreement: {"valid_to": agreement.valid_from},
}


@pytest.mark.parametrize("stop", STOPS)
def test_nothing_is_told_when_the_agreement_stops_while_a_run_builds(world, stop):
    watched(world)
    sick(world, 9)
    agreement = world.streams[0].agreement

    with before_release(
        world.streams[0], lambda: Agreement.objects.filter(pk=agreement.pk).update(**STOPS[stop](agreement))
    ) as leaked:
        world.night()

    assert not leaked
    assert not any(blocks for delivery in Delivery.objects.filter(number__gt=1) for _, blocks in told(delivery))


def test_nothing_is_told_when_the_customer_is_stopped_while_a_run_builds(world):
    watched(world)
    sick(world, 9)
    customer = world.streams[0].agreement.customer

    with before_release(
        world.streams[0], lambda: Customer.objects.filter(pk=customer.pk).update(active=False)
    ) as leaked:
        world.night()

    assert not leaked
    assert Delivery.objects.filter(stream=world.streams[0]).count() == 1


def test_nothing_is_told_when_a_number_moves_and_its_new_holder_becomes_protected_before_the_second_try(world):
    """The watch has not followed its number yet, so that the change names a person who is not the watch's."""
    holder, one = world.sources.people[:2]
    for person, days in ((holder, 5), (one, 9)):
        person.sections[CASES[SJP]] = [sickness(world.day, days)]
    world.sources.hand_over(world.now, holder, one)
    stream = world.streams[0]
    world.watch(stream, 1, SJP)

    def merged():
        world.sources.people.remove(one)
        holder.former = [one.number]
        world.sources.hand_over(world.now, holder)

    def protected():
        holder.protection = "SEKRETESSMARKERING"
        world.sources.hand_over(world.now, holder, only=[])

    due, leaked = [merged, protected], []

    def late(*args):
        if due and args[1] == stream:
            due.pop(0)()
        delivery = TRUE_RELEASE(*args)
        leaked.extend(block for entry in read(storage.place_of(delivery.sha256)) for block in entry.blocks)
        return delivery

    with mock.patch.object(runs, "release", late):
        world.night()

    assert not due and not leaked
