"""The pages about the service that say the same to everybody, and what can be taken home from them."""

from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from lefi.languages import language
from lefi.paging import BoundedPaginator
from lefi.service import apireference
from lefi.service.models import ServiceNotice
from lefi.service.releases import releases

PER_PAGE = 20
DOCS = Path(settings.BASE_DIR, "docs")
KINDS = {".md": "text/markdown", ".py": "text/x-python", ".json": "application/json"}
# What a partner's programmers take home of docs/, by name.
FILES: dict[str, Promise] = {
    "api.md": _("How systems order, fetch and acknowledge."),
    "orders.md": _("The five forms of orders, and every answer to a line."),
    "delivery.md": _("What a delivery holds, and how to keep up."),
    "digest.md": _("How digests are reckoned."),
    "digest_vectors.json": _("Test vectors for the digest."),
    "digest_reference.py": _("A short program that reckons digests."),
    "receipts.md": _("What is signed, and how it is checked."),
    "verifier.py": _("The verifier: checks a whole stream, without asking us."),
    "schema-change.md": _("How a new version of the schema is announced and taken in."),
    "retention.md": _("What is kept for how long."),
    "errors.md": _("Every error code of the API."),
}
# What is made of the code as it runs, by the name of its address.
MADE: dict[str, Promise] = {
    "api:openapi": _("The description of the API (OpenAPI)."),
    "schema-order": _("The schema of orders in XML."),
    "schema-answer": _("The schema of the answers to orders in XML."),
    "schema-xsd": _("The schema of deliveries in XML."),
    "schema-json": _("The schema of deliveries in JSON."),
    "schema-catalogue": _("The field catalogue."),
    "signing-keys": _("The keys that sign deliveries."),
}


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "service/about.html", _hours())


@require_safe
def technical(request: HttpRequest) -> HttpResponse:
    docs = [(reverse("service:file", args=[name]), name, words) for name, words in FILES.items()]
    made = [(address := reverse(name), address.rpartition("/")[2], words) for name, words in MADE.items()]
    return render(request, "service/technical.html", {"files": docs + made})


@require_safe
def getting_started(request: HttpRequest) -> HttpResponse:
    return render(request, "service/getting_started.html", {"host": f"{request.scheme}://{request.get_host()}"})


@require_safe
def promises(request: HttpRequest) -> HttpResponse:
    """What is promised of the service (SLA): the figures are those that the system itself keeps to."""
    context = _hours() | {
        "contact": settings.CONTACT,
        "stop_days": settings.PLANNED_STOP_NOTICE_DAYS,
        "schema_days": settings.SCHEMA_NOTICE_DAYS,
        "key_days": settings.SIGNING_KEY_NOTICE_DAYS,
        "lag_days": settings.LAG_FETCH_DAYS,
        "at_once": settings.ORDER_AT_ONCE_LINES,
        "requests": settings.PARTNER_REQUESTS_A_MINUTE,
        "kept_days": settings.RETENTION["documents"]["days"],
        "silent_hours": settings.SOURCE_SILENT_HOURS,
    }
    return render(request, "service/promises.html", context)


@require_safe
def release_list(request: HttpRequest) -> HttpResponse:
    told = ServiceNotice.objects.shown(timezone.now()).filter(kind=ServiceNotice.Kind.RELEASE)
    return render(request, "service/releases.html", {"releases": releases(language()), "told": told})


@require_safe
def notice_list(request: HttpRequest) -> HttpResponse:
    """All service notices, the newest first."""
    now = timezone.now()
    page = BoundedPaginator(ServiceNotice.objects.shown(now), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "service/notice_list.html", {"page": page, "now": now})


@require_safe
def notice_detail(request: HttpRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    notice = get_object_or_404(ServiceNotice.objects.shown(now), pk=pk)
    return render(request, "service/notice_detail.html", {"notice": notice, "now": now})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "service/accessibility.html", {"contact": settings.CONTACT})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    context = {
        "contact": settings.CONTACT,
        "controller": settings.RECORD_OF_PROCESSING["controller"],
        "officer": settings.RECORD_OF_PROCESSING["officer"],
        "session_hours": settings.SESSION_COOKIE_AGE // 3600,
    }
    return render(request, "service/privacy.html", context)


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    return render(request, "service/contact.html", {"contact": settings.CONTACT})


@require_safe
@cache_control(public=True, max_age=3600)
def technical_file(request: HttpRequest, name: str) -> FileResponse:
    """A document or program of those in FILES, as it is."""
    if name not in FILES:
        raise Http404
    path = DOCS / name
    kind = f"{KINDS[path.suffix]}; charset=utf-8"
    return FileResponse(path.open("rb"), as_attachment=path.suffix != ".md", filename=name, content_type=kind)


def _hours() -> dict[str, str]:
    return {
        "night_starts": f"{settings.NIGHT_STARTS:%H:%M}",
        "night_ends": f"{settings.NIGHT_ENDS:%H:%M}",
    }


@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """Every operation of the API and every shape, as the API describes itself."""
    return render(request, "api/docs.html", {"reference": _reference()})


@cache
def _reference() -> apireference.Reference:
    """Made once by each process: it changes with the code alone, and is in English whoever asks."""
    with translation.override("en"):
        return apireference.read(SchemaGenerator().get_schema(request=None, public=True))
