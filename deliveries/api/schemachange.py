"""The API's door for a customer that chooses to tell which version of the schema its system can read."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries.schemachange import note_validation
from lefi.problems import refusals
from subscriptions.api import PartnerView
from subscriptions.authentication import partner_of


class SchemaValidationSerializer(serializers.Serializer):
    """How it went when the customer's system last validated against a version of the schema."""

    version = serializers.CharField(max_length=40, help_text="As the schema says it, such as 1.0+9.0.0-1.")
    ok = serializers.BooleanField(help_text="What was validated was found to be valid, and could be taken in.")


class NotedValidationSerializer(SchemaValidationSerializer):
    at = serializers.DateTimeField()


class SchemaValidations(PartnerView):
    required_scopes = ["deliveries"]

    @extend_schema(
        operation_id="tell_schema_validation",
        tags=["deliveries"],
        request=SchemaValidationSerializer,
        responses={
            200: NotedValidationSerializer,
            **refusals("INVALID", "NOT_JSON", "VERSION_UNKNOWN", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        },
    )
    def post(self, request: Request) -> Response:
        """Tell that your system has validated against the version in force or the announced one. Nobody has to.

        The last word on each version stands.
        """
        said = SchemaValidationSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        partner = partner_of(request)
        noted = note_validation(
            customer=partner.customer, client=partner.client_id, at=timezone.now(), **said.validated_data
        )
        return Response(NotedValidationSerializer(noted).data)
