"""The portal's pages about needs and cases: to confirm that watches are still needed, and to end those that are not.

No address holds a reference: a case is known by one of its watches.
"""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from subscriptions.forms.references import CaseFile
from subscriptions.models import Stream, Watch
from subscriptions.references import (
    CASE_SENTENCES,
    by_reference,
    end_case,
    end_cases,
    reconfirm,
    reference_of,
    referring_to,
    to_reconfirm,
)

PER_PAGE = 50
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
    page = Paginator(due.select_related("stream__agreement__customer"), PER_PAGE).get_page(request.GET.get("page"))
    grace = settings.RECONFIRM_GRACE_DAYS
    return render(request, "portal/watch_reconfirm.html", {"page": page, "day": day, "grace": grace})


@login_required
@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """The cases and needs that open watches stand for."""
    cases = by_reference(Watch.objects.visible_to(request.user))
    page = Paginator(cases, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/watch_cases.html", {"page": page})


@login_required
@require_http_methods(["GET", "POST"])
def case_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how many watches stand for the case or need of a watch, and end them."""
    mine = Watch.objects.visible_to(request.user).exclude(case_reference="", need_reference="")
    watch = get_object_or_404(mine.select_related("stream__agreement__customer"), pk=pk)
    customer, reference = watch.stream.agreement.customer, reference_of(watch)
    streams = Stream.objects.filter(agreement__customer=customer)
    if request.method == "POST":
        ended = end_case(streams=streams, case_reference=reference, by=request.user, at=timezone.now())
        messages.success(request, ngettext("%d watch has ended.", "%d watches have ended.", ended) % ended)
        return redirect("portal:case-list")
    count = referring_to(Watch.objects.open().filter(stream__in=streams), [reference]).count()
    return render(
        request,
        "portal/watch_case_end.html",
        {"watch": watch, "customer": customer, "reference": reference, "count": count},
    )


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
