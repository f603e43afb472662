"""The portal's pages to order by: about one person, by a file, and about everybody who is watched.

Each gives a preview, which has no effect until it is confirmed on the order's own page.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lefi import sheets
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from subscriptions.forms.orders import FileOrder, SingleOrder, StockOrder, key_of
from subscriptions.models import Customer, Order, Stream
from subscriptions.orders import files, placing
from subscriptions.orders.files import Received
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, OrderRefused
from subscriptions.orders.rows import Row, read_rows
from subscriptions.profiles import law_of
from subscriptions.views.choosing import LONGEST, choose, chosen, handled_streams, open_streams, page
from subscriptions.views.orders import handled_by, log_number_read, send_on
from subscriptions.views.orderwords import refused_words

# What the example file holds: made-up numbers, which Skatteverket gives to nobody.
EXAMPLE = (
    ("typ", "personnummer", "formaner", "from", "arendereferens", "behovsreferens", "referens"),
    (NEW, "199001012385", "sjukpenning bostadsbidrag", "2026-11-01", "2026-0123", "", "rad 1"),
    (CANCEL, "199001022384", "sjukpenning", "", "", "", "rad 2"),
    (REFRESH, "199001032383", "bostadsbidrag", "", "", "", "rad 3"),
)


@login_required
@require_http_methods(["GET", "POST"])
def order_new(request: HttpRequest) -> HttpResponse:
    """Order about one person."""
    streams = open_streams(Customer.objects.visible_to(request.user))
    stream = chosen(request, streams)
    if stream is None:
        return choose(request, streams, _("Order about one person"))
    form = SingleOrder(request.POST or None, law=law_of(stream, timezone.localdate()))
    if request.method == "POST" and form.is_valid():
        lines = form.lines()
        order = placing.place_order(
            stream=stream,
            channel=Order.Channel.PORTAL,
            lines=lines,
            at=timezone.now(),
            aim=Order.Aim.PREVIEW,
            ordered_by=request.user,
            idempotency_key=_unused(stream, key_of(form.cleaned_data["key"], lines)),
        )
        return redirect("portal:order-detail", pk=order.pk)
    return page(request, "portal/order_new.html", form, stream, streams)


@login_required
@require_POST
def order_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw away a preview about one person, and show what was written, to be changed. That it was read is logged."""
    own = Order.objects.visible_to(request.user).filter(channel=Order.Channel.PORTAL, form="")
    order = get_object_or_404(own.select_related("stream__agreement__customer"), pk=pk)
    if not handled_by(order, request.user):
        raise PermissionDenied
    if order.status != Order.Status.PREVIEWED:
        return redirect("portal:order-detail", pk=order.pk)
    rows, line = list(read_rows(files.rows_path(order))), order.lines.select_related("watch").earliest("line")
    try:
        placing.throw_away(order, at=timezone.now(), by=request.user)
    except placing.OrderStateRefused:
        return redirect("portal:order-detail", pk=order.pk)
    log_number_read(request, order, line)
    form = SingleOrder(initial=_written(rows), law=law_of(order.stream, timezone.localdate()))
    streams = open_streams(Customer.objects.visible_to(request.user))
    return page(request, "portal/order_new.html", form, order.stream, streams)


@login_required
@require_http_methods(["GET", "POST"])
def order_file(request: HttpRequest) -> HttpResponse:
    """Order by a file. A short one is read at once, so that what is wrong with it is said beside it."""
    streams = handled_streams(request)
    stream = chosen(request, streams)
    if stream is None:
        return choose(request, streams, _("Order by a file"))
    mends = _mended_by(request, stream)
    form = FileOrder(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("portal:order-detail", pk=_receive_file(request, form, stream, mends).pk)
        except Refused as refused:
            form.add_error("file", refused_words(refused.code, getattr(refused, "row", 0)))
    return page(request, "portal/order_file.html", form, stream, streams, mends=mends)


def _mended_by(request: HttpRequest, stream: Stream) -> Order | None:
    """The order whose faulty lines the file puts right, if it names one of the same stream."""
    asked = request.POST.get("mends") or request.GET.get("mends") or ""
    if not asked.isascii() or not asked.isdecimal() or len(asked) > LONGEST:
        return None
    return Order.objects.filter(pk=int(asked), stream=stream, status=Order.Status.DONE).first()


@login_required
@require_GET
def order_example(request: HttpRequest) -> StreamingHttpResponse:
    """A small file of every order type, to begin from."""
    headers = {"Content-Disposition": 'attachment; filename="bestallning-exempel.csv"'}
    return StreamingHttpResponse(_example(), content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_http_methods(["GET", "POST"])
def order_stock(request: HttpRequest) -> HttpResponse:
    """Order about everybody who is watched, for a worker to read as any file."""
    streams = handled_streams(request)
    stream = chosen(request, streams)
    if stream is None:
        return choose(request, streams, _("Order about everybody"))
    form = StockOrder(request.POST or None, law=law_of(stream, timezone.localdate()))
    if request.method == "POST" and form.is_valid():
        body = form.written(stream.agreement.customer)
        received = files.take_in(BytesIO(body), most=len(body))
        try:
            order = _receive(request, stream, received, form=Order.Form.JSON, token=form.cleaned_data["key"])
        except OrderRefused:
            messages.info(request, _("Nobody is watched there, so there is nothing to order."))
        else:
            return redirect("portal:order-detail", pk=order.pk)
    return page(request, "portal/order_stock.html", form, stream, streams)


def _receive_file(request: HttpRequest, form: FileOrder, stream: Stream, mends: Order | None) -> Order:
    file: UploadedFile = form.cleaned_data["file"]
    found = form.form_found()
    received = files.take_in(file, most=settings.ORDER_FILE_MAX_BYTES)  # type: ignore[arg-type]
    return _receive(
        request,
        stream,
        received,
        form=found,
        token=form.cleaned_data["key"],
        channel=Order.Channel.FILE,
        file_name=mask_identity_numbers(file.name or "")[:200],
        reference=form.cleaned_data["reference"],
        mends=mends,
    )


def _receive(
    request: HttpRequest,
    stream: Stream,
    received: Received,
    *,
    form: str,
    token: str,
    channel: str = Order.Channel.PORTAL,
    **said: Any,
) -> Order:
    order = placing.receive(
        stream=stream,
        channel=channel,
        received=received,
        form=form,
        at=timezone.now(),
        aim=Order.Aim.PREVIEW,
        at_once=received.size <= settings.ORDER_AT_ONCE_BYTES,
        ordered_by=request.user,
        idempotency_key=_unused(stream, key_of(token, received.sha256)),
        **said,
    )
    if order.status == Order.Status.WAITING:
        send_on(order)
    return order


def _unused(stream: Stream, key: str) -> str:
    """The key, or none if what was ordered with it is thrown away: then the same is a new order."""
    gone = Order.objects.filter(stream=stream, idempotency_key=key, status=Order.Status.THROWN_AWAY)
    return "" if gone.exists() else key


def _written(rows: list[Row]) -> dict[str, Any]:
    """What the form about one person was filled in with, from the order's rows."""
    first = rows[0]
    return {
        "kind": first.kind,
        "number": first.number,
        "benefits": [row.benefit for row in rows],
        "from_date": first.from_date or None,
        "case_reference": first.case_reference,
        "need_reference": first.need_reference,
        "reference": first.reference,
    }


def _example() -> Iterator[str]:
    yield sheets.MARK
    yield from map(sheets.row, EXAMPLE)
