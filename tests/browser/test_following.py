"""Ordering, mending and following watches as a case worker does, by keyboard too, in Chromium at two widths."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from subscriptions.models import Order, Watch
from subscriptions.orders.lines import NEW, Line
from subscriptions.orders.placing import place_order
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.factories import MemberFactory, OrderFactory, OrderLineFactory, StreamFactory, WatchFactory, identity_number

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
GOOD, OTHER, WRONG = identity_number(901), identity_number(902), "195001010000"


@pytest.fixture
def member(transactional_db):
    return MemberFactory()


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer, channel="portal")


@pytest.fixture
def watches(stream, member):
    """One that the member ordered, and a colleague's."""
    mine = WatchFactory(stream=stream, case_reference="EB 1", ordered_by=member.user)
    other = WatchFactory(stream=stream, case_reference="EB 2")
    OrderLineFactory(order=OrderFactory(stream=stream, ordered_by=member.user), watch=mine, answer="ACCEPTED")
    return mine, other


def press(page, selector: str, key: str = "Enter") -> None:
    """Put the focus somewhere and press a key there."""
    page.locator(selector).first.focus()
    page.keyboard.press(key)


def test_an_order_is_previewed_and_confirmed_by_keyboard_alone(page, member, stream):
    log_in(page, member.user)
    press(page, "main a[href='/orders/new/']")
    page.wait_for_url("**/orders/new/")

    page.locator("[name=number]").focus()
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/*/")
    assert not Watch.objects.exists()
    press(page, "main button[value=confirm]")
    page.wait_for_selector(".message-box--success-short")

    assert Watch.objects.get().ordered_number == GOOD


def test_a_faulty_line_is_put_right_in_its_place(page, member, stream):
    lines = [Line(NEW, number, "sjukpenning", timezone.localdate()) for number in (GOOD, WRONG)]
    order = place_order(
        stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=timezone.now(), ordered_by=member.user
    )
    log_in(page, member.user)
    page.click(f"main .task a[href='/orders/{order.pk}/#lines']")
    page.click("a[href*='/mend/']")
    page.wait_for_url("**/mend/#line-2")
    assert page.input_value("[name=number]") == WRONG
    assert wider_than_the_screen(page) <= 0

    page.click("#mend button[type=submit]")
    assert page.get_attribute("[name=number]", "aria-invalid") == "true"
    page.fill("[name=number]", OTHER)
    page.click("#mend button[type=submit]")
    page.wait_for_url(f"**/orders/{order.pk}/#lines")

    assert Watch.objects.filter(ordered_number=OTHER).exists()
    expect(page.locator("#line-2")).to_contain_text("Rättad som beställning")


def test_the_own_cases_come_first_and_the_whole_units_by_one_click(page, member, watches):
    log_in(page, member.user, to="/watches/")
    rows = page.locator("table.watches tbody tr")
    expect(rows).to_have_count(1)

    page.click("main a[href='/watches/?by=']")
    page.wait_for_url("**/watches/?by=")

    expect(rows).to_have_count(2)
    assert wider_than_the_screen(page) <= 0


def test_a_case_is_ended_by_one_click_and_the_end_undone_by_another(page, member, watches):
    log_in(page, member.user, to="/watches/cases/")
    expect(page.locator("main tbody tr")).to_have_count(1)

    page.click("main td form button")
    page.wait_for_selector("form.undo")
    assert list(Watch.objects.open()) == [watches[1]]
    page.click("form.undo button")
    page.wait_for_selector("form.undo", state="detached")

    assert Watch.objects.open().count() == 2
    assert wider_than_the_screen(page) <= 0


def test_a_page_of_watches_is_short_enough_to_go_through_on_a_telephone(page, member, stream):
    WatchFactory.create_batch(60, stream=stream, case_reference="EB 2026/0042")
    log_in(page, member.user, to="/watches/")

    expect(page.locator("table.watches tbody tr")).to_have_count(20)
    assert page.evaluate("document.documentElement.scrollHeight") < 5000
    page.click("a[href*='all=1']")
    expect(page.locator("[name=watch]:checked")).to_have_count(20)


def test_pages_to_follow_watches_by_fit_their_screen(page, member, watches):
    log_in(page, member.user)

    for url in ("/", "/notices/", "/watches/", "/watches/cases/", "/orders/", f"/watches/{watches[0].pk}/case/"):
        page.goto(url)
        assert wider_than_the_screen(page) <= 0, url
