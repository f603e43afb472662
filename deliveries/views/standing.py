"""The portal's page of watches that should perhaps be ended."""

from operator import attrgetter

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from deliveries import standing
from deliveries.forms import KeepForm
from deliveries.models import ClosingProposal
from deliveries.models.reconciliations import ClosingProposalQuerySet
from lefi.paging import BoundedPaginator, beyond_in_each, keyed_page, keys_asked
from subscriptions.models import Stream

PER_PAGE = 50
LONGEST = 18  # digits of a row's id, which the database is sure to hold


@login_required
@require_http_methods(["GET", "POST"])
def watches_to_close(request: HttpRequest) -> HttpResponse:
    """The open watches that should perhaps be ended, and why; end those that are ticked, or say why they are kept.

    Those noted first come first.
    """
    day = timezone.localdate()
    waiting = ClosingProposal.objects.visible_to(request.user).waiting(day)
    form = KeepForm(request.POST if "keep" in request.POST else None)
    if request.method == "POST" and _answered(request, waiting, form):
        return redirect("portal:watches-to-close")
    # Each part of the page is of one of the user's streams: to name them all in each would grow with their square.
    rows = ClosingProposal.objects.waiting(day).select_related("watch__stream__agreement__customer")
    streams = Stream.objects.visible_to(request.user).values_list("pk", flat=True)
    find = beyond_in_each(rows, "stream", streams, PER_PAGE)
    context = {
        "page": keyed_page(find, attrgetter("pk"), PER_PAGE, **keys_asked(request.GET)),
        "count_words": BoundedPaginator(waiting, PER_PAGE).count_words,
        "form": form,
        "ticked": _ticked(request),
    }
    return render(request, "portal/watches_to_close.html", context)


def _answered(request: HttpRequest, waiting: ClosingProposalQuerySet, form: KeepForm) -> bool:
    """End or keep what is ticked; whether that was done."""
    chosen = waiting.filter(pk__in=_ticked(request))
    if "end" in request.POST:
        ended = standing.end_chosen(chosen=chosen, by=request.user, at=timezone.now())
        messages.success(request, ngettext("%d watch has ended.", "%d watches have ended.", ended) % ended)
        return True
    if not form.is_valid():
        return False
    why = form.cleaned_data["why"]
    kept = standing.keep_chosen(chosen=chosen, why=why, by=request.user, day=timezone.localdate())
    messages.success(request, ngettext("%d watch is kept.", "%d watches are kept.", kept) % kept)
    return True


def _ticked(request: HttpRequest) -> list[int]:
    said = request.POST.getlist("proposal")[:PER_PAGE]
    return [int(pk) for pk in said if pk.isascii() and pk.isdecimal() and len(pk) <= LONGEST]
