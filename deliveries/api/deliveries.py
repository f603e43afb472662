"""The partners' API to their deliveries: list, fetch, acknowledge. A fetch passes the gate and is logged (C6)."""

from base64 import b64encode
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries import services
from deliveries.models import Delivery
from deliveries.receipts import tombstones_of
from lefi.audit.models import Action, record
from lefi.problems import refusals
from subscriptions.api import PartnerView
from subscriptions.authentication import partner_of

MOST = 500
LARGEST = 2**31 - 1
HASH = "^[0-9a-fA-F]{64}$"


class AfterSerializer(serializers.Serializer):
    """Where to begin, and how much at a time."""

    after = serializers.IntegerField(
        min_value=0, max_value=LARGEST, default=0, help_text="List what has a greater number than this."
    )
    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=100)


class DeliverySerializer(serializers.Serializer):
    """One document of a stream. Numbers have no gaps, and each document names the hash of the one before it."""

    number = serializers.IntegerField()
    sha256 = serializers.CharField()
    previous_sha256 = serializers.CharField(help_text="Empty for a stream's first.")
    size = serializers.IntegerField(help_text="Bytes.")
    schema_version = serializers.CharField()
    day = serializers.DateField(help_text="The day whose law was asked.")
    as_of_import = serializers.IntegerField()
    released_at = serializers.DateTimeField()
    first_fetched_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    recalled = serializers.SerializerMethodField(help_text="Recalled before it was fetched; only its place is left.")
    manifest_sha256 = serializers.CharField(source="manifest.sha256", help_text="The SHA-256 of its manifest's JWS.")
    tombstone = serializers.SerializerMethodField(help_text="Of a recalled one, its tombstone as JWS; otherwise empty.")
    final = serializers.BooleanField(help_text="The stream ends with this one.")
    persons = serializers.IntegerField()
    blocks = serializers.IntegerField()

    def get_recalled(self, delivery: Delivery) -> bool:
        return delivery.recalled_at is not None

    def get_tombstone(self, delivery: Delivery) -> str:
        tombstones: dict[int, str] = self.context["tombstones"]
        return tombstones.get(delivery.number, "")


class DeliveryListSerializer(serializers.Serializer):
    results = DeliverySerializer(many=True)
    more = serializers.BooleanField(help_text="There are more after the last one here.")


class AcknowledgementSerializer(serializers.Serializer):
    """What was taken in, by the hash of the document, of its manifest, or of both."""

    sha256 = serializers.RegexField(HASH, required=False, help_text="The SHA-256 of the document as it was taken in.")
    manifest_sha256 = serializers.RegexField(HASH, required=False, help_text="The SHA-256 of its manifest's JWS.")

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if not attrs:
            raise serializers.ValidationError({"sha256": _("One of the hashes is needed.")}, code="required")
        return attrs


class AcknowledgedSerializer(serializers.Serializer):
    """What an acknowledgement was noted as."""

    receipt = serializers.CharField(help_text="Our receipt for it, signed, as JWS.")


class DocumentRenderer(BaseRenderer):
    """Says that documents are XML; the document itself is a file, and refusals are JSON."""

    media_type = "application/xml"
    format = "xml"


class Deliveries(PartnerView):
    required_scopes = ["deliveries"]

    @extend_schema(
        operation_id="list_deliveries",
        tags=["deliveries"],
        parameters=[AfterSerializer],
        responses={200: DeliveryListSerializer, **refusals("NOT_FOUND", "INVALID")},
    )
    def get(self, request: Request, stream_id: int) -> Response:
        """List a stream's deliveries after a number, in order."""
        asked = AfterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        after, limit = asked.validated_data["after"], asked.validated_data["limit"]
        stream = self.stream_or_404(stream_id)
        rows = stream.deliveries.filter(number__gt=after).select_related("manifest").order_by("number")
        found = list(rows[: limit + 1])
        return Response({"results": described(stream_id, found[:limit]), "more": len(found) > limit})


class OneDelivery(PartnerView):
    required_scopes = ["deliveries"]

    @extend_schema(
        operation_id="read_delivery", tags=["deliveries"], responses={200: DeliverySerializer, **refusals("NOT_FOUND")}
    )
    def get(self, request: Request, stream_id: int, number: int) -> Response:
        """Read about a delivery. This does not fetch it."""
        return Response(described(stream_id, [delivery_or_404(request, stream_id, number)])[0])


class Document(PartnerView):
    required_scopes = ["deliveries"]
    renderer_classes = [DocumentRenderer]

    @extend_schema(
        operation_id="fetch_document",
        tags=["deliveries"],
        parameters=[
            OpenApiParameter(
                "Repr-Digest",
                str,
                OpenApiParameter.HEADER,
                response=[200],
                description="The document's SHA-256, as RFC 9530 writes it.",
            ),
            OpenApiParameter(
                "ETag", str, OpenApiParameter.HEADER, response=[200], description="The same in hexadecimal."
            ),
        ],
        responses={
            (200, "application/xml"): OpenApiResponse(OpenApiTypes.BINARY, description="The document."),
            **refusals(
                "NOT_FOUND",
                "OUT_OF_SEQUENCE",
                "RECALLED",
                "PURGED",
                "AGREEMENT_NOT_ACTIVE",
                "NO_SCOPE",
                "BLOCKED",
                "RESERVATION_NOT_ACKNOWLEDGED",
                "RELEASE_NEEDED",
                "DOCUMENT_DAMAGED",
            ),
        },
    )
    def get(self, request: Request, stream_id: int, number: int) -> FileResponse:
        """Fetch a delivery's document: in order of number the first time, and as often as need be after that.

        RELEASE_NEEDED: it was fetched before and holds what may no longer be told. Two people at Försäkringskassan can
        let it be fetched once more.
        """
        delivery = delivery_or_404(request, stream_id, number)
        path = services.fetch(delivery=delivery, at=timezone.now(), client=partner_of(request).client_id)
        _note(request, Action.FETCH, delivery)
        return FileResponse(
            path.open("rb"),
            content_type="application/xml",
            as_attachment=True,
            filename=f"lefi-{stream_id}-{number:05}.xml",
            headers={"ETag": f'"{delivery.sha256}"', "Repr-Digest": f"sha-256=:{_base64(delivery.sha256)}:"},
        )


class Acknowledgement(PartnerView):
    required_scopes = ["deliveries"]

    @extend_schema(
        operation_id="acknowledge_delivery",
        tags=["deliveries"],
        request=AcknowledgementSerializer,
        responses={
            200: AcknowledgedSerializer,
            **refusals(
                "NOT_FOUND",
                "INVALID",
                "NOT_JSON",
                "NOT_FETCHED",
                "WRONG_HASH",
                "SIGNING_KEY_MISSING",
                "TOO_LARGE",
                "UNSUPPORTED_MEDIA_TYPE",
            ),
        },
    )
    def post(self, request: Request, stream_id: int, number: int) -> Response:
        """Say that a delivery has been taken in, by the hash of what was taken in. May be repeated."""
        delivery = delivery_or_404(request, stream_id, number)
        said = AcknowledgementSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        client = partner_of(request).client_id
        receipt = services.acknowledge(delivery=delivery, at=timezone.now(), client=client, **said.validated_data)
        _note(request, Action.ACKNOWLEDGE, delivery)
        return Response({"receipt": receipt.jws})


def described(stream_id: int, deliveries: list[Delivery]) -> list[Any]:
    recalled = [one.number for one in deliveries if one.recalled_at]
    tombstones = tombstones_of(stream_id, recalled) if recalled else {}
    return list(DeliverySerializer(deliveries, many=True, context={"tombstones": tombstones}).data)


def delivery_or_404(request: Request, stream_id: int, number: int) -> Delivery:
    mine: QuerySet[Delivery] = Delivery.objects.filter(stream__in=partner_of(request).streams())
    return get_object_or_404(mine.select_related("manifest"), stream=stream_id, number=number)


def _note(request: Request, action: str, delivery: Delivery) -> None:
    """Write down what a customer's system has done with a delivery."""
    partner = partner_of(request)
    record(
        action=action,
        object_type=delivery._meta.label_lower,
        object_id=delivery.pk,
        client=partner.client_id,
        customer_id=partner.customer.pk,
    )


def _base64(hexadecimal: str) -> str:
    return b64encode(bytes.fromhex(hexadecimal)).decode()
