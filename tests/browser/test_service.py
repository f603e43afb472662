"""The open pages as a visitor meets them: at two widths, by keyboard, without scripts, on paper."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import go_by_the_menu, log_in, wider_than_the_screen
from tests.factories import MemberFactory, ServiceNoticeFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = [
    "/",
    "/service/about/",
    "/service/recipients/",
    "/service/technical/",
    "/service/technical/start/",
    "/service/promises/",
    "/service/status/",
    "/service/releases/",
    "/service/notices/",
    "/service/accessibility/",
    "/service/privacy/",
    "/service/contact/",
    "/reference/",
    "/reference/?q=sjukpenning",
    "/reference/sjukpenningarende/",
    "/schema/",
    "/docs/errors",
]


@pytest.fixture
def disturbance(transactional_db):
    return ServiceNoticeFactory(
        kind="disturbance",
        title_sv="Pensionsmyndighetens uppgifter om inkomstpensionsunderlag kommer sent",
        begins_at=timezone.now() - timedelta(hours=2),
    )


def test_a_visitor_finds_the_way_from_the_front_page_to_an_application(page, transactional_db):
    page.goto("/")
    go_by_the_menu(page, "/service/about/")
    page.click("main a[href='/service/recipients/']")
    page.click("main table a[href='/connect/?kind=socialnamnd']")

    expect(page.locator("h1")).to_have_text("Ansök om anslutning: Socialnämnd")


def test_every_open_page_fits_its_screen_and_has_one_heading(page, disturbance):
    for url in PAGES:
        page.goto(url)
        assert wider_than_the_screen(page) <= 0, url
        expect(page.locator("h1"), url).to_have_count(1)
        expect(page.locator("main img:not([alt])")).to_have_count(0)


def test_a_disturbance_is_met_on_the_front_page_and_read_whole(page, disturbance):
    page.goto("/")
    page.click(f".news a[href='{disturbance.get_absolute_url()}']")

    expect(page.locator("h1")).to_have_text(disturbance.title_sv)
    expect(page.locator("main")).to_contain_text(disturbance.text_sv)
    page.click(".breadcrumbs a[href='/service/notices/']")
    expect(page.locator("main table")).to_contain_text(disturbance.title_sv)


def test_a_member_reads_the_open_pages_in_the_frame_of_the_portal(page, disturbance):
    log_in(page, MemberFactory().user)
    expect(page.locator(".news")).to_contain_text(disturbance.title_sv)

    go_by_the_menu(page, "/service/")
    page.click("main .cards a[href='/service/status/']")

    assert page.locator("nav.imenu [aria-current=page]").get_attribute("href") == "/service/"
    expect(page.locator("main .message-box")).to_contain_text("driftstörning")


def test_staff_tell_of_a_disturbance_and_a_visitor_reads_it(page, transactional_db):
    log_in(page, UserFactory(is_staff=True, is_superuser=True), to="/admin/service/servicenotice/add/")
    page.select_option("[name=kind]", "disturbance")
    for language, title in (("sv", "API:et svarar långsamt"), ("en", "The API is slow")):
        page.fill(f"[name=title_{language}]", title)
        page.fill(f"[name=text_{language}]", title)
    page.fill("[name=begins_at_0]", "2026-11-29")
    page.fill("[name=begins_at_1]", "08:00")
    page.click("[name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()

    page.context.clear_cookies()
    page.goto("/service/status/")

    expect(page.locator("article h2")).to_have_text("API:et svarar långsamt")
    page.click(".page-header__tools button[value=en]")
    expect(page.locator("article h2")).to_have_text("The API is slow")


def test_what_programmers_need_is_fetched(page, transactional_db):
    page.goto("/service/technical/")

    with page.expect_download() as download:
        page.click("main a[href$='/verifier.py']")

    assert download.value.suggested_filename == "verifier.py"


def test_commands_that_are_longer_than_the_screen_are_reached_by_keyboard(page, transactional_db):
    page.goto("/service/technical/start/")

    code = page.locator("pre.code").first
    code.focus()
    page.keyboard.press("End")

    assert page.evaluate("document.activeElement.className") == "code"


def test_the_picture_is_told_in_words(page, transactional_db):
    page.goto("/service/about/")

    picture = page.get_by_role("img", name="Källorna lämnar över vad de vet")

    expect(picture).to_be_visible()
    width = picture.locator("rect").last.bounding_box()["width"]
    for text in picture.locator("text").all():
        assert text.bounding_box()["width"] < width
