"""Deliveries, the disclosures in them, the decisions these rest on, and who fetched what."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, import_anchor, person_anchor
from benefits.labels import section_name
from deliveries.models import Delivery, Disclosure, Fetch, StoredDecision
from lefi.admin import IsSetFilter, ReadOnlyAdmin, anchor, link
from subscriptions.admin.fields import benefit_name, class_names


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "number",
        "customer_link",
        "stream_link",
        "run_link",
        "persons",
        "blocks",
        "released_at",
        "first_fetched_at",
        "acknowledged_at",
        "recalled_at",
    ]
    list_filter = [
        ("first_fetched_at", IsSetFilter),
        ("acknowledged_at", IsSetFilter),
        ("recalled_at", IsSetFilter),
        "final",
    ]
    list_select_related = ["run", "stream__agreement__customer"]
    date_hierarchy = "released_at"
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name"]
    narrowed_by = ["run", "stream", "stream__agreement", "stream__agreement__customer"]
    leads_to = [
        ("deliveries.Disclosure", "delivery", "pk"),
        ("deliveries.Fetch", "delivery", "pk"),
        ("deliveries.HandoutRelease", "delivery", "pk"),
    ]
    fields = [
        "customer_link",
        "stream_link",
        "number",
        "run_link",
        "day",
        "import_link",
        "as_of_law",
        "persons",
        "blocks",
        "final",
        "size",
        "sha256",
        "previous_sha256",
        "schema_version",
        "planned_for",
        "released_at",
        "first_fetched_at",
        "acknowledged_at",
        "recalled_at",
        "hand_out_again",
        "see_also",
    ]
    readonly_fields = ["customer_link", "stream_link", "run_link", "import_link", "hand_out_again", "see_also"]

    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))
    run_link = link("run", _("run"))

    @admin.display(description=_("as of import"), ordering="as_of_import")
    def import_link(self, obj: Delivery) -> str:
        return import_anchor(obj.as_of_import)

    @admin.display(description=_("hand out once more"))
    def hand_out_again(self, obj: Delivery) -> str:
        """Where a second handout is proposed, for when the delivery holds what may no longer be told."""
        if obj.first_fetched_at is None:
            return "-"
        url = reverse("admin:deliveries_handoutrelease_add")
        return format_html('<a href="{}?delivery={}">{}</a>', url, obj.pk, _("Propose that it be handed out once more"))


@admin.register(Disclosure)
class DisclosureAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "id",
        "person_link",
        "customer_link",
        "benefit_label",
        "outcome",
        "reason",
        "complete",
        "delivery_link",
    ]
    list_filter = ["outcome", "complete"]
    list_select_related = ["person", "customer", "watch", "delivery__stream__agreement"]
    sortable_by = ["id"]
    narrowed_by = ["delivery", "customer", "person", "watch", "decision"]
    fields = [
        "person_link",
        "customer_link",
        "benefit_label",
        "outcome",
        "reason",
        "complete",
        "from_date",
        "case_reference",
        "section_labels",
        "items",
        "decision_link",
        "watch_link",
        "delivery_link",
        "run_link",
    ]
    readonly_fields = [
        "person_link",
        "customer_link",
        "benefit_label",
        "section_labels",
        "decision_link",
        "watch_link",
        "delivery_link",
        "run_link",
    ]

    customer_link = link("customer", _("customer"))
    watch_link = link("watch", _("watch"))
    delivery_link = link("delivery", _("delivery"))
    run_link = link("delivery.run", _("run"))

    @admin.display(description=_("person"))
    def person_link(self, obj: Disclosure) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("benefit"))
    def benefit_label(self, obj: Disclosure) -> str:
        return benefit_name(obj.watch.benefit)

    @admin.display(description=_("decision"))
    def decision_link(self, obj: Disclosure) -> str:
        decision = obj.decision
        return anchor(decision, f"{decision.basis_code} v{decision.basis_version}, {decision.day}")

    @admin.display(description=_("sections"))
    def section_labels(self, obj: Disclosure) -> str:
        return ", ".join(map(section_name, obj.sections)) or "-"


@admin.register(StoredDecision)
class StoredDecisionAdmin(ReadOnlyAdmin):
    list_display = [
        "id",
        "day",
        "benefit_label",
        "outcome",
        "refusal",
        "basis_code",
        "basis_version",
        "scope_version",
    ]
    list_filter = ["outcome", "refusal", "basis_code"]
    search_fields = ["benefit"]
    leads_to = [("deliveries.Disclosure", "decision", "pk")]
    fields = [
        "day",
        "benefit_label",
        "outcome",
        "refusal",
        "basis_code",
        "basis_version",
        "scope_version",
        "class_labels",
        "consent_id",
        "profile",
        "see_also",
    ]
    readonly_fields = ["benefit_label", "class_labels", "see_also"]

    @admin.display(description=_("benefit"), ordering="benefit")
    def benefit_label(self, obj: StoredDecision) -> str:
        return benefit_name(obj.benefit)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: StoredDecision) -> str:
        return class_names(obj.classes)


@admin.register(Fetch)
class FetchAdmin(ReadOnlyAdmin):
    list_display = ["at", "delivery_link", "user", "client", "refusal"]
    list_filter = ["refusal"]
    list_select_related = ["delivery__stream__agreement", "user"]
    search_fields = ["client", "user__username"]
    narrowed_by = ["delivery"]
    fields = ["at", "delivery_link", "user", "client", "refusal"]
    readonly_fields = ["delivery_link"]

    delivery_link = link("delivery", _("delivery"))
