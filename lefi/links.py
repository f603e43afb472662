"""Addresses that stand in mails."""

from collections.abc import Callable

from django.http import HttpRequest
from django.urls import reverse


def link_to(request: HttpRequest, name: str) -> Callable[[str], str]:
    """What makes the whole address of a page, on the host that was asked, of the token that it is known by."""
    return lambda token: request.build_absolute_uri(reverse(name, args=[token]))
