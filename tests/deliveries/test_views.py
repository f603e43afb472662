"""The portal's pages about deliveries: the lists, a delivery as a page, its file, its acknowledgement."""

import re

import pytest

from benefits.models import PersonFacts, Protection
from deliveries.changes import Known
from deliveries.models import Fetch
from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Watch
from tests.documents import SICKNESS_CASE, delivered, digest, said_of
from tests.factories import (
    AT,
    DeliveryFactory,
    DisclosureFactory,
    ReservationFactory,
    StreamFactory,
    WatchFactory,
)

LIST = "/deliveries/"


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer)


@pytest.fixture
def watch(stream):
    return WatchFactory(stream=stream)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def url(delivery, *rest: str) -> str:
    return "/".join([f"/deliveries/{delivery.pk}", *rest, ""])


def read(client, delivery, **query) -> str:
    answer = client.get(url(delivery), query)
    assert answer.status_code == 200
    return re.sub("[ \n]+", " ", answer.content.decode())


def test_the_start_page_counts_what_is_new_and_what_is_watched(client, stream, watch, stranger):
    delivered([said_of(watch)], stream=stream)
    DeliveryFactory(stream=stream, number=2, first_fetched_at=AT)
    DeliveryFactory(stream=stream, number=3, recalled_at=AT)
    WatchFactory(stream__agreement__customer=stranger.customer)

    context = client.get("/").context

    assert (context["new_count"], context["watch_count"]) == (1, 1)
    assert [one.number for one in context["new"]] == [1]


def test_a_user_without_a_customer_is_told_what_to_do(client, member):
    member.delete()

    assert 'class="empty"' in client.get("/").content.decode()


def test_a_member_sees_the_deliveries_of_the_own_customer_alone(client, stream, stranger):
    mine = DeliveryFactory(stream=stream)
    DeliveryFactory(stream__agreement__customer=stranger.customer)

    assert list(client.get(LIST).context["page"]) == [mine]


@pytest.mark.parametrize(("state", "number"), [("new", 1), ("fetched", 2), ("acknowledged", 3), ("recalled", 4)])
def test_the_list_says_and_is_narrowed_by_how_far_a_delivery_has_come(client, stream, state, number):
    DeliveryFactory(stream=stream, number=1)
    DeliveryFactory(stream=stream, number=2, first_fetched_at=AT)
    DeliveryFactory(stream=stream, number=3, first_fetched_at=AT, acknowledged_at=AT)
    DeliveryFactory(stream=stream, number=4, recalled_at=AT)

    rows = client.get(LIST, {"state": state}).context["rows"]

    assert [(delivery.number, shown) for delivery, shown in rows] == [(number, state)]


def test_the_list_is_narrowed_to_a_stream_of_the_own_customer(client, stream, member, stranger):
    mine = DeliveryFactory(stream=stream)
    other = DeliveryFactory(stream__agreement__customer=member.customer)
    foreign = DeliveryFactory(stream__agreement__customer=stranger.customer)

    assert list(client.get(LIST, {"stream": stream.pk}).context["page"]) == [mine]
    assert set(client.get(LIST, {"stream": foreign.stream_id}).context["page"]) == {mine, other}


def test_lists_take_as_many_queries_for_many_rows_as_for_few(client, stream, django_assert_max_num_queries):
    for number in range(1, 61):
        DeliveryFactory(stream=stream, number=number)

    with django_assert_max_num_queries(6):
        page = client.get(LIST, {"page": 2}).context["page"]
    with django_assert_max_num_queries(7):
        client.get("/")

    assert len(page) == 10


def test_a_delivery_is_read_in_words(client, watch):
    page = read(client, delivered([said_of(watch)], stream=watch.stream))

    number = watch.ordered_number
    assert f"{number[:8]}-{number[8:]} – Karin Testsson" in page
    for words in ("Startades", "2026-09-28", "2026-10-01 – 2026-10-31", "50\N{NO-BREAK SPACE}%", "Beviljat"):
        assert words in page
    assert "1\N{NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}kr" in page


def test_the_head_of_a_delivery_says_which_source_did_not_answer(client, watch):
    sources = client.get(url(delivered([said_of(watch)], stream=watch.stream))).context["head"].sources

    assert [(source.name, source.state) for source in sources] == [("FK", "OK"), ("PM", "OTILLGANGLIG")]


def test_what_is_new_and_what_is_gone_is_said_in_words(client, watch):
    told = [Known(digest(1)), Known(digest(8)), Known(digest(9))]
    cases = [SICKNESS_CASE, {"startades": "2026-11-01"}]

    delivery = delivered([said_of(watch, complete=False, items=cases, told=told)], stream=watch.stream)
    (person,) = client.get(url(delivery)).context["page"].persons

    block = person.blocks[-1]
    assert [item.change for item in block.items] == ["", "ny"]
    assert (block.new, block.changed, block.removed) == (1, 0, 2)
    assert not person.complete


def test_complete_information_is_not_told_as_news(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)

    (person,) = client.get(url(delivery)).context["page"].persons

    assert person.complete
    assert [item.change for item in person.blocks[-1].items] == [""]


def test_a_section_with_nothing_left_says_so(client, watch):
    told = [Known(digest(1))]
    delivery = delivered([said_of(watch, complete=False, items=[], told=told)], stream=watch.stream)

    block = client.get(url(delivery)).context["page"].persons[0].blocks[-1]

    assert (block.items, block.removed) == ([], 1)


def test_a_watch_that_ended_is_told_with_its_coarse_reason(client, watch):
    entry = said_of(watch, complete=False, status="3", reason="AVBESTALLD")
    delivery = delivered([entry], stream=watch.stream)

    (status,) = client.get(url(delivery)).context["page"].persons[0].statuses

    assert (status.benefit, status.reason) == ("Sjukpenning", Watch.EndReason.CANCELLED.label)


def test_who_a_person_is_stands_once_however_many_watches_there_are(client, watch):
    both = said_of(watch)
    both.blocks += said_of(watch).blocks
    delivery = delivered([both], stream=watch.stream)

    (person,) = client.get(url(delivery)).context["page"].persons

    assert [block.title for block in person.blocks] == ["Person", "Sjukpenning", "Sjukpenning"]


def test_an_empty_delivery_says_that_nothing_changed(client, stream):
    assert 'class="empty"' in read(client, delivered([], stream=stream))


def test_persons_come_by_pages_each_logged_when_shown(client, stream, member, django_assert_max_num_queries):
    watches = WatchFactory.create_batch(30, stream=stream)
    delivery = delivered([said_of(watch) for watch in watches], stream=stream)
    client.get(url(delivery))

    with django_assert_max_num_queries(25):
        page = client.get(url(delivery), {"page": 2}).context["page"]

    assert (len(page.persons), page.more) == (5, False)
    events = AuditEvent.objects.filter(action=Action.READ, actor=member.user, reason="portal delivery")
    assert [event.person_id for event in events.order_by("pk")] == [watch.person_id for watch in watches]
    assert {event.object_id for event in events} == {str(delivery.pk)}


@pytest.mark.parametrize("page", ["0", "-1", "x", "99"])
def test_a_page_that_is_not_there_is_no_fault(client, watch, page):
    delivery = delivered([said_of(watch)], stream=watch.stream)

    assert client.get(url(delivery), {"page": page}).status_code == 200


def test_to_open_a_delivery_is_to_fetch_it(client, watch, member):
    delivery = delivered([said_of(watch)], stream=watch.stream)

    read(client, delivery)

    delivery.refresh_from_db()
    assert delivery.first_fetched_at is not None
    assert Fetch.objects.get().user == member.user


def test_a_refusal_is_a_sentence_and_leads_on(client, watch):
    first = delivered([said_of(watch)], stream=watch.stream, number=1)
    second = delivered([], stream=watch.stream, number=2)

    answer = client.get(url(second))

    assert answer.status_code == 409
    assert "OUT_OF_SEQUENCE" in answer.content.decode()
    assert f'href="{url(first)}"' in answer.content.decode()


def test_what_is_not_handed_out_again_is_said_without_why(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    DisclosureFactory(delivery=delivery, watch=watch, sections={"sjukpenningarende": "0" * 64})
    read(client, delivery)
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)

    answer = client.get(url(delivery))

    assert answer.status_code == 409
    assert "RELEASE_NEEDED" in answer.content.decode()
    assert "PROTECTED" not in answer.content.decode() and "Karin" not in answer.content.decode()


def test_a_reservation_to_acknowledge_is_said_with_the_way_to_it(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    ReservationFactory(agreement=watch.stream.agreement)

    answer = client.get(url(delivery))

    assert answer.status_code == 409
    assert 'href="/reservations/"' in answer.content.decode()


def test_a_recalled_delivery_shows_none_of_its_persons(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream, recalled_at=AT)

    answer = client.get(url(delivery))

    assert answer.status_code == 409
    assert "Karin" not in answer.content.decode()
    assert not AuditEvent.objects.exists()


def test_an_opened_delivery_is_acknowledged(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    read(client, delivery)

    answer = client.post(url(delivery, "acknowledge"), follow=True)

    delivery.refresh_from_db()
    assert delivery.acknowledged_at is not None
    assert answer.redirect_chain == [(url(delivery), 302)]
    assert AuditEvent.objects.filter(action=Action.CHANGE, object_id=str(delivery.pk)).count() == 1


def test_a_delivery_that_nobody_opened_is_not_acknowledged(client, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)

    answer = client.post(url(delivery, "acknowledge"))

    assert answer.status_code == 409
    assert "NOT_FETCHED" in answer.content.decode()


def test_the_file_is_for_the_role_integration_alone(client, watch, member):
    delivery = delivered([said_of(watch)], stream=watch.stream)

    assert client.post(url(delivery, "file")).status_code == 403
    assert not Fetch.objects.exists()
    assert "/file/" not in read(client, delivery)

    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    answer = client.post(url(delivery, "file"))

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert watch.ordered_number not in answer["Content-Disposition"]
    assert b"".join(answer.streaming_content).startswith(b"<?xml")
    assert AuditEvent.objects.filter(action=Action.FETCH, actor=member.user).count() == 1


def test_the_gate_is_asked_for_the_file_too(client, watch, member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    delivery = delivered([said_of(watch)], stream=watch.stream, recalled_at=AT)

    assert client.post(url(delivery, "file")).status_code == 409


@pytest.mark.parametrize(("rest", "method"), [((), "get"), (("file",), "post"), (("acknowledge",), "post")])
def test_a_strangers_delivery_is_not_there(client, stranger, rest, method):
    delivery = DeliveryFactory(stream__agreement__customer=stranger.customer)

    assert getattr(client, method)(url(delivery, *rest)).status_code == 404
    assert not Fetch.objects.exists()


@pytest.mark.parametrize("rest", ["file/", "acknowledge/"])
def test_what_changes_something_is_not_done_by_an_address_alone(client, stream, rest):
    assert client.get(f"{url(DeliveryFactory(stream=stream))}{rest}").status_code == 405


@pytest.mark.parametrize("address", ["/", LIST, "/deliveries/1/"])
def test_who_is_not_logged_in_is_led_to_the_login(client, db, address):
    client.logout()

    answer = client.get(address)

    assert answer.status_code == 302 and answer.url.startswith("/accounts/login/")
