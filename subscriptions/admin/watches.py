"""Orders as they came, the watches that stand because of them, and what those are owed."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_anchor
from benefits.identity import masked
from lefi.admin import IsSetFilter, ReadOnlyAdmin, link
from subscriptions.admin.fields import benefit_name
from subscriptions.models import Order, OrderLine, Pending, Watch


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """What came in; the file as received holds identity numbers and is not shown."""

    list_display = [
        "__str__",
        "customer_link",
        "stream_link",
        "channel",
        "ordered_by",
        "client",
        "received_at",
    ]
    list_filter = ["channel"]
    list_select_related = ["stream__agreement__customer", "ordered_by"]
    date_hierarchy = "received_at"
    search_fields = ["reference", "client", "stream__agreement__code"]
    narrowed_by = ["stream", "stream__agreement__customer"]
    leads_to = [("subscriptions.OrderLine", "order", "pk")]
    fields = [
        "customer_link",
        "stream_link",
        "channel",
        "ordered_by",
        "client",
        "reference",
        "received_at",
        "see_also",
    ]
    readonly_fields = ["customer_link", "stream_link", "see_also"]

    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))


@admin.register(OrderLine)
class OrderLineAdmin(AboutAPerson, ReadOnlyAdmin):
    about = "watch.person_id"
    list_display = [
        "order_link",
        "line",
        "kind",
        "masked_number",
        "benefit",
        "from_date",
        "answer",
        "watch_link",
    ]
    list_display_links = ["line"]
    list_filter = ["kind", "answer"]
    list_select_related = ["order__stream__agreement", "watch"]
    ordering = ["-order", "line"]
    narrowed_by = ["order", "watch"]
    fields = [
        "order_link",
        "line",
        "kind",
        "masked_number",
        "benefit",
        "from_date",
        "reference",
        "answer",
        "watch_link",
    ]
    readonly_fields = ["order_link", "masked_number", "watch_link"]

    order_link = link("order", _("order"))
    watch_link = link("watch", _("watch"))

    @admin.display(description=_("identity number"))
    def masked_number(self, obj: OrderLine) -> str:
        return masked(obj.number)


@admin.register(Watch)
class WatchAdmin(AboutAPerson, ReadOnlyAdmin):
    list_display = [
        "id",
        "person_link",
        "benefit_label",
        "customer_link",
        "stream_link",
        "from_date",
        "opened_at",
        "ended_at",
    ]
    list_filter = [("ended_at", IsSetFilter), "end_reason"]
    list_select_related = ["person", "stream__agreement__customer"]
    sortable_by = ["id"]
    narrowed_by = ["person", "stream", "stream__agreement", "stream__agreement__customer"]
    leads_to = [
        ("deliveries.Disclosure", "watch", "pk"),
        ("subscriptions.OrderLine", "watch", "pk"),
        ("subscriptions.Pending", "watch", "pk"),
    ]
    fields = [
        "person_link",
        "benefit_label",
        "customer_link",
        "stream_link",
        "from_date",
        "case_reference",
        "need_reference",
        "reconfirm_by",
        "opened_at",
        "ended_at",
        "end_reason",
        "ended_as_of",
        "see_also",
    ]
    readonly_fields = ["person_link", "benefit_label", "customer_link", "stream_link", "see_also"]

    customer_link = link("stream.agreement.customer", _("customer"))
    stream_link = link("stream", _("stream"))

    @admin.display(description=_("person"))
    def person_link(self, obj: Watch) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("benefit"), ordering="benefit")
    def benefit_label(self, obj: Watch) -> str:
        return benefit_name(obj.benefit)


@admin.register(Pending)
class PendingAdmin(AboutAPerson, ReadOnlyAdmin):
    about = "watch.person_id"
    list_display = ["id", "reason", "since", "watch_link", "person_link", "stream_link"]
    list_filter = ["reason"]
    list_select_related = ["watch__person", "watch__stream__agreement"]
    ordering = ["id"]
    narrowed_by = ["watch", "watch__stream"]
    fields = ["reason", "since", "watch_link", "person_link", "stream_link"]
    readonly_fields = ["watch_link", "person_link", "stream_link"]

    watch_link = link("watch", _("watch"))
    stream_link = link("watch.stream", _("stream"))

    @admin.display(description=_("person"))
    def person_link(self, obj: Pending) -> str:
        return person_anchor(obj.watch.person)
