"""The gate that every fetch passes, and the receipt."""

from datetime import date

import pytest

from benefits.models import PersonFacts, Protection
from deliveries import storage
from deliveries.models import Delivery, Fetch, Told
from deliveries.services import AcknowledgeRefused, FetchRefused, acknowledge, fetch
from subscriptions.models import Agreement, Customer
from tests.documents import delivered, said_of
from tests.factories import AT, BlockFactory, DisclosureFactory, ToldFactory, WatchFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch():
    return WatchFactory(stream__served=True)


@pytest.fixture
def delivery(watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    DisclosureFactory(delivery=delivery, watch=watch)
    return delivery


def refusal(delivery: Delivery) -> str:
    """The code of a refused fetch, which is logged; empty if it is let through."""
    try:
        fetch(delivery=delivery, at=AT, client="skadesystemet")
    except FetchRefused as refused:
        assert Fetch.objects.latest("pk").refusal == refused.code
        return refused.code
    return ""


def test_a_fetch_hands_over_the_document_and_is_logged(delivery):
    path = fetch(delivery=delivery, at=AT, client="skadesystemet")

    delivery.refresh_from_db()
    assert path.read_bytes().startswith(b"<?xml")
    assert delivery.first_fetched_at == AT
    assert (Fetch.objects.get().client, Fetch.objects.get().refusal) == ("skadesystemet", "")


def test_a_delivery_can_be_fetched_again_and_its_first_fetch_stays(delivery):
    first = fetch(delivery=delivery, at=AT)
    again = fetch(delivery=delivery, at=AT.replace(hour=20))

    delivery.refresh_from_db()
    assert first == again
    assert delivery.first_fetched_at == AT
    assert Fetch.objects.count() == 2


def test_first_fetches_go_in_sequence(watch, delivery):
    second = delivered([], stream=watch.stream, number=2)

    assert refusal(second) == "OUT_OF_SEQUENCE"
    assert refusal(delivery) == refusal(second) == ""


def test_a_recalled_delivery_holds_up_none_after_it(watch):
    recalled = delivered([], stream=watch.stream, number=1, recalled_at=AT)
    second = delivered([], stream=watch.stream, number=2)

    assert refusal(recalled) == "RECALLED"
    assert refusal(second) == ""


def test_what_a_delivery_replaced_is_let_go_when_it_is_fetched(watch, delivery):
    replaced = ToldFactory(watch=watch, delivery=delivery, replaced_by=delivery)
    current = ToldFactory(watch=watch, delivery=delivery)

    fetch(delivery=delivery, at=AT)

    assert list(Told.objects.all()) == [current]
    assert not Told.objects.filter(pk=replaced.pk).exists()


@pytest.mark.parametrize(
    "change", [{"status": "ended"}, {"valid_to": date(2026, 11, 1)}, {"valid_from": date(2027, 1, 1)}]
)
def test_nothing_is_handed_over_without_an_agreement_in_force(delivery, change):
    Agreement.objects.update(**change)

    assert refusal(delivery) == "AGREEMENT_NOT_ACTIVE"


def test_nothing_is_handed_over_to_an_inactive_customer(delivery):
    Customer.objects.update(active=False)

    assert refusal(delivery) == "AGREEMENT_NOT_ACTIVE"


def test_that_a_stream_has_ended_can_be_fetched_after_its_agreement(watch):
    last = delivered([], stream=watch.stream, final=True)
    Agreement.objects.update(status=Agreement.Status.ENDED)

    assert refusal(last) == ""


@pytest.mark.parametrize("of", ["customer", "benefit"])
def test_a_block_stops_what_it_names_until_it_is_lifted(watch, delivery, of):
    stopped = {"customer": watch.stream.agreement.customer} if of == "customer" else {"benefit": watch.benefit}
    block = BlockFactory(**({"customer": None} | stopped))
    assert refusal(delivery) == "BLOCKED"

    block.lifted_at = AT
    block.save()

    assert refusal(delivery) == ""


def test_a_delivery_about_a_person_now_protected_stays_here(watch, delivery):
    fetch(delivery=delivery, at=AT)
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)

    assert refusal(delivery) == "PROTECTED"


def test_a_damaged_document_is_not_handed_over(delivery):
    storage.place_of(delivery.sha256).write_bytes(b"<leverans/>")

    assert refusal(delivery) == "DOCUMENT_DAMAGED"
    assert not Delivery.objects.exclude(first_fetched_at=None).exists()


def test_a_receipt_needs_a_fetch_and_the_hash_of_the_document(delivery):
    with pytest.raises(AcknowledgeRefused, match="NOT_FETCHED"):
        acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT)
    fetch(delivery=delivery, at=AT)
    with pytest.raises(AcknowledgeRefused, match="WRONG_HASH"):
        acknowledge(delivery=delivery, sha256="0" * 64, at=AT)

    acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT)
    acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT.replace(hour=20))

    delivery.refresh_from_db()
    assert delivery.acknowledged_at == AT
