"""What the doors for partners have in common: who may enter, how a body is taken in, and pages of a list."""

import json
import re
from base64 import b64decode
from contextlib import suppress
from time import perf_counter
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from benefits.content import NOT_XML
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from subscriptions.api.calls import noted
from subscriptions.authentication import partner_of
from subscriptions.models import ApiClient, Stream
from subscriptions.orders import files
from subscriptions.orders.files import Received

KEY = re.compile("[ -~]{1,100}")
DIGEST = re.compile("sha-256=:([A-Za-z0-9+/]{43}=):")


class BodyRefused(Refused):
    """A body that is too large, broken, or that cannot be read at all."""


class JSONBody(BaseParser):
    """JSON of a bounded size. Raise BodyRefused with TOO_LARGE or NOT_JSON."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return parsed_json(body_of(stream))


def body_of(stream: IO[bytes]) -> bytes:
    body = stream.read(settings.ORDER_MAX_BYTES + 1)
    if len(body) > settings.ORDER_MAX_BYTES:
        raise BodyRefused("TOO_LARGE", _("A body is %(most)s bytes at most.") % {"most": settings.ORDER_MAX_BYTES})
    return body


def parsed_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BodyRefused("NOT_JSON") from None


def taken_in(stream: IO[bytes], request: Request) -> Received:
    """A body in a file of its own, whole and as its Content-Digest says, if it has one.

    Raise OrderRefused with TOO_LARGE or EMPTY, BodyRefused with INCOMPLETE or CONTENT_DIGEST, or ValidationError.
    """
    digest = _digest_of(request)
    received = files.take_in(stream, most=settings.ORDER_MAX_BYTES)
    whole = received.size == int(request.META["CONTENT_LENGTH"])
    if whole and digest in ("", received.sha256):
        return received
    received.discard()
    raise BodyRefused("CONTENT_DIGEST" if whole else "INCOMPLETE")


def _digest_of(request: Request) -> str:
    """The SHA-256 that a request says that its body has (RFC 9530), in hexadecimal; "" if it says none."""
    said = request.headers.get("Content-Digest", "")
    found = DIGEST.search(said)
    if said and not found:
        raise serializers.ValidationError({"Content-Digest": [_("Write it as sha-256=:…:, in Base64.")]})
    return b64decode(found[1]).hex() if found else ""


def key_of(request: Request) -> str:
    """The Idempotency-Key of a request; "" without one. Raise ValidationError."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY.fullmatch(key):
        raise serializers.ValidationError({"Idempotency-Key": [_("A key has 1 to 100 printable ASCII characters.")]})
    return key or ""


class ReferenceField(serializers.CharField):
    """A text of the customer's own: for people and files to show, and naming nobody."""

    default_error_messages = {
        "characters": gettext_lazy("Only characters that can be shown may stand here."),
        "person": gettext_lazy("An identity number, or what looks like one, must not stand here."),
    }

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        if not value.isprintable() or NOT_XML.search(value):
            self.fail("characters")
        if mask_identity_numbers(value) != value:
            self.fail("person")
        return value


class PartnerView(APIView):
    """A door for partners: by token only, a bounded number of times a minute. No HEAD: to ask is to fetch."""

    throttle_scope = "partner"
    http_method_names = ["get", "post"]
    parser_classes = [JSONBody]
    required_scopes: list[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As REST framework does, and noted for whoever's system it was."""
        started = perf_counter()
        response: Any = super().dispatch(request, *args, **kwargs)
        client: ApiClient | None = getattr(request, "api_client", None)
        if client is not None:
            noted(request, response, client, started)
        return response

    def stream_or_404(self, stream_id: int) -> Stream:
        streams = partner_of(self.request).streams().select_related("agreement__customer")
        return get_object_or_404(streams, pk=stream_id)


class Pages(CursorPagination):
    """Pages in order of a number."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raise ValidationError for a cursor that was not had from here."""
        with suppress(NotFound):
            cursor = super().decode_cursor(request)
            if cursor is None or cursor.position is None or re.fullmatch(r"[0-9]{1,19}", str(cursor.position)):
                return cursor
        raise serializers.ValidationError({"cursor": [self.invalid_cursor_message]})


class NewestFirst(Pages):
    ordering = "-id"
