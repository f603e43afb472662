"""The API's doors to streams and orders: what is seen, what is ordered, and how no is said."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from subscriptions.models import ApiClient, Order, OrderLine, Stream, Watch
from tests.factories import (
    ApiClientFactory,
    OrderFactory,
    OrderLineFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)
from tests.partners import partner, problem_of, refusal_of, url_of

STREAMS = "/api/v1/streams/"
ORDERS = "/api/v1/orders/"
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
def other_stream():
    """Another customer's."""
    return StreamFactory(served=True)


def row(number: str = NUMBER, **fields) -> dict:
    today = timezone.localdate().isoformat()
    return {
        "typ": "nybestallningBevakning",
        "personnummer": number,
        "from": today,
        "formaner": ["sjukpenning"],
        **fields,
    }


def place(api: Client, stream: Stream, *rows: dict, **head):
    return api.post(url_of(stream, "orders"), {"rader": rows, **head}, content_type="application/json")


def place_xml(api: Client, stream: Stream, body: str, content_type: str = "application/xml"):
    return api.post(url_of(stream, "orders"), body, content_type=content_type)


def order_xml(organisation_number: str, *, unit: str = "", number: str = NUMBER) -> str:
    return (
        f"<bestallning><generelltfalt><organisationsnummer>{organisation_number}</organisationsnummer>"
        f"<enhet>{unit}</enhet></generelltfalt><informationsfalt><nybestallningBevakning><person>"
        f"<personnummer>{number}</personnummer><from>{timezone.localdate()}</from>"
        "<formansinformation><sjukpenning>1</sjukpenning></formansinformation><referens>Ärende 7</referens>"
        "</person></nybestallningBevakning></informationsfalt></bestallning>"
    )


# Streams


def test_a_client_sees_the_streams_of_its_customer_alone(api, stream, other_stream):
    (said,) = api.get(STREAMS).json()["results"]

    assert said == {
        "id": stream.pk,
        "agreement": stream.agreement.code,
        "purpose": "skadereglering",
        "last_number": 0,
        "examined_day": None,
        "closed": False,
    }


def test_a_client_that_is_let_to_some_streams_sees_no_others(api, api_client, stream):
    second = StreamFactory(agreement=stream.agreement, purpose="annat")
    api_client.streams.add(second)
    ApiClient.objects.update(all_streams=False)

    assert [one["id"] for one in api.get(STREAMS).json()["results"]] == [second.pk]
    assert refusal_of(place(api, stream, row())) == (404, "NOT_FOUND")


def test_a_stream_of_the_portal_is_not_reached_through_the_api(api, stream):
    stream.channel = Stream.Channel.PORTAL
    stream.save()

    assert api.get(STREAMS).json()["results"] == []
    assert refusal_of(place(api, stream, row())) == (404, "NOT_FOUND")


def test_the_list_of_streams_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_max_num_queries):
    for n in range(5):
        StreamFactory(agreement=stream.agreement, purpose=f"purpose-{n}")

    with django_assert_max_num_queries(4):
        assert len(api.get(STREAMS).json()["results"]) == 6


# Ordering


def test_an_order_in_json_is_answered_line_by_line_without_the_identity_number(api, api_client, stream):
    wrong = row("199001012386", referens="fel")
    answer = place(api, stream, row(referens="S-1", formaner=["sjukpenning", "FK:SJP", "okand"]), wrong)

    said = answer.json()
    lines = [(one["line"], one["benefit"], one["reference"], one["answer"]) for one in said["lines"]]
    assert answer.status_code == 201
    assert lines == [
        (1, "FK:SJP", "S-1", "ACCEPTED"),
        (2, "FK:SJP", "S-1", "DUPLICATE_IN_ORDER"),
        (3, "okand", "S-1", "BENEFIT_UNKNOWN"),
        (4, "FK:SJP", "fel", "NUMBER_INVALID"),
    ]
    assert said["lines"][0]["kind"] == "nybestallningBevakning"
    assert said["lines"][0]["from_date"] == timezone.localdate().isoformat()
    assert said["lines"][0]["sentence"] == "The watch is open; complete information comes with the next delivery."
    assert said["answers"] == {
        "ACCEPTED": 1,
        "DUPLICATE_IN_ORDER": 1,
        "BENEFIT_UNKNOWN": 1,
        "NUMBER_INVALID": 1,
    }
    assert NUMBER not in answer.content.decode()
    assert "199001012386" not in answer.content.decode()
    assert Watch.objects.get().ordered_number == NUMBER


def test_an_order_keeps_who_sent_it_and_how_it_was_written(api, api_client, stream):
    body = order_xml(api_client.customer.organisation_number)

    answer = place_xml(api, stream, body)

    order = Order.objects.get(pk=answer.json()["id"])
    assert (order.channel, order.client) == ("api", api_client.application.client_id)
    assert order.raw == body


def test_an_order_in_xml_is_answered_as_one_in_json(api, api_client, stream):
    answer = place_xml(api, stream, order_xml(api_client.customer.organisation_number))

    (line,) = answer.json()["lines"]
    assert answer.status_code == 201
    assert (line["answer"], line["reference"]) == ("ACCEPTED", "Ärende 7")


def test_an_order_in_another_encoding_than_utf_8_is_kept_readable(api, api_client, stream):
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?>' + order_xml(api_client.customer.organisation_number)

    answer = api.post(url_of(stream, "orders"), xml.encode("latin-1"), content_type="application/xml")

    assert answer.json()["lines"][0]["reference"] == "Ärende 7"
    assert "Ärende 7" in Order.objects.get().raw


def test_an_order_leads_to_where_it_can_be_read_again(api, stream):
    placed = place(api, stream, row())

    read = api.get(placed["Location"])

    assert read.json() == placed.json()


def test_cancelling_what_is_not_watched_says_so(api, stream):
    (line,) = place(api, stream, row(typ="avbestallningBevakning")).json()["lines"]

    assert line["answer"] == "NOT_WATCHED"


def test_nobody_orders_in_a_stream_of_another(api, other_stream):
    assert refusal_of(place(api, other_stream, row())) == (404, "NOT_FOUND")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ({"organisationsnummer": "5560000001"}, 201),
        ({"organisationsnummer": "556000-0001"}, 201),
        ({"organisationsnummer": "5599999999"}, 403),
        ({"organisationsnummer": "5560000001", "enhet": "annan"}, 403),
        ({"enhet": "annan"}, 403),
    ],
)
def test_an_order_that_names_a_sender_names_the_client_s_own(api, stream, head, code):
    answer = place(api, stream, row(), **head)

    assert answer.status_code == code
    assert code == 201 or problem_of(answer)["code"] == "OTHER_ORGANISATION"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "NOT_JSON"),
        ("[" * 100_000, "application/json", 400, "NOT_JSON"),
        (b'{"rader": ["\xff"]}', "application/json", 400, "NOT_JSON"),
        ("[]", "application/json", 400, "FORM"),
        ('{"rader": [{"typ": "annan", "formaner": []}]}', "application/json", 400, "FORM"),
        ('{"rader": []}', "application/json", 400, "EMPTY"),
        ("", "application/json", 400, "EMPTY"),
        ("<bestallning>", "application/xml", 400, "NOT_XML"),
        ("<bestallning/>", "application/xml", 400, "ORGANISATION_MISSING"),
        ("<!DOCTYPE bestallning []><bestallning/>", "application/xml", 400, "DOCTYPE"),
        ("typ=1", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused_whole(api, stream, body, content_type, status, code):
    answer = api.post(url_of(stream, "orders"), body, content_type=content_type)

    assert refusal_of(answer) == (status, code)
    assert not Order.objects.exists()


def test_a_body_above_the_limit_is_refused(api, stream, settings):
    settings.ORDER_MAX_BYTES = 100

    assert refusal_of(place(api, stream, row())) == (413, "TOO_LARGE")


def test_a_large_order_is_answered_a_page_at_a_time(api, stream):
    rows = [row(identity_number(n)) for n in range(1001)]

    first = place(api, stream, *rows).json()
    second = api.get(first["next"]).json()

    assert first["answers"] == {"ACCEPTED": 1001}
    assert [len(first["lines"]), len(second["lines"])] == [1000, 1]
    assert second["lines"][0]["line"] == 1001
    assert second["next"] is None
    assert second["id"] == first["id"]


def test_ordering_asks_the_database_no_more_for_more_lines(api, stream, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        answer = place(api, stream, *[row(identity_number(n)) for n in range(50)])

    assert answer.json()["answers"] == {"ACCEPTED": 50}


# Reading orders


def test_the_orders_of_the_client_s_streams_are_listed_newest_first(api, stream, other_stream):
    orders = [OrderFactory(stream=stream) for _ in range(2)]
    OrderFactory(stream=other_stream)

    said = api.get(ORDERS).json()

    assert [one["id"] for one in said["results"]] == [orders[1].pk, orders[0].pk]
    assert said["results"][0].keys() == {"id", "stream", "received_at"}


def test_a_long_list_of_orders_is_read_page_by_page(api, stream):
    orders = [OrderFactory(stream=stream) for _ in range(3)]

    first = api.get(ORDERS, {"limit": 2}).json()
    second = api.get(first["next"]).json()

    assert [one["id"] for one in second["results"]] == [orders[0].pk]
    assert second["next"] is None


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_was_not_had_from_here_is_not_valid(api, cursor):
    said = problem_of(api.get(ORDERS, {"cursor": cursor}))

    assert (said["status"], said["code"]) == (400, "INVALID")
    assert [one["field"] for one in said["errors"]] == ["cursor"]


def test_the_order_of_another_is_not_found(api, other_stream):
    order = OrderFactory(stream=other_stream)

    assert refusal_of(api.get(f"{ORDERS}{order.pk}/")) == (404, "NOT_FOUND")


def test_reading_an_order_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_max_num_queries):
    order = OrderFactory(stream=stream)
    for _ in range(5):
        OrderLineFactory(order=order)

    with django_assert_max_num_queries(6):
        assert len(api.get(f"{ORDERS}{order.pk}/").json()["lines"]) == 5


def test_the_lists_of_orders_do_not_read_the_texts_of_orders(api, stream, django_assert_num_queries):
    OrderFactory(stream=stream, raw="x")

    with django_assert_num_queries(3) as captured:
        api.get(ORDERS)

    assert not any('"raw"' in query["sql"] for query in captured)


def test_the_sentences_follow_the_reader_s_language(api, stream):
    order = OrderFactory(stream=stream)
    line = OrderLineFactory(order=order, watch=WatchFactory(stream=stream), answer="NOT_WATCHED")

    swedish = api.get(f"{ORDERS}{line.order_id}/", headers={"Accept-Language": "sv"}).json()
    english = api.get(f"{ORDERS}{line.order_id}/", headers={"Accept-Language": "en"}).json()

    assert english["lines"][0]["sentence"] == "There is no open watch on this person for this benefit."
    assert swedish["lines"][0]["sentence"] != english["lines"][0]["sentence"]


# What is left behind


def test_no_identity_number_reaches_a_log_or_an_address(api, stream, caplog):
    caplog.set_level("DEBUG")

    answers = [
        place(api, stream, row()),
        place(api, stream, row("19900101-2386")),
        place_xml(api, stream, order_xml("5560000001", number=NUMBER)),
        place_xml(api, stream, f"<bestallning><{NUMBER}"),
        api.post(url_of(stream, "orders"), f'{{"rader": "{NUMBER}"', content_type="application/json"),
    ]

    assert OrderLine.objects.filter(number=NUMBER).exists()
    assert "order_placed" in caplog.text
    addresses = " ".join(answer.request["PATH_INFO"] + answer.get("Location", "") for answer in answers)
    bodies = " ".join(answer.content.decode() for answer in answers)
    for number in (NUMBER, "19900101-2386", "199001012386"):
        assert number not in caplog.text
        assert number not in addresses
        assert number not in bodies


def test_what_the_api_answers_is_stored_nowhere(api):
    assert api.get(STREAMS)["Cache-Control"] == "no-store"


def test_an_address_that_asks_nothing_of_a_partner_changes_nothing(api, stream):
    answer = api.delete(url_of(stream, "orders"))

    assert refusal_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer["Allow"] == "POST"
    assert json.loads(answer.content)["title"] == "The method is not one of those that this address has."
