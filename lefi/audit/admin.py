"""The log of what people did, to read only."""

from django.contrib import admin

from lefi.admin import ReadOnlyAdmin
from lefi.audit.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "actor", "client", "action", "object_type", "object_id", "person_id", "reason"]
    list_filter = ["action"]
    list_select_related = ["actor"]
    date_hierarchy = "at"
    search_fields = ["actor__username", "object_type"]
    narrowed_by = ["person_id", "actor", "object_type", "object_id"]
