"""What agreements cover, in versions, and the streams of deliveries that run under them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lefi.admin import Consequence, FourEyesAdmin, VersionedAdmin, link
from lefi.admin.columns import EMPTY, SUCCESS, badge
from lefi.admin.filters import one_of
from subscriptions.admin.fields import (
    BasisField,
    BenefitsField,
    ClassesField,
    PurposeField,
    basis_choices,
    basis_link,
    basis_words,
    benefit_labels,
    benefit_names,
    class_labels,
    class_names,
    customer_filter,
    purpose_label,
    purpose_name,
    titled,
)
from subscriptions.models import Scope, Stream, Watch
from subscriptions.scopes import Difference, approve_scope, change_scope, in_force_for, open_stream, scope_difference


def difference(scope: Scope, old: Scope | None) -> Consequence:
    """What a version of a scope covers that the one before did not, and the other way about."""
    change = scope_difference(old, scope)
    title = _("What it changes: %(purpose)s") % {"purpose": purpose_name(scope.purpose)}
    return Consequence(title, list(_rows(change)), columns=[_("What"), _("Falls away"), _("Is added")])


def _rows(change: Difference) -> Iterator[list[Any]]:
    if change.basis[0] != change.basis[1]:
        yield [_("legal basis"), change.basis[0] or EMPTY, change.basis[1]]
    if change.benefits_gained or change.benefits_lost:
        yield [_("benefits"), benefit_names(change.benefits_lost), benefit_names(change.benefits_gained)]
    if change.classes_gained or change.classes_lost:
        yield [_("field classes"), class_names(change.classes_lost), class_names(change.classes_gained)]
    before, after = change.look_back
    if before != after:
        yield [_("longest look-back in days"), EMPTY if before is None else before, after]


class ScopeForm(forms.ModelForm):
    basis_code = BasisField()
    purpose = PurposeField()
    benefits = BenefitsField()
    classes = ClassesField()

    class Meta:
        model = Scope
        fields = ["agreement", "basis_code", "purpose", "benefits", "classes", "look_back_days"]


@admin.register(Scope)
class ScopeAdmin(FourEyesAdmin):
    """Versions. One that only narrows holds at once; any other is proposed, and approved by a second person."""

    form = ScopeForm
    list_display = ["purpose_label", "version", "agreement_link", "customer_link", "basis_words", "benefit_labels"]
    list_select_related = ["agreement__customer"]
    list_filter = [one_of("basis_code", _("legal basis"), basis_choices)]
    ordering = ["agreement__code", "purpose", "-version"]
    sortable_by = ["purpose_label", "agreement_link", "basis_words"]
    search_fields = ["agreement__code", "agreement__customer__name", "^basis_code"]
    search_help_text = _("The agreement's code, the customer's name, or the code of a legal basis.")
    short = ["purpose_label", "version", "state", "basis_words", "benefit_labels"]
    moments = ["prepared_at", "approved_at"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "basis_code"]
    view_fields = [
        "agreement_link",
        "customer_link",
        "purpose_label",
        "version",
        "basis",
        "benefit_labels",
        "class_labels",
        "look_back_days",
        "narrows",
        "next_version",
    ]

    agreement_link = link("agreement", _("agreement"))
    customer_link = link("agreement.customer", _("customer"))
    basis = basis_link
    basis_words = basis_words
    purpose_label = purpose_label
    benefit_labels = benefit_labels
    class_labels = class_labels

    def get_queryset(self, request: HttpRequest) -> Any:
        return titled(super().get_queryset(request))

    def propose_row(self, request: HttpRequest, obj: Scope) -> None:
        """The service says whether the values narrow, and so hold at once, or wait for a second person."""
        values = {
            "basis_code": obj.basis_code,
            "benefits": obj.benefits,
            "classes": obj.classes,
            "look_back_days": obj.look_back_days,
        }
        made = change_scope(
            agreement=obj.agreement, purpose=obj.purpose, values=values, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk
        obj.refresh_from_db()
        if made.in_effect:
            messages.info(request, _("It only narrows what the agreement covers, and holds from now."))
        else:
            messages.info(request, _("It is proposed, and holds once a second person has approved it."))

    def approve_row(self, request: HttpRequest, obj: Scope, reason: str) -> None:
        approve_scope(scope=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: Scope) -> Iterable[Consequence]:  # type: ignore[override]
        watches = Watch.objects.open().filter(stream__agreement=obj.agreement_id, stream__purpose=obj.purpose)
        return [
            difference(obj, in_force_for(obj.agreement, obj.purpose)),
            Consequence(_("Whom it is about"), [[_("Open watches"), watches.count()]]),
        ]


class StreamForm(forms.ModelForm):
    purpose = PurposeField()

    class Meta:
        model = Stream
        fields = ["agreement", "purpose", "channel"]


@admin.register(Stream)
class StreamAdmin(VersionedAdmin):
    """Opened with the agreement, or here for a further channel; its mark moves with releases and never otherwise."""

    form = StreamForm
    few = True
    list_display = [
        "purpose_label",
        "channel",
        "agreement_link",
        "customer_link",
        "last_number",
        "examined_day",
        "examined_import",
        "state_badge",
    ]
    list_filter = [
        one_of("closed", _("state"), lambda: [("0", _("open")), ("1", _("closed"))]),
        "channel",
        customer_filter("agreement__customer"),
    ]
    list_select_related = ["agreement__customer"]
    ordering = ["agreement__code", "purpose", "channel"]
    search_fields = ["agreement__code", "agreement__customer__name", "agreement__customer__organisation_number"]
    search_help_text = _("The agreement's code, or the customer's name or organisation number.")
    short = ["purpose_label", "channel", "agreement_link", "last_number", "examined_day", "state_badge"]
    empty = _("No stream yet. They are opened with agreements.")
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "agreement__customer"]
    leads_to = [
        ("deliveries.Delivery", "stream", "pk"),
        ("deliveries.StreamRun", "stream", "pk"),
        ("subscriptions.Order", "stream", "pk"),
        ("deliveries.Lag", "stream", "pk"),
        ("deliveries.HeldSlice", "stream", "pk"),
        ("subscriptions.Watch", "stream", "pk"),
        ("subscriptions.Pending", "watch__stream", "pk"),
        ("deliveries.Debt", "watch__stream", "pk"),
        ("deliveries.Receipt", "stream", "pk"),
        ("deliveries.Reconciliation", "stream", "pk"),
        ("deliveries.Checkpoint", "stream", "pk"),
    ]
    technical = ["last_sha256", "examined_law"]
    view_fields = [
        "customer_link",
        "agreement_link",
        "purpose_label",
        "channel",
        "state_badge",
        "last_number",
        "examined_import",
        "examined_day",
        "examined_law",
        "last_sha256",
    ]

    customer_link = link("agreement.customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))
    purpose_label = purpose_label

    @admin.display(description=_("state"), ordering="closed")
    def state_badge(self, obj: Stream) -> str:
        return badge(_("closed")) if obj.closed else badge(_("open"), SUCCESS)

    def save_model(self, request: HttpRequest, obj: Stream, form: Any, change: bool) -> None:
        made = open_stream(
            agreement=obj.agreement, purpose=obj.purpose, channel=obj.channel, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""
