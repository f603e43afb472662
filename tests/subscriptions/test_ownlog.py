"""Who did what in an organisation: its own people and systems, on its own objects, and nobody's identity number."""

import ast
import csv
import re
from datetime import date, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lefi.audit.models import Action, AuditEvent, record
from subscriptions import ownlog
from subscriptions.models import Member, Order, Watch
from subscriptions.orders.lines import CANCEL, Line
from subscriptions.orders.placing import place_order
from subscriptions.ownlog import Asked
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    BENEFIT,
    ApiClientFactory,
    DisclosureFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)
from tests.test_architecture import files

Role = Member.Role


@pytest.fixture
def auditor(db):
    return MemberFactory(role=Role.AUDITOR)


@pytest.fixture
def worker(auditor):
    return MemberFactory(customer=auditor.customer, user__first_name="Karin", user__last_name="Ek")


@pytest.fixture
def stream(auditor):
    return StreamFactory(served=True, agreement__customer=auditor.customer)


@pytest.fixture
def watch(stream):
    return WatchFactory(stream=stream, case_reference="EB 2026/42")


def did(member, action=Action.READ, row=None, **said):
    """Something that a member did with a row of the organisation's."""
    return record(
        action=action,
        object_type=row._meta.label_lower if row else Watch._meta.label_lower,
        object_id=row.pk if row else "",
        actor=member.user,
        customer_id=member.customer_id,
        **said,
    )


def shown(auditor, **asked):
    rows = list(ownlog.selected(auditor.customer, Asked(**asked)))
    return list(ownlog.entries(rows, auditor.customer))


def url(member, path: str = "log/") -> str:
    return f"/organisation/{member.customer_id}/{path}"


# Which rows


def test_only_what_was_done_for_the_organisation_is_shown(auditor, worker, watch, staff):
    did(worker, row=watch)
    did(MemberFactory(), row=watch)  # for another organisation
    record(action=Action.READ, object_type="x", actor=staff, customer_id=auditor.customer_id)
    record(action=Action.END, object_type="x", customer_id=auditor.customer_id)  # by the system itself

    assert [one.who for one in shown(auditor)] == ["Karin Ek"]


def test_what_a_person_with_two_organisations_does_in_one_is_not_told_the_other(auditor, worker):
    elsewhere = MemberFactory(user=worker.user)
    did(elsewhere)

    assert shown(auditor) == []


def test_what_the_organisations_systems_did_is_shown_by_their_names(auditor):
    client = ApiClientFactory(customer=auditor.customer)
    record(
        action=Action.FETCH,
        object_type="deliveries.delivery",
        client=client.application.client_id,
        customer_id=auditor.customer_id,
    )

    assert [one.who for one in shown(auditor)] == [client.application.name]


def test_the_log_is_narrowed_by_who_what_and_days(auditor, worker, watch):
    other = MemberFactory(customer=auditor.customer)
    did(worker, row=watch)
    did(worker, Action.FETCH, row=watch)
    did(other, row=watch)
    today = AuditEvent.objects.latest("pk").at.astimezone().date()

    assert len(shown(auditor, user=worker.user_id)) == 2
    assert len(shown(auditor, user=worker.user_id, action=Action.FETCH)) == 1
    assert len(shown(auditor, first=today, last=today)) == 3
    assert shown(auditor, first=today + timedelta(days=1)) == []
    assert shown(auditor, last=today - timedelta(days=1)) == []


def test_who_has_left_is_still_among_those_to_choose(auditor, worker):
    did(worker)
    worker.delete()

    assert ownlog.people_in(auditor.customer) == [(worker.user_id, "Karin Ek")]


# Cases


def test_a_case_finds_its_watch_its_orders_and_what_was_ended_together(auditor, worker, watch):
    line = OrderLineFactory(order=OrderFactory(stream=watch.stream), watch=watch)
    did(worker, row=watch)
    did(worker, row=line)
    did(worker, Action.ORDER, row=line.order)
    did(worker, Action.END, watches=[watch.pk, 999_999])
    did(worker, Action.END, watches=[999_999])
    did(worker, Action.WITHDRAW, watches=watch.pk)  # how many, not which
    other = WatchFactory(stream=watch.stream, case_reference="EB 2026/421")
    did(worker, row=other)

    found = shown(auditor, case="EB 2026/42")

    assert [one.event.action for one in found] == ["end", "order", "read", "read"]
    assert found[0].cases == ("EB 2026/42",)


def test_a_case_of_anothers_finds_nothing(auditor, worker, watch):
    theirs = WatchFactory(case_reference="X 1")
    did(worker, row=theirs)

    assert shown(auditor, case="X 1") == []


def test_a_case_finds_that_a_delivery_was_read_about_its_person_alone(auditor, worker, watch):
    other = WatchFactory(stream=watch.stream, case_reference="EB 2026/43")
    delivery = delivered([said_of(watch), said_of(other)], stream=watch.stream)
    for one in (watch, other):
        DisclosureFactory(delivery=delivery, watch=one)
    did(worker, row=delivery, person_id=watch.person_id)
    did(worker, row=delivery, person_id=other.person_id)

    assert len(shown(auditor, case="EB 2026/42")) == 1
    assert shown(auditor, case="EB 2026/42")[0].cases == ()  # nor does the row tell whose it is


# What is shown


def test_one_act_about_many_persons_is_one_line(auditor, worker, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    for person in range(1, 26):
        did(worker, row=delivery, person_id=person, reason="portal delivery")
    did(worker, row=watch)

    found = shown(auditor)

    assert [one.persons for one in found] == [0, 25]
    assert str(found[1].why) in ("opened in the portal", "öppnad i portalen")


@pytest.mark.parametrize("known", [True, False])
def test_the_log_does_not_tell_whether_anybody_is_known_by_a_number(client, auditor, known):
    """Two searches for a number, and two looks at a line about it, at once: the same whoever holds it (C8)."""
    number = identity_number(700)
    if known:
        PersonFactory(first_number=number)
    member = MemberFactory(customer=auditor.customer, role=Role.ADMINISTRATOR)
    stream = StreamFactory(served=True, agreement__customer=auditor.customer)
    lines = [Line(CANCEL, number, BENEFIT, None)]
    order = place_order(stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=AT, ordered_by=member.user)
    client.force_login(member.user)
    for _ in range(2):
        client.post("/watches/find/", {"number": number, "reason": "ärende"})
        client.post(f"/orders/{order.pk}/lines/1/number/")

    assert [(one.event.action, one.persons) for one in shown(auditor)] == [
        ("read", 1),
        ("search", 1),
        ("read", 1),
        ("search", 1),
        ("order", 0),
    ]


def test_a_number_that_slipped_into_a_reason_is_masked(auditor, worker, watch):
    did(worker, Action.SEARCH, reason=f"gäller {watch.ordered_number}")

    assert watch.ordered_number not in shown(auditor)[0].why


# The page


@pytest.mark.parametrize(("role", "status"), [(Role.CASE_WORKER, 404), (Role.INTEGRATION, 404), (Role.AUDITOR, 200)])
@pytest.mark.parametrize("path", ["log/", "log/file/"])
def test_the_log_is_for_the_auditor_and_the_administrator(client, auditor, role, status, path):
    client.force_login(MemberFactory(customer=auditor.customer, role=role).user)
    assert client.get(url(auditor, path)).status_code == status

    client.force_login(MemberFactory(role=Role.ADMINISTRATOR).user)
    assert client.get(url(auditor, path)).status_code == 404
    client.logout()
    assert client.get(url(auditor, path)).status_code == 302


def test_pages_follow_each_other_without_a_gap(client, auditor, worker, watch, monkeypatch):
    monkeypatch.setattr("subscriptions.views.ownlog.PER_PAGE", 3)
    done = [did(worker, row=watch).pk for _ in range(8)]
    client.force_login(auditor.user)

    seen, address = [], url(auditor)
    while address:
        page = client.get(address)
        seen += [entry.event.pk for entry, _ in page.context["entries"]]
        following = page.context["following"]
        address = f"{url(auditor)}?before={following}" if following else ""

    assert seen == done[::-1]


def test_a_page_costs_the_same_however_much_is_on_it(client, auditor, worker, watch, django_assert_max_num_queries):
    for _ in range(60):
        did(worker, row=watch)
    client.force_login(auditor.user)

    with django_assert_max_num_queries(9):
        client.get(url(auditor))


@pytest.mark.parametrize("case", ["", "EB 2026/42"])
def test_twenty_acts_by_as_many_people_on_as_many_watches_ask_as_often_as_two(client, auditor, stream, case):
    def done(times: int) -> None:
        for _ in range(times):
            one = WatchFactory(stream=stream, case_reference="EB 2026/42")
            who = MemberFactory(customer=auditor.customer)
            line = OrderLineFactory(order=OrderFactory(stream=stream), watch=one)
            for row in (one, line, line.order):
                did(who, row=row)
            did(who, Action.END, watches=[one.pk])

    def queries() -> int:
        address = client.post(url(auditor), {"case": case}).url
        with CaptureQueriesContext(connection) as sent:
            page = client.get(address)
        assert page.context["entries"]
        return len(sent)

    client.force_login(auditor.user)
    done(2)
    few = queries()
    done(18)

    assert queries() == few


def test_the_reference_stands_in_no_address(client, auditor, worker, watch):
    did(worker, row=watch)
    did(worker, row=WatchFactory(stream=watch.stream))
    client.force_login(auditor.user)

    answer = client.post(url(auditor), {"case": "EB 2026/42", "action": "read"})

    assert "2026" not in answer["Location"].split("case=")[1] and "action=read" in answer["Location"]
    page = client.get(answer["Location"])
    assert len(page.context["entries"]) == 1
    assert 'value="EB 2026/42"' in page.content.decode()


def test_a_number_is_refused_and_goes_nowhere(client, auditor, watch):
    client.force_login(auditor.user)

    page = client.post(url(auditor), {"case": watch.ordered_number})

    assert page.status_code == 200 and page.context["form"].errors["case"]


def test_no_page_or_file_holds_a_number_or_a_persons_key(client, auditor, worker, watch):
    did(worker, row=watch, person_id=watch.person_id, reason="portal watch list")
    client.force_login(auditor.user)

    for path in ("log/", "log/file/"):
        answer = client.get(url(auditor, path))
        text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        assert watch.ordered_number not in text and watch.person.first_number not in text


def test_an_auditor_gets_no_link_to_a_case_and_an_administrator_does(client, auditor, worker, watch):
    did(worker, row=watch)
    link = f'href="/watches/{watch.pk}/"'
    client.force_login(auditor.user)
    assert link not in client.get(url(auditor)).content.decode()

    client.force_login(MemberFactory(customer=auditor.customer, role=Role.ADMINISTRATOR).user)
    assert link in client.get(url(auditor)).content.decode()


def test_the_file_holds_what_the_page_does_and_no_formula(client, auditor, worker, watch):
    Watch.objects.filter(pk=watch.pk).update(case_reference="=1+1")
    did(worker, row=watch, reason="@SUM(A1)")
    did(worker, Action.FETCH, row=watch)
    client.force_login(auditor.user)

    answer = client.get(f"{url(auditor, 'log/file/')}?action=read")
    rows = list(csv.reader(StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")), delimiter=";"))

    assert len(rows) == 2
    assert rows[1][1] == "Karin Ek"
    assert (rows[1][4], rows[1][6]) == ("'=1+1", "'@SUM(A1)")
    assert AuditEvent.objects.for_customer(auditor.customer_id).first().object_type == "audit.auditevent"


# What people and systems do is written down for their organisation


def test_what_is_done_in_the_portal_reaches_the_log(client, auditor, watch):
    worker = MemberFactory(customer=auditor.customer, role=Role.INTEGRATION)
    delivery = delivered([said_of(watch)], stream=watch.stream)
    client.force_login(worker.user)

    client.post(f"/watches/{watch.pk}/number/")
    client.post("/watches/find/", {"number": watch.ordered_number, "reason": "ärende"})
    client.get(f"/deliveries/{delivery.pk}/")
    client.post(f"/deliveries/{delivery.pk}/file/")
    client.post(f"/deliveries/{delivery.pk}/acknowledge/")
    client.post("/watches/order/", {"kind": "cancel", "watch": watch.pk})

    done = [(one.event.action, one.event.object_type) for one in shown(auditor)]
    assert done[::-1] == [
        ("read", "subscriptions.watch"),
        ("search", "subscriptions.watch"),
        ("read", "deliveries.delivery"),
        ("fetch", "deliveries.delivery"),
        ("change", "deliveries.delivery"),
        ("order", "subscriptions.order"),
    ]
    assert {one.who for one in shown(auditor, first=date(2020, 1, 1))} == {worker.user.get_full_name()}


def test_whatever_the_portal_and_the_api_log_says_for_whom():
    silent = []
    for module, path in files().items():
        if re.match(r"(subscriptions|deliveries)\.(views|api)\b", module):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                logs = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "record"
                if logs and "customer_id" not in {one.arg for one in node.keywords}:
                    silent.append(f"{module}:{node.lineno}")

    assert silent == []
