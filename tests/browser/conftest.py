"""A true browser at a true server. Whatever the content security policy stops fails the test."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.factories import PASSWORD

CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Playwright keeps a loop running, which Django would take for asynchronous code."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 390], ids=["desktop", "mobile"])
def page(browser, live_server, request) -> Iterator[Page]:
    """A page of a new visitor; at the end nothing was stopped, and nothing was asked of another host."""
    viewport = {"width": request.param, "height": 900}
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", viewport=viewport)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda asked: faults.append(asked.url) if not asked.url.startswith(live_server.url) else None,
    )
    yield page
    context.close()
    assert faults == []


def log_in(page: Page, user, *, to: str = "/") -> None:
    """Log in, and land on an address."""
    page.goto(f"/accounts/login/?{urlencode({'next': to})}")
    page.fill("[name=login]", user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"**{to}")


def press_until(page: Page, selector: str) -> None:
    """Press Tab until what the selector finds has the focus, as who has no mouse comes there."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{selector} is not reached by Tab")


def go_by_the_menu(page: Page, address: str) -> None:
    """Follow a link of the menu, which is opened first where it is closed."""
    toggle = page.locator(".menu__toggle:not([open]) > summary")
    if toggle.is_visible():
        toggle.click()
    page.click(f"nav.imenu a[href='{address}']")


def wider_than_the_screen(page: Page) -> int:
    """By how many pixels the page, once it is all there, must be scrolled sideways."""
    page.wait_for_load_state("domcontentloaded")
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
