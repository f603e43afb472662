"""The portal's pages about deliveries. Opening a delivery is to fetch it, and passes the same gate (C6)."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, IntegerField, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from deliveries import pages, reading, services, spontaneous
from deliveries.forms import IN_STATE, DeliveryFilter, State, state_of
from deliveries.models import Delivery
from lefi.audit.models import Action, record
from lefi.errors import Refused
from subscriptions import notices, reservations
from subscriptions.models import Customer, Member, Stream, Watch

PER_PAGE = 50
NEWEST = 10


@login_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """What is new: the deliveries that nobody has fetched, and how each stream stands."""
    streams: list[Any] = list(_with_counts(Stream.objects.visible_to(request.user)))
    new = Delivery.objects.visible_to(request.user).filter(IN_STATE[State.NEW])
    context = {
        "streams": streams,
        "new_count": sum(stream.new for stream in streams),
        "watch_count": sum(stream.open_watches for stream in streams),
        "new": new.select_related("stream__agreement__customer").order_by("stream", "number")[:NEWEST],
        "notices": notices.newest_for(request.user),
        "reserved": reservations.counts_of(Customer.objects.visible_to(request.user)),
        "unasked": spontaneous.counts_for(request.user),
    }
    return render(request, "portal/start.html", context)


@login_required
@require_GET
def delivery_list(request: HttpRequest) -> HttpResponse:
    form = DeliveryFilter(request.GET, user=request.user)
    deliveries = form.apply(Delivery.objects.visible_to(request.user))
    deliveries = deliveries.select_related("stream__agreement__customer")
    page = Paginator(deliveries, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(delivery, state_of(delivery)) for delivery in page]
    return render(request, "portal/delivery_list.html", {"page": page, "rows": rows, "form": form})


@login_required
@require_GET
def delivery_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One page of a delivery's persons. Each person shown is logged as read."""
    delivery = _visible_or_404(request, pk)
    try:
        path = services.fetch(delivery=delivery, at=timezone.now(), user=request.user)
    except services.FetchRefused as refusal:
        return _refused(request, delivery, refusal)
    page = pages.page_of(path, _page_number(request))
    pages.log_read(page, delivery=delivery, user=request.user, at=timezone.now())
    context = {
        "delivery": delivery,
        "state": state_of(delivery),
        "head": reading.read_head(path),
        "page": page,
        "previous": page.number - 1,
        "next": page.number + 1,
        "may_download": _may_take_files(request, delivery),
    }
    return render(request, "portal/delivery_detail.html", context)


@login_required
@require_POST
def delivery_file(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """The document itself, for members with the role integration."""
    delivery = _visible_or_404(request, pk)
    if not _may_take_files(request, delivery):
        raise PermissionDenied
    try:
        path: Path = services.fetch(delivery=delivery, at=timezone.now(), user=request.user)
    except services.FetchRefused as refusal:
        return _refused(request, delivery, refusal)
    record(
        action=Action.FETCH,
        object_type=delivery._meta.label_lower,
        object_id=delivery.pk,
        actor=request.user,
        reason="portal file",
    )
    name = f"lefi-{slugify(str(delivery.stream))}-{delivery.number:05}.xml"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/xml")


@login_required
@require_POST
def delivery_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = _visible_or_404(request, pk)
    try:
        services.acknowledge(delivery=delivery, sha256=delivery.sha256, at=timezone.now())
    except services.AcknowledgeRefused as refusal:
        return _refused(request, delivery, refusal)
    record(
        action=Action.CHANGE,
        object_type=delivery._meta.label_lower,
        object_id=delivery.pk,
        actor=request.user,
        fields=["acknowledged_at"],
    )
    messages.success(request, _("Delivery %(number)s is acknowledged.") % {"number": delivery.number})
    return redirect("portal:delivery-detail", pk=delivery.pk)


@login_required
@require_GET
def spontaneous_list(request: HttpRequest) -> HttpResponse:
    """What Försäkringskassan has told of its own accord."""
    page = Paginator(spontaneous.visible_to(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/spontaneous_list.html", {"page": page})


@login_required
@require_GET
def spontaneous_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One message. To open it is to fetch it, and is logged as reading about its person."""
    disclosure = get_object_or_404(spontaneous.visible_to(request.user), pk=pk)
    try:
        path = spontaneous.open_spontaneous(disclosure=disclosure, by=request.user, at=timezone.now())
    except spontaneous.SpontaneousRefused as refusal:
        sentence, advice = pages.words_of(refusal)
        context = {"disclosure": disclosure, "code": refusal.code, "sentence": sentence, "advice": advice}
        return render(request, "portal/spontaneous_detail.html", context, status=409)
    context = {"disclosure": disclosure, "head": reading.read_head(path), "page": pages.page_of(path, 1)}
    return render(request, "portal/spontaneous_detail.html", context)


def _visible_or_404(request: HttpRequest, pk: int) -> Delivery:
    deliveries = Delivery.objects.visible_to(request.user).select_related("stream__agreement__customer")
    return get_object_or_404(deliveries, pk=pk)


def _refused(request: HttpRequest, delivery: Delivery, refusal: Refused) -> HttpResponse:
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


def _may_take_files(request: HttpRequest, delivery: Delivery) -> bool:
    customer = delivery.stream.agreement.customer
    return customer.members.filter(user_id=request.user.pk, role=Member.Role.INTEGRATION).exists()  # type: ignore[misc]


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(int(text), 1) if text.isdecimal() else 1


def _with_counts(streams: QuerySet[Stream]) -> QuerySet[Stream]:
    """Streams with their numbers of new deliveries and open watches, and the day of the last delivery."""
    deliveries = Delivery.objects.standing().filter(stream=OuterRef("pk")).order_by()
    watches = Watch.objects.open().filter(stream=OuterRef("pk")).order_by()
    new = deliveries.filter(IN_STATE[State.NEW])
    return streams.select_related("agreement__customer").annotate(
        new=_count(new),
        open_watches=_count(watches),
        last_day=Subquery(deliveries.values("stream").annotate(last=Max("day")).values("last")),
    )


def _count(rows: QuerySet) -> Coalesce:
    counted = rows.values("stream").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
