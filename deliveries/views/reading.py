"""The portal's pages of one delivery. Opening a delivery is to fetch it, and passes the same gate (C6)."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from deliveries import pages, reading, services
from deliveries.forms import FindInDelivery, state_of
from deliveries.models import Delivery
from deliveries.views.gate import refused, role_at, visible_or_404
from lefi.searches import SOUGHT, keep, kept
from subscriptions.models import Member, Watch
from subscriptions.models.watches import WatchQuerySet
from subscriptions.references import about

ON_PAPER = 100  # persons of a page that is made to print
APART, TOGETHER = "apart", "together"


@login_required
@require_GET
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One page of a delivery's persons, of all or of some cases. Each person shown is logged as read."""
    delivery = visible_or_404(request, pk)
    at = timezone.now()
    try:
        path = services.fetch(delivery=delivery, at=at, user=request.user, page=True)
    except services.FetchRefused as refusal:
        return refused(request, delivery, refusal)
    delivery.first_fetched_at = delivery.first_fetched_at or at
    asked = _Asked(request, delivery)
    page = pages.page_of(path, asked.page, size=asked.size, watches=asked.watches)
    persons = pages.persons_of(page, delivery=delivery, at=at)
    pages.log_read(page, delivery=delivery, user=request.user, at=at)
    role = role_at(request, delivery)
    whole = page.number == 1 and asked.watches is None
    context = {
        "delivery": delivery,
        "state": state_of(delivery),
        "head": reading.read_head(path),
        "page": page,
        "pages": asked.pages,
        "persons": persons,
        "asked": asked,
        "counts": pages.counts_of(delivery),
        "order_answers": pages.orders_of(path) if whole and not asked.paper else [],
        "previous": page.number - 1,
        "next": page.number + 1,
        "may_download": role == Member.Role.INTEGRATION,
        "may_explain": role in Member.PROVERS,
        "form": FindInDelivery(initial={"q": asked.sought}),
    }
    return render(request, "portal/delivery_print.html" if asked.paper else "portal/delivery_detail.html", context)


@login_required
@require_POST
def delivery_find(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead on to the persons of a case, by an address without its reference."""
    delivery = visible_or_404(request, pk)
    form = FindInDelivery(request.POST)
    here = reverse("portal:delivery-detail", args=[delivery.pk])
    if not form.is_valid() or not form.cleaned_data["q"]:
        return redirect(here)
    return redirect(f"{here}?sought={keep(request.session, SOUGHT, form.cleaned_data['q'])}")


class _Asked:
    """What of a delivery is asked for: which page, of which cases, and whether on paper."""

    def __init__(self, request: HttpRequest, delivery: Delivery) -> None:
        paper = request.GET.get("print", "")
        self.paper = paper if paper in (APART, TOGETHER) else ""
        self.size = ON_PAPER if self.paper else pages.PERSONS_PER_PAGE
        self.page = _number(request.GET.get("page", ""))
        self.sought = kept(request.session, SOUGHT, request.GET.get("sought", "")) or ""
        self.mine = request.GET.get("by") == "me"
        self.watches = self._watches(request.user, delivery)
        self.pages = -(-delivery.persons // self.size) if self.watches is None else 0

    def _watches(self, user: Any, delivery: Delivery) -> frozenset[int] | None:
        """The watches whose persons are shown; None for all."""
        if not self.sought and not self.mine:
            return None
        watches: WatchQuerySet = Watch.objects.filter(stream=delivery.stream_id, disclosures__delivery=delivery)
        if self.mine:
            watches = watches.ordered_by(user.pk)
        if self.sought:
            watches = about(watches, self.sought)
        return frozenset(watches.values_list("pk", flat=True))


def _number(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 10 else 1
