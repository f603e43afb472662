"""The API's doors to orders: placing them, reading how they went, steering them, and their results as files."""

from collections.abc import Callable
from typing import IO, Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotAcceptable
from rest_framework.generics import ListAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import Responses, refusals
from subscriptions.api.base import NewestFirst, Pages, PartnerView, key_of, taken_in
from subscriptions.api.orderforms import (
    DIGEST_PARAMETER,
    KEY_PARAMETER,
    ORDER_BODIES,
    ORDER_EXAMPLES,
    AnsweredOrderSerializer,
    LinesAskedSerializer,
    OrderingSerializer,
    OrderLineSerializer,
    OrdersAskedSerializer,
    OrderSerializer,
)
from subscriptions.authentication import partner_of
from subscriptions.models import Order, OrderLine
from subscriptions.orders import placing, results
from subscriptions.orders.lines import OrderRefused
from subscriptions.tasks import hand_over

REPLAYED = "Idempotency-Replayed"


class OrderBody(BaseParser):
    """An order in a file of its own, with its form."""

    form: str

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return self.form, taken_in(stream, parser_context["request"])


class JSONOrder(OrderBody):
    media_type = "application/json"
    form = Order.Form.JSON


class JSONLinesOrder(OrderBody):
    media_type = "application/x-ndjson"
    form = Order.Form.JSONL


class JSONLOrder(JSONLinesOrder):
    media_type = "application/jsonl"


class XMLOrder(OrderBody):
    media_type = "application/xml"
    form = Order.Form.XML


class TextXMLOrder(XMLOrder):
    media_type = "text/xml"


class CSVOrder(OrderBody):
    media_type = "text/csv"
    form = Order.Form.CSV


class XLSXOrder(OrderBody):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    form = Order.Form.XLSX


class LinePages(Pages):
    page_size = 1000
    max_page_size = 5000
    ordering = "line"


class StreamOrders(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [JSONOrder, XMLOrder, TextXMLOrder, CSVOrder, XLSXOrder, JSONLinesOrder, JSONLOrder]

    @extend_schema(
        operation_id="place_order",
        tags=["orders"],
        request=ORDER_BODIES,
        examples=ORDER_EXAMPLES,
        parameters=[
            OrderingSerializer,
            KEY_PARAMETER,
            DIGEST_PARAMETER,
            OpenApiParameter(
                "Prefer",
                str,
                OpenApiParameter.HEADER,
                description="`respond-async`: do not wait for the answers (RFC 7240).",
            ),
        ],
        responses={
            200: OpenApiResponse(AnsweredOrderSerializer, description="The key was used before: the same order again."),
            201: OpenApiResponse(AnsweredOrderSerializer, description="Every line is answered."),
            202: OpenApiResponse(OrderSerializer, description="The order is being worked on; Location says where."),
            **refusals(
                "INVALID",
                "NOT_FOUND",
                "INCOMPLETE",
                "CONTENT_DIGEST",
                "NOT_JSON",
                "NOT_XML",
                "DOCTYPE",
                "ENCODING",
                "NOT_A_TABLE",
                "HEADER",
                "ORGANISATION_MISSING",
                "FORM",
                "EMPTY",
                "OTHER_ORGANISATION",
                "LENGTH_REQUIRED",
                "TOO_LARGE",
                "TOO_MANY_LINES",
                "UNSUPPORTED_MEDIA_TYPE",
                "IDEMPOTENCY_KEY_REUSED",
            ),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """Order, cancel or refresh watches. Every line is answered; one that is refused stops no other.

        A short order is answered at once. A longer one is read and answered by a worker: ask at Location how far it has
        got, and whether it could be read.
        """
        stream = self.stream_or_404(stream_id)
        asked = OrderingSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        aim = Order.Aim.PREVIEW if asked.validated_data["preview"] else Order.Aim.CARRY_OUT
        key, at = key_of(request), timezone.now()
        if not isinstance(request.data, tuple):  # an empty body reaches no parser
            raise OrderRefused("EMPTY")
        form, received = request.data
        order = placing.receive(
            stream=stream,
            channel=Order.Channel.API,
            received=received,
            form=form,
            at=at,
            aim=aim,
            at_once=received.size <= settings.ORDER_AT_ONCE_BYTES and not _may_wait(request),
            client=partner_of(request).client_id,
            reference=asked.validated_data["order_reference"],
            idempotency_key=key,
        )
        if order.received_at != at:
            refuse_another_aim(order, aim)
            return self._answered(order, status.HTTP_200_OK, {REPLAYED: "true"})
        if carry_on_at_once(order):
            return self._answered(placing.work_on(order.pk), status.HTTP_201_CREATED)
        return in_hand(order, request)

    def _answered(self, order: Order, code: int, headers: dict[str, str] | None = None) -> Response:
        url = url_of(order, self.request)
        said = answered_order(order, self.request, self, url=url)
        return Response(said, status=code, headers={"Location": url, **(headers or {})})


def _may_wait(request: Request) -> bool:
    """Whether the partner would rather not wait for the answers (RFC 7240)."""
    wishes = request.headers.get("Prefer", "").replace(";", ",").split(",")
    return "respond-async" in [wish.strip().lower() for wish in wishes]


def refuse_another_aim(order: Order, aim: str) -> None:
    """A key that was for a preview is not for carrying out: nothing would come of it, unless it has been confirmed."""
    if aim == Order.Aim.CARRY_OUT and order.aim == Order.Aim.PREVIEW:
        raise OrderRefused("IDEMPOTENCY_KEY_REUSED")


def carry_on_at_once(order: Order) -> bool:
    """Whether an order has so few lines that whoever asks waits for the answers."""
    return order.line_count is not None and order.line_count <= settings.ORDER_AT_ONCE_LINES


def in_hand(order: Order, request: Request) -> Response:
    """Give an order to a worker, and say where it stands."""
    hand_over(order)
    order.refresh_from_db()
    headers = {"Location": url_of(order, request)}
    return Response(OrderSerializer(order).data, status=status.HTTP_202_ACCEPTED, headers=headers)


def url_of(order: Order, request: Request) -> str:
    return request.build_absolute_uri(reverse("api:order", args=[order.pk]))


def answered_order(order: Order, request: Request, view: PartnerView, *, url: str) -> dict[str, Any]:
    """An order with a page of its lines; `url` is what the links to the other pages are made from."""
    pages = LinePages()
    lines = pages.paginate_queryset(_lines_asked(order, request), request, view)
    pages.base_url = url
    return {
        **OrderSerializer(order).data,
        "lines": OrderLineSerializer(lines, many=True).data,
        "next": pages.get_next_link(),
        "previous": pages.get_previous_link(),
    }


def _lines_asked(order: Order, request: Request) -> QuerySet[OrderLine]:
    asked = LinesAskedSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    lines = order.lines.all()
    if asked.validated_data["without_effect"]:
        lines = results.without_effect(lines)
    answers = asked.validated_data.get("answer")
    return lines.filter(answer__in=sorted(answers)) if answers else lines


class Orders(PartnerView, ListAPIView):
    required_scopes = ["orders"]
    serializer_class = OrderSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Order]:
        asked = OrdersAskedSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        statuses = asked.validated_data.get("status")
        orders = orders_of(self.request)
        return orders.filter(status__in=sorted(statuses)) if statuses else orders

    @extend_schema(
        operation_id="list_orders",
        tags=["orders"],
        parameters=[OrdersAskedSerializer],
        responses={200: OrderSerializer(many=True), **refusals("INVALID")},
    )
    def get(self, request: Request) -> Response:
        """List the orders in the client's streams, the newest first."""
        return self.list(request)


class OneOrder(PartnerView):
    required_scopes = ["orders"]

    @extend_schema(
        operation_id="read_order",
        tags=["orders"],
        parameters=[
            LinesAskedSerializer,
            OpenApiParameter("cursor", str, description="As in `next` and `previous`."),
            OpenApiParameter("limit", int, description="Lines on a page: 1000 if not given, 5000 at most."),
        ],
        responses={200: AnsweredOrderSerializer, **refusals("INVALID", "NOT_FOUND")},
    )
    def get(self, request: Request, order_id: int) -> Response:
        """Read how far an order has got and what its lines were answered, a page at a time."""
        order = order_or_404(request, order_id)
        return Response(answered_order(order, request, self, url=request.build_absolute_uri()))


def orders_of(request: Request) -> QuerySet[Order]:
    """The orders that the partner may see."""
    return Order.objects.filter(stream__in=partner_of(request).streams())


def order_or_404(request: Request, order_id: int) -> Order:
    return get_object_or_404(orders_of(request), pk=order_id)


# Steering


def step(operation: str, *, goes_on: bool) -> Callable[..., Any]:
    """The description of a step with an order, of those that put it to work again or those that do not."""
    responses: Responses = {200: OrderSerializer, **refusals("NOT_FOUND", "ORDER_STATE")}
    if goes_on:
        responses[202] = OpenApiResponse(OrderSerializer, description="The order is being worked on.")
    return extend_schema(operation_id=operation, tags=["orders"], request=None, responses=responses)


class OrderStep(PartnerView):
    """A step with an order, that its state may refuse."""

    required_scopes = ["orders"]

    def take(self, order_id: int, act: Callable[..., Order], **values: Any) -> Response:
        order = act(order_or_404(self.request, order_id), client=partner_of(self.request).client_id, **values)
        if order.status != Order.Status.WAITING:
            return Response(OrderSerializer(order).data)
        if not carry_on_at_once(order):
            return in_hand(order, self.request)
        return Response(OrderSerializer(placing.work_on(order.pk)).data)


class Confirmation(OrderStep):
    @step("confirm_order", goes_on=True)
    def post(self, request: Request, order_id: int) -> Response:
        """Have an order carried out that was previewed. Its lines are answered anew, as things stand now."""
        return self.take(order_id, placing.confirm, at=timezone.now())


class Rejection(OrderStep):
    @step("reject_order", goes_on=False)
    def post(self, request: Request, order_id: int) -> Response:
        """Throw away an order that has had no effect: a preview, or one that was stopped before its first line."""
        return self.take(order_id, placing.throw_away, at=timezone.now())


class Stop(OrderStep):
    @step("stop_order", goes_on=False)
    def post(self, request: Request, order_id: int) -> Response:
        """Stop an order that is being worked on. What has been done stands; it may go on, or be abandoned."""
        return self.take(order_id, placing.stop)


class Resumption(OrderStep):
    @step("resume_order", goes_on=True)
    def post(self, request: Request, order_id: int) -> Response:
        """Let an order that was stopped go on where it was."""
        return self.take(order_id, placing.resume)


class Abandonment(OrderStep):
    @step("abandon_order", goes_on=True)
    def post(self, request: Request, order_id: int) -> Response:
        """Give up the rest of an order that was stopped: its lines are answered NOT_CARRIED_OUT."""
        return self.take(order_id, placing.give_up)


# Results


class ResultForm(BaseRenderer):
    """Says which forms there are; the text itself is streamed past it."""

    charset = "utf-8"


class CSVResult(ResultForm):
    media_type = "text/csv"
    format = "csv"


class XMLResult(ResultForm):
    media_type = "application/xml"
    format = "xml"


class ByFormat(DefaultContentNegotiation):
    """`format` in the address goes before Accept, which many clients send without meaning it."""

    def select_renderer(self, request, renderers, format_suffix=None):
        asked = request.query_params.get(self.settings.URL_FORMAT_OVERRIDE)
        if not asked:
            return super().select_renderer(request, renderers, format_suffix)
        for renderer in renderers:
            if renderer.format == asked:
                return renderer, renderer.media_type
        raise NotAcceptable(available_renderers=renderers)


class Result(PartnerView):
    required_scopes = ["orders"]
    renderer_classes = [JSONRenderer, CSVResult, XMLResult]
    content_negotiation_class = ByFormat

    @extend_schema(
        operation_id="fetch_result",
        tags=["orders"],
        responses={
            (200, "application/json"): OpenApiResponse(OpenApiTypes.BINARY, description="The order with its lines."),
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY, description="A table of the lines."),
            (200, "application/xml"): OpenApiResponse(OpenApiTypes.BINARY, description="A `bestallningssvar`."),
            **refusals("NOT_FOUND", "ORDER_STATE"),
        },
    )
    def get(self, request: Request, order_id: int) -> StreamingHttpResponse:
        """Fetch the answers to all lines as a file, with identity numbers. It is logged who fetches it.

        The order must have been answered, or stopped.
        """
        order = order_or_404(request, order_id)
        chosen = request.accepted_renderer
        name = f"lefi-order-{order.pk}.{chosen.format}"
        return StreamingHttpResponse(
            results.fetch(order, chosen.format, client=partner_of(request).client_id),
            content_type=f"{chosen.media_type}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
