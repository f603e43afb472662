"""The registers that follow from agreements and law, as pages to read and print, and as files. Doors in lefi.urls."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from subscriptions.registers import REGISTERS, Register, as_data, as_markdown, make

RIGHT = "subscriptions.view_agreement"


def index(request: HttpRequest) -> HttpResponse:
    """Which registers there are."""
    _demand_right(request)
    found = {code: title for code, (title, _build) in REGISTERS.items()}
    return _render(request, "admin/registers/index.html", {"title": _("Registers"), "registers": found})


def page(request: HttpRequest, code: str) -> HttpResponse:
    """One register as of today."""
    register = _register(request, code)
    return _render(request, "admin/registers/page.html", {"title": register.title, "register": register})


def file(request: HttpRequest, code: str) -> HttpResponse:
    """One register as a file in the reader's language: JSON, or Markdown with `?as=md`."""
    register = _register(request, code)
    if request.GET.get("as") == "md":
        response = HttpResponse(as_markdown(register), content_type="text/markdown; charset=utf-8")
    else:
        response = JsonResponse(as_data(register), json_dumps_params={"ensure_ascii": False, "indent": 1})
    kind = "md" if request.GET.get("as") == "md" else "json"
    response["Content-Disposition"] = f'attachment; filename="{register.code}.{kind}"'
    return response


def _register(request: HttpRequest, code: str) -> Register:
    _demand_right(request)
    if code not in REGISTERS:
        raise Http404
    return make(code, day=timezone.localdate())


def _demand_right(request: HttpRequest) -> None:
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
