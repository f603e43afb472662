"""What is round every page: menus that need neither a mouse nor a script, and names that are never cut."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import log_in, press_until, wider_than_the_screen
from tests.factories import MemberFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Anna-Karin Elisabet", "Fredriksdotter-Gyllenstjernasson af Svaneholmsberget"


@pytest.fixture
def member(transactional_db):
    return MemberFactory(user__first_name=LONG[0], user__last_name=LONG[1])


def test_the_menus_are_used_by_keyboard_alone(page, member):
    log_in(page, member.user)

    press_until(page, ".iskiplink")
    press_until(page, ".user-menu > summary")
    page.keyboard.press("Enter")
    press_until(page, ".user-menu a[href='/accounts/2fa/']")
    if page.locator(".menu__toggle > summary").is_visible():
        expect(page.locator("nav.imenu a").first).to_be_hidden()
        press_until(page, ".menu__toggle > summary")
        page.keyboard.press("Enter")
    press_until(page, "nav.imenu a[href='/deliveries/']")
    page.keyboard.press("Enter")

    page.wait_for_url("**/deliveries/")
    assert page.locator("nav.imenu [aria-current=page]").get_attribute("href") == "/deliveries/"


def test_the_menus_need_no_script(browser, live_server, member):
    viewport = {"width": 390, "height": 800}
    context = browser.new_context(
        base_url=live_server.url, locale="sv-SE", java_script_enabled=False, viewport=viewport
    )
    page = context.new_page()
    log_in(page, member.user)

    page.click(".menu__toggle > summary")
    page.click("nav.imenu a[href='/agreements/']")
    page.click(".user-menu > summary")
    page.click(".user-menu button[type=submit]")

    expect(page.locator("main")).to_contain_text("Du har loggat ut.")
    expect(page.locator(".user-menu")).to_have_count(0)
    context.close()


def test_a_long_name_is_shown_whole(page, member):
    log_in(page, member.user)

    name = page.locator(".user-menu > summary")

    assert name.inner_text() == " ".join(LONG)
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert wider_than_the_screen(page) <= 0
    page.click(".user-menu > summary")
    assert wider_than_the_screen(page) <= 0


def test_who_skips_the_menu_lands_in_the_content(page, transactional_db):
    page.goto("/accounts/login/")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "main"


def test_on_paper_there_is_the_content_alone(page, transactional_db):
    page.goto("/reference/sjukpenningarende/")

    page.emulate_media(media="print")

    expect(page.locator("header:visible, nav:visible, footer:visible")).to_have_count(0)
    expect(page.locator("main table:visible")).to_have_count(1)
