"""The pages where an organisation begins to apply for a connection, and follows its application by a random token."""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lefi.errors import Refused
from lefi.limits import within_limit
from subscriptions import connections
from subscriptions.forms.connections import PAGES, KindForm, MessageForm
from subscriptions.models import Connection
from subscriptions.offers import kinds, offers
from subscriptions.progress import next_step, steps

DRAFTS_AN_HOUR = 30  # from one address
MESSAGES_AN_HOUR = 20  # about one application


@never_cache
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Ask for the kind of organisation, tell what is open to it and what it takes; and begin an application."""
    asked = request.POST if request.method == "POST" else request.GET
    kind_form = KindForm(asked if "kind" in asked else None, kinds=kinds())
    if not kind_form.is_valid():
        return render(request, "connect/kind.html", {"form": kind_form, "own": _own(request)})
    kind = kind_form.cleaned_data["kind"]
    offered = offers(kind, timezone.localdate())
    if not offered:
        return render(request, "connect/nothing.html", {"kind": kind})
    if request.method == "GET":
        return render(request, "connect/begin.html", {"kind": kind, "offers": offered, "pages": PAGES})
    if not within_limit("connect-draft", get_adapter().get_client_ip(request), most=DRAFTS_AN_HOUR):
        return render(request, "connect/too_many.html", {"code": "TOO_MANY_REQUESTS"}, status=429)
    token = connections.begin_draft(kind=kind, at=timezone.now())
    return redirect("connect-page", token=token, slug=PAGES[0].slug)


@never_cache
@require_GET
def connection_status(request: HttpRequest, token: UUID) -> HttpResponse:
    """How far an application has come, for whoever has its token. Names no people."""
    return _status(request, _connection_or_404(token), MessageForm())


@require_POST
def connection_withdraw(request: HttpRequest, token: UUID) -> HttpResponse:
    connection = _connection_or_404(token)
    try:
        connections.withdraw_connection(connection=connection, at=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("connect-status", token=connection.token)


@never_cache
@require_POST
def connection_message(request: HttpRequest, token: UUID) -> HttpResponse:
    """Write to the officer. What is refused stays in the form."""
    connection = _connection_or_404(token)
    if not within_limit("connect-message", str(token), most=MESSAGES_AN_HOUR):
        return render(request, "connect/too_many.html", {"code": "TOO_MANY_REQUESTS"}, status=429)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _status(request, connection, form)
    try:
        connections.write_as_applicant(connection=connection, text=form.cleaned_data["text"], at=timezone.now())
    except Refused as refusal:
        form.add_error("text", refusal.sentence)
        return _status(request, connection, form)
    messages.success(request, _("Your message has been sent."))
    return redirect("connect-status", token=connection.token)


def _status(request: HttpRequest, connection: Connection, form: MessageForm) -> HttpResponse:
    context = {
        "connection": connection,
        "steps": steps(connection),
        "next": next_step(connection),
        "talk": connection.messages.all(),
        "form": form if connections.may_write(connection) else None,
    }
    return render(request, "connect/status.html", context)


def _own(request: HttpRequest) -> list[Connection]:
    """The applications of who is logged in."""
    if not request.user.is_authenticated:
        return []
    return list(Connection.objects.filter(submitted_by=request.user).select_related("agreement")[:10])


def _connection_or_404(token: UUID) -> Connection:
    return get_object_or_404(Connection.objects.select_related("agreement"), token=token)
