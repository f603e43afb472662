"""What every request may be, and what every response carries."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from lefi.problems import is_api, refuse_body

DIGITS = 15  # of a length; more are no length of ours


class BoundedBodies:
    """A body larger than its address takes in, or of no said length, is refused before a byte of it is read.

    Nothing that stands before this one reads a body. Django reads none that does not say its length.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            return refuse_body(request, "LENGTH_REQUIRED")
        if length.isdecimal() and (len(length) > DIGITS or int(length) > _most(request)):
            return refuse_body(request, "TOO_LARGE")
        return self.get_response(request)


def _most(request: HttpRequest) -> int:
    """The largest body that an address takes in, in bytes."""
    if is_api(request):
        return settings.ORDER_MAX_BYTES
    files = any(request.path.startswith(one) for one in settings.FILE_PATHS)
    return settings.ORDER_FILE_MAX_BYTES + settings.BODY_MAX_BYTES if files else settings.BODY_MAX_BYTES


class CompressedPages(GZipMiddleware):
    """Pages are sent compressed to browsers that take it; documents, files and the API byte for byte.

    What is secret cannot be guessed by the length of a page: Django adds bytes at random, and a page of somebody who is
    logged in is given to no other site.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        page = response.headers.get("Content-Type", "").startswith("text/html") and not response.streaming
        return super().process_response(request, response) if page else response


class PrivateResponses:
    """Pages of people who are logged in are stored nowhere: not in a proxy, and not in the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        user = getattr(request, "user", None)
        if (user is not None and user.is_authenticated) or request.path.startswith("/api/"):
            response["Cache-Control"] = "no-store"
        return response
