"""How an organisation is connected: an applicant, an officer and an approver, each in a browser of their own."""

import re

import pytest
from playwright.sync_api import Page, expect

from subscriptions.models import Agreement, Connection, Customer, Member, Stream
from tests.browser.conftest import go_by_the_menu, log_in, wider_than_the_screen
from tests.factories import MemberFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CODE = "AVTAL-2026-17"


@pytest.fixture
def officer(transactional_db):
    return UserFactory(username="olle.handlaggare", is_staff=True, is_superuser=True)


@pytest.fixture
def approver(transactional_db):
    return UserFactory(username="jenny.jurist", is_staff=True, is_superuser=True)


def become(page: Page, user, *, to: str) -> None:
    """Leave the browser to another person."""
    page.context.clear_cookies()
    log_in(page, user, to=to)


def begin(page: Page) -> None:
    """Choose the kind of organisation, read what it takes, and begin."""
    page.goto("/connect/")
    page.select_option("[name=kind]", "socialnamnd")
    page.click("main form button")
    page.click("main form button")


def go_on(page: Page) -> None:
    page.click("main form.sections .button--primary")


def apply(page: Page) -> str:
    """Apply, step by step, and return the address that the application is followed at."""
    begin(page)
    page.fill("[name=organisation_number]", "212000-0142")
    page.fill("[name=name]", "Socialnämnden i Lillköping")
    go_on(page)
    expect(page.locator("#id_unit_error")).to_be_visible()  # a board says which of the municipality's it is
    assert wider_than_the_screen(page) <= 0
    page.fill("[name=unit]", "SOC")
    go_on(page)
    return fill_in_the_rest_and_send(page)


def fill_in_the_rest_and_send(page: Page) -> str:
    """From what the application is for to its end; return the address that it is followed at."""
    page.check("[value='KOM-SOC|FK:SJP']")
    page.check("[value='KOM-SOC|PM:AP']")
    assert wider_than_the_screen(page) <= 0
    go_on(page)
    page.fill("[name=signatory_name]", "Eva Al")
    page.fill("[name=signatory_email]", "eva.al@example.org")
    page.fill("[name=contact_name]", "Bo Ask")
    page.fill("[name=contact_email]", "bo.ask@example.org")
    go_on(page)
    page.select_option("[name=channel]", "portal")
    page.fill("[name=persons]", "120")
    go_on(page)
    page.fill("[name=annex_authority]", "Dnr KS 2026/17")
    go_on(page)
    expect(page.locator(".message-box--success-short")).to_be_visible()
    expect(page.locator(".stepper__step--done")).to_have_count(5)
    assert wider_than_the_screen(page) <= 0
    page.click("main form .button--primary")
    expect(page.locator(".timeline__step--now")).to_have_count(1)
    assert wider_than_the_screen(page) <= 0
    return page.url


def accept_and_send(page: Page) -> str:
    """As the officer: examine the application, accept it, send the agreement; return the agreement's page."""
    page.click("#result_list tbody a")
    page.click(".object-tools a[href$='accept/']")
    page.fill("[name=code]", CODE)
    page.click(".submit-row [type=submit]")
    agreement = f"/admin/subscriptions/agreement/{Agreement.objects.get(code=CODE).pk}/change/"
    page.goto(agreement)
    page.click(".object-tools a[href$='send/']")
    page.click(".submit-row [type=submit]")
    return agreement


def sign_for_the_customer(page: Page) -> None:
    assert CODE in page.inner_text("main")
    go_by_the_menu(page, "/agreements/")
    page.click(f"main a:has-text('{CODE}')")
    assert wider_than_the_screen(page) <= 0
    page.fill("[name=signatory]", "Eva Al")
    page.check("[name=may_sign]")
    page.click("form[action$='/sign/'] button")
    expect(page.locator(".message-box--success-short")).to_be_visible()


def sign_for_fk(page: Page) -> None:
    page.click(".object-tools a[href$='sign/']")
    page.fill("[name=signatory]", "Olle Handläggare")
    page.check("[name=may_sign]")
    page.click(".submit-row [type=submit]")


def test_an_organisation_is_connected_by_three_people_and_never_by_two(page, officer, approver):
    followed = apply(page)

    become(page, officer, to="/admin/subscriptions/connection/")
    agreement = accept_and_send(page)

    customer = Customer.objects.get()
    administrator = MemberFactory(customer=customer, role=Member.Role.ADMINISTRATOR).user
    become(page, administrator, to="/")
    sign_for_the_customer(page)

    become(page, officer, to=agreement)
    sign_for_fk(page)
    expect(page.locator(".object-tools a[href$='approve/']")).to_have_count(0)
    page.goto(agreement.replace("change/", "approve/"))
    expect(page.locator(".errornote")).to_be_visible()
    expect(page.locator(".submit-row [type=submit]")).to_have_count(0)
    assert Agreement.objects.get().status == Agreement.Status.SIGNED_BY_FK
    assert not Stream.objects.exists()

    become(page, approver, to=agreement)
    page.click(".object-tools a[href$='approve/']")
    page.fill("[name=reason]", "Granskat mot 15 kap. 10 § SoL.")
    page.click(".submit-row [type=submit]")
    assert Agreement.objects.get().status == Agreement.Status.ACTIVE
    assert Stream.objects.get().channel == Stream.Channel.PORTAL

    become(page, administrator, to="/")
    assert CODE in page.inner_text("main table")
    go_by_the_menu(page, "/agreements/")
    expect(page.locator(".badge--success")).to_be_visible()
    page.goto(followed)
    expect(page.locator(".timeline__step--done")).to_have_count(7)


def test_an_application_is_left_and_sent_from_another_browser(page, browser, live_server, transactional_db):
    begin(page)
    page.fill("[name=organisation_number]", "212000-0142")
    page.fill("[name=name]", "Socialnämnden i Lillköping")
    page.fill("[name=unit]", "SOC")
    page.click("button[name=later]")
    address = page.inner_text("main .secret")
    assert wider_than_the_screen(page) <= 0

    other = browser.new_context(locale="sv-SE", viewport=page.viewport_size, java_script_enabled=False)
    there = other.new_page()
    there.goto(address)

    expect(there.locator("h1")).to_have_text("Vad ansökan gäller")
    there.click(".stepper a:has-text('Organisationen')")
    expect(there.locator("[name=name]")).to_have_value("Socialnämnden i Lillköping")
    go_on(there)
    fill_in_the_rest_and_send(there)
    assert Connection.objects.get().status == Connection.Status.NOTIFIED

    there.goto(address)
    there.click("main a[href='/connect/']")
    expect(there.locator("[name=kind]")).to_be_visible()
    other.close()


def test_the_steps_are_gone_through_by_keyboard_alone(page, transactional_db):
    begin(page)
    page.focus("[name=organisation_number]")

    for written in ("212000-0142", "Socialnämnden i Lillköping", "SOC"):
        page.keyboard.type(written)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.locator(".stepper [aria-current=step]")).to_contain_text("Vad ansökan gäller")


def test_the_applicant_asks_and_the_officer_answers(page, officer):
    followed = apply(page)
    page.fill("[name=text]", "Kan avtalet gälla redan i december?")
    page.click("form[action$='/message/'] button")
    expect(page.locator(".talk__message")).to_have_count(1)

    become(page, officer, to="/admin/subscriptions/connection/?awaits=answer")
    page.click("#result_list tbody a")
    page.click(".object-tools a[href$='message/']")
    page.fill("[name=text]", "Ja, om ni skickar fullmakten i dag.")
    page.click(".submit-row [type=submit]")

    page.goto(followed)
    expect(page.locator(".talk__message--theirs")).to_contain_text("Ja, om ni skickar fullmakten i dag.")
    assert wider_than_the_screen(page) <= 0


def test_an_applicant_withdraws_while_nobody_has_examined(page, transactional_db):
    apply(page)

    page.click("form[action$='/withdraw/'] button")

    expect(page.locator(".timeline__step--stopped")).to_be_visible()
    assert Connection.objects.get().status == Connection.Status.WITHDRAWN


def test_the_officer_refuses_with_a_reason_that_the_applicant_reads(page, officer):
    followed = apply(page)
    become(page, officer, to="/admin/")

    page.click(".todo__item a[href*='/subscriptions/connection/']")
    page.click("#result_list tbody a")
    page.click(".object-tools a[href$='refuse/']")
    page.fill("[name=reason]", "Nämndens uppdrag framgår inte.")
    page.click(".submit-row [type=submit]")

    page.goto(followed)
    expect(page.locator(".timeline__step--stopped")).to_contain_text("Nämndens uppdrag framgår inte.")


def test_on_paper_there_is_the_agreement_and_nothing_else(page, officer):
    apply(page)
    become(page, officer, to="/admin/subscriptions/connection/")
    accept_and_send(page)
    administrator = MemberFactory(customer=Customer.objects.get(), role=Member.Role.ADMINISTRATOR).user
    become(page, administrator, to=f"/agreements/{Agreement.objects.get().pk}/")

    page.emulate_media(media="print")

    shown = page.inner_text("body")
    assert re.match(rf"\s*Avtal {CODE}", shown)
    expect(page.locator("form:visible, nav:visible, header:visible, footer:visible")).to_have_count(0)
