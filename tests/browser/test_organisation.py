"""An organisation's own pages, in Chromium at two widths: people, systems, the log, and a delivery explained."""

import base64
import csv
import re
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from playwright.sync_api import expect

from deliveries.services import fetch
from subscriptions.models import Member
from tests.browser.conftest import go_by_the_menu, log_in, wider_than_the_screen
from tests.browser.looking import against_wcag, in_another_language
from tests.browser.test_login import log_in_with_a_code, set_up_an_app
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    PASSWORD,
    ApiCallFactory,
    ApiClientFactory,
    DisclosureFactory,
    InvitationFactory,
    MemberFactory,
    StreamFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Role = Member.Role


@pytest.fixture
def administrator(transactional_db):
    return MemberFactory(role=Role.ADMINISTRATOR, customer__name="Exempelnämnden")


@pytest.fixture
def watch(administrator):
    stream = StreamFactory(served=True, agreement__customer=administrator.customer)
    return WatchFactory(stream=stream, case_reference="EB 2026/0042")


def at(member, path: str) -> str:
    return f"/organisation/{member.customer_id}/{path}"


def mailed_link() -> str:
    return re.search(r"https?://[^/]+(/invitation/\S+)", mail.outbox[-1].body)[1]


def invite(page, administrator, address: str, role: str) -> str:
    """By the menu, as an administrator does; return the link that was mailed."""
    log_in(page, administrator.user)
    go_by_the_menu(page, "/organisation/")
    page.click(f"main a[href='{at(administrator, 'people/')}']")
    page.click("text=Bjud in någon")
    page.fill("[name=email]", address)
    page.select_option("[name=role]", role)
    page.click("main form button[type=submit]")
    page.wait_for_selector(".message-box--success-short")
    expect(page.locator("main")).to_contain_text(address)
    return mailed_link()


def make_an_account(page, link: str) -> None:
    page.goto(link)
    assert page.url.endswith("/invitation/")
    for name, value in (("first_name", "Eva"), ("last_name", "Ek"), ("username", "eva.ek")):
        page.fill(f"[name={name}]", value)
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    assert wider_than_the_screen(page) <= 0
    page.click("main form button[type=submit]")


def test_who_is_invited_accepts_sets_up_an_app_and_logs_in_with_its_code(page, administrator, settings):
    settings.SECOND_FACTOR_MEMBERS = False
    link = invite(page, administrator, "eva@example.org", Role.CASE_WORKER)
    page.context.clear_cookies()
    settings.SECOND_FACTOR_MEMBERS = True

    make_an_account(page, link)
    page.wait_for_url("**/accounts/second-factor/")
    secret = set_up_an_app(page)
    page.context.clear_cookies()

    member = Member.objects.get(user__username="eva.ek")
    log_in_with_a_code(page, member.user, secret)
    assert "Eva Ek" in page.inner_text("header")
    assert (member.customer, member.role) == (administrator.customer, Role.CASE_WORKER)

    assert Client().get(link).status_code == 410


def test_an_invitation_is_accepted_without_a_script(browser, live_server, page, administrator):
    link = invite(page, administrator, "eva@example.org", Role.AUDITOR)
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", java_script_enabled=False)
    plain = context.new_page()

    make_an_account(plain, link)

    plain.wait_for_selector("h1:has-text('Organisation')")
    assert "granskare" in plain.inner_text("main")
    context.close()


def test_a_role_is_changed_and_a_membership_ended_by_keyboard(page, administrator):
    other = MemberFactory(customer=administrator.customer, user__first_name="Karin", user__last_name="Ek")
    log_in(page, administrator.user)
    page.goto(at(administrator, f"people/{other.pk}/role/"))

    page.focus("[name=role]")
    page.keyboard.type("granskare")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message-box--success-short")
    other.refresh_from_db()
    assert other.role == Role.AUDITOR

    page.goto(at(administrator, f"people/{other.pk}/end/"))
    page.focus("main form button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message-box--success-short")
    assert not Member.objects.filter(pk=other.pk).exists()


def test_a_system_is_let_in_and_its_secret_is_shown_once(page, administrator, watch):
    keeper = MemberFactory(customer=administrator.customer, role=Role.INTEGRATION)
    log_in(page, keeper.user)
    page.goto(at(keeper, "systems/"))
    page.click("text=Lägg till ett system")
    page.fill("[name=name]", "Treserva, produktion")
    page.check("[name=scopes][value=deliveries]")
    page.check("[name=all_streams]")
    page.click("main form button[type=submit]")
    page.wait_for_selector("dd.secret >> nth=1")
    client_id, secret = page.locator("dd.secret").all_inner_texts()
    assert wider_than_the_screen(page) <= 0

    page.click("text=Jag har sparat hemligheten")
    assert secret not in page.content()

    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "deliveries"}
    answer = Client(headers={"Authorization": f"Basic {basic}"}).post("/oauth/token/", form)
    token = answer.json()["access_token"]
    Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/streams/999/deliveries/")

    page.reload()
    page.check("[name=failed]")
    page.click(".filters button")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    rows.locator("a").first.click()
    page.wait_for_url("**/docs/errors#NOT_FOUND")


def test_a_new_secret_is_made_and_the_system_stopped(page, administrator, watch):
    log_in(page, administrator.user)
    page.goto(at(administrator, "systems/new/"))
    page.fill("[name=name]", "Treserva")
    page.check("[name=scopes][value=orders]")
    page.check("[name=all_streams]")
    page.click("main form button[type=submit]")
    page.click("text=Jag har sparat hemligheten")

    page.click("main .button-row a >> text=Ny hemlighet")
    page.check("[name=overlap][value='0']")
    page.click("main form button[type=submit]")
    assert "gäller inte längre" in page.inner_text("main")
    page.click("text=Jag har sparat hemligheten")

    page.click("main .button-row a >> text=Stoppa")
    page.click("main form button[type=submit]")
    page.wait_for_selector("text=är stoppat")
    expect(page.locator("main .button-row a >> text=Ny hemlighet")).to_have_count(0)


def test_the_auditor_reads_who_did_what_and_takes_it_as_a_file(page, administrator, watch):
    worker = MemberFactory(customer=administrator.customer, user__first_name="Karin", user__last_name="Ek")
    client = Client()
    client.force_login(worker.user)
    client.post(f"/watches/{watch.pk}/number/")
    client.post("/watches/find/", {"number": watch.ordered_number, "reason": "en kollegas fråga"})
    auditor = MemberFactory(customer=administrator.customer, role=Role.AUDITOR)

    log_in(page, auditor.user, to="/organisation/")
    page.click(f"main a[href='{at(auditor, 'log/')}']")
    assert "en kollegas fråga" in page.inner_text("table")
    page.fill("[name=case]", "EB 2026/0042")
    page.click(".filters button")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    assert "Karin Ek" in rows.inner_text() and "EB 2026/0042" in rows.inner_text()
    assert "0042" not in page.url and watch.ordered_number not in page.content()

    with page.expect_download() as download:
        page.click("text=Hämta som CSV")
    with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
        assert [row[1] for row in csv.reader(file, delimiter=";")] == ["Vem", "Karin Ek"]


def test_a_delivery_is_explained(page, administrator, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    said = {"case_reference": watch.case_reference, "sections": {"sjukpenningarende": "x"}}
    DisclosureFactory(delivery=delivery, watch=watch, complete=True, **said)
    fetch(delivery=delivery, at=AT, client="system")
    log_in(page, administrator.user)
    page.goto(at(administrator, "deliveries/"))
    page.click("tbody a")

    text = page.inner_text("main")
    assert "EB 2026/0042" in text and "Ny bevakning" in text
    assert watch.ordered_number not in page.content()


def faults_of(page, path: str) -> list[str]:
    """What is wrong with a page in either language: faults against WCAG, words of the other language, and width."""
    found = []
    for language in ("en", "sv"):
        page.context.add_cookies([{"name": "django_language", "value": language, "url": page.url}])
        page.goto(path)
        wide = ["wider than the screen"] if wider_than_the_screen(page) > 0 else []
        found += [f"{path}: {one}" for one in (*against_wcag(page), *in_another_language(page), *wide)]
    return found


def test_every_page_holds_to_wcag_speaks_swedish_and_fits_its_screen(page, administrator, watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    DisclosureFactory(delivery=delivery, watch=watch, complete=True)
    fetch(delivery=delivery, at=AT, client="system")
    other = MemberFactory(customer=administrator.customer, user__last_name="Andersson-Öhman-Lindqvist")
    InvitationFactory(customer=administrator.customer, email="en.ganska.lang.adress@exempelkommun.example.org")
    system = ApiClientFactory(customer=administrator.customer)
    ApiCallFactory(client=system, status=404, code="NOT_FOUND")
    log_in(page, administrator.user)
    own = ("people/", "people/invite/", f"people/{other.pk}/role/", f"people/{other.pk}/end/")
    systems = ("systems/", "systems/new/", *(f"systems/{system.pk}/{one}" for one in ("", "secret/", "stop/")))
    rest = ("log/", "deliveries/", f"deliveries/{delivery.pk}/")
    paths = ["/organisation/", *(at(administrator, one) for one in (*own, *systems, *rest))]

    assert [fault for path in paths for fault in faults_of(page, path)] == []


def test_every_page_of_the_account_does_so_too(page, administrator):
    log_in(page, administrator.user)
    paths = ("identities/", "second-factor/", "password/change/", "sessions/", "2fa/", "reauthenticate/", "logout/")

    assert [fault for path in paths for fault in faults_of(page, f"/accounts/{path}")] == []


def test_every_page_on_the_way_in_does_so_too(page, administrator):
    link = invite(page, administrator, "eva@example.org", Role.CASE_WORKER)
    page.context.clear_cookies()
    page.goto(link)
    reset = ("password/reset/", "password/reset/done/", "password/reset/key/1-a/", "password/reset/key/done/")
    paths = ("/invitation/", *(f"/accounts/{one}" for one in ("login/", "inactive/", *reset)))

    assert [fault for path in paths for fault in faults_of(page, path)] == []
