"""The portal's list of deliveries, and acknowledging them: one, or several in order."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from deliveries import pages, services, spontaneous
from deliveries.forms import DeliveryFilter, State, state_of
from deliveries.models import Delivery
from deliveries.views.gate import refused, visible_or_404
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.paging import BoundedPaginator

PER_PAGE = 20
LONGEST = 18  # digits of a row's id, which the database is sure to hold


@login_required
@require_GET
def delivery_list(request: HttpRequest) -> HttpResponse:
    """What has come, the newest first: new, fetched, acknowledged and recalled."""
    form = DeliveryFilter(request.GET, user=request.user)
    deliveries = form.apply(Delivery.objects.visible_to(request.user))
    deliveries = deliveries.select_related("stream__agreement__customer")
    page = BoundedPaginator(deliveries, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(delivery, state_of(delivery)) for delivery in page]
    context = {
        "page": page,
        "rows": rows,
        "form": form,
        "any_fetched": any(state == State.FETCHED for _delivery, state in rows),
        "unasked": spontaneous.counts_for(request.user),
    }
    return render(request, "portal/delivery_list.html", context)


@login_required
@require_POST
def delivery_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = visible_or_404(request, pk)
    try:
        _acknowledge(request, delivery)
    except Refused as refusal:
        return refused(request, delivery, refusal)
    messages.success(request, _("Delivery %(number)s is acknowledged.") % {"number": delivery.number})
    return redirect("portal:delivery-detail", pk=delivery.pk)


@login_required
@require_POST
def deliveries_acknowledge(request: HttpRequest) -> HttpResponse:
    """Acknowledge those that are ticked, each stream's in order; stop at the first that cannot be."""
    said = request.POST.getlist("delivery")[:PER_PAGE]
    ticked = [int(pk) for pk in said if pk.isascii() and pk.isdecimal() and len(pk) <= LONGEST]
    chosen = Delivery.objects.visible_to(request.user).filter(pk__in=ticked, acknowledged_at=None)
    done = 0
    for delivery in chosen.order_by("stream", "number"):
        try:
            _acknowledge(request, delivery)
        except Refused as refusal:
            sentence, _advice = pages.words_of(refusal)
            text = _("Delivery %(number)s was not acknowledged. %(why)s")
            messages.error(request, text % {"number": delivery.number, "why": sentence})
            break
        done += 1
    if done:
        text = ngettext("%(count)d delivery is acknowledged.", "%(count)d deliveries are acknowledged.", done)
        messages.success(request, text % {"count": done})
    elif not chosen:
        messages.info(request, _("Tick at least one delivery that you have fetched."))
    return redirect("portal:delivery-list")


def _acknowledge(request: HttpRequest, delivery: Delivery) -> None:
    who = request.user.get_username()
    services.acknowledge(delivery=delivery, sha256=delivery.sha256, at=timezone.now(), user=who)
    record(
        action=Action.CHANGE,
        object_type=delivery._meta.label_lower,
        object_id=delivery.pk,
        actor=request.user,
        customer_id=delivery.stream.agreement.customer_id,
        fields=["acknowledged_at"],
    )
