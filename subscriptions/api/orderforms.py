"""What an order looks like in the API: as it is sent, with its progress, and its lines with their answers."""

from typing import Any

from django.utils import timezone, translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_field, inline_serializer
from rest_framework import serializers

from lefi.problems import PROBLEMS
from subscriptions.answers import Answer, sentence
from subscriptions.api.base import ReferenceField
from subscriptions.decision import Refusal
from subscriptions.models import Order, OrderLine
from subscriptions.orders.lines import KINDS

AIMS, FORMS, STATUSES = Order.Aim.values, Order.Form.values, Order.Status.values
LINE_ANSWERS = [one.value for one in (*Answer, *Refusal) if one != Refusal.PROTECTED]  # which is never told
with translation.override("en"):
    SENTENCES = "\n".join(f"* `{code}` - {sentence(code)}" for code in LINE_ANSWERS)


class OrderingSerializer(serializers.Serializer):
    """How an order is to be taken."""

    preview = serializers.BooleanField(
        default=False, help_text="Answer every line without effect, to be confirmed or thrown away."
    )
    order_reference = ReferenceField(
        max_length=100, default="", allow_blank=True, help_text="Your own reference to the order, given back with it."
    )


class LinesAskedSerializer(serializers.Serializer):
    """Which lines of an order to show."""

    answer = serializers.MultipleChoiceField(
        choices=LINE_ANSWERS, required=False, help_text="Those with this answer, or one of these."
    )
    without_effect = serializers.BooleanField(default=False, help_text="Those that changed nothing.")


class OrdersAskedSerializer(serializers.Serializer):
    """Which orders to list."""

    status = serializers.MultipleChoiceField(
        choices=STATUSES, required=False, help_text="Those with this status, or one of these."
    )


class ProgressSerializer(serializers.Serializer):
    """How far an order has got. Its file is read whole before any line has an effect."""

    percent_read = serializers.IntegerField(help_text="Of the file, how much in a hundred has been read.")
    percent = serializers.IntegerField(help_text="Of the lines, how many in a hundred are answered.")
    lines_read = serializers.IntegerField()
    lines = serializers.IntegerField(source="line_count", allow_null=True, help_text="Known once all is read.")
    lines_done = serializers.IntegerField(help_text="How many are answered.")
    lines_per_second = serializers.SerializerMethodField(help_text="How many are read, and then answered.")
    seconds_left = serializers.SerializerMethodField(help_text="Null where that cannot be said, as while it is read.")

    def get_lines_per_second(self, order: Order) -> float:
        return round(order.rate(timezone.now()), 1)

    def get_seconds_left(self, order: Order) -> int | None:
        left = order.time_left(timezone.now())
        return None if left is None else int(left.total_seconds())


class OrderRefusalSerializer(serializers.Serializer):
    """Why an order as a whole was refused. Nothing of it had any effect."""

    code = serializers.CharField(help_text="As in docs/errors.md.")
    row = serializers.IntegerField(allow_null=True, help_text="Where in the file, if that can be said.")
    sentence = serializers.CharField(help_text="The same in words, by Accept-Language.")


class ExpectedSerializer(serializers.Serializer):
    """How large the delivery after a preview would be, reckoned by the average of all persons."""

    watches = serializers.IntegerField()
    persons = serializers.IntegerField()
    bytes = serializers.IntegerField(allow_null=True, help_text="Null where that cannot be said.")


class OrderSerializer(serializers.Serializer):
    """An order: what it is to do, how far it has got, and what its lines were answered, in numbers."""

    id = serializers.IntegerField()
    stream = serializers.IntegerField(source="stream_id")
    reference = serializers.CharField(help_text="The customer's own reference to the order.")
    form = serializers.ChoiceField(choices=FORMS, allow_blank=True)
    file_name = serializers.CharField()
    size = serializers.IntegerField(help_text="Of the file, in bytes.")
    received_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    aim = serializers.ChoiceField(choices=AIMS, help_text="What is to be done with the lines.")
    status = serializers.ChoiceField(choices=STATUSES)
    progress = ProgressSerializer(source="*")
    refusal = serializers.SerializerMethodField()
    answers = serializers.DictField(
        source="counts", child=serializers.IntegerField(), help_text="How many lines got each answer."
    )
    expected = serializers.SerializerMethodField()

    @extend_schema_field(OrderRefusalSerializer(allow_null=True))
    def get_refusal(self, order: Order) -> dict[str, Any] | None:
        if not order.refusal:
            return None
        known = PROBLEMS.get(order.refusal)
        words = str(known.title) if known else order.refusal
        return {"code": order.refusal, "row": order.refused_at_row, "sentence": words}

    @extend_schema_field(ExpectedSerializer(allow_null=True))
    def get_expected(self, order: Order) -> dict[str, Any] | None:
        return order.expected or None


class OrderLineSerializer(serializers.Serializer):
    """The answer to one person and one benefit. The person is known by `line` and by the customer's own reference."""

    line = serializers.IntegerField(help_text="Counted from 1 in the order as sent: one for each person and benefit.")
    row = serializers.IntegerField(source="file_row", help_text="Of the file, or the person's place in JSON and XML.")
    kind = serializers.ChoiceField(choices=KINDS, allow_blank=True, help_text="Empty if it was none of the three.")
    benefit = serializers.CharField(help_text="The benefit's code, or the name as sent if there is no such benefit.")
    from_date = serializers.DateField(allow_null=True)
    reference = serializers.CharField(help_text="The customer's own reference, as sent.")
    answer = serializers.ChoiceField(choices=LINE_ANSWERS, help_text=f"A stable code.\n\n{SENTENCES}")
    sentence = serializers.SerializerMethodField(help_text="The same in words, by Accept-Language.")
    watch = serializers.IntegerField(
        source="watch_id", allow_null=True, help_text="The watch opened, ended or found, as deliveries name it."
    )

    def get_sentence(self, line: OrderLine) -> str:
        return str(sentence(line.answer))


class AnsweredOrderSerializer(OrderSerializer):
    """An order with a page of its lines; `next` leads to more."""

    lines = OrderLineSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own name for the request, 1 to 100 characters: sent again, it gives the same order again.",
)
DIGEST_PARAMETER = OpenApiParameter(
    "Content-Digest",
    str,
    OpenApiParameter.HEADER,
    description="The body's SHA-256 as RFC 9530 writes it; a body that differs is refused.",
)
ORDER_BODY = inline_serializer(
    "OrderBody",
    {
        "organisationsnummer": serializers.CharField(required=False, help_text="Must be the client's, if given."),
        "enhet": serializers.CharField(required=False, help_text="Must be the client's, if given."),
        "rader": inline_serializer(
            "OrderRow",
            {
                "typ": serializers.ChoiceField(choices=KINDS),
                "personnummer": serializers.CharField(
                    required=False, help_text="10 or 12 digits. Needed, or `bestand` in its place."
                ),
                "bestand": serializers.BooleanField(
                    required=False, help_text="True for the whole stock: everybody who is watched in the stream."
                ),
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
ORDER_BODIES = {
    "application/json": ORDER_BODY,
    "application/x-ndjson": OpenApiTypes.STR,
    "application/jsonl": OpenApiTypes.STR,
    "application/xml": OpenApiTypes.STR,
    "text/xml": OpenApiTypes.STR,
    "text/csv": OpenApiTypes.STR,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": OpenApiTypes.BINARY,
}
ORDER_EXAMPLES = [
    OpenApiExample(
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
    ),
    OpenApiExample(
        "The same in XML",
        media_type="application/xml",
        request_only=True,
        value=(
            "<bestallning><generelltfalt><organisationsnummer>5560000001</organisationsnummer></generelltfalt>"
            "<informationsfalt><nybestallningBevakning><person><personnummer>199001012385</personnummer>"
            "<from>2026-11-01</from><formansinformation><sjukpenning>1</sjukpenning></formansinformation>"
            "<referens>S-4711</referens></person></nybestallningBevakning></informationsfalt></bestallning>"
        ),
    ),
    OpenApiExample(
        "The same as a table",
        media_type="text/csv",
        request_only=True,
        value="typ;personnummer;formaner;from;referens\nny;199001012385;sjukpenning;2026-11-01;S-4711\n",
    ),
]
