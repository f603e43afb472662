"""The result of an order as a file: every line with its answer, in JSON, CSV or XML, written as it is read.

The texts come in pieces from one cursor, so that memory does not grow with the order. They hold the identity numbers
that the customer sent, with twelve digits where they could be read: whoever fetches one is written down.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from benefits.catalogue import catalogue
from benefits.content import NOT_XML
from lefi import sheets
from lefi.audit.models import Action, record
from subscriptions.answers import CARRIED_OUT, Answer, sentence
from subscriptions.decision import Refusal
from subscriptions.models import Order, OrderLine
from subscriptions.orders.placing import OrderStateRefused
from subscriptions.orders.schema import ANSWER_NAMESPACE

READY = (Order.Status.PREVIEWED, Order.Status.DONE, Order.Status.STOPPED)
PIECE = 500  # lines
WITHOUT_EFFECT = "without-effect"
WATCHED, NOT_CARRIED_OUT, ENDED = "1", "2", "3"  # kundStatus
_KUND_STATUS: dict[str, str] = {
    Answer.ACCEPTED: WATCHED,
    Answer.NUMBER_REPLACED: WATCHED,
    Answer.ALREADY_WATCHED: WATCHED,
    Answer.REFRESH_ORDERED: WATCHED,
    Answer.CANCELLED: ENDED,
}


class Answered(NamedTuple):
    """A line as a result tells it, in the order of the columns of a CSV file; the sentence is added at the end."""

    line: int
    file_row: int
    kind: str
    number: str
    benefit: str
    from_date: date | None
    reference: str
    answer: str
    watch_id: int | None


def without_effect(lines: QuerySet[OrderLine]) -> QuerySet[OrderLine]:
    """Those that changed nothing (the index order_lines_without_effect)."""
    return lines.filter(~Q(answer__in=sorted(CARRIED_OUT)))


def fetch(order: Order, form: str, *, by: Any = None, client: str = "") -> Iterator[str]:
    """The result in one of FORMS, having written down who fetches it: `by` is a user, `client` a system.

    Raise OrderStateRefused while lines are being answered, and of an order that was refused or thrown away.
    """
    if order.status not in READY:
        raise OrderStateRefused("ORDER_STATE")
    record(
        action=Action.FETCH,
        object_type=order._meta.label_lower,
        object_id=order.pk,
        actor=by,
        client=client,
        customer_id=order.stream.agreement.customer_id,
        form=form,
        lines=_lines_in(order, form).count(),
    )
    return FORMS[form](order)


def json_lines(order: Order) -> Iterator[str]:
    """One JSON document, with the order and a line of text for each of its lines."""
    said = {
        "id": order.pk,
        "stream": order.stream_id,
        "reference": order.reference,
        "received_at": timezone.localtime(order.received_at).isoformat(),
        "status": order.status,
        "aim": order.aim,
        "answers": order.counts,
    }
    words = _sentences()
    texts = (f"{',' if place else ''}\n{_json(one, words)}" for place, one in enumerate(_lines(order)))
    head = json.dumps(said, ensure_ascii=False)
    return _framed(f'{head[:-1]}, "lines": [', texts, "\n]}\n")


def csv_rows(order: Order) -> Iterator[str]:
    """A table for spreadsheets: semicolons, a byte order mark, a header in the reader's language, and no formulas."""
    return _csv(_lines(order))


def csv_without_effect(order: Order) -> Iterator[str]:
    """The same table, of the lines that somebody has to look over alone."""
    return _csv(_answered(_lines_in(order, WITHOUT_EFFECT)))


def _csv(lines: Iterable[Answered]) -> Iterator[str]:
    words = _sentences()
    return sheets.table(_header(), ([*one, words.get(one.answer, one.answer)] for one in lines))


def xml(order: Order) -> Iterator[str]:
    """A `bestallningssvar` by subscriptions.orders.schema: one `person` for each line."""
    words = {code: escape(text) for code, text in _sentences().items()}
    names = {code: one.order_name for code, one in catalogue().benefits.items()}
    counts = "".join(f'<svar kod="{code}" antal="{count}"/>\n' for code, count in sorted(order.counts.items()))
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<bestallningssvar xmlns="{ANSWER_NAMESPACE}" id="{order.pk}" '
        f'mottagen="{timezone.localtime(order.received_at).isoformat(timespec="seconds")}" rader="{order.lines_done}" '
        f'status="{order.status}">\n{counts}'
    )
    return _framed(head, (_person(one, names, words) for one in _lines(order)), "</bestallningssvar>\n")


FORMS: dict[str, Callable[[Order], Iterator[str]]] = {
    "json": json_lines,
    "csv": csv_rows,
    "xml": xml,
    WITHOUT_EFFECT: csv_without_effect,
}


def _lines_in(order: Order, form: str) -> QuerySet[OrderLine]:
    lines = OrderLine.objects.filter(order=order)
    return without_effect(lines) if form == WITHOUT_EFFECT else lines


def _lines(order: Order) -> Iterator[Answered]:
    return _answered(OrderLine.objects.filter(order=order))


def _answered(lines: QuerySet[OrderLine]) -> Iterator[Answered]:
    rows = lines.order_by("line").values_list(*Answered._fields)
    return map(Answered._make, rows.iterator(chunk_size=5000))


def _sentences() -> dict[str, str]:
    """Every answer in words, in the language of now: the file is written when that may be over."""
    return {str(code): str(sentence(code)) for code in (*Answer, *Refusal)}


def _framed(head: str, texts: Iterable[str], end: str) -> Iterator[str]:
    """The whole text, in pieces that are worth sending."""
    yield head
    iterator = iter(texts)
    while piece := "".join(islice(iterator, PIECE)):
        yield piece
    yield end


def _json(one: Answered, words: dict[str, str]) -> str:
    said = {
        "line": one.line,
        "row": one.file_row,
        "kind": one.kind,
        "identity_number": one.number,
        "benefit": one.benefit,
        "from_date": one.from_date and one.from_date.isoformat(),
        "reference": one.reference,
        "answer": one.answer,
        "sentence": words.get(one.answer, one.answer),
        "watch": one.watch_id,
    }
    return json.dumps(said, ensure_ascii=False)


def _header() -> list[str]:
    return [
        _("Line"),
        _("Row in the file"),
        _("Order type"),
        _("Identity number"),
        _("Benefit"),
        _("From"),
        _("Your reference"),
        _("Answer"),
        _("Watch"),
        _("In words"),
    ]


def _person(one: Answered, names: dict[str, str], words: dict[str, str]) -> str:
    name = names.get(one.benefit)
    asked = f"<{name}>1</{name}>" if name else ""
    benefit = _leaf("formansinformation", asked, ready=True) if asked else _leaf("forman", one.benefit)
    reference = _leaf("referens", one.reference) if one.reference else ""
    return (
        f'<person>{_leaf("personnummer", one.number)}<statusBestallning rad="{one.line}" kod={quoteattr(one.answer)}>'
        f"<kundStatus>{_KUND_STATUS.get(one.answer, NOT_CARRIED_OUT)}</kundStatus>{benefit}{reference}"
        f"{_leaf('mening', words.get(one.answer, one.answer), ready=True)}</statusBestallning></person>\n"
    )


def _leaf(name: str, text: str, *, ready: bool = False) -> str:
    """An element; `ready` text is XML already. What no XML can hold, which no reader lets in, is replaced."""
    return f"<{name}>{text if ready else escape(NOT_XML.sub('�', text), {chr(13): '&#13;'})}</{name}>"
