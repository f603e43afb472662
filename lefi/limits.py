"""How often somebody may do something: counted in the cache that all processes share, by the whole hour or minute."""

import hashlib
import time
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from urllib.parse import unquote_plus

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse

HOUR = 3600  # seconds
MINUTE = 60


def within_limit(action: str, who: str, *, most: int, each: int = HOUR) -> bool:
    """Count one more by `who`, and say whether it is among the first `most` of the time of `each` seconds that it is.

    `who` is kept hashed.
    """
    place = hashlib.sha256(f"{action} {who} {int(time.time()) // each}".encode()).hexdigest()
    key = f"limit:{place}"
    if cache.add(key, 1, timeout=each):
        return most > 0
    count = cache.incr(key)
    cache.touch(key, each)  # not every cache keeps a key's time when it counts
    return count <= most


def limited_logins(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A door where clients say their secrets, opened so many times a minute from one address and for one client.

    Every try counts, so that secrets cannot be guessed. The refusal is of OAuth's form (RFC 6749, 5.2).
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if _may_try(request) else _too_many()

    return door


def _may_try(request: HttpRequest) -> bool:
    by_address, by_client = settings.TOKEN_TRIES_BY_ADDRESS, settings.TOKEN_TRIES_BY_CLIENT
    if not within_limit("token-address", address_of(request), most=by_address, each=MINUTE):
        return False
    counted = [within_limit("token-client", one, most=by_client, each=MINUTE) for one in clients_of(request)]
    return all(counted)


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
