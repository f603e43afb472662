"""Imports and what they brought, to read only. Persons have pages of their own (deliveries.admin.persons)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.faults import COUNTS, QUARANTINED, REFUSED
from benefits.identity import masked
from benefits.labels import section_name
from benefits.models import (
    BenefitPeriod,
    Import,
    LeftAsItIs,
    Person,
    PersonFacts,
    Protection,
    Quarantined,
    Reversal,
    SourceState,
)
from benefits.presentation import SPACE, describe, number
from benefits.reversal import affected, approve_reversal, propose_reversal
from benefits.staffwork import WORK
from lefi.admin import Consequence, FourEyesAdmin, Lists, ReadOnlyAdmin, anchor, link, named_only
from lefi.admin.columns import (
    EMPTY,
    ERROR,
    INFO,
    SUCCESS,
    WARNING,
    address,
    amount,
    amounts,
    badge,
    coded,
    named,
    state,
)
from lefi.admin.filters import one_of, whether
from lefi.audit.models import Action, record
from lefi.audit.reasons import reason_for
from lefi.languages import language
from lefi.masking import mask_identity_numbers
from lefi.paging import grouped
from lefi.staffwork import register

register(*WORK)
PERSON_RIGHT = "benefits.view_person"  # who may read about a person at all, having said why
PROTECTED_RIGHT = "benefits.view_protected"  # who may open what is about a person with protected identity


def percent(extent: Decimal | None) -> str:
    """An extent, kept as a fraction of full, in per cent."""
    return EMPTY if extent is None else number(extent * 100, language(), decimals=0) + SPACE + "%"


def person_anchor(person: Any) -> str:
    """A link to a person's page; of the number only the year of birth is shown."""
    return anchor(person, masked(person.first_number).replace("-", "\N{NON-BREAKING HYPHEN}"))


def import_anchor(published: int | None) -> str:
    """A link to the import with a number."""
    if published is None:
        return EMPTY
    return format_html('<a href="{}">{}</a>', reverse("admin:benefits_import_number", args=[published]), published)


def counted(counts: dict[str, Any], words: Mapping[str, Any]) -> str:
    """Counts in words: "recorded 12 · withdrawn 3". What is not named is of another time, and left out."""
    named_ones = ((name, counts[key]) for key, name in words.items() if key in counts)
    return " · ".join(f"{name} {grouped(count)}" for name, count in named_ones) or EMPTY


def protection_of(person_id: int) -> str:
    """The person's protection in words, as newest known; empty if there is none."""
    facts = PersonFacts.objects.live().filter(person=person_id).exclude(protection=Protection.NONE).first()
    return facts.get_protection_display() if facts else ""


class AboutAPerson(Lists):
    """Rows about a person, each read of which is logged with its reason (who, whom, why, when).

    `about` is the dotted path to the person's id. Who may not read about persons sees the list, without whom its rows
    are about, and opens none. Who has not said why is asked first, on the person's page. A row about a person with
    protected identity is withheld from who may not open that person's page, and the try is logged.
    """

    about = "person_id"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        about_nobody = obj is None or self._person_id(obj) is None
        return (about_nobody or _may_read(request)) and super().has_view_permission(request, obj)

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return columns if _may_read(request) else [one for one in columns if one != "person_link"]

    def short_for(self, request: HttpRequest) -> Any:
        return [one for one in super().short_for(request) if one != "person_link" or _may_read(request)]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return super().get_list_display_links(request, list_display) if _may_read(request) else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one person's rows is a read about the person, logged with its reason like that of a row.

        So is one of the rows of a person's watch, or of another row about a person. So is one that is narrowed by
        something else, or searched, and turns out to be of one person alone, as the lines of an order of one line are.
        Who may not read about persons gets such lists, without whom their rows are about.
        """
        if elsewhere := self.without_numbers(request):
            return elsewhere
        by_key = [one for one in self.narrowed_by if one in request.GET and "__" not in one]
        by = {one: self.opts.get_field(one).related_model for one in by_key}
        opens = _may_read(request) and self.has_view_permission(request)
        if Person in by.values() and not opens:
            raise PermissionDenied
        persons = _persons_by(request, by) if opens else set()
        elsewhere = next((page for page in (self._log_about(request, one) for one in sorted(persons)) if page), None)
        if elsewhere:
            return elsewhere
        answer = super().changelist_view(request, extra_context)
        only = _only_person(answer) if opens else None
        return answer if only is None or only in persons else self._log_about(request, only) or answer

    def only_person(self, rows: Sequence[Model]) -> int | None:
        found = self._person_id(rows[0]) if rows else None
        alone = found is not None and all(self._person_id(one) == found for one in rows[1:])
        return found if alone else None

    def name_of(self, row: Model) -> str:
        return masked(row.first_number) if isinstance(row, Person) else super().name_of(row)

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
        return None if person_id is None else self._log_about(request, person_id, obj.pk)

    def _log_about(self, request: HttpRequest, person_id: int, object_id: Any = "") -> HttpResponse | None:
        """Log a read about a person, of one row or of a list; return the page to go to instead, if there is one."""
        reason = reason_for(request.session, person_id, at=timezone.now())
        if not reason:
            messages.info(request, _("Say why you need to read about this person."))
            page = reverse("admin:benefits_person_change", args=[person_id])
            return HttpResponseRedirect(f"{page}?{urlencode({'next': request.get_full_path()})}")
        withheld = bool(protection_of(person_id)) and not request.user.has_perm(PROTECTED_RIGHT)
        details: dict[str, Any] = {"withheld": True} if withheld else {}
        record(
            action=Action.READ,
            object_type=self.opts.label_lower,
            object_id=object_id,
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


def _persons_by(request: HttpRequest, by: Mapping[str, Any]) -> set[int]:
    """The persons whom the rows are about that an address narrows a list to."""
    try:
        return {one for name, model in by.items() for one in _persons_of(model, request.GET.getlist(name))}
    except ValueError:
        return set()  # of which there is no list either


def _only_person(answer: HttpResponse) -> int | None:
    """The one person whom a list is about that was narrowed; None if it is about more, or is no list."""
    rows = (getattr(answer, "context_data", None) or {}).get("cl")
    return rows.only_person if rows else None


def _persons_of(model: Any, ids: Sequence[str]) -> Iterable[int]:
    """The persons whom these rows are about; none where a row of the kind is about nobody."""
    if model is Person:
        return Person.objects.filter(pk__in=ids).values_list("pk", flat=True)
    about_a_person = model is not None and any(one.related_model is Person for one in model._meta.concrete_fields)
    return model._default_manager.filter(pk__in=ids).values_list("person_id", flat=True) if about_a_person else []


def _may_read(request: HttpRequest) -> bool:
    return request.user.has_perm(PERSON_RIGHT)  # type: ignore[union-attr]


class SectionFilter(admin.SimpleListFilter):
    """The sections by name, without asking a large table which ones it holds."""

    title = _("section")
    parameter_name = "section"

    def lookups(self, request, model_admin):
        return sorted(((name, section_name(name)) for name in catalogue().sections), key=lambda one: one[1])

    def queryset(self, request, queryset):
        return queryset.filter(section=self.value()) if self.value() else queryset


person_link = named("person", _("person"), person_anchor, ordering=None)
section_label = named("section", _("section"), section_name)
import_link = link("imported", _("import"))


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = [
        "file_of_source",
        "number",
        "status_badge",
        "state_badge",
        "received_at",
        "progress",
        "changed",
        "in_quarantine",
        "refusal_words",
    ]
    list_filter = ["source", "status", "state", one_of("refusal", _("refused because"), REFUSED.items)]
    date_hierarchy = "received_at"
    search_fields = ["file_name", "=sha256"]
    search_help_text = _("The file's name, or its whole SHA-256.")
    few = True
    narrowed_by = ["number"]
    empty = _("No source has handed over anything yet.")
    short = ["file_of_source", "number", "status_badge", "received_at", "changed"]
    leads_to = [
        ("deliveries.Run", "as_of_import", "number"),
        ("benefits.Quarantined", "imported", "pk"),
        ("benefits.Reversal", "imported", "pk"),
        ("benefits.BenefitPeriod", "recorded_in", "number", _("benefit periods that it recorded")),
        ("benefits.BenefitPeriod", "withdrawn_in", "number", _("benefit periods that it withdrew")),
    ]
    moments = ["created_at", "received_at", "published_at", "erased_at"]
    technical = ["file_name", "sha256"]
    fields = [
        "number",
        "source",
        "sequence",
        "status_badge",
        "state_badge",
        "progress",
        "created_at",
        "received_at",
        "published_at",
        "refusal_words",
        "reason",
        "count_words",
        "undo",
        "file_name",
        "sha256",
    ]

    status_badge = state(
        "status",
        _("status"),
        {Import.Status.PUBLISHED: SUCCESS, Import.Status.REFUSED: ERROR, Import.Status.CHECKING: INFO},
    )
    state_badge = state(
        "state", _("state of the source"), {SourceState.FELANDE: ERROR, SourceState.OTILLGANGLIG: WARNING}
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.by_number)
        return [path("number/<int:number>/", view, name="benefits_import_number"), *super().get_urls()]

    def by_number(self, request: HttpRequest, number: int) -> HttpResponse:
        """The way to an import for those who have its number alone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = Import.objects.filter(number=number).first()
        every = f"{reverse('admin:benefits_import_changelist')}?{urlencode({'number': number})}"
        return HttpResponseRedirect(address(found) if found else every)

    @admin.display(description=_("import"), ordering="id")
    def file_of_source(self, obj: Import) -> str:
        return f"{obj.get_source_display()} {obj.sequence}"

    @amounts(_("changed sections of persons"))
    def changed(self, obj: Import) -> int | None:
        return obj.counts.get("touched")

    @admin.display(description=_("quarantined"))
    def in_quarantine(self, obj: Import) -> str:
        count = obj.counts.get("quarantined", 0)
        return badge(grouped(count), WARNING) if count else EMPTY

    @admin.display(description=_("refused because"), ordering="refusal")
    def refusal_words(self, obj: Import) -> str:
        return coded(REFUSED.get(obj.refusal, obj.refusal), obj.refusal) if obj.refusal else EMPTY

    @admin.display(description=_("counts"))
    def count_words(self, obj: Import) -> str:
        return counted(obj.counts, COUNTS)

    @admin.display(description=_("wrong?"))
    def undo(self, obj: Import) -> str:
        """Where it is proposed that a wrong import be undone."""
        if obj.status != Import.Status.PUBLISHED or obj.reverses_id is not None:
            return EMPTY
        url = reverse("admin:benefits_reversal_add")
        return format_html('<a href="{}?imported={}">{}</a>', url, obj.pk, _("Propose that the import be undone"))

    @admin.display(description=_("lines checked"))
    def progress(self, obj: Import) -> str:
        checked, lines = grouped(obj.lines_checked), grouped(obj.lines)
        return lines if checked == lines else f"{checked} / {lines}"


class ReversalForm(forms.ModelForm):
    class Meta:
        model = Reversal
        fields = ["imported", "reason"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named_only(self, "imported", Import.objects.published())


@admin.register(Reversal)
class ReversalAdmin(FourEyesAdmin):
    """A wrong import is undone by two: one proposes from the import's page, another approves."""

    form = ReversalForm
    list_display = ["id", "imported_link", "reason"]
    list_select_related = ["imported"]
    ordering = ["-id"]
    narrowed_by = ["imported"]
    short = ["id", "state", "reason", "prepared_by", "approved_by"]
    moments = ["prepared_at", "approved_at"]
    empty = _("No import has been found to be wrong.")
    leads_to = [("benefits.LeftAsItIs", "reversal", "pk"), ("deliveries.OrderedRun", "reversal", "pk")]
    view_fields = ["imported_link", "reason"]
    refusals = {
        "NOT_PUBLISHED": _("Only what was published can be undone."),
        "ERASED": _("What the import replaced has been erased: the source sends again what is right."),
        "IS_REVERSAL": _("A reversal is not undone; the source sends again what is right."),
        "REVERSED": _("The import is undone, or proposed to be."),
    }

    imported_link = link("imported", _("wrong import"))

    def propose_row(self, request: HttpRequest, obj: Reversal) -> None:
        made = propose_reversal(imported=obj.imported, reason=obj.reason, by=request.user, at=timezone.now())
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: Reversal, reason: str) -> None:
        approve_reversal(reversal=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: Reversal) -> list[Consequence]:
        counts = affected(obj.imported)
        rows = [[_("Persons"), counts["persons"]], [_("Sections of persons"), counts["sections"]]]
        return [Consequence(title=_("What the import changed"), rows=rows)]


@admin.register(LeftAsItIs)
class LeftAsItIsAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = ["section_label", "person_link", "why_badge", "reversal_link"]
    list_filter = ["why", SectionFilter]
    list_select_related = ["reversal__imported", "person"]
    sortable_by = ["section_label"]
    narrowed_by = ["reversal", "person"]
    short = ["section_label", "person_link", "why_badge"]
    fields = ["reversal_link", "person_link", "section_label", "why_badge"]
    empty = _("No reversal has left anything as it is.")

    reversal_link = link("reversal", _("reversal"))
    person_link = person_link
    section_label = section_label
    why_badge = state("why", _("why"), {})


@admin.register(Quarantined)
class QuarantinedAdmin(ReadOnlyAdmin):
    list_display = ["fault", "section_label", "import_link", "line", "reason"]
    list_filter = [one_of("code", _("fault"), QUARANTINED.items), SectionFilter]
    list_select_related = ["imported"]
    ordering = ["-id"]
    sortable_by = ["import_link"]
    narrowed_by = ["imported"]
    short = ["fault", "section_label", "line", "reason"]
    fields = ["fault", "section_label", "import_link", "line", "reason"]
    empty = _("All that the sources have handed over could be read.")

    import_link = import_link
    section_label = section_label

    @admin.display(description=_("fault"), ordering="code")
    def fault(self, obj: Quarantined) -> str:
        return coded(QUARANTINED.get(obj.code, obj.code), obj.code)


@admin.register(BenefitPeriod)
class BenefitPeriodAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "section_label",
        "person_link",
        "starts_on",
        "ends_on",
        "extent_percent",
        "amount_grouped",
        "stands",
        "recorded_link",
        "withdrawn_link",
    ]
    list_filter = [SectionFilter, ("withdrawn_in", whether(_("stands"), _("withdrawn"), _("state")))]
    list_select_related = ["person"]
    ordering = ["-id"]
    sortable_by = []
    narrowed_by = ["recorded_in", "withdrawn_in", "person"]
    short = ["section_label", "person_link", "starts_on", "ends_on", "stands"]
    fields = [
        "section_label",
        "person_link",
        "starts_on",
        "ends_on",
        "extent_percent",
        "amount_grouped",
        "stands",
        "recorded_link",
        "withdrawn_link",
        "digest",
        "ordinal",
    ]
    technical = ["digest", "ordinal"]
    change_form_template = "admin/benefits/benefitperiod/change_form.html"

    person_link = person_link
    section_label = section_label
    amount_grouped = amount("amount", _("amount"))
    extent_percent = named("extent", _("extent"), percent)
    recorded_link = named("recorded_in", _("recorded in import"), import_anchor)
    withdrawn_link = named("withdrawn_in", _("withdrawn in import"), import_anchor)

    @admin.display(description=_("state"))
    def stands(self, obj: BenefitPeriod) -> str:
        return badge(_("stands"), SUCCESS) if obj.withdrawn_in is None else badge(_("withdrawn"))

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
