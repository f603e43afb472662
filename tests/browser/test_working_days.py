"""A day's work of an operator, a lawyer, support and an auditor: from the start page, by links alone, at two widths."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from benefits.models import Person
from deliveries.models import HeldSlice, SliceVerdict
from lefi.accounts.roles import APPROVER, AUDITOR, LAWYER, OPERATOR, SUPPORT
from lefi.audit.models import Action, AuditEvent
from tests import factories
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.browser.looking import against_wcag, in_another_language

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WHY = "Ärende 2026-17"


def of_the_staff(role):
    user = factories.UserFactory(is_staff=True)
    user.groups.set(Group.objects.filter(name=role.code))
    return user


def sound(page: Page) -> None:
    """Nothing on the page is against WCAG, in another language, or wider than the screen."""
    assert list(against_wcag(page)) == []
    assert list(in_another_language(page)) == []
    assert wider_than_the_screen(page) <= 0


def by_the_menu(page: Page, address: str) -> None:
    page.click(".menu summary")
    page.click(f".menu__group a[href='{address}']")
    page.wait_for_url(f"**{address}")


def leave(page: Page) -> None:
    page.context.clear_cookies()


@pytest.fixture
def told(transactional_db):
    """That a customer was told of a person, in a delivery of a run on an import."""
    published = factories.ImportFactory()
    run = factories.RunFactory(as_of_import=published.number, started_at=timezone.now() - timedelta(hours=9))
    line = factories.OrderLineFactory(order__stream__agreement__customer__name="Norra kommunen")
    delivery = factories.DeliveryFactory(stream=line.order.stream, run=run, as_of_import=published.number)
    return factories.DisclosureFactory(watch=line.watch, delivery=delivery)


def test_an_operator_proposes_that_a_held_slice_goes_and_an_approver_lets_it(page, transactional_db):
    held = factories.HeldSliceFactory(stream__agreement__customer__name="Norra kommunen")
    log_in(page, of_the_staff(OPERATOR), to="/admin/")

    page.click(".todo__item a[href*='heldslice']")
    page.click("#result_list tbody th a")
    sound(page)
    page.click("a[href$='/release/']")
    sound(page)
    page.fill("[name=reason]", "Höjningen är riktig.")
    page.click(".submit-row [type=submit]")
    expect(page.locator(".messagelist")).to_be_visible()
    leave(page)
    log_in(page, of_the_staff(APPROVER), to="/admin/")
    page.click(".todo__item a[href*='sliceverdict']")
    page.click("#result_list tbody th a")
    page.click("a[href$='/approve/']")
    page.fill("[name=reason]", "Prövat.")
    page.click(".submit-row [type=submit]")

    verdict = SliceVerdict.objects.get(slice=held)
    assert verdict.approved_by is not None and verdict.approved_by != verdict.prepared_by
    held.refresh_from_db()
    assert held.status == HeldSlice.Status.RELEASED


def test_a_lawyer_answers_who_was_told_what_of_a_person_and_why(page, told):
    log_in(page, of_the_staff(LAWYER), to="/admin/")

    by_the_menu(page, "/admin/benefits/person/search/")
    page.fill("[name=number]", told.person.first_number)
    page.fill("[name=reason]", WHY)
    page.click("#content [type=submit]")
    expect(page.locator("#content")).to_contain_text("Norra kommunen")
    sound(page)
    page.locator("#content a[href*='/deliveries/disclosure/']").first.click()
    expect(page.locator("#content")).to_contain_text("Norra kommunen")
    sound(page)

    reads = AuditEvent.objects.filter(action=Action.READ, person_id=told.person_id)
    assert set(reads.values_list("reason", flat=True)) == {WHY}
    assert told.person.first_number not in page.url


def test_support_finds_what_a_system_was_answered_and_comes_to_no_person(page, told):
    customer = told.watch.stream.agreement.customer
    factories.ApiCallFactory(client__customer=customer, status=403, code="INSUFFICIENT_SCOPE")
    log_in(page, of_the_staff(SUPPORT), to="/admin/")

    by_the_menu(page, "/admin/subscriptions/apicall/")
    expect(page.locator("#result_list")).to_contain_text("INSUFFICIENT_SCOPE")
    sound(page)
    by_the_menu(page, "/admin/deliveries/delivery/")
    page.click("#result_list tbody th a")
    page.wait_for_url("**/admin/deliveries/delivery/*/change/")
    sound(page)

    expect(page.locator("a[href*='/benefits/person/']")).to_have_count(0)
    assert page.request.get("/admin/benefits/person/search/").status == 403


def test_an_auditor_reads_who_read_of_whom_and_can_change_nothing(page, told):
    reader = factories.UserFactory(is_staff=True)
    AuditEvent.objects.create(
        at=timezone.now(),
        actor=reader,
        action=Action.READ,
        object_type=Person._meta.label_lower,
        object_id=str(told.person_id),
        person_id=told.person_id,
        reason=WHY,
    )
    log_in(page, of_the_staff(AUDITOR), to="/admin/")

    by_the_menu(page, "/admin/audit/auditevent/")
    expect(page.locator("#result_list")).to_contain_text(WHY)
    sound(page)
    expect(page.locator("#content a[href*='/benefits/person/']")).to_have_count(0)
    page.click("#result_list tbody th a")
    expect(page.locator("#content")).to_contain_text(str(reader))
    sound(page)
    by_the_menu(page, "/admin/deliveries/disclosure/")
    expect(page.locator("#result_list")).to_contain_text("Norra kommunen")
    sound(page)

    expect(page.locator("#content .submit-row [type=submit], #content .addlink")).to_have_count(0)
