"""The portal's pages about needs and cases: to confirm that watches are still needed, and to end those that are not.

No address holds a reference: a case is known by one of its watches.
"""

from operator import attrgetter

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from lefi.paging import BoundedPaginator, keyed_page, keys_asked
from lefi.searches import SOUGHT, keep, kept
from subscriptions.cases import MOST, Case, cases_of
from subscriptions.desks import works_on_own_cases
from subscriptions.forms.references import CaseFile, FindCases
from subscriptions.models import Stream, Watch
from subscriptions.models.watches import WatchQuerySet
from subscriptions.references import (
    CASE_SENTENCES,
    ReopenRefused,
    end_case,
    end_cases,
    ended_together,
    reconfirm,
    reference_of,
    referring_to,
    reopen_case,
    to_reconfirm,
    untold,
)
from subscriptions.views.orderwords import next_night

PER_PAGE = 20
ME = "me"
UNDO_REFUSALS = {
    "TOLD": gettext_lazy("It has been told that the watches have ended. Order them anew."),
    "NOT_A_CASE": gettext_lazy("The watch did not end with its case. Order it anew."),
    "WATCHED_AGAIN": gettext_lazy("One of the persons is watched again already. Order the others anew."),
}
LONGEST = 18  # digits of a watch's id, which the database is sure to hold


@login_required
@require_http_methods(["GET", "POST"])
def watch_reconfirm(request: HttpRequest) -> HttpResponse:
    """The watches to be confirmed within thirty days, or overdue; confirm those that are ticked, or all."""
    day = timezone.localdate()
    due = to_reconfirm(Watch.objects.visible_to(request.user), day)
    if request.method == "POST":
        ticked = [int(pk) for pk in request.POST.getlist("watch")[:PER_PAGE] if pk.isdecimal() and len(pk) <= LONGEST]
        chosen = due if "all" in request.POST else due.filter(pk__in=ticked)
        confirmed = reconfirm(watches=chosen, by=request.user, at=timezone.now())
        text = ngettext("%d watch was confirmed.", "%d watches were confirmed.", confirmed)
        messages.success(request, text % confirmed)
        return redirect("portal:watch-reconfirm")
    page = BoundedPaginator(due.select_related("stream__agreement__customer"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    grace = settings.RECONFIRM_GRACE_DAYS
    return render(request, "portal/watch_reconfirm.html", {"page": page, "day": day, "grace": grace})


@login_required
@require_http_methods(["GET", "POST"])
def case_list(request: HttpRequest) -> HttpResponse:
    """The cases and needs that open watches stand for: a case worker's own, unless all are asked for.

    What is sought is posted, and led on to by an address without the reference.
    """
    if request.method == "POST":
        return redirect(_sought(request))
    own = request.GET["by"] == ME if "by" in request.GET else works_on_own_cases(request.user)
    sought = kept(request.session, SOUGHT, request.GET.get("sought", "")) or ""

    def find(key: int | None, back: bool) -> list[Case]:
        return cases_of(request.user, PER_PAGE + 1, own=own, sought=sought, key=key, back=back)

    page = keyed_page(find, attrgetter("watch"), PER_PAGE, **keys_asked(request.GET))
    form = FindCases({"q": sought, "by": ME if own else ""})
    context = {"page": page, "own": own, "form": form, "sought": sought, "most": MOST}
    return render(request, "portal/watch_cases.html", context)


def _sought(request: HttpRequest) -> str:
    """The address of the cases found; that of the search by number for who wrote a number."""
    form = FindCases(request.POST)
    if not form.is_valid():
        return reverse("portal:watch-find")
    said = {"by": form.cleaned_data["by"]}
    if text := form.cleaned_data["q"]:
        said["sought"] = keep(request.session, SOUGHT, text)
    return f"{reverse('portal:case-list')}?{urlencode(said)}"


@login_required
@require_http_methods(["GET", "POST"])
def case_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The watches that stand for the case or need of a watch; end them all by one click."""
    mine = Watch.objects.visible_to(request.user).exclude(case_reference="", need_reference="")
    watch = get_object_or_404(mine.select_related("stream__agreement__customer"), pk=pk)
    customer, reference = watch.stream.agreement.customer, reference_of(watch)
    streams = Stream.objects.filter(agreement__customer=customer)
    if request.method == "POST":
        ended = end_case(streams=streams, case_reference=reference, by=request.user, at=timezone.now())
        messages.success(request, ngettext("%d watch has ended.", "%d watches have ended.", ended) % ended)
        return redirect("portal:case-end", pk=pk)
    watches = referring_to(Watch.objects.filter(stream__in=streams), [reference])
    listed = watches.select_related("stream").order_by(F("ended_at").desc(nulls_first=True), "ordered_number", "pk")
    context = {
        "watch": watch,
        "customer": customer,
        "reference": reference,
        "count": watches.open().count(),
        "page": BoundedPaginator(listed, PER_PAGE).get_page(request.GET.get("page")),
        "undo": _still_untold(watches),
        "night": next_night(timezone.now()),
    }
    return render(request, "portal/watch_case_end.html", context)


def _still_untold(watches: WatchQuerySet) -> Watch | None:
    """One of the watches that ended last with the case, if that has not been told yet."""
    cancelled = untold(watches.filter(end_reason=Watch.EndReason.CANCELLED))
    last = cancelled.select_related("stream__agreement").order_by("-ended_at").first()
    return last if last is not None and ended_together(last).filter(pk=last.pk).exists() else None


@login_required
@require_POST
def case_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the watches again that ended with a case, if nothing of it has been told."""
    ended = Watch.objects.visible_to(request.user).exclude(ended_at=None)
    watch = get_object_or_404(ended.select_related("stream__agreement"), pk=pk)
    try:
        opened = reopen_case(watch=watch, by=request.user, at=timezone.now())
    except ReopenRefused as refused:
        messages.error(request, UNDO_REFUSALS[refused.code])
    else:
        text = ngettext("%d watch is open again.", "%d watches are open again.", opened)
        messages.success(request, text % opened)
    return redirect("portal:case-end", pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
def case_file(request: HttpRequest) -> HttpResponse:
    """End the cases and needs that a file names, and show what each line was answered."""
    form = CaseFile(request.POST or None, request.FILES or None, user=request.user)
    answers: list[tuple[int, str, object, int]] = []
    if request.method == "POST" and form.is_valid():
        streams = Stream.objects.filter(agreement__customer=form.cleaned_data["customer"])
        said = form.references
        ended = end_cases(streams=streams, references=said, by=request.user, at=timezone.now())
        answers = [(one.line, said[one.line - 1], CASE_SENTENCES[one.answer], one.watches) for one in ended]
        messages.success(request, _("The file was carried out."))
    return render(request, "portal/watch_case_file.html", {"form": form, "answers": answers})
