"""The staff's start page, menu and figures, as a connection officer, an approver and an operator meet them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from playwright.sync_api import Page, expect

from deliveries.models import StreamRun
from lefi.accounts.roles import APPROVER, OFFICER, OPERATOR
from subscriptions.models import Agreement
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.browser.looking import against_wcag, in_another_language
from tests.factories import (
    AgreementFactory,
    BenefitPeriodFactory,
    ConnectionFactory,
    DeliveryFactory,
    DisclosureFactory,
    HandoutReleaseFactory,
    PersonFactory,
    RunFactory,
    ScopeFactory,
    StreamRunFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def of_the_staff(role):
    """A user with the rights of a role."""
    user = UserFactory(is_staff=True)
    for right in role.rights:
        app, _, codename = right.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


@pytest.fixture
def nights(transactional_db):
    """A week of nights, the last of which left a stream behind; its customers have fetched nothing."""
    now = timezone.now()
    for ago in reversed(range(7)):
        run = RunFactory(
            day=timezone.localdate() - timedelta(days=ago + 1),
            started_at=now - timedelta(days=ago, hours=10),
            ended_at=now - timedelta(days=ago, hours=10 - ago / 2 - 0.5),
            deadline=now - timedelta(days=ago, hours=5),
            counts={"released": 1, "persons": 1000 + ago, "items": 4000},
        )
        StreamRunFactory(run=run, status=StreamRun.Status.RELEASED, news={"FK:SJP": 100 + ago, "FK:FP": ago})
        DeliveryFactory(run=run, released_at=now - timedelta(days=ago))
        if ago == 0:
            StreamRunFactory(run=run, status=StreamRun.Status.FAILED)


@pytest.fixture
def proposals(transactional_db):
    """Somebody else's proposals, a signed agreement, and two applications."""
    now = timezone.now()
    ConnectionFactory(name="Norra kommunen", submitted_at=now - timedelta(days=3))
    ConnectionFactory(name="Södra kommunen", submitted_at=now)
    signed = {"signed_by_customer_at": now, "signed_by_fk_at": now, "prepared_at": now, "approved_at": None}
    AgreementFactory(status=Agreement.Status.SIGNED_BY_FK, prepared_by=UserFactory(), **signed)
    ScopeFactory(prepared_by=UserFactory(), prepared_at=now, approved_at=None)
    HandoutReleaseFactory(delivery__run__kind="on_demand", prepared_at=now, approved_by=None, approved_at=None)


def sound(page: Page) -> None:
    """Nothing on the page is against WCAG, in another language, or wider than the screen."""
    assert list(against_wcag(page)) == []
    assert list(in_another_language(page)) == []
    assert wider_than_the_screen(page) <= 0


def sentences(page: Page) -> list[str]:
    return page.locator(".todo__item a").all_inner_texts()


def test_an_officer_sees_what_to_examine_and_comes_to_just_that(page, proposals, nights):
    log_in(page, of_the_staff(OFFICER), to="/admin/")

    assert sentences(page) == ["2 ansökningar om anslutning väntar på att prövas."]
    expect(page.locator("#start-last")).to_be_visible()
    sound(page)
    page.click(".todo__item a")

    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    assert wider_than_the_screen(page) <= 0


def test_an_approver_sees_what_others_have_proposed_and_approves_it(page, proposals):
    log_in(page, of_the_staff(APPROVER), to="/admin/")

    assert set(sentences(page)) == {
        "1 avtal är undertecknat av båda parter och väntar på ditt godkännande.",
        "1 förslag väntar på ditt godkännande: omfattning.",
        "1 förslag väntar på ditt godkännande: släpp av leverans.",
    }
    sound(page)
    page.click("a[href='/admin/subscriptions/scope/?work=approve']")
    page.click("#result_list tbody th a, #result_list tbody td a")
    page.click("a[href$='/approve/']")
    page.fill("[name=reason]", "Stämmer med avtalet.")
    page.click(".submit-row [type=submit]")
    page.goto("/admin/")

    assert "1 förslag väntar på ditt godkännande: omfattning." not in sentences(page)


def test_an_operator_sees_what_is_urgent_first_and_the_nights_as_pictures(page, nights):
    log_in(page, of_the_staff(OPERATOR), to="/admin/")

    assert sentences(page)[0] == "1 ström misslyckades i den senaste körningen."
    expect(page.locator(".todo__item--urgent .badge--error").first).to_have_text("Brådskar")
    expect(page.locator("#figure-persons svg")).to_be_visible()
    sound(page)

    page.click("a[href='/admin/figures/']:visible")
    expect(page.locator("figure.figure")).to_have_count(5)
    sound(page)


def test_who_has_nothing_to_do_reads_so(page, transactional_db):
    log_in(page, of_the_staff(OFFICER), to="/admin/")

    expect(page.locator(".todo__none")).to_have_text("Inget väntar på dig.")
    sound(page)


def test_the_menu_and_the_tables_open_by_the_keyboard_alone(page, nights):
    log_in(page, of_the_staff(OPERATOR), to="/admin/")

    page.focus(".menu summary")
    page.keyboard.press("Enter")
    runs = page.locator(".menu__group a[href='/admin/deliveries/run/']")
    expect(runs).to_be_visible()
    sound(page)
    page.keyboard.press("Enter")
    expect(runs).to_be_hidden()

    page.focus("#figure-persons summary")
    page.keyboard.press("Enter")
    expect(page.locator("#figure-persons tbody tr")).to_have_count(7)

    page.focus(".menu summary")
    page.keyboard.press("Enter")
    runs.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/deliveries/run/")
    expect(page.locator(".menu__here")).to_have_text("Natten")


def test_all_works_without_a_script(browser, live_server, nights):
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", java_script_enabled=False)
    page = context.new_page()
    log_in(page, of_the_staff(OPERATOR), to="/admin/")

    page.click(".menu summary")
    page.click(".menu__group a[href='/admin/figures/']")
    page.wait_for_url("**/admin/figures/")
    expect(page.locator("#figure-volumes tbody tr").first).to_be_visible()
    context.close()


def test_a_persons_page_shows_what_each_customer_was_told_when(page, transactional_db):
    person = PersonFactory()
    BenefitPeriodFactory(person=person, starts_on=timezone.localdate() - timedelta(days=90), ends_on=None)
    for name in ("Norra kommunen", "Södra kommunen"):
        watch = WatchFactory(person=person, stream__agreement__customer__name=name)
        for ago, outcome in ((60, "sent"), (3, "withheld")):
            delivery = DeliveryFactory(
                stream=watch.stream, number=100 - ago, released_at=timezone.now() - timedelta(days=ago)
            )
            customer = watch.stream.agreement.customer
            DisclosureFactory(watch=watch, delivery=delivery, customer=customer, person=person, outcome=outcome)
    log_in(page, UserFactory(is_staff=True, is_superuser=True), to="/admin/benefits/person/search/")
    page.fill("[name=number]", person.first_number)
    page.fill("[name=reason]", "Ärende 2026-17")
    page.click("#content [type=submit]")

    drawn = page.locator("svg.timeline")
    expect(drawn.locator("circle")).to_have_count(2)
    expect(drawn.locator(".timeline-withheld")).to_have_count(2)
    sound(page)
    drawn.locator("a").first.click(force=True)
    page.wait_for_url("**/admin/deliveries/delivery/*/change/")
