"""The portal's pages about watches."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import SessionBase
from django.core.paginator import Page
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from benefits.models import Person
from lefi.audit.models import Action, record
from lefi.paging import BoundedPaginator
from lefi.searches import FOUND, SOUGHT, keep, kept
from subscriptions import desks
from subscriptions.answers import CARRIED_OUT, Answer, sentence
from subscriptions.forms.orders import key_of
from subscriptions.forms.watches import FindWatches, WatchFilter
from subscriptions.models import Customer, Order, OrderLine, Stream, Watch
from subscriptions.models.orders import with_opener
from subscriptions.models.watches import WatchQuerySet
from subscriptions.orders.lines import CANCEL, REFRESH, Line
from subscriptions.orders.placing import place_order
from subscriptions.references import WARNED_AHEAD
from subscriptions.views.orderwords import next_night, still_to_come

PER_PAGE = 20
LONGEST = 18  # digits of a watch's id, which the database is sure to hold
KINDS = {"cancel": CANCEL, "refresh": REFRESH}
# What promises complete information with the next delivery.
COMPLETE = frozenset({Answer.ACCEPTED, Answer.NUMBER_REPLACED, Answer.REFRESH_ORDERED})


@login_required
@require_http_methods(["GET", "POST"])
def watch_list(request: HttpRequest) -> HttpResponse:
    """The watches of the user's customers, or those that a search for a person found.

    What they are narrowed by is posted, and led on to by an address without the reference. An address that asks for
    nothing shows what the user has kept as usual, or else, to a case worker, the own cases. More watches than the list
    leads to come by age: no column sorts them.
    """
    if request.method == "POST":
        return redirect(_narrowed(request))
    watches = Watch.objects.visible_to(request.user).select_related("stream__agreement__customer")
    found = _found(request.session, request.GET.get("found", ""))
    form, usual = _filter(request)
    watches = form.apply(watches, timezone.localdate()) if found is None else watches.filter(pk__in=found)
    pages = BoundedPaginator(watches, PER_PAGE)
    if pages.more:
        pages.object_list = form.by_age(watches)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": _with_orders(page),
        "form": form,
        "found": found is not None,
        "usual": usual,
        "own": form.asked().get("by") == WatchFilter.ME,
        "warned": timezone.localdate() + WARNED_AHEAD,
        "all_ticked": "all" in request.GET,
        "sorts": {} if pages.more else _sorts(request, form),
        "handles": Customer.objects.handled_by(request.user).exists(),
    }
    return render(request, "portal/watch_list.html", context)


def _filter(request: HttpRequest) -> tuple[WatchFilter, bool]:
    """The form with what is asked for, and whether that is the user's usual selection."""
    said = request.GET.copy()
    asked = {*WatchFilter.ADDRESSED, "sought"}.intersection(said)
    if not asked:
        said.update(QueryDict(_usual(request.user)).dict())  # type: ignore[arg-type]
    said["q"] = kept(request.session, SOUGHT, request.GET.get("sought", "")) or ""
    return WatchFilter(said, user=request.user), not asked


def _usual(user: Any) -> str:
    """The selection that the user has kept; else the own cases of a case worker who has ordered any."""
    kept = desks.usual_watches(user)
    if kept is not None:
        return kept
    return urlencode({"by": WatchFilter.ME}) if desks.works_on_own_cases(user) else ""


def _with_orders(page: Page) -> list[tuple[Watch, Order | None]]:
    """The watches of a page, each with the order that opened it."""
    shown = list(page)
    opened_in = dict(with_opener(Watch.objects.filter(pk__in=[one.pk for one in shown])).values_list("pk", "opened_in"))
    orders = Order.objects.select_related("ordered_by").in_bulk(set(opened_in.values()) - {None})
    return [(watch, orders.get(opened_in[watch.pk])) for watch in shown]


def _sorts(request: HttpRequest, form: WatchFilter) -> dict[str, tuple[str, str]]:
    """For each column that can be sorted by, where its heading leads to, and how it is sorted now."""
    asked = {"by": "", **form.asked()}
    if "sought" in request.GET:
        asked["sought"] = request.GET["sought"]
    said = {}
    for column in ("number", "benefit", "from", "reference"):
        now = {column: "ascending", f"-{column}": "descending"}.get(asked.get("order", ""), "")
        next_order = f"-{column}" if now == "ascending" else column
        said[column] = (f"?{urlencode({**asked, 'order': next_order})}", now)
    return said


@login_required
@require_POST
def watch_usual(request: HttpRequest) -> HttpResponse:
    """Keep what is shown as the user's usual selection of watches."""
    form = WatchFilter(request.POST, user=request.user)
    desks.keep_usual_watches(user=request.user, selection=urlencode(form.asked()))
    messages.success(request, _("This selection is shown from now on when you open the watches."))
    return redirect("portal:watch-list")


def _narrowed(request: HttpRequest) -> str:
    """The address of the list as it was asked for; that of the search by number for who wrote a number."""
    form = WatchFilter(request.POST, user=request.user)
    asked = {"by": "", **form.asked()}
    if form.has_error("q"):
        return reverse("portal:watch-find")
    if sought := form.cleaned_data["q"]:
        asked["sought"] = keep(request.session, SOUGHT, sought)
    return f"{reverse('portal:watch-list')}?{urlencode(asked)}"


@login_required
@require_http_methods(["GET", "POST"])
def watch_find(request: HttpRequest) -> HttpResponse:
    """Find the watches on a person by identity number: by POST, logged, and led on to by a random token."""
    form = FindWatches(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found = _search(request, form.cleaned_data["number"], form.cleaned_data["reason"])
        if found:
            token = keep(request.session, FOUND, found)
            return redirect(f"{reverse('portal:watch-list')}?found={token}")
        return render(request, "portal/watch_find.html", {"form": form, "nothing_found": True})
    return render(request, "portal/watch_find.html", {"form": form})


@login_required
@require_POST
def watch_number(request: HttpRequest, pk: int) -> HttpResponse:
    """The identity number that a watch was ordered by. That it was read is logged."""
    watches = Watch.objects.visible_to(request.user).select_related("stream__agreement")
    watch = get_object_or_404(watches, pk=pk)
    record(
        action=Action.READ,
        object_type=watch._meta.label_lower,
        object_id=watch.pk,
        actor=request.user,
        person_id=watch.person_id,
        customer_id=watch.stream.agreement.customer_id,
        reason="portal watch list",
    )
    part = request.headers.get("HX-Request") == "true"
    return render(request, "portal/number.html" if part else "portal/watch_number.html", {"watch": watch})


@login_required
@require_GET
def watch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A watch and its story: the orders about it, what stands on it, and why it ended."""
    watches = Watch.objects.visible_to(request.user).select_related("stream__agreement__customer")
    watch = get_object_or_404(watches, pk=pk)
    lines = OrderLine.objects.filter(watch=watch).exclude(order__aim=Order.Aim.PREVIEW)
    story = list(lines.select_related("order__ordered_by").order_by("pk"))
    owed = [line.order.received_at for line in story if line.answer in COMPLETE]
    examined = watch.stream.examined_day
    context = {
        "watch": watch,
        "story": [(line, sentence(line.answer)) for line in story],
        "complete_to_come": watch.ended_at is None and bool(owed) and still_to_come(owed[-1], examined),
        "end_to_come": watch.ended_at is not None and still_to_come(watch.ended_at, examined),
        "night": next_night(timezone.now()),
    }
    return render(request, "portal/watch_detail.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def watch_order(request: HttpRequest) -> HttpResponse:
    """Show the watches that are to be ended, or whose information is to come again, and order it."""
    asked = request.POST if request.method == "POST" else request.GET
    kind = KINDS.get(asked.get("kind", ""))
    if kind is None:
        raise Http404
    ticked = [int(pk) for pk in asked.getlist("watch")[:PER_PAGE] if pk.isdecimal() and len(pk) <= LONGEST]
    chosen = Watch.objects.visible_to(request.user).open().filter(pk__in=ticked)
    watches = list(chosen.select_related("stream__agreement__customer").order_by("stream", "pk"))
    if not watches:
        messages.info(request, _("Tick at least one open watch."))
        return redirect("portal:watch-list")
    if request.method == "POST":
        return _order(request, kind, watches)
    context = {"chosen": watches, "kind": asked["kind"], "key": uuid4()}
    return render(request, "portal/watch_order.html", context)


def _order(request: HttpRequest, kind: str, watches: list[Watch]) -> HttpResponse:
    """Order the same for watches: one order in each of their streams."""
    token = request.POST.get("key", "")
    orders = [
        place_order(
            stream=stream,
            channel=Order.Channel.PORTAL,
            lines=[Line(kind, watch.ordered_number, watch.benefit, None) for watch in theirs],
            at=timezone.now(),
            ordered_by=request.user,
            idempotency_key=key_of(token, kind, [watch.pk for watch in theirs]) if token else "",
        )
        for stream, theirs in _by_stream(watches)
    ]
    done = sum(order.counts.get(answer, 0) for order in orders for answer in CARRIED_OUT)
    words = {
        CANCEL: ngettext("%d watch has ended.", "%d watches have ended.", done),
        REFRESH: ngettext(
            "Complete information comes again for %d watch.", "Complete information comes again for %d watches.", done
        ),
    }
    messages.success(request, words[kind] % done)
    if len(orders) == 1:
        return redirect("portal:order-detail", pk=orders[0].pk)
    return redirect("portal:order-list")


def _by_stream(watches: list[Watch]) -> Iterator[tuple[Stream, list[Watch]]]:
    for _key, theirs in groupby(watches, key=lambda watch: watch.stream_id):
        found = list(theirs)
        yield found[0].stream, found


def _search(request: HttpRequest, number: str, reason: str) -> list[int]:
    """The ids of the user's watches that were ordered by the number. Logged, as about whoever holds it now.

    A watch ordered by another number of the same person is not found: that the two are one is not for the
    customer to learn here.
    """
    person = Person.objects.holding(number).first()
    watches: WatchQuerySet = Watch.objects.visible_to(request.user)
    found = list(watches.filter(ordered_number=number).values_list("pk", flat=True))
    for customer in Customer.objects.visible_to(request.user):
        record(
            action=Action.SEARCH,
            object_type=Watch._meta.label_lower,
            actor=request.user,
            person_id=person.pk if person else None,
            customer_id=customer.pk,
            reason=reason,
            found=len(found),
        )
    return found


def _found(session: SessionBase, token: str) -> list[int] | None:
    """What a search found; nothing for a token that has been forgotten; None without a token."""
    if not token:
        return None
    return kept(session, FOUND, token) or []
