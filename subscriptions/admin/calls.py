"""What customers' systems called, for whoever helps them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from lefi.admin import ReadOnlyAdmin, link
from subscriptions.models import ApiCall


class FailedFilter(admin.SimpleListFilter):
    """Whether a call went well."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request, model_admin):
        return [("failed", _("Only those that were refused or failed"))]

    def queryset(self, request, queryset):
        return queryset.failed() if self.value() == "failed" else queryset


@admin.register(ApiCall)
class ApiCallAdmin(ReadOnlyAdmin):
    """The newest first; each is known to the logs by its request."""

    list_display = ["at", "client_link", "method", "route", "status", "code", "milliseconds", "request_id"]
    list_filter = [FailedFilter]
    list_select_related = ["client__application", "client__customer"]
    sortable_by = ()
    narrowed_by = ["client", "client__customer"]
    sortable_by = ()
    fields = ["at", "client_link", "method", "route", "status", "code", "milliseconds", "request_id"]
    readonly_fields = ["client_link"]

    client_link = link("client", _("API client"))
