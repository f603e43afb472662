"""A reservation stops a stream until it is acknowledged, and then stands in the head of each of its documents (R18)."""

import hashlib
import json
from dataclasses import replace

import pytest

from deliveries import reading, storage
from deliveries.document import ReservationLine, Writer
from deliveries.jsonform import to_json
from deliveries.models import Delivery, StreamRun
from deliveries.services import FetchRefused, fetch, recall_what_may_no_longer_be_told
from deliveries.verification import verify
from subscriptions.models import Reservation
from subscriptions.reservations import acknowledge_reservation, lift_reservation, set_reservation
from tests.deliveries.test_document import entry
from tests.deliveries.test_jsonform import told
from tests.deliveries.test_round_trip import HEAD
from tests.factories import UserFactory
from tests.histories.sources import SJP, sickness
from tests.histories.world import World

TEXT = "Uppgifterna får bara användas i ärendet <A & B>.\nDe får inte lämnas vidare."
SAID = ReservationLine("OSL 10:14", TEXT)


@pytest.fixture
def watched(world: World) -> World:
    one = world.sources.people[0]
    one.items("sjukpenningarende").append(sickness(world.day, 10))
    world.sources.hand_over(world.now, one)
    world.watch(world.streams[0], 0, SJP)
    world.night()
    return world


def reserved(made: World, text: str = TEXT) -> Reservation:
    return set_reservation(
        agreement=made.streams[0].agreement, ground="OSL 10:14", text=text, by=UserFactory(), at=made.now
    )


def outcome(made: World) -> tuple[str, str]:
    run = made.night()
    return run.streams.values_list("status", "code").get(stream=made.streams[0])


def newest(made: World) -> reading.Head:
    delivery = Delivery.objects.filter(stream=made.streams[0]).latest("number")
    return reading.read_head(storage.place_of(delivery.sha256))


def refusal(made: World) -> str:
    try:
        fetch(delivery=Delivery.objects.get(stream=made.streams[0], number=1), at=made.now)
    except FetchRefused as refused:
        return refused.code
    return ""


def test_until_it_is_acknowledged_nothing_is_made_and_nothing_is_fetched(watched):
    reservation = reserved(watched)

    assert outcome(watched) == (StreamRun.Status.STOPPED, "RESERVATION_NOT_ACKNOWLEDGED")
    assert refusal(watched) == "RESERVATION_NOT_ACKNOWLEDGED"
    assert recall_what_may_no_longer_be_told(watched.now) == 0, "it is held, not recalled"

    acknowledge_reservation(reservation=reservation, client="skadesystemet", at=watched.now)

    assert refusal(watched) == ""
    assert outcome(watched) == (StreamRun.Status.RELEASED, "")
    assert verify(watched.streams[0], watched.now).different == []


def test_another_agreement_of_the_same_night_is_not_stopped(watched):
    reserved(watched)

    run = watched.night()

    assert set(run.streams.exclude(stream=watched.streams[0]).values_list("status", flat=True)) == {"released"}


def test_every_document_says_what_is_acknowledged_and_in_force(watched):
    first = reserved(watched)
    second = reserved(watched, "Ett andra villkor.")
    for one in (first, second):
        acknowledge_reservation(reservation=one, client="skadesystemet", at=watched.now)
    watched.night()
    assert [one.text for one in newest(watched).reservations] == [TEXT, "Ett andra villkor."]

    lift_reservation(reservation=first, reason="Behövs inte.", by=UserFactory(), at=watched.now)
    watched.night()
    assert newest(watched).reservations == [reading.Reservation("OSL 10:14", "Ett andra villkor.")]


def test_it_comes_back_whole_from_the_document_and_in_json(tmp_path):
    path = tmp_path / "leverans.xml"
    with path.open("wb") as file:
        writer = Writer(file, replace(HEAD, reservations=[SAID, replace(SAID, ground="OSL 12:2")]))
        writer.add([entry()])
        writer.close()

    reading.validate(path)
    assert reading.read_head(path).reservations == [
        reading.Reservation("OSL 10:14", TEXT),
        reading.Reservation("OSL 12:2", TEXT),
    ]
    said = told(path)["generelltfalt"]["forbehall"]
    assert said == [{"grund": "OSL 10:14", "text": TEXT}, {"grund": "OSL 12:2", "text": TEXT}]


def test_a_document_without_any_is_the_same_as_before_there_were_any(tmp_path):
    """To the byte: a receiver's stored hashes and readers are not touched."""
    path = tmp_path / "leverans.xml"
    with path.open("wb") as file:
        sha256 = Writer(file, HEAD).close()

    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert b"forbehall" not in path.read_bytes()
    assert "forbehall" not in json.loads("".join(to_json(path)))["generelltfalt"]
