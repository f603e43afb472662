"""The portal's pages about one's own organisation: what they have in common, and the page that leads to them."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from subscriptions.models import Member

ADMINISTRATORS = (Member.Role.ADMINISTRATOR,)
# The parts of an organisation's pages: the roles that each is for, the name of its address, and what it is called.
PARTS: tuple[tuple[tuple[str, ...], str, Promise], ...] = (
    (ADMINISTRATORS, "person-list", _("Colleagues")),
    (Member.HANDLERS, "client-list", _("Systems")),
    (Member.LOG_READERS, "own-log", _("Who did what")),
    (Member.PROVERS, "proof-list", _("Deliveries explained")),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that a member may open."""

    url: str
    title: Promise
    here: bool


@login_required
@require_GET
def organisation_index(request: HttpRequest) -> HttpResponse:
    """The organisations that the user belongs to, who administers them, and what the user may do there."""
    mine = Member.objects.filter(user=request.user.pk).select_related("customer").order_by("customer__name")
    administrators: dict[int, list[Member]] = {one.customer_id: [] for one in mine}
    rows = Member.objects.filter(customer__in=administrators, role=Member.Role.ADMINISTRATOR, user__is_active=True)
    for one in rows.select_related("user").order_by("pk"):
        administrators[one.customer_id].append(one)
    shown = [(one, administrators[one.customer_id], parts_of(one)) for one in mine]
    return render(request, "organisation/index.html", {"memberships": shown})


def member_or_404(request: HttpRequest, pk: int, roles: tuple[str, ...]) -> Member:
    """The user's own membership of a customer, if it is in one of the roles."""
    mine = Member.objects.select_related("customer")
    return get_object_or_404(
        mine, customer=pk, user=request.user, user__is_active=True, user__is_staff=False, role__in=roles
    )


def page(request: HttpRequest, mine: Member, template: str, context: dict[str, Any], part: str = "") -> HttpResponse:
    """A page of an organisation's, with the way to the others."""
    return render(
        request, f"organisation/{template}.html", {"customer": mine.customer, "parts": parts_of(mine, part), **context}
    )


def parts_of(mine: Member, here: str = "") -> list[Part]:
    return [
        Part(reverse(f"portal:{name}", args=[mine.customer_id]), title, name == here)
        for roles, name, title in PARTS
        if mine.role in roles
    ]
