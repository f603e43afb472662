"""Agreements, what they cover, their streams, and emergency stops."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lefi.admin import AuditedModelAdmin, VersionedAdmin, link
from lefi.audit.models import Action
from subscriptions.admin.fields import (
    BasisField,
    BenefitField,
    BenefitsField,
    ClassesField,
    PurposeField,
    benefit_name,
    benefit_names,
    class_names,
    purpose_name,
)
from subscriptions.models import Agreement, Block, Scope, Stream


@admin.register(Agreement)
class AgreementAdmin(AuditedModelAdmin):
    list_display = ["code", "customer_link", "status", "valid_from", "valid_to", "number_of_streams"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    search_fields = ["code", "customer__name"]
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer"]
    readonly_fields = ["see_also"]
    leads_to = [
        ("subscriptions.Scope", "agreement", "pk"),
        ("subscriptions.Stream", "agreement", "pk"),
        ("subscriptions.Watch", "stream__agreement", "pk"),
        ("deliveries.Delivery", "stream__agreement", "pk"),
        ("subscriptions.Block", "agreement", "pk"),
    ]

    customer_link = link("customer", _("customer"))

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(streams_of_it=Count("streams"))

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("streams"), ordering="streams_of_it")
    def number_of_streams(self, obj) -> int:
        return obj.streams_of_it


class ScopeForm(forms.ModelForm):
    basis_code = BasisField()
    purpose = PurposeField()
    benefits = BenefitsField()
    classes = ClassesField()

    class Meta:
        model = Scope
        fields = ["agreement", "basis_code", "purpose", "benefits", "classes", "look_back_days"]

    def clean(self) -> dict[str, Any]:
        """Number the version: what an agreement covered before stays as it was."""
        data = super().clean() or self.cleaned_data
        same = Scope.objects.filter(agreement=data.get("agreement"), purpose=data.get("purpose", ""))
        self.instance.version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
        return data


@admin.register(Scope)
class ScopeAdmin(VersionedAdmin):
    form = ScopeForm
    list_display = ["__str__", "agreement_link", "purpose_label", "version", "basis_code", "benefit_labels"]
    list_select_related = ["agreement"]
    list_filter = ["basis_code"]
    search_fields = ["agreement__code"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement"]
    view_fields = [
        "agreement_link",
        "purpose_label",
        "version",
        "basis_code",
        "benefit_labels",
        "class_labels",
        "look_back_days",
        "next_version",
    ]

    agreement_link = link("agreement", _("agreement"))

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Scope) -> str:
        return purpose_name(obj.purpose)

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: Scope) -> str:
        return benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: Scope) -> str:
        return class_names(obj.classes)


class StreamForm(forms.ModelForm):
    purpose = PurposeField()

    class Meta:
        model = Stream
        fields = ["agreement", "purpose", "channel"]


@admin.register(Stream)
class StreamAdmin(VersionedAdmin):
    """Opened here or by an order; its mark moves with releases and never otherwise."""

    form = StreamForm
    list_display = [
        "__str__",
        "customer_link",
        "agreement_link",
        "channel",
        "last_number",
        "examined_import",
        "examined_day",
        "closed",
    ]
    list_filter = ["channel", "closed"]
    list_select_related = ["agreement__customer"]
    search_fields = ["agreement__code", "agreement__customer__name"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "agreement__customer"]
    leads_to = [
        ("subscriptions.Watch", "stream", "pk"),
        ("subscriptions.Order", "stream", "pk"),
        ("deliveries.Delivery", "stream", "pk"),
        ("deliveries.StreamRun", "stream", "pk"),
        ("subscriptions.Pending", "watch__stream", "pk"),
    ]
    view_fields = [
        "customer_link",
        "agreement_link",
        "purpose_label",
        "channel",
        "last_number",
        "last_sha256",
        "examined_import",
        "examined_law",
        "examined_day",
        "closed",
        "see_also",
    ]

    customer_link = link("agreement.customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Stream) -> str:
        return purpose_name(obj.purpose)


class BlockForm(forms.ModelForm):
    basis_code = BasisField(required=False)
    benefit = BenefitField(required=False)

    class Meta:
        model = Block
        fields = ["customer", "agreement", "basis_code", "benefit", "reason"]

    def save(self, commit: bool = True) -> Block:
        self.instance.set_at = timezone.now()
        return super().save(commit)


@admin.register(Block)
class BlockAdmin(VersionedAdmin):
    """A block holds from the moment it is saved; afterwards it can only be lifted."""

    form = BlockForm
    list_display = [
        "__str__",
        "customer_link",
        "agreement_link",
        "basis_code",
        "benefit_label",
        "set_at",
        "lifted_at",
    ]
    list_filter = [("lifted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["customer", "agreement"]
    ordering = ["-set_at"]
    autocomplete_fields = ["customer", "agreement"]
    narrowed_by = ["customer", "agreement"]
    actions = ["lift"]
    view_fields = [
        "customer_link",
        "agreement_link",
        "basis_code",
        "benefit_label",
        "reason",
        "set_at",
        "lifted_at",
    ]

    customer_link = link("customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))

    @admin.display(description=_("benefit"), ordering="benefit")
    def benefit_label(self, obj: Block) -> str:
        return benefit_name(obj.benefit) if obj.benefit else "-"

    @admin.action(description=_("Lift the selected blocks"), permissions=["lift"])
    def lift(self, request, blocks):
        standing = list(blocks.filter(lifted_at=None))
        for block in standing:
            self.record(request, Action.CHANGE, block, ["lifted_at"])
        blocks.filter(lifted_at=None).update(lifted_at=timezone.now())
        text = ngettext("%d block was lifted.", "%d blocks were lifted.", len(standing))
        self.message_user(request, text % len(standing), messages.SUCCESS)

    def has_lift_permission(self, request) -> bool:
        return request.user.has_perm("subscriptions.change_block")
