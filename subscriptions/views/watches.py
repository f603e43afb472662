"""The portal's pages about watches."""

from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import SessionBase
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from benefits.models import Person
from lefi.audit.models import Action, record
from subscriptions.forms.watches import FindWatches, WatchFilter
from subscriptions.models import Watch
from subscriptions.models.watches import WatchQuerySet

PER_PAGE = 50
# In the session: token of a search → the watches it found, or the reference it sought. Addresses hold the tokens alone.
FOUND = "found_watches"
SOUGHT = "sought_references"
KEPT = 20


@login_required
@require_http_methods(["GET", "POST"])
def watch_list(request: HttpRequest) -> HttpResponse:
    """The watches of the user's customers, or those that a search for a person found.

    What they are narrowed by is posted, and led on to by an address without the reference.
    """
    if request.method == "POST":
        return redirect(_narrowed(request))
    watches = Watch.objects.visible_to(request.user).select_related("stream__agreement__customer")
    found = _found(request.session, request.GET.get("found", ""))
    said = request.GET.copy()
    said["q"] = request.session.get(SOUGHT, {}).get(request.GET.get("sought", ""), "")
    form = WatchFilter(said, user=request.user)
    watches = form.apply(watches) if found is None else watches.filter(pk__in=found)
    page = Paginator(watches, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/watch_list.html", {"page": page, "form": form, "found": found is not None})


def _narrowed(request: HttpRequest) -> str:
    """The address of the list as it was asked for; that of the search by number for who wrote a number."""
    form = WatchFilter(request.POST, user=request.user)
    if form.has_error("q"):
        return reverse("portal:watch-find")
    said = form.cleaned_data
    asked = {name: said[name] for name in ("benefit", "state") if said.get(name)}
    if said["q"]:
        asked["sought"] = _keep(request.session, SOUGHT, said["q"])
    return f"{reverse('portal:watch-list')}?{urlencode(asked)}"


@login_required
@require_http_methods(["GET", "POST"])
def watch_find(request: HttpRequest) -> HttpResponse:
    """Find the watches on a person by identity number: by POST, logged, and led on to by a random token."""
    form = FindWatches(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = _search(request, form.cleaned_data["number"], form.cleaned_data["reason"])
        if found:
            token = _keep(request.session, FOUND, found)
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


def _keep(session: SessionBase, name: str, value: list[int] | str) -> str:
    """Keep a value in the session, among the latest of its name; return its token."""
    token = str(uuid4())
    kept = list(session.get(name, {}).items())[1 - KEPT :]
    session[name] = dict([*kept, (token, value)])
    return token


def _found(session: SessionBase, token: str) -> list[int] | None:
    """What a search found; nothing for a token that has been forgotten; None without a token."""
    if not token:
        return None
    found: list[int] = session.get(FOUND, {}).get(token, [])
    return found
