"""Service notices, written by staff for everybody to read. Each change is logged, and none is ever taken away."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lefi.admin import AuditedModelAdmin
from lefi.admin.columns import EMPTY
from lefi.masking import mask_identity_numbers
from lefi.service.models import ServiceNotice

TEXTS = ("title_sv", "title_en", "text_sv", "text_en")


class ServiceNoticeForm(forms.ModelForm):
    class Meta:
        model = ServiceNotice
        fields = ["kind", "title_sv", "title_en", "text_sv", "text_en", "begins_at", "ends_at"]

    def clean(self) -> dict[str, Any]:
        """Refuse a text with an identity number in it, and a stop that comes sooner than customers are promised."""
        data = super().clean() or self.cleaned_data
        for name in TEXTS:
            text = data.get(name) or ""
            if mask_identity_numbers(text) != text:
                self.add_error(name, _("Leave out the identity number: everybody reads this."))
        days, begins = settings.PLANNED_STOP_NOTICE_DAYS, data.get("begins_at")
        told = self.instance.published_at or timezone.now()
        if data.get("kind") == ServiceNotice.Kind.STOP and begins and begins < told + timedelta(days=days):
            words = _("A planned stop is told %(days)s days ahead. What cannot wait is a disturbance.")
            self.add_error("begins_at", words % {"days": days})
        return data


@admin.register(ServiceNotice)
class ServiceNoticeAdmin(AuditedModelAdmin):
    form = ServiceNoticeForm
    list_display = ["title", "kind", "begins_at", "ends_at", "published_at", "published_by"]
    list_filter = ["kind", "begins_at"]
    list_select_related = ["published_by"]
    search_fields = ["title_sv", "title_en"]
    ordering = ["-begins_at", "-id"]
    fields = [*ServiceNoticeForm.Meta.fields, "shown_at", "published_at", "published_by", "changed_at"]
    readonly_fields = ["shown_at", "published_at", "published_by", "changed_at"]

    @admin.display(description=gettext_lazy("shown"))
    def shown_at(self, obj: ServiceNotice) -> str:
        return (
            format_html('<a href="{}">{}</a>', obj.get_absolute_url(), _("As everybody sees it")) if obj.pk else EMPTY
        )

    def save_model(self, request: HttpRequest, obj: ServiceNotice, form: Any, change: bool) -> None:
        obj.changed_at = timezone.now()
        if not change:
            obj.published_at, obj.published_by = obj.changed_at, request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was told stays told: it is given an end."""
        return False
