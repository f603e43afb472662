"""The portal's page of one person: all that the customer has been told of the person so far."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from benefits.catalogue import catalogue
from deliveries import telling, toldof
from lefi.audit.models import Action, record
from subscriptions.models import Stream, Watch


@login_required
@require_GET
def person_told(request: HttpRequest, pk: int) -> HttpResponse:
    """What has been told of the person of a watch, by that watch and the others by the same number. Logged as read.

    By no other number: that two of them are one person's is for deliveries to tell.
    """
    watch = get_object_or_404(Watch.objects.visible_to(request.user).select_related("stream__agreement"), pk=pk)
    customer = watch.stream.agreement.customer_id
    own = Watch.objects.filter(stream__agreement__customer=customer, ordered_number=watch.ordered_number)
    watches = list(own.order_by("ended_at", "pk"))
    at = timezone.now()
    told = toldof.told_of(watches, at=at)
    names = {code: one.order_name for code, one in catalogue().benefits.items()}
    told.entry.statuses.extend(toldof.statuses(watches, told, names))
    day = told.last or timezone.localdate(at)
    (person,) = telling.persons([told.entry], {}, {one.pk: one for one in watches}, day, gaps=told.gaps)
    record(
        action=Action.READ,
        object_type=watch._meta.label_lower,
        object_id=watch.pk,
        actor=request.user,
        person_id=watch.person_id,
        customer_id=watch.stream.agreement.customer_id,
        reason="portal person",
    )
    context = {
        "watch": watch,
        "person": person,
        "told": told,
        "opened": set(Stream.objects.opened_by(request.user).values_list("pk", flat=True)),
        "history": toldof.history(told),
    }
    return render(request, "portal/person_told.html", context)
