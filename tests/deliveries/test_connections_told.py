"""What the steps of a connection mean for what is told at night: nothing before, all between, and nothing after."""

from datetime import timedelta

import pytest

from deliveries import storage
from deliveries.models import Delivery
from deliveries.reading import read
from deliveries.schema import NOT_AUTHORISED
from deliveries.verification import verify
from subscriptions.connections import (
    accept_connection,
    apply_for_connection,
    approve_agreement,
    end_agreement,
    send_agreement,
    sign_for_customer,
    sign_for_fk,
)
from subscriptions.models import Agreement, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.scopes import approve_scope, narrow_scope, propose_scope
from tests.factories import UserFactory
from tests.histories.faults import spoken, watched
from tests.histories.sources import CASES, FP, SJP, sickness
from tests.histories.world import PLAIN, World
from tests.subscriptions.test_connections import VALUES

REASON = "Ansökan uppfyller kraven."


@pytest.fixture
def officer(db):
    return UserFactory()


@pytest.fixture
def approver(db):
    return UserFactory()


def signed(made: World, officer) -> Agreement:
    """An agreement on sickness benefit that lacks nothing but the second person."""
    parts = [{"basis": PLAIN, "benefits": [SJP]}]
    connection = apply_for_connection(values=VALUES | {"parts": parts, "channel": "portal"}, at=made.now)
    agreement = accept_connection(connection=connection, by=officer, at=made.now, code="AVTAL-NY")
    send_agreement(agreement=agreement, by=officer, at=made.now)
    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="papper", at=made.now)
    sign_for_fk(agreement=agreement, signatory="Karin Ek", by=officer, at=made.now)
    return agreement


def statuses(stream: Stream) -> list[str]:
    """The kundStatus of the watches in the newest delivery."""
    newest = Delivery.objects.filter(stream=stream).latest("number")
    return [status.code for one in read(storage.place_of(newest.sha256)) for status in one.statuses]


def content(stream: Stream) -> str:
    newest = Delivery.objects.filter(stream=stream).latest("number")
    return storage.place_of(newest.sha256).read_text(encoding="utf-8")


def test_an_approved_agreement_takes_orders_the_same_day_and_delivers_the_same_night(world, officer, approver):
    agreement = signed(world, officer)
    spoken(world, CASES[SJP], sickness(world.day - timedelta(days=90), 9))
    assert not agreement.streams.exists()

    approve_agreement(agreement=agreement, by=approver, at=world.now, reason=REASON)
    stream = agreement.streams.select_related("agreement__customer").get()
    answers = [world.order(stream, OrderKind.NEW, world.sources.people[0].number, one) for one in (SJP, FP)]
    world.night()

    assert answers == [["ACCEPTED"], ["BENEFIT_NOT_AGREED"]]
    assert CASES[SJP] in content(stream)
    assert not verify(stream, world.now).different


def test_a_widening_is_told_from_its_approval_and_not_from_its_proposal(world, officer, approver):
    watched(world)
    stream = world.streams[0]
    scope = narrow_scope(
        agreement=stream.agreement, purpose=stream.purpose, values={"classes": ["benefit"]}, by=officer, at=world.now
    )
    spoken(world, CASES[SJP], sickness(world.day - timedelta(days=90), 9))
    world.night()
    values = {"classes": ["benefit", "period"]}
    proposal = propose_scope(
        agreement=stream.agreement, purpose=stream.purpose, values=values, by=officer, at=world.now
    )
    world.night()
    assert scope.narrows
    assert "<period>" not in content(stream)

    approve_scope(scope=proposal, by=approver, at=world.now, reason=REASON)
    world.night()

    assert "<period>" in content(stream)
    assert not verify(stream, world.now).different


def test_a_narrowing_stops_what_it_takes_away_the_same_night(world, officer):
    watched(world)
    stream = world.streams[0]
    world.night()

    narrow_scope(
        agreement=stream.agreement, purpose=stream.purpose, values={"benefits": [FP]}, by=officer, at=world.now
    )
    spoken(world, CASES[SJP], sickness(world.day - timedelta(days=90), 12))
    world.night()

    assert statuses(stream) == [NOT_AUTHORISED]
    assert "sjukpenningarende" not in content(stream)
    assert not verify(stream, world.now).different


@pytest.mark.parametrize(("on", "nights"), [(None, 0), (0, 1), (1, 2)])
def test_an_agreement_delivers_to_its_last_day_then_says_that_it_is_over(world, officer, on, nights):
    watch = watched(world)
    stream = world.streams[0]
    world.night()
    before = Delivery.objects.filter(stream=stream).count()
    last = None if on is None else world.day + timedelta(days=on)

    end_agreement(agreement=stream.agreement, by=officer, at=world.now, on=last, reason="Kunden har sagt upp avtalet.")
    for _ in range(nights + 2):
        world.night()

    deliveries = Delivery.objects.filter(stream=stream).order_by("number")[before:]
    assert [one.final for one in deliveries] == [False] * nights + [True]
    assert Watch.objects.get(pk=watch.pk).end_reason == Watch.EndReason.NO_LONGER
    assert Agreement.objects.get(pk=stream.agreement_id).status == Agreement.Status.ENDED
