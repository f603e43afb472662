"""Every refusal of the API as one `application/problem+json` (RFC 9457), with a stable code that docs/errors.md lists.

A problem holds no personal data: what it repeats of a request is masked, and an unforeseen fault says no more than
that it happened. `instance` names the request as the logs do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views import defaults
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers

from lefi.errors import Refused
from lefi.masking import mask_identity_numbers

MEDIA_TYPE = "application/problem+json"
Responses = dict[int | tuple[int, str], Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of refusal: its HTTP status and what it means."""

    status: int
    title: Promise


# Codes are never taken back or given another meaning.
PROBLEMS: dict[str, Problem] = {
    # The request
    "INVALID": Problem(400, _("Something in the request is not as it should be; errors says what.")),
    "MALFORMED": Problem(400, _("The request cannot be read.")),
    "NOT_AUTHENTICATED": Problem(401, _("A valid access token is needed.")),
    "CLIENT_UNKNOWN": Problem(403, _("The client speaks for no customer.")),
    "CLIENT_STOPPED": Problem(403, _("The client has been stopped by its organisation.")),
    "AGENT_NOT_REGISTERED": Problem(403, _("The agent whose system this is does not speak for the customer any more.")),
    "CUSTOMER_INACTIVE": Problem(403, _("The customer is not active.")),
    "SCOPE_MISSING": Problem(403, _("The access token does not have the scope that this needs.")),
    "NOT_ALLOWED": Problem(403, _("This is not allowed.")),
    "NOT_FOUND": Problem(404, _("There is no such thing here, or it is another's.")),
    "METHOD_NOT_ALLOWED": Problem(405, _("The method is not one of those that this address has.")),
    "NOT_ACCEPTABLE": Problem(406, _("The answer cannot be given in the form asked for.")),
    "LENGTH_REQUIRED": Problem(411, _("The body must say its length in Content-Length.")),
    "TOO_LARGE": Problem(413, _("The body or the file is larger than is taken in.")),
    "UNSUPPORTED_MEDIA_TYPE": Problem(415, _("The body is of a media type that is not read here.")),
    "TOO_MANY_REQUESTS": Problem(429, _("Too many requests; Retry-After says when to go on.")),
    "INTERNAL": Problem(500, _("Something went wrong with us. It has been logged.")),
    # What is sent
    "INCOMPLETE": Problem(400, _("The body broke off before its end. Nothing of it was kept.")),
    "CONTENT_DIGEST": Problem(400, _("The body is not what its Content-Digest says. Nothing of it was kept.")),
    # An order as a whole
    "NOT_JSON": Problem(400, _("The body is not well-formed JSON.")),
    "NOT_XML": Problem(400, _("The order is not well-formed XML.")),
    "DOCTYPE": Problem(400, _("An order must not have a DOCTYPE.")),
    "ORGANISATION_MISSING": Problem(400, _("The order does not name the organisation that orders.")),
    "FORM": Problem(400, _("The order is not of the form that docs/orders.md describes.")),
    "ENCODING": Problem(400, _("The file holds bytes that are no text in the encoding it seems to have.")),
    "NOT_A_TABLE": Problem(400, _("The file cannot be read as a table.")),
    "HEADER": Problem(400, _("The header lacks a column, or names one twice or one that is not known.")),
    "EMPTY": Problem(400, _("The order has no lines.")),
    "TOO_MANY_LINES": Problem(413, _("The order has more lines than one order may hold.")),
    "OTHER_ORGANISATION": Problem(403, _("The order names another organisation or unit than the client's.")),
    "IDEMPOTENCY_KEY_REUSED": Problem(422, _("The idempotency key was used for another order.")),
    "ORDER_STATE": Problem(409, _("This cannot be done with the order as it now stands.")),
    "FILE_LOST": Problem(500, _("The file of the order is lost. The fault is ours; send it again.")),
    # A reconciliation
    "NOT_COMPARED": Problem(409, _("The list has not been compared, or could not be.")),
    "LIST_UNREADABLE": Problem(
        409, _("Lines of the list name no watch that can be read: what only we have may be among them.")
    ),
    # A file sent in parts
    "UPLOAD_OFFSET": Problem(409, _("The part does not begin where the last one ended; Upload-Offset says where.")),
    "UPLOAD_DIGEST": Problem(422, _("The file is not what its SHA-256 says. Nothing of it was kept; send it anew.")),
    # A file or list of consents, cases or needs as a whole
    "FILE_FORM": Problem(400, _("The file or list is not of the form that is described for it; detail says more.")),
    "FILE_TOO_LONG": Problem(413, _("The file or list has more lines than one may hold.")),
    # Deliveries
    "OUT_OF_SEQUENCE": Problem(409, _("An earlier delivery of the stream must be fetched first.")),
    "NOT_FETCHED": Problem(409, _("The delivery must be fetched before it is acknowledged.")),
    "WRONG_HASH": Problem(409, _("The hash is not that of the delivery.")),
    "RECALLED": Problem(410, _("The delivery was recalled before anybody had fetched it.")),
    "PURGED": Problem(410, _("The delivery's content has been erased. Its number, hash and manifest are kept.")),
    "AGREEMENT_NOT_ACTIVE": Problem(403, _("The agreement is not active.")),
    "NO_SCOPE": Problem(403, _("The agreement covers nothing for this purpose.")),
    "RESERVATION_NOT_ACKNOWLEDGED": Problem(
        403, _("A reservation about the use of the information must be acknowledged first.")
    ),
    "BLOCKED": Problem(403, _("Deliveries are blocked.")),
    "RELEASE_NEEDED": Problem(403, _("The delivery cannot be fetched again without help from Försäkringskassan.")),
    "VERSION_UNKNOWN": Problem(409, _("The version of the schema is neither in force nor announced.")),
    "SIGNING_KEY_MISSING": Problem(503, _("Nothing can be signed at present. The fault is ours and has been logged.")),
    "DOCUMENT_DAMAGED": Problem(500, _("The document is damaged. The fault is ours and has been logged.")),
}
CODES = tuple(PROBLEMS)
OTHER = "NOT_ALLOWED"

_OF_EXCEPTION: dict[type[Exception], str] = {
    exceptions.ValidationError: "INVALID",
    exceptions.ParseError: "NOT_JSON",
    exceptions.AuthenticationFailed: "NOT_AUTHENTICATED",
    exceptions.NotAuthenticated: "NOT_AUTHENTICATED",
    exceptions.PermissionDenied: "NOT_ALLOWED",
    exceptions.NotFound: "NOT_FOUND",
    exceptions.MethodNotAllowed: "METHOD_NOT_ALLOWED",
    exceptions.NotAcceptable: "NOT_ACCEPTABLE",
    exceptions.UnsupportedMediaType: "UNSUPPORTED_MEDIA_TYPE",
    exceptions.Throttled: "TOO_MANY_REQUESTS",
    Http404: "NOT_FOUND",
    PermissionDenied: "NOT_ALLOWED",
}


class ScopeMissing(exceptions.PermissionDenied):
    """A token that lacks a scope; the challenge names those that are needed (RFC 6750)."""

    def __init__(self, scopes: list[str]) -> None:
        super().__init__()
        self.auth_header = f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'


class FaultSerializer(serializers.Serializer):
    """One thing wrong with one field of the request."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """Why a request was refused (RFC 9457). `code` is stable; the words follow Accept-Language."""

    type = serializers.CharField(help_text="Where the code is explained.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.ChoiceField(choices=CODES)
    detail = serializers.CharField(required=False)
    instance = serializers.CharField(required=False, help_text="The request, as our logs name it.")
    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment]


def refusals(*codes: str) -> Responses:
    """The error responses of an operation for its OpenAPI description: these codes and those of every operation."""
    everywhere = (
        "NOT_AUTHENTICATED",
        "SCOPE_MISSING",
        "CUSTOMER_INACTIVE",
        "CLIENT_UNKNOWN",
        "CLIENT_STOPPED",
        "NOT_ACCEPTABLE",
        "TOO_MANY_REQUESTS",
        "INTERNAL",
    )
    by_status: dict[int, list[str]] = {}
    for code in (*everywhere, *codes):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=", ".join(sorted(names)))
        for status, names in sorted(by_status.items())
    }


def problem(code: str, *, detail: str = "", errors: list[dict[str, str]] | None = None) -> JsonResponse:
    """The response for a code, in the reader's language. A code that is not listed counts as NOT_ALLOWED."""
    code = code if code in PROBLEMS else OTHER
    found = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"{reverse('errors')}#{code}",
        "title": str(found.title),
        "status": found.status,
        "code": code,
    }
    if detail:
        body["detail"] = mask_identity_numbers(detail)
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        body["instance"] = f"urn:uuid:{request_id}"
    if errors:
        body["errors"] = errors
    return JsonResponse(body, status=found.status, content_type=MEDIA_TYPE)


def problem_response(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's handler of exceptions. What it does not know is left to `server_error` and the logs."""
    if isinstance(exc, Refused):
        return _with_headers(problem(exc.code, detail=exc.sentence or _place(exc)), exc)
    if isinstance(exc, ScopeMissing):
        return _with_headers(problem("SCOPE_MISSING"), exc)
    code = next((code for kind, code in _OF_EXCEPTION.items() if isinstance(exc, kind)), "")
    if not code:
        return None
    errors = list(_faults(exc.detail)) if isinstance(exc, exceptions.ValidationError) else None
    return _with_headers(problem(code, errors=errors), exc)


def _place(refused: Refused) -> str:
    """The row of a file where it could be read no further, if the refusal knows it."""
    row = getattr(refused, "row", 0)
    return str(_("Row %(row)s.") % {"row": row}) if row else ""


def _with_headers(response: HttpResponse, exc: Exception) -> HttpResponse:
    for name, value in getattr(exc, "headers", {}).items():
        response[name] = value
    if challenge := getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _faults(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Flatten a validation error: one entry for each fault, with the field's path such as `lines.0.day`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _faults(inner, f"{field}.{name}".lstrip("."))
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _faults(inner, f"{field}.{place}" if nested else field)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"field": mask_identity_numbers(field), "code": code, "detail": mask_identity_numbers(str(detail))}


def explained(request: HttpRequest) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    return render(request, "errors.html", {"problems": PROBLEMS})


def refuse_body(request: HttpRequest, code: str) -> HttpResponse:
    """The answer to a body that is not read at all: a problem to a partner, a page to others."""
    if is_api(request):
        return problem(code)
    found = PROBLEMS[code]
    return render(request, "body_refused.html", {"title": found.title}, status=found.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem("MALFORMED") if is_api(request) else defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem("NOT_FOUND") if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return problem("INTERNAL") if is_api(request) else defaults.server_error(request)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
