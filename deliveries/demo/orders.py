"""The demo's orders, written as customers' systems write them, in XML and JSON, and read by the same door as theirs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from xml.sax.saxutils import escape

from benefits.catalogue import catalogue
from deliveries.demo.cast import Organisation
from subscriptions.models import LegalBasis, Order, Stream
from subscriptions.models.watches import OrderKind
from subscriptions.orderfile import OrderFile, read_json, read_xml
from subscriptions.services import place_order

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
    """Write the order in the organisation's form, read it back, and carry it out."""
    raw, read = written(stream, organisation, wishes)
    portal = stream.channel == Stream.Channel.PORTAL
    client = "" if portal else organisation.code.lower()
    return place_order(
        stream=stream,
        channel=Order.Channel.PORTAL if portal else Order.Channel.API,
        lines=read.lines,
        at=at,
        ordered_by=ordered_by,
        client=client,
        reference=f"{organisation.code}-{at:%y%m%d}",
        raw=raw,
    )


def written(stream: Stream, organisation: Organisation, wishes: Sequence[Wish]) -> tuple[str, OrderFile]:
    """The order as text, and what reading it gives."""
    reference = _reference_name(stream)
    if organisation.order_form == "xml":
        raw = _xml(organisation, wishes, reference)
        return raw, read_xml(BytesIO(raw.encode()))
    raw = json.dumps(_json(organisation, wishes, reference), ensure_ascii=False, indent=1)
    return raw, read_json(json.loads(raw))


def _reference_name(stream: Stream) -> str:
    basis = LegalBasis.objects.newest().get(code=stream.agreement.scopes.get(purpose=stream.purpose).basis_code)
    return next((REFERENCES[need] for need in basis.needs), "referens")


def _order_name(code: str) -> str:
    return catalogue().benefits[code].order_name


def _json(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> dict:
    rows = []
    for one in wishes:
        row = {
            "typ": str(one.kind),
            "personnummer": one.number,
            "formaner": [_order_name(code) for code in one.benefits],
        }
        if one.begins:
            row |= {"from": one.begins.isoformat(), reference: one.reference}
        rows.append(row)
    head = {"organisationsnummer": organisation.organisation_number}
    return head | ({"enhet": organisation.unit} if organisation.unit else {}) | {"rader": rows}


def _xml(organisation: Organisation, wishes: Sequence[Wish], reference: str) -> str:
    unit = f"<enhet>{organisation.unit}</enhet>" if organisation.unit else ""
    texts = [
        "<bestallning><generelltfalt>",
        f"<organisationsnummer>{organisation.organisation_number}</organisationsnummer>{unit}",
        "</generelltfalt>\n<informationsfalt>\n",
    ]
    for one in wishes:
        benefits = "".join(f"<{name}>1</{name}>" for name in map(_order_name, one.benefits))
        dated = f"<from>{one.begins}</from>" if one.begins else ""
        said = f"<{reference}>{escape(one.reference)}</{reference}>" if one.reference else ""
        texts.append(
            f"<{one.kind}><person><personnummer>{one.number}</personnummer>{dated}"
            f"<formansinformation>{benefits}</formansinformation>{said}</person></{one.kind}>\n"
        )
    return "".join(texts) + "</informationsfalt></bestallning>\n"
