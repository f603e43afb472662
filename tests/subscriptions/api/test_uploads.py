"""A file sent in parts: whatever breaks on the way, what is ordered is the whole file or nothing."""

import hashlib
from base64 import b64encode
from io import BytesIO

import pytest
from django.utils import timezone

from subscriptions.models import Order, Stream, Watch
from subscriptions.orders.files import raw_path
from tests.factories import OrderFactory, identity_number
from tests.partners import problem_of, refusal_of, url_of

PART = "application/offset+octet-stream"

pytestmark = pytest.mark.django_db


@pytest.fixture
def body():
    day = timezone.localdate()
    rows = [f"nybestallningBevakning;{identity_number(n)};sjukpenning;{day};S-{n}\n" for n in range(20)]
    return ("typ;personnummer;formaner;from;referens\n" + "".join(rows)).encode()


def begin(api, stream: Stream, body: bytes, *, headers=None, **changes):
    said = {"form": "csv", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} | changes
    return api.post(url_of(stream, "uploads"), said, content_type="application/json", headers=headers)


def send(api, url: str, part: bytes, offset: int | str, **headers):
    return api.patch(url, part, content_type=PART, headers={"Upload-Offset": str(offset), **headers})


def digest(part: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(part).digest()).decode()}:"


def test_a_file_comes_in_parts_and_is_then_an_order(api, stream, body):
    begun = begin(api, stream, body, reference="Mars", file_name="mars.csv")
    url = begun["Location"]
    assert begun.status_code == 201
    assert (begun["Upload-Offset"], begun["Upload-Length"]) == ("0", str(len(body)))
    assert (begun.json()["status"], begun.json()["reference"]) == ("receiving", "Mars")

    first = send(api, url, body[:300], 0)
    assert (first.status_code, first["Upload-Offset"], first.content) == (204, "300", b"")
    second = send(api, url, body[300:], 300, **{"Content-Digest": digest(body[300:])})

    order = Order.objects.get()
    assert second.status_code == 202
    assert second["Location"].endswith(f"/api/v1/orders/{order.pk}/")
    assert raw_path(order).read_bytes() == body
    assert api.get(second["Location"]).json()["answers"] == {"ACCEPTED": 20}
    assert (order.file_name, order.channel, order.received_bytes) == ("mars.csv", "api", len(body))


def test_where_to_go_on_is_asked_with_head_or_get(api, stream, body):
    url = begin(api, stream, body)["Location"]
    send(api, url, body[:10], 0)

    for answer in (api.head(url), api.get(url)):
        assert (answer.status_code, answer["Upload-Offset"], answer["Upload-Length"]) == (200, "10", str(len(body)))
    assert api.head(url).content == b""


def test_a_part_that_begins_elsewhere_is_refused_and_told_where(api, stream, body):
    url = begin(api, stream, body)["Location"]
    send(api, url, body[:10], 0)

    for offset in (0, 11, 5):
        answer = send(api, url, body[:10], offset)
        assert refusal_of(answer) == (409, "UPLOAD_OFFSET")
        assert answer["Upload-Offset"] == "10"
    assert send(api, url, body[10:], 10).status_code == 202


def test_nothing_is_kept_of_a_part_that_differs_from_its_digest(api, stream, body):
    url = begin(api, stream, body)["Location"]

    assert refusal_of(send(api, url, body[:10], 0, **{"Content-Digest": digest(b"x")})) == (400, "CONTENT_DIGEST")
    assert api.head(url)["Upload-Offset"] == "0"
    assert send(api, url, body, 0).status_code == 202


def test_nothing_is_kept_of_a_part_that_broke_off(api, stream, body):
    url = begin(api, stream, body)["Location"]

    cut = {"CONTENT_LENGTH": "20", "wsgi.input": BytesIO(body[:10])}

    answer = api.generic("PATCH", url, body, content_type=PART, headers={"Upload-Offset": "0"}, **cut)

    assert refusal_of(answer) == (400, "INCOMPLETE")
    assert api.head(url)["Upload-Offset"] == "0"


def test_a_file_that_is_not_what_was_announced_is_refused_whole(api, stream, body):
    begun = begin(api, stream, body)
    url, wrong = begun["Location"], body.replace(b"S-7\n", b"S-8\n")

    send(api, url, wrong[:300], 0)
    assert refusal_of(send(api, url, wrong[300:], 300)) == (422, "UPLOAD_DIGEST")

    said = api.get(url).json()
    assert (said["status"], said["refusal"]["code"]) == ("refused", "UPLOAD_DIGEST")
    assert not raw_path(Order.objects.get()).exists()
    assert not Watch.objects.exists()
    assert refusal_of(send(api, url, body, 0)) == (409, "ORDER_STATE")


def test_more_than_was_announced_is_refused(api, stream, body):
    url = begin(api, stream, body)["Location"]

    assert refusal_of(send(api, url, body + b"x", 0)) == (413, "TOO_LARGE")
    assert api.head(url)["Upload-Offset"] == "0"


def test_a_file_too_large_is_refused_before_any_of_it_is_sent(api, stream, settings):
    assert refusal_of(begin(api, stream, b"x", size=10 * 1024**3)) == (413, "TOO_LARGE")
    assert begin(api, stream, b"x", size=settings.ORDER_FILE_MAX_BYTES).status_code == 201


def test_a_part_too_large_is_refused_unread(api, stream, body, settings):
    settings.ORDER_MAX_BYTES = 700
    url = begin(api, stream, body)["Location"]

    assert refusal_of(send(api, url, body[:701], 0)) == (413, "TOO_LARGE")
    assert send(api, url, body[:700], 0).status_code == 204


def test_the_end_may_be_asked_for_again_if_its_answer_was_lost(api, stream, body, monkeypatch):
    url = begin(api, stream, body)["Location"]
    with monkeypatch.context() as patch:
        patch.setattr("subscriptions.orders.uploads._finish", lambda order: order)  # as if killed before it
        send(api, url, body, 0)

    assert send(api, url, b"", len(body)).status_code == 202
    assert Watch.objects.count() == 20


def test_the_end_is_answered_the_same_when_the_order_has_gone_on(api, stream, body):
    url = begin(api, stream, body)["Location"]
    last = send(api, url, body, 0)

    again = send(api, url, b"", len(body))

    assert (again.status_code, again["Location"]) == (last.status_code, last["Location"]) == (202, last["Location"])
    assert again.json()["answers"] == {"ACCEPTED": 20}
    assert Order.objects.get().lines.count() == 20
    assert refusal_of(send(api, url, b"x", len(body))) == (409, "ORDER_STATE")


def test_the_end_of_what_was_refused_or_thrown_away_is_not_answered_as_if_it_had_come(api, stream, body):
    refused = begin(api, stream, body, sha256="0" * 64)["Location"]
    send(api, refused, body, 0)
    thrown_away = begin(api, stream, body)["Location"]
    api.delete(thrown_away)

    for url in (refused, thrown_away):
        assert refusal_of(send(api, url, b"", len(body))) == (409, "ORDER_STATE")


def test_a_preview_of_a_file_in_parts_has_no_effect(api, stream, body):
    url = begin(api, stream, body, preview=True)["Location"]

    order = send(api, url, body, 0).json()

    assert (order["status"], order["answers"]) == ("previewed", {"ACCEPTED": 20})
    assert not Watch.objects.exists()


def test_the_same_key_gives_the_same_upload_so_that_a_lost_address_is_found(api, stream, body):
    key = {"Idempotency-Key": "1"}
    first = begin(api, stream, body, headers=key)
    send(api, first["Location"], body[:10], 0)

    again = begin(api, stream, body, headers=key)

    assert (again.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert (again["Location"], again["Upload-Offset"]) == (first["Location"], "10")
    for other in ({"size": 7}, {"sha256": "0" * 64}, {"form": "xml"}):
        assert refusal_of(begin(api, stream, body, headers=key, **other)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert Order.objects.count() == 1


def test_an_upload_is_thrown_away(api, stream, body, django_capture_on_commit_callbacks):
    url = begin(api, stream, body)["Location"]
    send(api, url, body[:10], 0)

    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(url).status_code == 204

    order = Order.objects.get()
    assert order.status == Order.Status.THROWN_AWAY
    assert not raw_path(order).exists()
    assert refusal_of(api.delete(url)) == (409, "ORDER_STATE")
    assert refusal_of(send(api, url, body, 10)) == (409, "ORDER_STATE")


def test_an_order_that_has_come_whole_is_not_thrown_away_here(api, stream):
    order = OrderFactory(stream=stream, status=Order.Status.PREVIEWED, form="csv")

    assert refusal_of(api.delete(f"/api/v1/uploads/{order.pk}/")) == (409, "ORDER_STATE")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"form": "pdf"}, "form"),
        ({"size": 0}, "size"),
        ({"size": -1}, "size"),
        ({"size": 2**63}, "size"),
        ({"sha256": "x"}, "sha256"),
        ({"reference": identity_number(1)}, "reference"),
        ({"file_name": "a\n.csv"}, "file_name"),
        ({"preview": "maybe"}, "preview"),
    ],
)
def test_what_is_announced_wrongly_is_said_by_field(api, stream, body, changes, field):
    answer = begin(api, stream, body, **changes)

    assert [one["field"] for one in problem_of(answer)["errors"]] == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize("offset", ["", "x", "-1", "1.5", str(2**63), "9" * 5000])
def test_a_part_says_where_it_begins(api, stream, body, offset):
    url = begin(api, stream, body)["Location"]

    answer = send(api, url, body, offset)

    assert [one["field"] for one in problem_of(answer)["errors"]] == ["Upload-Offset"]


def test_a_part_has_a_media_type_of_its_own(api, stream, body):
    url = begin(api, stream, body)["Location"]

    answer = api.patch(url, body, content_type="text/csv", headers={"Upload-Offset": "0"})

    assert refusal_of(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_nobody_sends_to_or_looks_at_another_s_upload(api, other_stream, body):
    order = OrderFactory(stream=other_stream, status=Order.Status.RECEIVING, form="csv", size=9)
    url = f"/api/v1/uploads/{order.pk}/"

    assert refusal_of(begin(api, other_stream, body)) == (404, "NOT_FOUND")
    for answer in (send(api, url, b"x", 0), api.get(url), api.delete(url)):
        assert refusal_of(answer) == (404, "NOT_FOUND")


def test_a_part_costs_the_database_the_same_whatever_its_size(api, stream, body, django_assert_max_num_queries):
    url = begin(api, stream, body)["Location"]

    for offset, end in ((0, 10), (10, 500)):
        with django_assert_max_num_queries(9):
            assert send(api, url, body[offset:end], offset).status_code == 204
