"""Logging in, in Chromium at two widths: with a second factor that is required, and through a broker."""

from base64 import b32decode
from hashlib import sha1
from hmac import digest
from struct import pack, unpack
from time import time

import pytest
from allauth.socialaccount.models import SocialAccount

from lefi.accounts.identities import index
from lefi.brokers import provider_apps
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.factories import PASSWORD, MemberFactory, UserFactory
from tests.oidc import LOA2, LOA3, Broker, serving

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEY = "a key of its own for identities, and long"


def code_of(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    mac = digest(b32decode(secret), pack(">Q", int(time()) // 30), sha1)
    place = mac[-1] & 0x0F
    return f"{(unpack('>I', mac[place : place + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def set_up_an_app(page) -> str:
    """From the page that leads there; return the app's secret."""
    page.click("main a[href='/accounts/2fa/totp/activate/']")
    if page.locator("main [name=password]").count():
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/totp/activate/")
    secret = page.inner_text(".secret").strip()
    page.fill("[name=code]", code_of(secret))
    page.click("main button[type=submit]")
    page.wait_for_url("**/recovery-codes/**")
    return secret


def log_in_with_a_code(page, user, secret: str, *, to: str = "/") -> None:
    page.goto(f"/accounts/login/?next={to}")
    page.fill("[name=login]", user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/accounts/2fa/authenticate/**")
    assert wider_than_the_screen(page) <= 0
    page.fill("[name=code]", code_of(secret))
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(f"**{to}")


def test_staff_set_up_the_second_factor_that_is_required_and_log_in_with_it(page, transactional_db, settings):
    settings.SECOND_FACTOR_STAFF = True
    staff = UserFactory(is_staff=True, is_superuser=True)
    page.goto("/accounts/login/?next=/admin/")
    page.fill("[name=login]", staff.username)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/accounts/second-factor/")
    assert "Det behövs en andra faktor" in page.inner_text("main")
    assert wider_than_the_screen(page) <= 0

    secret = set_up_an_app(page)
    page.goto("/admin/")
    assert page.url.endswith("/admin/")
    page.context.clear_cookies()

    log_in_with_a_code(page, staff, secret, to="/admin/")


def test_a_person_ends_the_other_sessions(page, browser, live_server, transactional_db):
    member = MemberFactory()
    elsewhere = browser.new_context(base_url=live_server.url, locale="sv-SE").new_page()
    log_in(elsewhere, member.user)
    log_in(page, member.user)

    page.goto("/accounts/sessions/")
    page.click("main form button")

    page.wait_for_selector("text=Du är inte inloggad någon annanstans")
    elsewhere.goto("/watches/")
    assert "/accounts/login/" in elsewhere.url
    elsewhere.context.close()


@pytest.fixture
def broker(settings):
    settings.IDENTITY_KEY = KEY
    with serving(Broker({"sub": "s", "acr": LOA3})) as one:
        brokers = provider_apps([one.configuration(name="Freja eID")], key=KEY)
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": brokers}}
        yield one


@pytest.fixture(params=[1280, 390], ids=["desktop", "mobile"])
def visitor(browser, live_server, request):
    """A page that may go to the broker as well, which is another host."""
    size = {"width": request.param, "height": 900}
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", viewport=size, java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_login_by_broker_needs_no_script_and_is_not_stopped_by_the_strict_policy(visitor, broker, transactional_db):
    member = MemberFactory()
    uid = index("freja", "sub", "s")
    SocialAccount.objects.create(user=member.user, provider="freja", uid=uid, extra_data={})
    visitor.goto("/accounts/login/")

    visitor.click("text=Logga in med Freja eID")

    visitor.wait_for_selector("nav.imenu a[href='/watches/']", state="attached")
    assert member.user.get_full_name() in visitor.inner_text("header")


@pytest.mark.parametrize(("level", "code"), [(LOA2, "LOA_TOO_LOW"), (LOA3, "IDENTITY_UNKNOWN")])
def test_who_is_refused_is_told_why_and_led_back(visitor, broker, transactional_db, level, code):
    broker.claims["acr"] = level
    visitor.goto("/accounts/login/")
    visitor.click("text=Logga in med Freja eID")

    assert visitor.inner_text("main code") == code
    visitor.click("text=Till inloggningssidan")
    assert visitor.url.endswith("/accounts/login/")
