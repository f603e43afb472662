"""The API's door to streams: what a client may use, and nothing of anybody else's."""

import pytest

from subscriptions.models import ApiClient, Stream
from tests.factories import StreamFactory
from tests.partners import refusal_of, url_of

STREAMS = "/api/v1/streams/"

pytestmark = pytest.mark.django_db


def ordering(api, stream):
    return api.post(url_of(stream, "orders"), {"rader": []}, content_type="application/json")


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
    assert refusal_of(ordering(api, stream)) == (404, "NOT_FOUND")


def test_a_stream_of_the_portal_is_not_reached_through_the_api(api, stream):
    stream.channel = Stream.Channel.PORTAL
    stream.save()

    assert api.get(STREAMS).json()["results"] == []
    assert refusal_of(ordering(api, stream)) == (404, "NOT_FOUND")


def test_the_list_of_streams_asks_the_database_a_fixed_number_of_times(api, stream, django_assert_max_num_queries):
    for n in range(5):
        StreamFactory(agreement=stream.agreement, purpose=f"purpose-{n}")

    with django_assert_max_num_queries(5):
        assert len(api.get(STREAMS).json()["results"]) == 6
