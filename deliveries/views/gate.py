"""What the portal's pages of deliveries share: whose a delivery is, whose files, and a refusal in words."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from deliveries import pages
from deliveries.forms import IN_STATE, State, state_of
from deliveries.models import Delivery
from lefi.errors import Refused
from subscriptions.models import Member


def visible_or_404(request: HttpRequest, pk: int) -> Delivery:
    deliveries = Delivery.objects.visible_to(request.user).select_related("stream__agreement__customer")
    return get_object_or_404(deliveries, pk=pk)


def role_at(request: HttpRequest, delivery: Delivery) -> str:
    """The reader's role at the customer whose delivery it is; "" without one."""
    members = Member.objects.filter(customer=delivery.stream.agreement.customer_id, user=request.user.pk)
    return members.values_list("role", flat=True).first() or ""


def may_take_files(request: HttpRequest, delivery: Delivery) -> bool:
    return role_at(request, delivery) == Member.Role.INTEGRATION


def refused(request: HttpRequest, delivery: Delivery, refusal: Refused) -> HttpResponse:
    """The page that says why a delivery is not handed out, and what comes first where another does."""
    sentence, advice = pages.words_of(refusal)
    first = None
    if refusal.code == "OUT_OF_SEQUENCE":
        first = delivery.stream.deliveries.filter(IN_STATE[State.NEW]).order_by("number").first()
    context = {
        "delivery": delivery,
        "state": state_of(delivery),
        "code": refusal.code,
        "sentence": sentence,
        "advice": advice,
        "first": first,
    }
    return render(request, "portal/delivery_refused.html", context, status=409)
