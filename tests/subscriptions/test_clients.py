"""Systems that speak for a customer: let in by its own people, with secrets that overlap, and stopped."""

import base64
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from lefi.audit.models import AuditEvent
from subscriptions import clients
from subscriptions.calls import forget_old_calls
from subscriptions.clients import ClientRefused
from subscriptions.models import ApiCall, ApiClient, Member, Stream
from tests.factories import AT, AgentFactory, ApiClientFactory, MemberFactory, StreamFactory

Role = Member.Role
ALL = ["orders", "deliveries", "consents"]


@pytest.fixture
def handler(db):
    return MemberFactory(role=Role.INTEGRATION)


@pytest.fixture
def made(handler):
    return make(handler)


def make(handler, **said):
    said = {"name": "Treserva", "streams": [], "all_streams": True, "scopes": ALL} | said
    return clients.make_client(customer=handler.customer, by=handler.user, **said)


def token(client, secret, scope="orders"):
    """What the door for tokens answers."""
    basic = base64.b64encode(f"{client.application.client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": scope}
    return Client(headers={"Authorization": f"Basic {basic}"}).post("/oauth/token/", form)


def called(answer, url="/api/v1/streams/"):
    return Client(headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).get(url)


def refusal(act, **said) -> str:
    with pytest.raises(ClientRefused) as refused:
        act(**said)
    return refused.value.code


def renew(handler, client, *, days=7, at=None):
    return clients.renew_secret(client=client, overlap_days=days, by=handler.user, at=at or timezone.now())


# Letting in


def test_a_system_gets_tokens_by_the_secret_that_was_shown_once(made):
    client, secret = made

    assert token(client, secret).status_code == 200
    assert secret not in str(Application.objects.values()) + str(AuditEvent.objects.values())


def test_a_system_is_let_to_its_scopes_alone(handler):
    client, secret = make(handler, scopes=["deliveries"])

    assert token(client, secret, "deliveries").status_code == 200
    assert token(client, secret, "orders deliveries").json() == {"error": "invalid_scope"}


def test_a_system_is_let_to_its_streams_alone(handler):
    own, other = (StreamFactory(agreement__customer=handler.customer) for _ in range(2))
    client, secret = make(handler, streams=[own], all_streams=False)

    listed = called(token(client, secret)).json()

    assert [one["id"] for one in listed["results"]] == [own.pk]
    assert other.pk


@pytest.mark.parametrize("role", [Role.CASE_WORKER, Role.AUDITOR])
def test_only_who_handles_files_keeps_systems(handler, made, role):
    other = MemberFactory(customer=handler.customer, role=role)
    client, _ = made

    assert refusal(lambda: make(other)) == "NOT_HANDLER"
    assert refusal(lambda: renew(other, client)) == "NOT_HANDLER"
    assert refusal(clients.stop_client, client=client, by=other.user, at=AT) == "NOT_HANDLER"
    assert refusal(clients.stop_client, client=client, by=MemberFactory(role=Role.ADMINISTRATOR).user, at=AT) == (
        "NOT_HANDLER"
    )


def test_nobody_is_shown_a_secret_that_opens_files_without_the_role_that_takes_them(handler, made):
    administrator = MemberFactory(customer=handler.customer, role=Role.ADMINISTRATOR)
    fetching, _ = made
    ordering, secret = make(administrator, scopes=["orders", "consents"])

    assert refusal(lambda: make(administrator, scopes=["deliveries"])) == "NOT_INTEGRATION"
    assert refusal(lambda: make(administrator)) == "NOT_INTEGRATION"
    assert refusal(lambda: renew(administrator, fetching)) == "NOT_INTEGRATION"
    assert token(ordering, secret, "deliveries").json() == {"error": "invalid_scope"}
    assert renew(administrator, ordering)
    clients.stop_client(client=fetching, by=administrator.user, at=AT)


def test_a_stream_of_anothers_or_of_the_portal_is_refused(handler):
    foreign = StreamFactory()
    portal = StreamFactory(agreement__customer=handler.customer, channel=Stream.Channel.PORTAL)

    for stream in (foreign, portal):
        assert refusal(lambda one=stream: make(handler, streams=[one], all_streams=False)) == "OTHERS_STREAM"


@pytest.mark.parametrize("said", [{"scopes": []}, {"scopes": ["admin"]}, {"all_streams": False}])
def test_a_system_is_let_to_something_that_there_is(handler, said):
    assert refusal(lambda: make(handler, **said)) == "NO_SCOPE"


# Secrets


def test_the_old_secret_holds_beside_the_new_for_as_long_as_was_said(handler, made):
    client, old = made
    new = renew(handler, client, days=7)

    assert token(client, new).status_code == token(client, old).status_code == 200

    ApiClient.objects.update(former_until=timezone.now() - timedelta(seconds=1))
    assert token(client, new).status_code == 200
    assert token(client, old).json() == {"error": "invalid_client"}


def test_an_older_secret_than_the_one_before_is_void(handler, made):
    client, first = made
    second = renew(handler, client)
    third = renew(handler, client)

    assert [token(client, one).status_code for one in (first, second, third)] == [401, 200, 200]


def test_a_secret_in_wrong_hands_is_void_at_once_with_its_tokens(handler, made):
    client, old = made
    had = token(client, old)
    new = renew(handler, client, days=0)

    assert token(client, old).status_code == 401
    assert called(had).status_code == 401
    assert token(client, new).status_code == 200


def test_neither_secret_stands_anywhere_in_clear(handler, made):
    client, old = made
    new = renew(handler, client)

    stored = str(ApiClient.objects.values()) + str(Application.objects.values()) + str(AuditEvent.objects.values())
    assert old not in stored and new not in stored


@pytest.mark.parametrize("days", [-1, 31])
def test_an_overlap_has_an_end(handler, made, days):
    assert refusal(lambda: renew(handler, made[0], days=days)) == "OVERLAP_TOO_LONG"


def test_a_wrong_secret_is_refused_while_two_hold(handler, made):
    client, _ = made
    renew(handler, client)

    assert token(client, "wrong").status_code == 401
    assert token(client, "").status_code == 401
    assert token(client, ApiClient.objects.get().former_secret).status_code == 401


# Stopping


def test_a_stopped_system_opens_nothing_from_that_moment(handler, made):
    client, secret = made
    renew(handler, client)
    had = token(client, secret)
    clients.stop_client(client=client, by=handler.user, at=AT)

    assert token(client, secret).json() == {"error": "invalid_client"}
    assert called(had).status_code == 401
    assert not AccessToken.objects.exists()
    assert refusal(clients.stop_client, client=client, by=handler.user, at=AT) == "CLIENT_IS_STOPPED"
    assert refusal(lambda: renew(handler, client)) == "CLIENT_IS_STOPPED"


def test_a_token_had_while_it_was_stopped_is_refused_by_name(handler, made):
    client, secret = made
    had = token(client, secret)
    ApiClient.objects.update(stopped_at=AT)

    assert (called(had).status_code, called(had).json()["code"]) == (403, "CLIENT_STOPPED")


def test_an_agents_system_can_be_stopped_but_gets_no_secret_from_the_customer(handler):
    client = ApiClientFactory(customer=handler.customer, agent=AgentFactory(customer=handler.customer))

    assert refusal(lambda: renew(handler, client)) == "AGENTS_CLIENT"
    clients.stop_client(client=client, by=handler.user, at=AT)


def test_what_is_done_with_systems_is_logged_for_the_organisation(handler, made):
    client, _ = made
    renew(handler, client)
    clients.stop_client(client=client, by=handler.user, at=AT)

    events = AuditEvent.objects.for_customer(handler.customer_id).order_by("pk")
    assert [one.action for one in events] == ["create", "change", "end"]
    assert events[1].details == {"fields": ["client_secret"], "overlap_days": 7}


# Calls


def calls():
    rows = ApiCall.objects.order_by("pk")
    return [(one.method, one.route, one.status, one.code) for one in rows]


def test_each_call_is_noted_by_the_name_of_its_door(made):
    client, secret = made
    had = token(client, secret, "deliveries")
    called(had, "/api/v1/streams/4711/deliveries/1/")
    called(had, "/api/v1/orders/")

    assert calls() == [
        ("POST", "token", 200, ""),
        ("GET", "delivery", 404, "NOT_FOUND"),
        ("GET", "orders", 403, "SCOPE_MISSING"),
    ]
    assert {one.client for one in ApiCall.objects.all()} == {client}
    assert ApiCall.objects.latest("pk").request_id


def test_what_is_refused_at_the_door_for_tokens_is_noted(made):
    client, secret = made
    token(client, "wrong")
    token(client, secret, "everything")

    assert [one[2:] for one in calls()] == [(401, "invalid_client"), (400, "invalid_scope")]


def test_a_call_that_no_known_client_makes_is_not_noted(db):
    Client().get("/api/v1/streams/")
    Client(headers={"Authorization": "Bearer nothing"}).get("/api/v1/streams/")
    Client().post("/oauth/token/", {"client_id": "nobody", "client_secret": "x"})

    assert calls() == []


def test_a_client_that_is_refused_is_noted(made):
    client, secret = made
    had = token(client, secret)
    type(client.customer).objects.update(active=False)
    called(had)

    assert calls()[-1] == ("GET", "streams", 403, "CUSTOMER_INACTIVE")


def test_a_call_that_cannot_be_noted_is_answered_all_the_same(made, monkeypatch):
    client, secret = made
    had = token(client, secret)
    monkeypatch.setattr(ApiCall.objects, "create", _fails)

    assert called(had).status_code == 200


def _fails(**_said):
    raise OperationalError("database is locked")


def test_calls_are_forgotten_after_their_days(made, settings):
    client, _ = made
    settings.API_CALL_DAYS = 30
    for days in (31, 30, 29):
        ApiCall.objects.create(
            client=client, at=AT - timedelta(days=days), method="GET", route="x", status=200, milliseconds=1
        )

    assert forget_old_calls(day=AT.date(), at=AT) == 1
    assert ApiCall.objects.count() == 2
