"""The demo's orders, written as customers write them, in four forms, and read by the same door as theirs."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from xml.sax.saxutils import escape

from benefits.catalogue import catalogue
from deliveries.demo.cast import Organisation
from subscriptions.models import LegalBasis, Order, Stream
from subscriptions.models.orders import OrderKind
from subscriptions.orders import files
from subscriptions.orders.placing import receive, work_on

MOST_BYTES = 8 * 1024 * 1024
NO_PERSON = "190001019999"  # an identity number that fails its check digit
REFERENCES = {"case_reference": "arendereferens", "need_reference": "behovsreferens"}


@dataclass(frozen=True, slots=True)
class Wish:
    """One person in an order."""

    kind: str
    number: str
    benefits: Sequence[str]
    begins: date | None = None
    reference: str = ""


def new_watches(numbers: Iterable[str], benefits: Sequence[str], day: date) -> list[Wish]:
    """Watches from days of up to a year and a half back; every tenth from a day to come."""
    wishes = []
    for place, number in enumerate(numbers):
        back = -20 if place % 10 == 9 else 30 * (place % 18)
        count = 1 + place % len(benefits)
        wishes.append(
            Wish(
                kind=OrderKind.NEW,
                number=number,
                benefits=[*benefits[place % len(benefits) :], *benefits][:count],
                begins=day - timedelta(days=back),
                reference=f"{day:%Y}-{place + 1:04}",
            )
        )
    return wishes


def place(
    stream: Stream, organisation: Organisation, wishes: Sequence[Wish], at: datetime, *, ordered_by=None
) -> Order:
    """Write the order in the organisation's form, and send it by the door that a customer's comes by."""
    text = written(stream, organisation, wishes)
    return send(stream, organisation, text, organisation.order_form, at, ordered_by=ordered_by)


def send(
    stream: Stream,
    organisation: Organisation,
    text: str,
    form: str,
    at: datetime,
    *,
    ordered_by=None,
    **said: Any,
) -> Order:
    """Send a text as a file of the organisation's, from a system or, by somebody, in the portal; and have it read."""
    portal = stream.channel == Stream.Channel.PORTAL
    order = receive(
        stream=stream,
        channel=Order.Channel.FILE if portal else Order.Channel.API,
        received=files.take_in(BytesIO(text.encode()), most=MOST_BYTES),
        form=form,
        at=at,
        ordered_by=ordered_by,
        client="" if portal else organisation.code.lower(),
        reference=f"{organisation.code}-{at:%y%m%d}",
        **said,
    )
    return work_on(order.pk)


def written(stream: Stream, organisation: Organisation, wishes: Sequence[Wish]) -> str:
    """The order as text, in the organisation's form."""
    return _WRITERS[organisation.order_form](organisation, wishes, reference_name(stream))


def reference_name(stream: Stream) -> str:
    """The column of the reference that the stream's legal basis asks for; the customer's own if it asks for none."""
    basis = LegalBasis.objects.newest().get(code=stream.agreement.scopes.get(purpose=stream.purpose).basis_code)
    return next((REFERENCES[need] for need in basis.needs), "referens")


def order_name(code: str) -> str:
    return catalogue().benefits[code].order_name


def _json(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> str:
    order = _head(organisation) | {"rader": _rows(wishes, reference)}
    return json.dumps(order, ensure_ascii=False, indent=1)


def _jsonl(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> str:
    lines = [_head(organisation), *_rows(wishes, reference)]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)


def _csv(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> str:
    return table(reference, (row | {"formaner": " ".join(row["formaner"])} for row in _rows(wishes, reference)))


def table(reference: str, rows: Iterable[dict[str, str]]) -> str:
    """Rows by column, as CSV with the header that an order has."""
    text = StringIO()
    writer = csv.DictWriter(text, ["typ", "personnummer", "formaner", "from", reference], delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _head(organisation: Organisation) -> dict[str, str]:
    head = {"organisationsnummer": organisation.organisation_number}
    return head | ({"enhet": organisation.unit} if organisation.unit else {})


def _rows(wishes: Sequence[Wish], reference: str) -> list[dict[str, Any]]:
    rows = []
    for one in wishes:
        row: dict[str, Any] = {
            "typ": str(one.kind),
            "personnummer": one.number,
            "formaner": [order_name(code) for code in one.benefits],
        }
        if one.begins:
            row |= {"from": one.begins.isoformat(), reference: one.reference}
        rows.append(row)
    return rows


def _xml(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> str:
    unit = f"<enhet>{organisation.unit}</enhet>" if organisation.unit else ""
    texts = [
        "<bestallning><generelltfalt>",
        f"<organisationsnummer>{organisation.organisation_number}</organisationsnummer>{unit}",
        "</generelltfalt>\n<informationsfalt>\n",
    ]
    for one in wishes:
        benefits = "".join(f"<{name}>1</{name}>" for name in map(order_name, one.benefits))
        dated = f"<from>{one.begins}</from>" if one.begins else ""
        said = f"<{reference}>{escape(one.reference)}</{reference}>" if one.reference else ""
        texts.append(
            f"<{one.kind}><person><personnummer>{one.number}</personnummer>{dated}"
            f"<formansinformation>{benefits}</formansinformation>{said}</person></{one.kind}>\n"
        )
    return "".join(texts) + "</informationsfalt></bestallning>\n"


_WRITERS: dict[str, Callable[[Organisation, Sequence[Wish], str], str]] = {
    Order.Form.XML: _xml,
    Order.Form.CSV: _csv,
    Order.Form.JSON: _json,
    Order.Form.JSONL: _jsonl,
}
