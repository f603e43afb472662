"""Runs, and how each stream fared in them."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext_lazy as _

from benefits.admin import counted, import_anchor
from benefits.labels import benefit_name, owner_name
from deliveries import runs, tasks
from deliveries.admin import plan
from deliveries.labels import source_words
from deliveries.models import Run, StreamRun
from deliveries.progress import UNTOLD, Clock, progress_of
from lefi.admin import ReadOnlyAdmin, Step, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, amounts, badge, named, state
from lefi.admin.filters import one_of
from lefi.paging import grouped
from subscriptions.admin.fields import customer_filter, why

MINUTE = timedelta(minutes=1)
RIGHTS = {"release": "release"}  # a step's right, where that is not the one to change
STEPS = {
    "hold": ((Run.Status.RUNNING,), _("Hold"), _("The run goes no further until another person releases it.")),
    "release": ((Run.Status.HELD,), _("Release"), _("The run goes on.")),
    "abort": (runs.GOING_ON, _("Abort"), _("The run has ended; what it had not told is carried over to the next.")),
}


FIGURES = {
    "persons": _("persons"),
    "blocks": _("blocks"),
    "items": _("items"),
    "complete": _("complete information"),
    "changed": _("changed"),
    "ended": _("ended"),
    "refused": _("refused"),
    "frozen": _("frozen"),
}
FIGURES |= {one.value: one.label for one in StreamRun.Status}
TONES = {
    Run.Status.RUNNING: INFO,
    Run.Status.HELD: WARNING,
    Run.Status.DONE: SUCCESS,
    Run.Status.ABORTED: ERROR,
}
STREAM_TONES = {
    StreamRun.Status.WAITING: INFO,
    StreamRun.Status.RELEASED: SUCCESS,
    StreamRun.Status.FAILED: ERROR,
    StreamRun.Status.CARRIED_OVER: WARNING,
    StreamRun.Status.STOPPED: WARNING,
}


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """A run goes by itself; staff may hold it, let another release it, or abort it."""

    change_form_template = "admin/run.html"
    refusals = {
        "NOT_RUNNING": _("The run is over."),
        "NOT_HELD": _("The run is not held."),
        "SAME_PERSON": _("What one person held, another must release."),
    }
    few = True
    list_display = [
        "__str__",
        "status_badge",
        "in_time",
        "started_at",
        "took",
        "import_link",
        "released",
        "not_released",
        "told",
        "rehearsal",
    ]
    list_filter = [
        "status",
        "kind",
        one_of("dry_run", _("rehearsal"), lambda: [("0", _("told")), ("1", _("rehearsed only"))]),
    ]
    ordering = ["-id"]
    sortable_by = ["started_at"]
    short = ["__str__", "status_badge", "started_at", "took", "told"]
    empty = _("No night has been run yet.")
    moments = [("planned_for", ""), ("started_at", ""), ("ended_at", "")]
    technical = ["as_of_law"]
    date_hierarchy = "day"
    narrowed_by = ["as_of_import"]
    leads_to = [
        ("deliveries.StreamRun", "run", "pk"),
        ("deliveries.Delivery", "run", "pk"),
        ("deliveries.HeldSlice", "run", "pk"),
        ("deliveries.Disclosure", "delivery__run", "pk"),
        ("deliveries.OrderedRun", "run", "pk"),
    ]
    fields = [
        "kind",
        "status_badge",
        "rehearsal",
        "day",
        "planned_for",
        "deadline",
        "started_at",
        "ended_at",
        "import_link",
        "as_of_law",
        "source_words",
        "progress",
        "cause",
        "count_words",
    ]

    status_badge = state("status", _("status"), TONES)
    import_link = named("as_of_import", _("as of import"), import_anchor)

    def get_urls(self) -> list[Any]:
        view, name = self.admin_site.admin_view, "deliveries_run"
        return [
            path("plan/", view(plan.page), name=f"{name}_plan"),
            path("<path:object_id>/progress/", view(self.progress_view), name=f"{name}_progress"),
            *(
                path(f"<path:object_id>/{one}/", view(partial(self.step_view, step=one)), name=f"{name}_{one}")
                for one in STEPS
            ),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        open_now = [(one, words) for one, (since, words, _done) in STEPS.items() if obj.status in since]
        return [(one, words) for one, words in open_now if self.may(request, RIGHTS.get(one, "change"))]

    def step_view(self, request: HttpRequest, object_id: str, *, step: str) -> HttpResponse:
        """Hold, release or abort a run, with a reason."""
        obj = self.found(request, object_id)
        if not self.may(request, RIGHTS.get(step, "change")):
            raise PermissionDenied
        since, words, done = STEPS[step]
        code = "" if obj.status in since else "NOT_HELD" if step == "release" else "NOT_RUNNING"
        page = Step(
            title=words,
            button=words,
            done=done,
            act=lambda said: self._act(request, obj, step, said["reason"]),
            refusal=self.refusals[code] if code else "",
        )
        return self.take(request, obj, page)

    def _act(self, request: HttpRequest, run: Run, step: str, reason: str) -> None:
        if step == "hold":
            runs.hold_run(run, by=request.user, reason=reason)
        elif step == "release":
            runs.release_run(run, by=request.user, reason=reason)
            tasks.hand_out_later(run)
        else:
            runs.abort_run(run, by=request.user, reason=reason, at=timezone.now())

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the page that shows how far a run has come; the whole page anew when it has come to an end."""
        obj = self.found(request, object_id)
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        if obj.status != Run.Status.RUNNING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return HttpResponse(self.progress(obj))

    @admin.display(description=_("progress"))
    def progress(self, obj: Run) -> str:
        now = timezone.now()
        going_on = obj.status in runs.GOING_ON
        context = {
            "run": obj,
            "progress": progress_of(obj, now),
            "time_left": timeuntil(obj.deadline, now) if going_on and obj.deadline > now else "",
        }
        return mark_safe(render_to_string("admin/run_progress.html", context))  # noqa: S308, an escaped template

    @admin.display(description=_("sources"))
    def source_words(self, obj: Run) -> str:
        words = _("{name}: {state}, complete to import {complete_to_import}")
        called = ({**one, "name": owner_name(one["name"]), "state": source_words(one["state"])} for one in obj.sources)
        return format_html_join("", "<div>{}</div>", ((words.format(**one),) for one in called)) or EMPTY

    @admin.display(description=_("in time"))
    def in_time(self, obj: Any) -> str:
        if obj.dry_run:
            return str(Clock.REHEARSAL.label)
        if obj.status in runs.GOING_ON:
            return EMPTY
        return str((Clock.LATE if obj.streams_untold else Clock.IN_TIME).label)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With how many streams were released and were not, counted for the rows that are shown alone."""
        streams = StreamRun.objects.filter(run=OuterRef("pk")).order_by().values("run")
        released, untold = Q(status=StreamRun.Status.RELEASED), Q(status__in=UNTOLD)
        return (
            super()
            .get_queryset(request)
            .annotate(
                streams_released=Subquery(streams.annotate(n=Count("pk", filter=released)).values("n")),
                streams_not_released=Subquery(streams.annotate(n=Count("pk", filter=~released)).values("n")),
                streams_untold=Subquery(streams.annotate(n=Count("pk", filter=untold)).values("n")),
            )
        )

    @admin.display(description=_("counts"))
    def count_words(self, obj: Run) -> str:
        return counted(obj.counts, FIGURES)

    @admin.display(description=_("took"))
    def took(self, obj: Run) -> str:
        """How long it took, or has gone on."""
        if obj.started_at is None:
            return EMPTY
        taken = (obj.ended_at or timezone.now()) - obj.started_at
        return str(_("less than a minute")) if taken < MINUTE else timesince(obj.started_at, obj.ended_at, depth=1)

    @amounts(_("watches told"))
    def told(self, obj: Run) -> int:
        return sum(obj.counts.get(name, 0) for name in ("complete", "changed", "ended"))

    @admin.display(description=_("rehearsal"), ordering="dry_run")
    def rehearsal(self, obj: Run) -> str:
        return badge(_("rehearsed only"), WARNING) if obj.dry_run else EMPTY

    @amounts(_("released"))
    def released(self, obj) -> int:
        return obj.streams_released or 0

    @admin.display(description=_("not released"))
    def not_released(self, obj) -> str:
        """What is left to look at: why, the streams' runs say."""
        count = obj.streams_not_released or 0
        waits = obj.dry_run or obj.status in runs.GOING_ON
        return badge(count, ERROR) if count and not waits else str(count)


@admin.register(StreamRun)
class StreamRunAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "status_badge",
        "run_link",
        "customer_link",
        "stream_link",
        "delivery_link",
        "tries",
        "persons_told",
        "reason_words",
    ]
    list_filter = ["status", customer_filter("stream__agreement__customer")]
    list_select_related = ["run", "stream__agreement__customer", "delivery__stream__agreement"]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name", "=code"]
    search_help_text = _("The agreement's code, the customer's name, or a code such as SIGNING_KEY_MISSING.")
    narrowed_by = ["run", "stream"]
    short = ["id", "status_badge", "run_link", "stream_link", "delivery_link", "reason_words"]
    empty = _("No stream has been in a run yet.")
    fields = [
        "status_badge",
        "run_link",
        "customer_link",
        "stream_link",
        "delivery_link",
        "candidates",
        "tries",
        "reason_words",
        "count_words",
        "news_words",
    ]

    status_badge = state("status", _("status"), STREAM_TONES)
    run_link = link("run", _("run"))
    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))
    delivery_link = link("delivery", _("delivery"))
    reason_words = why("code", _("why"))

    @amounts(_("persons"))
    def persons_told(self, obj: StreamRun) -> int | None:
        return obj.counts.get("persons")

    @admin.display(description=_("counts"))
    def count_words(self, obj: StreamRun) -> str:
        return counted(obj.counts, FIGURES)

    @admin.display(description=_("watches with news"))
    def news_words(self, obj: StreamRun) -> str:
        """By benefit, the most first."""
        most_first = sorted(obj.news.items(), key=lambda one: -one[1])
        return " · ".join(f"{benefit_name(code)} {grouped(count)}" for code, count in most_first) or EMPTY
