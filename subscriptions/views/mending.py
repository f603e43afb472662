"""The portal's steps that put an order's faulty lines right: one in its place, many as a file, or none any more."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from subscriptions.answers import sentence
from subscriptions.forms.orders import SingleOrder
from subscriptions.models import Order, OrderLine
from subscriptions.orders import mending
from subscriptions.profiles import law_of
from subscriptions.views.orders import handled_by, log_number_read, page_of, visible_or_404


@login_required
@require_http_methods(["GET", "POST"])
def order_mend(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """Show a faulty line as a form in its place, with its number, which is logged as read; and order it again."""
    order = _handled_or_404(request, pk)
    found = get_object_or_404(OrderLine.objects.select_related("order"), order=order, line=line)
    if not mending.is_faulty(found) or order.status != Order.Status.DONE:
        raise Http404
    law = law_of(order.stream, timezone.localdate())
    if request.method == "GET":
        log_number_read(request, order, found)
        return _shown(request, order, found, SingleOrder(law=law, initial=_written(found)))
    form = SingleOrder(request.POST, law=law)
    if not form.is_valid():
        return _shown(request, order, found, form)
    try:
        made = mending.mend(order=order, line=found, lines=form.lines(), by=request.user, at=timezone.now())
    except mending.MendRefused as refused:
        if refused.code != "MENDED":
            form.add_error(None, str(sentence(refused.code)))
            return _shown(request, order, found, form)
        messages.info(request, _("Somebody has put the line right meanwhile."))
    else:
        text = _("Line %(line)d is put right and carried out, as order %(number)d.")
        messages.success(request, text % {"line": line, "number": made.pk})
    return redirect(f"{reverse('portal:order-detail', args=[pk])}#lines")


@login_required
@require_POST
def order_faults(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The faulty lines alone, as a file to mend and send again. That it was taken is logged."""
    order = _handled_or_404(request, pk)
    if order.status != Order.Status.DONE:
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="felrader-{order.pk}.csv"'}
    texts = mending.faulty_rows(order, by=request.user)
    return StreamingHttpResponse(texts, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_POST
def order_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that nobody needs to mend any more of the order."""
    order = _handled_or_404(request, pk)
    mending.settle(order=order, by=request.user, at=timezone.now())
    messages.success(request, _("Order %(number)d is not brought up any more.") % {"number": order.pk})
    return redirect("portal:order-detail", pk=pk)


def _handled_or_404(request: HttpRequest, pk: int) -> Order:
    order = visible_or_404(request, pk)
    if not handled_by(order, request.user):
        raise PermissionDenied
    return order


def _shown(request: HttpRequest, order: Order, line: OrderLine, form: SingleOrder) -> HttpResponse:
    """The order's page, at the line and with the form in its place."""
    context = page_of(request, order, around=line)
    return render(request, "portal/order_detail.html", context | {"mended_line": line, "mend": form})


def _written(line: OrderLine) -> dict[str, object]:
    return {
        "kind": line.kind,
        "number": line.number,
        "benefits": [line.benefit],
        "from_date": line.from_date,
        "case_reference": line.case_reference,
        "need_reference": line.need_reference,
        "reference": line.reference,
    }
