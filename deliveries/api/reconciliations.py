"""The API's doors to reconciliation: a list of watches compared with those that stand, and the difference mended."""

from typing import IO, Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from deliveries import reconciliation as service
from deliveries.models import Reconciliation, ReconciliationLine
from deliveries.reconciliation import CHOICES, SENTENCES, Repair
from deliveries.tasks import compare_soon
from lefi.audit.models import Action
from lefi.problems import PROBLEMS, refusals
from subscriptions.api.base import Pages, PartnerView, key_of, taken_in
from subscriptions.api.orderforms import DIGEST_PARAMETER, KEY_PARAMETER, OrderRefusalSerializer, OrderSerializer
from subscriptions.api.orders import REPLAYED, carry_on_at_once, in_hand, url_of
from subscriptions.authentication import partner_of
from subscriptions.orders.lines import OrderRefused
from subscriptions.orders.placing import work_on

KINDS = ReconciliationLine.Kind.values
STATUSES = Reconciliation.Status.values


class CSVList(BaseParser):
    """A list in a file of its own, with its form."""

    media_type = "text/csv"
    form = Reconciliation.Form.CSV

    def parse(self, stream: IO[bytes], media_type=None, parser_context=None) -> Any:
        return self.form, taken_in(stream, parser_context["request"])


class JSONLinesList(CSVList):
    media_type = "application/x-ndjson"
    form = Reconciliation.Form.JSONL


class JSONLList(JSONLinesList):
    media_type = "application/jsonl"


class DifferencePages(Pages):
    page_size = 1000
    max_page_size = 5000


class DifferencesAskedSerializer(serializers.Serializer):
    """Which differences to show."""

    kind = serializers.MultipleChoiceField(
        choices=KINDS, required=False, help_text="Those of this kind, or one of these."
    )


class DifferenceSerializer(serializers.Serializer):
    """A watch that you have and we do not, we have and you do not, or of which you were told something else.

    It is never said why (a watch that has ended says so in a delivery). UNREADABLE is a line that was not compared.
    """

    kind = serializers.ChoiceField(choices=KINDS)
    code = serializers.CharField(help_text="Why the line cannot be read; else empty.")
    sentence = serializers.SerializerMethodField(help_text="The same in words, by Accept-Language.")
    line = serializers.IntegerField(allow_null=True, help_text="Of your list; null for what only we have.")
    reference = serializers.CharField(help_text="Your own, as it stands in the list.")
    watch = serializers.IntegerField(source="watch_id", allow_null=True)
    benefit = serializers.CharField(help_text="The benefit's code.")
    personnummer = serializers.CharField(source="number", help_text="That the watch was ordered by, or as listed.")

    def get_sentence(self, line: ReconciliationLine) -> str:
        return str(SENTENCES.get(line.code, ""))


class CountsSerializer(serializers.Serializer):
    EQUAL = serializers.IntegerField(help_text="Watches that both have, with the state that the list says, if it does.")
    ONLY_YOU = serializers.IntegerField()
    ONLY_WE = serializers.IntegerField()
    DIFFERS = serializers.IntegerField()
    UNREADABLE = serializers.IntegerField()


class ReconciliationSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    stream = serializers.IntegerField(source="stream_id")
    received_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=STATUSES)
    refusal = serializers.SerializerMethodField()
    as_of_delivery = serializers.IntegerField(
        allow_null=True, help_text="Compared with what was told up to this delivery; fold as far before you compare."
    )
    counts = serializers.SerializerMethodField()
    repair = serializers.IntegerField(source="repair_id", allow_null=True, help_text="The order that mends it.")

    @extend_schema_field(OrderRefusalSerializer(allow_null=True))
    def get_refusal(self, one: Reconciliation) -> dict[str, Any] | None:
        if not one.refusal:
            return None
        known = PROBLEMS.get(one.refusal)
        words = str(known.title) if known else one.refusal
        return {"code": one.refusal, "row": one.refused_at_row, "sentence": words}

    @extend_schema_field(CountsSerializer(allow_null=True))
    def get_counts(self, one: Reconciliation) -> dict[str, int] | None:
        return one.counts or None


class ComparedSerializer(ReconciliationSerializer):
    """A reconciliation with a page of its differences; `next` leads to more."""

    differences = DifferenceSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class RepairSerializer(serializers.Serializer):
    """What to do about each kind of difference."""

    only_we = serializers.ChoiceField(
        choices=list(CHOICES["only_we"]), default="leave", help_text="Cancel these watches, or have all of them again."
    )
    only_you = serializers.ChoiceField(
        choices=list(CHOICES["only_you"]), default="leave", help_text="Order these watches, as the list says."
    )
    differs = serializers.ChoiceField(
        choices=list(CHOICES["differs"]), default="leave", help_text="Have all of these watches again."
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        day = serializers.DateField(required=False, help_text="Of those watches whose lines say no day.")
        return {**super().get_fields(), "from": day}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["only_you"] == "order" and "from" not in attrs and service.lacks_day(self.context["found"]):
            raise serializers.ValidationError({"from": [_("A day is needed to order watches from.")]})
        return attrs

    def wanted(self) -> Repair:
        return Repair.chosen(self.validated_data, self.validated_data.get("from"))


LIST_EXAMPLE = OpenApiExample(
    "A list by watch, with states",
    media_type="text/csv",
    request_only=True,
    value="bevakning;tillstand;referens\n17;e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;S-4711\n",
)


class Reconciliations(PartnerView):
    required_scopes = ["orders"]
    parser_classes = [CSVList, JSONLinesList, JSONLList]

    @extend_schema(
        operation_id="reconcile",
        tags=["reconciliation"],
        request={
            "text/csv": OpenApiTypes.STR,
            "application/x-ndjson": OpenApiTypes.STR,
            "application/jsonl": OpenApiTypes.STR,
        },
        examples=[LIST_EXAMPLE],
        parameters=[KEY_PARAMETER, DIGEST_PARAMETER],
        responses={
            200: OpenApiResponse(ComparedSerializer, description="The key was used before: the same again."),
            201: OpenApiResponse(ComparedSerializer, description="The list has been compared."),
            202: OpenApiResponse(ReconciliationSerializer, description="It is being compared; Location says where."),
            **refusals(
                "INVALID",
                "NOT_FOUND",
                "INCOMPLETE",
                "CONTENT_DIGEST",
                "EMPTY",
                "LENGTH_REQUIRED",
                "TOO_LARGE",
                "UNSUPPORTED_MEDIA_TYPE",
                "IDEMPOTENCY_KEY_REUSED",
            ),
        },
    )
    def post(self, request: Request, stream_id: int) -> Response:
        """Send the list of the watches you believe you have, with or without their states, and learn what differs."""
        stream = self.stream_or_404(stream_id)
        key, at = key_of(request), timezone.now()
        if not isinstance(request.data, tuple):  # an empty body reaches no parser
            raise OrderRefused("EMPTY")
        form, received = request.data
        client = partner_of(request).client_id
        made = service.receive(stream=stream, received=received, form=form, at=at, client=client, idempotency_key=key)
        headers = {"Location": request.build_absolute_uri(reverse("api:reconciliation", args=[made.pk]))}
        if made.received_at != at:
            said = compared(made, request, self, url=headers["Location"])
            return Response(said, headers={**headers, REPLAYED: "true"})
        made = compare_soon(made)
        if made.status == Reconciliation.Status.WAITING:
            return Response(ReconciliationSerializer(made).data, status=status.HTTP_202_ACCEPTED, headers=headers)
        said = compared(made, request, self, url=headers["Location"])
        return Response(said, status=status.HTTP_201_CREATED, headers=headers)


class OneReconciliation(PartnerView):
    required_scopes = ["orders"]

    @extend_schema(
        operation_id="read_reconciliation",
        tags=["reconciliation"],
        parameters=[
            DifferencesAskedSerializer,
            OpenApiParameter("cursor", str, description="As in `next` and `previous`."),
            OpenApiParameter("limit", int, description="Differences on a page: 1000 if not given, 5000 at most."),
        ],
        responses={200: ComparedSerializer, **refusals("INVALID", "NOT_FOUND")},
    )
    def get(self, request: Request, reconciliation_id: int) -> Response:
        """Read what differs, a page at a time. It is logged who reads it."""
        found = reconciliation_or_404(request, reconciliation_id)
        service.note(Action.FETCH, found, client=partner_of(request).client_id)
        return Response(compared(found, request, self, url=request.build_absolute_uri()))


class Repairing(PartnerView):
    required_scopes = ["orders"]

    @extend_schema(
        operation_id="repair_difference",
        tags=["reconciliation"],
        request=RepairSerializer,
        responses={
            200: OrderSerializer,
            202: OpenApiResponse(OrderSerializer, description="The order is being worked on; Location says where."),
            **refusals(
                "INVALID",
                "NOT_FOUND",
                "NOT_JSON",
                "EMPTY",
                "TOO_LARGE",
                "UNSUPPORTED_MEDIA_TYPE",
                "NOT_COMPARED",
                "LIST_UNREADABLE",
                "IDEMPOTENCY_KEY_REUSED",
            ),
        },
    )
    def post(self, request: Request, reconciliation_id: int) -> Response:
        """Order what mends the difference: an ordinary order, each line answered. Repeating it gives the same order."""
        found = reconciliation_or_404(request, reconciliation_id)
        asked = RepairSerializer(data=request.data, context={"found": found})
        asked.is_valid(raise_exception=True)
        order = service.repair(
            reconciliation=found, wanted=asked.wanted(), at=timezone.now(), client=partner_of(request).client_id
        )
        if order.over:
            return Response(OrderSerializer(order).data, headers={"Location": url_of(order, request)})
        if not carry_on_at_once(order):
            return in_hand(order, request)
        return Response(OrderSerializer(work_on(order.pk)).data, headers={"Location": url_of(order, request)})


def reconciliation_or_404(request: Request, reconciliation_id: int) -> Reconciliation:
    mine: QuerySet[Reconciliation] = Reconciliation.objects.filter(stream__in=partner_of(request).streams())
    return get_object_or_404(mine.select_related("stream__agreement__customer", "repair"), pk=reconciliation_id)


def compared(found: Reconciliation, request: Request, view: PartnerView, *, url: str) -> dict[str, Any]:
    """A reconciliation with a page of its differences; `url` is what the links to the other pages are made from."""
    asked = DifferencesAskedSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    kinds = asked.validated_data.get("kind")
    lines = found.lines.filter(kind__in=sorted(kinds)) if kinds else found.lines.all()
    pages = DifferencePages()
    page = pages.paginate_queryset(lines, request, view)
    pages.base_url = url
    return {
        **ReconciliationSerializer(found).data,
        "differences": DifferenceSerializer(page, many=True).data,
        "next": pages.get_next_link(),
        "previous": pages.get_previous_link(),
    }
