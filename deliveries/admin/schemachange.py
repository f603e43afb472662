"""Announcing the next version of the schema, and which customers have told that they can read it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from deliveries import schemachange
from deliveries.models import SchemaAnnouncement, SchemaValidation
from deliveries.schemawords import in_words
from lefi.admin import Consequence, FourEyesAdmin, ReadOnlyAdmin, Step, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, badge
from lefi.admin.filters import one_of, whether


class SchemaAnnouncementForm(forms.ModelForm):
    file = forms.FileField(
        label=_("Catalogue"), help_text=_("The next field catalogue whole, as JSON: the file that is to be deployed.")
    )

    class Meta:
        model = SchemaAnnouncement
        fields = ["in_force_from"]

    def clean_file(self) -> str:
        """The file's text."""
        uploaded = self.cleaned_data["file"]
        if uploaded.size > schemachange.LARGEST:
            raise forms.ValidationError(_("The file is too large to be a catalogue."))
        try:
            text: str = uploaded.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not text in UTF-8.")) from error
        return text

    def save(self, commit: bool = True) -> SchemaAnnouncement:
        self.instance.catalogue = self.cleaned_data["file"]
        row: SchemaAnnouncement = super().save(commit)
        return row


@admin.register(SchemaAnnouncement)
class SchemaAnnouncementAdmin(FourEyesAdmin):
    """Proposed by one with the catalogue's file, announced by another, who is shown what changes."""

    form = SchemaAnnouncementForm
    list_display = ["version", "stage", "in_force_from", "reminded_at", "over_at"]
    list_filter = [("over_at", whether(_("coming"), _("over"), _("stage"))), "withdrawn"]
    ordering = ["-id"]
    moments = ["prepared_at", "approved_at", ("reminded_at", ""), ("over_at", "")]
    empty = _("No version has been announced.")
    view_fields = ["version", "stage", "in_force_from", "reminded_at", "over_at"]
    refusals = {
        "NOT_HIGHER": _("The version is not higher than the one in force."),
        "NO_CHANGE": _("The catalogue is the same as the one in force but for its version."),
        "NOTICE_TOO_SHORT": _("The day is too near: customers need more time."),
        "ANOTHER_COMING": _("Another version is proposed or coming. Only one can be at a time."),
        "NOT_COMING": _("The version is not coming, or no more."),
    }

    @admin.display(description=_("stage"))
    def stage(self, obj: SchemaAnnouncement) -> str:
        if obj.withdrawn:
            return badge(_("withdrawn"), ERROR)
        if obj.over_at is not None:
            return badge(_("in force, or replaced"), SUCCESS)
        return badge(_("coming"), INFO) if obj.in_effect else EMPTY

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("catalogue")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.withdraw_view)
        return [
            path("<path:object_id>/withdraw/", view, name="deliveries_schemaannouncement_withdraw"),
            *super().get_urls(),
        ]

    def propose_row(self, request: HttpRequest, obj: SchemaAnnouncement) -> None:
        made = schemachange.propose_announcement(
            text=obj.catalogue, in_force_from=obj.in_force_from, by=request.user, at=timezone.now()
        )
        obj.pk, obj.version = made.pk, made.version

    def approve_row(self, request: HttpRequest, obj: SchemaAnnouncement, reason: str) -> None:
        schemachange.approve_announcement(row=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: SchemaAnnouncement) -> list[Consequence]:
        rows = [
            [one.what, one.path, one.label, one.attribute, one.before, one.after, _("yes") if one.breaking else ""]
            for one in in_words(obj.catalogue)
        ]
        columns = [_("Change"), _("Where"), _("Name"), _("What"), _("Before"), _("After"), _("Can break a receiver")]
        return [Consequence(_("What changes"), rows, columns)]

    def steps_of(self, request: HttpRequest, obj: Any) -> Any:
        if obj.in_effect and obj.over_at is None and self.may(request, "change"):
            return [("withdraw", _("Withdraw"))]
        return super().steps_of(request, obj)

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take an announced version back, with a reason."""
        obj = self.found(request, object_id)
        if not self.may(request, "change"):
            raise PermissionDenied
        step = Step(
            title=_("Withdraw an announced version"),
            button=_("Withdraw"),
            done=_("The version is withdrawn, and the customers are told."),
            act=lambda said: schemachange.withdraw_announcement(
                row=obj, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
            refusal="" if obj.in_effect and obj.over_at is None else self.refusals["NOT_COMING"],
        )
        return self.take(request, obj, step)


@admin.register(SchemaValidation)
class SchemaValidationAdmin(ReadOnlyAdmin):
    """What customers chose to tell: nobody has to."""

    list_display = ["at", "result", "version", "customer_link", "client"]
    list_filter = [one_of("ok", _("result"), lambda: [("1", _("can read it")), ("0", _("cannot"))]), "version"]
    list_select_related = ["customer"]
    ordering = ["-at", "-id"]
    search_fields = ["customer__name", "^version"]
    search_help_text = _("The customer's name, or a version.")
    narrowed_by = ["customer"]
    fields = ["result", "version", "customer_link", "at", "client"]
    empty = _("No customer has told whether it can read the next version.")

    customer_link = link("customer", _("customer"))

    @admin.display(description=_("result"), ordering="ok")
    def result(self, obj: SchemaValidation) -> str:
        return badge(_("can read it"), SUCCESS) if obj.ok else badge(_("cannot"), ERROR)
