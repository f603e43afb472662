"""What a first visit weighs: all that is sent to a browser with an empty cache, compressed as in production."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.testcases import LiveServerThread
from django.test.utils import override_settings
from playwright.sync_api import Browser, Page

from lefi.audit.models import Action, record
from subscriptions.models import Member
from tests.browser.conftest import log_in
from tests.documents import delivered, said_of
from tests.factories import ConnectionFactory, MemberFactory, StreamFactory, UserFactory, WatchFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST = 150_000  # bytes
OPEN_PAGES = [
    "/",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/connect/",
    "/connect/?kind=socialnamnd",
    "/connect/?kind=forsakringsbolag",
    "/api/v1/docs/",
    "/connect/{token}/",
    "/docs/errors",
    "/reference/",
    "/reference/intjanandeuppgift/",
    "/reference/sjukpenningarende/",
    "/schema/",
    "/service/",
    "/service/about/",
    "/service/recipients/",
    "/service/technical/",
    "/service/status/",
    "/service/promises/",
    "/nowhere/",
]
MEMBER_PAGES = [
    "/",
    "/watches/",
    "/watches/{watch}/",
    "/watches/find/",
    "/watches/reconfirm/",
    "/orders/",
    "/orders/new/",
    "/orders/file/",
    "/deliveries/",
    "/deliveries/{delivery}/",
    "/agreements/",
    "/agreements/{agreement}/",
    "/notices/",
    "/accounts/2fa/",
    "/accounts/sessions/",
]
ADMINISTRATOR_PAGES = ["people", "systems", "deliveries", "log"]  # of the organisation

STAFF_PAGES = [
    "/admin/",
    "/admin/subscriptions/watch/",
    "/admin/subscriptions/watch/{watch}/change/",
    "/admin/subscriptions/agreement/{agreement}/change/",
    "/admin/deliveries/delivery/{delivery}/change/",
    "/admin/subscriptions/legalbasis/",
    "/admin/subscriptions/legalbasis/add/",
    "/admin/accounts/user/add/",
    "/admin/figures/",
    "/admin/registers/",
]


@pytest.fixture(scope="module")
def static_files(tmp_path_factory) -> Iterator[None]:
    """The static files as a deployment collects and compresses them, served by WhiteNoise."""
    root = tmp_path_factory.mktemp("static")
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    with override_settings(STATIC_ROOT=root, STORAGES=storages, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield


@pytest.fixture(scope="module")
def server(static_files, django_db_setup) -> Iterator[str]:
    """A server without the static files' own handler, which compresses nothing."""
    shared = {one.alias: one for one in connections.all() if one.vendor == "sqlite" and one.is_in_memory_db()}
    for connection in shared.values():
        connection.inc_thread_sharing()
    thread = LiveServerThread("localhost", lambda handler: handler, connections_override=shared)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    assert thread.error is None
    yield f"http://localhost:{thread.port}"
    thread.terminate()
    for connection in shared.values():
        connection.dec_thread_sharing()


@pytest.fixture
def world(transactional_db) -> dict:
    member = MemberFactory(role=Member.Role.INTEGRATION)
    watch = WatchFactory(stream=StreamFactory(served=True, agreement__customer=member.customer))
    return {
        "user": member.user,
        "watch": watch.pk,
        "agreement": watch.stream.agreement_id,
        "delivery": delivered([said_of(watch)], stream=watch.stream).pk,
        "token": ConnectionFactory().token,
    }


def sent_for(page: Page, address: str) -> int:
    """The bytes sent for a page and all that it loads, heads included, to a browser with an empty cache."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address)
    page.evaluate("document.fonts.ready")
    session.detach()
    return round(sum(sizes))


def too_heavy(browser: Browser, server: str, addresses: list[str], user=None) -> dict[str, int]:
    context = browser.new_context(base_url=server, locale="sv-SE")
    page = context.new_page()
    if user is not None:
        log_in(page, user)
    weights = {address: sent_for(page, address) for address in addresses}
    context.close()
    assert min(weights.values()) > 50_000  # the style sheets and the typeface are counted each time
    return {address: weight for address, weight in weights.items() if weight > MOST}


def test_no_open_page_is_heavy(browser, server, world):
    assert too_heavy(browser, server, [one.format(**world) for one in OPEN_PAGES]) == {}


def test_no_page_of_the_portal_is_heavy(browser, server, world):
    assert too_heavy(browser, server, [one.format(**world) for one in MEMBER_PAGES], world["user"]) == {}


def test_no_page_of_the_admin_is_heavy(browser, server, world):
    staff = UserFactory(is_staff=True, is_superuser=True)

    assert too_heavy(browser, server, [one.format(**world) for one in STAFF_PAGES], staff) == {}


def test_no_page_of_an_organisation_is_heavy_with_a_hundred_acts_in_its_log(browser, server, world):
    administrator = MemberFactory(role=Member.Role.ADMINISTRATOR)
    for _ in range(100):
        record(
            action=Action.READ,
            object_type="subscriptions.watch",
            object_id=world["watch"],
            actor=administrator.user,
            customer_id=administrator.customer_id,
            reason="portal watch list",
        )
    pages = [f"/organisation/{administrator.customer_id}/{one}/" for one in ADMINISTRATOR_PAGES]

    assert too_heavy(browser, server, pages, administrator.user) == {}
