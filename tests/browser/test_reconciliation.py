"""Comparing a list of watches in the portal, and ordering what mends the difference, in Chromium at two widths."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from deliveries import reconciliation as service
from deliveries.models import Reconciliation
from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Watch
from tests.browser import looking
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.factories import BENEFIT, MemberFactory, StreamFactory, WatchFactory, identity_number

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW = identity_number(901)
HEADER = "bevakning;personnummer;forman;tillstand;referens\n"


@pytest.fixture
def member(transactional_db):
    return MemberFactory(role=Member.Role.INTEGRATION, customer__name="Socialnämnden")


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer)


def list_of(*rows: str) -> dict[str, object]:
    text = HEADER + "".join(f"{row}\n" for row in rows)
    return {"name": "våra bevakningar.csv", "mimeType": "text/csv", "buffer": text.encode()}


def send_list(page, *rows: str) -> None:
    page.click("a[href='/reconciliations/new/']")
    page.set_input_files("[name=file]", list_of(*rows))
    page.click("main button[type=submit]")
    page.wait_for_url("**/reconciliations/*/")


def faults_here(page) -> list[str]:
    wide = ["wider than the screen"] if wider_than_the_screen(page) > 0 else []
    return [*looking.against_wcag(page), *looking.in_another_language(page), *wide]


def test_a_list_is_sent_its_differences_seen_and_repaired(page, member, stream):
    equal, only_we, differs = (WatchFactory(stream=stream) for _ in range(3))
    faults = []
    log_in(page, member.user, to="/watches/")
    page.click("main a[href='/reconciliations/']")
    faults += faults_here(page)
    page.click("a[href='/reconciliations/new/']")
    faults += faults_here(page)
    page.go_back()

    send_list(page, f"{equal.pk};;;;", f"{differs.pk};;;{'0' * 64};vår", f";{NEW};{BENEFIT};;ny", f"{equal.pk};;;;")

    rows = page.locator("#differences ~ table tbody tr")
    expect(rows).to_have_count(4)
    faults += faults_here(page)
    page.click("a[href='?kind=ONLY_WE#differences']")
    expect(rows).to_have_count(1)
    rows.first.locator("form[action*='/number/'] button").click()
    number = only_we.ordered_number
    expect(rows.first).to_contain_text(f"{number[:8]}-{number[8:]}")
    assert AuditEvent.objects.filter(actor=member.user, action=Action.READ, person_id=only_we.person_id).exists()

    page.check("[name=only_we][value=cancel]")
    page.check("[name=only_you][value=order]")
    page.check("[name=differs][value=refresh]")
    page.click("form[action*='/repair/'] button")
    assert page.get_attribute("[name=start]", "aria-invalid") == "true"
    assert page.is_checked("[name=only_we][value=cancel]")
    faults += faults_here(page)
    page.fill("[name=start]", timezone.localdate().isoformat())
    page.click("form[action*='/repair/'] button")
    page.wait_for_url("**/orders/*/")
    assert Watch.objects.open().count() == 3
    faults += faults_here(page)
    page.click("main button[value=confirm]")
    page.wait_for_selector(".message-box--success-short")

    assert set(Watch.objects.open().values_list("ordered_number", flat=True)) == {
        NEW,
        equal.ordered_number,
        differs.ordered_number,
    }
    page.click("dl a[href*='/reconciliations/']")
    expect(page.locator("form[action*='/repair/']")).to_have_count(0)
    faults += faults_here(page)
    assert faults == []


def test_a_list_in_hand_shows_so_until_it_is_compared(page, member, stream, settings, monkeypatch):
    settings.ORDER_AT_ONCE_BYTES = 5
    monkeypatch.setattr("deliveries.tasks.compare_list.delay", lambda pk: None)
    log_in(page, member.user, to="/reconciliations/")

    send_list(page, "9999999;;;;")

    expect(page.locator("progress")).to_have_count(1)
    assert faults_here(page) == []
    service.compare(Reconciliation.objects.get().pk)
    expect(page.locator("#differences")).to_have_count(1, timeout=10_000)
    expect(page.locator("progress")).to_have_count(0)


def test_a_list_that_cannot_be_read_says_why(page, member, stream):
    log_in(page, member.user, to="/reconciliations/new/")
    page.set_input_files("[name=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"namn\nAnna\n"})

    page.click("main button[type=submit]")

    page.wait_for_selector(".message-box--error")
    assert faults_here(page) == []


def test_the_task_is_done_without_scripts(browser, live_server, member, stream):
    watch = WatchFactory(stream=stream)
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", java_script_enabled=False)
    page = context.new_page()
    log_in(page, member.user, to="/reconciliations/")

    send_list(page, "9999999;;;;")
    page.click("form[action*='/number/'] button >> nth=0")
    assert f"{watch.ordered_number[:8]}-{watch.ordered_number[8:]}" in page.inner_text("main")
    page.click("main a[href*='/reconciliations/']")
    page.check("[name=only_we][value=refresh]")
    page.click("form[action*='/repair/'] button")
    page.wait_for_url("**/orders/*/")
    page.click("main button[value=confirm]")

    page.wait_for_selector(".message-box--success-short")
    context.close()
