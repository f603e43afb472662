"""How often is often enough."""

from base64 import b64encode
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from lefi.limits import within_limit


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


def ask(client, client_id: str = "", *, address: str = "192.0.2.1", door: str = "token", body=None):
    headers = basic(client_id) if client_id else {}
    said = {"grant_type": "client_credentials", "token": "x", **(body or {})}
    return client.post(reverse(door), said, headers=headers, REMOTE_ADDR=address)


@pytest.fixture
def few_tries(settings, db, monkeypatch):
    settings.TOKEN_TRIES_BY_CLIENT = 2
    settings.TOKEN_TRIES_BY_ADDRESS = 4
    at(monkeypatch, 7215.0)


@pytest.mark.parametrize("door", ["token", "revoke-token"])
def test_a_client_s_secret_cannot_be_guessed_from_many_addresses(client, few_tries, door):
    said = [ask(client, "a", address=f"192.0.2.{n}", door=door) for n in range(3)]

    assert [answer.status_code for answer in said] == [401, 401, 429]
    assert said[2].json()["error"] == "temporarily_unavailable"
    assert said[2]["Retry-After"] == "45"
    assert ask(client, "b", address="192.0.2.9", door=door).status_code == 401


def test_secrets_cannot_be_guessed_from_one_address_for_many_clients(client, few_tries):
    assert [ask(client, f"client-{n}").status_code for n in range(5)] == [401, 401, 401, 401, 429]


def test_a_client_named_in_the_body_or_behind_another_counts_all_the_same(client, few_tries):
    ask(client, address="192.0.2.1", body={"client_id": "a"})
    ask(client, "other", address="192.0.2.2", body={"client_id": "a"})

    assert ask(client, "a", address="192.0.2.3").status_code == 429


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic 4pyT4p", "Bearer x", "Basic //79"])
def test_a_header_that_cannot_be_read_names_nobody(client, few_tries, header):
    answer = client.post(reverse("token"), headers={"Authorization": header})

    assert 400 <= answer.status_code < 429


def test_the_next_minute_is_another(client, few_tries, monkeypatch):
    for _ in range(3):
        ask(client, "a")

    at(monkeypatch, 7260.0)
    assert ask(client, "a").status_code == 401
