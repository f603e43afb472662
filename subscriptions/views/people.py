"""The portal's pages where an administrator keeps the organisation's people: who, as what, and who has been invited."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lefi.accounts.factors import has_factor, is_bound
from lefi.errors import Refused
from lefi.limits import within_limit
from lefi.links import link_to
from lefi.paging import BoundedPaginator
from subscriptions import people as services
from subscriptions.forms.people import InviteForm, RoleForm
from subscriptions.models import Desk, Invitation, Member
from subscriptions.views.organisation import ADMINISTRATORS, member_or_404, page

PER_PAGE = 50
INVITATIONS_AN_HOUR = 60  # by one administrator
LINK = "invitation-link"


@login_required
@require_GET
def person_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Who belongs to the organisation, and who has been invited."""
    mine = member_or_404(request, pk, ADMINISTRATORS)
    members = BoundedPaginator(_members(mine), PER_PAGE).get_page(request.GET.get("page"))
    waiting = Invitation.objects.waiting().filter(customer=mine.customer).order_by("-invited_at")
    good = set(waiting.open(timezone.now()).values_list("pk", flat=True))
    context = {
        "page": members,
        "members": [(one, _last_seen(one)) for one in members],
        "waiting": [(one, one.pk not in good) for one in waiting],
        "mine": mine,
    }
    return page(request, mine, "people", context, "person-list")


def _members(mine: Member) -> QuerySet[Member]:
    rows = Member.objects.filter(customer=mine.customer).select_related("user", "user__desk")
    return rows.annotate(secured=Q(has_factor("user")) | Q(is_bound("user"))).order_by(
        "user__last_name", "user__first_name", "pk"
    )


def _last_seen(member: Member) -> datetime | None:
    desk: Desk | None = getattr(member.user, "desk", None)
    seen = (member.user.last_login, desk.here_at if desk else None)
    return max((one for one in seen if one), default=None)


@login_required
@require_http_methods(["GET", "POST"])
def person_invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite somebody by e-mail. Whether the address has an account already is not told."""
    mine = member_or_404(request, pk, ADMINISTRATORS)
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _may_send(request, form):
        said = form.cleaned_data
        done = _("The invitation to %(email)s has been sent.") % {"email": said["email"]}
        return _do(
            request,
            mine,
            lambda: services.invite(
                customer=mine.customer, by=request.user, at=timezone.now(), link=link_to(request, LINK), **said
            ),
            done,
        )
    return page(request, mine, "person_invite", {"form": form}, "person-list")


@login_required
@require_POST
def invitation_resend(request: HttpRequest, pk: int, invitation: int) -> HttpResponse:
    """Send a new link; the old one is void."""
    mine = member_or_404(request, pk, ADMINISTRATORS)
    row = _invitation(mine, invitation)
    if not _may_send(request, None):
        messages.error(request, _("Too many invitations. Go on in an hour."))
        return redirect("portal:person-list", pk=pk)
    done = _("A new link has been sent to %(email)s. The old one is void.") % {"email": row.email}
    link, at = link_to(request, LINK), timezone.now()
    return _do(request, mine, lambda: services.send_again(invitation=row, by=request.user, at=at, link=link), done)


@login_required
@require_POST
def invitation_withdraw(request: HttpRequest, pk: int, invitation: int) -> HttpResponse:
    mine = member_or_404(request, pk, ADMINISTRATORS)
    row = _invitation(mine, invitation)
    done = _("The invitation to %(email)s is withdrawn.") % {"email": row.email}
    return _do(request, mine, lambda: services.withdraw(invitation=row, by=request.user, at=timezone.now()), done)


@login_required
@require_http_methods(["GET", "POST"])
def person_role(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Give a member another role."""
    mine = member_or_404(request, pk, ADMINISTRATORS)
    row = _member(mine, member)
    form = RoleForm(request.POST or None, initial={"role": row.role})
    if request.method == "POST" and form.is_valid():
        role = form.cleaned_data["role"]
        done = _("%(name)s has another role.") % {"name": row.user}
        return _do(request, mine, lambda: services.change_role(member=row, role=role, by=request.user), done)
    return page(request, mine, "person_role", {"form": form, "member": row}, "person-list")


@login_required
@require_http_methods(["GET", "POST"])
def person_end(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Let a member go, after a look at what that means."""
    mine = member_or_404(request, pk, ADMINISTRATORS)
    row = _member(mine, member)
    if request.method == "POST":
        name = row.user
        done = _("%(name)s has no access to the organisation any more.") % {"name": name}
        answer = _do(request, mine, lambda: services.end_membership(member=row, by=request.user), done)
        gone = not Member.objects.filter(pk=mine.pk).exists()
        return _logged_out(request) if gone else answer
    return page(request, mine, "person_end", {"member": row, "own": row.pk == mine.pk}, "person-list")


def _logged_out(request: HttpRequest) -> HttpResponse:
    """For who has ended the own access: the session is over, and another must not be begun with what it held."""
    logout(request)
    return redirect("account_login")


def _may_send(request: HttpRequest, form: InviteForm | None) -> bool:
    within = within_limit("invite", str(request.user.pk), most=INVITATIONS_AN_HOUR)
    if not within and form is not None:
        form.add_error(None, _("Too many invitations. Go on in an hour."))
    return within


def _do(request: HttpRequest, mine: Member, act: Callable[[], Any], done: str) -> HttpResponse:
    """Do something with the organisation's people, and say how it went on the page of all of them."""
    try:
        act()
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, done)
    return redirect("portal:person-list", pk=mine.customer_id)


def _member(mine: Member, pk: int) -> Member:
    return get_object_or_404(Member.objects.select_related("user", "customer"), pk=pk, customer=mine.customer)


def _invitation(mine: Member, pk: int) -> Invitation:
    waiting = Invitation.objects.waiting().select_related("customer")
    return get_object_or_404(waiting, pk=pk, customer=mine.customer)
