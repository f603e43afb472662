"""Deliveries, the disclosures in them, the decisions these rest on, and who fetched what."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, import_anchor, person_link
from benefits.labels import section_name
from benefits.models import Reversal
from deliveries.models import Delivery, Disclosure, Fetch, StoredDecision
from deliveries.ordered import disclosures_reached
from lefi.admin import ReadOnlyAdmin, anchor, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, badge, named, state
from lefi.admin.filters import DaysFilter, one_of, whether
from subscriptions.admin.fields import (
    BenefitFilter,
    basis_choices,
    benefit_label,
    benefit_name,
    class_labels,
    customer_filter,
    in_words,
    refusals,
    why,
)
from subscriptions.decision import Outcome, Refusal
from subscriptions.models import Consent

OUTCOMES: dict[str, Any] = {
    Outcome.ALLOWED: _("may be told"),
    Outcome.REFUSED: _("may not be told"),
    Outcome.FROZEN: _("frozen"),
}
TONES: dict[str, str] = {Outcome.ALLOWED: SUCCESS, Outcome.REFUSED: ERROR, Outcome.FROZEN: WARNING}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "number",
        "state_badge",
        "customer_link",
        "stream_link",
        "run_link",
        "persons",
        "blocks",
        "released_at",
        "first_fetched_at",
        "acknowledged_at",
    ]
    list_filter = [
        ("released_at", DaysFilter),
        ("first_fetched_at", whether(_("not fetched"), _("has been fetched"), _("fetched"))),
        ("acknowledged_at", whether(_("not acknowledged"), _("acknowledged"), _("acknowledgement"))),
        ("recalled_at", whether(_("stands"), _("recalled"), _("recall"))),
        one_of("final", _("end of the stream"), lambda: [("1", _("ends the stream"))]),
        customer_filter("stream__agreement__customer"),
    ]
    list_select_related = ["run", "stream__agreement__customer"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, or the customer's name.")
    narrowed_by = ["run", "stream", "stream__agreement", "stream__agreement__customer", "number", "as_of_import"]
    short = ["number", "state_badge", "stream_link", "released_at", "persons", "blocks"]
    empty = _("Nothing has been delivered yet.")
    moments = [
        ("planned_for", ""),
        ("released_at", ""),
        ("first_fetched_at", ""),
        ("acknowledged_at", ""),
        ("recalled_at", ""),
    ]
    leads_to = [
        ("deliveries.Disclosure", "delivery", "pk"),
        ("deliveries.Fetch", "delivery", "pk"),
        ("deliveries.HandoutRelease", "delivery", "pk"),
    ]
    fields = [
        "state_badge",
        "customer_link",
        "agreement_link",
        "stream_link",
        "number",
        "run_link",
        "day",
        "import_link",
        "persons",
        "blocks",
        "final",
        "size_words",
        "hand_out_again",
        "schema_version",
        "as_of_law",
        "sha256",
        "previous_sha256",
    ]
    technical = ["schema_version", "as_of_law", "sha256", "previous_sha256"]

    customer_link = link("stream.agreement.customer", _("customer"))
    agreement_link = link("stream.agreement", _("agreement"))
    stream_link = link("stream", _("stream"))
    run_link = link("run", _("run"))
    import_link = named("as_of_import", _("as of import"), import_anchor, ordering=None)
    size_words = named("size", _("size"), filesizeformat)

    @admin.display(description=_("state"))
    def state_badge(self, obj: Delivery) -> str:
        """How far it has come; what waits for the customer is not ours to do."""
        if obj.recalled_at:
            return badge(_("recalled"), ERROR)
        if obj.acknowledged_at:
            return badge(_("acknowledged"), SUCCESS)
        return badge(_("has been fetched"), INFO) if obj.first_fetched_at else badge(_("not fetched"), WARNING)

    @admin.display(description=_("hand out once more"))
    def hand_out_again(self, obj: Delivery) -> str:
        """Where a second handout is proposed, for when the delivery holds what may no longer be told."""
        if obj.first_fetched_at is None:
            return EMPTY
        url = reverse("admin:deliveries_handoutrelease_add")
        return format_html('<a href="{}?delivery={}">{}</a>', url, obj.pk, _("Propose that it be handed out once more"))


class WrongImportFilter(admin.SimpleListFilter):
    """What was told, to whom and of whom, of an import that was undone."""

    title = _("told of a wrong import")
    parameter_name = "wrong_import"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        undone = Reversal.objects.approved().select_related("imported").order_by("-pk")
        return [(str(one.pk), str(one.imported)) for one in undone]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = self.value() or ""
        if wanted not in {one for one, _words in self.lookup_choices}:
            return queryset
        reversal = Reversal.objects.select_related("imported").get(pk=wanted)
        return disclosures_reached(reversal, queryset)


@admin.register(Disclosure)
class DisclosureAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "id",
        "outcome_badge",
        "person_link",
        "customer_link",
        "benefit_words",
        "kind_badge",
        "reason_words",
        "delivery_link",
    ]
    list_filter = [
        "outcome",
        one_of("complete", _("information"), lambda: [("1", _("complete")), ("0", _("changes"))]),
        customer_filter("customer"),
        WrongImportFilter,
    ]
    list_select_related = ["person", "customer", "watch", "delivery__stream__agreement"]
    ordering = ["-id"]
    sortable_by = ["id"]
    narrowed_by = ["delivery", "delivery__run", "delivery__stream", "customer", "person", "watch", "decision"]
    found_before_sorted = ["delivery__run", WrongImportFilter.parameter_name]
    short = ["id", "outcome_badge", "person_link", "benefit_words", "kind_badge", "watch_link", "delivery_link"]
    empty = _("Nobody has been told anything yet.")
    fields = [
        "outcome_badge",
        "reason_words",
        "person_link",
        "customer_link",
        "benefit_label",
        "kind_badge",
        "from_date",
        "case_reference",
        "section_labels",
        "items",
        "watch_link",
        "delivery_link",
        "run_link",
        "decision_link",
    ]

    customer_link = link("customer", _("customer"))
    watch_link = link("watch", _("watch"))
    delivery_link = link("delivery", _("delivery"))
    run_link = link("delivery.run", _("run"))
    person_link = person_link
    benefit_label = named("watch.benefit", _("benefit"), benefit_name, ordering=None)
    benefit_words = in_words("watch.benefit")
    reason_words = why("reason", _("why"))
    outcome_badge = state(
        "outcome", _("outcome"), {Disclosure.Outcome.SENT: SUCCESS, Disclosure.Outcome.WITHHELD: WARNING}
    )

    @admin.display(description=_("information"))
    def kind_badge(self, obj: Disclosure) -> str:
        return badge(_("complete"), INFO) if obj.complete else badge(_("changes"))

    @admin.display(description=_("decision"))
    def decision_link(self, obj: Disclosure) -> str:
        decision = obj.decision
        return anchor(decision, f"{decision.basis_code} v{decision.basis_version}, {decision.day}")

    @admin.display(description=_("sections"))
    def section_labels(self, obj: Disclosure) -> str:
        return ", ".join(map(section_name, obj.sections)) or EMPTY


@admin.register(StoredDecision)
class StoredDecisionAdmin(ReadOnlyAdmin):
    list_display = ["id", "outcome_badge", "day", "benefit_label", "basis", "scope_version", "refusal_words"]
    list_filter = [
        ("day", DaysFilter),
        one_of("outcome", _("outcome"), OUTCOMES.items),
        BenefitFilter,
        one_of("basis_code", _("legal basis"), basis_choices),
        one_of("refusal", _("why not"), lambda: refusals(Refusal)),
    ]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["^basis_code"]
    search_help_text = _("The code of a legal basis.")
    narrowed_by = ["basis_code"]
    short = ["id", "outcome_badge", "day", "benefit_label", "refusal_words"]
    empty = _("Nothing has been decided yet.")
    leads_to = [("deliveries.Disclosure", "decision", "pk")]
    fields = [
        "outcome_badge",
        "refusal_words",
        "day",
        "benefit_label",
        "basis",
        "scope_version",
        "class_labels",
        "consent_link",
        "profile_text",
    ]
    technical = ["profile_text"]

    benefit_label = benefit_label
    class_labels = class_labels
    refusal_words = why("refusal", _("why not"))

    @admin.display(description=_("outcome"))
    def outcome_badge(self, obj: StoredDecision) -> str:
        return badge(OUTCOMES.get(obj.outcome, obj.outcome), TONES.get(obj.outcome, ""))

    @admin.display(description=_("legal basis"))
    def basis(self, obj: StoredDecision) -> str:
        """The version that it rested on; a link to the versions of the basis."""
        every = reverse("admin:subscriptions_legalbasis_changelist")
        words = f"{obj.basis_code} v{obj.basis_version}" if obj.basis_version else obj.basis_code
        return format_html('<a href="{}?{}">{}</a>', every, urlencode({"code": obj.basis_code}), words)

    @admin.display(description=_("consent"))
    def consent_link(self, obj: StoredDecision) -> str:
        return EMPTY if obj.consent_id is None else anchor(Consent(pk=obj.consent_id), obj.consent_id)

    @admin.display(description=_("all that it rested on"))
    def profile_text(self, obj: StoredDecision) -> str:
        return format_html('<pre class="fragment">{}</pre>', json.dumps(obj.profile, indent=1, ensure_ascii=False))


@admin.register(Fetch)
class FetchAdmin(ReadOnlyAdmin):
    list_display = ["at", "outcome_badge", "customer_link", "delivery_link", "user", "client", "refusal_words"]
    list_filter = [
        ("at", DaysFilter),
        ("refusal", whether(_("handed out"), _("refused"), _("outcome"))),
    ]
    list_select_related = ["delivery__stream__agreement__customer", "user"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["=client", "user__username", "user__first_name", "user__last_name"]
    search_help_text = _("The name of who fetched, or the id of a system.")
    narrowed_by = ["delivery"]
    short = ["at", "outcome_badge", "user", "client", "refusal_words"]
    empty = _("Nobody has fetched anything yet.")
    fields = ["outcome_badge", "refusal_words", "at", "customer_link", "delivery_link", "user", "client"]

    customer_link = link("delivery.stream.agreement.customer", _("customer"))
    delivery_link = link("delivery", _("delivery"))
    refusal_words = why("refusal", _("why not"))

    @admin.display(description=_("outcome"))
    def outcome_badge(self, obj: Fetch) -> str:
        return badge(_("refused"), ERROR) if obj.refusal else badge(_("handed out"), SUCCESS)
