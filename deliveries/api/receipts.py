"""The API's doors to what is signed: a delivery's manifest, and all statements of a stream in order."""

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from deliveries.api.deliveries import delivery_or_404
from deliveries.receipts import exported
from lefi.problems import refusals
from subscriptions.api import PartnerView

JWS = "application/jose"
LINES = "application/jsonl"


class JWSRenderer(BaseRenderer):
    """Says that a statement is a JWS; refusals are JSON."""

    media_type = JWS
    format = "jose"


class LinesRenderer(BaseRenderer):
    media_type = LINES
    format = "jsonl"


class ExportSerializer(serializers.Serializer):
    """Where an export begins."""

    after = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, default=0, help_text="Only what was signed after the statement with this id."
    )


class Manifest(PartnerView):
    required_scopes = ["deliveries"]
    renderer_classes = [JWSRenderer]

    @extend_schema(
        operation_id="read_manifest",
        tags=["deliveries"],
        responses={
            (200, JWS): OpenApiResponse(OpenApiTypes.STR, description="The manifest, a JWS in compact form."),
            **refusals("NOT_FOUND"),
        },
    )
    def get(self, request: Request, stream_id: int, number: int) -> HttpResponse:
        """Read what was signed about a delivery when it was released. This does not fetch it."""
        manifest = delivery_or_404(request, stream_id, number).manifest
        return HttpResponse(manifest.jws, content_type=JWS, headers={"ETag": f'"{manifest.sha256}"'})


class Manifests(PartnerView):
    required_scopes = ["deliveries"]
    renderer_classes = [LinesRenderer]

    @extend_schema(
        operation_id="export_manifests",
        tags=["deliveries"],
        parameters=[ExportSerializer],
        responses={
            (200, LINES): OpenApiResponse(
                OpenApiTypes.STR, description="An object a line: `id`, `kind`, `number` and `jws`."
            ),
            **refusals("NOT_FOUND", "INVALID"),
        },
    )
    def get(self, request: Request, stream_id: int) -> StreamingHttpResponse:
        """Export what was signed about a stream, in order: manifests, tombstones and acknowledgements."""
        asked = ExportSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        lines = exported(self.stream_or_404(stream_id), asked.validated_data["after"])
        return StreamingHttpResponse(lines, content_type=LINES)
