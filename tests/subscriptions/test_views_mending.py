"""Faulty lines of an order put right in the portal: in their place, as a file, or settled; by whom, and logged."""

import csv
from io import BytesIO, StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Order, OrderLine, Watch
from subscriptions.orders.lines import CANCEL, NEW, Line
from subscriptions.orders.placing import place_order
from subscriptions.orders.tablefile import read_csv
from tests.factories import BENEFIT, LegalBasisFactory, ScopeFactory, StreamFactory, identity_number

GOOD, OTHER, WRONG = identity_number(901), identity_number(902), "195001010000"


@pytest.fixture
def stream(member):
    """One whose basis asks for a case."""
    basis = LegalBasisFactory(code="TEST-ÄRENDE", needs=["case_reference"])
    scope = ScopeFactory(basis=basis, agreement__customer=member.customer, benefits=[BENEFIT, "FK:BOB"])
    return StreamFactory(agreement=scope.agreement, purpose=scope.purpose)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


@pytest.fixture
def order(stream, member) -> Order:
    """One line carried out, one with a wrong number, one that stood already, one of nobody's watch."""
    lines = [
        line(GOOD),
        line(WRONG, case="EB 2", reference="egen 2"),
        line(GOOD),
        Line(CANCEL, OTHER, "sjukpenning", None),
    ]
    return placed(stream, member, *lines)


def line(number: str, *, case: str = "EB 1", reference: str = "") -> Line:
    return Line(NEW, number, "sjukpenning", timezone.localdate(), case, "", reference)


def placed(stream, member, *lines: Line) -> Order:
    return place_order(
        stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=timezone.now(), ordered_by=member.user
    )


def mend_url(order: Order, number: int = 2) -> str:
    return f"/orders/{order.pk}/lines/{number}/mend/"


def written(**fields) -> dict:
    return {
        "kind": NEW,
        "number": OTHER,
        "benefits": [BENEFIT],
        "from_date": timezone.localdate().isoformat(),
        "case_reference": "EB 2",
        "key": "8a2e1c60-93b7-4c52-9d3e-1f4f9b7f0c11",
    } | fields


def faults(client, order: Order) -> str:
    return b"".join(client.post(f"/orders/{order.pk}/faults/").streaming_content).decode()


def test_a_faulty_line_is_offered_to_be_put_right_and_no_other(client, order):
    page = client.get(f"/orders/{order.pk}/")

    assert [faulty for _line, _case, _said, _mended, faulty in page.context["rows"]] == [False, True, False, True]
    assert page.content.decode().count("/mend/") == 2


def test_a_line_is_shown_as_it_was_written_and_that_is_logged(client, order, member):
    page = client.get(mend_url(order))

    form = page.context["mend"]
    assert form.initial["number"] == WRONG and form.initial["case_reference"] == "EB 2"
    assert form.initial["reference"] == "egen 2"
    event = AuditEvent.objects.get(action=Action.READ)
    assert (event.actor, event.object_type) == (member.user, "subscriptions.orderline")


def test_a_line_put_right_is_an_order_of_its_own_that_names_the_old(client, order, member):
    answer = client.post(mend_url(order), written(), follow=True)

    made = Order.objects.latest("pk")
    assert (made.mends, made.mends_line, made.ordered_by) == (order, 2, member.user)
    assert made.counts == {"ACCEPTED": 1}
    assert Watch.objects.get(ordered_number=OTHER).case_reference == "EB 2"
    assert [mended for _, _, _, mended, _ in answer.context["rows"]] == [None, made, None, None]
    assert OrderLine.objects.get(order=order, line=2).answer == "NUMBER_INVALID"
    assert f"/orders/{order.pk}/" in client.get(f"/orders/{made.pk}/").content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"number": WRONG}, "number"), ({"case_reference": ""}, "case_reference"), ({"kind": ""}, "kind")],
)
def test_what_is_still_wrong_is_said_in_its_place_and_nothing_is_ordered(client, order, fields, field):
    page = client.post(mend_url(order), written(**fields))

    assert field in page.context["mend"].errors
    assert page.context["mended_line"].line == 2
    assert Order.objects.count() == 1


def test_a_line_that_would_have_no_effect_leaves_nothing_behind(client, order):
    page = client.post(mend_url(order), written(number=GOOD))

    assert page.context["mend"].non_field_errors()
    assert (Order.objects.count(), Watch.objects.count()) == (1, 1)


def test_a_line_is_put_right_once(client, order):
    client.post(mend_url(order), written())
    client.post(mend_url(order), written(number=identity_number(903)))

    assert Order.objects.count() == 2
    assert not Watch.objects.filter(ordered_number=identity_number(903)).exists()


@pytest.mark.parametrize("number", [1, 3, 99])
def test_what_is_no_fault_is_not_put_right(client, order, number):
    assert client.get(mend_url(order, number)).status_code == 404
    assert client.post(mend_url(order, number), written()).status_code == 404


def test_a_preview_has_nothing_to_put_right_yet(client, stream, member):
    preview = place_order(
        stream=stream,
        channel=Order.Channel.PORTAL,
        lines=[line(WRONG)],
        at=timezone.now(),
        aim=Order.Aim.PREVIEW,
        ordered_by=member.user,
    )

    assert client.post(mend_url(preview, 1), written()).status_code == 404
    assert client.post(f"/orders/{preview.pk}/faults/").status_code == 404


def test_the_faulty_lines_alone_come_as_a_file_with_what_is_wrong(client, order, member):
    text = faults(client, order)

    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(text[1:]), delimiter=";"))
    assert [(row["personnummer"], row["svar"]) for row in rows] == [(WRONG, "NUMBER_INVALID"), (OTHER, "NOT_WATCHED")]
    assert rows[0]["arendereferens"] == "EB 2" and rows[0]["referens"] == "egen 2"
    assert rows[0]["mening"] and rows[0]["formaner"] == "sjukpenning"
    fetched = AuditEvent.objects.get(action=Action.FETCH)
    assert (fetched.details["form"], fetched.customer_id) == ("faults", member.customer_id)


def test_what_is_put_right_already_is_not_in_the_file(client, order):
    client.post(mend_url(order), written())

    assert WRONG not in faults(client, order)


def test_the_file_is_read_again_as_it_is(client, order):
    lines = list(read_csv(BytesIO(faults(client, order).encode())))

    assert [(one.kind, one.number, one.case_reference) for one in lines] == [(NEW, WRONG, "EB 2"), (CANCEL, OTHER, "")]


def test_a_file_that_is_sent_again_names_the_order_it_puts_right(client, order, stream, member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    body = faults(client, order).replace(WRONG, OTHER)
    file = SimpleUploadedFile("felrader.csv", body.encode(), content_type="text/csv")
    said = {"file": file, "form": "", "key": "k", "stream": stream.pk, "mends": order.pk}

    assert f'value="{order.pk}"' in client.get(f"/orders/file/?mends={order.pk}").content.decode()
    client.post("/orders/file/", said)

    made = Order.objects.latest("pk")
    assert (made.mends, made.mends_line, made.status) == (order, None, Order.Status.PREVIEWED)


def test_another_streams_order_is_not_named(client, order, stranger, stream, member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    foreign = placed(StreamFactory(served=True, agreement__customer=stranger.customer), stranger, line(GOOD))

    for asked in (foreign.pk, "x", "9" * 30):
        assert client.get(f"/orders/file/?mends={asked}").context["mends"] is None


def test_faults_that_nobody_needs_to_mend_are_brought_up_no_more(client, order):
    assert "/orders/" in str([task.url for task, *_ in client.get("/").context["tasks"]])

    client.post(f"/orders/{order.pk}/settle/")
    client.post(f"/orders/{order.pk}/settle/")

    assert [task for task, *_ in client.get("/").context["tasks"]] == []
    assert (
        AuditEvent.objects.filter(reason="faults settled", customer_id=order.stream.agreement.customer_id).count() == 1
    )


def test_the_list_shows_the_orders_with_lines_to_mend_alone_if_asked(client, order, stream, member):
    placed(stream, member, line(identity_number(904)))

    shown = client.get("/orders/", {"faults": "on"}).context["rows"]

    assert [one for one, _ in shown] == [order]


def test_a_colleague_who_handles_no_files_and_a_stranger_mend_nothing(client, order, member, stranger):
    Order.objects.update(ordered_by=None)
    for url in (mend_url(order), f"/orders/{order.pk}/faults/", f"/orders/{order.pk}/settle/"):
        assert client.post(url, written()).status_code == 403

    client.force_login(stranger.user)
    for url in (mend_url(order), f"/orders/{order.pk}/faults/", f"/orders/{order.pk}/settle/"):
        assert client.post(url, written()).status_code == 404
    assert client.get(mend_url(order)).status_code == 404
    assert not AuditEvent.objects.filter(action=Action.READ).exists()


def test_a_line_with_an_effect_keeps_no_reference_that_its_watch_has(order):
    assert list(OrderLine.objects.filter(order=order).order_by("line").values_list("case_reference", flat=True)) == [
        "",
        "EB 2",
        "EB 1",
        "",
    ]
