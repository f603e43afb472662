"""What was erased and by which rule, what is due next, and the legal holds that keep things from being erased."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, counted, person_anchor
from deliveries import holds, retention
from deliveries.admin.opened import person_opened
from deliveries.models import Checkpoint, HoldLift, LegalHold, Purge
from lefi.admin import FourEyesAdmin, ReadOnlyAdmin, VersionedAdmin, link, named_only
from lefi.admin.columns import WARNING, badge

REASONS = {
    "REASON_MISSING": _("A reason is needed."),
    "REASON_TOO_LONG": _("The reason is too long."),
    "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
}
KINDS = dict(Purge.Kind.choices)
ERASED = {"things": _("things"), "rows": _("rows"), "touched": _("notes of what imports touched")}


@admin.register(Purge)
class PurgeAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "counts_text", "before", "decision", "who"]
    list_filter = ["kind"]
    list_select_related = ["by"]
    date_hierarchy = "at"
    ordering = ["-at", "-id"]
    search_fields = ["decision"]
    search_help_text = _("The agency's decision.")
    change_list_template = "admin/deliveries/purge/change_list.html"
    fields = ["at", "kind", "counts_text", "before", "oldest", "newest", "reference", "decision", "who"]
    empty = _("Nothing has been erased.")

    @admin.display(description=_("counts"))
    def counts_text(self, obj: Purge) -> str:
        return counted(obj.counts, ERASED)

    @admin.display(description=_("by"))
    def who(self, obj: Purge) -> str:
        return str(obj.by or obj.client or _("the system"))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [path("due/", view(self.due_view), name="deliveries_purge_due"), *super().get_urls()]

    def due_view(self, request: HttpRequest) -> HttpResponse:
        """What the next erasure would erase, kind by kind, and what a hold keeps."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("What is due to be erased"),
            "rows": [(KINDS[one.kind], one) for one in retention.expected(timezone.now())],
            "decision": retention.decision(),
        }
        return TemplateResponse(request, "admin/deliveries/purge/due.html", context)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    list_display = ["made_at", "customer_link", "stream_link", "number", "watches"]
    list_select_related = ["stream__agreement__customer"]
    ordering = ["-made_at", "-id"]
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, or the customer's name.")
    narrowed_by = ["stream"]
    fields = ["customer_link", "stream_link", "number", "watches", "made_at", "key_link", "sha256", "jws"]
    technical = ["sha256", "jws"]
    empty = _("No checkpoint has been needed.")

    stream_link = link("stream", _("stream"))
    customer_link = link("stream.agreement.customer", _("customer"))
    key_link = link("key", _("key"))


class HoldForm(forms.ModelForm):
    """A person who is held is the one whose page the reader comes from, and never in the form."""

    class Meta:
        model = LegalHold
        fields = ["customer", "stream", "everything", "reason"]


@admin.register(LegalHold)
class LegalHoldAdmin(AboutAPerson, VersionedAdmin):
    """Set at once by one of the staff; lifted by two."""

    form = HoldForm
    list_display = ["set_at", "state_badge", "scope", "reason", "set_by"]
    list_select_related = ["person", "customer", "stream__agreement", "set_by"]
    ordering = ["-id"]
    narrowed_by = ["person", "customer", "stream"]
    leads_to = [("deliveries.HoldLift", "hold", "pk")]
    short = ["set_at", "state_badge", "scope", "reason"]
    moments = ["set_at"]
    empty = _("Nothing is kept from being erased.")
    view_fields = ["state_badge", "scope", "reason", "set_by", "set_at", "lift"]
    refusals = REASONS | {"SCOPE": _("A hold is of one person, one stream, one customer or everything.")}

    @admin.display(description=_("what is held"))
    def scope(self, obj: LegalHold) -> Any:
        if obj.person is not None:
            return person_anchor(obj.person)
        return obj.customer or obj.stream or _("everything")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        lifted = HoldLift.objects.approved().filter(hold=OuterRef("pk"))
        return super().get_queryset(request).annotate(lifted=Exists(lifted))

    @admin.display(description=_("state"), ordering="lifted")
    def state_badge(self, obj: Any) -> str:
        return badge(_("lifted")) if obj.lifted else badge(_("in force"), WARNING)

    @admin.display(description=_("lift"))
    def lift(self, obj: LegalHold) -> str:
        url = reverse("admin:deliveries_holdlift_add")
        return format_html('<a href="{}?hold={}">{}</a>', url, obj.pk, _("Propose that it be lifted"))

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        person = person_opened(request)
        made = holds.set_hold(
            person=person,
            stream=obj.stream,
            customer=obj.customer,
            everything=obj.everything,
            reason=obj.reason,
            by=request.user,
            at=timezone.now(),
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service that set it has logged it."""


class LiftForm(forms.ModelForm):
    class Meta:
        model = HoldLift
        fields = ["hold", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named_only(self, "hold", LegalHold.objects.all())


@admin.register(HoldLift)
class HoldLiftAdmin(AboutAPerson, FourEyesAdmin):
    form = LiftForm
    list_display = ["id", "hold_link", "reason"]
    list_select_related = ["hold"]
    ordering = ["-id"]
    narrowed_by = ["hold"]
    short = ["id", "state", "reason", "prepared_by", "approved_by"]
    moments = ["prepared_at", "approved_at"]
    empty = _("No hold has been lifted.")
    view_fields = ["hold_link", "reason"]
    refusals = REASONS | {"ALREADY_LIFTED": _("The hold is lifted already, or that is proposed.")}

    hold_link = link("hold", _("legal hold"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which hold it is about is chosen on that hold's page."""
        if request.method == "GET" and "hold" not in request.GET:
            words = _("Open the hold, and propose it from there.")
            url = reverse("admin:deliveries_legalhold_changelist")
            messages.warning(request, format_html('<a href="{}">{}</a>', url, words))
        return super().add_view(request, form_url, {"show_save_and_add_another": False, **(extra_context or {})})

    def propose_row(self, request: HttpRequest, obj: HoldLift) -> None:
        made = holds.propose_lift(held=obj.hold, reason=obj.reason, by=request.user, at=timezone.now())
        obj.pk = made.pk
