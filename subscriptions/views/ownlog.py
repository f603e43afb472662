"""The portal's page of who did what in an organisation, for its auditor and its administrator."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from lefi import sheets
from lefi.audit.models import Action, AuditEvent, record
from lefi.searches import keep, kept
from subscriptions import ownlog
from subscriptions.forms.ownlog import OwnLogFilter
from subscriptions.models import Member
from subscriptions.ownlog import Asked, Entry
from subscriptions.views.organisation import member_or_404, page

PER_PAGE = 100  # rows of the log; those of one act are shown as one
MOST = 100_000  # in a file
LONGEST = 18  # digits of an id, which the database is sure to hold
CASES = "sought_cases"  # in the session: token → reference, so that no address holds one
# The pages of what rows are about, for those who may open them.
PAGES = {
    ownlog.WATCH: "portal:watch-detail",
    ownlog.ORDER: "portal:order-detail",
    ownlog.DELIVERY: "portal:delivery-detail",
    "subscriptions.agreement": "portal:agreement-detail",
}


@login_required
@require_http_methods(["GET", "POST"])
def own_log(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of the log. What it is narrowed by is posted, and led on to by an address without the reference."""
    mine = member_or_404(request, pk, Member.LOG_READERS)
    if request.method == "POST":
        return _narrowed(request, mine)
    form = OwnLogFilter(_said(request), customer=mine.customer)
    events = ownlog.selected(mine.customer, form.asked())
    rows, following = ownlog.page_after(events, _before(request), PER_PAGE)
    works = mine.role in Member.WORKING
    entries = [(one, _link(one) if works else "") for one in ownlog.entries(rows, mine.customer)]
    context = {"form": form, "entries": entries, "following": following, "later": _before(request) is not None}
    return page(request, mine, "log", context, "own-log")


@login_required
@require_GET
def own_log_file(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The same as a file for a spreadsheet. That it was taken is logged too."""
    mine = member_or_404(request, pk, Member.LOG_READERS)
    form = OwnLogFilter(_said(request), customer=mine.customer)
    asked = form.asked()
    record(
        action=Action.FETCH,
        object_type=AuditEvent._meta.label_lower,
        actor=request.user,
        customer_id=mine.customer_id,
        **_narrowing(asked),
    )
    name = f"lefi-logg-{timezone.localdate():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(_csv(mine, asked), content_type="text/csv; charset=utf-8", headers=headers)


def _narrowed(request: HttpRequest, mine: Member) -> HttpResponse:
    form = OwnLogFilter(request.POST, customer=mine.customer)
    if not form.is_valid():
        return page(request, mine, "log", {"form": form, "entries": []}, "own-log")
    said = form.cleaned_data
    asked = {name: said[name] for name in ("who", "action", "first", "last") if said.get(name)}
    if said["case"]:
        asked["case"] = keep(request.session, CASES, said["case"])
    return redirect(f"{reverse('portal:own-log', args=[mine.customer_id])}?{urlencode(asked)}")


def _said(request: HttpRequest) -> QueryDict:
    said = request.GET.copy()
    said["case"] = kept(request.session, CASES, request.GET.get("case", "")) or ""
    return said


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST else None


def _link(entry: Entry) -> str:
    name = PAGES.get(entry.event.object_type)
    known = name and entry.event.object_id.isdecimal()
    return reverse(name, args=[entry.event.object_id]) if known and name else ""


def _narrowing(asked: Asked) -> dict[str, Any]:
    """What of the log was taken, as the log says it: without the reference."""
    said = {"done": asked.action, "first": asked.first or "", "last": asked.last or ""}
    return {name: str(value) for name, value in said.items() if value}


def _csv(mine: Member, asked: Asked) -> Iterator[str]:
    header = (_("When"), _("Who"), _("What was done"), _("With what"), _("Case"), _("Persons"), _("Why"))
    yield sheets.MARK + sheets.row(header)
    for one in islice(ownlog.entry_rows(ownlog.selected(mine.customer, asked), mine.customer), MOST):
        at = timezone.localtime(one.event.at).isoformat(sep=" ", timespec="seconds")
        done = one.event.get_action_display()
        yield sheets.row((at, one.who, done, one.what, ", ".join(one.cases), one.persons or "", one.why))
