"""How an organisation is connected: an applicant, an officer and an approver, each in a browser of their own."""

import re

import pytest
from playwright.sync_api import Page, expect

from subscriptions.models import Agreement, Connection, Customer, Member, Stream
from tests.browser.conftest import log_in, wider_than_the_screen
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


def apply(page: Page) -> str:
    """Apply in the public form, and return the address that the application is followed at."""
    page.goto("/connect/")
    page.select_option("[name=kind]", "socialnamnd")
    page.click("main form button")
    page.fill("[name=organisation_number]", "212000-0142")
    page.fill("[name=name]", "Socialnämnden i Lillköping")
    page.fill("[name=signatory_name]", "Eva Al")
    page.fill("[name=signatory_email]", "eva.al@example.org")
    page.fill("[name=contact_name]", "Bo Ask")
    page.fill("[name=contact_email]", "bo.ask@example.org")
    page.select_option("[name=channel]", "portal")
    page.fill("[name=persons]", "120")
    page.check("[value='KOM-SOC|FK:SJP']")
    page.check("[value='KOM-SOC|PM:AP']")
    page.click("main form.sections button")
    expect(page.locator("#id_unit_error")).to_be_visible()  # a board says which of the municipality's it is
    assert wider_than_the_screen(page) <= 0
    page.fill("[name=unit]", "SOC")
    page.click("main form.sections button")
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
    assert CODE in page.inner_text(".notice")
    page.click("nav.imenu a[href='/agreements/']")
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
    assert page.locator(".object-tools a[href$='approve/']").count() == 0
    page.goto(agreement.replace("change/", "approve/"))
    expect(page.locator(".errornote")).to_be_visible()
    assert page.locator(".submit-row [type=submit]").count() == 0
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
    page.click("nav.imenu a[href='/agreements/']")
    expect(page.locator(".badge--success")).to_be_visible()
    page.goto(followed)
    expect(page.locator(".timeline__step--done")).to_have_count(7)


def test_an_applicant_withdraws_while_nobody_has_examined(page, transactional_db):
    apply(page)

    page.click("form[action$='/withdraw/'] button")

    expect(page.locator(".timeline__step--stopped")).to_be_visible()
    assert Connection.objects.get().status == Connection.Status.WITHDRAWN


def test_the_officer_refuses_with_a_reason_that_the_applicant_reads(page, officer):
    followed = apply(page)
    become(page, officer, to="/admin/subscriptions/connection/")

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
    assert page.locator("form:visible, nav:visible, header:visible, footer:visible").count() == 0
