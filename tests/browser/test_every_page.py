"""Every page that a link leads to, in a filled system: whole, within the screen, accessible, and in one language."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Response

from deliveries.demo.setting import Secret
from deliveries.demo.story import Story
from tests.browser.conftest import wider_than_the_screen
from tests.browser.looking import against_wcag, in_another_language

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VISITOR = ""
PEOPLE = ["admin", "handlaggare", "firmatecknare"]
ONCE = ["integration"]  # who has nearly the pages of the others: in Swedish on a wide screen alone
STARTS = {"admin": ["/", "/admin/"]}
PERSONS, NIGHTS = 120, 2
DESKTOP, MOBILE = 1280, 390
# What a page is made of: each kind of element, class and role on it, once.
PARTS = """() => [...new Set([...document.querySelectorAll('body *')].map(
    element => [element.tagName, element.getAttribute('class'), element.getAttribute('role')].join('.')
))].sort().join()"""


class Visit(NamedTuple):
    """A page as one of the people has it before them, and what the browser complained of on the way to it."""

    page: Page
    who: str
    view: str
    path: str
    complaints: list[str]

    def __str__(self) -> str:
        return f"{self.who or 'visitor'} at {self.view} ({self.path})"


@pytest.fixture
def secrets(transactional_db, settings, tmp_path) -> dict[str, str]:
    """The demo's made-up week, in small; and what its people log in with."""
    settings.VAR_DIR = tmp_path
    told: list[Secret] = Story(PERSONS, NIGHTS, tmp_path, say=lambda _: None).tell()
    return {one.name: one.secret for one in told} | {VISITOR: ""}


def test_every_page_is_whole_accessible_and_swedish(browser, live_server, secrets):
    """The look for accessibility, which is slow, is at a view once for all to whom it has the same parts."""
    faults: list[str] = []
    looked_at: set[tuple[str, str]] = set()
    for visit in visits(browser, live_server.url, secrets, locale="sv-SE", width=DESKTOP):
        found = [*faults_of(visit.page)]
        seen = visit.view, visit.page.evaluate(PARTS)
        if seen not in looked_at:
            found += against_wcag(visit.page)
        looked_at.add(seen)
        faults += [f"{visit}: {one}" for one in found]

    assert faults == []


def test_every_page_is_whole_on_a_narrow_screen(browser, live_server, secrets):
    """What people do all day is looked at for accessibility on such a screen too, by the tests of their days."""
    faults: list[str] = []
    for visit in visits(browser, live_server.url, secrets, locale="sv-SE", width=MOBILE):
        faults += [f"{visit}: {one}" for one in faults_of(visit.page)]

    assert faults == []


def test_every_page_is_whole_in_english_and_nothing_is_stopped_on_it(browser, live_server, secrets):
    """What the content security policy stops is complained of. (The look for accessibility would be, itself.)"""
    faults: list[str] = []
    for visit in visits(browser, live_server.url, secrets, locale="en-GB", width=DESKTOP):
        faults += [f"{visit}: {one}" for one in [*visit.complaints, *faults_of(visit.page)]]

    assert faults == []


def faults_of(page: Page) -> Iterator[str]:
    sideways = wider_than_the_screen(page)
    if sideways > 0:
        yield f"{sideways} px wider than the screen"
    yield from (f"not in the page's language: {text!r}" for text in in_another_language(page))


def visits(browser: Browser, base: str, secrets: dict[str, str], *, locale: str, width: int) -> Iterator[Visit]:
    """For everybody, one page of each view that links lead to."""
    for who in [VISITOR, *PEOPLE, *(ONCE if (locale, width) == ("sv-SE", DESKTOP) else ())]:
        context = browser.new_context(base_url=base, locale=locale, viewport={"width": width, "height": 900})
        page = context.new_page()
        complaints: list[str] = []
        files: set[str] = set()
        page.on("response", lambda answer, kept=files: kept.update(file_of(answer)))
        page.on("console", lambda said, kept=complaints, known=files: kept.extend(complaint_of(said, known)))
        page.on("pageerror", lambda error, kept=complaints: kept.append(str(error)))
        if who:
            log_in(page, who, secrets[who])
        for view, path in follow(page, base, STARTS.get(who, ["/"])):
            yield Visit(page, who, view, path, complaints)
            complaints.clear()
        context.close()


def file_of(answer: Response) -> Iterator[str]:
    """The address, if what was gone to is a file and no page."""
    if answer.request.is_navigation_request() and not answer.headers.get("content-type", "").startswith("text/html"):
        yield answer.url


def complaint_of(said: ConsoleMessage, files: set[str]) -> Iterator[str]:
    """An error; but that a file has no icon, or no look of the browser's own, is none."""
    place = said.location["url"] or (said.page.url if said.page else "")
    if said.type == "error" and place not in files and not place.endswith("/favicon.ico"):
        yield said.text


def log_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def follow(page: Page, base: str, starts: list[str]) -> Iterator[tuple[str, str]]:
    """Open one page of each view that links lead to, from the starts on: the view and the path."""
    waiting, seen = deque(base + start for start in starts), set()
    while waiting:
        address = waiting.popleft()
        name = view_of(urlsplit(address).path)
        if name in seen:
            continue
        seen.add(name)
        if not opened(page, address):
            continue
        yield name, urlsplit(address).path
        waiting.extend(link for link in links_of(page) if link.startswith(base))


def view_of(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return path


def opened(page: Page, address: str) -> bool:
    """Whether the address is a page, not a file."""
    try:
        response = page.goto(address)
    except Error as error:
        if "Download is starting" in str(error):
            return False
        raise
    assert response is None or response.status < 400, f"{address} answers {response.status}"
    return response is not None and response.headers.get("content-type", "").startswith("text/html")


def links_of(page: Page) -> list[str]:
    return page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
