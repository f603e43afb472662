"""The staff's start page: what waits for the reader, what the last night did, and what is known of the next."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.labels import owner_name
from deliveries import nights
from deliveries.admin import figures
from lefi import staffwork
from lefi.admin import Lists
from lefi.staffwork import Work


def start(request: HttpRequest) -> HttpResponse:
    """The page, by the reader's rights. Its queries are as many, whatever there is."""
    now = timezone.now()
    context = {
        **admin.site.each_context(request),
        "title": _("To do"),
        "now": now,
        "waiting": staffwork.waiting(_offered(request), user=request.user, at=now),
        **(_of_the_nights(request, now) if request.user.has_perm(figures.RIGHT) else {}),  # type: ignore[union-attr]
    }
    return TemplateResponse(request, "admin/start.html", context)


def _offered(request: HttpRequest) -> list[Work]:
    """The kinds of work that the reader has the right to, of all pages."""
    pages = (page for page in admin.site._registry.values() if isinstance(page, Lists))
    return [work for page in pages for work in page.work_of(request)]


def _of_the_nights(request: HttpRequest, now: Any) -> dict[str, Any]:
    seen, last, coming = nights.latest(figures.NIGHTS), nights.last_night(), nights.next_night(now)
    pictures = [figures.persons(seen), figures.lengths(seen)]
    if request.user.has_perm("deliveries.view_delivery"):  # type: ignore[union-attr]
        pictures.append(figures.waiting(nights.behind()[: figures.FIRST], now))
    return {
        "last": last,
        "length": figures.spell(last.length) if last else "",
        "margin": figures.spell(last.margin) if last and last.margin else "",
        "coming": coming,
        "silent": ", ".join(map(owner_name, coming.silent)),
        "figures": [one for one in pictures if one.rows],
    }
