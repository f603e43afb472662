"""The portal's pages where an organisation keeps its systems: let in, given new secrets, stopped; and what they called.

For administrators and for who has the role integration, who alone has the secrets of systems that fetch deliveries.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods

from lefi.errors import Refused
from lefi.problems import PROBLEMS
from subscriptions import clients as services
from subscriptions.forms.clients import SCOPES, CallFilter, ClientForm, SecretForm
from subscriptions.models import ApiCall, ApiClient, Member
from subscriptions.views.organisation import member_or_404, page

PER_PAGE = 50
LONGEST = 18  # digits of a row's id, which the database is sure to hold
USED = "used_keys"  # in the session: the keys of forms that have been acted on
KEPT = 20
# What the door for tokens answers (RFC 6749, 5.2); the other doors' codes stand among the errors of the API.
OAUTH: dict[str, Promise] = {
    "invalid_client": gettext_lazy("The secret is wrong or too old, or the system is stopped."),
    "invalid_scope": gettext_lazy("A scope was asked for that the system is not let to."),
    "invalid_request": gettext_lazy("The request for a token was not as it should be."),
    "unsupported_grant_type": gettext_lazy("Only client_credentials is a grant here."),
    "unauthorized_client": gettext_lazy("The system may not have tokens in this way."),
}


@login_required
@require_GET
def client_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The organisation's systems, with when each last called and whether that went well."""
    mine = member_or_404(request, pk, Member.HANDLERS)
    last = ApiCall.objects.filter(client=OuterRef("pk")).order_by("-pk")
    rows = _clients(mine).annotate(
        last_at=Subquery(last.values("at")[:1]),
        last_status=Subquery(last.values("status")[:1]),
        streams_named=Count("streams"),
    )
    return page(request, mine, "clients", {"clients": rows.order_by("stopped_at", "application__name")}, "client-list")


@login_required
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def client_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a system in. Its secret stands on the page that answers, and nowhere else."""
    mine = member_or_404(request, pk, Member.HANDLERS)
    form = ClientForm(request.POST or None, mine=mine)
    if request.method != "POST" or not form.is_valid():
        return page(request, mine, "client_new", {"form": form}, "client-list")
    said = form.cleaned_data
    if not _first_time(request, said.pop("key")):
        return redirect("portal:client-list", pk=pk)
    try:
        client, secret = services.make_client(customer=mine.customer, by=request.user, **said)
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return page(request, mine, "client_new", {"form": form}, "client-list")
    return page(request, mine, "client_secret", {"client": client, "secret": secret}, "client-list")


@login_required
@require_GET
def client_detail(request: HttpRequest, pk: int, client: int) -> HttpResponse:
    """A system, and what it called."""
    mine = member_or_404(request, pk, Member.HANDLERS)
    row = _client_or_404(mine, client)
    form = CallFilter(request.GET)
    calls = _calls(row, failed=form.is_valid() and form.cleaned_data["failed"])
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) <= LONGEST:
        calls = calls.filter(pk__lt=int(before))
    found = list(calls[: PER_PAGE + 1])
    context = {
        "client": row,
        "scopes": [SCOPES[one] for one in row.scopes if one in SCOPES],
        "streams": row.streams.select_related("agreement").order_by("pk"),
        "form": form,
        "calls": [(one, *_meaning(one.code)) for one in found[:PER_PAGE]],
        "following": found[PER_PAGE - 1].pk if len(found) > PER_PAGE else None,
        "may_renew": row.agent_id is None and services.opens_to(mine.role, row.scopes),
        "overlaps": row.former_until is not None and row.former_until > timezone.now(),
    }
    return page(request, mine, "client", context, "client-list")


@login_required
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def client_secret(request: HttpRequest, pk: int, client: int) -> HttpResponse:
    """Give a system a new secret, which stands on the page that answers, and nowhere else."""
    mine = member_or_404(request, pk, Member.HANDLERS)
    row = _client_or_404(mine, client)
    form = SecretForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return page(request, mine, "client_renew", {"form": form, "client": row}, "client-list")
    if not _first_time(request, form.cleaned_data["key"]):
        return redirect("portal:client-detail", pk=pk, client=client)
    overlap = form.cleaned_data["overlap"]
    try:
        secret = services.renew_secret(client=row, overlap_days=overlap, by=request.user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("portal:client-detail", pk=pk, client=client)
    row.refresh_from_db()
    return page(request, mine, "client_secret", {"client": row, "secret": secret, "renewed": True}, "client-list")


@login_required
@require_http_methods(["GET", "POST"])
def client_stop(request: HttpRequest, pk: int, client: int) -> HttpResponse:
    """Stop a system, after a look at what that means."""
    mine = member_or_404(request, pk, Member.HANDLERS)
    row = _client_or_404(mine, client)
    if request.method == "GET":
        return page(request, mine, "client_stop", {"client": row}, "client-list")
    try:
        services.stop_client(client=row, by=request.user, at=timezone.now())
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("%(name)s is stopped.") % {"name": row.application.name})
    return redirect("portal:client-detail", pk=pk, client=client)


def _clients(mine: Member) -> QuerySet[ApiClient]:
    return ApiClient.objects.filter(customer=mine.customer).select_related("application", "agent", "customer")


def _client_or_404(mine: Member, pk: int) -> ApiClient:
    return get_object_or_404(_clients(mine), pk=pk)


def _calls(client: ApiClient, *, failed: bool) -> QuerySet[ApiCall]:
    calls = ApiCall.objects.filter(client=client).order_by("-pk")
    return calls.failed() if failed else calls  # type: ignore[attr-defined]


def _meaning(code: str) -> tuple[Any, str]:
    """What a code means, and where it is explained."""
    if code in PROBLEMS:
        return PROBLEMS[code].title, f"{reverse('errors')}#{code}"
    return OAUTH.get(code, ""), ""


def _first_time(request: HttpRequest, key: UUID) -> bool:
    """Whether a form is sent for the first time: a page with a secret on it that is loaded anew makes no other."""
    used: list[str] = request.session.get(USED, [])
    if str(key) in used:
        messages.info(request, _("It is done already. A secret is shown once only: make a new one if it is lost."))
        return False
    request.session[USED] = [*used[1 - KEPT :], str(key)]
    return True
