"""What every line of an order was answered."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson
from benefits.identity import masked
from benefits.models import Person
from lefi.admin import ReadOnlyAdmin, link
from lefi.admin.columns import EMPTY, SUCCESS, WARNING, badge, coded, named
from lefi.audit.models import Action, record
from lefi.masking import mask_identity_numbers
from lefi.paging import grouped
from subscriptions.admin.fields import in_words
from subscriptions.answers import CARRIED_OUT, STOOD_ALREADY, Answer, sentence
from subscriptions.decision import Refusal
from subscriptions.models import Order, OrderLine

CODES = (*Answer, *Refusal)


def by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """What lines were answered, and how many: the most frequent first."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


class AnswerFilter(admin.SimpleListFilter):
    """The answers that an order's lines got, or all there are: a large table is not asked which ones it holds."""

    title = _("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        named = request.GET.get("order", "")
        order = Order.objects.filter(pk=named).first() if named.isdecimal() else None
        if order is None:
            return [(code, sentence(code)) for code in CODES]
        return [(code, f"{sentence(code)} ({grouped(count)})") for code, count in by_number(order.counts)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(answer=self.value()) if self.value() else queryset


@admin.register(OrderLine)
class OrderLineAdmin(AboutAPerson, ReadOnlyAdmin):
    """A line is about the person of its watch, or about whoever now holds its number, even where it was refused."""

    list_display = [
        "line",
        "order_link",
        "kind",
        "masked_number",
        "benefit_words",
        "from_date",
        "answer_badge",
        "watch_link",
    ]
    narrowed_filters = ["kind", AnswerFilter]
    list_select_related = ["order__stream__agreement", "watch"]
    sortable_by = ()
    narrowed_by = ["order", "watch"]
    short = ["line", "order_link", "kind", "benefit_words", "answer_badge", "watch_link"]
    empty = _("No order has come yet.")
    fields = [
        "answer_words",
        "order_link",
        "line",
        "kind",
        "masked_number",
        "benefit_words",
        "from_date",
        "masked_reference",
        "watch_link",
        "row_of_file",
    ]
    technical = ["row_of_file"]

    order_link = link("order", _("order"))
    watch_link = link("watch", _("watch"))
    benefit_words = in_words()
    row_of_file = named("file_row", _("row of the file"), grouped, ordering=None)

    def get_ordering(self, request: HttpRequest) -> Any:
        """By line within an order; over all orders the newest first, both ways as the index stands."""
        return ["order_id", "line"] if "order" in request.GET else ["-order_id", "-line"]

    @admin.display(description=_("identity number"))
    def masked_number(self, obj: OrderLine) -> str:
        return masked(obj.number)

    @admin.display(description=_("customer's reference"))
    def masked_reference(self, obj: OrderLine) -> str:
        return mask_identity_numbers(obj.reference) or EMPTY

    @admin.display(description=_("answer"))
    def answer_badge(self, obj: OrderLine) -> str:
        """In words, toned by whether the line had an effect or is to be mended."""
        tone = SUCCESS if obj.answer in CARRIED_OUT else "" if obj.answer in STOOD_ALREADY else WARNING
        return badge(sentence(obj.answer), tone)

    @admin.display(description=_("answer"))
    def answer_words(self, obj: OrderLine) -> str:
        return coded(sentence(obj.answer), obj.answer)

    def log_reading(self, request: HttpRequest, obj: OrderLine) -> HttpResponse | None:
        """Log a read also where nobody is known to hold the number: it may be somebody's all the same."""
        if self._person_id(obj) is None:
            record(action=Action.READ, object_type=self.opts.label_lower, object_id=obj.pk, actor=request.user)
        return super().log_reading(request, obj)

    def _person_id(self, obj: Model | None) -> int | None:
        line: Any = obj
        if line.watch is not None:
            return line.watch.person_id
        return Person.objects.holding(line.number).values_list("pk", flat=True).first()
