"""What holds for every page: the frame, the content security policy, languages, and who gets in."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from subscriptions.lawwords import STATUTES
from subscriptions.models import Member
from tests.documents import delivered, said_of
from tests.factories import PASSWORD, ConnectionFactory, NoticeFactory, StreamFactory, WatchFactory

OPEN_PAGES = [
    "/",
    "/service/",
    "/service/about/",
    "/service/recipients/",
    "/service/technical/",
    "/service/technical/start/",
    "/service/promises/",
    "/service/status/",
    "/service/releases/",
    "/service/notices/",
    "/service/accessibility/",
    "/service/privacy/",
    "/service/contact/",
    "/reference/",
    "/schema/",
    "/docs/errors",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/accounts/inactive/",
    "/connect/",
    "/connect/?kind=arbetsgivare",
    "/connect/?kind=socialnamnd",
]
ACCOUNT_PAGES = [
    "/accounts/logout/",
    "/accounts/reauthenticate/",
    "/accounts/password/change/",
    "/accounts/sessions/",
    "/accounts/second-factor/",
    "/accounts/identities/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/generate/",
]
PORTAL_PAGES = [
    "/",
    "/watches/",
    "/watches/find/",
    "/watches/{watch}/",
    "/watches/order/?kind=cancel&watch={watch}",
    "/watches/{watch}/case/",
    "/watches/cases/",
    "/orders/",
    "/orders/new/",
    "/orders/file/",
    "/orders/stock/",
    "/deliveries/",
    "/deliveries/{delivery}/",
    "/deliveries/{delivery}/?print=apart",
    "/watches/{watch}/told/",
    "/agreements/",
    "/agreements/{agreement}/",
    "/agreements/{agreement}/document/",
    "/notices/",
    "/connect/{token}/",
]
# The official text of the law, and the authorities that supervise us.
ELSEWHERE = (STATUTES, "https://www.digg.se/", "https://www.imy.se/")
STRICT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "frame-ancestors 'none'",
}


class Faults(HTMLParser):
    """Collects what a strict policy forbids: inline scripts and styles, handlers, and addresses elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.static: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        data = named.get("type") == "application/json"
        if tag == "style" or (tag == "script" and not named.get("src") and not data):
            self.found.append(f"inline {tag}")
        self.found += [f"{tag} {name}" for name in named if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            address = named.get(name) or ""
            followed = tag == "a" and address.startswith(ELSEWHERE)  # a link to follow loads nothing
            if re.match(r"(\w+:)?//|data:|javascript:", address) and not followed:
                self.found.append(f"{tag} {name} {address}")
            if address.startswith(settings.STATIC_URL):
                self.static.add(address.removeprefix(settings.STATIC_URL).partition("#")[0])


def fault_free(answer, status: int = 200) -> str:
    """Assert that a page holds to the strict policy, and that its files exist; return it."""
    assert answer.status_code == status
    policy = {part.strip() for part in answer["Content-Security-Policy"].split(";")}
    assert policy >= STRICT
    assert "unsafe" not in answer["Content-Security-Policy"]
    page = answer.content.decode()
    faults = Faults(page)
    assert faults.found == []
    assert [name for name in faults.static if not finders.find(name)] == []
    return page


@pytest.fixture
def world(client, member):
    """A member with the role integration who has logged in by password, with a watch and a delivery."""
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    stream = StreamFactory(served=True, agreement__customer=member.customer)
    watch = WatchFactory(stream=stream, case_reference="EB 2026/0042")
    delivery = delivered([said_of(watch)], stream=watch.stream)
    client.post("/accounts/login/", {"login": member.user.username, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    agreement = watch.stream.agreement
    NoticeFactory(customer=member.customer, details={"agreement": agreement.code})
    token = ConnectionFactory().token
    return {"delivery": delivery.pk, "watch": watch.pk, "agreement": agreement.pk, "token": token}


@pytest.mark.parametrize("url", OPEN_PAGES)
def test_open_pages_hold_to_the_strict_policy(client, db, url):
    fault_free(client.get(url))


@pytest.mark.parametrize("url", ACCOUNT_PAGES)
def test_account_pages_hold_to_the_strict_policy(client, world, url):
    fault_free(client.get(url))


@pytest.mark.parametrize("url", PORTAL_PAGES)
def test_portal_pages_hold_to_the_strict_policy(client, world, url):
    fault_free(client.get(url.format(**world)))


def test_pages_that_answer_a_form_hold_to_the_strict_policy(client, world):
    fault_free(client.post(f"/watches/{world['watch']}/number/"))
    fault_free(client.post("/watches/find/", {"number": "1", "reason": ""}))
    fault_free(client.post("/accounts/password/change/", {}))
    draft = client.post("/connect/", {"kind": "socialnamnd"}).url
    fault_free(client.post(draft, {"organisation_number": "1"}))
    for rest in ("information", "people", "deliveries", "annexes", "summary", "later"):
        fault_free(client.get(draft.replace("organisation", rest)))


@pytest.mark.parametrize("url", ["/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/"])
def test_admin_pages_hold_to_the_strict_policy_in_the_themes_colours(client, staff, url):
    client.force_login(staff)

    page = fault_free(client.get(url))

    assert "admin-theme/admin.css" in page
    assert "dark_mode.css" not in page


def test_faults_are_told_in_the_frame(client, world, stranger):
    assert "LEFI Prenumeration" in fault_free(client.get("/deliveries/999999/"), status=404)
    assert "LEFI Prenumeration" in fault_free(client.get("/admin/login/"), status=403)


def test_a_crash_is_told_in_the_frame_without_its_cause(client, db, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("196408233234")

    client.raise_request_exception = False
    monkeypatch.setattr("allauth.account.views.LoginView.get_context_data", crash)

    page = fault_free(client.get("/accounts/login/"), status=500)

    assert "196408233234" not in page
    assert "LEFI Prenumeration" in page


def test_a_form_without_its_token_is_told_in_the_frame(member):
    careful = Client(enforce_csrf_checks=True)

    assert "LEFI Prenumeration" in fault_free(careful.post("/accounts/login/", {}), status=403)


def test_pages_are_in_swedish_until_the_reader_chooses_english(client, db):
    assert '<html lang="sv">' in client.get("/accounts/login/").content.decode()

    answer = client.post("/i18n/setlang/", {"language": "en", "next": "/accounts/login/"}, follow=True)

    assert answer.redirect_chain == [("/accounts/login/", 302)]
    assert '<html lang="en">' in answer.content.decode()
    assert 'value="sv"' in answer.content.decode()


def test_benefits_are_named_in_the_readers_language(client, world):
    assert "Sjukpenning" in client.get("/watches/").content.decode()

    client.post("/i18n/setlang/", {"language": "en"})

    assert "Sickness benefit" in client.get("/watches/").content.decode()


def test_the_menu_marks_the_page_shown_and_those_below_it(client, world):
    def marked(url: str) -> list[str]:
        return re.findall(r'href="([^"]*)"\s+aria-current="page"', client.get(url).content.decode())

    assert marked("/") == ["/"]
    assert marked("/watches/find/") == ["/watches/"]
    assert marked("/accounts/sessions/") == ["/accounts/2fa/"]
    assert marked("/service/status/") == ["/service/"]


@pytest.mark.parametrize(
    ("url", "above"),
    [
        ("/watches/{watch}/", ["/watches/"]),
        ("/watches/find/", ["/watches/"]),
        ("/deliveries/{delivery}/", ["/deliveries/"]),
        ("/agreements/{agreement}/", ["/agreements/"]),
        ("/orders/new/", ["/orders/"]),
        ("/connect/{token}/", ["/connect/"]),
        ("/reference/person/", ["/service/", "/reference/"]),
        ("/service/technical/start/", ["/service/", "/service/technical/"]),
        ("/schema/", ["/service/", "/service/technical/"]),
    ],
)
def test_a_deep_page_leads_to_those_above_it(client, world, url, above):
    page = client.get(url.format(**world)).content.decode()

    crumbs = page.partition('<nav class="breadcrumbs"')[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', crumbs) == above


def test_nobody_signs_up(client, db, django_user_model):
    answer = client.post("/accounts/signup/", {"username": "ny", "password1": PASSWORD})

    assert not django_user_model.objects.exists()
    assert "password1" not in answer.content.decode()
    assert "signup" not in client.get("/accounts/login/").content.decode()


def test_the_admin_has_no_login_of_its_own(client, member):
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")

    answer = client.get("/admin/login/")
    assert answer.url.startswith("/accounts/login/")

    client.force_login(member.user)
    assert client.get("/admin/login/").status_code == 403


def test_guessing_passwords_is_stopped_also_from_another_address(client, member):
    def attempt(password: str, address: str):
        form = {"login": member.user.username, "password": password}
        return client.post("/accounts/login/", form, REMOTE_ADDR=address)

    for _ in range(5):
        attempt("fel lösenord", "192.0.2.1")

    assert attempt(PASSWORD, "192.0.2.2").status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_field_tells_its_error_beside_it_and_to_screen_readers(client, world):
    page = client.post("/watches/find/", {"number": "1", "reason": "x"}).content.decode()

    assert 'aria-invalid="true"' in page
    described = re.search(r'aria-describedby="([^"]*)"', page)[1].split()
    assert all(f'id="{one}"' in page for one in described)


def test_vendored_files_are_those_whose_checksums_are_recorded():
    folder = Path(settings.BASE_DIR, "static", "vendor")
    recorded = dict(reversed(line.split(maxsplit=1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    own = {"SHA256SUMS", "README.md", "update.sh"}
    present = {
        f"./{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in own
    }

    assert present == recorded


def test_style_sheets_of_our_own_ask_for_nothing_outside():
    static = Path(settings.BASE_DIR, "static")
    for path in [*static.glob("*.css"), *static.glob("admin-theme/*.css")]:
        for address in re.findall(r'url\("?([^")]*)', path.read_text()):
            assert (path.parent / address).resolve().is_file()
