"""The data protection officer's month: from what waits, by the log rows, to the signature, with the keyboard alone."""

from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from lefi.accounts.roles import DATA_PROTECTION
from lefi.audit.followup import Found, freeze
from lefi.audit.models import Finding, SignOff
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def follow(page, selector):
    page.focus(selector)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_month_of_reads_is_looked_through_and_signed_off(page):
    officer = UserFactory(is_staff=True)
    officer.groups.add(Group.objects.get(name=DATA_PROTECTION.code))
    found = Found(rule=Finding.Rule.MANY, reader=UserFactory().pk, persons=60, reads=70, day=date(2026, 9, 1))
    freeze(month=date(2026, 9, 1), found=[found], thresholds={}, at=timezone.now())
    log_in(page, officer, to="/admin/")

    for link in ("main a[href*='followup/?work=sign']", "#result_list tbody a", "a[href$='/sign/']"):
        assert wider_than_the_screen(page) <= 0
        follow(page, link)
    page.fill("input[name=reason]", "Genomgånget med chefen.")
    follow(page, "input[name=reason]")

    assert wider_than_the_screen(page) <= 0
    assert "Genomgånget med chefen." in page.inner_text("#content")
    assert SignOff.objects.get().by == officer
