"""What a first visit weighs: all that is sent to a browser with an empty cache, compressed as in production."""

import json
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import connections
from django.test.testcases import LiveServerThread
from django.test.utils import override_settings
from playwright.sync_api import Browser, Page

from benefits.models import BenefitPeriod, Person
from lefi.audit.models import Action, record
from subscriptions.models import Member, OrderLine
from tests.browser.conftest import log_in
from tests.documents import SICKNESS_CASE, delivered, said_of
from tests.factories import (
    AT,
    BenefitPeriodFactory,
    ConnectionFactory,
    DeliveryFactory,
    DisclosureFactory,
    HeldSliceFactory,
    ImportFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST = 150_000  # bytes
PERSONS, LINES = 25, 50  # on a page of a delivery, and of an order
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
    "/watches/file/",
    "/watches/find/",
    "/watches/reconfirm/",
    "/orders/",
    "/orders/{order}/",
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
    "/admin/subscriptions/agreement/{agreement}/end/",
    "/admin/deliveries/heldslice/{slice}/release/",
    "/admin/benefits/person/search/",
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
    """A customer whose pages are full: of a delivery's persons, each with three cases, and of an order's lines."""
    member = MemberFactory(role=Member.Role.INTEGRATION)
    stream = StreamFactory(served=True, agreement__customer=member.customer)
    done = {"status": "done", "line_count": LINES, "lines_done": LINES, "done_at": AT, "counts": {"ACCEPTED": LINES}}
    order = OrderFactory(stream=stream, channel="portal", ordered_by=member.user, **done)
    watches = WatchFactory.create_batch(LINES, stream=stream, case_reference="EB 2026/0042")
    lines = zip(watches, range(1, LINES + 1), strict=True)
    OrderLine.objects.bulk_create(
        OrderLineFactory.build(order=order, watch=watch, line=line, answer="ACCEPTED") for watch, line in lines
    )
    cases = [SICKNESS_CASE | {"startades": f"2026-0{month}-01"} for month in (7, 8, 9)]
    told = sorted(watches, key=lambda one: one.ordered_number)[:PERSONS]
    return {
        "user": member.user,
        "watch": told[0].pk,
        "agreement": stream.agreement_id,
        "order": order.pk,
        "delivery": delivered([said_of(one, items=cases) for one in told], stream=stream).pk,
        "slice": HeldSliceFactory(stream=stream).pk,
        "token": ConnectionFactory().token,
    }


@pytest.fixture
def known(transactional_db) -> Person:
    """A person of whom much is known, and of whom three customers have been told again and again."""
    ImportFactory(number=1, sequence=1)
    person = PersonFactory()
    BenefitPeriod.objects.bulk_create(
        BenefitPeriodFactory.build(
            person=person,
            content=json.dumps(SICKNESS_CASE),
            starts_on=date(2024, 1, 1) + timedelta(days=60 * n),
            ends_on=date(2024, 2, 15) + timedelta(days=60 * n),
        )
        for n in range(15)
    )
    for name in ("Norra kommunen", "Södra kommunen", "Trygga Liv AB"):
        watch = WatchFactory(person=person, stream__agreement__customer__name=name)
        for n in range(1, 9):
            released = AT - timedelta(days=20 * n)
            DisclosureFactory(
                watch=watch, delivery=DeliveryFactory(stream=watch.stream, number=n, released_at=released)
            )
    return person


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


def person_page(page: Page, person: Person) -> str:
    """The address of a person's page, which the reader is led to by the number and a reason."""
    page.goto("/admin/benefits/person/search/")
    page.fill("[name=number]", person.first_number)
    page.fill("[name=reason]", "Ärende 2026-17")
    page.click("#content [type=submit]")
    page.wait_for_selector("svg.timeline")
    return page.url


def too_heavy(
    browser: Browser, server: str, addresses: list[str], user=None, person: Person | None = None
) -> dict[str, int]:
    """The pages over the limit, with their bytes. `person`: whose page is looked up and weighed besides."""
    context = browser.new_context(base_url=server, locale="sv-SE")
    page = context.new_page()
    if user is not None:
        log_in(page, user)
    if person is not None:
        addresses = [*addresses, person_page(page, person)]
    weights = {address: sent_for(page, address) for address in addresses}
    context.close()
    assert min(weights.values()) > 50_000  # the style sheets and the typeface are counted each time
    return {address: weight for address, weight in weights.items() if weight > MOST}


def test_no_open_page_is_heavy(browser, server, world):
    assert too_heavy(browser, server, [one.format(**world) for one in OPEN_PAGES]) == {}


def test_no_page_of_the_portal_is_heavy(browser, server, world, client):
    client.force_login(world["user"])
    assert len(client.get(f"/deliveries/{world['delivery']}/").context["persons"]) == PERSONS
    assert len(client.get(f"/orders/{world['order']}/").context["rows"]) == LINES

    assert too_heavy(browser, server, [one.format(**world) for one in MEMBER_PAGES], world["user"]) == {}


def test_no_page_of_the_admin_is_heavy(browser, server, world, known):
    staff = UserFactory(is_staff=True, is_superuser=True)

    assert too_heavy(browser, server, [one.format(**world) for one in STAFF_PAGES], staff, known) == {}


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
