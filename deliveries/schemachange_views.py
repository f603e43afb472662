"""The versions of the schema in public: the one in force, the one that is coming with all that follows from it, and
those before. What is coming is answered with 404 while nothing is.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from deliveries.models import SchemaAnnouncement
from deliveries.schema_views import XML
from deliveries.schemachange import coming, diff_of, form_of, version_in_force
from deliveries.schemawords import in_words

View = Callable[[HttpRequest], HttpResponse]


def of_what_is_coming(view: Callable[[SchemaAnnouncement], HttpResponse]) -> View:
    """An address of the announced version, which proxies may keep for five minutes."""

    @require_safe
    @cache_control(public=True, max_age=300)
    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        announced = coming()
        if announced is None:
            raise Http404
        return view(announced)

    return answered


@of_what_is_coming
def diff(announced: SchemaAnnouncement) -> HttpResponse:
    return JsonResponse(diff_of(announced), json_dumps_params={"ensure_ascii": False, "indent": 1})


@of_what_is_coming
def xml_schema(announced: SchemaAnnouncement) -> HttpResponse:
    return HttpResponse(form_of(announced.catalogue).xsd, content_type=XML)


@of_what_is_coming
def json_schema(announced: SchemaAnnouncement) -> HttpResponse:
    return HttpResponse(form_of(announced.catalogue).json_schema, content_type="application/schema+json")


@of_what_is_coming
def catalogue_file(announced: SchemaAnnouncement) -> HttpResponse:
    return HttpResponse(announced.catalogue, content_type="application/json")


@of_what_is_coming
def xml_sample(announced: SchemaAnnouncement) -> HttpResponse:
    return HttpResponse(form_of(announced.catalogue).sample_xml, content_type=XML)


@of_what_is_coming
def json_sample(announced: SchemaAnnouncement) -> HttpResponse:
    return HttpResponse(form_of(announced.catalogue).sample_json, content_type="application/json")


@require_safe
def versions(request: HttpRequest) -> HttpResponse:
    """The version in force, the coming one with its changes in words, and those announced before."""
    announced = coming()
    earlier = SchemaAnnouncement.objects.approved().exclude(over_at=None).defer("catalogue")
    context: dict[str, Any] = {"version": version_in_force(), "announced": announced, "earlier": earlier}
    if announced is not None:
        context |= {"next": form_of(announced.catalogue).version, "changes": in_words(announced.catalogue)}
    return render(request, "schema/index.html", context)
