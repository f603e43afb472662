"""The partners' API to their streams and orders, and what its views have in common."""

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import ErrorDetail, NotFound
from rest_framework.generics import ListAPIView
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lefi.errors import Refused
from lefi.problems import refusals
from subscriptions.answers import sentence
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
from subscriptions.models import Consent, Customer, Order, OrderLine, Reservation, Stream, Watch
from subscriptions.orderfile import KINDS, OrderFile, OrderRefused, read_json, read_xml
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
from subscriptions.reservations import acknowledge_reservation, in_force
from subscriptions.services import place_order


class BodyRefused(Refused):
    """A body that is too large, or that cannot be read at all."""


class JSONBody(BaseParser):
    """JSON of a bounded size. Raise BodyRefused with TOO_LARGE or NOT_JSON."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return parsed_json(body_of(stream))


@dataclass(frozen=True, slots=True)
class Received:
    """An order as read, and its text as it came."""

    order: OrderFile
    text: str


class JSONOrder(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        body = body_of(stream)
        return Received(read_json(parsed_json(body)), _text(body))


class XMLOrder(BaseParser):
    media_type = "application/xml"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        body = body_of(stream)
        return Received(read_xml(BytesIO(body)), _text(body))


def body_of(stream: IO[bytes]) -> bytes:
    body = stream.read(settings.ORDER_MAX_BYTES + 1)
    if len(body) > settings.ORDER_MAX_BYTES:
        raise BodyRefused("TOO_LARGE", f"A body is {settings.ORDER_MAX_BYTES} bytes at most.")
    return body


def parsed_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BodyRefused("NOT_JSON") from None


def _text(body: bytes) -> str:
    """The body as text, for the order to keep; a text in a database holds no NUL."""
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return text.replace("\0", "")


class PartnerView(APIView):
    """A door for partners: by token only, a bounded number of times a minute. No HEAD: to ask is to fetch."""

    throttle_scope = "partner"
    http_method_names = ["get", "post"]
    parser_classes = [JSONBody]
    required_scopes: list[str]

    def stream_or_404(self, stream_id: int) -> Stream:
        streams = partner_of(self.request).streams().select_related("agreement__customer")
        return get_object_or_404(streams, pk=stream_id)


class Pages(CursorPagination):
    """Pages in order of a number."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 500
    ordering = "id"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raise ValidationError for a cursor that was not had from here."""
        with suppress(NotFound):
            cursor = super().decode_cursor(request)
            if cursor is None or cursor.position is None or re.fullmatch(r"[0-9]{1,19}", str(cursor.position)):
                return cursor
        raise serializers.ValidationError({"cursor": [self.invalid_cursor_message]})


class OrderPages(Pages):
    ordering = "-id"


class LinePages(Pages):
    page_size = 1000
    max_page_size = 5000
    ordering = "line"


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


class OrderSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    stream = serializers.IntegerField(source="stream_id")
    received_at = serializers.DateTimeField()


class OrderLineSerializer(serializers.Serializer):
    """The answer to one person and one benefit. The person is known by `line` and by the customer's own reference."""

    line = serializers.IntegerField(help_text="Counted from 1 in the order as sent: one for each person and benefit.")
    kind = serializers.ChoiceField(choices=KINDS)
    benefit = serializers.CharField(help_text="The benefit's code, or the name as sent if there is no such benefit.")
    from_date = serializers.DateField(allow_null=True)
    reference = serializers.CharField(help_text="The customer's own reference, as sent.")
    answer = serializers.CharField(help_text="A stable code; docs/errors.md lists them.")
    sentence = serializers.SerializerMethodField(help_text="The same in words, by Accept-Language.")

    def get_sentence(self, line: OrderLine) -> str:
        return str(sentence(line.answer))


class AnsweredOrderSerializer(OrderSerializer):
    """An order with a page of its lines; `next` leads to more."""

    answers = serializers.DictField(child=serializers.IntegerField(), help_text="How many lines got each answer.")
    lines = OrderLineSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


ORDER_BODY = inline_serializer(
    "OrderBody",
    {
        "organisationsnummer": serializers.CharField(required=False, help_text="Must be the client's, if given."),
        "enhet": serializers.CharField(required=False, help_text="Must be the client's, if given."),
        "rader": inline_serializer(
            "OrderRow",
            {
                "typ": serializers.ChoiceField(choices=KINDS),
                "personnummer": serializers.CharField(help_text="12 digits."),
                "from": serializers.DateField(required=False, help_text="Needed for nybestallningBevakning."),
                "formaner": serializers.ListField(
                    child=serializers.CharField(), help_text="Names or codes of benefits; one answer for each."
                ),
                "arendereferens": serializers.CharField(required=False, max_length=60),
                "behovsreferens": serializers.CharField(required=False, max_length=60),
                "referens": serializers.CharField(required=False, max_length=100),
            },
            many=True,
        ),
    },
)
ORDER_JSON = OpenApiExample(
    "A watch on sickness benefit",
    media_type="application/json",
    request_only=True,
    value={
        "organisationsnummer": "5560000001",
        "rader": [
            {
                "typ": "nybestallningBevakning",
                "personnummer": "199001012385",
                "from": "2026-11-01",
                "formaner": ["sjukpenning"],
                "referens": "S-4711",
            }
        ],
    },
)
ORDER_XML = OpenApiExample(
    "The same in XML",
    media_type="application/xml",
    request_only=True,
    value=(
        "<bestallning><generelltfalt><organisationsnummer>5560000001</organisationsnummer></generelltfalt>"
        "<informationsfalt><nybestallningBevakning><person><personnummer>199001012385</personnummer>"
        "<from>2026-11-01</from><formansinformation><sjukpenning>1</sjukpenning></formansinformation>"
        "<referens>S-4711</referens></person></nybestallningBevakning></informationsfalt></bestallning>"
    ),
)


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


class StreamOrders(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [JSONOrder, XMLOrder]

    @extend_schema(
        operation_id="place_order",
        tags=["orders"],
        request={"application/json": ORDER_BODY, "application/xml": OpenApiTypes.STR},
        examples=[ORDER_JSON, ORDER_XML],
        responses={
            201: AnsweredOrderSerializer,
            **refusals(
                "NOT_FOUND",
                "NOT_JSON",
                "NOT_XML",
                "DOCTYPE",
                "ORGANISATION_MISSING",
                "FORM",
                "EMPTY",
                "OTHER_ORGANISATION",
                "TOO_LARGE",
                "TOO_MANY_LINES",
                "UNSUPPORTED_MEDIA_TYPE",
            ),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """Order, cancel or refresh watches. Every line is answered; one that is refused stops no other."""
        partner = partner_of(request)
        stream = self.stream_or_404(stream_id)
        received = received_order(request)
        refuse_another_sender(received.order, partner.customer)
        order = place_order(
            stream=stream,
            channel=Order.Channel.API,
            lines=received.order.lines,
            at=timezone.now(),
            client=partner.client_id,
            raw=received.text,
        )
        url = request.build_absolute_uri(reverse("api:order", args=[order.pk]))
        answered = answered_order(order, request, self, url=url)
        return Response(answered, status=status.HTTP_201_CREATED, headers={"Location": url})


def received_order(request: Request) -> Received:
    """The order in the body. Raise OrderRefused; an empty body reaches no parser."""
    if not isinstance(request.data, Received):
        raise OrderRefused("EMPTY")
    return request.data


def refuse_another_sender(order: OrderFile, customer: Customer) -> None:
    """An order says who sends it, wholly or in part; what it says must be true (C2)."""
    number = order.organisation_number.replace("-", "")
    if number not in ("", customer.organisation_number) or order.unit not in ("", customer.unit):
        raise OrderRefused("OTHER_ORGANISATION")


def answered_order(order: Order, request: Request, view: APIView, *, url: str) -> dict[str, Any]:
    """An order with a page of its lines; `url` is what the links to the other pages are made from."""
    pages = LinePages()
    lines = pages.paginate_queryset(order.lines.all(), request, view)
    pages.base_url = url
    answers = order.lines.order_by("answer").values_list("answer").annotate(lines=Count("pk"))
    return {
        **OrderSerializer(order).data,
        "answers": dict(answers),
        "lines": OrderLineSerializer(lines, many=True).data,
        "next": pages.get_next_link(),
        "previous": pages.get_previous_link(),
    }


class Orders(PartnerView, ListAPIView):
    required_scopes = ["orders"]
    serializer_class = OrderSerializer
    pagination_class = OrderPages

    def get_queryset(self) -> QuerySet[Order]:
        return orders_of(self.request)

    @extend_schema(
        operation_id="list_orders",
        tags=["orders"],
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
            OpenApiParameter("cursor", str, description="As in `next` and `previous`."),
            OpenApiParameter("limit", int, description="Lines on a page: 1000 if not given, 5000 at most."),
        ],
        responses={200: AnsweredOrderSerializer, **refusals("INVALID", "NOT_FOUND")},
    )
    def get(self, request: Request, order_id: int) -> Response:
        """Read an order and what its lines were answered, a page at a time."""
        order = get_object_or_404(orders_of(request), pk=order_id)
        return Response(answered_order(order, request, self, url=request.build_absolute_uri()))


def orders_of(request: Request) -> QuerySet[Order]:
    """The orders that the partner may see, without the texts they came as."""
    return Order.objects.filter(stream__in=partner_of(request).streams()).defer("raw")


# Consents


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


class Consents(PartnerView):
    required_scopes = ["consents"]

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


# Needs and cases


class PlainBody(BaseParser):
    """References, one on each line. Raise BodyRefused or ListRefused."""

    media_type = "text/plain"

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        try:
            return read_references(body_of(stream).decode())
        except UnicodeDecodeError:
            raise ListRefused("FILE_FORM", "The list is not in UTF-8.") from None


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
            raise ListRefused("FILE_FORM", "The list is a list of texts.")
        answered = end_cases(
            streams=[stream],
            references=checked_references(said),
            client=partner_of(request).client_id,
            at=timezone.now(),
        )
        counts = Counter(str(one.answer) for one in answered)
        return Response(CaseEndsSerializer({"answers": counts, "lines": answered}).data)


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
