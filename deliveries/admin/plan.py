"""The plan of the nights: what is coming, how the last one went, how the sources are, and a rehearsal."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.models import Import, Reversal
from deliveries import plan, runs, tasks
from deliveries.building import sources_as_of
from deliveries.models import HeldSlice, OrderedRun, Run
from deliveries.progress import progress_of
from lefi.admin import ReasonForm

DAYS = 14
REFUSALS = {
    "ANOTHER_RUNS": _("Another run has not ended. Rehearse when it has."),
    "NOT_PLANNED": _("The calendar has no night in the coming days."),
}


def page(request: HttpRequest) -> HttpResponse:
    """The coming nights, and what staff should know before the next. A post rehearses it."""
    if not request.user.has_perm("deliveries.view_run"):  # type: ignore[union-attr]
        raise PermissionDenied
    may_rehearse = request.user.has_perm("deliveries.change_run")  # type: ignore[union-attr]
    form = ReasonForm(request.POST or None)
    refusal: Any = ""
    if request.method == "POST":
        if not may_rehearse:
            raise PermissionDenied
        if form.is_valid():
            try:
                return _rehearse(request, form.cleaned_data["reason"])
            except runs.RunRefused as refused:
                refusal = REFUSALS.get(refused.code, refused.sentence)
    context = {"title": _("Plan of the nights"), "form": form, "refusal": refusal, "may_rehearse": may_rehearse}
    return TemplateResponse(request, "admin/plan.html", {**admin.site.each_context(request), **context, **_situation()})


def _rehearse(request: HttpRequest, reason: str) -> HttpResponse:
    now = timezone.now()
    night = plan.coming(now)
    if night is None:
        raise runs.RunRefused("NOT_PLANNED")
    run = runs.rehearse(day=night.day, by=request.user, at=now, reason=reason)
    tasks.hand_out_later(run)
    messages.success(request, _("The rehearsal goes on. Nothing is told by it."))
    return redirect("admin:deliveries_run_change", run.pk)


def _situation() -> dict[str, Any]:
    now = timezone.now()
    going_on = Run.objects.filter(status__in=runs.GOING_ON).first()
    last = Run.objects.filter(kind=Run.Kind.NIGHTLY, dry_run=False).exclude(status__in=runs.GOING_ON).first()
    return {
        "going_on": going_on and (going_on, progress_of(going_on, now)),
        "last": last and (last, progress_of(last, now)),
        "coming": plan.coming(now),
        "days": plan.calendar(timezone.localdate(now), DAYS),
        "sources": sources_as_of(Import.objects.last_number(), now),
        "held": HeldSlice.objects.filter(status=HeldSlice.Status.HELD).count(),
        "uncompensated": list(uncompensated().select_related("imported")),
    }


def uncompensated() -> QuerySet[Reversal]:
    """The imports that have been undone, and that no run has compensated for."""
    compensated = OrderedRun.objects.approved().filter(reversal=OuterRef("pk"))
    return Reversal.objects.approved().filter(~Exists(compensated)).order_by("-pk")
