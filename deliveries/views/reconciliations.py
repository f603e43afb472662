"""The portal's pages to take the watches that stand as a file, to compare a list with them, and to order what mends."""

from operator import attrgetter

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deliveries import reconciliation as service
from deliveries import watchfile
from deliveries.forms import RepairForm, WatchFile
from deliveries.models import Reconciliation, ReconciliationLine
from deliveries.reconciliation import SENTENCES
from deliveries.tasks import compare_soon
from lefi import sheets
from lefi.audit.models import Action
from lefi.errors import Refused
from lefi.paging import BoundedPaginator, KeyedPage, beyond, grouped, keyed_page, keys_asked
from subscriptions.forms.orders import key_of
from subscriptions.models import Order, Stream
from subscriptions.orders import files
from subscriptions.views.choosing import choose, chosen, handled_customers, handled_streams, page
from subscriptions.views.orders import log_number_read, send_on
from subscriptions.views.orderwords import refused_words

PER_PAGE = 50
Kind = ReconciliationLine.Kind
DIFFERENCES = (Kind.ONLY_WE, Kind.ONLY_YOU, Kind.DIFFERS)
ALL = "all"
# What is said of each count, in this order.
COUNTED: dict[str, Promise] = {
    "EQUAL": gettext_lazy("Both you and we have the watch."),
    Kind.ONLY_WE: gettext_lazy("The watch stands with us, and is not in your list."),
    Kind.ONLY_YOU: gettext_lazy("The watch is in your list, and does not stand with us."),
    Kind.DIFFERS: gettext_lazy("Both have the watch, but you do not hold what you were told of it."),
    Kind.UNREADABLE: gettext_lazy("The line could not be compared."),
}
LIST_REFUSED: dict[str, Promise] = {
    "EMPTY": gettext_lazy("The list has no lines. Check that it is the right file, with rows below the header."),
    "FORM": gettext_lazy("The row does not fit the header, or a quotation mark is left open. Mend it."),
    "NOT_JSON": gettext_lazy("The line is not JSON. Have your system write the list anew, or send CSV."),
    "TOO_LARGE": gettext_lazy("The list is larger than is taken in. Turn to your contact at Försäkringskassan."),
    "TOO_MANY_LINES": gettext_lazy(
        "The list has more lines than one may hold. Do not divide it: what a list does not name counts as missing. "
        "Turn to your contact at Försäkringskassan."
    ),
    "FILE_LOST": gettext_lazy("The list is lost. The fault is ours; send it again."),
}
REPAIR_REFUSED: dict[str, Promise] = {
    "EMPTY": gettext_lazy("There is nothing to order by these choices."),
    "IDEMPOTENCY_KEY_REUSED": gettext_lazy(
        "Something else has been ordered by this list already. Throw that order away if it waits to be confirmed, or "
        "send a new list."
    ),
    "LIST_UNREADABLE": gettext_lazy(
        "Lines that cannot be read may name what only we have, so it cannot be ended. Mend them and send it again."
    ),
    "NOT_COMPARED": gettext_lazy("Nothing can be ordered by a list that has not been compared."),
}
# What the example file holds: a watch by its number, and made-up persons, whose numbers Skatteverket gives to nobody.
EXAMPLE = (
    ("bevakning", "personnummer", "forman", "from", "arendereferens", "behovsreferens", "referens"),
    ("1017", "", "", "", "", "", "rad 1"),
    ("", "199001012385", "sjukpenning", "2026-11-01", "2026-0123", "", "rad 2"),
    ("", "199001022384", "bostadsbidrag", "2026-11-01", "2026-0124", "", "rad 3"),
)


@login_required
@require_http_methods(["GET", "POST"])
def watch_file(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The watches that stand in a stream as a file, in the columns of a list to compare. Logged."""
    streams = handled_streams(request)
    stream = chosen(request, streams)
    if stream is None:
        return choose(request, streams, _("Take the watches as a file"), "watch_file_stream")
    if request.method == "GET":
        return page(request, "portal/watch_file.html", None, stream, streams)
    name = f"bevakningar-{stream.pk}-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    texts = watchfile.fetch(stream, by=request.user)
    return StreamingHttpResponse(texts, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_GET
def reconciliation_list(request: HttpRequest) -> HttpResponse:
    """The lists that have come for the units whose files the user looks after, however they came, the newest first."""
    handled_customers(request)
    found = Reconciliation.objects.visible_to(request.user)
    found = found.select_related("stream__agreement__customer", "sent_by", "repair")
    shown = BoundedPaginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(one, _differing(one), one.counts.get(Kind.UNREADABLE, 0)) for one in shown]
    return render(request, "portal/reconciliation_list.html", {"page": shown, "rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def reconciliation_new(request: HttpRequest) -> HttpResponse:
    """Send a list of watches. A short one is compared at once."""
    streams = handled_streams(request)
    stream = chosen(request, streams)
    if stream is None:
        return choose(request, streams, _("Reconcile watches"), "reconciliation_stream")
    form = WatchFile(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = _receive(request, stream, form)
        except Refused as refused:
            form.add_error("file", refused_words(refused.code, 0, LIST_REFUSED))
        else:
            return redirect("portal:reconciliation-detail", pk=made.pk)
    return page(request, "portal/reconciliation_new.html", form, stream, streams)


def _receive(request: HttpRequest, stream: Stream, form: WatchFile) -> Reconciliation:
    """Keep and compare the list: once, however often the page is sent."""
    received = files.take_in(form.cleaned_data["file"], most=settings.ORDER_FILE_MAX_BYTES)
    made = service.receive(
        stream=stream,
        received=received,
        form=form.form,
        at=timezone.now(),
        sent_by=request.user,
        idempotency_key=key_of(form.cleaned_data["key"], received.sha256),
    )
    return compare_soon(made)


@login_required
@require_GET
def reconciliation_example(request: HttpRequest) -> StreamingHttpResponse:
    """A small list, to begin from."""
    handled_customers(request)
    headers = {"Content-Disposition": 'attachment; filename="avstamning-exempel.csv"'}
    texts = sheets.table(EXAMPLE[0], EXAMPLE[1:])
    return StreamingHttpResponse(texts, content_type="text/csv; charset=utf-8", headers=headers)


@login_required
@require_GET
def reconciliation_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What a comparison found, and how to mend it. That the differences were read is logged."""
    found = _visible_or_404(request, pk)
    if found.status == Reconciliation.Status.DONE:
        service.note(Action.FETCH, found, actor=request.user)
    return _page(request, found)


@login_required
@require_GET
def reconciliation_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that says that the list waits; the whole page anew when it has been compared."""
    found = _visible_or_404(request, pk)
    if found.status != Reconciliation.Status.WAITING:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "portal/reconciliation_progress.html", {"found": found})


@login_required
@require_POST
def reconciliation_repair(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the order that mends the differences. It has no effect until it is confirmed on its own page."""
    found = _visible_or_404(request, pk)
    form = RepairForm(request.POST, found=found)
    if not form.is_valid():
        return _page(request, found, form)
    try:
        order = service.repair(reconciliation=found, wanted=form.wanted(), at=timezone.now(), by=request.user)
    except Refused as refused:
        form.add_error(None, refused_words(refused.code, 0, REPAIR_REFUSED))
        return _page(request, found, form)
    if order.status == Order.Status.WAITING:
        send_on(order)
    return redirect("portal:order-detail", pk=order.pk)


@login_required
@require_POST
def reconciliation_number(request: HttpRequest, pk: int, difference: int) -> HttpResponse:
    """The identity number of one difference. That it was read is logged."""
    found = _visible_or_404(request, pk)
    line = get_object_or_404(found.lines.exclude(number="").select_related("watch"), pk=difference)
    log_number_read(request, found, line, "portal reconciliation")
    part = request.headers.get("HX-Request") == "true"
    context = {"found": found, "line": line}
    return render(request, f"portal/{'order_line_number' if part else 'reconciliation_number'}.html", context)


def _visible_or_404(request: HttpRequest, pk: int) -> Reconciliation:
    mine = Reconciliation.objects.visible_to(request.user)
    return get_object_or_404(mine.select_related("stream__agreement__customer", "sent_by", "repair"), pk=pk)


def _page(request: HttpRequest, found: Reconciliation, form: RepairForm | None = None) -> HttpResponse:
    """A reconciliation's page, with the form to repair by as it was written, or a new one if it can be repaired."""
    done = found.status == Reconciliation.Status.DONE
    differing = _differing(found)
    kept = done and found.lines.exists()
    ordered = found.repair if found.repair and found.repair.status != Order.Status.THROWN_AWAY else None
    shown, count, lines = _lines(request, found) if kept else ("", 0, None)
    context = {
        "found": found,
        "differing": differing,
        "counts": [(code, words, found.counts.get(code, 0)) for code, words in COUNTED.items()] if done else [],
        "erased": bool(not kept and differing + found.counts.get(Kind.UNREADABLE, 0)),
        "ordered": ordered,
        "form": form or (RepairForm(found=found) if kept and not ordered else None),
        "shown": COUNTED.get(shown, ""),
        "count_words": grouped(count),
        "page": lines,
        "rows": [(line, COUNTED[line.kind], SENTENCES.get(line.code, "")) for line in lines or ()],
        "refused": refused_words(found.refusal, found.refused_at_row or 0, LIST_REFUSED) if found.refusal else "",
    }
    return render(request, "portal/reconciliation_detail.html", context)


def _lines(request: HttpRequest, found: Reconciliation) -> tuple[str, int, KeyedPage]:
    """Which kind of lines is shown, how many there are, and a page of them. They are counted already."""
    counts = {kind.value: found.counts.get(kind, 0) for kind in Kind}
    counts[ALL] = sum(counts.values())
    asked = request.GET.get("kind", "")
    shown = asked if counts.get(asked) else ALL
    lines: QuerySet[ReconciliationLine] = found.lines.all() if shown == ALL else found.lines.filter(kind=shown)
    page = keyed_page(beyond(lines, "pk", PER_PAGE), attrgetter("pk"), PER_PAGE, **keys_asked(request.GET))
    return shown, counts[shown], page


def _differing(found: Reconciliation) -> int:
    return sum(found.counts.get(kind, 0) for kind in DIFFERENCES)
