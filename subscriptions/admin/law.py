"""The law as rows: legal bases, the data owners' approvals, and the log of changes."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import owner_name
from lefi.admin import Consequence, FourEyesAdmin, ReadOnlyAdmin, ReasonForm, Step, anchor
from lefi.admin.columns import EMPTY, ERROR, SUCCESS, WARNING, in_language, state
from lefi.admin.filters import DaysFilter, one_of
from lefi.languages import language
from subscriptions import bases
from subscriptions.admin.fields import (
    BasisField,
    BenefitField,
    BenefitFilter,
    BenefitsField,
    ClassesField,
    LinesField,
    basis_choices,
    basis_link,
    basis_words,
    benefit_label,
    benefit_names,
    class_names,
    kind_name,
    purpose_name,
    titled,
)
from subscriptions.lawwords import citation_url
from subscriptions.models import Agreement, Customer, LawChange, LegalBasis, OwnerApproval, Stream

REFUSALS = {
    "VERSION_TAKEN": _("Somebody else has just proposed a version with this number. Look at it, then save again."),
    "START_MISSING": _("Say from which day the new version holds: without it the version would never take effect."),
    "END_MISSING": _("A closed basis says on which day it was last in force."),
    "OVERTAKEN": _("A later version of the basis holds already."),
    "APPROVAL_NOT_IN_EFFECT": _("The approval is not in effect."),
    "APPROVAL_END_PAST": _("The last day is yesterday at the earliest, and none before the first."),
    "APPROVAL_END_LATER": _("The approval ends on that day or sooner already."),
}
NEEDS = {"case_reference": _("a case for each watch"), "need_reference": _("a need for each watch")}
OUTCOMES = {"granted": _("benefit granted"), "refused": _("benefit refused")}


def _field_name(name: str) -> str:
    """What a column of a basis is called; the name itself if it is of another time."""
    known = {field.name: field for field in LegalBasis._meta.fields}
    return str(known[name].verbose_name) if name in known else name


def _named(names: Callable[[str], Any]) -> Callable[[Any], str]:
    """What shows a list of codes by their names."""
    return lambda codes: ", ".join(str(names(code)) for code in codes or ()) or EMPTY


# How the values of a basis's columns are shown.
SHOWN: dict[str, Callable[[Any], str]] = {
    "recipient_kinds": _named(kind_name),
    "needs": _named(lambda code: NEEDS.get(code, code)),
    "owners": _named(owner_name),
    "outcomes": _named(lambda code: OUTCOMES.get(code, code)),
    "ours": _named(_field_name),
    "purpose": purpose_name,
    "benefits": benefit_names,
    "classes": class_names,
    "agreement_classes": class_names,
}


def affected_rows(affected: bases.Affected) -> list[list[Any]]:
    """A row for each agreement: itself, its customer and how many open watches, which leads to them."""
    watches = reverse("admin:subscriptions_watch_changelist")
    return [
        [
            anchor(one.agreement),
            anchor(one.customer),
            format_html(
                '<a href="{}?{}">{}</a>',
                watches,
                urlencode({"stream__agreement": one.agreement.pk, "ended_at__isempty": 1}),
                one.watches,
            ),
        ]
        for one in affected.agreements
    ]


def affected_part(affected: bases.Affected) -> Consequence:
    return Consequence(
        title=_("Agreements affected, with %(watches)s open watches") % {"watches": affected.watches},
        columns=[_("Agreement"), _("Customer"), _("Open watches")],
        rows=affected_rows(affected),
        none=_("No agreement rests on it."),
    )


def _demand_order(form: forms.ModelForm, data: dict[str, Any]) -> None:
    starts, ends = data.get("valid_from"), data.get("valid_to")
    if starts and ends and ends < starts:
        form.add_error("valid_to", _("The last day is before the first."))


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
        fields = ["code", *bases.FIELDS]

    def clean_benefits(self) -> list[str] | None:
        return self.cleaned_data["benefits"] or None

    def clean(self) -> dict[str, Any]:
        """Number the version: what held before stays as it was."""
        data = super().clean() or self.cleaned_data
        if data.get("status") == LegalBasis.Status.CLOSED and data.get("valid_to") is None:
            self.add_error("valid_to", REFUSALS["END_MISSING"])
        _demand_order(self, data)
        same = LegalBasis.objects.filter(code=data.get("code", ""))
        self.instance.version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
        return data


def shown(name: str) -> Callable[..., str]:
    """A column that shows a list of codes by their names."""

    @admin.display(description=LegalBasis._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    def column(self: admin.ModelAdmin, obj: LegalBasis) -> str:
        return SHOWN[name](getattr(obj, name))

    return column


@admin.register(LegalBasis)
class LegalBasisAdmin(FourEyesAdmin):
    """Versions, each proposed by one and approved by another, who first sees what it changes and for whom."""

    form = LegalBasisForm
    refusals = REFUSALS
    list_display = ["code", "version", "title", "status_badge", "service", "valid_from", "valid_to"]
    list_filter = ["status", "service", "consent_needed"]
    ordering = ["code", "-version"]
    search_fields = ["code", "title_sv", "title_en"]
    search_help_text = _("The code of a basis, or words of its title.")
    short = ["version", "status_badge", "valid_from", "valid_to", "state", "approved_by"]
    narrowed_by = ["code"]
    moments = ["prepared_at", "approved_at"]
    view_fields = [
        "code",
        "version",
        "swedish_title",
        "english_title",
        "status_badge",
        "citation_lines",
        "kind_labels",
        "purpose_label",
        "valid_from",
        "valid_to",
        "service",
        "consent_needed",
        "need_labels",
        "owner_labels",
        "benefit_labels",
        "class_labels",
        "agreement_class_labels",
        "outcome_labels",
        "fee",
        "protection",
        "protection_days",
        "reconfirm_days",
        "use_instead",
        "swedish_note",
        "english_note",
        "ours_labels",
        "next_version",
    ]
    leads_to = [
        ("subscriptions.LegalBasis", "code", "code"),
        ("subscriptions.Scope", "basis_code", "code"),
        ("subscriptions.OwnerApproval", "basis_code", "code"),
        ("deliveries.StoredDecision", "basis_code", "code"),
    ]
    status_badge = state(
        "status",
        _("status"),
        {
            LegalBasis.Status.ACTIVE: SUCCESS,
            LegalBasis.Status.DRAFT: WARNING,
            LegalBasis.Status.CLOSED: ERROR,
        },
    )

    @admin.display(description=_("title"))
    def title(self, obj: LegalBasis) -> str:
        return obj.title_en if language() == "en" else obj.title_sv

    swedish_title = in_language("sv", "title_sv", _("title in Swedish"))
    english_title = in_language("en", "title_en", _("title in English"))
    swedish_note = in_language("sv", "note_sv", _("note in Swedish"))
    english_note = in_language("en", "note_en", _("note in English"))
    need_labels = shown("needs")
    owner_labels = shown("owners")
    outcome_labels = shown("outcomes")
    ours_labels = shown("ours")

    @admin.display(description=_("citations"))
    def citation_lines(self, obj: LegalBasis) -> str:
        return citation_links(obj.citations)

    @admin.display(description=_("recipient kinds"))
    def kind_labels(self, obj: LegalBasis) -> str:
        return ", ".join(map(kind_name, obj.recipient_kinds)) or EMPTY

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: LegalBasis) -> str:
        return purpose_name(obj.purpose) or EMPTY

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: LegalBasis) -> Any:
        return _("as the agreement says") if obj.benefits is None else benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: LegalBasis) -> str:
        return class_names(obj.classes)

    @admin.display(description=_("field classes that the agreement must name"))
    def agreement_class_labels(self, obj: LegalBasis) -> str:
        return class_names(obj.agreement_classes)

    def propose_row(self, request: HttpRequest, obj: LegalBasis) -> None:
        bases.propose_basis(basis=obj, by=request.user, at=timezone.now())

    def approve_row(self, request: HttpRequest, obj: LegalBasis, reason: str) -> None:
        bases.approve_basis(basis=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: LegalBasis) -> list[Consequence]:
        today = timezone.localdate()
        old = bases.held_before(obj, today)
        return [
            Consequence(_("When"), self._when(obj, old)),
            Consequence(
                title=_("What it changes from %(version)s") % {"version": old} if old else _("What it says"),
                columns=[_("Field"), _("Until now"), _("From then on")],
                rows=[self._change(one) for one in bases.changes_of(obj, old)],
            ),
            affected_part(bases.affected_by_basis(obj.code)),
        ]

    def _when(self, obj: LegalBasis, old: LegalBasis | None) -> list[list[Any]]:
        today = timezone.localdate()
        begins, closes = bases.takes_effect(obj, today), bases.first_day_closed(obj, old, today)
        rows = [[_("Takes effect"), date_format(begins) if begins else _("not by this version")]]
        if closes is not None:
            rows.append([_("Nothing is told on it from, and the customers are told so"), date_format(closes)])
        return rows

    def _change(self, change: bases.Change) -> list[Any]:
        name = capfirst(str(LegalBasis._meta.get_field(change.field).verbose_name))  # type: ignore[union-attr]
        return [name, _shown(change.field, change.old), _shown(change.field, change.new)]


def citation_links(citations: list[str]) -> str:
    """Citations, each on its line; those with an SFS number lead to the official text."""
    pairs = [(citation_url(one), one) for one in citations]
    links = ((format_html('<a href="{}" rel="noreferrer">{}</a>', url, one) if url else one,) for url, one in pairs)
    return format_html_join(mark_safe("<br>"), "{}", links) or EMPTY


def _shown(field: str, value: Any) -> Any:
    """A value of a basis's column in words."""
    if value is None or value in ("", []):
        return EMPTY
    if field == "citations":
        return citation_links(value)
    if field in SHOWN:
        return SHOWN[field](value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value)
    choices = dict(LegalBasis._meta.get_field(field).flatchoices)  # type: ignore[union-attr]
    return choices.get(value, date_format(value) if hasattr(value, "isoformat") else value)


class OwnerApprovalForm(forms.ModelForm):
    basis_code = BasisField()
    benefit = BenefitField()

    class Meta:
        model = OwnerApproval
        fields = ["owner", "basis_code", "benefit", "valid_from", "valid_to"]

    def clean(self) -> dict[str, Any]:
        """Each owner approves its own benefits, and no other's."""
        data = super().clean() or self.cleaned_data
        benefit = catalogue().benefits.get(data.get("benefit", ""))
        if benefit is not None and data.get("owner") and benefit.owner != data["owner"]:
            self.add_error("benefit", _("The benefit is another data owner's."))
        _demand_order(self, data)
        return data


class EndForm(ReasonForm):
    """The last day, and why."""

    on = forms.DateField(label=_("Last day"), initial=timezone.localdate)
    field_order = ["on", "reason"]


@admin.register(OwnerApproval)
class OwnerApprovalAdmin(FourEyesAdmin):
    """Proposed by one and approved by another; ended by one person, at once."""

    form = OwnerApprovalForm
    refusals = REFUSALS
    list_display = ["benefit_label", "owner", "basis_words", "valid_from", "valid_to"]
    list_filter = ["owner", one_of("basis_code", _("legal basis"), basis_choices), BenefitFilter]
    ordering = ["owner", "basis_code", "benefit"]
    search_fields = ["^basis_code"]
    search_help_text = _("The code of a legal basis.")
    narrowed_by = ["basis_code"]
    short = ["benefit_label", "owner", "valid_from", "valid_to", "state"]
    moments = ["prepared_at", "approved_at"]
    empty = _("No agency has approved that its information is told.")
    view_fields = ["owner", "basis", "benefit_label", "valid_from", "valid_to"]

    basis = basis_link
    basis_words = basis_words
    benefit_label = benefit_label

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return titled(super().get_queryset(request))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.end_view)
        return [path("<path:object_id>/end/", view, name="subscriptions_ownerapproval_end"), *super().get_urls()]

    def consequences(self, request: HttpRequest, obj: OwnerApproval) -> list[Consequence]:
        return [affected_part(bases.affected_by_approval(obj))]

    def steps_of(self, request: HttpRequest, obj: OwnerApproval) -> Any:
        ends = obj.in_effect and self.may(request, "change")
        return [("end", _("End"))] if ends else super().steps_of(request, obj)

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Set the last day of an approval, with a reason."""
        approval = self.found(request, object_id)
        if not self.may(request, "change"):
            raise PermissionDenied
        step = Step(
            title=_("End an owner's approval"),
            button=_("End"),
            done=_("The last day was set."),
            act=lambda said: bases.end_approval(approval=approval, by=request.user, at=timezone.now(), **said),
            consequences=lambda: [affected_part(bases.affected_by_approval(approval))],
            form=EndForm,
        )
        return self.take(request, approval, step)


def change_kind(kind: str) -> str:
    """What the kind of row that changed is called; the kind itself if it is of another time."""
    models = (apps.all_models[label].get(kind) for label in ("subscriptions", "benefits"))
    return next((str(model._meta.verbose_name) for model in models if model is not None), kind)


def change_kinds() -> list[tuple[str, str]]:
    """The kinds of row whose changes are noted, by name."""
    return sorted(((kind, change_kind(kind)) for kind in LawChange.KINDS), key=lambda one: one[1])


def numbered(name: str, description: Any, model: type[Model], words: str) -> Callable[..., str]:
    """A column that links to a row by its number, by the name that the list has looked up; some rows are gone."""

    @admin.display(description=description)
    def column(self: admin.ModelAdmin, obj: LawChange) -> str:
        number = getattr(obj, name)
        return EMPTY if number is None else anchor(model(pk=number), getattr(obj, words) or number)

    return column


@admin.register(LawChange)
class LawChangeAdmin(ReadOnlyAdmin):
    """What the triggers noted. Rows are named by their numbers: some of them may be gone."""

    list_display = ["id", "at", "kind_label", "customer", "agreement", "stream", "basis", "benefit_label"]
    list_filter = [("at", DaysFilter), one_of("kind", _("kind"), change_kinds)]
    ordering = ["-at", "-id"]
    sortable_by = ["at"]
    fields = ["at", "kind_label", "customer", "agreement", "stream", "basis", "benefit_label"]
    empty = _("Nothing has changed.")

    customer = numbered("customer_id", _("customer"), Customer, "customer_name")
    agreement = numbered("agreement_id", _("agreement"), Agreement, "agreement_code")
    stream = numbered("stream_id", _("stream"), Stream, "stream_code")
    benefit_label = benefit_label

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With the names of what each change may affect, which stands there by number alone."""
        customers = Customer.objects.filter(pk=OuterRef("customer_id")).values("name")
        agreements = Agreement.objects.filter(pk=OuterRef("agreement_id")).values("code")
        streams = Stream.objects.filter(pk=OuterRef("stream_id")).values("agreement__code")
        return (
            super()
            .get_queryset(request)
            .annotate(
                customer_name=Subquery(customers), agreement_code=Subquery(agreements), stream_code=Subquery(streams)
            )
        )

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, obj: LawChange) -> str:
        return change_kind(obj.kind)

    @admin.display(description=_("legal basis"), ordering="basis_code")
    def basis(self, obj: LawChange) -> str:
        return obj.basis_code or EMPTY
