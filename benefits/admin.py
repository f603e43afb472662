"""Imports and what they brought, to read only. Persons have pages of their own (deliveries.admin.persons)."""

import json
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.identity import masked
from benefits.labels import section_name
from benefits.models import BenefitPeriod, Import, Person, PersonFacts, Protection, Quarantined
from benefits.presentation import SPACE, describe, number
from lefi.admin import Lists, ReadOnlyAdmin, anchor, link
from lefi.audit.models import Action, record
from lefi.audit.reasons import reason_for
from lefi.languages import language
from lefi.masking import mask_identity_numbers

PROTECTED_RIGHT = "benefits.view_protected"  # who may open what is about a person with protected identity


def percent(extent: Decimal | None) -> str:
    """An extent, kept as a fraction of full, in per cent."""
    return "-" if extent is None else number(extent * 100, language(), decimals=0) + SPACE + "%"


def person_anchor(person: Any) -> str:
    """A link to a person's page; of the number only the year of birth is shown."""
    return anchor(person, masked(person.first_number).replace("-", "\N{NON-BREAKING HYPHEN}"))


def protection_of(person_id: int) -> str:
    """The person's protection in words, as newest known; empty if there is none."""
    facts = PersonFacts.objects.live().filter(person=person_id).exclude(protection=Protection.NONE).first()
    return facts.get_protection_display() if facts else ""


class AboutAPerson(Lists):
    """Rows about a person, each read of which is logged with its reason (who, whom, why, when).

    `about` is the dotted path to the person's id. Who has not said why is asked first, on the person's page. A row
    about a person with protected identity is withheld from who may not open that person's page, and the try is logged.
    """

    about = "person_id"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        if obj is not None and self.has_view_or_change_permission(request, obj):
            elsewhere = self.log_reading(request, obj)
            if elsewhere is not None:
                return elsewhere
        return super().change_view(request, object_id, form_url, extra_context)

    def log_reading(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        person_id = self._person_id(obj)
        if person_id is None:
            return None
        reason = reason_for(request.session, person_id, at=timezone.now())
        if not reason:
            messages.info(request, _("Say why you need to read about this person."))
            page = reverse("admin:benefits_person_change", args=[person_id])
            return HttpResponseRedirect(f"{page}?{urlencode({'next': request.path})}")
        withheld = bool(protection_of(person_id)) and not request.user.has_perm(PROTECTED_RIGHT)
        details: dict[str, Any] = {"withheld": True} if withheld else {}
        record(
            action=Action.READ,
            object_type=self.opts.label_lower,
            object_id=obj.pk,
            actor=request.user,
            person_id=person_id,
            reason=reason,
            **details,
        )
        return self._withhold(request, person_id) if withheld else None

    def _withhold(self, request: HttpRequest, person_id: int) -> HttpResponse:
        person = get_object_or_404(Person, pk=person_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": Person._meta,
            "title": masked(person.first_number),
            "person": person,
        }
        return TemplateResponse(request, "admin/benefits/person/withheld.html", context, status=403)

    def _person_id(self, obj: Model | None) -> int | None:
        try:
            return attrgetter(self.about)(obj)
        except AttributeError:
            return None


class SectionFilter(admin.SimpleListFilter):
    """The sections by name, without asking a large table which ones it holds."""

    title = _("section")
    parameter_name = "section"

    def lookups(self, request, model_admin):
        return [(name, section_name(name)) for name in catalogue().sections]

    def queryset(self, request, queryset):
        return queryset.filter(section=self.value()) if self.value() else queryset


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "number", "status", "state", "progress", "received_at", "refusal", "file_name"]
    list_filter = ["source", "status", "state"]
    date_hierarchy = "received_at"
    search_fields = ["file_name", "refusal"]
    narrowed_by = ["number"]
    leads_to = [
        ("benefits.Quarantined", "imported", "pk"),
        ("benefits.BenefitPeriod", "recorded_in", "number"),
        ("benefits.BenefitPeriod", "withdrawn_in", "number"),
        ("deliveries.Run", "as_of_import", "number"),
    ]
    fields = [
        "number",
        "source",
        "sequence",
        "status",
        "state",
        "file_name",
        "sha256",
        "progress",
        "created_at",
        "received_at",
        "published_at",
        "refusal",
        "reason",
        "counts",
        "see_also",
    ]
    readonly_fields = ["progress", "see_also"]

    @admin.display(description=_("lines checked"))
    def progress(self, obj: Import) -> str:
        return f"{obj.lines_checked} / {obj.lines}"


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    list_display = ["code", "import_link", "line", "section_label", "reason"]
    list_filter = [SectionFilter, "code"]
    list_select_related = ["imported"]
    narrowed_by = ["imported"]
    fields = ["import_link", "line", "section_label", "code", "reason"]
    readonly_fields = ["import_link", "section_label"]

    import_link = link("imported", _("import"))

    @admin.display(description=_("section"), ordering="section")
    def section_label(self, obj: Quarantined) -> str:
        return section_name(obj.section)


@admin.register(BenefitPeriod)
class BenefitPeriodAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "section_label",
        "person_link",
        "starts_on",
        "ends_on",
        "extent_percent",
        "amount",
        "recorded_link",
        "withdrawn_link",
    ]
    list_filter = [SectionFilter]
    list_select_related = ["person"]
    ordering = ["-id"]
    sortable_by = ["section_label"]
    narrowed_by = ["recorded_in", "withdrawn_in", "person"]
    fields = [
        "section_label",
        "person_link",
        "starts_on",
        "ends_on",
        "extent_percent",
        "amount",
        "recorded_link",
        "withdrawn_link",
        "digest",
        "ordinal",
    ]
    readonly_fields = ["section_label", "person_link", "extent_percent", "recorded_link", "withdrawn_link"]
    change_form_template = "admin/benefits/benefitperiod/change_form.html"

    @admin.display(description=_("section"), ordering="section")
    def section_label(self, obj: BenefitPeriod) -> str:
        return section_name(obj.section)

    @admin.display(description=_("person"))
    def person_link(self, obj: BenefitPeriod) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("extent"))
    def extent_percent(self, obj: BenefitPeriod) -> str:
        return percent(obj.extent)

    @admin.display(description=_("recorded in import"))
    def recorded_link(self, obj: BenefitPeriod) -> str:
        return import_anchor(obj.recorded_in)

    @admin.display(description=_("withdrawn in import"))
    def withdrawn_link(self, obj: BenefitPeriod) -> str:
        return import_anchor(obj.withdrawn_in)

    def render_change_form(self, request, context, *args, **kwargs):
        period = context["original"]
        section = catalogue().sections.get(period.section)
        content = _masked(json.loads(period.content))
        context["entries"] = describe(section.fields, content, language()) if section else ()
        return super().render_change_form(request, context, *args, **kwargs)


def _masked(value: Any) -> Any:
    """The content with all that looks like an identity number masked, as everywhere in the admin."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return mask_identity_numbers(value) if isinstance(value, str) else value


def import_anchor(published: int | None) -> str:
    """A link to the list of imports, narrowed to the one with this number."""
    if published is None:
        return "-"
    return format_html(
        '<a href="{}?number={}">{}</a>', reverse("admin:benefits_import_changelist"), published, published
    )
