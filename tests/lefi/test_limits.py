"""How often is often enough."""

from base64 import b64encode
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse
from oauth2_provider.models import Application

from lefi.limits import within_limit

SECRET = "a secret of the partner's"


def at(monkeypatch, seconds: float) -> None:
    """Set the clock of the limits alone: what else reads the time goes on."""
    monkeypatch.setattr("lefi.limits.time", SimpleNamespace(time=lambda: seconds))


@pytest.fixture(params=["locmem", "file"])
def any_cache(request, tmp_path):
    backends = {
        "locmem": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)},
    }
    with override_settings(CACHES={"default": backends[request.param]}):
        yield


def test_no_more_than_so_many_an_hour_by_each_for_each_thing(any_cache, monkeypatch):
    at(monkeypatch, 7200.0)

    assert [within_limit("apply", "a", most=2) for _ in range(4)] == [True, True, False, False]
    assert within_limit("apply", "b", most=2)
    assert within_limit("ask", "a", most=2)
    at(monkeypatch, 10800.0)
    assert within_limit("apply", "a", most=2)


def test_who_it_was_is_not_kept_in_the_cache(monkeypatch):
    keys: list[str] = []
    monkeypatch.setattr(cache, "add", lambda key, value, timeout: keys.append(key) or True)

    within_limit("apply", "192.0.2.1", most=2)

    assert "192.0.2.1" not in keys[0]


def test_a_time_may_be_shorter_than_an_hour(any_cache, monkeypatch):
    at(monkeypatch, 7200.0)
    assert [within_limit("apply", "a", most=1, each=60) for _ in range(2)] == [True, False]

    at(monkeypatch, 7260.0)
    assert within_limit("apply", "a", most=1, each=60)


# Guessing secrets


def basic(client_id: str, secret: str = "wrong") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def ask(client, client_id: str = "", *, address: str = "192.0.2.1", door: str = "token", body=None, secret="wrong"):
    headers = basic(client_id, secret) if client_id else {}
    said = {"grant_type": "client_credentials", "token": "x", **(body or {})}
    return client.post(reverse(door), said, headers=headers, REMOTE_ADDR=address)


@pytest.fixture
def few_tries(settings, db, monkeypatch):
    settings.TOKEN_TRIES_BY_CLIENT = 2
    settings.TOKEN_TRIES_BY_ADDRESS = 4
    settings.TOKEN_FAILURES_BY_CLIENT = 3
    at(monkeypatch, 7215.0)


@pytest.fixture
def partner(few_tries):
    """A client's id, whose secret is SECRET."""
    return Application.objects.create(
        name="Skadesystemet",
        client_secret=SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    ).client_id


def fail_from_everywhere(client, client_id):
    """As often as a secret may be wrong in a minute, each time from another address."""
    return [ask(client, client_id, address=f"198.51.100.{n}").status_code for n in range(3)]


@pytest.mark.parametrize("door", ["token", "revoke-token"])
def test_a_client_s_secret_cannot_be_guessed_from_one_address(client, few_tries, door):
    said = [ask(client, "a", door=door) for _ in range(3)]

    assert [answer.status_code for answer in said] == [401, 401, 429]
    assert said[2].json()["error"] == "temporarily_unavailable"
    assert said[2]["Retry-After"] == "45"
    assert ask(client, "b", door=door).status_code == 401


@pytest.mark.parametrize("door", ["token", "revoke-token"])
def test_a_client_s_secret_cannot_be_guessed_from_many_addresses(client, few_tries, door):
    said = [ask(client, "a", address=f"192.0.2.{n}", door=door).status_code for n in range(4)]

    assert said == [401, 401, 401, 429]
    assert ask(client, "b", address="192.0.2.9", door=door).status_code == 401


def test_secrets_cannot_be_guessed_from_one_address_for_many_clients(client, few_tries):
    assert [ask(client, f"client-{n}").status_code for n in range(5)] == [401, 401, 401, 401, 429]


def test_who_names_a_client_from_another_address_does_not_use_up_its_tries(client, partner):
    assert [ask(client, partner, address="198.51.100.1").status_code for _ in range(3)] == [401, 401, 429]

    assert ask(client, partner, secret=SECRET).status_code == 200


def test_who_names_a_client_from_many_addresses_does_not_shut_it_out_from_where_it_has_got_in(client, partner):
    assert ask(client, partner, secret=SECRET).status_code == 200
    assert fail_from_everywhere(client, partner) == [401, 401, 401]

    assert ask(client, partner, secret=SECRET).status_code == 200
    assert ask(client, partner, address="203.0.113.1", secret=SECRET).status_code == 429


def test_from_where_a_client_has_got_in_its_secret_can_be_guessed_no_more_often_than_elsewhere(client, partner):
    ask(client, partner, secret=SECRET)

    assert [ask(client, partner).status_code for _ in range(2)] == [401, 429]


def test_a_token_that_is_given_counts_as_no_failure(client, partner):
    for n in range(5):
        assert ask(client, partner, address=f"192.0.2.{n}", secret=SECRET).status_code == 200

    assert ask(client, partner, address="203.0.113.1").status_code == 401


def test_who_gets_in_as_one_client_and_names_another_is_not_known_as_that(client, partner):
    """A stranger who has a client of its own."""
    assert ask(client, partner, door="revoke-token", body={"client_id": "a"}, secret=SECRET).status_code == 200
    fail_from_everywhere(client, "a")

    assert ask(client, "a").status_code == 429


def test_a_client_named_in_the_body_or_behind_another_counts_all_the_same(client, few_tries):
    ask(client, body={"client_id": "a"})
    ask(client, "other", body={"client_id": "a"})

    assert ask(client, "a").status_code == 429


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic 4pyT4p", "Bearer x", "Basic //79"])
def test_a_header_that_cannot_be_read_names_nobody(client, few_tries, header):
    answer = client.post(reverse("token"), headers={"Authorization": header})

    assert 400 <= answer.status_code < 429


def test_the_next_minute_is_another(client, few_tries, monkeypatch):
    for _ in range(3):
        ask(client, "a")

    at(monkeypatch, 7260.0)
    assert ask(client, "a").status_code == 401
