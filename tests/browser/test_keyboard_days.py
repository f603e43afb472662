"""A day's work with the keyboard alone, from the login to what was done: an operator's, and a lawyer's."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from benefits.models import Protection
from deliveries.models import SliceVerdict
from lefi.accounts.roles import LAWYER, OPERATOR
from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Pending, ProtectedRelease
from tests.browser.conftest import press_until, wider_than_the_screen
from tests.browser.test_working_days import WHY, of_the_staff
from tests.factories import (
    PASSWORD,
    DeliveryFactory,
    DisclosureFactory,
    HeldSliceFactory,
    ImportFactory,
    PendingFactory,
    RunFactory,
    StreamRunFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def enter(page: Page, selector: str) -> None:
    """Come by Tab to a link or a button, and take it; the page that it leads to is no wider than the screen."""
    press_until(page, selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert wider_than_the_screen(page) <= 0


def write(page: Page, selector: str, text: str) -> None:
    press_until(page, selector)
    page.keyboard.type(text)


def begin_the_day(page: Page, role) -> None:
    user = of_the_staff(role)
    page.goto("/accounts/login/?next=/admin/")
    write(page, "[name=login]", user.username)
    write(page, "[name=password]", PASSWORD)
    enter(page, "main button[type=submit]")
    page.wait_for_url("**/admin/")


def test_an_operator_looks_at_the_night_and_proposes_that_a_held_slice_goes(page, transactional_db):
    now = timezone.now()
    run = RunFactory(
        day=timezone.localdate() - timedelta(days=1),
        started_at=now - timedelta(hours=10),
        ended_at=now - timedelta(hours=9),
        deadline=now - timedelta(hours=5),
        counts={"released": 1, "persons": 1000, "items": 4000},
    )
    StreamRunFactory(run=run, status="released")
    DeliveryFactory(run=run, released_at=now - timedelta(hours=9))
    held = HeldSliceFactory(run=run, stream__agreement__customer__name="Norra kommunen")
    begin_the_day(page, OPERATOR)

    enter(page, "[aria-labelledby=start-last] a[href*='/deliveries/run/']")
    page.wait_for_url(f"**/deliveries/run/{run.pk}/change/")
    enter(page, "a[href='/admin/']")
    enter(page, ".todo__item a[href*='heldslice']")
    expect(page.locator("#result_list")).to_contain_text("Norra kommunen")
    enter(page, "#result_list tbody th a")
    enter(page, "a[href$='/release/']")
    write(page, "[name=reason]", "Höjningen är riktig.")
    enter(page, ".submit-row [type=submit]")

    expect(page.locator(".messagelist .success")).to_be_visible()
    verdict = SliceVerdict.objects.get(slice=held)
    assert verdict.prepared_by is not None and verdict.approved_by is None


def test_a_lawyer_answers_who_was_told_and_proposes_that_a_protected_persons_watch_is_told(page, transactional_db):
    published = ImportFactory()
    run = RunFactory(as_of_import=published.number)
    told = WatchFactory(stream__agreement__customer__name="Norra kommunen")
    delivery = DeliveryFactory(stream=told.stream, run=run, as_of_import=published.number)
    DisclosureFactory(watch=told, delivery=delivery)
    frozen = WatchFactory(stream__served=True, person__known__protection=Protection.MARKED)
    PendingFactory(watch=frozen, reason=Pending.Reason.PROTECTED, since=timezone.now() - timedelta(days=1))
    begin_the_day(page, LAWYER)

    press_until(page, ".menu summary")
    page.keyboard.press("Enter")
    enter(page, ".menu__group a[href='/admin/benefits/person/search/']")
    write(page, "[name=number]", told.person.first_number)
    write(page, "[name=reason]", WHY)
    enter(page, "#content [type=submit]")
    expect(page.locator("#content")).to_contain_text("Norra kommunen")
    enter(page, "#content a[href*='/deliveries/disclosure/']")
    reads = AuditEvent.objects.filter(action=Action.READ, person_id=told.person_id)
    assert set(reads.values_list("reason", flat=True)) == {WHY}

    enter(page, "a[href='/admin/']")
    enter(page, ".todo__item a[href$='/protectedrelease/protected/']")
    enter(page, f"a[href$='?watch={frozen.pk}']")
    write(page, "[name=reason]", "Nämnden behöver veta före beslutet.")
    enter(page, "[name=_save]")

    expect(page.locator(".messagelist .success")).to_be_visible()
    release = ProtectedRelease.objects.get(watch=frozen)
    assert release.prepared_by is not None and release.approved_by is None
