"""A reservation and information given unasked in the portal, and the queue of protected persons in the admin."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from benefits.models import Protection
from deliveries.spontaneous import approve_spontaneous, propose_spontaneous
from subscriptions.models import LegalBasis, Member, Pending, Reservation
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.documents import SICKNESS_CASE
from tests.factories import (
    AgreementFactory,
    BenefitPeriodFactory,
    ImportFactory,
    MemberFactory,
    PendingFactory,
    PersonFactory,
    ReservationFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def board(transactional_db):
    """An administrator of a social welfare board with an agreement on KOM-SOC."""
    member = MemberFactory(role=Member.Role.ADMINISTRATOR, customer__kind="socialnamnd")
    basis = LegalBasis.objects.get(code="KOM-SOC")
    agreement = AgreementFactory(customer=member.customer)
    ScopeFactory(agreement=agreement, basis=basis, classes=basis.classes)
    StreamFactory(agreement=agreement, purpose=basis.purpose)
    return member


def test_an_administrator_acknowledges_a_reservation(page, board):
    text = "Uppgifterna får bara användas i ärendet.\nDe är hemliga."
    ReservationFactory(agreement__customer=board.customer, text=text)
    log_in(page, board.user)

    page.click("main a[href='/reservations/']")
    assert "De är hemliga." in page.inner_text("main")
    assert wider_than_the_screen(page) <= 0
    page.click("form[action$='/acknowledge/'] button")

    page.wait_for_selector(".badge--success")
    assert Reservation.objects.get().acknowledged_by == board.user.username


def test_a_member_opens_what_was_given_unasked(page, board):
    ImportFactory(number=1, sequence=1)
    person = PersonFactory()
    BenefitPeriodFactory(person=person, content=json.dumps(SICKNESS_CASE))
    now = timezone.now()
    said = {"basis_code": "KOM-SOC", "benefit": "FK:SJP", "from_date": now.date() - timedelta(days=365)}
    reason = "Nämnden utreder ett barn och behöver veta."
    disclosure = propose_spontaneous(
        customer=board.customer, person=person, reason=reason, by=UserFactory(), at=now, **said
    )
    approve_spontaneous(disclosure=disclosure, by=UserFactory(), at=now, reason="Prövat och klart.")
    log_in(page, board.user)

    page.click("main a[href='/unasked/']")
    assert "Karin" not in page.inner_text("main")
    page.click(f"main a[href='/unasked/{disclosure.pk}/']")

    assert "Karin Testsson" in page.inner_text(".person h2")
    assert wider_than_the_screen(page) <= 0


def test_staff_see_what_is_frozen_and_propose_a_release(page, transactional_db):
    staff = UserFactory(is_staff=True, is_superuser=True)
    watch = WatchFactory(stream__served=True, person__known__protection=Protection.MARKED)
    for days, one in ((1, watch), (9, WatchFactory(stream=watch.stream))):
        since = timezone.now() - timedelta(days=days)
        PendingFactory(watch=one, reason=Pending.Reason.PROTECTED, since=since)
    log_in(page, staff, to="/admin/")

    page.click("main a[href='/admin/subscriptions/protectedrelease/protected/']")
    assert "Karin" not in page.inner_text("#content")
    page.click(f"a[href$='?watch={watch.pk}']")
    page.fill("[name=reason]", "Nämnden behöver veta före beslutet.")
    page.click("[name=_save]")

    page.wait_for_selector(".messagelist .success")
    page.goto("/admin/subscriptions/protectedrelease/protected/")
    expect(page.locator("a[href*='/protectedrelease/'][href$='/change/']")).to_have_count(1)
