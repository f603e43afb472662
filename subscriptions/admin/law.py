"""The law as rows: legal bases, the data owners' approvals, consents, and the log of changes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import person_anchor
from benefits.identity import IdentityError, parse
from benefits.services import person_of
from lefi.admin import AboutAPerson, AuditedModelAdmin, ReadOnlyAdmin, VersionedAdmin, link
from lefi.languages import language
from subscriptions.admin.fields import (
    BasisField,
    BenefitField,
    BenefitsField,
    ClassesField,
    LinesField,
    PurposeField,
    benefit_name,
    benefit_names,
    class_names,
    kind_name,
    lines,
    purpose_name,
)
from subscriptions.models import Consent, LawChange, LegalBasis, OwnerApproval


class LegalBasisForm(forms.ModelForm):
    citations = LinesField(label=_("Citations"))
    recipient_kinds = LinesField(label=_("Recipient kinds"), required=False)
    needs = LinesField(label=_("References needed"), required=False)
    owners = LinesField(label=_("Data owners"))
    benefits = BenefitsField(required=False, help_text=_("Empty: as the agreement says."))
    classes = ClassesField(required=False)
    agreement_classes = ClassesField(label=_("Field classes that the agreement must name"), required=False)
    outcomes = LinesField(label=_("Outcomes"), required=False)
    ours = LinesField(label=_("Our own choices"), required=False)

    class Meta:
        model = LegalBasis
        fields = [
            "code",
            "title_sv",
            "title_en",
            "citations",
            "recipient_kinds",
            "purpose",
            "valid_from",
            "valid_to",
            "status",
            "service",
            "consent_needed",
            "needs",
            "owners",
            "benefits",
            "classes",
            "agreement_classes",
            "outcomes",
            "fee",
            "use_instead",
            "note_sv",
            "note_en",
            "ours",
        ]

    def clean_benefits(self) -> list[str] | None:
        return self.cleaned_data["benefits"] or None

    def clean(self) -> dict[str, Any]:
        """Number the version: what held before stays as it was."""
        data = super().clean() or self.cleaned_data
        same = LegalBasis.objects.filter(code=data.get("code", ""))
        self.instance.version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
        return data


@admin.register(LegalBasis)
class LegalBasisAdmin(VersionedAdmin):
    form = LegalBasisForm
    list_display = [
        "code",
        "version",
        "title",
        "status",
        "service",
        "purpose_label",
        "valid_from",
        "valid_to",
    ]
    list_filter = ["status", "service", "consent_needed"]
    search_fields = ["code", "title_sv", "title_en", "purpose"]
    view_fields = [
        "code",
        "version",
        "title_sv",
        "title_en",
        "citation_lines",
        "kind_labels",
        "purpose_label",
        "valid_from",
        "valid_to",
        "status",
        "service",
        "consent_needed",
        "need_lines",
        "owner_lines",
        "benefit_labels",
        "class_labels",
        "agreement_class_labels",
        "outcome_lines",
        "fee",
        "use_instead",
        "note_sv",
        "note_en",
        "ours_lines",
        "next_version",
        "see_also",
    ]
    leads_to = [
        ("subscriptions.Scope", "basis_code", "code"),
        ("subscriptions.OwnerApproval", "basis_code", "code"),
    ]

    @admin.display(description=_("title"))
    def title(self, obj: LegalBasis) -> str:
        return obj.title_en if language() == "en" else obj.title_sv

    citation_lines = lines("citations", _("citations"))
    need_lines = lines("needs", _("references needed"))
    owner_lines = lines("owners", _("data owners"))
    outcome_lines = lines("outcomes", _("outcomes"))
    ours_lines = lines("ours", _("our own choices"))

    @admin.display(description=_("recipient kinds"))
    def kind_labels(self, obj: LegalBasis) -> str:
        return ", ".join(map(kind_name, obj.recipient_kinds)) or "-"

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: LegalBasis) -> str:
        return purpose_name(obj.purpose) or "-"

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: LegalBasis) -> Any:
        return _("as the agreement says") if obj.benefits is None else benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: LegalBasis) -> str:
        return class_names(obj.classes)

    @admin.display(description=_("field classes that the agreement must name"))
    def agreement_class_labels(self, obj: LegalBasis) -> str:
        return class_names(obj.agreement_classes)


class OwnerApprovalForm(forms.ModelForm):
    basis_code = BasisField()
    benefit = BenefitField()

    class Meta:
        model = OwnerApproval
        fields = ["owner", "basis_code", "benefit", "valid_from", "valid_to"]


@admin.register(OwnerApproval)
class OwnerApprovalAdmin(AuditedModelAdmin):
    form = OwnerApprovalForm
    list_display = ["owner", "basis_code", "benefit_label", "valid_from", "valid_to"]
    list_display_links = ["benefit_label"]
    list_filter = ["owner", "basis_code"]
    ordering = ["owner", "basis_code", "benefit"]
    search_fields = ["basis_code", "benefit"]

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("benefit"), ordering="benefit")
    def benefit_label(self, obj: OwnerApproval) -> str:
        return benefit_name(obj.benefit)


class ConsentForm(forms.ModelForm):
    """Whom it is about is given by number, in the form and never in an address."""

    identity_number = forms.CharField(label=_("Identity number"), max_length=13)
    purpose = PurposeField()
    benefits = BenefitsField()
    classes = ClassesField()

    class Meta:
        model = Consent
        fields = [
            "customer",
            "purpose",
            "benefits",
            "classes",
            "valid_from",
            "valid_to",
            "given_on",
            "evidence",
        ]

    def clean_identity_number(self) -> str:
        try:
            number = parse(self.cleaned_data["identity_number"], on=timezone.localdate()).number
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an identity number.")) from error
        person = person_of(number)
        if person is None:
            raise forms.ValidationError(_("Nobody here holds this identity number."))
        self.instance.person = person
        return number


@admin.register(Consent)
class ConsentAdmin(AboutAPerson, AuditedModelAdmin):
    """Registered as given; afterwards it can be ended or withdrawn, and nothing else of it changes."""

    list_display = [
        "id",
        "person_link",
        "customer_link",
        "purpose_label",
        "valid_from",
        "valid_to",
        "withdrawn_at",
    ]
    list_filter = [("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["person", "customer"]
    ordering = ["-id"]
    search_fields = ["evidence", "customer__name"]
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer", "person"]

    customer_link = link("customer", _("customer"))

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change, **kwargs | ({} if obj else {"form": ConsentForm}))

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["identity_number", *ConsentForm.Meta.fields]
        return [*self.get_readonly_fields(request, obj), "valid_to", "withdrawn_at"]

    def get_readonly_fields(self, request, obj=None):
        if obj is None:
            return []
        return [
            "person_link",
            "customer_link",
            "purpose_label",
            "benefit_labels",
            "class_labels",
            "valid_from",
            "given_on",
            "evidence",
        ]

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("person"))
    def person_link(self, obj: Consent) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Consent) -> str:
        return purpose_name(obj.purpose)

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: Consent) -> str:
        return benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: Consent) -> str:
        return class_names(obj.classes)


@admin.register(LawChange)
class LawChangeAdmin(ReadOnlyAdmin):
    list_display = ["id", "at", "kind", "customer_id", "agreement_id", "stream_id", "basis_code", "benefit"]
    list_filter = ["kind"]
