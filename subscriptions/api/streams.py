"""The API's door to streams."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import refusals
from subscriptions.api.base import Pages, PartnerView
from subscriptions.authentication import partner_of
from subscriptions.models import Stream


class StreamSerializer(serializers.Serializer):
    """A numbered sequence of deliveries under one agreement, for one purpose."""

    id = serializers.IntegerField()
    agreement = serializers.CharField(source="agreement.code", help_text="The agreement's code.")
    purpose = serializers.CharField()
    last_number = serializers.IntegerField(help_text="The newest delivery's number; 0 if there is none.")
    examined_day = serializers.DateField(
        allow_null=True, help_text="All that was known for this day has been told or is owed."
    )
    closed = serializers.BooleanField(help_text="The stream's last delivery has been made.")


class Streams(PartnerView, ListAPIView):
    required_scopes: list[str] = []
    serializer_class = StreamSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Stream]:
        return partner_of(self.request).streams().select_related("agreement")

    @extend_schema(
        operation_id="list_streams",
        tags=["streams"],
        responses={200: StreamSerializer(many=True), **refusals("INVALID")},
    )
    def get(self, request: Request) -> Response:
        """List the streams that the client may use."""
        return self.list(request)
