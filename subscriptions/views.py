"""The portal's pages about watches."""

from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import SessionBase
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from benefits.models import Person
from lefi.audit.models import Action, record
from subscriptions.forms import FindWatches, WatchFilter
from subscriptions.models import Watch
from subscriptions.models.watches import WatchQuerySet

PER_PAGE = 50
FOUND = "found_watches"  # in the session: token of a search → the watches it found
FOUND_KEPT = 20


@login_required
@require_GET
def watch_list(request: HttpRequest) -> HttpResponse:
    """The watches of the user's customers, or those that a search for a person found."""
    watches = Watch.objects.visible_to(request.user).select_related("stream__agreement__customer")
    found = _found(request.session, request.GET.get("found", ""))
    form = WatchFilter(request.GET, user=request.user)
    if form.has_error("q"):
        return redirect("portal:watch-find")
    watches = form.apply(watches) if found is None else watches.filter(pk__in=found)
    page = Paginator(watches, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/watch_list.html", {"page": page, "form": form, "found": found is not None})


@login_required
@require_http_methods(["GET", "POST"])
def watch_find(request: HttpRequest) -> HttpResponse:
    """Find the watches on a person by identity number: by POST, logged, and led on to by a random token."""
    form = FindWatches(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = _search(request, form.cleaned_data["number"], form.cleaned_data["reason"])
        if found:
            token = _keep(request.session, found)
            return redirect(f"{reverse('portal:watch-list')}?found={token}")
        return render(request, "portal/watch_find.html", {"form": form, "nothing_found": True})
    return render(request, "portal/watch_find.html", {"form": form})


@login_required
@require_POST
def watch_number(request: HttpRequest, pk: int) -> HttpResponse:
    """The identity number that a watch was ordered by. That it was read is logged."""
    watch = get_object_or_404(Watch.objects.visible_to(request.user), pk=pk)
    record(
        action=Action.READ,
        object_type=watch._meta.label_lower,
        object_id=watch.pk,
        actor=request.user,
        person_id=watch.person_id,
        reason="portal watch list",
    )
    part = request.headers.get("HX-Request") == "true"
    return render(request, "portal/number.html" if part else "portal/watch_number.html", {"watch": watch})


def _search(request: HttpRequest, number: str, reason: str) -> list[int]:
    """The ids of the user's watches on the person who holds the number, ordered by that number. Logged.

    A watch ordered by another number of the same person is not found: that the two are one is not for the
    customer to learn here.
    """
    person = Person.objects.holding(number).first()
    watches: WatchQuerySet = Watch.objects.visible_to(request.user)
    found = list(watches.filter(person=person, ordered_number=number).values_list("pk", flat=True))
    record(
        action=Action.SEARCH,
        object_type=Watch._meta.label_lower,
        actor=request.user,
        person_id=person.pk if person else None,
        reason=reason,
        found=len(found),
    )
    return found


def _keep(session: SessionBase, found: list[int]) -> str:
    token = str(uuid4())
    kept = list(session.get(FOUND, {}).items())[1 - FOUND_KEPT :]
    session[FOUND] = dict([*kept, (token, found)])
    return token


def _found(session: SessionBase, token: str) -> list[int] | None:
    """What a search found; nothing for a token that has been forgotten; None without a token."""
    if not token:
        return None
    found: list[int] = session.get(FOUND, {}).get(token, [])
    return found
