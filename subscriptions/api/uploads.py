"""The API's doors to files that come in parts (modelled on tus and on the IETF's draft of resumable uploads)."""

from typing import IO, Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import refusals
from subscriptions.api.base import JSONBody, PartnerView, ReferenceField, key_of, taken_in
from subscriptions.api.orderforms import DIGEST_PARAMETER, FORMS, KEY_PARAMETER, OrderSerializer
from subscriptions.api.orders import REPLAYED, in_hand, orders_of, refuse_another_aim
from subscriptions.authentication import partner_of
from subscriptions.models import Order
from subscriptions.orders import placing, uploads
from subscriptions.orders.files import Received

LARGEST = 2**63 - 1


class UploadSerializer(serializers.Serializer):
    """A file that is to come."""

    form = serializers.ChoiceField(choices=FORMS)
    size = serializers.IntegerField(min_value=1, max_value=LARGEST, help_text="Bytes.")
    sha256 = serializers.RegexField("^[0-9a-fA-F]{64}$", help_text="Of the whole file, in hexadecimal.")
    preview = serializers.BooleanField(
        default=False, help_text="Answer every line without effect, to be confirmed or thrown away."
    )
    reference = ReferenceField(
        max_length=100, default="", allow_blank=True, help_text="Your own reference to the order, given back with it."
    )
    file_name = ReferenceField(max_length=200, default="", allow_blank=True)


class PartBody(BaseParser):
    """A part of a file, in a file of its own."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return taken_in(stream, parser_context["request"])


class StreamUploads(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [JSONBody]

    @extend_schema(
        operation_id="begin_upload",
        tags=["uploads"],
        request=UploadSerializer,
        parameters=[KEY_PARAMETER],
        responses={
            200: OpenApiResponse(OrderSerializer, description="The key was used before: the same upload again."),
            201: OpenApiResponse(OrderSerializer, description="Send the parts to Location."),
            **refusals(
                "INVALID", "NOT_FOUND", "NOT_JSON", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "IDEMPOTENCY_KEY_REUSED"
            ),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """Begin to send the file of an order in parts. It is an order once all of it has come, and has come whole."""
        stream = self.stream_or_404(stream_id)
        said = UploadSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        values = dict(said.validated_data)
        aim = Order.Aim.PREVIEW if values.pop("preview") else Order.Aim.CARRY_OUT
        values["sha256"] = values["sha256"].lower()
        key, at = key_of(request), timezone.now()
        client = partner_of(request).client_id
        order = uploads.begin(stream=stream, aim=aim, client=client, idempotency_key=key, at=at, **values)
        headers = {"Location": request.build_absolute_uri(reverse("api:upload", args=[order.pk])), **_offsets(order)}
        if order.received_at == at:
            return Response(OrderSerializer(order).data, status=status.HTTP_201_CREATED, headers=headers)
        refuse_another_aim(order, aim)
        return Response(OrderSerializer(order).data, headers={**headers, REPLAYED: "true"})


def _offsets(order: Order) -> dict[str, str]:
    return {"Upload-Offset": str(order.received_bytes), "Upload-Length": str(order.size)}


OFFSET_HEADER = OpenApiParameter(
    "Upload-Offset", int, OpenApiParameter.HEADER, response=[200, 204], description="How many bytes have come."
)


class OneUpload(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [PartBody]
    http_method_names = ["get", "head", "patch", "delete"]

    @extend_schema(
        operation_id="read_upload",
        tags=["uploads"],
        parameters=[
            OFFSET_HEADER,
            OpenApiParameter(
                "Upload-Length", int, OpenApiParameter.HEADER, response=[200], description="The size of the file."
            ),
        ],
        responses={200: OrderSerializer, **refusals("NOT_FOUND")},
    )
    def get(self, request: Request, order_id: int) -> Response:
        """Ask how much of a file has come, here or with HEAD: where the next part begins."""
        order = upload_or_404(request, order_id)
        return Response(OrderSerializer(order).data, headers=_offsets(order))

    def head(self, request: Request, order_id: int) -> HttpResponse:
        return HttpResponse(headers=_offsets(upload_or_404(request, order_id)))

    @extend_schema(
        operation_id="send_part",
        tags=["uploads"],
        request={"application/offset+octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "Upload-Offset",
                int,
                OpenApiParameter.HEADER,
                required=True,
                description="Where the part begins: how many bytes have come before it.",
            ),
            DIGEST_PARAMETER,
            OFFSET_HEADER,
        ],
        responses={
            202: OpenApiResponse(OrderSerializer, description="All has come. The order is being worked on."),
            204: OpenApiResponse(description="The part has come; Upload-Offset says where the next one begins."),
            **refusals(
                "INVALID",
                "NOT_FOUND",
                "INCOMPLETE",
                "CONTENT_DIGEST",
                "EMPTY",
                "ORDER_STATE",
                "UPLOAD_OFFSET",
                "LENGTH_REQUIRED",
                "TOO_LARGE",
                "UNSUPPORTED_MEDIA_TYPE",
                "UPLOAD_DIGEST",
                "FILE_LOST",
            ),
        },
    )
    def patch(self, request: Request, order_id: int) -> HttpResponse:
        """Send a part of a file. A part counts once it has come whole; one that broke off is sent again.

        If the answer to the last part was lost, send an empty one at the end.
        """
        order = upload_or_404(request, order_id)
        offset, size = _offset_of(request), int(request.META.get("CONTENT_LENGTH") or 0)
        if uploads.has_come(order) and (offset, size) == (order.size, 0):
            return in_hand(order, request)
        uploads.expect(order, offset, size)  # before anything is taken in
        part = request.data if isinstance(request.data, Received) else None  # an empty body reaches no parser
        order = uploads.add_part(order, offset=offset, part=part)
        if order.status == Order.Status.WAITING:
            return in_hand(order, request)
        return Response(status=status.HTTP_204_NO_CONTENT, headers={"Upload-Offset": str(order.received_bytes)})

    @extend_schema(
        operation_id="end_upload",
        tags=["uploads"],
        responses={
            204: OpenApiResponse(description="Thrown away."),
            **refusals("NOT_FOUND", "ORDER_STATE"),
        },
    )
    def delete(self, request: Request, order_id: int) -> Response:
        """Throw away what has come of a file, and send no more."""
        order = upload_or_404(request, order_id)
        if order.status != Order.Status.RECEIVING:
            raise placing.OrderStateRefused("ORDER_STATE")
        placing.throw_away(order, at=timezone.now(), client=partner_of(request).client_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def upload_or_404(request: Request, order_id: int) -> Order:
    """An order with a file; how it came is not asked, so that one that has come whole can still be looked at."""
    return get_object_or_404(orders_of(request).exclude(form=""), pk=order_id)


def _offset_of(request: Request) -> int:
    field = serializers.IntegerField(min_value=0, max_value=LARGEST)
    try:
        return field.run_validation(request.headers.get("Upload-Offset"))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"Upload-Offset": error.detail}) from None
