"""The API's doors to deliveries: list, fetch in sequence, acknowledge; and a partner's whole round."""

import hashlib
from base64 import b64encode
from datetime import timedelta

import pytest
from django.utils import timezone

from deliveries import runs
from deliveries.models import Delivery, Fetch
from deliveries.reading import read
from deliveries.services import FetchRefused
from subscriptions.models import Stream
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    ApiClientFactory,
    BlockFactory,
    DeliveryFactory,
    ImportFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)
from tests.partners import partner, problem_of, refusal_of, url_of

NUMBER = identity_number(1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream():
    return StreamFactory(served=True)


@pytest.fixture
def api_client(stream):
    return ApiClientFactory(customer=stream.agreement.customer)


@pytest.fixture
def api(api_client):
    return partner(api_client)


@pytest.fixture
def delivery(stream):
    """Released, with its document, and fetched by nobody."""
    return delivered([said_of(WatchFactory(stream=stream))], stream=stream)


def url(delivery: Delivery, *rest: str) -> str:
    return url_of(delivery.stream, "deliveries", delivery.number, *rest)


def fetch(api, delivery: Delivery):
    return api.get(url(delivery, "document"))


def content_of(answer) -> bytes:
    return b"".join(answer.streaming_content)


def acknowledge(api, delivery: Delivery, sha256: str):
    return api.post(url(delivery, "acknowledgement"), {"sha256": sha256}, content_type="application/json")


def listed(api, stream: Stream, **query) -> list[int]:
    return [one["number"] for one in api.get(url_of(stream, "deliveries"), query).json()["results"]]


# The whole round


def test_a_partner_orders_gets_its_first_delivery_and_acknowledges_it(api, api_client, stream):
    ImportFactory(number=1, sequence=1)
    today = timezone.localdate()
    row = {
        "typ": "nybestallningBevakning",
        "personnummer": NUMBER,
        "from": today.isoformat(),
        "formaner": ["sjukpenning"],
    }
    placed = api.post(url_of(stream, "orders"), {"rader": [row]}, content_type="application/json")
    assert placed.json()["answers"] == {"ACCEPTED": 1}
    runs.perform(runs.start_night(day=today, at=timezone.now() + timedelta(days=1)))
    api = partner(api_client)  # the day that has gone ended its token

    (said,) = api.get(url_of(stream, "deliveries"), {"after": 0}).json()["results"]
    address = url_of(stream, "deliveries", said["number"])
    answer = api.get(f"{address}document/")
    content = content_of(answer)

    assert hashlib.sha256(content).hexdigest() == said["sha256"]
    assert len(content) == said["size"]
    assert NUMBER.encode() in content
    told = api.post(f"{address}acknowledgement/", {"sha256": said["sha256"]}, content_type="application/json")
    assert told.status_code == 200
    assert api.get(address).json()["acknowledged_at"] is not None


# Listing


def test_deliveries_are_listed_after_a_number_in_order(api, stream):
    for number in (3, 1, 2):
        DeliveryFactory(stream=stream, number=number)

    assert listed(api, stream) == [1, 2, 3]
    assert listed(api, stream, after=1) == [2, 3]
    assert listed(api, stream, after=3) == []


def test_a_list_says_whether_there_is_more(api, stream):
    for number in (1, 2, 3):
        DeliveryFactory(stream=stream, number=number)

    first = api.get(url_of(stream, "deliveries"), {"limit": 2}).json()
    rest = api.get(url_of(stream, "deliveries"), {"limit": 2, "after": 2}).json()

    assert ([one["number"] for one in first["results"]], first["more"]) == ([1, 2], True)
    assert ([one["number"] for one in rest["results"]], rest["more"]) == ([3], False)


def test_a_recalled_delivery_keeps_its_place_in_the_list(api, stream):
    DeliveryFactory(stream=stream, number=1)
    DeliveryFactory(stream=stream, number=2, recalled_at=AT)

    said = api.get(url_of(stream, "deliveries")).json()["results"]

    assert [(one["number"], one["recalled"]) for one in said] == [(1, False), (2, True)]


def test_a_delivery_is_described_without_being_fetched(api, delivery):
    said = api.get(url(delivery)).json()

    assert said == {
        "number": 1,
        "sha256": delivery.sha256,
        "previous_sha256": "",
        "size": delivery.size,
        "schema_version": "1.0.0",
        "day": "2026-11-23",
        "as_of_import": 1,
        "released_at": "2026-11-23T18:00:00+01:00",
        "first_fetched_at": None,
        "acknowledged_at": None,
        "recalled": False,
        "manifest_sha256": delivery.manifest.sha256,
        "tombstone": "",
        "final": False,
        "persons": 1,
        "blocks": 2,
    }
    assert not Fetch.objects.exists()


@pytest.mark.parametrize(
    ("query", "field"),
    [({"after": "-1"}, "after"), ({"after": "x"}, "after"), ({"limit": "501"}, "limit"), ({"limit": "0"}, "limit")],
)
def test_a_list_asked_for_wrongly_says_which_field(api, stream, query, field):
    said = problem_of(api.get(url_of(stream, "deliveries"), query))

    assert (said["status"], said["code"]) == (400, "INVALID")
    assert [one["field"] for one in said["errors"]] == [field]


def test_a_list_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_max_num_queries):
    for number in range(1, 21):
        DeliveryFactory(stream=stream, number=number)

    with django_assert_max_num_queries(6):
        assert len(listed(api, stream)) == 20


@pytest.mark.parametrize("rest", [(), (1,), (1, "document"), (1, "acknowledgement")])
def test_the_deliveries_of_another_are_not_found(api, rest):
    stranger = StreamFactory(served=True)
    DeliveryFactory(stream=stranger, number=1)
    ask = api.post if "acknowledgement" in rest else api.get

    assert refusal_of(ask(url_of(stranger, "deliveries", *rest))) == (404, "NOT_FOUND")


@pytest.mark.parametrize("rest", [(), (1,), (1, "document"), (1, "acknowledgement")])
def test_a_token_for_orders_alone_reads_no_deliveries(api_client, stream, rest):
    ordering = partner(api_client, scope="orders")
    ask = ordering.post if "acknowledgement" in rest else ordering.get

    assert refusal_of(ask(url_of(stream, "deliveries", *rest))) == (403, "SCOPE_MISSING")


# Fetching


def test_the_document_is_handed_out_as_it_was_released_and_the_fetch_is_logged(api, api_client, delivery):
    answer = fetch(api, delivery)

    content = content_of(answer)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/xml"
    assert int(answer["Content-Length"]) == len(content) == delivery.size
    assert hashlib.sha256(content).hexdigest() == delivery.sha256
    assert answer["ETag"] == f'"{delivery.sha256}"'
    assert answer["Repr-Digest"] == f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"
    assert answer["Cache-Control"] == "no-store"
    assert Fetch.objects.get().client == api_client.application.client_id


def test_the_document_reads_by_its_schema(api, delivery, tmp_path):
    path = tmp_path / "fetched.xml"
    path.write_bytes(content_of(fetch(api, delivery)))

    assert [entry.number for entry in read(path)] == [delivery.stream.watches.get().ordered_number]


@pytest.mark.parametrize("accept", ["application/xml", "*/*", "application/xml, application/problem+json"])
def test_a_document_is_had_as_xml(api, delivery, accept):
    assert api.get(url(delivery, "document"), headers={"Accept": accept}).status_code == 200


def test_a_document_is_not_had_as_anything_else(api, delivery):
    answer = api.get(url(delivery, "document"), headers={"Accept": "text/html"})

    assert refusal_of(answer) == (406, "NOT_ACCEPTABLE")
    assert not Fetch.objects.exists()


def test_asking_for_the_headers_alone_is_no_fetch(api, delivery):
    assert api.head(url(delivery, "document")).status_code == 405
    assert not Fetch.objects.exists()


def test_a_delivery_is_not_fetched_before_the_one_before_it(api, stream, delivery):
    second = delivered([], stream=stream, number=2)

    answer = fetch(api, second)

    assert refusal_of(answer) == (409, "OUT_OF_SEQUENCE")
    assert Fetch.objects.get().refusal == "OUT_OF_SEQUENCE"


def test_a_recalled_delivery_is_gone(api, delivery):
    Delivery.objects.update(recalled_at=AT)

    assert refusal_of(fetch(api, delivery)) == (410, "RECALLED")


def test_a_blocked_customer_fetches_nothing(api, delivery):
    BlockFactory(customer=delivery.stream.agreement.customer)

    assert refusal_of(fetch(api, delivery)) == (403, "BLOCKED")


def test_a_damaged_document_is_our_fault(api, stream):
    damaged = DeliveryFactory(stream=stream, number=1)

    assert refusal_of(fetch(api, damaged)) == (500, "DOCUMENT_DAMAGED")


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("AGREEMENT_NOT_ACTIVE", 403, "AGREEMENT_NOT_ACTIVE"),
        ("NO_SCOPE", 403, "NO_SCOPE"),
        ("RESERVATION_NOT_ACKNOWLEDGED", 403, "RESERVATION_NOT_ACKNOWLEDGED"),
        ("RELEASE_NEEDED", 403, "RELEASE_NEEDED"),
        ("PROTECTED", 403, "NOT_ALLOWED"),
        ("A_CODE_OF_TOMORROW", 403, "NOT_ALLOWED"),
    ],
)
def test_every_refusal_of_the_gate_is_a_problem_and_none_tells_of_protection(
    api, delivery, monkeypatch, code, status, said
):
    def refuse(**_):
        raise FetchRefused(code)

    monkeypatch.setattr("deliveries.services.fetch", refuse)

    answer = fetch(api, delivery)

    assert refusal_of(answer) == (status, said)
    assert b"PROTECTED" not in answer.content


# Acknowledging


def test_an_acknowledgement_may_be_repeated(api, delivery):
    content_of(fetch(api, delivery))

    answers = [acknowledge(api, delivery, delivery.sha256).status_code for _ in range(2)]

    assert answers == [200, 200]
    delivery.refresh_from_db()
    assert delivery.acknowledged_at is not None


def test_what_was_not_fetched_is_not_acknowledged(api, delivery):
    assert refusal_of(acknowledge(api, delivery, delivery.sha256)) == (409, "NOT_FETCHED")


def test_another_document_is_not_acknowledged(api, delivery):
    content_of(fetch(api, delivery))

    assert refusal_of(acknowledge(api, delivery, "0" * 64)) == (409, "WRONG_HASH")


@pytest.mark.parametrize("body", ["{}", '{"sha256": ""}', '{"sha256": "199001012385"}', "[]"])
def test_an_acknowledgement_without_a_hash_is_not_valid(api, delivery, body):
    answer = api.post(url(delivery, "acknowledgement"), body, content_type="application/json")

    said = problem_of(answer)
    assert (said["status"], said["code"]) == (400, "INVALID")
    assert said["errors"]
    assert "199001012385" not in answer.content.decode()


def test_an_acknowledgement_in_no_json_is_refused(api, delivery):
    answer = api.post(url(delivery, "acknowledgement"), "{", content_type="application/json")

    assert refusal_of(answer) == (400, "NOT_JSON")


def test_a_fetch_asks_the_database_a_bounded_number_of_times(api, delivery, django_assert_max_num_queries):
    with django_assert_max_num_queries(35):
        content = content_of(fetch(api, delivery))

    assert len(content) == delivery.size


def test_no_identity_number_reaches_a_log(api, delivery, caplog):
    caplog.set_level("DEBUG")
    number = delivery.stream.watches.get().ordered_number

    content = content_of(fetch(api, delivery))
    acknowledge(api, delivery, number)

    assert number.encode() in content
    assert "streaming_finished" in caplog.text
    assert number not in caplog.text
