"""The API's doors to reservations: what they are, and the customer's word that it has read them."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import refusals
from subscriptions.api.base import Pages, PartnerView
from subscriptions.authentication import partner_of
from subscriptions.models import Customer, Reservation
from subscriptions.reservations import acknowledge_reservation, in_force


class ReservationSerializer(serializers.Serializer):
    """A condition on what the customer may do with what it is told under an agreement."""

    id = serializers.IntegerField()
    agreement = serializers.CharField(source="agreement.code", help_text="The agreement's code.")
    ground = serializers.CharField(help_text="The paragraph it rests on.")
    text = serializers.CharField()
    set_at = serializers.DateTimeField()
    acknowledged_at = serializers.DateTimeField(allow_null=True, help_text="Until then nothing is delivered.")


class Reservations(PartnerView, ListAPIView):
    required_scopes = ["deliveries"]
    serializer_class = ReservationSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Reservation]:
        return reservations_of(self.request)

    @extend_schema(
        operation_id="list_reservations",
        tags=["reservations"],
        responses={200: ReservationSerializer(many=True), **refusals("INVALID")},
    )
    def get(self, request: Request) -> Response:
        """List the reservations in force under the agreements whose streams the client may use."""
        return self.list(request)


class ReservationAcknowledgement(PartnerView):
    required_scopes = ["deliveries"]

    @extend_schema(
        operation_id="acknowledge_reservation",
        tags=["reservations"],
        request=None,
        responses={204: OpenApiResponse(description="Acknowledged."), **refusals("NOT_FOUND")},
    )
    def post(self, request: Request, reservation_id: int) -> Response:
        """Acknowledge a reservation for the customer. May be repeated."""
        reservation = get_object_or_404(reservations_of(request), pk=reservation_id)
        acknowledge_reservation(reservation=reservation, client=partner_of(request).client_id, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def reservations_of(request: Request) -> QuerySet[Reservation]:
    """The reservations in force under the agreements of the partner's streams."""
    partner = partner_of(request)
    mine = in_force(Customer.objects.filter(pk=partner.customer.pk))
    return mine.filter(agreement__in=partner.streams().values("agreement"))
