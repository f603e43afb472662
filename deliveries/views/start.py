"""The portal's start page: what waits for the user, what is new, and how the agreements stand."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from deliveries import plan, spontaneous, worklist
from deliveries.forms import IN_STATE, State
from deliveries.models import Delivery
from lefi.paging import CountUpTo
from lefi.service.models import ServiceNotice
from subscriptions import desks, notices, reservations
from subscriptions.models import Customer, Stream, Watch

FIRST_LOOK = timedelta(days=7)  # what is new to somebody who has never been here


@login_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """What waits for the user, and what is new since the visit before."""
    at = timezone.now()
    service_news = ServiceNotice.objects.topical(at)
    streams: list[Any] = list(_with_counts(Stream.objects.visible_to(request.user), request.user))
    if not streams and not Customer.objects.visible_to(request.user).exists():
        if Customer.objects.joined_by(request.user).exists():  # an auditor, who works with no case
            return redirect("portal:organisation")
        return render(request, "portal/start_nowhere.html", {"service_news": service_news})
    before = desks.arrive(user=request.user, at=at)
    reserved = reservations.counts_of(Customer.objects.visible_to(request.user))
    unasked = spontaneous.counts_for(request.user)
    tasks = worklist.tasks_of(
        request.user, at, reservations_waiting=reserved["waiting"], messages_unread=unasked["unread"]
    )
    context = {
        "since": before,
        "tasks": [(task, *_urgency(task, at)) for task in tasks],
        "news": worklist.news_of(request.user, before or at - FIRST_LOOK),
        "reserved": reserved,
        "unasked": unasked,
        "night": _next_night(at),
        "streams": streams,
        "service_news": service_news,
        "notices": notices.newest_for(request.user),
        "unread": notices.unread_by(request.user),
        "handles": Customer.objects.handled_by(request.user).exists(),
        "several_units": len({stream.agreement.customer_id for stream in streams}) > 1,
    }
    return render(request, "portal/start.html", context)


def _urgency(task: worklist.Task, at: datetime) -> tuple[bool, bool]:
    day = timezone.localdate(at)
    return task.is_late(day), task.is_near(day)


def _next_night(at: datetime) -> plan.Night | None:
    """The first planned nightly run that has not begun."""
    return next((one for one in plan.coming_nights(timezone.localdate(at), 2) if one.starts > at), None)


def _with_counts(streams: QuerySet[Stream], user: Any) -> QuerySet[Stream]:
    """Streams with their new deliveries and open watches, the day of the last, and whether the user opens them."""
    deliveries = Delivery.objects.standing().filter(stream=OuterRef("pk")).order_by()
    watches = Watch.objects.open().filter(stream=OuterRef("pk")).order_by()
    new = deliveries.filter(IN_STATE[State.NEW])
    return (
        streams.select_related("agreement__customer")
        .annotate(
            new=CountUpTo(new),
            open_watches=CountUpTo(watches),
            opens=Exists(Stream.objects.opened_by(user).filter(pk=OuterRef("pk"))),
            last_day=Subquery(deliveries.order_by("-number").values("day")[:1]),
        )
        .order_by("closed", "agreement", "purpose", "-channel")
    )
