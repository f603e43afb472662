"""Reports to persons: made from a person's page, row by row decided on, reviewed by another, printed and given out."""

import json
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_anchor
from deliveries import personreport
from deliveries.admin.opened import person_opened
from deliveries.admin.retention import REASONS
from deliveries.models import PersonReport
from lefi.admin import Consequence, FourEyesAdmin, ReasonForm, Step
from lefi.admin.columns import EMPTY, due
from lefi.admin.filters import whether
from lefi.admin.paths import matching
from lefi.errors import Refused
from subscriptions.admin.seeking import SoughtByReference

PARTS = {
    "told": _("Recipients"),
    "unasked": _("Told of our own accord"),
    "orders": _("Orders"),
    "consents": _("Consents"),
}
MONTH = timedelta(days=30)
MOST = 100  # deliveries of a row in print; those before them are counted by year


class ReportForm(forms.ModelForm):
    """Whom it is about is the person whose page was opened, and never in the form."""

    requested_on = forms.DateField(label=_("Requested on"), widget=AdminDateWidget)

    class Meta:
        model = PersonReport
        fields = ["requested_on", "reference", "with_values"]


class WithholdForm(ReasonForm):
    row = forms.ChoiceField(label=_("Row"))
    ground = forms.CharField(
        label=_("Ground"), max_length=60, help_text=_("The paragraph, such as OSL (2009:400) 21 kap. 3 §.")
    )
    field_order = ("row", "ground", "reason")

    def __init__(self, *args: Any, rows: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["row"].choices = rows  # type: ignore[attr-defined]


class GiveForm(ReasonForm):
    how = forms.ChoiceField(label=_("How"), choices=PersonReport.Way.choices)
    field_order = ("how", "reason")


@admin.register(PersonReport)
class PersonReportAdmin(SoughtByReference, AboutAPerson, FourEyesAdmin):
    form = ReportForm
    list_display = ["id", "person_link", "reference", "requested_on", "last_day", "given_at"]
    list_filter = [("given_at", whether(_("to be given out"), _("given out"), _("given")))]
    list_select_related = ["person"]
    ordering = ["-id"]
    reference_words = _("How the reference begins.")
    narrowed_by = ["person"]
    proposed_since = personreport.ANSWERED_BY
    approved_by_then = True
    short = ["id", "state", "person_link", "reference", "requested_on", "given_at"]
    moments = ["prepared_at", "approved_at", ("given_at", "")]
    technical = ["sha256"]
    empty = _("Nobody has asked for a report.")
    view_fields = [
        "person_link",
        "reference",
        "requested_on",
        "in_clear",
        "as_of",
        "warning",
        "rows",
        "withheld_rows",
        "given_at",
        "given_how",
        "sha256",
    ]
    refusals = REASONS | {
        "NO_PERSON": _("Open the person's page first, and make the report from there."),
        "PROTECTED": _("Not for a person with protected identity: no values, and no letter to an address."),
        "GROUND": _("Name the chapter and the paragraph."),
        "ROW": _("There is no such row, or it is withheld already."),
        "APPROVED": _("The report has been reviewed; what it says is fixed."),
        "NOT_APPROVED": _("The report has not been reviewed."),
        "GIVEN": _("It has been noted already that the report was given out."),
        "ERASED": _("The content has been erased."),
    }

    def about_reference(self, rows: Any, reference: str) -> Any:
        return rows.filter(matching(PersonReport, ["^reference"], reference))

    def get_queryset(self, request: HttpRequest) -> Any:
        """The content may be megabytes, and no list shows it."""
        return super().get_queryset(request).defer("content")

    @admin.display(description=_("person"))
    def person_link(self, obj: PersonReport) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("to be given by"), ordering="requested_on")
    def last_day(self, obj: PersonReport) -> str:
        """A month from the request (GDPR 12.3), counted as 30 days."""
        last = obj.requested_on + MONTH
        return due(last, on=timezone.localdate(), soon=10) if obj.given_at is None else EMPTY

    @admin.display(description=_("protected identity"))
    def warning(self, obj: PersonReport) -> Any:
        if not _content(obj).get("protected"):
            return EMPTY
        return _("Never post it to an address in the register: hand it over, or let the Swedish Tax Agency forward it.")

    @admin.display(description=PersonReport._meta.get_field("with_values").verbose_name)
    def in_clear(self, obj: PersonReport) -> Any:
        return _("Yes") if obj.with_values else _("No")

    @admin.display(description=_("rows"))
    def rows(self, obj: PersonReport) -> Any:
        return format_html_join("", "<div><code>{}</code> {}</div>", _rows(obj)) or EMPTY

    @admin.display(description=_("withheld"))
    def withheld_rows(self, obj: PersonReport) -> Any:
        lines = ((one.row, one.ground, one.reason, one.by) for one in obj.withheld.select_related("by"))
        return format_html_join("", "<div><code>{}</code> {}: {} ({})</div>", lines) or EMPTY

    def get_urls(self) -> list[Any]:
        view, name = self.admin_site.admin_view, "deliveries_personreport"
        return [
            path("<path:object_id>/withhold/", view(self.withhold_view), name=f"{name}_withhold"),
            path("<path:object_id>/give/", view(self.give_view), name=f"{name}_give"),
            path("<path:object_id>/print/", view(self.print_view), name=f"{name}_print"),
            path("<path:object_id>/json/", view(self.json_view), name=f"{name}_json"),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: PersonReport) -> list[tuple[str, Any]]:
        right = self.may(request, "change")
        if not obj.in_effect:
            return [*super().steps_of(request, obj), *([("withhold", _("Leave a row out"))] if right else [])]
        give = [("give", _("Note how it went out"))] if right and obj.given_at is None else []
        return [("print", _("Print")), ("json", "JSON"), *give]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if person_opened(request) is None:
            messages.warning(request, self.refusals["NO_PERSON"])
        return super().add_view(request, form_url, {"show_save_and_add_another": False, **(extra_context or {})})

    def propose_row(self, request: HttpRequest, obj: PersonReport) -> None:
        person = person_opened(request)
        if person is None:
            raise Refused("NO_PERSON")
        made = personreport.make_report(
            person=person,
            requested_on=obj.requested_on,
            reference=obj.reference,
            with_values=obj.with_values,
            by=request.user,
            at=timezone.now(),
        )
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: PersonReport, reason: str) -> None:
        personreport.approve_report(report=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: PersonReport) -> list[Consequence]:
        """What the person would be told, and what not."""
        withheld = {one.row: one for one in obj.withheld.all()}
        told = [[words] for key, words in _rows(obj) if key not in withheld]
        left = [[words, withheld[key].ground, withheld[key].reason] for key, words in _rows(obj) if key in withheld]
        return [
            Consequence(title=_("The person is told"), rows=told),
            Consequence(title=_("Withheld, leaving no trace"), rows=left, columns=[_("Row"), _("Ground"), _("Reason")]),
        ]

    def withhold_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leave one row out of a report that has not been reviewed, on a ground of secrecy."""
        report = self._for_change(request, object_id)
        gone = set(report.withheld.values_list("row", flat=True))
        rows = [(key, f"{key}: {words}") for key, words in _rows(report) if key not in gone]
        step = Step(
            title=_("Leave a row out"),
            button=_("Leave it out"),
            done=_("The row is left out of the report."),
            form=partial(WithholdForm, rows=rows),
            act=lambda said: personreport.withhold(report=report, by=request.user, at=timezone.now(), **said),
            refusal=self.words(Refused("APPROVED")) if report.in_effect else "",
        )
        return self.take(request, report, step)

    def give_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Note how a report reached the person."""
        report = self._for_change(request, object_id)
        step = Step(
            title=_("Note how it went out"),
            button=_("Note it"),
            done=_("It is noted how the report was given out."),
            form=GiveForm,
            act=lambda said: personreport.give_out(report=report, by=request.user, at=timezone.now(), **said),
            refusal="" if report.in_effect else self.words(Refused("NOT_APPROVED")),
        )
        return self.take(request, report, step)

    def print_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The report as it is given out, in Swedish and made to print; that it was opened is logged."""
        return self._readable(request, object_id, _printed)

    def json_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The same content as a file."""
        return self._readable(request, object_id, _file)

    def _readable(self, request: HttpRequest, object_id: str, respond: Any) -> HttpResponse:
        report = self.found(request, object_id)
        if not self.has_view_permission(request, report):
            raise PermissionDenied
        elsewhere = self.log_reading(request, report)
        if elsewhere is not None:
            return elsewhere
        try:
            return respond(report, personreport.readable(report))
        except Refused as refused:
            messages.error(request, self.words(refused))
            return HttpResponseRedirect(reverse("admin:deliveries_personreport_change", args=[report.pk]))

    def _for_change(self, request: HttpRequest, object_id: str) -> PersonReport:
        report: PersonReport = self.found(request, object_id)
        if not self.may(request, "change"):
            raise PermissionDenied
        return report


def _content(report: PersonReport) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(report.content) if report.content else {}
    return said


def _rows(report: PersonReport) -> list[tuple[str, str]]:
    """The rows of a report in short, by key; those of one that was approved have none."""
    parts = _content(report).get("parts", {})
    return [(row.get("key", ""), _in_short(name, row)) for name, rows in parts.items() for row in rows]


def _in_short(part: str, row: dict[str, Any]) -> str:
    recipient = row["recipient"]
    words = [str(PARTS[part]), recipient["name"], recipient["unit"], row.get("benefit", {}).get("label", "")]
    words += [row.get("purpose", {}).get("label", ""), row.get("basis", {}).get("code", "")]
    words += [str(_("its name says where the person is"))] if recipient["reveals_place"] else []
    return " · ".join(filter(None, words))


def _printed(report: PersonReport, content: dict[str, Any]) -> HttpResponse:
    with translation.override(personreport.LANGUAGE):
        for row in [*content["parts"]["told"], *content["parts"]["unasked"]]:
            row.setdefault("values", [])  # where they are not told, a template would take the method of that name
        for row in content["parts"]["told"]:
            older = row["deliveries"][:-MOST]
            row["shown"] = row["deliveries"][-MOST:]
            row["older"] = sorted(Counter(str(one["day"])[:4] for one in older).items())
        context = {"report": report, "said": _with_instants(content), "most": MOST}
        return HttpResponse(render_to_string("admin/deliveries/personreport/print.html", context))


def _with_instants(value: Any) -> Any:
    """The content with its instants as such again, so that they are written as the reader's clock says."""
    if isinstance(value, dict):
        return {name: _with_instants(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_instants(one) for one in value]
    instant = parse_datetime(value) if isinstance(value, str) and len(value) > 18 and value[10:11] == "T" else None
    return timezone.localtime(instant) if instant and timezone.is_aware(instant) else value


def _file(report: PersonReport, content: dict[str, Any]) -> HttpResponse:
    response = JsonResponse(content, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="registerutdrag-{report.pk}.json"'
    return response
