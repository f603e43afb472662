"""The result of an order: every line once, the same in all three forms, and nothing that a spreadsheet would run."""

import csv
import io
import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from lxml import etree

from benefits.catalogue import catalogue
from lefi.audit.models import AuditEvent
from subscriptions.answers import Answer, sentence
from subscriptions.models import Order, OrderLine
from subscriptions.orders import results, schema
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, Line
from subscriptions.orders.placing import OrderStateRefused, place_order
from tests.factories import AT, OrderFactory, OrderLineFactory, StreamFactory, UserFactory, identity_number

XMLNS = {"b": schema.ANSWER_NAMESPACE}

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """One with every kind of line, of which some cannot be read."""
    stream = StreamFactory(served=True)
    day = timezone.localdate(AT)
    lines = [
        Line(NEW, identity_number(1), "sjukpenning", day, reference='Ärende <7> & "8"'),
        Line(NEW, identity_number(1), "sjukpenning", day),
        Line(CANCEL, identity_number(2), "sjukpenning", None),
        Line(REFRESH, identity_number(3), "FK:SJP", None),
        Line(NEW, "19900101-2386", "sjukpenning", day, reference="=1+1"),
        Line(NEW, identity_number(4), "guld<tackor>", day, reference="@SUM(A1)"),
        Line("", identity_number(4), "", None, fault="KIND_UNKNOWN"),
    ]
    return place_order(stream=stream, channel=Order.Channel.API, lines=lines, at=AT)


def text(pieces) -> str:
    return "".join(pieces)


def kept(order) -> list[tuple]:
    """Line, number, benefit, reference, answer, watch: as the database has them."""
    return [
        (one.line, one.number, one.benefit, one.reference, one.answer, one.watch_id)
        for one in OrderLine.objects.filter(order=order).order_by("line")
    ]


def in_json(order) -> list[tuple]:
    names = ("line", "identity_number", "benefit", "reference", "answer", "watch")
    return [tuple(one[name] for name in names) for one in json.loads(text(results.json_lines(order)))["lines"]]


def table(order) -> list[list[str]]:
    said = text(results.csv_rows(order))
    assert said.startswith("\ufeff")
    return list(csv.reader(io.StringIO(said[1:], newline=""), delimiter=";"))


def in_csv(order) -> list[tuple]:
    found = []
    for line, _, _, number, benefit, _, reference, answer, watch, _ in table(order)[1:]:
        found.append((int(line), number, benefit, reference.removeprefix("'"), answer, int(watch) if watch else None))
    return found


def in_xml(order) -> list[tuple]:
    """Without the watch, which an order's answer in XML does not name."""
    known = catalogue()
    found = []
    for person in etree.fromstring(text(results.xml(order)).encode()).iterfind("b:person", XMLNS):
        status = person.find("b:statusBestallning", XMLNS)
        named = status.find("b:formansinformation/*", XMLNS)
        benefit = status.findtext("b:forman", "", XMLNS)
        if named is not None:
            benefit = known.by_order_name(etree.QName(named).localname).code
        number, reference = person.findtext("b:personnummer", "", XMLNS), status.findtext("b:referens", "", XMLNS)
        found.append((int(status.get("rad")), number, benefit, reference, status.get("kod")))
    return found


def test_each_form_tells_the_lines_as_they_were_answered(order):
    lines = kept(order)

    assert len({one[4] for one in lines}) >= 5
    assert in_json(order) == lines
    assert in_csv(order) == lines
    assert in_xml(order) == [one[:5] for one in lines]


def test_the_answer_in_xml_is_valid(order):
    xsd = etree.XMLSchema(etree.fromstring(schema.current_answer().encode()))
    document = etree.fromstring(text(results.xml(order)).encode())

    xsd.assertValid(document)
    assert (document.get("id"), document.get("rader"), document.get("status")) == (str(order.pk), "7", "done")
    counts = {one.get("kod"): int(one.get("antal")) for one in document.iterfind("b:svar", XMLNS)}
    assert counts == order.counts


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer.ACCEPTED, "1"),
        (Answer.NUMBER_REPLACED, "1"),
        (Answer.ALREADY_WATCHED, "1"),
        (Answer.REFRESH_ORDERED, "1"),
        (Answer.CANCELLED, "3"),
        (Answer.NOT_WATCHED, "2"),
        (Answer.NOT_CARRIED_OUT, "2"),
        ("CONSENT_MISSING", "2"),
    ],
)
def test_what_has_become_of_a_line_is_said_in_the_service_s_own_way(answer, status):
    line = OrderLineFactory(answer=answer, order__status=Order.Status.DONE)

    (found,) = etree.fromstring(text(results.xml(line.order)).encode()).iterfind(".//b:kundStatus", XMLNS)
    assert found.text == status


def test_the_head_in_json_is_the_order_s(order):
    said = json.loads(text(results.json_lines(order)))

    assert (said["id"], said["stream"], said["status"]) == (order.pk, order.stream_id, "done")
    assert said["answers"] == order.counts


def test_an_order_without_lines_has_a_result_all_the_same():
    empty = OrderFactory(status=Order.Status.STOPPED)

    assert json.loads(text(results.json_lines(empty)))["lines"] == []
    assert len(table(empty)) == 1
    assert in_xml(empty) == []


@pytest.mark.parametrize("form", results.FORMS)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_words_are_of_the_language_in_which_it_was_asked_for(order, form, language):
    with translation.override(language):
        pieces = results.fetch(order, form)
        expected = str(sentence(Answer.NUMBER_INVALID))

    with translation.override("en" if language == "sv" else "sv"):
        assert expected in text(pieces)


def test_a_table_has_a_header_for_each_column(order):
    with translation.override("en"):
        rows = table(order)

    assert rows[0] == [
        "Line",
        "Row in the file",
        "Order type",
        "Identity number",
        "Benefit",
        "From",
        "Your reference",
        "Answer",
        "Watch",
        "In words",
    ]
    assert {len(row) for row in rows} == {10}


def test_what_no_xml_can_hold_does_not_break_the_answer():
    line = OrderLineFactory(reference="a\x01b", answer="ACCEPTED")

    assert "a\ufffdb" in text(results.xml(line.order))


@pytest.mark.parametrize("status", sorted(set(Order.Status) - set(results.READY)))
def test_there_is_no_result_of_an_order_that_has_not_been_answered(status):
    order = OrderFactory(status=status, refusal="FORM" if status == "refused" else "")

    with pytest.raises(OrderStateRefused):
        results.fetch(order, "csv")
    assert not AuditEvent.objects.exists()


def test_whoever_fetches_a_result_is_written_down(order):
    user = UserFactory()

    results.fetch(order, "xml", by=user)

    event = AuditEvent.objects.get(action="fetch")
    assert (event.actor, event.object_id, event.details) == (user, str(order.pk), {"form": "xml", "lines": 7})


def test_the_lines_without_effect_are_those_that_are_not_carried_out(order):
    lines = results.without_effect(order.lines.all()).order_by("line")

    assert [one.line for one in lines] == [2, 3, 4, 5, 6, 7]


def fill(order: Order, first: int, last: int) -> None:
    lines = [
        OrderLine(
            order=order,
            line=n,
            file_row=n,
            kind=NEW,
            number=identity_number(n % 900),
            benefit="FK:SJP",
            answer="NUMBER_INVALID",
        )
        for n in range(first, last)
    ]
    OrderLine.objects.bulk_create(lines, batch_size=5000)


def test_a_result_of_any_length_costs_one_query(order):
    for form in results.FORMS:
        with CaptureQueriesContext(connection) as captured:
            text(results.FORMS[form](order))
        assert len(captured) == 1


def test_memory_does_not_grow_with_the_lines():
    order = OrderFactory(status=Order.Status.DONE)
    peaks: dict[str, list[int]] = {form: [] for form in results.FORMS}
    for first, last in ((1, 10_001), (10_001, 40_001)):
        fill(order, first, last)
        for form, peak in peaks.items():
            tracemalloc.start()
            for _ in results.FORMS[form](order):
                pass
            peak.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    assert {form: most < few * 1.2 for form, (few, most) in peaks.items()} == dict.fromkeys(results.FORMS, True)
