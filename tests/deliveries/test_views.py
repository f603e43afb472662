"""The portal's pages about deliveries: the lists, a delivery as a page, its file, its acknowledgement."""

import re
from datetime import date
from urllib.parse import unquote_plus

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benefits.models import PersonFacts, Protection
from deliveries import jws, pages, reading, rights, services, storage
from deliveries.models import Delivery, Fetch, GateAnswer, Receipt
from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Stream, Watch
from tests.documents import delivered, digest, said_of
from tests.factories import (
    AT,
    DeliveryFactory,
    DisclosureFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    ReservationFactory,
    StreamFactory,
    WatchFactory,
)

LIST = "/deliveries/"
SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer, channel=Stream.Channel.PORTAL)


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
    other = DeliveryFactory(stream__agreement__customer=member.customer, stream__channel=Stream.Channel.PORTAL)
    foreign = DeliveryFactory(stream__agreement__customer=stranger.customer)

    assert list(client.get(LIST, {"stream": stream.pk}).context["page"]) == [mine]
    assert set(client.get(LIST, {"stream": foreign.stream_id}).context["page"]) == {mine, other}


def test_lists_take_as_many_queries_for_many_rows_as_for_few(client, stream, django_assert_max_num_queries):
    for number in range(1, 61):
        DeliveryFactory(stream=stream, number=number)

    with django_assert_max_num_queries(8):
        page = client.get(LIST, {"page": 3}).context["page"]

    assert len(page) == 20


def test_a_delivery_is_read_in_words(client, watch):
    page = read(client, delivered([said_of(watch)], stream=watch.stream))

    number = watch.ordered_number
    assert f"{number[:8]}-{number[8:]}" in page and "Karin Testsson" in page
    assert f"Sjukpenning: beviljat 50{SPACE}%, 2026-10-01 – 2026-10-31, beslut 2026-10-05." in page
    assert f"1{SPACE}234,50{SPACE}kr" in page


def test_the_head_of_a_delivery_says_which_source_did_not_answer(client, watch):
    sources = client.get(url(delivered([said_of(watch)], stream=watch.stream))).context["head"].sources

    assert [(source.name, source.state) for source in sources] == [("FK", "OK"), ("PM", "OTILLGANGLIG")]


def test_an_empty_delivery_says_that_nothing_changed(client, stream):
    assert 'class="empty"' in read(client, delivered([], stream=stream))


def test_persons_come_by_pages_each_logged_when_shown(client, stream, member, django_assert_max_num_queries):
    watches = WatchFactory.create_batch(30, stream=stream)
    delivery = delivered([said_of(watch) for watch in watches], stream=stream)
    client.get(url(delivery))

    with django_assert_max_num_queries(33):
        shown = client.get(url(delivery), {"page": 2}).context

    assert (len(shown["persons"]), shown["page"].more, shown["pages"]) == (5, False, 2)
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


def test_a_receipt_from_the_portal_names_who_acknowledged_and_no_identity_number(client, watch, member):
    first, second = (
        delivered([said_of(watch)], stream=watch.stream, number=one, first_fetched_at=AT) for one in (1, 2)
    )
    client.post(url(first, "acknowledge"))
    get_user_model().objects.filter(pk=member.user_id).update(username="19900101-2385")
    client.post(url(second, "acknowledge"))

    receipts = Receipt.objects.filter(kind=Receipt.Kind.ACKNOWLEDGEMENT).order_by("number")
    said = [jws.payload_of(one.jws) for one in receipts]

    assert [(one["client"], one["user"]) for one in said] == [("", member.user.username), ("", "[masked]")]


@pytest.fixture
def systems(member):
    """A delivery to a system of the customer's, fetched by nobody, and the watch that it tells of."""
    watch = WatchFactory(stream=StreamFactory(served=True, agreement__customer=member.customer))
    assert watch.stream.channel == Stream.Channel.API
    return delivered([said_of(watch)], stream=watch.stream)


@pytest.mark.parametrize("rest", [(), ("manifest",), ("file",), ("find",), ("acknowledge",)])
def test_a_case_worker_neither_opens_nor_acknowledges_what_is_a_systems_to_fetch(client, systems, rest):
    Delivery.objects.filter(pk=systems.pk).update(acknowledged_at=None)
    method = client.post if rest and rest != ("manifest",) else client.get

    assert method(url(systems, *rest)).status_code == 404
    client.post("/deliveries/acknowledge/", {"delivery": [systems.pk]})

    systems.refresh_from_db()
    assert (systems.first_fetched_at, systems.acknowledged_at) == (None, None)
    assert not Fetch.objects.exists()
    assert not Receipt.objects.filter(kind=Receipt.Kind.ACKNOWLEDGEMENT).exists()


@pytest.mark.parametrize("role", Member.HANDLERS)
def test_who_looks_after_a_system_opens_its_deliveries_and_acknowledges_them(client, systems, member, role):
    Member.objects.filter(pk=member.pk).update(role=role)

    read(client, systems)
    client.post(url(systems, "acknowledge"))

    systems.refresh_from_db()
    assert None not in (systems.first_fetched_at, systems.acknowledged_at)


def test_a_case_worker_is_led_to_no_delivery_of_a_systems(client, systems, member):
    watch = systems.stream.watches.get()
    DisclosureFactory(delivery=systems, watch=watch, person=watch.person, sections={"person": digest(9)}, complete=True)
    services.fetch(delivery=systems, at=AT, client="abc")
    pages = [LIST, "/", f"/watches/{watch.pk}/told/"]

    shown = {page: client.get(page).content.decode() for page in pages}

    assert list(client.get(LIST).context["page"]) == []
    assert not [page for page, text in shown.items() if f'href="{url(systems)}"' in text or "?stream=" in text]
    assert "Nummer 1" in shown[pages[-1]]
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    assert f'href="{url(systems)}"' in client.get(pages[-1]).content.decode()
    assert f"?stream={systems.stream_id}" in client.get("/").content.decode()


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


@pytest.mark.parametrize(
    ("form", "media_type", "begins"),
    [
        ("xml", "application/xml", "<?xml"),
        ("json", "application/json", '{"schemaversion"'),
        ("csv", "text/csv; charset=utf-8", "\ufeffPersonnummer;"),
    ],
)
def test_the_file_comes_in_three_forms(client, watch, member, form, media_type, begins):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    delivery = delivered([said_of(watch)], stream=watch.stream)

    answer = client.post(url(delivery, "file"), {"form": form})

    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"].endswith(f'-00001.{form}"')
    assert b"".join(answer.streaming_content).decode().startswith(begins)
    assert AuditEvent.objects.get(action=Action.FETCH).details == {"form": form, "lines": 1}


def test_another_form_is_not_there(client, watch, member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)

    assert client.post(url(delivered([], stream=watch.stream), "file"), {"form": "pdf"}).status_code == 404


# Finding one's way


@pytest.fixture
def several(stream, member):
    """A delivery of three persons; the member ordered the first, and the second is in another case."""
    watches = [WatchFactory(stream=stream, case_reference=f"EB {n}") for n in range(3)]
    order = OrderFactory(stream=stream, ordered_by=member.user)
    OrderLineFactory(order=order, watch=watches[0], answer="ACCEPTED")
    Watch.objects.filter(pk=watches[0].pk).update(ordered_by=member.user)
    delivery = delivered([said_of(watch) for watch in watches], stream=stream)
    for watch in watches:
        DisclosureFactory(delivery=delivery, watch=watch, customer=member.customer, complete=True)
    return delivery, watches


def cases(client, address) -> list[list[str]]:
    return [list(person.cases) for person in client.get(address).context["persons"]]


def test_persons_are_jumped_to_by_case(client, several):
    page = read(client, several[0])

    assert cases(client, url(several[0])) == [["EB 0"], ["EB 1"], ["EB 2"]]
    for place in (1, 2, 3):
        assert f'href="#person-{place}"' in page and f'id="person-{place}"' in page


def test_a_member_reads_of_the_own_cases_alone_if_that_is_asked_for(client, several):
    assert cases(client, f"{url(several[0])}?by=me") == [["EB 0"]]
    assert AuditEvent.objects.filter(action=Action.READ).count() == 1


def test_a_case_is_found_by_an_address_without_its_reference(client, several):
    answer = client.post(url(several[0], "find"), {"q": "eb 1"})

    assert "EB 1" not in unquote_plus(answer.url).upper()
    assert cases(client, answer.url) == [["EB 1"]]
    assert client.post(url(several[0], "find"), {"q": "199001012385"}).url == url(several[0])
    assert cases(client, f"{url(several[0])}?sought=x") == [["EB 0"], ["EB 1"], ["EB 2"]]


def test_nobody_that_matches_is_said_with_a_way_back(client, several):
    answer = client.post(url(several[0], "find"), {"q": "finns inte"}, follow=True)

    assert answer.context["persons"] == []
    assert "Visa alla" in answer.content.decode()
    assert not AuditEvent.objects.filter(action=Action.READ).exists()


@pytest.mark.parametrize(("asked", "apart"), [("together", False), ("apart", True)])
def test_a_delivery_is_made_for_paper_each_person_on_its_own_if_wanted(client, several, asked, apart):
    page = read(client, several[0], print=asked)

    assert ("reading-paper--apart" in page) is apart
    assert page.count("<article") == 3
    assert AuditEvent.objects.filter(action=Action.READ).count() == 3


@pytest.mark.parametrize("remembered", [False, True])
def test_opening_a_delivery_takes_as_many_queries_for_very_many_watches_as_for_few(client, stream, remembered):
    """Also the first time on a day, when all are asked of: two thousand at a time."""
    counts = []
    for number, size in ((1, 3), (2, 300)):
        watches = WatchFactory.create_batch(size, stream=stream)
        delivery = delivered([said_of(watch) for watch in watches], stream=stream, number=number)
        for watch in watches:
            DisclosureFactory(delivery=delivery, watch=watch, sections={"sjukpenningarende": digest(9)})
        read(client, delivery)
        if not remembered:
            GateAnswer.objects.all().delete()
            cache.clear()
            client.get(LIST)  # what every page asks of once
        with CaptureQueriesContext(connection) as queries:
            read(client, delivery, page=1)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_page_that_was_opened_before_counts_no_disclosures_and_reads_no_document_whole(client, stream, monkeypatch):
    watches = WatchFactory.create_batch(30, stream=stream)
    delivery = delivered([said_of(watch) for watch in watches], stream=stream)
    read(client, delivery)
    for module, name in ((pages, "_counted"), (storage, "_hash_of"), (rights, "_refused_of"), (reading, "read")):
        monkeypatch.setattr(module, name, None)

    assert read(client, delivery, page=2).count("<article") == 5


def test_the_document_itself_is_hashed_each_time_it_is_handed_out(client, watch, monkeypatch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    read(client, delivery)
    monkeypatch.setattr(storage, "_hash_of", lambda path: "0" * 64)

    with pytest.raises(services.FetchRefused, match="DOCUMENT_DAMAGED"):
        services.fetch(delivery=delivery, at=AT)


def test_what_was_told_of_a_person_takes_as_many_queries_for_many_deliveries_as_for_few(client, stream):
    counts = []
    for size in (2, 9):
        watch = WatchFactory(stream=stream)
        for number in range(size):
            delivery = delivered(
                [said_of(watch, complete=False, name=str(number))],
                stream=stream,
                number=100 * size + number,
                first_fetched_at=AT,
            )
            DisclosureFactory(delivery=delivery, watch=watch, person=watch.person, sections={f"section-{number}": ""})
        client.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            told = client.get(f"/watches/{watch.pk}/told/").context["told"]
        assert (len(told.tellings), told.unread) == (size, [])
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_all_that_has_been_told_of_a_person_is_a_page_of_its_own_and_logged(client, watch, member):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    said = {"person": digest(9), "sjukpenningarende": digest(9)}
    DisclosureFactory(delivery=delivery, watch=watch, person=watch.person, sections=said, complete=True)
    read(client, delivery)

    page = client.get(f"/watches/{watch.pk}/told/")

    assert f"Sjukpenning: beviljat 50{SPACE}%" in page.content.decode()
    assert "Karin Testsson" in page.content.decode()
    event = AuditEvent.objects.filter(reason="portal person").get()
    assert (event.action, event.actor, event.person_id) == (Action.READ, member.user, watch.person_id)


def test_a_person_of_whom_nothing_was_told_has_an_empty_page_that_says_so(client, watch):
    page = client.get(f"/watches/{watch.pk}/told/").content.decode()

    assert "Inget har berättats ännu" in page


def test_a_watch_by_another_number_of_the_same_person_is_not_on_the_persons_page(client, watch):
    """That two numbers are one person's is for deliveries to tell."""
    WatchFactory(stream=watch.stream, person=watch.person, benefit="FK:FP", ordered_number="199001012385")

    (person,) = [client.get(f"/watches/{watch.pk}/told/").context["person"]]

    assert [one.watch for one in person.watches] == [watch.pk]


def test_a_strangers_person_is_not_there(client, watch, stranger):
    foreign = WatchFactory(stream__agreement__customer=stranger.customer, person=watch.person)

    assert client.get(f"/watches/{foreign.pk}/told/").status_code == 404
    assert not AuditEvent.objects.exists()


def test_several_are_acknowledged_at_once_in_order(client, stream):
    second, first = (DeliveryFactory(stream=stream, number=n, first_fetched_at=AT) for n in (2, 1))
    DeliveryFactory(stream=stream, number=3, first_fetched_at=AT)

    client.post(f"{LIST}acknowledge/", {"delivery": [second.pk, first.pk, "x", "9" * 30]})

    done = Delivery.objects.filter(acknowledged_at__isnull=False).order_by("acknowledged_at")
    assert [one.number for one in done] == [1, 2]


def test_the_first_that_cannot_be_acknowledged_stops_those_after_it_and_is_named(client, stream):
    chosen = [DeliveryFactory(stream=stream, number=n, first_fetched_at=AT if n != 2 else None) for n in (1, 2, 3)]

    answer = client.post(f"{LIST}acknowledge/", {"delivery": [one.pk for one in chosen]}, follow=True)

    said = [str(message) for message in answer.context["messages"]]
    assert said[0].startswith("Leverans 2 kvitterades inte.") and said[1] == "1 leverans är kvitterad."
    assert Delivery.objects.filter(acknowledged_at__isnull=False).count() == 1


def test_a_strangers_delivery_is_not_acknowledged_among_others(client, stream, stranger):
    foreign = DeliveryFactory(stream__agreement__customer=stranger.customer, first_fetched_at=AT)

    client.post(f"{LIST}acknowledge/", {"delivery": [foreign.pk]})

    assert not Delivery.objects.filter(acknowledged_at__isnull=False).exists()


def test_the_list_is_narrowed_by_day_and_by_unit_where_there_are_several(client, stream, member):
    old = DeliveryFactory(stream=stream, day=date(2026, 1, 1))
    assert "unit" not in client.get(LIST).context["form"].fields
    second = MemberFactory(user=member.user)
    other = DeliveryFactory(
        stream__agreement__customer=second.customer, stream__channel=Stream.Channel.PORTAL, day=date(2026, 6, 1)
    )

    assert list(client.get(LIST, {"unit": member.customer.pk}).context["page"]) == [old]
    assert list(client.get(LIST, {"since": "2026-03-01"}).context["page"]) == [other]


@pytest.mark.parametrize(
    ("rest", "method"), [((), "get"), (("file",), "post"), (("find",), "post"), (("acknowledge",), "post")]
)
def test_a_strangers_delivery_is_not_there(client, stranger, rest, method):
    delivery = DeliveryFactory(stream__agreement__customer=stranger.customer)

    assert getattr(client, method)(url(delivery, *rest)).status_code == 404
    assert not Fetch.objects.exists()


@pytest.mark.parametrize("rest", ["file/", "acknowledge/"])
def test_what_changes_something_is_not_done_by_an_address_alone(client, stream, rest):
    assert client.get(f"{url(DeliveryFactory(stream=stream))}{rest}").status_code == 405


@pytest.mark.parametrize("address", [LIST, "/deliveries/1/"])
def test_who_is_not_logged_in_is_led_to_the_login(client, db, address):
    client.logout()

    answer = client.get(address)

    assert answer.status_code == 302 and answer.url.startswith("/accounts/login/")
