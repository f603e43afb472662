"""How often somebody may do something: counted in the cache that all processes share, by the whole hour or minute."""

import hashlib
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_plus

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse

HOUR = 3600  # seconds
MINUTE = 60
KNOWN_FOR = 30 * 24 * HOUR


def within_limit(action: str, who: str, *, most: int, each: int = HOUR) -> bool:
    """Count one more by `who`, and say whether it is among the first `most` of the time of `each` seconds that it is.

    `who` is kept hashed.
    """
    key = _key("limit", f"{action} {who} {int(time.time()) // each}")
    if cache.add(key, 1, timeout=each):
        return most > 0
    count = cache.incr(key)
    cache.touch(key, each)  # not every cache keeps a key's time when it counts
    return count <= most


def spent(action: str, who: str, *, most: int, each: int = HOUR) -> bool:
    """Whether `who` has been counted `most` times already in the time of `each` seconds that it is; counts nothing."""
    return cache.get(_key("limit", f"{action} {who} {int(time.time()) // each}"), 0) >= most


def _key(kind: str, said: str) -> str:
    return f"{kind}:{hashlib.sha256(said.encode()).hexdigest()}"


def limited_logins(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A door where clients say their secrets, opened so many times a minute.

    Every try counts, from one address and for one client from one address; so secrets cannot be guessed. From all
    addresses together a client's failures count, so that they cannot be guessed from many either; but that shuts no
    address from which the client has got in lately, or whoever knows its id could shut it out. The refusal is of
    OAuth's form (RFC 6749, 5.2).
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        address, clients = address_of(request), clients_of(request)
        if not _may_try(address, clients):
            return _too_many()
        answer = view(request, *args, **kwargs)
        _note(answer, address, clients)
        return answer

    return door


def _may_try(address: str, clients: set[str]) -> bool:
    if not within_limit("token-address", address, most=settings.TOKEN_TRIES_BY_ADDRESS, each=MINUTE):
        return False
    most, failures = settings.TOKEN_TRIES_BY_CLIENT, settings.TOKEN_FAILURES_BY_CLIENT
    counted = [within_limit("token-client", f"{one} {address}", most=most, each=MINUTE) for one in clients]
    strange = (one for one in clients if not cache.get(_known(one, address)))
    return all(counted) and not any(spent("token-failures", one, most=failures, each=MINUTE) for one in strange)


def _note(answer: HttpResponse, address: str, clients: set[str]) -> None:
    """Note who was not let in, or whence the one client that was came: of two that are named it is not known which."""
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        for one in clients:
            within_limit("token-failures", one, most=settings.TOKEN_FAILURES_BY_CLIENT, each=MINUTE)
    elif answer.status_code == HTTPStatus.OK and len(clients) == 1:
        cache.set(_known(min(clients), address), True, timeout=KNOWN_FOR)


def _known(client: str, address: str) -> str:
    return _key("known", f"{client} {address}")


def address_of(request: HttpRequest) -> str:
    """Whence the request comes; what has no address, as over a socket of the machine's own, counts together."""
    with suppress(PermissionDenied):
        return get_adapter().get_client_ip(request)
    return ""


def clients_of(request: HttpRequest) -> set[str]:
    """Whom a request claims to be, by Basic authentication and in its body: a door that tries both counts both."""
    said = set(request.POST.getlist("client_id"))
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            said.add(unquote_plus(b64decode(credentials).decode().partition(":")[0]))
    return said - {""}


def _too_many() -> HttpResponse:
    wait = MINUTE - int(time.time()) % MINUTE
    said = {"error": "temporarily_unavailable", "error_description": "Too many tries; Retry-After says when to go on."}
    return JsonResponse(said, status=429, headers={"Retry-After": str(wait), "Cache-Control": "no-store"})
