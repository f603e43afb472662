"""The published schemas and keys: public, the same for everybody. A schema's address carries its version."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from deliveries.jsonform import current_json_schema
from deliveries.schema import current
from deliveries.signing_keys import published
from subscriptions.orders.schema import current_answer, current_order

XML = "application/xml; charset=utf-8"


@require_safe
@cache_control(public=True, max_age=3600)
def xml_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current(), content_type=XML)


@require_safe
@cache_control(public=True, max_age=3600)
def order_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_order(), content_type=XML)


@require_safe
@cache_control(public=True, max_age=3600)
def answer_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_answer(), content_type=XML)


@require_safe
@cache_control(public=True, max_age=3600)
def json_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_json_schema(), content_type="application/schema+json")


@require_safe
@cache_control(public=True, max_age=300)
def signing_keys(request: HttpRequest) -> JsonResponse:
    """Every key that signs deliveries, or ever did."""
    return JsonResponse(published(), content_type="application/jwk-set+json")
