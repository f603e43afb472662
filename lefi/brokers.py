"""The brokers that people log in through, as the environment names them: OIDC_BROKERS, described in docs/login.md.

BankID, Freja and SITHS are reached through a broker or the organisation's own identity provider, never directly.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured

NEEDED = ("id", "name", "server_url", "client_id", "secret")
# What a broker may say besides, and what is meant where it says nothing. The levels are those of Sweden's framework for
# e-identification, as the agency for digital government names them, and the short names that brokers have for them.
DEFAULTS: dict[str, Any] = {
    "scope": ["openid", "profile"],
    "auth_params": {},
    "token_auth_method": None,
    "fetch_userinfo": True,
    "identity_claim": "sub",
    "loa_claim": "acr",
    "loa": [
        "http://id.elegnamnden.se/loa/1.0/loa3",
        "http://id.elegnamnden.se/loa/1.0/loa4",
        "loa3",
        "loa4",
    ],
}
KEY_LENGTH = 32  # characters, at least


def provider_apps(brokers: Sequence[Mapping[str, Any]], *, key: str) -> list[dict[str, Any]]:
    """The brokers as allauth's settings have them. Raise ImproperlyConfigured, naming no secret, if one is not whole.

    `key` is what identities are indexed with: without it nobody could be known again.
    """
    if brokers and len(key) < KEY_LENGTH:
        raise ImproperlyConfigured(f"OIDC_BROKERS needs IDENTITY_KEY: {KEY_LENGTH} random characters at least.")
    apps = [_app(one) for one in brokers]
    if len({one["provider_id"] for one in apps}) < len(apps):
        raise ImproperlyConfigured("Two of OIDC_BROKERS have the same id.")
    return apps


def _app(broker: Mapping[str, Any]) -> dict[str, Any]:
    if missing := [name for name in NEEDED if not broker.get(name)]:
        raise ImproperlyConfigured(f"One of OIDC_BROKERS does not say {', '.join(missing)}.")
    if unknown := broker.keys() - {*NEEDED, *DEFAULTS}:
        raise ImproperlyConfigured(f"One of OIDC_BROKERS says what is not known: {', '.join(sorted(unknown))}.")
    said = {**DEFAULTS, **broker}
    if not said["loa"]:
        raise ImproperlyConfigured("One of OIDC_BROKERS takes no level of assurance; it must name those that it does.")
    return {
        "provider_id": said["id"],
        "name": said["name"],
        "client_id": said["client_id"],
        "secret": said["secret"],
        "settings": {"server_url": said["server_url"], **{name: said[name] for name in DEFAULTS}},
    }
