"""What is too large is refused before it is read, whoever sends it."""

import pytest
from django.test import RequestFactory
from django.urls import reverse

from lefi.middleware import BoundedBodies
from subscriptions.models import Order
from tests.factories import ApiClientFactory, StreamFactory
from tests.partners import partner, problem_of, refusal_of, url_of

MIB = 1024 * 1024


class Unread:
    """A body that must not be read."""

    def read(self, *_):
        raise AssertionError("It was read.")


@pytest.mark.parametrize(
    ("path", "length", "taken"),
    [
        ("/api/v1/streams/1/orders/", 32 * MIB, True),
        ("/api/v1/streams/1/orders/", 32 * MIB + 1, False),
        ("/api/v1/uploads/1/", 10 * 1024**3, False),
        ("/orders/file/", 512 * MIB, True),
        ("/orders/file/", 523 * MIB, False),
        ("/admin/subscriptions/order/add/", 512 * MIB, True),
        ("/admin/login/", 11 * MIB, False),
        ("/watches/find/", 10 * MIB, True),
        ("/watches/find/", 10 * MIB + 1, False),
        ("/oauth/token/", 11 * MIB, False),
        ("/watches/find/", "1" * 5000, False),
        ("/watches/find/", "", True),
        ("/watches/find/", "x", True),
    ],
)
def test_each_address_takes_in_so_much_and_no_more(db, path, length, taken):
    request = RequestFactory().post(path)
    request.META |= {"CONTENT_LENGTH": str(length), "wsgi.input": Unread()}

    answer = BoundedBodies(lambda _: "taken")(request)

    assert (answer == "taken") == taken
    assert taken or answer.status_code == 413


def test_pages_are_compressed_and_files_are_not(client, db):
    asked = {"headers": {"Accept-Encoding": "gzip"}}

    page, file = client.get("/reference/", **asked), client.get("/schema/catalogue.json", **asked)

    assert page["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in file
    assert file.content.startswith(b"{")


@pytest.mark.django_db
def test_a_partner_is_told_by_a_problem():
    stream = StreamFactory(served=True)
    api = partner(ApiClientFactory(customer=stream.agreement.customer))
    sent = {"content_type": "text/csv", "CONTENT_LENGTH": str(10 * 1024**3)}

    answer = api.generic("POST", url_of(stream, "orders"), b"", **sent)

    assert refusal_of(answer) == (413, "TOO_LARGE")
    assert not Order.objects.exists()


def test_others_are_told_by_a_page_in_their_language(client, db):
    sent = {"content_type": "text/plain", "CONTENT_LENGTH": str(11 * MIB)}

    answers = [
        client.generic("POST", reverse("connect"), b"", headers={"Accept-Language": language}, **sent)
        for language in ("en", "sv")
    ]

    assert [answer.status_code for answer in answers] == [413, 413]
    english, swedish = (answer.content.decode() for answer in answers)
    assert "The body or the file is larger than is taken in." in english
    assert '<html lang="sv">' in swedish
    assert "Content-Security-Policy" in answers[0]


def test_a_body_of_no_said_length_is_refused(client, db):
    answer = client.generic("POST", "/api/v1/streams/1/orders/", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")

    assert problem_of(answer)["code"] == "LENGTH_REQUIRED"
    assert answer.status_code == 411
