"""Service notices as an Atom feed, one in each language."""

from datetime import datetime

from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from lefi.service.models import ServiceNotice

NEWEST = 50
LANGUAGES = ("sv", "en")


class Notices(Feed):
    """The newest notices. `language` is part of the address, for readers of feeds seldom say theirs."""

    feed_type = Atom1Feed

    def __call__(self, request: HttpRequest, *args, **kwargs):  # type: ignore[no-untyped-def]
        if kwargs["language"] not in LANGUAGES:
            raise Http404
        with translation.override(kwargs["language"]):
            return super().__call__(request, *args, **kwargs)

    def get_object(self, request: HttpRequest, language: str) -> str:  # type: ignore[override]
        return language

    def title(self) -> str:
        return _("Service notices of LEFI Prenumeration")

    def link(self) -> str:
        return reverse("service:notices")

    def feed_url(self, language: str) -> str:
        return reverse("service:feed", args=[language])

    def items(self, language: str) -> list[ServiceNotice]:
        return list(ServiceNotice.objects.shown(timezone.now())[:NEWEST])

    def item_title(self, item: ServiceNotice) -> str:  # type: ignore[override]
        return f"{item.get_kind_display().capitalize()}: {item.title}"

    def item_description(self, item: ServiceNotice) -> str:  # type: ignore[override]
        return item.text

    def item_categories(self, item: ServiceNotice) -> list[str]:
        return [item.kind]

    def item_pubdate(self, item: ServiceNotice) -> datetime:
        return item.published_at

    def item_updateddate(self, item: ServiceNotice) -> datetime:
        return item.changed_at
