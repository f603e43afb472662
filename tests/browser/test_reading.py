"""Reading what came, as a case worker meets it, in Chromium at two widths."""

import pytest
from playwright.sync_api import expect

from benefits.catalogue import catalogue
from benefits.content import block_digest
from deliveries.changes import BlockChange, Item, Known, compare
from deliveries.document import Block, Entry, Status
from deliveries.models import Delivery, Disclosure
from subscriptions.models import Member
from tests.browser.conftest import log_in, wider_than_the_screen
from tests.documents import CASES, SICKNESS_CASE, delivered
from tests.factories import (
    AT,
    DisclosureFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    StoredDecisionFactory,
    StreamFactory,
    WatchFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture
def member(transactional_db):
    return MemberFactory()


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer, channel="portal")


def longer(case: dict, end: str) -> dict:
    decision = case["beslut"][0]
    return {**case, "beslut": [{**decision, "period": {**decision["period"], "till": end}}]}


def entry(watch, change: BlockChange, before: list[str], now: list[str], *, complete: bool) -> Entry:
    """What a document says of a watch's sickness cases."""
    said = Entry(number=watch.ordered_number, complete=complete)
    order_name = catalogue().benefits[watch.benefit].order_name
    if complete:
        said.statuses.append(Status(watch=watch.pk, benefit=order_name, code="1", reason=""))
    fore, after = block_digest(CASES.name, before), block_digest(CASES.name, now)
    said.blocks.append(Block(watch.pk, watch.benefit, CASES, fore, after, change))
    return said


@pytest.fixture
def told(stream, member):
    """Three persons, of the first of whom one delivery tells everything and the next that it has changed."""
    orderers = [member.user, None, None]
    watches = [
        WatchFactory(stream=stream, case_reference=f"EB 2026/000{n}", ordered_by=one) for n, one in enumerate(orderers)
    ]
    OrderLineFactory(order=OrderFactory(stream=stream, ordered_by=member.user), watch=watches[0], answer="ACCEPTED")
    old, new = "a" * 64, "b" * 64
    first, second = Item(Known(old), SICKNESS_CASE), Item(Known(new), longer(SICKNESS_CASE, "2026-12-15"))
    whole = [entry(one, compare([], [first]), [], [old], complete=True) for one in watches]
    changed = [entry(watches[0], compare([Known(old)], [second]), [old], [new], complete=False)]
    decision = StoredDecisionFactory(classes=[], profile={"basis": {"outcomes": []}})
    made = [
        delivered(whole, stream=stream, number=1, first_fetched_at=AT),
        delivered(changed, stream=stream, number=2),
    ]
    for delivery, ids, watched in ((made[0], [old], watches), (made[1], [new], watches[:1])):
        for watch in watched:
            DisclosureFactory(
                delivery=delivery,
                watch=watch,
                person=watch.person,
                customer=member.customer,
                decision=decision,
                outcome=Disclosure.Outcome.SENT,
                complete=delivery.number == 1,
                sections={CASES.name: block_digest(CASES.name, ids)},
                items=1,
            )
    return made


def test_what_has_changed_is_read_beside_what_was_told(page, member, told):
    log_in(page, member.user)
    page.click("main .task a >> nth=0")
    page.wait_for_url(f"**/deliveries/{told[1].pk}/")

    beside = page.locator(".beside > div")
    expect(beside.nth(0)).to_contain_text("2026-10-01 – 2026-10-31")
    expect(beside.nth(1)).to_contain_text("2026-10-01 – 2026-12-15")
    page.click(".said summary")
    expect(page.locator(".differences tbody tr")).to_have_count(1)
    expect(page.locator(".differences tbody tr")).to_contain_text("Beslut › Period")
    assert wider_than_the_screen(page) <= 0


def test_a_person_is_jumped_to_and_a_case_is_found(page, member, told):
    log_in(page, member.user, to=f"/deliveries/{told[0].pk}/")
    expect(page.locator("article.person")).to_have_count(3)

    page.click(".jump a >> nth=2")
    assert page.url.endswith("#person-3")
    page.fill("[name=q]", "0001")
    page.keyboard.press("Enter")
    page.wait_for_url("**?sought=*")
    expect(page.locator("article.person")).to_have_count(1)
    assert "0001" not in page.url

    page.click("a[href='?by=me']")
    page.wait_for_url("**?by=me")
    expect(page.locator("article.person")).to_have_count(1)
    expect(page.locator("article.person")).to_contain_text("EB 2026/0000")


def test_all_that_has_been_told_of_a_person_is_one_step_away(page, member, told):
    log_in(page, member.user, to=f"/deliveries/{told[1].pk}/")

    page.click(".person__facts a[href$='/told/']")
    page.wait_for_url("**/told/")

    expect(page.locator(".person__body")).to_contain_text(f"Sjukpenning: beviljat 50{SPACE}%, 2026-10-01 – 2026-12-15")
    assert page.locator("main tbody tr").count() >= 2
    assert wider_than_the_screen(page) <= 0


def test_several_deliveries_are_acknowledged_by_keyboard_alone(page, member, told):
    Delivery.objects.update(first_fetched_at=AT)
    log_in(page, member.user, to="/deliveries/")

    for box in page.locator("[name=delivery]").all():
        box.focus()
        page.keyboard.press("Space")
    page.locator("main form button[type=submit] >> nth=-1").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".message-box--success-short")

    assert Delivery.objects.filter(acknowledged_at=None).count() == 0
    expect(page.locator("[name=delivery]")).to_have_count(0)


def test_a_delivery_is_opened_and_acknowledged_without_scripts(browser, live_server, member, told):
    context = browser.new_context(base_url=live_server.url, locale="sv-SE", java_script_enabled=False)
    page = context.new_page()
    log_in(page, member.user)

    page.click("main .task a >> nth=0")
    page.wait_for_url(f"**/deliveries/{told[1].pk}/")
    page.click(".said summary")
    expect(page.locator(".differences tbody tr")).to_be_visible()
    page.click("form[action$='/acknowledge/'] button")

    page.wait_for_selector(".message-box--success-short")
    told[1].refresh_from_db()
    assert told[1].acknowledged_at is not None
    context.close()


def test_on_paper_each_person_begins_a_page_if_wanted(page, member, told):
    log_in(page, member.user, to=f"/deliveries/{told[0].pk}/?print=together")
    page.click("a[href*='print=apart']")
    page.wait_for_url("**print=apart")
    page.emulate_media(media="print")

    breaks = page.evaluate("getComputedStyle(document.querySelectorAll('article.person')[1]).breakBefore")

    assert breaks == "page"
    assert not page.is_visible(".page-header") and not page.is_visible(".screen-only >> nth=0")
    assert page.is_visible("article.person >> nth=0")


def test_the_table_is_downloaded_by_who_handles_files(page, member, told):
    Member.objects.update(role=Member.Role.INTEGRATION)
    log_in(page, member.user, to=f"/deliveries/{told[0].pk}/")

    with page.expect_download() as download:
        page.click("form[action$='/file/'] button[value=csv]")

    assert download.value.suggested_filename.endswith("-00001.csv")
