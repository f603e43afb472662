"""Noting what is called: at the doors of the API, and at the one where tokens are had."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from time import perf_counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from lefi.limits import clients_of
from subscriptions import calls
from subscriptions.models import ApiClient

FAILED = 400
LONGEST = 60  # characters of a code, as the log holds


def noted(request: HttpRequest, response: HttpResponse, client: ApiClient, started: float) -> None:
    """Note a call that has been answered; `started` is by the clock of `perf_counter`."""
    match = request.resolver_match
    calls.note(
        client,
        at=timezone.now(),
        seconds=perf_counter() - started,
        method=(request.method or "")[:10],
        route=(match.url_name if match else None) or "",
        status=response.status_code,
        code=_code_of(response),
    )


def noted_tokens(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The door where tokens are had: what goes wrong there is what a new system meets first."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        started = perf_counter()
        response = view(request, *args, **kwargs)
        for client in ApiClient.objects.filter(application__client_id__in=clients_of(request)):
            noted(request, response, client, started)
        return response

    return door


def _code_of(response: HttpResponse) -> str:
    """The code of a refusal: a problem's `code` (RFC 9457), or OAuth's `error`."""
    if response.status_code < FAILED or response.streaming:
        return ""
    with suppress(ValueError):
        said = json.loads(response.content)
        if isinstance(said, dict):
            return str(said.get("code") or said.get("error") or "")[:LONGEST]
    return ""
