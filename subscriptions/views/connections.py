"""The pages where an organisation applies for a connection, and follows its application by a random token."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lefi.errors import Refused
from lefi.limits import within_limit
from subscriptions import connections
from subscriptions.forms.connections import ConnectionForm, KindForm
from subscriptions.models import Connection
from subscriptions.offers import kinds, offers
from subscriptions.progress import steps

APPLICATIONS_AN_HOUR = 10  # from one address


@never_cache
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Ask for the kind of organisation, then for the rest; what is offered follows from the kind and the day."""
    asked = request.POST if request.method == "POST" else request.GET
    kind_form = KindForm(asked if "kind" in asked else None, kinds=kinds())
    if not kind_form.is_valid():
        return render(request, "connect/kind.html", {"form": kind_form})
    kind = kind_form.cleaned_data["kind"]
    offered = offers(kind, timezone.localdate())
    if not offered:
        return render(request, "connect/nothing.html", {"kind": kind})
    form = ConnectionForm(request.POST or None, offered=offered, initial={"kind": kind})
    if request.method == "POST" and form.is_valid():
        return _apply(request, form)
    return render(request, "connect/form.html", {"form": form, "kind": kind})


@never_cache
@require_GET
def connection_status(request: HttpRequest, token: UUID) -> HttpResponse:
    """How far an application has come, for whoever has its token. Names no people."""
    connection = _connection_or_404(token)
    return render(request, "connect/status.html", {"connection": connection, "steps": steps(connection)})


@require_POST
def connection_withdraw(request: HttpRequest, token: UUID) -> HttpResponse:
    connection = _connection_or_404(token)
    try:
        connections.withdraw_connection(connection=connection, at=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("connect-status", token=connection.token)


def _apply(request: HttpRequest, form: ConnectionForm) -> HttpResponse:
    if not within_limit("connect", get_adapter().get_client_ip(request), most=APPLICATIONS_AN_HOUR):
        return render(request, "connect/too_many.html", {"code": "TOO_MANY_REQUESTS"}, status=429)
    by = request.user if request.user.is_authenticated else None
    try:
        connection = connections.apply_for_connection(values=form.cleaned_data, by=by, at=timezone.now())
    except connections.ConnectionRefused as refusal:
        form.refuse(refusal.faults)
        return render(request, "connect/form.html", {"form": form, "kind": form.cleaned_data["kind"]})
    return redirect("connect-status", token=connection.token)


def _connection_or_404(token: UUID) -> Connection:
    return get_object_or_404(Connection.objects.select_related("agreement"), token=token)
