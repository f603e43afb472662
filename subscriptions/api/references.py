"""The API's doors to needs and cases: confirming them, and ending them."""

from collections import Counter
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import refusals
from subscriptions.api.base import JSONBody, PartnerView, body_of
from subscriptions.authentication import partner_of
from subscriptions.models import Watch
from subscriptions.references import (
    CASE_SENTENCES,
    MOST_LINES,
    CaseAnswer,
    CaseEnded,
    ListRefused,
    checked_references,
    end_cases,
    read_references,
    reconfirm,
    referring_to,
)


class PlainBody(BaseParser):
    """References, one on each line. Raise BodyRefused or ListRefused."""

    media_type = "text/plain"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        try:
            return read_references(body_of(stream).decode())
        except UnicodeDecodeError:
            raise ListRefused("FILE_FORM", _("The list is not in UTF-8.")) from None


class ReconfirmSerializer(serializers.Serializer):
    """What is still needed: watches by their ids in deliveries, cases and needs by reference, or both."""

    watches = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=MOST_LINES
    )
    references = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=MOST_LINES
    )


class ReconfirmedSerializer(serializers.Serializer):
    confirmed = serializers.IntegerField(help_text="How many open watches were confirmed.")


class Reconfirmations(PartnerView):
    required_scopes = ["orders"]

    @extend_schema(
        operation_id="reconfirm",
        tags=["orders"],
        request=ReconfirmSerializer,
        responses={
            200: ReconfirmedSerializer,
            **refusals("INVALID", "NOT_FOUND", "NOT_JSON", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """Confirm that watches are still needed. Those that have ended, or need no confirming, are not counted."""
        stream = self.stream_or_404(stream_id)
        said = ReconfirmSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        standing = Watch.objects.open().filter(stream=stream)
        named = standing.filter(pk__in=said.validated_data.get("watches", ()))
        named |= referring_to(standing, said.validated_data.get("references", ()))
        confirmed = reconfirm(watches=named, client=partner_of(request).client_id, at=timezone.now())
        return Response(ReconfirmedSerializer({"confirmed": confirmed}).data)


class CaseEndSerializer(serializers.Serializer):
    """The answer to one reference of a list of ended cases; the reference itself is not repeated."""

    line = serializers.IntegerField(help_text="Counted from 1 among those that are not empty.")
    answer = serializers.ChoiceField(choices=[one.value for one in CaseAnswer])
    sentence = serializers.SerializerMethodField(help_text="The same in words, by Accept-Language.")
    watches = serializers.IntegerField(help_text="How many watches ended.")

    def get_sentence(self, ended: CaseEnded) -> str:
        return str(CASE_SENTENCES[ended.answer])


class CaseEndsSerializer(serializers.Serializer):
    answers = serializers.DictField(child=serializers.IntegerField(), help_text="How many lines got each answer.")
    lines = CaseEndSerializer(many=True)


class CaseEnds(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [JSONBody, PlainBody]

    @extend_schema(
        operation_id="end_cases",
        tags=["orders"],
        request={
            "application/json": {"type": "array", "items": {"type": "string"}},
            "text/plain": OpenApiTypes.STR,
        },
        responses={
            200: CaseEndsSerializer,
            **refusals("FILE_FORM", "FILE_TOO_LONG", "NOT_FOUND", "NOT_JSON", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """End all watches of cases or needs, by reference: a JSON list, or a text with one on each line."""
        stream = self.stream_or_404(stream_id)
        said = request.data
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            raise ListRefused("FILE_FORM", _("The list is a list of texts."))
        answered = end_cases(
            streams=[stream],
            references=checked_references(said),
            client=partner_of(request).client_id,
            at=timezone.now(),
        )
        counts = Counter(str(one.answer) for one in answered)
        return Response(CaseEndsSerializer({"answers": counts, "lines": answered}).data)
