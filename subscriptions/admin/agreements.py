"""Agreements, what they cover, their streams, and emergency stops."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lefi.admin import AuditedModelAdmin, link
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
    list_display = ["code", "customer_link", "status", "valid_from", "valid_to", "number_of_streams", "open_watches"]
    list_filter = ["status"]
    list_select_related = ["customer"]
    date_hierarchy = "valid_from"
    search_fields = ["code", "customer__name"]
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer"]
    readonly_fields = ["see_also"]
    leads_to = [
        ("subscriptions.Customer", "pk", "customer_id"),
        ("subscriptions.Scope", "agreement", "pk"),
        ("subscriptions.Stream", "agreement", "pk"),
        ("subscriptions.Watch", "stream__agreement", "pk"),
        ("deliveries.Delivery", "stream__agreement", "pk"),
        ("subscriptions.Block", "agreement", "pk"),
    ]

    customer_link = link("customer", _("customer"))

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .annotate(
                streams_of_it=Count("streams", distinct=True),
                watches_open=Count(
                    "streams__watches", distinct=True, filter=Q(streams__watches__ended_at=None)
                ),
            )
        )

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=_("streams"), ordering="streams_of_it")
    def number_of_streams(self, obj) -> int:
        return obj.streams_of_it

    @admin.display(description=_("open watches"), ordering="watches_open")
    def open_watches(self, obj) -> int:
        return obj.watches_open
