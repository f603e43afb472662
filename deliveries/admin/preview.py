"""What an agreement's or a scope's terms would mean, before they are approved. Their doors stand in lefi.urls."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from deliveries.preview import Preview, preview, specimen_of
from subscriptions.models import Agreement, Scope

RIGHT = "subscriptions.view_agreement"


def of_agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """All that waits for approval under an agreement; what holds, if nothing waits."""
    _demand_right(request)
    agreement = get_object_or_404(Agreement.objects.select_related("customer"), pk=pk)
    scopes = Scope.objects.filter(agreement=agreement)
    shown = scopes.proposed().order_by("purpose", "version") or scopes.newest().order_by("purpose")
    return _page(request, preview(agreement=agreement, scopes=shown), agreement)


def of_scope(request: HttpRequest, pk: int) -> HttpResponse:
    """One version of what an agreement covers."""
    _demand_right(request)
    scope = _scope(pk)
    return _page(request, preview(agreement=scope.agreement, scopes=[scope]), scope)


def specimen_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The specimen of a scope, as a file."""
    _demand_right(request)
    response = HttpResponse(specimen_of(_scope(pk)), content_type="application/xml")
    response["Content-Disposition"] = 'attachment; filename="prov.xml"'
    return response


def _demand_right(request: HttpRequest) -> None:
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied


def _scope(pk: int) -> Scope:
    return get_object_or_404(Scope.objects.select_related("agreement__customer"), pk=pk)


def _page(request: HttpRequest, made: Preview, row: Agreement | Scope) -> HttpResponse:
    context = {"title": _("What it would mean"), "row": row, "preview": made}
    return TemplateResponse(request, "admin/preview.html", {**admin.site.each_context(request), **context})
