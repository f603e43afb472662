"""The published schemas: public, the same for everybody, at addresses that carry their version."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from deliveries.jsonform import current_json_schema
from deliveries.schema import current


@require_safe
@cache_control(public=True, max_age=3600)
def xml_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current(), content_type="application/xml; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def json_schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(current_json_schema(), content_type="application/schema+json")
