"""Who gets into the API: by a token of the customer's own client, with the scope that the door asks for."""

import base64
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from subscriptions.authentication import PartnerThrottle
from subscriptions.connections import end_agent
from tests.factories import AgentFactory, ApiClientFactory, ApplicationFactory, StreamFactory, UserFactory
from tests.partners import partner, refusal_of, token_of, url_of

STREAMS = "/api/v1/streams/"
ORDERS = "/api/v1/orders/"

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


def ask_for_token(secret: str, client_id: str, **form):
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return Client(headers=headers).post("/oauth/token/", {"grant_type": "client_credentials", **form})


def test_a_token_is_had_by_id_and_secret_and_is_stored_only_as_a_hash(stream):
    application = ApplicationFactory(client_secret="a secret that only the partner has")
    ApiClientFactory(application=application, customer=stream.agreement.customer)

    answer = ask_for_token("a secret that only the partner has", application.client_id, scope="orders")
    token = answer.json()["access_token"]

    assert Client(headers={"Authorization": f"Bearer {token}"}).get(ORDERS).status_code == 200
    assert AccessToken.objects.get().token == ""


def test_a_wrong_secret_gets_no_token(stream):
    application = ApplicationFactory(client_secret="a secret that only the partner has")

    assert ask_for_token("another", application.client_id).status_code == 401


def test_a_revoked_token_opens_nothing(api_client):
    application = ApplicationFactory(client_secret="a secret that only the partner has")
    ApiClientFactory(application=application, customer=api_client.customer)
    token = ask_for_token("a secret that only the partner has", application.client_id).json()["access_token"]
    form = {"token": token, "client_id": application.client_id}

    Client().post("/oauth/revoke/", {**form, "client_secret": "a secret that only the partner has"})

    answer = Client(headers={"Authorization": f"Bearer {token}"}).get(STREAMS)
    assert refusal_of(answer) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("path", ["/oauth/authorize/", "/oauth/introspect/", "/oauth/applications/"])
def test_no_other_door_of_the_token_endpoint_is_open(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer made-up"}, {"Authorization": "Basic YTpi"}])
def test_without_a_valid_token_the_answer_is_401_with_a_challenge(headers):
    answer = Client(headers=headers).get(STREAMS)

    assert refusal_of(answer) == (401, "NOT_AUTHENTICATED")
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_the_body_of_a_stranger_is_not_read(stream, monkeypatch):
    monkeypatch.setattr("subscriptions.orders.files.take_in", None)

    answer = Client().post(url_of(stream, "orders"), {"rader": []}, content_type="application/json")

    assert refusal_of(answer) == (401, "NOT_AUTHENTICATED")


def test_an_expired_token_opens_nothing(api_client):
    token = token_of(api_client)
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))

    assert Client(headers={"Authorization": f"Bearer {token}"}).get(STREAMS).status_code == 401


def test_a_token_in_the_address_opens_nothing(api_client):
    assert Client().get(STREAMS, {"access_token": token_of(api_client)}).status_code == 401


def test_a_person_who_is_logged_in_has_no_way_into_the_api(client, member):
    client.force_login(member.user)

    assert client.get(STREAMS).status_code == 401


def test_a_token_without_the_scope_is_told_which_it_needs(api_client):
    answer = partner(api_client, scope="deliveries").get(ORDERS)

    assert refusal_of(answer) == (403, "SCOPE_MISSING")
    assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="orders"'


def test_a_customer_that_is_not_active_is_refused(api, api_client):
    api_client.customer.active = False
    api_client.customer.save()

    assert refusal_of(api.get(STREAMS)) == (403, "CUSTOMER_INACTIVE")


def test_an_agents_system_opens_nothing_from_the_day_after_its_registration_ended(api_client, api):
    today = timezone.localdate()
    api_client.agent = AgentFactory(customer=api_client.customer)
    api_client.save()
    assert api.get(STREAMS).status_code == 200

    end_agent(agent=api_client.agent, on=today, by=UserFactory(), at=timezone.now())
    assert api.get(STREAMS).status_code == 200
    with patch.object(timezone, "localdate", lambda *_: today + timedelta(days=1)):
        assert refusal_of(api.get(STREAMS)) == (403, "AGENT_NOT_REGISTERED")


def test_an_agents_system_opens_nothing_before_its_registration(api_client, api):
    tomorrow = timezone.localdate() + timedelta(days=1)
    api_client.agent = AgentFactory(customer=api_client.customer, valid_from=tomorrow)
    api_client.save()

    assert refusal_of(api.get(STREAMS)) == (403, "AGENT_NOT_REGISTERED")


def test_a_change_of_supplier_leaves_the_new_agents_system_alone(api_client, api):
    old = AgentFactory(customer=api_client.customer)
    api_client.agent = AgentFactory(customer=api_client.customer, organisation_number="5590000039")
    api_client.save()

    end_agent(agent=old, on=timezone.localdate() - timedelta(days=1), by=UserFactory(), at=timezone.now())

    assert api.get(STREAMS).status_code == 200


def test_an_application_of_no_customer_is_refused():
    token = "token"
    expires = timezone.now() + timedelta(minutes=5)
    AccessToken.objects.create(application=ApplicationFactory(), token=token, scope="orders", expires=expires)

    answer = Client(headers={"Authorization": f"Bearer {token}"}).get(STREAMS)

    assert refusal_of(answer) == (403, "CLIENT_UNKNOWN")


def test_each_client_has_its_own_number_of_requests_a_minute(api, monkeypatch):
    monkeypatch.setitem(PartnerThrottle.THROTTLE_RATES, "partner", "2/min")
    other = partner(ApiClientFactory())

    answers = [api.get(STREAMS) for _ in range(3)]

    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert refusal_of(answers[2]) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(answers[2]["Retry-After"]) <= 61
    assert other.get(STREAMS).status_code == 200
