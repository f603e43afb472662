"""Lists of any length: what they count, where they end, and how they go on; and how they write numbers."""

import re

import pytest
from django.db import connection

from lefi import paging
from lefi.audit.models import AuditEvent
from lefi.paging import BoundedPaginator
from subscriptions.admin.watches import WatchAdmin
from tests.factories import AuditEventFactory, CustomerFactory, DeliveryFactory, StreamFactory, WatchFactory

pytestmark = pytest.mark.django_db
WATCHES = "/admin/subscriptions/watch/"


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def test_a_short_list_is_counted():
    AuditEventFactory()

    pages = BoundedPaginator(AuditEvent.objects.order_by("id"), 50)

    assert (pages.count, pages.more, pages.about) == (1, False, None)


def test_a_long_list_is_counted_no_further_than_it_leads(monkeypatch):
    monkeypatch.setattr(paging, "MOST", 2)
    AuditEventFactory.create_batch(4)

    pages = BoundedPaginator(AuditEvent.objects.filter(action="read"), 1)

    assert (pages.count, pages.more, pages.num_pages, pages.about) == (2, True, 2, None)


@pytest.mark.services
def test_how_many_rows_a_large_table_has_is_estimated_unless_it_is_narrowed(monkeypatch):
    monkeypatch.setattr(paging, "MOST", 2)
    AuditEventFactory.create_batch(5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_auditevent")
    AuditEventFactory()

    assert BoundedPaginator(AuditEvent.objects.order_by("id"), 50).about == 5
    assert BoundedPaginator(AuditEvent.objects.filter(action="read"), 50).about is None


def test_a_long_list_goes_on_below_its_last_row(office, monkeypatch):
    monkeypatch.setattr(paging, "MOST", 2)
    monkeypatch.setattr(WatchAdmin, "list_per_page", 1)
    rows = [WatchFactory() for _ in range(3)]

    first = office.get(WATCHES, {"p": 2})
    older = first.context["cl"].older
    second = office.get(WATCHES + older)

    assert f'href="{older}"' in first.content.decode()
    assert [one.pk for one in second.context["cl"].result_list] == [rows[0].pk]
    assert second.context["cl"].older == ""


def test_a_short_list_says_how_many_rows_it_has_and_a_long_one_that_there_are_more(office, monkeypatch):
    WatchFactory.create_batch(3)
    assert office.get(WATCHES).context["cl"].count_words == "3"

    monkeypatch.setattr(paging, "MOST", 2)
    assert office.get(WATCHES).context["cl"].count_words == "fler än 2"


def test_a_narrowed_list_says_to_what_and_how_to_see_all(office):
    mine, other = WatchFactory(), WatchFactory()
    agreement = mine.stream.agreement
    beside = WatchFactory(stream=mine.stream)

    response = office.get(WATCHES, {"stream__agreement": agreement.pk})

    assert [one.pk for one in response.context["cl"].result_list] == [beside.pk, mine.pk]
    (narrowing,) = response.context["cl"].narrowings
    assert (narrowing.what, narrowing.value) == ("Avtal", str(agreement))
    assert {one.pk for one in office.get(WATCHES + narrowing.without).context["cl"].result_list} == {
        mine.pk,
        other.pk,
        beside.pk,
    }


@pytest.mark.parametrize("query", ["before=x", "stream=x", "before=99999999999999999999999"])
def test_an_address_that_makes_no_sense_shows_the_whole_list(office, query):
    WatchFactory()

    assert office.get(f"{WATCHES}?{query}", follow=True).context["cl"].result_count == 1


def test_a_list_is_sorted_only_by_what_it_offers(office):
    watches = [WatchFactory() for _ in range(2)]

    response = office.get(WATCHES, {"o": "1"})  # by the person's name, which no index has

    assert [one.pk for one in response.context["cl"].result_list] == [watches[1].pk, watches[0].pk]


def test_an_empty_list_says_so_and_a_search_without_result_leads_back(office):
    address = "/admin/subscriptions/agreement/"

    assert "Inget avtal än." in office.get(address).content.decode()
    assert "Visa alla" in office.get(address, {"q": "finns inte"}).content.decode()


def test_a_search_finds_by_every_word_also_what_stands_in_other_tables(office):
    stream = StreamFactory(
        agreement__code="SOC-7", agreement__customer=CustomerFactory(name="Ängelholm, socialnämnden")
    )
    StreamFactory(agreement__customer=CustomerFactory(name="Ängelholm, skolnämnden"))

    response = office.get("/admin/subscriptions/stream/", {"q": "ANGEL social soc-7"})

    assert [one.pk for one in response.context["cl"].result_list] == [stream.pk]


def cells_of(page: str, column: str) -> list[tuple[str, str]]:
    """The classes and the text of the cells of a column."""
    return re.findall(rf'class="([^"]*\bfield-{column}\b[^"]*)"[^>]*>(?:<a [^>]*>)?([^<]*)<', page)


def test_a_number_is_written_in_groups_to_the_right_and_one_that_names_something_as_it_is(office):
    DeliveryFactory(number=1234, persons=12345)

    page = office.get("/admin/deliveries/delivery/").content.decode()

    assert cells_of(page, "persons") == [("number field-persons", "12\N{NO-BREAK SPACE}345")]
    assert cells_of(page, "number") == [("field-number", "1234")]


def test_a_counted_column_is_one_of_numbers(office):
    CustomerFactory()

    page = office.get("/admin/subscriptions/customer/").content.decode()

    assert cells_of(page, "active_agreements") == [("number field-active_agreements", "0")]
    assert page.count('class="text number"') == 1


def test_a_row_s_short_tables_write_numbers_as_the_lists_do(office):
    delivery = DeliveryFactory(persons=12345)

    page = office.get(f"/admin/subscriptions/stream/{delivery.stream_id}/change/").content.decode()

    assert re.search(r'<td class="number"\s+data-label="[^"]+">12\N{NO-BREAK SPACE}345</td>', page)
