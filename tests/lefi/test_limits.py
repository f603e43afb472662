"""How often is often enough."""

import pytest
from django.core.cache import cache
from django.test import override_settings

from lefi.limits import within_limit


@pytest.fixture(params=["locmem", "file"])
def any_cache(request, tmp_path):
    backends = {
        "locmem": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "file": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)},
    }
    with override_settings(CACHES={"default": backends[request.param]}):
        yield


def test_no_more_than_so_many_an_hour_by_each_for_each_thing(any_cache, monkeypatch):
    monkeypatch.setattr("lefi.limits.time.time", lambda: 7200.0)

    assert [within_limit("apply", "a", most=2) for _ in range(4)] == [True, True, False, False]
    assert within_limit("apply", "b", most=2)
    assert within_limit("ask", "a", most=2)
    monkeypatch.setattr("lefi.limits.time.time", lambda: 10800.0)
    assert within_limit("apply", "a", most=2)


def test_who_it_was_is_not_kept_in_the_cache(monkeypatch):
    keys: list[str] = []
    monkeypatch.setattr(cache, "add", lambda key, value, timeout: keys.append(key) or True)

    within_limit("apply", "192.0.2.1", most=2)

    assert "192.0.2.1" not in keys[0]
