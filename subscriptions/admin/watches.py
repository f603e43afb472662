"""The watches that stand because of orders, and what they are owed."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_anchor, person_link
from lefi.admin import ReadOnlyAdmin, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, age, badge, due, named, state
from lefi.admin.filters import DaysFilter, whether
from subscriptions.admin.fields import BenefitFilter, benefit_filter, benefit_label, customer_filter, in_words
from subscriptions.admin.seeking import SoughtByReference
from subscriptions.models import Pending, Watch

Reason = Pending.Reason
TONES = {
    Reason.FIRST: INFO,
    Reason.REFRESH: INFO,
    Reason.FAILED: ERROR,
    Reason.HELD: WARNING,
    Reason.BRAKED: WARNING,
    Reason.PROTECTED: WARNING,
    Reason.REPAIR: WARNING,
}


@admin.register(Watch)
class WatchAdmin(SoughtByReference, AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "id",
        "state_badge",
        "person_link",
        "benefit_words",
        "customer_link",
        "stream_link",
        "from_date",
        "opened_at",
        "confirm_by",
    ]
    list_filter = [
        ("ended_at", whether(_("open"), _("ended"), _("state"))),
        customer_filter("stream__agreement__customer"),
    ]
    narrowed_filters = ["end_reason", BenefitFilter]
    list_select_related = ["person", "stream__agreement__customer"]
    sortable_by = ["id"]
    reference_words = _("The whole reference of a case or a need. A person is sought on a page of its own.")
    narrowed_by = ["person", "stream", "stream__agreement", "stream__agreement__customer"]
    short = ["id", "state_badge", "person_link", "benefit_words", "from_date", "opened_at"]
    empty = _("Nobody is watched yet.")
    moments = [("opened_at", ""), ("ended_at", "")]
    leads_to = [
        ("subscriptions.OrderLine", "watch", "pk"),
        ("deliveries.Disclosure", "watch", "pk"),
        ("subscriptions.Pending", "watch", "pk"),
        ("deliveries.ClosingProposal", "watch", "pk"),
        ("deliveries.Debt", "watch", "pk"),
        ("subscriptions.ProtectedRelease", "watch", "pk"),
    ]
    fields = [
        "state_badge",
        "person_link",
        "benefit_label",
        "customer_link",
        "agreement_link",
        "stream_link",
        "by_number",
        "from_date",
        "case_reference",
        "need_reference",
        "confirm_by",
        "opened_at",
        "ended_at",
        "end_reason",
        "ended_as_of",
    ]
    technical = ["ended_as_of"]

    person_link = person_link
    benefit_label = benefit_label
    benefit_words = in_words()
    customer_link = link("stream.agreement.customer", _("customer"))
    agreement_link = link("stream.agreement", _("agreement"))
    stream_link = link("stream", _("stream"))

    def about_reference(self, rows: Any, reference: str) -> QuerySet:
        """By the whole reference, which indexes lead to however many watches there are."""
        return rows.filter(Q(case_reference=reference) | Q(need_reference=reference))

    @admin.display(description=_("state"))
    def state_badge(self, obj: Watch) -> str:
        return badge(_("open"), SUCCESS) if obj.ended_at is None else badge(obj.get_end_reason_display())

    @admin.display(description=_("reconfirm"))
    def confirm_by(self, obj: Watch) -> str:
        return due(obj.reconfirm_by, on=timezone.localdate(), soon=30) if obj.ended_at is None else EMPTY


@admin.register(Pending)
class PendingAdmin(AboutAPerson, ReadOnlyAdmin):
    about = "watch.person_id"
    list_display = ["id", "reason_badge", "waited", "since", "watch_link", "person_link", "customer_link"]
    list_filter = ["reason", ("since", DaysFilter)]
    narrowed_filters = [benefit_filter("watch__benefit")]
    list_select_related = ["watch__person", "watch__stream__agreement__customer"]
    ordering = ["id"]
    sortable_by = ["id"]
    narrowed_by = ["watch", "watch__stream"]
    short = ["reason_badge", "waited", "since", "watch_link", "person_link"]
    empty = _("Nothing is owed: all that should have been told has been.")
    fields = ["reason_badge", "since", "waited", "watch_link", "person_link", "customer_link", "stream_link"]

    reason_badge = state("reason", _("reason"), TONES)
    waited = age("since", _("has waited"))
    customer_link = link("watch.stream.agreement.customer", _("customer"))

    watch_link = link("watch", _("watch"))
    stream_link = link("watch.stream", _("stream"))

    person_link = named("watch.person", _("person"), person_anchor, ordering=None)
