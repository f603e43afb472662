"""The API's doors to consents. No answer holds an identity number or says whether a person is known."""

from collections import Counter
from typing import IO, Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from lefi.problems import refusals
from subscriptions.api.base import NewestFirst, PartnerView, body_of
from subscriptions.authentication import Partner, partner_of
from subscriptions.consentanswers import FIELDS, ConsentAnswer, consent_sentence
from subscriptions.consentfile import read_csv
from subscriptions.consents import (
    Answered,
    ConsentRefused,
    State,
    register_consent,
    register_consents,
    state_of,
    withdraw_consent,
)
from subscriptions.models import Consent


class CSVBody(BaseParser):
    """A file of consents. Raise BodyRefused or FileRefused."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return read_csv(body_of(stream))


class ConsentSerializer(serializers.Serializer):
    """A consent as registered. The person is known by the customer's own reference to the evidence."""

    id = serializers.IntegerField()
    purpose = serializers.CharField()
    benefits = serializers.ListField(child=serializers.CharField(), help_text="Codes of benefits.")
    classes = serializers.ListField(child=serializers.CharField(), help_text="Field classes, as in docs/law.md.")
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True, help_text="The last day; null if none is set.")
    given_on = serializers.DateField()
    giver = serializers.ChoiceField(choices=Consent.Giver.values)
    evidence = serializers.CharField()
    registered_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    state = serializers.SerializerMethodField(help_text="What it is worth today.")

    def get_state(self, consent: Consent) -> State:
        return state_of(consent, timezone.localdate())


class NewConsentSerializer(serializers.Serializer):
    """A consent to be registered."""

    identity_number = serializers.CharField(max_length=20, help_text="10 or 12 digits.")
    purpose = serializers.CharField(max_length=40)
    benefits = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=200, help_text="Names or codes of benefits."
    )
    classes = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=100, help_text="Field classes, as in docs/law.md."
    )
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(required=False, allow_null=True, default=None, help_text="The last day.")
    given_on = serializers.DateField()
    evidence = serializers.CharField(max_length=100, help_text="The customer's own reference to the proof of it.")
    giver = serializers.ChoiceField(
        choices=Consent.Giver.values, default=Consent.Giver.SELF, help_text="Who gave it: the person, or a guardian."
    )


class ConsentLineSerializer(serializers.Serializer):
    """The answer to one line of a file of consents."""

    line = serializers.IntegerField(help_text="Counted from 1 under the header.")
    answer = serializers.ChoiceField(choices=[one.value for one in ConsentAnswer])
    sentence = serializers.SerializerMethodField(help_text="The same in words, by Accept-Language.")
    consent = serializers.IntegerField(source="consent.pk", allow_null=True, default=None)

    def get_sentence(self, answered: Answered) -> str:
        return str(consent_sentence(answered.answer))


class ConsentFileSerializer(serializers.Serializer):
    answers = serializers.DictField(child=serializers.IntegerField(), help_text="How many lines got each answer.")
    lines = ConsentLineSerializer(many=True)


class ConsentsAskedSerializer(serializers.Serializer):
    """Which consents to list."""

    evidence = serializers.CharField(
        max_length=100, required=False, help_text="Those with this reference to the evidence."
    )


class Consents(PartnerView, ListAPIView):
    required_scopes = ["consents"]
    serializer_class = ConsentSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Consent]:
        asked = ConsentsAskedSerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return consents_of(self.request).filter(**asked.validated_data)

    @extend_schema(
        operation_id="list_consents",
        tags=["consents"],
        parameters=[ConsentsAskedSerializer],
        responses={200: ConsentSerializer(many=True), **refusals("INVALID")},
    )
    def get(self, request: Request) -> Response:
        """List the customer's consents, the newest first. Persons are known by your reference to the evidence."""
        return self.list(request)

    @extend_schema(
        operation_id="register_consent",
        tags=["consents"],
        request=NewConsentSerializer,
        responses={
            200: ConsentSerializer,
            201: ConsentSerializer,
            **refusals("INVALID", "NOT_JSON", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        },
    )
    def post(self, request: Request) -> Response:
        """Register a consent; 200 and the one that stands if the same evidence has registered it before."""
        partner = partner_of(request)
        said = NewConsentSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        values = dict(said.validated_data)
        at = timezone.now()
        try:
            consent = register_consent(
                customer=partner.customer,
                number=values.pop("identity_number"),
                channel=Consent.Channel.API,
                client=partner.client_id,
                purposes=purposes_of(partner),
                at=at,
                **values,
            )
        except ConsentRefused as refused:
            raise _invalid(refused.code) from None
        made = consent.registered_at == at
        url = request.build_absolute_uri(reverse("api:consent", args=[consent.pk]))
        answer = status.HTTP_201_CREATED if made else status.HTTP_200_OK
        return Response(ConsentSerializer(consent).data, status=answer, headers={"Location": url})


def _invalid(code: str) -> serializers.ValidationError:
    """A ConsentAnswer as the fault of a field."""
    field = FIELDS.get(ConsentAnswer(code), "evidence")
    return serializers.ValidationError({field: [ErrorDetail(str(consent_sentence(code)), code=code)]})


def purposes_of(partner: Partner) -> set[str] | None:
    """The purposes that the client may speak of: those of its streams, or all of the customer's (None)."""
    return None if partner.client.all_streams else set(partner.streams().values_list("purpose", flat=True))


def consents_of(request: Request) -> QuerySet[Consent]:
    """The consents that the partner may see."""
    partner = partner_of(request)
    purposes = purposes_of(partner)
    consents = Consent.objects.filter(customer=partner.customer)
    return consents if purposes is None else consents.filter(purpose__in=purposes)


class ConsentFile(PartnerView):
    required_scopes = ["consents"]
    parser_classes = [CSVBody]

    @extend_schema(
        operation_id="register_consents",
        tags=["consents"],
        request={"text/csv": OpenApiTypes.STR},
        responses={
            200: ConsentFileSerializer,
            **refusals("FILE_FORM", "FILE_TOO_LONG", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        },
    )
    def post(self, request: Request) -> Response:
        """Register a file of consents. Every line is answered; one that is refused stops no other."""
        partner = partner_of(request)
        given = request.data if isinstance(request.data, list) else read_csv(b"")  # an empty body reaches no parser
        answered = register_consents(
            customer=partner.customer,
            given=given,
            channel=Consent.Channel.FILE,
            client=partner.client_id,
            purposes=purposes_of(partner),
            at=timezone.now(),
        )
        counts = Counter(str(one.answer) for one in answered)
        return Response(ConsentFileSerializer({"answers": counts, "lines": answered}).data)


class OneConsent(PartnerView):
    required_scopes = ["consents"]

    @extend_schema(
        operation_id="read_consent", tags=["consents"], responses={200: ConsentSerializer, **refusals("NOT_FOUND")}
    )
    def get(self, request: Request, consent_id: int) -> Response:
        """Read a consent and what it is worth today."""
        return Response(ConsentSerializer(get_object_or_404(consents_of(request), pk=consent_id)).data)


class Withdrawal(PartnerView):
    required_scopes = ["consents"]

    @extend_schema(
        operation_id="withdraw_consent",
        tags=["consents"],
        request=None,
        responses={200: ConsentSerializer, **refusals("NOT_FOUND")},
    )
    def post(self, request: Request, consent_id: int) -> Response:
        """Withdraw a consent: nothing more is told on it, and the watches that rested on it end. May be repeated."""
        consent = get_object_or_404(consents_of(request), pk=consent_id)
        withdraw_consent(consent=consent, client=partner_of(request).client_id, at=timezone.now())
        consent.refresh_from_db()
        return Response(ConsentSerializer(consent).data)
