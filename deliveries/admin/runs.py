"""Runs, and how each stream fared in them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from benefits.admin import import_anchor
from deliveries.models import Run, StreamRun
from lefi.admin import ReadOnlyAdmin, link


def counted(counts: dict[str, Any]) -> str:
    """Counts in words, one a line: "released: 12"."""
    return format_html_join(", ", "{}: {}", sorted(counts.items())) or "-"


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "status",
        "dry_run",
        "planned_for",
        "started_at",
        "ended_at",
        "import_link",
        "released",
        "not_released",
    ]
    list_filter = ["kind", "status", "dry_run"]
    date_hierarchy = "day"
    narrowed_by = ["as_of_import"]
    leads_to = [("deliveries.StreamRun", "run", "pk"), ("deliveries.Delivery", "run", "pk")]
    fields = [
        "kind",
        "status",
        "dry_run",
        "day",
        "planned_for",
        "deadline",
        "started_at",
        "ended_at",
        "import_link",
        "as_of_law",
        "count_words",
        "see_also",
    ]
    readonly_fields = ["import_link", "count_words", "see_also"]

    def get_queryset(self, request):
        released = Q(streams__status=StreamRun.Status.RELEASED)
        return (
            super()
            .get_queryset(request)
            .annotate(
                streams_released=Count("streams", filter=released),
                streams_not_released=Count("streams", filter=~released),
            )
        )

    @admin.display(description=_("as of import"), ordering="as_of_import")
    def import_link(self, obj: Run) -> str:
        return import_anchor(obj.as_of_import)

    @admin.display(description=_("counts"))
    def count_words(self, obj: Run) -> str:
        return counted(obj.counts)

    @admin.display(description=_("released"))
    def released(self, obj) -> int:
        return obj.streams_released

    @admin.display(description=_("not released"))
    def not_released(self, obj) -> int:
        return obj.streams_not_released


@admin.register(StreamRun)
class StreamRunAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "run_link",
        "stream_link",
        "status",
        "code",
        "tries",
        "delivery_link",
        "count_words",
    ]
    list_filter = ["status", "code"]
    list_select_related = ["run", "stream__agreement", "delivery__stream__agreement"]
    ordering = ["-run", "stream"]
    search_fields = ["stream__agreement__code", "code"]
    narrowed_by = ["run", "stream"]
    fields = ["run_link", "stream_link", "status", "code", "tries", "delivery_link", "count_words"]
    readonly_fields = ["run_link", "stream_link", "delivery_link", "count_words"]

    run_link = link("run", _("run"))
    stream_link = link("stream", _("stream"))
    delivery_link = link("delivery", _("delivery"))

    @admin.display(description=_("counts"))
    def count_words(self, obj: StreamRun) -> str:
        return counted(obj.counts)
