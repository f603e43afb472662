"""The portal's pages about orders: all of them, and each with its progress, its answers and what is done with it."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from benefits.models import Person
from lefi.audit.models import Action, record
from lefi.paging import BoundedPaginator, KeyedPage, beyond, grouped, keyed_page, keys_asked
from subscriptions.answers import Answer
from subscriptions.forms.orders import ConfirmEnd, OrderFilter
from subscriptions.models import Member, Order, OrderLine, Watch
from subscriptions.orders import mending, placing, results
from subscriptions.orders.results import WITHOUT_EFFECT
from subscriptions.references import reference_of
from subscriptions.tasks import hand_over
from subscriptions.views.orderwords import Said, lasting, next_night, refused_words, said_of, with_effect, words_of

PER_PAGE = 50
CONTEXT = 5  # lines that are shown before the one that is asked for
MANY = 100  # watches that nobody ends without writing the unit's name
ALL = "all"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "xml": "application/xml", "json": "application/json"}


@login_required
@require_GET
def order_list(request: HttpRequest) -> HttpResponse:
    """All orders of the user's customers, however they came, the newest first."""
    form = OrderFilter(request.GET, user=request.user)
    orders = form.apply(Order.objects.visible_to(request.user)).order_by("-pk")
    orders = orders.select_related("stream__agreement__customer", "ordered_by")
    page = BoundedPaginator(orders, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(order, sum(one.count for one in said_of(order) if not one.effect)) for order in page]
    handles = _memberships(request.user).exists()
    return render(request, "portal/order_list.html", {"page": page, "rows": rows, "form": form, "handles": handles})


@login_required
@require_GET
def order_detail(request: HttpRequest, pk: int) -> HttpResponse:
    order = visible_or_404(request, pk)
    return _page(request, order, _confirmation(order))


@login_required
@require_GET
def order_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that shows how far the order has come; the whole page anew when it has come to an end."""
    order = visible_or_404(request, pk)
    if order.status not in Order.IN_HAND:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "portal/order_progress.html", {"order": order} | _progress(order))


@login_required
@require_POST
def order_step(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm, throw away, stop, go on with or end an order. One that has moved on meanwhile is shown as it is."""
    order = visible_or_404(request, pk)
    if not handled_by(order, request.user):
        raise PermissionDenied
    step = request.POST.get("step", "")
    if step not in STEPS:
        raise Http404
    form = _confirmation(order, request.POST) if step == "confirm" else None
    if form is not None and not form.is_valid():
        return _page(request, order, form)
    try:
        STEPS[step](order, request.user)
    except placing.OrderStateRefused:
        messages.info(request, _("The order has moved on meanwhile. This is how it stands."))
    return redirect("portal:order-detail", pk=order.pk)


@login_required
@require_POST
def order_number(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """The identity number on one line of an order. That it was read is logged."""
    order = visible_or_404(request, pk)
    found = get_object_or_404(OrderLine.objects.select_related("watch"), order=order, line=line)
    log_number_read(request, order, found)
    part = request.headers.get("HX-Request") == "true"
    context = {"order": order, "line": found}
    return render(request, "portal/order_line_number.html" if part else "portal/order_number.html", context)


@login_required
@require_POST
def order_result(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The answers to all lines as a file, or to those without effect as a table. That it was taken is logged."""
    order = visible_or_404(request, pk)
    if not handled_by(order, request.user):
        raise PermissionDenied
    form = request.POST.get("form", "")
    suffix, name = ("csv", f"utan-verkan-{pk}") if form == WITHOUT_EFFECT else (form, f"bestallningssvar-{pk}")
    if suffix not in MEDIA_TYPES:
        raise Http404
    try:
        texts = results.fetch(order, form, by=request.user)
    except placing.OrderStateRefused as refused:
        raise Http404 from refused
    headers = {"Content-Disposition": f'attachment; filename="{name}.{suffix}"'}
    return StreamingHttpResponse(texts, content_type=MEDIA_TYPES[suffix], headers=headers)


def visible_or_404(request: HttpRequest, pk: int) -> Order:
    orders = Order.objects.visible_to(request.user).select_related("stream__agreement__customer", "ordered_by")
    return get_object_or_404(orders, pk=pk)


def handled_by(order: Order, user: Any) -> bool:
    """Whether a member may decide on an order and take its result: who ordered it, and who handles the unit's files."""
    customer = order.stream.agreement.customer
    return order.ordered_by_id == user.pk or _memberships(user).filter(customer=customer).exists()


def log_number_read(request: HttpRequest, order: Any, line: Any, reason: str = "portal order") -> None:
    """Log that the identity number on a line of an order, or of what else is of a stream, was shown to who asks."""
    record(
        action=Action.READ,
        object_type=line._meta.label_lower,
        object_id=line.pk,
        actor=request.user,
        person_id=_holder_of(line),
        customer_id=order.stream.agreement.customer_id,
        reason=reason,
    )


def _holder_of(line: Any) -> int | None:
    """Whose number stands on a line: the person of its watch, or whoever holds it now."""
    if line.watch is not None:
        return line.watch.person_id
    holder = Person.objects.holding(line.number).first()
    return holder.pk if holder else None


def send_on(order: Order) -> None:
    """Have a few lines answered now, and more of them by a worker."""
    if order.line_count is not None and order.line_count <= settings.ORDER_AT_ONCE_LINES:
        placing.work_on(order.pk)
    else:
        hand_over(order)


def _memberships(user: Any) -> QuerySet[Member]:
    return Member.objects.filter(user=user, role__in=Member.HANDLERS)


def _page(request: HttpRequest, order: Order, form: ConfirmEnd | None) -> HttpResponse:
    return render(request, "portal/order_detail.html", page_of(request, order, form))


def page_of(
    request: HttpRequest, order: Order, form: ConfirmEnd | None = None, *, around: OrderLine | None = None
) -> dict[str, Any]:
    """What an order's page shows; `around` a line, or the lines that the address asks for."""
    said = said_of(order)
    shown, count, page = _lines(request, order, said, around)
    handles = handled_by(order, request.user)
    faults = handles and order.status == Order.Status.DONE and mending.faults_in(order.counts)
    mended = mending.mended(order, (line.line for line in page)) if faults else {}
    context = {
        "order": order,
        "said": said,
        "effect": with_effect(said),
        "without_effect": sum(one.count for one in said if not one.effect),
        "shown": shown,
        "count_words": grouped(count),
        "page": page,
        "rows": [
            (
                line,
                line.case_reference or line.need_reference or (line.watch and reference_of(line.watch)),
                words_of(order, line.answer),
                mended.get(line.line),
                bool(faults) and mending.is_faulty(line),
            )
            for line in page
        ],
        "handles": handles,
        "faults": faults,
        "files": _memberships(request.user).filter(customer=order.stream.agreement.customer_id).exists(),
        "mends": order.mends,
        "result": order.status in results.READY,
        "from_a_file": bool(order.form) and order.channel != Order.Channel.PORTAL,
        "confirmation": form,
        "refused": refused_words(order.refusal, order.refused_at_row or 0) if order.refusal else "",
        "night": next_night(timezone.now()),
    }
    return context | _progress(order)


def _progress(order: Order) -> dict[str, Any]:
    at = timezone.now()
    return {"rate": round(order.rate(at)), "time_left": lasting(order.time_left(at))}


def _lines(
    request: HttpRequest, order: Order, said: list[Said], around: OrderLine | None
) -> tuple[str, int, KeyedPage]:
    """What is shown of the order's lines, how many those are, and a page of them. They are counted already.

    Of a file with both, only the lines that had no effect, unless all or those of one answer are asked for.
    """
    counts = {one.code: one.count for one in said}
    without = sum(one.count for one in said if not one.effect)
    counts |= {ALL: sum(order.counts.values()), WITHOUT_EFFECT: without}
    asked = request.GET.get("answer", "")
    shown = asked if asked in counts else WITHOUT_EFFECT if order.form and without else ALL
    lines: QuerySet[OrderLine] = OrderLine.objects.filter(order=order).select_related("watch")
    if shown == WITHOUT_EFFECT:
        lines = results.without_effect(lines)
    elif shown != ALL:
        lines = lines.filter(answer=shown)
    begins = {"after": _before(lines, around)} if around else keys_asked(request.GET)
    page = keyed_page(beyond(lines, "line", PER_PAGE), attrgetter("line"), PER_PAGE, **begins)
    return shown, counts[shown], page


def _before(lines: QuerySet[OrderLine], around: OrderLine) -> int | None:
    """The line after which a page begins that has one on it: the first page, or one a little before the line."""
    earlier = lines.filter(line__lt=around.line).order_by("-line").values_list("line", flat=True)[:PER_PAGE]
    return earlier[CONTEXT] if len(earlier) == PER_PAGE else None


def _confirmation(order: Order, written: Any = None) -> ConfirmEnd | None:
    """The form that asks for the unit's name, before an order that ends many watches, or all, is carried out."""
    ended: int = order.counts.get(Answer.CANCELLED, 0)
    if order.status != Order.Status.PREVIEWED or ended <= 1:
        return None
    if ended < MANY and ended < Watch.objects.open().filter(stream=order.stream).count():
        return None
    return ConfirmEnd(written, customer=order.stream.agreement.customer)


def _confirm(order: Order, user: Any) -> None:
    send_on(placing.confirm(order, at=timezone.now(), by=user))


def _throw_away(order: Order, user: Any) -> None:
    placing.throw_away(order, at=timezone.now(), by=user)


def _stop(order: Order, user: Any) -> None:
    placing.stop(order, by=user)


def _resume(order: Order, user: Any) -> None:
    send_on(placing.resume(order, by=user))


def _give_up(order: Order, user: Any) -> None:
    send_on(placing.give_up(order, by=user))


STEPS: dict[str, Callable[[Order, Any], None]] = {
    "confirm": _confirm,
    "throw-away": _throw_away,
    "stop": _stop,
    "resume": _resume,
    "give-up": _give_up,
}
