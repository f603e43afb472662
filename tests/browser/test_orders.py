"""Ordering in the portal as a case worker and an integration meet it, in Chromium at two widths."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Order, Pending, Watch
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.factories import (
    LegalBasisFactory,
    MemberFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GOOD, OTHER, WRONG = identity_number(901), identity_number(902), "195001010000"
CONFIRM = "main button[value=confirm]"


@pytest.fixture
def member(transactional_db):
    return MemberFactory(role=Member.Role.INTEGRATION, customer__name="Socialnämnden")


@pytest.fixture
def stream(member):
    """One whose basis asks for a case, and covers two benefits."""
    basis = LegalBasisFactory(code="TEST-ÄRENDE", needs=["case_reference"])
    scope = ScopeFactory(basis=basis, agreement__customer=member.customer, benefits=["FK:SJP", "FK:BOB"])
    return StreamFactory(agreement=scope.agreement, purpose=scope.purpose)


@pytest.fixture
def plain(member):
    """A stream whose basis asks for nothing."""
    return StreamFactory(served=True, agreement__customer=member.customer)


@pytest.fixture
def unscripted(browser, live_server):
    """A page of a visitor whose browser runs no scripts."""
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", java_script_enabled=False)
    yield context.new_page()
    context.close()


def file_of(*numbers: str) -> dict[str, object]:
    rows = [f"{number};sjukpenning;{timezone.localdate()}" for number in numbers]
    text = "\r\n".join(["personnummer;formaner;from", *rows])
    return {"name": "vecka 48.csv", "mimeType": "text/csv", "buffer": text.encode()}


def send_file(page, *numbers: str) -> None:
    page.goto("/orders/file/")
    page.set_input_files("[name=file]", file_of(*numbers))
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")


def order_one(page) -> None:
    """Order about one person with what is wrong at first, mend it, look at the preview and confirm."""
    page.goto("/orders/new/")
    page.check("[name=kind][value=nybestallningBevakning]")
    page.fill("[name=number]", WRONG)
    page.check("[name=benefits][value='FK:SJP']")
    page.check("[name=benefits][value='FK:BOB']")
    page.fill("[name=case_reference]", "EB 2026/0042")
    page.click("main button[type=submit]")
    assert page.get_attribute("[name=number]", "aria-invalid") == "true"
    assert page.input_value("[name=case_reference]") == "EB 2026/0042"
    assert page.is_checked("[name=benefits][value='FK:BOB']")

    page.fill("[name=number]", GOOD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")
    expect(page.locator("#lines ~ table tbody tr")).to_have_count(2)
    assert not Watch.objects.exists()

    page.click(CONFIRM)
    page.wait_for_selector(".message-box--success-short")
    assert set(Watch.objects.values_list("case_reference", flat=True)) == {"EB 2026/0042"}


def test_a_case_worker_orders_about_one_person(page, member, stream):
    visited: list[str] = []
    page.on("request", lambda asked: visited.append(asked.url))
    log_in(page, member.user)

    order_one(page)

    assert Watch.objects.count() == 2
    assert not [url for url in visited if GOOD in url or WRONG in url]


def test_a_case_worker_orders_without_scripts(unscripted, member, stream):
    log_in(unscripted, member.user)

    order_one(unscripted)
    unscripted.click("form[action*='/number/'] button >> nth=0")

    assert f"{GOOD[:8]}-{GOOD[8:]}" in unscripted.inner_text("main")


def test_what_only_a_new_watch_needs_is_hidden_from_other_orders(page, member, stream):
    log_in(page, member.user, to="/orders/new/")

    assert page.is_visible("[name=from_date]")
    page.check("[name=kind][value=avbestallningBevakning]")
    assert not page.is_visible("[name=from_date]") and not page.is_visible("[name=case_reference]")


def test_a_preview_is_changed(page, member, plain):
    log_in(page, member.user, to="/orders/new/")
    page.fill("[name=number]", GOOD)
    page.click("main button[type=submit]")

    page.click("form[action$='/change/'] button")

    assert page.input_value("[name=number]") == GOOD
    page.fill("[name=number]", OTHER)
    page.click("main button[type=submit]")
    page.click(CONFIRM)
    assert Watch.objects.get().ordered_number == OTHER


def test_a_file_with_faults_is_previewed_confirmed_and_its_answers_looked_through(page, member, plain):
    log_in(page, member.user)
    send_file(page, GOOD, WRONG, OTHER)
    lines = page.locator("#lines ~ table tbody tr")
    expect(lines).to_have_count(1)
    assert not Watch.objects.exists()

    page.click(CONFIRM)
    page.wait_for_selector(".message-box--success-short")
    assert Watch.objects.count() == 2
    page.click("a[href='?answer=ACCEPTED#lines']")
    expect(lines).to_have_count(2)
    lines.first.locator("form[action*='/number/'] button").click()
    expect(lines.first).to_contain_text(f"{GOOD[:8]}-{GOOD[8:]}")
    with page.expect_download() as download:
        page.click("form[action$='/result/'] button[value=csv]")

    assert download.value.suggested_filename.endswith(".csv")
    assert set(AuditEvent.objects.filter(actor=member.user).values_list("action", flat=True)) >= {
        Action.READ,
        Action.FETCH,
    }


def test_a_file_that_cannot_be_read_is_refused_beside_its_field(page, member, plain):
    log_in(page, member.user, to="/orders/file/")
    page.set_input_files("[name=file]", {"name": "a.xml", "mimeType": "text/xml", "buffer": b"<bestallning>"})

    page.click("main button[type=submit]")

    assert page.get_attribute("[name=file]", "aria-invalid") == "true"
    assert wider_than_the_screen(page) <= 0
    assert not Order.objects.exists()


def test_a_preview_is_thrown_away(page, member, plain):
    log_in(page, member.user)
    send_file(page, GOOD)

    page.click("main button[value=throw-away]")
    page.wait_for_selector(".message-box--info-short")

    assert Order.objects.get().status == Order.Status.THROWN_AWAY
    expect(page.locator("main button[name=step]")).to_have_count(0)


def test_an_order_in_hand_shows_how_far_it_has_come_until_it_is_done(page, member, plain):
    log_in(page, member.user)
    order = Order.objects.create(
        stream=plain,
        channel=Order.Channel.FILE,
        form=Order.Form.CSV,
        received_at=timezone.now(),
        status=Order.Status.WORKING,
        line_count=1000,
        lines_done=250,
    )
    page.goto(f"/orders/{order.pk}/")
    assert page.get_attribute("progress", "value") == "25"

    Order.objects.filter(pk=order.pk).update(lines_done=500)
    expect(page.locator("progress")).to_have_attribute("value", "50", timeout=10_000)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.DONE, lines_done=1000, done_at=timezone.now())
    expect(page.locator("progress")).to_have_count(0, timeout=10_000)
    expect(page.locator("h1 .badge--success")).to_have_count(1)


def test_watches_are_ended_from_the_list(page, member, plain):
    watches = WatchFactory.create_batch(3, stream=plain)
    log_in(page, member.user, to="/watches/")

    page.check(f"[name=watch][value='{watches[0].pk}']")
    page.check(f"[name=watch][value='{watches[1].pk}']")
    page.click("button[form=chosen][value=cancel], #chosen button[value=cancel]")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")

    assert list(Watch.objects.open()) == watches[2:]
    page.click("#lines ~ table tbody tr >> nth=0 >> a")
    page.wait_for_url("**/watches/*/")
    assert wider_than_the_screen(page) <= 0


def test_everything_about_everybody_is_fetched_again(page, member, plain):
    WatchFactory.create_batch(3, stream=plain)
    log_in(page, member.user, to="/orders/stock/")

    page.check("[name=kind][value=heluppdateringBevakning]")
    page.uncheck("[name=benefits]")
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")
    assert not Pending.objects.exists()
    page.click(CONFIRM)
    page.wait_for_selector(".message-box--success-short")

    assert Pending.objects.filter(reason=Pending.Reason.REFRESH).count() == 3


def test_all_watches_end_after_the_units_name_has_been_written(page, member, plain):
    WatchFactory.create_batch(2, stream=plain)
    log_in(page, member.user, to="/orders/stock/")
    page.check("[name=kind][value=avbestallningBevakning]")
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")

    page.click(CONFIRM)
    assert page.get_attribute("[name=unit]", "aria-invalid") == "true"
    page.fill("[name=unit]", "Socialnämnden")
    page.click(CONFIRM)
    page.wait_for_selector(".message-box--success-short")

    assert not Watch.objects.open().exists()


def test_pages_fit_their_screen(page, member, stream, plain):
    watch = WatchFactory(stream=plain, case_reference="EB 2026/0042")
    log_in(page, member.user)
    send_name = f"/orders/file/?stream={plain.pk}"
    page.goto(send_name)
    page.set_input_files("[name=file]", file_of(GOOD, WRONG))
    page.click("main button[type=submit]")
    page.wait_for_url("**/orders/*/")
    order = Order.objects.get()

    for url in (
        "/",
        "/orders/",
        "/orders/new/",
        f"/orders/new/?stream={stream.pk}",
        "/orders/file/",
        send_name,
        f"/orders/stock/?stream={stream.pk}",
        f"/orders/{order.pk}/",
        f"/orders/{order.pk}/?answer=all",
        "/watches/",
        f"/watches/{watch.pk}/",
        f"/watches/order/?kind=cancel&watch={watch.pk}",
    ):
        page.goto(url)
        assert wider_than_the_screen(page) <= 0, url
