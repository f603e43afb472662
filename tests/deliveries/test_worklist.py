"""The start page: what waits for whom, in which order, and what is new since last time."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from deliveries.models import ClosingProposal
from subscriptions.models import Agreement, Desk, Member, Order, Stream, Watch
from tests.factories import (
    AgreementFactory,
    ClosingProposalFactory,
    DeliveryFactory,
    NoticeFactory,
    OrderFactory,
    ReservationFactory,
    StreamFactory,
    WatchFactory,
)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def stream(member):
    return StreamFactory(agreement__customer=member.customer, channel=Stream.Channel.PORTAL)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def tasks(client) -> list[tuple[str, str]]:
    client.post("/i18n/setlang/", {"language": "en"})
    return [(task.text, task.url) for task, _late, _near in client.get("/").context["tasks"]]


def news(client) -> list[tuple[str, str]]:
    client.post("/i18n/setlang/", {"language": "en"})
    return [(one.text, one.url) for one in client.get("/").context["news"]]


def become(member, role) -> None:
    Member.objects.filter(pk=member.pk).update(role=role)


def test_a_user_without_a_customer_is_told_what_to_do(client, member):
    member.delete()

    assert 'class="empty"' in client.get("/").content.decode()
    assert not Desk.objects.exists()


def test_who_has_done_all_is_told_so_and_when_the_next_night_is(client, stream):
    page = client.get("/")

    assert page.context["tasks"] == []
    assert page.context["night"].starts > timezone.now()
    assert "Allt är gjort." in page.content.decode()


def test_deliveries_are_to_be_read_from_the_oldest_and_by_a_day(client, stream, now):
    first = DeliveryFactory(stream=stream, number=1, released_at=now - timedelta(days=2))
    DeliveryFactory(stream=stream, number=2, released_at=now)
    DeliveryFactory(stream=stream, number=3, released_at=now, recalled_at=now)

    assert tasks(client) == [("Read 2 deliveries, in order", f"/deliveries/{first.pk}/")]
    task, late, near = client.get("/").context["tasks"][0]
    assert task.due == timezone.localdate(now) + timedelta(days=3)
    assert (late, near) == (False, True)


def test_a_systems_deliveries_wait_for_those_who_look_after_it(client, member, now):
    stream = StreamFactory(agreement__customer=member.customer, channel=Stream.Channel.API)
    DeliveryFactory(stream=stream, number=1, released_at=now)
    assert tasks(client) == []

    become(member, Member.Role.INTEGRATION)

    assert [text for text, _ in tasks(client)] == ["Read a delivery"]


def test_what_has_been_read_is_to_be_acknowledged(client, stream, now):
    DeliveryFactory(stream=stream, number=1, first_fetched_at=now)
    DeliveryFactory(stream=stream, number=2, first_fetched_at=now, acknowledged_at=now)

    assert tasks(client) == [("Acknowledge a delivery", f"/deliveries/?stream={stream.pk}&state=fetched")]


def test_what_holds_everything_up_comes_first_and_then_the_nearest_day(client, member, stream, now):
    become(member, Member.Role.ADMINISTRATOR)
    ClosingProposalFactory(watch=WatchFactory(stream=stream), reason=ClosingProposal.Reason.DORMANT)
    DeliveryFactory(stream=stream, number=1, released_at=now)
    WatchFactory(stream=stream, reconfirm_by=timezone.localdate(now) - timedelta(days=1))
    OrderFactory(stream=stream, status=Order.Status.PREVIEWED, received_at=now, channel=Order.Channel.PORTAL)
    AgreementFactory(customer=member.customer, status=Agreement.Status.SENT)
    ReservationFactory(agreement=stream.agreement)

    assert [text.split()[0:3] for text, _ in tasks(client)] == [
        ["Acknowledge", "a", "reservation"],
        ["Confirm", "that", "a"],
        ["Read", "a", "delivery"],
        ["Confirm", "an", "order,"],
        ["Read", "and", "sign"],
        ["Look", "at", "a"],
    ]
    urgent = [(task.urgent, late) for task, late, _ in client.get("/").context["tasks"]]
    assert urgent[:2] == [(True, False), (False, True)]


def test_an_agreement_is_signed_by_administrators_alone(client, member):
    agreement = AgreementFactory(customer=member.customer, status=Agreement.Status.SENT)
    assert tasks(client) == []

    become(member, Member.Role.ADMINISTRATOR)

    assert [url for _, url in tasks(client)] == [f"/agreements/{agreement.pk}/"]


def test_lines_with_faults_wait_for_who_ordered_them_and_for_who_handles_the_units_files(client, member, stream, now):
    faulty = {"status": Order.Status.DONE, "done_at": now, "counts": {"ACCEPTED": 3, "NUMBER_INVALID": 2}}
    mine = OrderFactory(stream=stream, ordered_by=member.user, channel=Order.Channel.PORTAL, **faulty)
    OrderFactory(stream=stream, channel=Order.Channel.FILE, **faulty)
    OrderFactory(stream=stream, channel=Order.Channel.API, **faulty)
    assert tasks(client) == [("Look at 2 lines with faults", f"/orders/{mine.pk}/#lines")]

    become(member, Member.Role.INTEGRATION)

    assert tasks(client) == [("Look at 4 lines with faults", "/orders/?faults=on")]


def test_what_is_mended_settled_old_or_no_fault_does_not_wait(client, member, stream, now):
    said = {"stream": stream, "ordered_by": member.user, "status": Order.Status.DONE, "done_at": now}
    one = {"NUMBER_INVALID": 1}
    by_line = OrderFactory(**said, counts=one)
    OrderFactory(stream=stream, mends=by_line, mends_line=1)
    whole = OrderFactory(**said, counts={"NUMBER_INVALID": 5})
    OrderFactory(stream=stream, mends=whole, status=Order.Status.DONE)
    OrderFactory(**said, counts=one, settled_at=now)
    OrderFactory(**said | {"done_at": now - timedelta(days=31)}, counts=one)
    OrderFactory(**said, counts={"ALREADY_WATCHED": 4, "DUPLICATE_IN_ORDER": 1, "ACCEPTED": 2})

    assert tasks(client) == []


def test_what_came_since_the_visit_before_is_new(client, member, stream, now):
    Desk.objects.create(user=member.user, here_at=now - timedelta(hours=1), before_at=now - timedelta(days=3))
    old, new = now - timedelta(hours=2), now - timedelta(minutes=30)
    DeliveryFactory(stream=stream, number=1, released_at=old, first_fetched_at=now, acknowledged_at=now)
    delivery = DeliveryFactory(stream=stream, number=2, released_at=new, persons=9)
    done = {"stream": stream, "status": Order.Status.DONE, "done_at": new}
    order = OrderFactory(**done, ordered_by=member.user, counts={"ACCEPTED": 1, "NOT_WATCHED": 2})
    OrderFactory(**done, counts={"ACCEPTED": 1})
    WatchFactory(stream=stream, ended_at=new, end_reason=Watch.EndReason.NO_LONGER, ended_as_of=1)
    WatchFactory(stream=stream, ended_at=old, end_reason=Watch.EndReason.NO_LONGER, ended_as_of=1)

    assert client.get("/").context["since"] == now - timedelta(hours=1)
    said = news(client)
    assert said[0][0].startswith("A delivery has come: ") and said[0][0].endswith("about 9 persons")
    assert said == [
        (said[0][0], f"/deliveries/{delivery.pk}/"),
        (f"Your order {order.pk} is answered: 1 line carried out, 2 without effect", f"/orders/{order.pk}/"),
        ("One more order has been answered", "/orders/"),
        ("A watch has ended", "/watches/?state=ended&order=-ended"),
    ]


def test_nothing_of_others_waits_or_is_new(client, stream, stranger, now):
    theirs = StreamFactory(agreement__customer=stranger.customer, channel=Stream.Channel.PORTAL)
    DeliveryFactory(stream=theirs, released_at=now)
    WatchFactory(stream=theirs, reconfirm_by=date(2020, 1, 1))
    WatchFactory(stream=theirs, ended_at=now, end_reason=Watch.EndReason.NO_LONGER, ended_as_of=1)
    OrderFactory(stream=theirs, status=Order.Status.DONE, done_at=now, counts={"NUMBER_INVALID": 1})
    ReservationFactory(agreement=theirs.agreement)
    NoticeFactory(customer=stranger.customer)

    page = client.get("/")

    assert (page.context["tasks"], page.context["news"], page.context["notices"]) == ([], [], [])


def test_messages_are_marked_as_read(client, member, stream):
    NoticeFactory(customer=member.customer)
    assert client.get("/").context["unread"] == 1

    assert client.post("/notices/read/").url == "/notices/"

    assert client.get("/").context["unread"] == 0
    assert not client.get("/notices/").context["notices"][0].unread


def test_the_start_page_asks_as_much_of_the_database_however_much_there_is(
    client, member, stream, now, django_assert_max_num_queries
):
    for number in range(1, 6):
        other = StreamFactory(agreement__customer=member.customer, channel=Stream.Channel.PORTAL)
        DeliveryFactory(stream=other, number=number, released_at=now)
        OrderFactory(stream=other, ordered_by=member.user, status=Order.Status.DONE, done_at=now, counts={"X": 1})
        NoticeFactory(customer=member.customer)

    with django_assert_max_num_queries(42):
        client.get("/")
