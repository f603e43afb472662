"""Where an invitation is accepted: by a new account, by an e-identification, or by who has an account already.

The link's token is exchanged at once for its digest in the session, so that it stands in no further address.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from lefi.accounts import identities
from lefi.accounts.entry import enter
from lefi.accounts.identities import Identity
from lefi.errors import Refused
from lefi.limits import MINUTE, address_of, within_limit
from subscriptions import people as services
from subscriptions.forms.people import NameForm, NewAccountForm
from subscriptions.models import Invitation

KEY = "invitation"  # in the session: the digest of the link that was followed
TRIES = 30  # a minute, from one address


@never_cache
@require_GET
def invitation_link(request: HttpRequest, token: str) -> HttpResponse:
    """Follow a link. Whoever only looks, such as a mail filter, uses nothing up."""
    if not within_limit("invitation", address_of(request), most=TRIES, each=MINUTE):
        return _void(request, status=429)
    digest = services.digest_of(token)
    if services.invitation_by(digest, timezone.now()) is None:
        return _void(request)
    request.session[KEY] = digest
    identities.want(request.session, reverse("invitation"))
    return redirect("invitation")


@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """Accept the invitation whose link was followed."""
    waiting = services.invitation_by(request.session.get(KEY, ""), timezone.now())
    if waiting is None:
        return _void(request)
    if request.user.is_authenticated:
        return _as_user(request, waiting)
    identity = identities.found(request.session)
    return _as_new(request, waiting, identity)


def _as_user(request: HttpRequest, waiting: Invitation) -> HttpResponse:
    """For who is logged in."""
    if request.method == "POST":
        try:
            services.accept(invitation=waiting, user=request.user, at=timezone.now())
        except Refused as refusal:
            messages.error(request, refusal.sentence)
            return redirect("invitation")
        _forget(request)
        messages.success(request, _welcome(waiting))
        return redirect("portal:start")
    return render(request, "organisation/invitation.html", {"invitation": waiting})


def _as_new(request: HttpRequest, waiting: Invitation, identity: Identity | None) -> HttpResponse:
    """For who has no account: the form, and the account that it makes."""
    form = _form(request, identity)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            member = services.accept_as_new(
                invitation=waiting,
                at=timezone.now(),
                first_name=said["first_name"],
                last_name=said["last_name"],
                username=said.get("username", ""),
                password=said.get("password1"),
                identity=identity,
            )
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            _forget(request)
            messages.success(request, _welcome(waiting))
            return enter(request, get_user_model().objects.get(pk=member.user_id), identity)
    context: dict[str, Any] = {"invitation": waiting, "form": form, "identity": identity}
    return render(request, "organisation/invitation.html", context)


def _form(request: HttpRequest, identity: Identity | None) -> NameForm:
    said = request.POST if request.method == "POST" else None
    if identity is None:
        return NewAccountForm(said)
    return NameForm(said, initial={"first_name": identity.first_name, "last_name": identity.last_name})


def _welcome(waiting: Invitation) -> str:
    return _("You now belong to %(organisation)s.") % {"organisation": waiting.customer.name}


def _forget(request: HttpRequest) -> None:
    request.session.pop(KEY, None)
    identities.forget(request.session)


def _void(request: HttpRequest, status: int = 410) -> HttpResponse:
    """The same page whatever is wrong with the link, so that no link can be probed."""
    return render(request, "organisation/invitation_void.html", {"code": "INVITATION_VOID"}, status=status)
