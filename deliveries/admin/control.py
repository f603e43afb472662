"""Running the nights: what is held, what is owed and never told, the marked runs, and the calendar."""

from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from benefits.admin import AboutAPerson, counted, import_anchor
from benefits.labels import section_name
from benefits.models import Import
from deliveries import brake, ordered, tasks
from deliveries.admin.plan import uncompensated
from deliveries.models import Debt, DebtCheck, HeldSlice, Lag, NoRun, OrderedRun, Run, SliceVerdict
from lefi.admin import (
    Consequence,
    FourEyesAdmin,
    ReadOnlyAdmin,
    Step,
    link,
)
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, ago, anchor, badge, named, state
from lefi.admin.filters import one_of, whether
from lefi.admin.removing import RemovableAdmin
from lefi.paging import grouped
from subscriptions.admin.fields import BenefitFilter, benefit_label, benefit_name, customer_filter
from subscriptions.models import Pending

FIGURES = {
    "watches": _("watches checked"),
    "equal": _("as they should be"),
    "owed": _("owed or frozen"),
    "unexamined": _("touched by law that no run has examined"),
    "debts": _("debts"),
}


VERDICTS = {
    "release": (SliceVerdict.Verdict.RELEASE, False, _("Propose to release")),
    "drop": (SliceVerdict.Verdict.DROP, False, _("Propose to drop")),
    "release-all": (SliceVerdict.Verdict.RELEASE, True, _("Propose to release in all streams")),
    "drop-all": (SliceVerdict.Verdict.DROP, True, _("Propose to drop in all streams")),
}


@admin.register(HeldSlice)
class HeldSliceAdmin(ReadOnlyAdmin):
    """A slice is released or dropped by two: one proposes on its page, another approves the verdict."""

    list_display = [
        "held_at",
        "status_badge",
        "waited",
        "customer_link",
        "stream_link",
        "benefit_label",
        "watches",
        "times_usual",
        "how_wide",
    ]
    list_filter = [
        "status",
        one_of("everywhere", _("in all streams"), lambda: [("1", _("Yes")), ("0", _("No"))]),
        BenefitFilter,
    ]
    list_select_related = ["stream__agreement__customer", "run", "told_in"]
    ordering = ["-held_at", "-id"]
    narrowed_by = ["stream", "run"]
    short = ["held_at", "status_badge", "stream_link", "benefit_label", "watches"]
    empty = _("The brake has held nothing.")
    moments = [("held_at", ""), ("ended_at", "")]
    leads_to = [("deliveries.SliceVerdict", "slice", "pk")]
    fields = [
        "status_badge",
        "customer_link",
        "stream_link",
        "benefit_label",
        "run_link",
        "watches",
        "limit",
        "usual",
        "how_wide",
        "imports",
        "waiting",
        "held_at",
        "ended_at",
        "told_link",
    ]
    refusals = {
        "NOT_HELD": _("The slice is not held any more."),
        "VERDICT_WAITS": _("A verdict waits for approval already."),
    }

    stream_link = link("stream", _("stream"))
    run_link = link("run", _("run"))
    told_link = link("told_in", _("told in run"))
    customer_link = link("stream.agreement.customer", _("customer"))
    benefit_label = benefit_label
    status_badge = state("status", _("status"), {HeldSlice.Status.HELD: ERROR})

    @admin.display(description=_("has waited"))
    def waited(self, obj: HeldSlice) -> str:
        return ago(obj.held_at) if obj.status == HeldSlice.Status.HELD else EMPTY

    @admin.display(description=_("of what is usual"))
    def times_usual(self, obj: HeldSlice) -> str:
        """How many times what is usual it is; where nothing is known to be usual, the limit that it went over."""
        if obj.usual:
            return _("%(times)s times") % {"times": grouped(round(obj.watches / obj.usual, 1))}
        return _("over %(limit)s") % {"limit": grouped(obj.limit)}

    @admin.display(description=_("in all streams"))
    def how_wide(self, obj: HeldSlice) -> Any:
        """In words: that it is not so is no fault."""
        return _("Yes: limit and usual are of them all") if obj.everywhere else _("No, in this one alone")

    @admin.display(description=_("imports since the night before"))
    def imports(self, obj: HeldSlice) -> str:
        """What the news came with."""
        rows = ((anchor(one), _changed(one)) for one in brake.taken_up(obj))
        return format_html_join("", "<div>{}: {}</div>", rows) or EMPTY

    @admin.display(description=_("watches that wait"))
    def waiting(self, obj: HeldSlice) -> str:
        count = brake.owed(obj).count()
        asked: dict[str, Any] = {
            "reason__exact": Pending.Reason.BRAKED,
            "watch__stream": obj.stream_id,
            "watch__benefit": obj.benefit,
        }
        url = f"{reverse('admin:subscriptions_pending_changelist')}?{urlencode(asked)}"
        return format_html('<a href="{}">{}</a>', url, grouped(count)) if count else EMPTY

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What waits is about persons: not all who decide on it may see that."""
        may = request.user.has_perm("subscriptions.view_pending")  # type: ignore[union-attr]
        return [one for one in self.fields if may or one != "waiting"]

    def get_urls(self) -> list[Any]:
        view, name = self.admin_site.admin_view, "deliveries_heldslice"
        return [
            *(
                path(f"<path:object_id>/{one}/", view(partial(self.verdict_view, step=one)), name=f"{name}_{one}")
                for one in VERDICTS
            ),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        """None once a verdict waits to be approved: another would be refused."""
        if obj.status != HeldSlice.Status.HELD or not request.user.has_perm("deliveries.add_sliceverdict"):  # type: ignore[union-attr]
            return []
        if SliceVerdict.objects.proposed().filter(slice=obj).exists():
            return []
        return [(step, words) for step, (_verdict, for_all, words) in VERDICTS.items() if obj.everywhere or not for_all]

    def verdict_view(self, request: HttpRequest, object_id: str, *, step: str) -> HttpResponse:
        """Propose that what is held is told in the next run, or that it is not told until it changes again."""
        verdict, for_all, words = VERDICTS[step]
        obj = self.found(request, object_id)
        if not request.user.has_perm("deliveries.add_sliceverdict"):  # type: ignore[union-attr]
            raise PermissionDenied
        page = Step(
            title=words,
            button=words,
            done=_("The verdict waits for another person to approve it."),
            act=lambda said: brake.propose_verdict(
                held_slice=obj,
                verdict=verdict,
                reason=said["reason"],
                by=request.user,
                at=timezone.now(),
                for_all=for_all,
            ),
            refusal="" if obj.status == HeldSlice.Status.HELD else self.refusals["NOT_HELD"],
        )
        return self.take(request, obj, page)


@admin.register(SliceVerdict)
class SliceVerdictAdmin(FourEyesAdmin):
    list_display = ["id", "slice_link", "verdict", "how_wide", "reason"]
    list_filter = ["verdict"]
    list_select_related = ["slice__stream__agreement"]
    ordering = ["-id"]
    narrowed_by = ["slice"]
    short = ["id", "verdict", "state", "reason", "prepared_by", "approved_by"]
    moments = ["prepared_at", "approved_at"]
    empty = _("Nothing has been proposed about what the brake holds.")
    view_fields = ["slice_link", "verdict", "how_wide", "reason"]
    refusals = HeldSliceAdmin.refusals

    slice_link = link("slice", _("held slice"))

    @admin.display(description=_("for all streams"))
    def how_wide(self, obj: SliceVerdict) -> Any:
        return _("Yes: all that the run holds of the benefit") if obj.for_all else _("No, for this one alone")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A verdict is proposed on the page of its slice."""
        return False

    def approve_row(self, request: HttpRequest, obj: SliceVerdict, reason: str) -> None:
        brake.approve_verdict(verdict=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: SliceVerdict) -> list[Consequence]:
        slices = brake.concerned(obj).select_related("stream__agreement__customer").order_by("-watches", "pk")
        columns = [_("Stream"), _("Benefit"), _("Watches with news"), _("Usual"), _("Limit")]
        rows = [[str(one.stream), benefit_name(one.benefit), one.watches, one.usual, one.limit] for one in slices]
        imports = [[anchor(one), _changed(one)] for one in brake.taken_up(obj.slice)]
        return [
            Consequence(title=_("What is held"), rows=rows, columns=columns),
            Consequence(title=_("Imports since the night before"), rows=imports),
        ]


def _changed(imported: Import) -> str:
    """How much an import said anew."""
    count = imported.counts.get("touched", 0)
    return ngettext("%(count)s changed section of a person", "%(count)s changed sections of persons", count) % {
        "count": grouped(count)
    }


@admin.register(Debt)
class DebtAdmin(AboutAPerson, ReadOnlyAdmin):
    about = "watch.person_id"
    list_display = [
        "id",
        "state_badge",
        "cause",
        "section_label",
        "watch_link",
        "customer_link",
        "import_link",
        "found_at",
        "waited",
    ]
    list_filter = ["cause", ("settled_at", whether(_("stands"), _("settled"), _("state")))]
    list_select_related = ["watch__stream__agreement__customer"]
    ordering = ["-id"]
    sortable_by = ["id"]
    narrowed_by = ["watch", "watch__stream"]
    short = ["id", "state_badge", "cause", "section_label", "watch_link", "found_at"]
    empty = _("No debt: all that the nights should have told has been told.")
    moments = [("found_at", ""), ("settled_at", "")]
    fields = [
        "state_badge",
        "cause",
        "section_label",
        "watch_link",
        "customer_link",
        "stream_link",
        "import_link",
        "found_at",
        "settled_at",
    ]

    watch_link = link("watch", _("watch"))
    customer_link = link("watch.stream.agreement.customer", _("customer"))
    stream_link = link("watch.stream", _("stream"))
    import_link = named("since_import", _("since import"), import_anchor, ordering=None)

    @admin.display(description=_("state"))
    def state_badge(self, obj: Debt) -> str:
        return badge(_("stands"), ERROR) if obj.settled_at is None else badge(_("settled"), SUCCESS)

    @admin.display(description=_("has waited"))
    def waited(self, obj: Debt) -> str:
        return ago(obj.found_at) if obj.settled_at is None else EMPTY

    @admin.display(description=_("section"), ordering="section")
    def section_label(self, obj: Debt) -> str:
        return section_name(obj.section) if obj.section else str(_("the watch's status"))


@admin.register(DebtCheck)
class DebtCheckAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "status_badge", "ended_at", "figures"]
    list_filter = ["status"]
    date_hierarchy = "started_at"
    fields = ["started_at", "ended_at", "status_badge", "figures"]
    empty = _("No check for delta debt has been made.")

    status_badge = state("status", _("status"), {DebtCheck.Status.DONE: SUCCESS, DebtCheck.Status.RUNNING: INFO})

    @admin.display(description=_("counts"))
    def figures(self, obj: DebtCheck) -> str:
        return counted(obj.counts, FIGURES)


class OrderedRunForm(forms.ModelForm):
    class Meta:
        model = OrderedRun
        fields = ["kind", "cause", "reversal"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "reversal" in self.fields:
            field = cast("forms.ModelChoiceField", self.fields["reversal"])
            field.queryset = uncompensated().select_related("imported")
            field.help_text = _("The wrong import that has been undone: for a compensating run.")


@admin.register(OrderedRun)
class OrderedRunAdmin(FourEyesAdmin):
    """A repair of debts, or what compensates for a wrong import: proposed from the debts, or from the reversal."""

    form = OrderedRunForm
    list_display = ["id", "kind", "cause", "run_link"]
    list_filter = ["kind"]
    list_select_related = ["run", "reversal"]
    ordering = ["-id"]
    narrowed_by = ["reversal", "run"]
    short = ["id", "kind", "state", "cause", "run_link"]
    moments = ["prepared_at", "approved_at"]
    empty = _("No repair and no compensating run has been ordered.")
    view_fields = ["kind", "cause", "reversal_link", "run_link"]
    refusals = {
        "NO_DEBT": _("No debt stands: there is nothing to repair."),
        "NOT_UNDONE": _("Choose a wrong import that has been undone."),
        "ANOTHER_RUNS": _("Another run goes on. Approve again when it has ended."),
    }

    reversal_link = link("reversal", _("reversal"))
    run_link = link("run", _("run"))

    def propose_row(self, request: HttpRequest, obj: OrderedRun) -> None:
        made = ordered.propose_run(
            kind=obj.kind, cause=obj.cause, reversal=obj.reversal, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: OrderedRun, reason: str) -> None:
        run = ordered.approve_run(ordered=obj, by=request.user, at=timezone.now(), reason=reason)
        tasks.hand_out_later(run)

    def consequences(self, request: HttpRequest, obj: OrderedRun) -> list[Consequence]:
        if obj.kind == Run.Kind.REPAIR:
            return [Consequence(_("Debts that stand"), ordered.debts_by_cause(), [_("Cause"), _("Debts")])]
        if obj.reversal is None:
            return []
        disclosures, wrong = reverse("admin:deliveries_disclosure_changelist"), obj.reversal.pk
        rows = []
        for one in ordered.reached(obj.reversal):
            url = f"{disclosures}?{urlencode({'wrong_import': wrong, 'delivery__stream': one.stream.pk})}"
            told = format_html('<a href="{}">{}</a>', url, one.persons)
            rows.append([str(one.stream), one.deliveries, one.fetched, told])
        columns = [_("Stream"), _("Deliveries"), _("Fetched"), _("Persons")]
        return [Consequence(_("What was told of the wrong import"), rows, columns)]


@admin.register(Lag)
class LagAdmin(ReadOnlyAdmin):
    list_display = [
        "since",
        "state_badge",
        "behind",
        "kind",
        "customer_link",
        "stream_link",
        "delivery_link",
        "alerted_at",
        "recovered_at",
    ]
    list_filter = [
        ("recovered_at", whether(_("lags behind"), _("caught up"), _("state"))),
        "kind",
        customer_filter("stream__agreement__customer"),
    ]
    list_select_related = ["stream__agreement__customer", "delivery__stream__agreement"]
    ordering = ["-since", "-id"]
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, or the customer's name.")
    narrowed_by = ["stream", "stream__agreement__customer"]
    short = ["since", "state_badge", "behind", "kind", "delivery_link"]
    empty = _("No customer is behind, and none has been.")
    moments = [("since", ""), ("alerted_at", ""), ("recovered_at", "")]
    fields = [
        "state_badge",
        "behind",
        "kind",
        "customer_link",
        "stream_link",
        "delivery_link",
        "since",
        "alerted_at",
        "recovered_at",
    ]

    @admin.display(description=_("state"), ordering="recovered_at")
    def state_badge(self, obj: Lag) -> str:
        return badge(_("lags behind"), ERROR) if obj.recovered_at is None else badge(_("caught up"), SUCCESS)

    @admin.display(description=_("behind for"))
    def behind(self, obj: Lag) -> str:
        return timesince(obj.since, obj.recovered_at, depth=1)

    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))
    delivery_link = link("delivery", _("oldest delivery behind"))


@admin.register(NoRun)
class NoRunAdmin(RemovableAdmin):
    list_display = ["day", "reason"]
    date_hierarchy = "day"
    empty = _("Every night that is on has its run.")
    removal = _("Have the night run after all")
    removed = _("The night has its run again.")
