"""The API's doors to orders: what is ordered and how it is answered, steered and read, and how no is said."""

import hashlib
import json
from base64 import b64encode
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lefi.audit.models import AuditEvent
from subscriptions.models import Order, OrderLine, Stream, Watch
from subscriptions.orders.files import raw_path
from tests.factories import OrderFactory, OrderLineFactory, WatchFactory, identity_number
from tests.partners import problem_of, refusal_of, url_of

ORDERS = "/api/v1/orders/"
NUMBER = identity_number(1)

pytestmark = pytest.mark.django_db


def row(number: str = NUMBER, **fields) -> dict:
    today = timezone.localdate().isoformat()
    return {
        "typ": "nybestallningBevakning",
        "personnummer": number,
        "from": today,
        "formaner": ["sjukpenning"],
        **fields,
    }


def place(api: Client, stream: Stream, *rows: dict, headers=None, query: str = "", **head):
    url = url_of(stream, "orders") + query
    return api.post(url, {"rader": rows, **head}, content_type="application/json", headers=headers)


def place_many(api: Client, stream: Stream, count: int, **how):
    """An order with more lines than are answered at once."""
    return place(api, stream, *[row(identity_number(n)) for n in range(count)], **how)


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
    assert raw_path(order).read_text() == body


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml; charset=utf-8"])
def test_an_order_in_xml_is_answered_as_one_in_json(api, api_client, stream, content_type):
    answer = place_xml(api, stream, order_xml(api_client.customer.organisation_number), content_type)

    (line,) = answer.json()["lines"]
    assert answer.status_code == 201
    assert (line["answer"], line["reference"]) == ("ACCEPTED", "Ärende 7")


def test_an_order_in_another_encoding_than_utf_8_is_read_and_kept_as_it_came(api, api_client, stream):
    xml = '<?xml version="1.0" encoding="ISO-8859-1"?>' + order_xml(api_client.customer.organisation_number)

    answer = api.post(url_of(stream, "orders"), xml.encode("latin-1"), content_type="application/xml")

    assert answer.json()["lines"][0]["reference"] == "Ärende 7"
    assert raw_path(Order.objects.get()).read_bytes() == xml.encode("latin-1")


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
        (b'{"rader": ["\xff"]}', "application/json", 400, "ENCODING"),
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

    placed = place(api, stream, *rows)
    first = api.get(placed["Location"]).json()
    second = api.get(first["next"]).json()

    assert placed.status_code == 202
    assert first["answers"] == {"ACCEPTED": 1001}
    assert [len(first["lines"]), len(second["lines"])] == [1000, 1]
    assert second["lines"][0]["line"] == 1001
    assert second["next"] is None
    assert second["id"] == first["id"]


def test_ordering_asks_the_database_no_more_for_more_lines(api, stream):
    asked = []
    for rows in ([row()], [row(identity_number(n)) for n in range(100, 150)]):
        with CaptureQueriesContext(connection) as captured:
            assert place(api, stream, *rows).json()["answers"] == {"ACCEPTED": len(rows)}
        asked.append(len(captured))

    assert asked[0] == asked[1] < 60


# Reading orders


def test_the_orders_of_the_client_s_streams_are_listed_newest_first(api, stream, other_stream):
    orders = [OrderFactory(stream=stream) for _ in range(2)]
    OrderFactory(stream=other_stream)

    said = api.get(ORDERS).json()

    assert [one["id"] for one in said["results"]] == [orders[1].pk, orders[0].pk]
    assert "lines" not in said["results"][0]


def test_the_list_of_orders_is_narrowed_by_status(api, stream):
    done = OrderFactory(stream=stream, status=Order.Status.DONE)
    waiting = OrderFactory(stream=stream)
    OrderFactory(stream=stream, status=Order.Status.PREVIEWED)

    said = api.get(f"{ORDERS}?status=done&status=waiting").json()

    assert [one["id"] for one in said["results"]] == [waiting.pk, done.pk]
    assert refusal_of(api.get(f"{ORDERS}?status=lost")) == (400, "INVALID")


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

    with django_assert_max_num_queries(5):
        assert len(api.get(f"{ORDERS}{order.pk}/").json()["lines"]) == 5


def test_the_list_of_orders_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_num_queries):
    OrderFactory.create_batch(5, stream=stream)

    with django_assert_num_queries(4):
        assert len(api.get(ORDERS).json()["results"]) == 5


def test_the_sentences_follow_the_reader_s_language(api, stream):
    order = OrderFactory(stream=stream)
    line = OrderLineFactory(order=order, watch=WatchFactory(stream=stream), answer="NOT_WATCHED")

    swedish = api.get(f"{ORDERS}{line.order_id}/", headers={"Accept-Language": "sv"}).json()
    english = api.get(f"{ORDERS}{line.order_id}/", headers={"Accept-Language": "en"}).json()

    assert english["lines"][0]["sentence"] == "There is no open watch on this person for this benefit."
    assert swedish["lines"][0]["sentence"] != english["lines"][0]["sentence"]


def test_an_order_says_where_it_stands(api, stream):
    order = OrderFactory(
        stream=stream,
        status=Order.Status.WORKING,
        reference="Mars",
        lines_read=200,
        line_count=200,
        lines_done=50,
        counts={"ACCEPTED": 50},
        pass_started_at=timezone.now() - timedelta(seconds=10),
    )

    said = api.get(f"{ORDERS}{order.pk}/").json()

    assert (said["status"], said["aim"], said["reference"]) == ("working", "carry_out", "Mars")
    assert (said["answers"], said["refusal"], said["expected"]) == ({"ACCEPTED": 50}, None, None)
    progress = said["progress"]
    assert (progress["percent_read"], progress["percent"]) == (100, 25)
    assert (progress["lines"], progress["lines_done"]) == (200, 50)
    assert 3 < progress["lines_per_second"] <= 5
    assert 28 < progress["seconds_left"] < 60


def test_an_order_that_a_worker_could_not_read_says_why_and_where(api, stream):
    order = OrderFactory(stream=stream, status=Order.Status.REFUSED, refusal="NOT_JSON", refused_at_row=17)

    said = api.get(f"{ORDERS}{order.pk}/").json()

    assert said["refusal"] == {"code": "NOT_JSON", "row": 17, "sentence": "The body is not well-formed JSON."}


def test_the_lines_are_narrowed_by_answer_and_to_those_without_effect(api, stream):
    order = OrderFactory(stream=stream)
    answers = ["ACCEPTED", "NUMBER_INVALID", "ALREADY_WATCHED", "CANCELLED", "NUMBER_INVALID"]
    for place_, answer in enumerate(answers, start=1):
        OrderLineFactory(order=order, line=place_, answer=answer)

    def lines(query: str) -> list[int]:
        return [one["line"] for one in api.get(f"{ORDERS}{order.pk}/?{query}").json()["lines"]]

    assert lines("answer=NUMBER_INVALID") == [2, 5]
    assert lines("answer=NUMBER_INVALID&answer=CANCELLED") == [2, 4, 5]
    assert lines("without_effect=true") == [2, 3, 5]
    assert lines("without_effect=true&answer=ALREADY_WATCHED") == [3]
    assert refusal_of(api.get(f"{ORDERS}{order.pk}/?answer=MAYBE")) == (400, "INVALID")


def test_the_pages_of_narrowed_lines_lead_on_to_more_of_the_same(api, stream):
    order = OrderFactory(stream=stream)
    for place_ in range(1, 7):
        OrderLineFactory(order=order, line=place_, answer=["ACCEPTED", "NOT_WATCHED"][place_ % 2])

    first = api.get(f"{ORDERS}{order.pk}/?without_effect=true&limit=2").json()

    assert [one["line"] for one in first["lines"]] == [1, 3]
    assert [one["line"] for one in api.get(first["next"]).json()["lines"]] == [5]


def test_a_line_names_its_row_and_its_watch(api, stream):
    placed = place(api, stream, row(formaner=["sjukpenning", "FK:SJP"]), row("19900101-2386")).json()

    watch = Watch.objects.get().pk
    assert [(one["line"], one["row"], one["watch"]) for one in placed["lines"]] == [
        (1, 1, watch),
        (2, 1, None),
        (3, 2, None),
    ]


# Forms

CSV = "typ;personnummer;formaner;from;referens\nnybestallningBevakning;{number};sjukpenning;{day};S-1\n"
JSONL = (
    '{{"typ": "nybestallningBevakning", "personnummer": "{number}", "from": "{day}", "formaner": ["sjukpenning"]}}\n'
)


@pytest.mark.parametrize(
    ("media_type", "text", "form"),
    [
        ("text/csv", CSV, "csv"),
        ("text/csv; charset=utf-8", CSV, "csv"),
        ("application/x-ndjson", JSONL, "jsonl"),
        ("application/jsonl", JSONL, "jsonl"),
    ],
)
def test_an_order_is_taken_in_each_form(api, stream, media_type, text, form):
    body = text.format(number=NUMBER, day=timezone.localdate())

    answer = api.post(url_of(stream, "orders"), body, content_type=media_type)

    assert answer.status_code == 201, answer.content
    assert (answer.json()["form"], answer.json()["answers"]) == (form, {"ACCEPTED": 1})


def test_what_says_it_is_a_workbook_and_is_none_is_refused(api, stream):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    assert refusal_of(api.post(url_of(stream, "orders"), b"x", content_type=media_type)) == (400, "NOT_A_TABLE")


# At once or later


def test_an_order_with_many_lines_is_handed_over_and_led_to(api, stream, settings, monkeypatch):
    settings.ORDER_AT_ONCE_LINES = 2
    handed = []
    monkeypatch.setattr("subscriptions.api.orders.hand_over", handed.append)

    answer = place_many(api, stream, 3)

    order = Order.objects.get()
    assert (answer.status_code, handed) == (202, [order])
    assert answer["Location"].endswith(f"{ORDERS}{order.pk}/")
    said = answer.json()
    assert (said["status"], said["progress"]["lines"], said["progress"]["percent"]) == ("waiting", None, 0)
    assert not Watch.objects.exists()


@pytest.mark.parametrize("prefer", ["respond-async", "handling=lenient, Respond-Async", "respond-async; foo"])
def test_a_partner_need_not_wait_for_a_short_order(api, stream, prefer):
    answer = place(api, stream, row(), headers={"Prefer": prefer})

    assert answer.status_code == 202
    assert api.get(answer["Location"]).json()["answers"] == {"ACCEPTED": 1}


def test_a_file_that_cannot_be_read_is_refused_at_once_if_it_is_short_and_by_the_worker_if_not(api, stream, settings):
    body = JSONL.format(number=NUMBER, day=timezone.localdate()) + "{"

    at_once = api.post(url_of(stream, "orders"), body, content_type="application/jsonl")
    assert refusal_of(at_once) == (400, "NOT_JSON")
    assert problem_of(at_once)["detail"] == "Row 2."
    assert not Order.objects.exists()

    settings.ORDER_AT_ONCE_BYTES = 10
    later = api.post(url_of(stream, "orders"), body, content_type="application/jsonl")
    assert later.status_code == 202
    refusal = api.get(later["Location"]).json()["refusal"]
    assert (refusal["code"], refusal["row"]) == ("NOT_JSON", 2)
    assert not Watch.objects.exists()


# The same order twice


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_the_same_key_and_order_give_the_same_order_again(api, stream):
    first = place(api, stream, row(), headers=keyed("a b"))
    again = place(api, stream, row(), headers=keyed("a b"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert again["Location"] == first["Location"]
    assert again.json() == first.json()
    assert Order.objects.count() == 1


def test_the_same_key_for_another_order_is_refused(api, stream):
    place(api, stream, row(), headers=keyed("1"))

    assert refusal_of(place(api, stream, row(formaner=["pension"]), headers=keyed("1"))) == (
        422,
        "IDEMPOTENCY_KEY_REUSED",
    )
    assert Order.objects.count() == 1


def test_the_key_of_a_preview_carries_nothing_out_unless_it_was_confirmed(api, stream):
    previewed = place(api, stream, row(), query="?preview=true", headers=keyed("1"))

    assert refusal_of(place(api, stream, row(), headers=keyed("1"))) == (422, "IDEMPOTENCY_KEY_REUSED")
    api.post(f"{ORDERS}{previewed.json()['id']}/confirmation/")
    again = place(api, stream, row(), query="?preview=true", headers=keyed("1"))
    assert (again.status_code, again.json()["aim"]) == (200, "carry_out")
    assert Watch.objects.count() == 1


def test_a_key_is_a_stream_s_own(api, stream, api_client):
    second = Stream.objects.create(agreement=stream.agreement, purpose="annat")

    assert place(api, stream, row(), headers=keyed("1")).status_code == 201
    assert place(api, second, row(), headers=keyed("1")).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 101, "å", "a\tb"])
def test_a_key_is_short_and_printable(api, stream, key):
    answer = place(api, stream, row(), headers=keyed(key))

    assert refusal_of(answer) == (400, "INVALID")
    assert [one["field"] for one in problem_of(answer)["errors"]] == ["Idempotency-Key"]


def test_an_order_without_a_key_is_a_new_one_each_time(api, stream):
    place(api, stream, row())

    assert place(api, stream, row()).json()["answers"] == {"ALREADY_WATCHED": 1}


# What is said of an order


def test_a_customer_s_own_reference_to_the_order_comes_back(api, stream):
    assert place(api, stream, row(), query="?order_reference=Mars%202026").json()["reference"] == "Mars 2026"


@pytest.mark.parametrize("reference", [NUMBER, "x" * 101, "a%00b", "a%0Ab"])
def test_a_reference_is_short_and_printable_and_names_nobody(api, stream, reference):
    answer = place(api, stream, row(), query=f"?order_reference={reference}")

    assert refusal_of(answer) == (400, "INVALID")
    assert NUMBER not in answer.content.decode()
    assert not Order.objects.exists()


# What comes is what was sent


def digest_header(body: bytes) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"}


def test_a_body_that_differs_from_its_digest_is_refused(api, stream):
    body = json.dumps({"rader": [row()]}).encode()
    sent = {"content_type": "application/json"}

    assert refusal_of(api.post(url_of(stream, "orders"), body, headers=digest_header(b"x"), **sent)) == (
        400,
        "CONTENT_DIGEST",
    )
    assert refusal_of(api.post(url_of(stream, "orders"), body, headers={"Content-Digest": "md5=x"}, **sent)) == (
        400,
        "INVALID",
    )
    assert api.post(url_of(stream, "orders"), body, headers=digest_header(body), **sent).status_code == 201
    assert Order.objects.count() == 1


def test_a_file_that_broke_off_is_not_a_shorter_order(api, stream, settings):
    body = CSV.format(number=NUMBER, day=timezone.localdate())

    cut = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body.encode()[:-40])}

    answer = api.generic("POST", url_of(stream, "orders"), body, content_type="text/csv", **cut)

    assert refusal_of(answer) == (400, "INCOMPLETE")
    assert not Order.objects.exists()
    assert not list(settings.ORDERS_DIR.rglob("*/*"))


# Preview and steering


def test_a_preview_is_answered_without_effect_and_carried_out_when_confirmed(api, stream):
    previewed = place(api, stream, row(), row("19900101-2386"), query="?preview=true")

    said = previewed.json()
    assert previewed.status_code == 201
    assert (said["status"], said["aim"]) == ("previewed", "preview")
    assert said["answers"] == {"ACCEPTED": 1, "NUMBER_INVALID": 1}
    assert not Watch.objects.exists()

    confirmed = api.post(f"{ORDERS}{said['id']}/confirmation/")

    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "done")
    assert confirmed.json()["answers"] == {"ACCEPTED": 1, "NUMBER_INVALID": 1}
    assert Watch.objects.count() == 1


def test_a_long_preview_is_confirmed_by_a_worker(api, stream, settings):
    settings.ORDER_AT_ONCE_LINES = 2
    previewed = place_many(api, stream, 3, query="?preview=true").json()

    confirmed = api.post(f"{ORDERS}{previewed['id']}/confirmation/")

    assert confirmed.status_code == 202
    assert api.get(confirmed["Location"]).json()["answers"] == {"ACCEPTED": 3}


def test_a_preview_that_was_thrown_away_has_no_effect(api, stream):
    previewed = place(api, stream, row(), query="?preview=true").json()

    rejected = api.post(f"{ORDERS}{previewed['id']}/rejection/")

    assert (rejected.status_code, rejected.json()["status"]) == (200, "thrown_away")
    assert not Watch.objects.exists() and not OrderLine.objects.exists()
    assert refusal_of(api.post(f"{ORDERS}{previewed['id']}/confirmation/")) == (409, "ORDER_STATE")


def test_an_order_is_stopped_and_goes_on(api, stream, settings, monkeypatch):
    settings.ORDER_AT_ONCE_BYTES = 0
    monkeypatch.setattr("subscriptions.api.orders.hand_over", lambda order: None)
    placed = place(api, stream, row()).json()
    monkeypatch.undo()

    stopped = api.post(f"{ORDERS}{placed['id']}/stop/")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "stopped")
    resumed = api.post(f"{ORDERS}{placed['id']}/resumption/")

    assert (resumed.status_code, resumed.json()["status"]) == (202, "done")
    assert Watch.objects.count() == 1


def test_the_rest_of_a_stopped_order_is_given_up(api, stream, settings, monkeypatch):
    settings.ORDER_AT_ONCE_LINES = 2
    previewed = place_many(api, stream, 3, query="?preview=true").json()
    monkeypatch.setattr("subscriptions.api.orders.hand_over", lambda order: None)
    api.post(f"{ORDERS}{previewed['id']}/confirmation/")
    api.post(f"{ORDERS}{previewed['id']}/stop/")
    monkeypatch.undo()

    given_up = api.post(f"{ORDERS}{previewed['id']}/abandonment/")

    assert (given_up.status_code, given_up.json()["status"]) == (202, "done")
    assert given_up.json()["answers"] == {"NOT_CARRIED_OUT": 3}
    assert not Watch.objects.exists()


STEPS = ["confirmation", "rejection", "stop", "resumption", "abandonment"]


@pytest.mark.parametrize("step", STEPS)
def test_what_an_order_s_state_does_not_allow_is_refused(api, stream, step):
    placed = place(api, stream, row()).json()

    assert refusal_of(api.post(f"{ORDERS}{placed['id']}/{step}/")) == (409, "ORDER_STATE")


@pytest.mark.parametrize("step", STEPS)
def test_nobody_steers_another_s_order(api, other_stream, step):
    order = OrderFactory(stream=other_stream, status=Order.Status.PREVIEWED)

    assert refusal_of(api.post(f"{ORDERS}{order.pk}/{step}/")) == (404, "NOT_FOUND")


# Results


def body_of(answer) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize(
    ("query", "accept", "media_type", "ending"),
    [
        ("", "*/*", "application/json", "json"),
        ("?format=csv", "*/*", "text/csv", "csv"),
        ("?format=xml", "application/json", "application/xml", "xml"),
        ("", "text/csv", "text/csv", "csv"),
        ("", "application/xml", "application/xml", "xml"),
    ],
)
def test_a_result_is_had_in_the_form_that_is_asked_for(api, stream, query, accept, media_type, ending):
    pk = place(api, stream, row(), row("19900101-2386")).json()["id"]

    answer = api.get(f"{ORDERS}{pk}/result/{query}", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, f"{media_type}; charset=utf-8")
    assert answer["Content-Disposition"] == f'attachment; filename="lefi-order-{pk}.{ending}"'
    text = body_of(answer)
    assert NUMBER in text and "NUMBER_INVALID" in text


@pytest.mark.parametrize(("query", "accept"), [("?format=pdf", "*/*"), ("", "application/pdf")])
def test_a_result_is_had_in_no_other_form(api, stream, query, accept):
    pk = place(api, stream, row()).json()["id"]

    answer = api.get(f"{ORDERS}{pk}/result/{query}", headers={"Accept": accept})

    assert refusal_of(answer) == (406, "NOT_ACCEPTABLE")


def test_it_is_logged_which_client_fetched_a_result(api, api_client, stream):
    pk = place(api, stream, row()).json()["id"]

    api.get(f"{ORDERS}{pk}/result/?format=csv")

    event = AuditEvent.objects.get(action="fetch")
    assert (event.client, event.object_id, event.details) == (
        api_client.application.client_id,
        str(pk),
        {"form": "csv", "lines": 1},
    )


def test_there_is_no_result_before_the_lines_are_answered(api, stream):
    order = OrderFactory(stream=stream)

    assert refusal_of(api.get(f"{ORDERS}{order.pk}/result/")) == (409, "ORDER_STATE")
    assert not AuditEvent.objects.exists()


def test_nobody_fetches_another_s_result(api, other_stream):
    order = OrderFactory(stream=other_stream, status=Order.Status.DONE)

    assert refusal_of(api.get(f"{ORDERS}{order.pk}/result/")) == (404, "NOT_FOUND")


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
    assert "order_received" in caplog.text
    addresses = " ".join(answer.request["PATH_INFO"] + answer.get("Location", "") for answer in answers)
    bodies = " ".join(answer.content.decode() for answer in answers)
    for number in (NUMBER, "19900101-2386", "199001012386"):
        assert number not in caplog.text
        assert number not in addresses
        assert number not in bodies


def test_what_the_api_answers_is_stored_nowhere(api):
    assert api.get(ORDERS)["Cache-Control"] == "no-store"


def test_an_address_that_asks_nothing_of_a_partner_changes_nothing(api, stream):
    answer = api.delete(url_of(stream, "orders"))

    assert refusal_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer["Allow"] == "POST"
    assert json.loads(answer.content)["title"] == "The method is not one of those that this address has."
