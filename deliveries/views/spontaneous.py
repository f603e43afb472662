"""The portal's pages about what Försäkringskassan has told of its own accord."""

from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from deliveries import pages, reading, spontaneous, telling
from deliveries.models import SpontaneousDisclosure
from lefi.paging import BoundedPaginator

PER_PAGE = 50


@login_required
@require_GET
def spontaneous_list(request: HttpRequest) -> HttpResponse:
    """What Försäkringskassan has told of its own accord."""
    page = BoundedPaginator(spontaneous.visible_to(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/spontaneous_list.html", {"page": page})


@login_required
@require_GET
def spontaneous_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One message. To open it is to fetch it, and is logged as reading about its person."""
    disclosure = get_object_or_404(spontaneous.visible_to(request.user), pk=pk)
    try:
        path = spontaneous.open_spontaneous(disclosure=disclosure, by=request.user, at=timezone.now())
    except spontaneous.SpontaneousRefused as refusal:
        sentence, advice = pages.words_of(refusal)
        context = {"disclosure": disclosure, "code": refusal.code, "sentence": sentence, "advice": advice}
        return render(request, "portal/spontaneous_detail.html", context, status=409)
    context = {"disclosure": disclosure, "head": reading.read_head(path), "persons": _persons(path, disclosure)}
    return render(request, "portal/spontaneous_detail.html", context)


def _persons(path: Path, disclosure: SpontaneousDisclosure) -> list[telling.PersonText]:
    entries = pages.page_of(path, 1).entries
    return telling.persons(entries, {}, {}, timezone.localdate(disclosure.approved_at))
