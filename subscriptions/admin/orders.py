"""Orders as they came, how far each has got, and what every line was answered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lefi.admin import ReadOnlyAdmin, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, badge, state
from lefi.admin.filters import DaysFilter
from lefi.admin.paths import matching
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from lefi.paging import grouped
from lefi.problems import PROBLEMS
from subscriptions.admin.fields import customer_filter
from subscriptions.admin.ordering import FORMS, Choice, place
from subscriptions.admin.orderlines import by_number
from subscriptions.admin.ordersteps import BUTTONS, open_steps, step_of
from subscriptions.admin.seeking import SoughtByReference
from subscriptions.answers import CARRIED_OUT, STOOD_ALREADY, sentence
from subscriptions.labels import stream_name
from subscriptions.models import Order, Stream
from subscriptions.orders import placing
from subscriptions.profiles import law_of

Status = Order.Status
CUSTOMER, STREAM = "stream__agreement__customer", "stream"
TONES = {
    Status.DONE: SUCCESS,
    Status.WORKING: INFO,
    Status.WAITING: INFO,
    Status.PREVIEWED: WARNING,
    Status.STOPPED: WARNING,
    Status.REFUSED: ERROR,
}
TONED = state("status", _("status"), TONES)
KINDS = {"done": _("with effect"), "stood": _("stood already"), "faulty": _("without effect")}


def stuck(orders: QuerySet, at: datetime) -> QuerySet:
    """The orders that get no further by themselves: no worker is at them, or none got on with them."""
    forgotten = Q(status__in=Order.IN_HAND, received_at__lt=at - placing.LEASE) & (
        Q(leased_until=None) | Q(leased_until__lte=at)
    )
    return orders.filter(forgotten | Q(status=Status.STOPPED, tries__gte=placing.TRIES))


def refused_words(code: str, row: int | None) -> str:
    """Why an order as a whole was refused, and at which row of its file."""
    words = str(PROBLEMS[code].title) if code in PROBLEMS else code
    return f"{words} {_('Row %(row)s.') % {'row': row}}" if row else words


class StuckFilter(admin.SimpleListFilter):
    """The orders that somebody has to look at."""

    title = _("stuck")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("No worker gets on with it"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return stuck(queryset, timezone.now()) if self.value() else queryset


class StreamFilter(admin.SimpleListFilter):
    """The streams of the customer that the list is narrowed to, or the one stream that it is."""

    title = _("stream")
    parameter_name = STREAM

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        return queryset.filter(stream=int(value)) if value.isdecimal() else queryset

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        customer, stream = request.GET.get(CUSTOMER, ""), request.GET.get(STREAM, "")
        streams = Stream.objects.select_related("agreement").order_by("agreement__code", "purpose", "channel")
        if customer.isdecimal():
            streams = streams.filter(agreement__customer=int(customer))
        else:
            streams = streams.filter(pk=int(stream) if stream.isdecimal() else 0)
        return [(one.pk, stream_name(one)) for one in streams]


@admin.register(Order)
class OrderAdmin(SoughtByReference, ReadOnlyAdmin):
    """What came in, with its progress; the file as received holds identity numbers and is not shown."""

    change_form_template = "admin/subscriptions/order/change_form.html"
    change_list_template = "admin/subscriptions/order/change_list.html"
    list_display = [
        "id",
        "status_badge",
        "received_at",
        "customer_link",
        "stream_link",
        "channel",
        "aim",
        "progress",
        "answers",
    ]
    list_filter = [
        ("received_at", DaysFilter),
        "status",
        StuckFilter,
        "aim",
        "channel",
        customer_filter(CUSTOMER),
        StreamFilter,
        "form",
    ]
    list_select_related = ["stream__agreement__customer"]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["=client", "stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, the customer's name, or the id of a system.")
    reference_words = _("How the customer's reference begins.")
    narrowed_by = ["stream", "stream__agreement", CUSTOMER]
    short = ["id", "status_badge", "received_at", "channel", "progress"]
    empty = _("No order has come yet.")
    moments = [("received_at", "ordered_by"), ("pass_started_at", ""), ("done_at", "")]
    technical = ["form", "masked_file_name", "size_words", "client"]
    leads_to = [("subscriptions.OrderLine", "order", "pk")]
    fields = [
        "status_words",
        "aim",
        "progress_in_full",
        "refusal_words",
        "customer_link",
        "agreement_link",
        "stream_link",
        "channel",
        "ordered_by",
        "client",
        "masked_reference",
        "form",
        "masked_file_name",
        "size_words",
        "received_at",
        "done_at",
        "expected_words",
        "delivery_link",
    ]
    refusals = {
        "ORDER_STATE": _("The order has moved on, and this cannot be done with it as it now stands."),
    }

    customer_link = link("stream.agreement.customer", _("customer"))
    agreement_link = link("stream.agreement", _("agreement"))
    stream_link = link("stream", _("stream"))
    status_badge = TONED

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out what an order does not have, and who at the customer ordered from those who see no people."""
        empty: dict[Any, bool] = (
            {
                "refusal_words": not obj.refusal,
                "masked_file_name": not obj.file_name,
                "size_words": not obj.size,
                "form": not obj.form,
                "client": not obj.client,
                "ordered_by": obj.ordered_by_id is None or not request.user.has_perm("accounts.view_user"),
                "masked_reference": not obj.reference,
                "expected_words": not obj.expected,
                "delivery_link": obj.carried_in is None,
                "done_at": obj.done_at is None,
            }
            if obj
            else {}
        )
        return [one for one in super().get_fields(request, obj) if not empty.get(one)]

    def get_urls(self) -> list[Any]:
        view, name = self.admin_site.admin_view, "subscriptions_order"
        steps = [
            path(f"<path:object_id>/{step}/", view(self.step_view), {"step": step}, f"{name}_{step}")
            for step in BUTTONS
        ]
        return [path("place/", view(self.place_view), name=f"{name}_place"), *steps, *super().get_urls()]

    # The list and the page

    @admin.display(description=_("lines answered"))
    def progress(self, obj: Order) -> str:
        if obj.line_count is None:
            return grouped(obj.lines_read) if obj.lines_read else EMPTY
        done, count = grouped(obj.lines_done), grouped(obj.line_count)
        return done if obj.over else f"{done} / {count} ({obj.percent} %)"

    @admin.display(description=_("answers"))
    def answers(self, obj: Order) -> str:
        """How many lines had an effect, stood already, or are to be mended; or why all was refused."""
        if obj.refusal:
            return refused_words(obj.refusal, obj.refused_at_row)
        kinds: Counter[str] = Counter()
        for code, count in obj.counts.items():
            kinds["done" if code in CARRIED_OUT else "stood" if code in STOOD_ALREADY else "faulty"] += count
        said = [f"{grouped(kinds[kind])} {words}" for kind, words in KINDS.items() if kinds[kind]]
        return " · ".join(said) or EMPTY

    @admin.display(description=_("status"))
    def status_words(self, obj: Order) -> str:
        words = [TONED(self, obj)]
        if obj.stop_wanted:
            words.append(badge(_("asked to stop"), WARNING))
        if stuck(Order.objects.filter(pk=obj.pk), timezone.now()).exists():
            words.append(badge(_("no worker gets on with it"), ERROR))
        return format_html_join(" ", "{}", ((one,) for one in words))

    @admin.display(description=_("told in delivery"))
    def delivery_link(self, obj: Order) -> str:
        """The way to the delivery that carried the order's answers, by its number in the stream."""
        every = reverse("admin:deliveries_delivery_changelist")
        query = urlencode([("stream", obj.stream_id), ("number", str(obj.carried_in))])
        return format_html('<a href="{}?{}">{}</a>', every, query, obj.carried_in)

    @admin.display(description=_("progress"))
    def progress_in_full(self, obj: Order) -> str:
        words = " · ".join(map(str, _progress(obj, timezone.now())))
        if obj.status not in (Status.WORKING, Status.STOPPED):
            return words
        percent = obj.percent_read if obj.line_count is None else obj.percent
        return format_html('<progress max="100" value="{}"></progress> {}', percent, words)

    @admin.display(description=_("refused"))
    def refusal_words(self, obj: Order) -> str:
        return format_html("{} (<code>{}</code>)", refused_words(obj.refusal, obj.refused_at_row), obj.refusal)

    @admin.display(description=_("customer's reference"))
    def masked_reference(self, obj: Order) -> str:
        return mask_identity_numbers(obj.reference)

    @admin.display(description=_("file"))
    def masked_file_name(self, obj: Order) -> str:
        return mask_identity_numbers(obj.file_name)

    @admin.display(description=_("size"))
    def size_words(self, obj: Order) -> str:
        return filesizeformat(obj.size)

    @admin.display(description=_("expected first delivery"))
    def expected_words(self, obj: Order) -> str:
        return " · ".join(map(str, _expected(obj.expected)))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        order: Order = context["original"]
        lines = reverse("admin:subscriptions_orderline_changelist")
        context["answers"] = [
            (code, sentence(code), count, f"{lines}?{urlencode([('order', order.pk), ('answer', code)])}")
            for code, count in by_number(order.counts)
        ]
        context["in_hand"] = order.status in Order.IN_HAND
        return super().render_change_form(request, context, *args, **kwargs)

    def about_reference(self, rows: Any, reference: str) -> QuerySet:
        return rows.filter(matching(Order, ["^reference"], reference))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"may_place": self.has_place_permission(request)})

    # What is done to an order

    def has_step_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def steps_of(self, request: HttpRequest, obj: Order) -> list[tuple[str, Any]]:
        return [(step, BUTTONS[step]) for step in open_steps(obj)] if self.has_step_permission(request) else []

    def step_view(self, request: HttpRequest, object_id: str, step: str) -> HttpResponse:
        """Stop an order, go on with it, end its rest, confirm it or throw it away, with the reason."""
        order: Order = self.found(request, object_id)
        if not self.has_step_permission(request):
            raise PermissionDenied
        refusal = "" if step in open_steps(order) else self.refusals["ORDER_STATE"]
        return self.take(request, order, step_of(step, order, by=request.user, refusal=refusal))

    def has_place_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def place_view(self, request: HttpRequest) -> HttpResponse:
        """Order on behalf of a customer: first for which stream and in what form, then what."""
        if not self.has_place_permission(request):
            raise PermissionDenied
        choice = Choice(request.GET or None)
        if not choice.is_valid():
            return self._show_place(request, choice, "get")
        stream = choice.cleaned_data["stream"]
        form = FORMS[choice.cleaned_data["what"]](
            request.POST or None, request.FILES or None, law=law_of(stream, timezone.localdate())
        )
        if request.method == "POST" and form.is_valid():
            try:
                order = place(form, stream, by=request.user, at=timezone.now())
            except Refused as refused:
                form.add_error(None, refused_words(refused.code, getattr(refused, "row", None)))
            else:
                messages.success(request, _("The order was taken. This is how it stands."))
                return HttpResponseRedirect(reverse("admin:subscriptions_order_change", args=[order.pk]))
        return self._show_place(request, form, "post", stream)

    def _show_place(
        self, request: HttpRequest, form: Any, method: str, stream: Stream | None = None
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": _("Order for a customer"),
            "form": form,
            "method": method,
            "stream": stream,
        }
        return TemplateResponse(request, "admin/subscriptions/order/place.html", context)


def _progress(order: Order, at: datetime) -> Iterator[str | Promise]:
    """How far an order has got, in parts: of which some are known only while a worker is at it."""
    if order.status == Status.RECEIVING:
        yield f"{filesizeformat(order.received_bytes)} / {filesizeformat(order.size)}"
    elif order.line_count is None:
        yield _("Lines read: %(count)s") % {"count": grouped(order.lines_read)}
        yield _("%(percent)s %% of the file") % {"percent": order.percent_read}
    else:
        yield f"{order.percent} %"
        yield f"{grouped(order.lines_done)} / {grouped(order.line_count)}"
    if rate := order.rate(at):
        yield _("%(rate)s lines a second") % {"rate": grouped(round(rate))}
    if (left := order.time_left(at)) is not None:
        yield _("%(time)s left") % {"time": left}


def _expected(said: Mapping[str, int | None]) -> Iterator[str]:
    yield ngettext("%(count)d watch", "%(count)d watches", said["watches"] or 0) % {"count": said["watches"]}
    yield ngettext("%(count)d person", "%(count)d persons", said["persons"] or 0) % {"count": said["persons"]}
    if said["bytes"] is not None:
        yield str(_("about %(size)s, reckoned from the register's averages") % {"size": filesizeformat(said["bytes"])})
