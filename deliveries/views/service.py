"""The front page, how the service stands, and the doors where machines ask whether it works. Open to everybody."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from deliveries import health
from deliveries.status import Result, Status, status_at
from deliveries.views.start import start
from lefi.service.models import ServiceNotice

FORMAT = "lefi-status/1"


def home(request: HttpRequest) -> HttpResponse:
    """The start page of who is logged in; the front page of the service to others."""
    return start(request) if request.user.is_authenticated else front(request)


@require_safe
def front(request: HttpRequest) -> HttpResponse:
    return render(request, "service/front.html", {"status": status_at(timezone.now())})


@require_safe
def service_status(request: HttpRequest) -> HttpResponse:
    return render(request, "service/status.html", {"status": status_at(timezone.now())})


@require_safe
@cache_control(public=True, max_age=30)
def status_file(request: HttpRequest) -> JsonResponse:
    """The same as the status page, for machines."""
    now = timezone.now()
    with translation.override("en"):
        said = _as_json(status_at(now)) | {"format": FORMAT, "as_of": now}
    return JsonResponse(said, json_dumps_params={"ensure_ascii": False, "indent": 1})


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """That this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Whether this process can do its work. A run that is late is told, but stops nobody from reading and ordering."""
    failing = health.failing()
    parts = {name: "failing" if name in failing else "ok" for name in health.CHECKS}
    body: dict[str, Any] = {"status": "failing" if failing else "ok", "parts": parts}
    if "database" not in failing and "migrations" not in failing:
        body["oldest_due_run_seconds"] = health.oldest_due(timezone.now())
    return JsonResponse(body, status=503 if failing else 200)


def _as_json(status: Status) -> dict[str, Any]:
    last = status.last_night
    return {
        "status": status.standing.value,
        "last_night": _night(last) if last else None,
        "nights": [_night(one) for one in status.nights],
        "coming": [{"day": one.day, "starts": one.starts, "deadline": one.deadline} for one in status.coming],
        "sources": [{"code": one.name, "state": one.state, "last_import": one.at} for one in status.sources],
        "interruptions": [_notice(one) for one in status.interruptions],
        "planned": [_notice(one) for one in status.planned],
    }


def _night(result: Result) -> dict[str, Any]:
    return {
        "day": result.night.day,
        "state": result.state.value,
        "planned_for": result.night.starts,
        "deadline": result.night.deadline,
        "started": result.started_at,
        "ended": result.ended_at,
        "streams_released": result.released,
        "streams_carried_over": result.left,
    }


def _notice(notice: ServiceNotice) -> dict[str, Any]:
    return {
        "id": notice.pk,
        "kind": notice.kind,
        "begins": notice.begins_at,
        "ends": notice.ends_at,
        "sv": {"title": notice.title_sv, "text": notice.text_sv},
        "en": {"title": notice.title_en, "text": notice.text_en},
        "address": notice.get_absolute_url(),
    }
