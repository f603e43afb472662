"""The portal as a case worker meets it, and the admin's frame, in Chromium at two widths."""

import pytest
from playwright.sync_api import expect

from deliveries.models import Delivery
from lefi.audit.models import AuditEvent
from subscriptions.models import Member
from tests.browser.conftest import go_by_the_menu, log_in, wider_than_the_screen
from tests.documents import delivered, said_of
from tests.factories import PASSWORD, MemberFactory, StreamFactory, UserFactory, WatchFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def member(transactional_db):
    return MemberFactory(role=Member.Role.INTEGRATION)


@pytest.fixture
def watch(member):
    return WatchFactory(
        stream=StreamFactory(served=True, agreement__customer=member.customer), case_reference="EB 2026/0042"
    )


@pytest.fixture
def delivery(watch):
    return delivered([said_of(watch)], stream=watch.stream)


def test_a_case_worker_reads_a_delivery_and_acknowledges_it(page, member, watch, delivery):
    log_in(page, member.user)

    page.click(f"main a[href='/deliveries/{delivery.pk}/']")
    number = watch.ordered_number
    assert f"{number[:8]}-{number[8:]}" in page.inner_text(".person h2")
    assert "Sjukpenning: beviljat 50\N{NO-BREAK SPACE}%, 2026-10-01 – 2026-10-31" in page.inner_text(".person")
    page.click("form[action$='/acknowledge/'] button")

    expect(page.locator(".message-box--success-short")).to_have_count(1)
    expect(page.locator("form[action$='/acknowledge/']")).to_have_count(0)
    assert Delivery.objects.get().acknowledged_at is not None


def test_a_number_is_shown_in_its_place_when_asked_for(page, member, watch):
    log_in(page, member.user)
    go_by_the_menu(page, "/watches/")
    page.wait_for_url("**/watches/", wait_until="load")  # and htmx with it, which shows the number in its place
    cell = page.locator("tbody tr td:has([id^=number-])").first
    assert "••••" in cell.inner_text()

    cell.locator("button").click()

    expect(cell).to_contain_text(watch.ordered_number[:8])
    assert page.url.endswith("/watches/")
    assert AuditEvent.objects.filter(person_id=watch.person_id).count() == 1


def test_a_search_by_number_keeps_the_number_out_of_addresses(page, member, watch):
    visited: list[str] = []
    page.on("request", lambda asked: visited.append(asked.url))
    log_in(page, member.user)
    page.goto("/watches/")

    page.fill("[name=q]", watch.ordered_number)
    page.click("form.filters button")
    expect(page.locator("[name=q]:invalid")).to_have_count(1)

    page.goto("/watches/find/")
    page.fill("[name=number]", watch.ordered_number)
    page.fill("[name=reason]", "EB 2026/0042")
    page.click("main button[type=submit]")
    page.wait_for_url("**/watches/?found=*")

    assert "EB 2026/0042" in page.inner_text("table")
    assert not [url for url in visited if watch.ordered_number in url]


def test_the_file_of_a_delivery_is_downloaded(page, member, delivery):
    log_in(page, member.user)
    page.goto(f"/deliveries/{delivery.pk}/")

    with page.expect_download() as download:
        page.click("form[action$='/file/'] button[value=xml]")

    assert download.value.suggested_filename.endswith("-00001.xml")


def test_pages_fit_their_screen(page, member, watch, delivery):
    log_in(page, member.user)

    for url in (
        "/",
        "/watches/",
        "/watches/find/",
        "/deliveries/",
        f"/deliveries/{delivery.pk}/",
        "/accounts/2fa/",
    ):
        page.goto(url)
        assert wider_than_the_screen(page) <= 0, url


def test_an_authenticator_app_can_be_set_up_under_the_strict_policy(page, member):
    log_in(page, member.user)
    page.goto("/accounts/2fa/totp/activate/")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/totp/activate/")

    assert page.locator(".qr svg").bounding_box()["width"] > 150


def test_a_passkey_page_loads_its_scripts_under_the_strict_policy(page, member):
    log_in(page, member.user)
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/webauthn/add/")

    assert page.evaluate("typeof window.allauth.webauthn") == "object"


def test_the_reader_switches_language(page, member):
    page.goto("/accounts/login/")

    page.click(".page-header__tools button[value=en]")

    assert page.get_attribute("html", "lang") == "en"


def test_staff_meet_the_admin_in_the_same_frame(page, transactional_db):
    staff = UserFactory(is_staff=True, is_superuser=True)
    log_in(page, staff, to="/admin/")

    for url in ("/admin/accounts/user/", f"/admin/accounts/user/{staff.pk}/change/"):
        page.goto(url)
        header = page.evaluate("getComputedStyle(document.querySelector('#header')).backgroundColor")
        assert header == "rgb(17, 106, 62)"
