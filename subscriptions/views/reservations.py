"""The portal's page of reservations: what a customer has to acknowledge before anything is delivered."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lefi.paging import BoundedPaginator
from subscriptions.models import Customer
from subscriptions.reservations import ReservationRefused, acknowledge_reservation, administered_by, in_force

PER_PAGE = 20


@login_required
@require_GET
def reservation_list(request: HttpRequest) -> HttpResponse:
    """The reservations in force, those to be acknowledged first."""
    page = BoundedPaginator(in_force(Customer.objects.visible_to(request.user)), PER_PAGE).get_page(
        request.GET.get("page")
    )
    administered = administered_by(request.user)
    rows = [(one, one.acknowledged_at is None and one.agreement.customer_id in administered) for one in page]
    return render(request, "portal/reservation_list.html", {"page": page, "rows": rows})


@login_required
@require_POST
def reservation_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledge one, as an administrator of the customer."""
    reservation = get_object_or_404(in_force(Customer.objects.visible_to(request.user)), pk=pk)
    try:
        acknowledge_reservation(reservation=reservation, by=request.user, at=timezone.now())
    except ReservationRefused as refused:
        raise PermissionDenied from refused
    messages.success(request, _("The reservation is acknowledged. Deliveries go on with the next nightly run."))
    return redirect("portal:reservation-list")
