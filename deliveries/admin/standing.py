"""Watches that should perhaps be ended, and lists of watches that customers have sent to be compared."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, counted, person_anchor
from deliveries import standing
from deliveries.models import ClosingProposal, Reconciliation, ReconciliationLine
from lefi.admin import ReadOnlyAdmin, Step, link
from lefi.admin.columns import ERROR, INFO, SUCCESS, WARNING, age, badge, named, state
from lefi.admin.filters import DaysFilter, whether
from lefi.audit.models import Action, record
from subscriptions.admin.fields import benefit_name, customer_filter, in_words, why

COUNTS = {"EQUAL": _("alike"), **dict(ReconciliationLine.Kind.choices)}

FIGURES = {"EQUAL": _("equal"), **{one.value: one.label for one in ReconciliationLine.Kind}}


@admin.register(ClosingProposal)
class ClosingProposalAdmin(AboutAPerson, ReadOnlyAdmin):
    about = "watch.person_id"
    list_display = [
        "id",
        "state_badge",
        "why",
        "waited",
        "benefit_words",
        "customer_link",
        "watch_link",
        "told_at",
        "kept_until",
    ]
    list_filter = [
        "reason",
        "detail",
        ("told_at", whether(_("not told"), _("told"), _("customer told"))),
        ("kept_until", whether(_("not answered"), _("to be kept"), _("answer"))),
        customer_filter("watch__stream__agreement__customer"),
    ]
    list_select_related = ["watch__stream__agreement__customer"]
    ordering = ["since", "id"]
    sortable_by = ["since"]
    short = ["id", "state_badge", "why", "since", "watch_link"]
    empty = _("There is no watch that should perhaps be ended.")
    moments = [("since", ""), ("noted_at", ""), ("told_at", "")]
    narrowed_by = ["watch", "watch__stream", "watch__stream__agreement__customer"]
    fields = [
        "state_badge",
        "why",
        "since",
        "person_link",
        "benefit_label",
        "customer_link",
        "stream_link",
        "watch_link",
        "noted_at",
        "told_at",
        "kept_until",
        "kept_why",
        "kept_by",
    ]
    refusals = {"NOTHING_TO_TELL": _("The customer has been told of all watches to close in the stream.")}

    customer_link = link("watch.stream.agreement.customer", _("customer"))
    stream_link = link("watch.stream", _("stream"))
    watch_link = link("watch", _("watch"))
    person_link = named("watch.person", _("person"), person_anchor, ordering=None)
    benefit_label = named("watch.benefit", _("benefit"), benefit_name, ordering=None)
    benefit_words = in_words("watch.benefit")
    waited = age("since", _("since"))

    @admin.display(description=_("why"))
    def why(self, obj: ClosingProposal) -> str:
        return obj.get_detail_display() if obj.detail else obj.get_reason_display()

    @admin.display(description=_("state"))
    def state_badge(self, obj: ClosingProposal) -> str:
        if obj.kept_until is not None and obj.kept_until >= timezone.localdate():
            return badge(_("to be kept"), SUCCESS)
        return badge(_("customer told"), INFO) if obj.told_at else badge(_("not told"), WARNING)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.tell_view)
        return [
            path("<path:object_id>/tell/", view, name="deliveries_closingproposal_tell"),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: Any) -> Any:
        return [("tell", _("Tell the customer"))] if self.may(request, "change") and obj.told_at is None else []

    def tell_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Tell the customer how many watches there are to look at in the stream of a proposal's watch."""
        obj = self.found(request, object_id)
        if not self.may(request, "change"):
            raise PermissionDenied
        step = Step(
            title=_("Tell the customer of all watches to close in the stream"),
            button=_("Tell the customer"),
            done=_("The customer has been told."),
            act=lambda said: _tell(request, obj, said["reason"]),
        )
        return self.take(request, obj, step)


def _tell(request: HttpRequest, obj: ClosingProposal, reason: str) -> None:
    standing.tell_customer(stream=obj.watch.stream, day=timezone.localdate(), at=timezone.now())
    record(
        action=Action.SEND,
        object_type=obj._meta.label_lower,
        object_id=obj.pk,
        actor=request.user,
        reason=reason,
        stream=obj.watch.stream_id,
    )


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """Its lines are the customer's, and are had through the API and the portal alone."""

    list_display = [
        "id",
        "status_badge",
        "received_at",
        "sent_by",
        "customer_link",
        "stream_link",
        "count_words",
        "refusal_words",
        "repair_link",
    ]
    list_filter = [("received_at", DaysFilter), "status", customer_filter("stream__agreement__customer")]
    list_select_related = ["stream__agreement__customer", "repair__stream__agreement", "sent_by"]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["=client", "stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, the customer's name, or the id of a system.")
    narrowed_by = ["stream", "stream__agreement", "stream__agreement__customer"]
    short = ["id", "status_badge", "received_at", "stream_link", "count_words"]
    empty = _("No customer has sent a list to be compared.")
    moments = [("received_at", "sent_by"), ("done_at", "")]
    technical = ["form", "size_words", "sha256"]
    fields = [
        "customer_link",
        "stream_link",
        "sent_by",
        "client",
        "status_badge",
        "refusal_words",
        "refused_at_row",
        "count_words",
        "as_of_delivery",
        "received_at",
        "done_at",
        "repair_link",
        "form",
        "size_words",
        "sha256",
    ]

    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))
    repair_link = link("repair", _("repairing order"))

    size_words = named("size", _("size"), filesizeformat)
    refusal_words = why("refusal", _("why not"))
    status_badge = state(
        "status",
        _("status"),
        {
            Reconciliation.Status.WAITING: INFO,
            Reconciliation.Status.DONE: SUCCESS,
            Reconciliation.Status.REFUSED: ERROR,
        },
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._named(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._named(request, super().get_fields(request, obj))

    def _named(self, request: HttpRequest, names: Any) -> list[Any]:
        """Leave out who at the customer sent it for those who see no people."""
        sees = request.user.has_perm("accounts.view_user")  # type: ignore[union-attr]
        return [one for one in names if sees or one != "sent_by"]

    @admin.display(description=_("differences"))
    def count_words(self, obj: Reconciliation) -> str:
        return counted(obj.counts, FIGURES)
