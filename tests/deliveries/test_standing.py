"""Which watches are proposed to be ended, why, until when, and who sees it."""

import re
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benefits.models import PersonFacts, Protection
from deliveries import standing
from deliveries.models import ClosingProposal, Delivery
from deliveries.release import take_back
from deliveries.services import fetch
from deliveries.standing import StandingRefused, note, tell_customer
from lefi.audit.models import Action, AuditEvent
from subscriptions import notices
from subscriptions.models import Notice, Order, Stream, Watch
from tests.factories import (
    AT,
    DAY,
    ClosingProposalFactory,
    DeliveryFactory,
    DisclosureFactory,
    FetchFactory,
    LegalBasisFactory,
    ScopeFactory,
    StreamFactory,
    ToldFactory,
    UserFactory,
    WatchFactory,
)
from tests.histories.sources import SJP, sickness
from tests.histories.world import World

URL = "/watches/to-close/"
ADMIN = "/admin/deliveries/closingproposal/"


def ago(days: int):
    return AT - timedelta(days=days)


@pytest.fixture
def stream(member) -> Stream:
    return StreamFactory(served=True, agreement__customer=member.customer)


def watch(stream: Stream, opened: int = 400, **said) -> Watch:
    """A watch that was opened so many days ago, a month back from then."""
    start = (ago(opened) - timedelta(days=30)).date()
    return WatchFactory(**{"stream": stream, "opened_at": ago(opened), "from_date": start} | said)


def told(one: Watch, days: int, items: int = 1, outcome: str = "sent", **delivery) -> Delivery:
    made = DeliveryFactory(stream=one.stream, released_at=ago(days), first_fetched_at=AT, **delivery)
    DisclosureFactory(watch=one, delivery=made, items=items, outcome=outcome)
    return made


def noted(at=AT, day: date = DAY) -> set[tuple]:
    note(day=day, at=at)
    return set(ClosingProposal.objects.values_list("watch", "reason", "detail"))


def proposed(one: Watch, reason: str = "DORMANT", detail: str = "") -> tuple:
    return one.pk, reason, detail


# Why


@pytest.mark.parametrize(
    ("opened", "tellings", "dormant"),
    [
        (364, [], False),
        (366, [], True),
        (800, [(366, 1)], True),
        (800, [(366, 1), (364, 1)], False),
        (800, [(364, 0)], True),  # told, but nothing of content
        (366, [(1, 1)], False),
    ],
)
def test_a_watch_that_has_been_told_nothing_for_a_year_is_dormant(stream, opened, tellings, dormant):
    one = watch(stream, opened)
    for days, items in tellings:
        told(one, days, items)

    assert noted() == ({proposed(one)} if dormant else set())


def test_since_is_when_it_was_last_told_something_or_opened(stream):
    never, once = watch(stream, 500), watch(stream, 900)
    told(once, 600)
    told(once, 700)
    noted()

    since = dict(ClosingProposal.objects.values_list("watch", "since"))
    assert since == {never.pk: ago(500), once.pk: ago(600)}


def test_what_was_withheld_or_recalled_was_not_told(stream):
    withheld, recalled = watch(stream), watch(stream)
    told(withheld, 10, outcome="withheld")
    delivery = DeliveryFactory(stream=stream, released_at=ago(10), recalled_at=ago(9))
    DisclosureFactory(watch=recalled, delivery=delivery, items=1)

    assert noted() == {proposed(withheld), proposed(recalled)}


def test_an_ended_watch_is_never_proposed(stream):
    watch(stream, ended_at=AT, end_reason="UPPHORD", ended_as_of=1)
    assert noted() == set()


@pytest.mark.parametrize(
    ("waits", "fetched", "unused"),
    [(181, None, True), (179, None, False), (400, 181, True), (400, 179, False), (None, 300, False)],
)
def test_watches_are_unused_where_deliveries_wait_and_nobody_has_fetched_any_for_half_a_year(
    stream, waits, fetched, unused
):
    one = watch(stream, 200)
    if waits:
        DeliveryFactory(stream=stream, released_at=ago(waits))
    if fetched:
        delivery = DeliveryFactory(stream=stream, released_at=ago(fetched), first_fetched_at=ago(fetched))
        FetchFactory(delivery=delivery, at=ago(fetched))
        FetchFactory(delivery=delivery, at=ago(1), refusal="BLOCKED")
        FetchFactory(at=ago(1))  # another stream's

    assert noted() == ({proposed(one, "UNUSED")} if unused else set())
    if unused:
        assert ClosingProposal.objects.get().since == ago(fetched or waits)


@pytest.mark.parametrize(
    ("days", "broad"), [(730, False), (760, False), (762, True)], ids=["agreed", "within the grace", "too far"]
)
def test_a_from_date_further_back_than_the_agreement_allows_now_is_over_broad(stream, days, broad):
    one = watch(stream, 100, from_date=(ago(100) - timedelta(days=days)).date())
    assert noted() == ({proposed(one, "OVER_BROAD", "LOOK_BACK")} if broad else set())


def test_the_look_back_is_that_of_the_newest_approved_scope(stream):
    one = watch(stream, 100, from_date=(ago(100) - timedelta(days=200)).date())
    ScopeFactory(agreement=stream.agreement, version=2, look_back_days=100, approved_at=ago(5))
    ScopeFactory(agreement=stream.agreement, version=3, look_back_days=3000, approved_at=None)

    assert noted() == {proposed(one, "OVER_BROAD", "LOOK_BACK")}
    assert ClosingProposal.objects.get().since == ago(5)


@pytest.mark.parametrize(("days", "broad"), [(89, False), (91, True)])
def test_a_benefit_that_it_was_said_long_ago_may_not_be_told_is_over_broad(stream, days, broad):
    one, active = watch(stream, 100), watch(stream, 100)
    delivery = DeliveryFactory(stream=stream, released_at=ago(days), first_fetched_at=AT)
    ToldFactory(watch=one, section="@status", digest="2", delivery=delivery)
    ToldFactory(watch=active, section="@status", digest="2", delivery=delivery, replaced_by=delivery)

    assert noted() == ({proposed(one, "OVER_BROAD", "REFUSED")} if broad else set())


@pytest.mark.parametrize("need", ["case", "need"])
def test_a_watch_without_the_reference_that_is_asked_for_now_is_over_broad(stream, need):
    without = watch(stream, 100)
    watch(stream, 100, **{f"{need}_reference": "A1"})
    LegalBasisFactory(version=2, needs=[f"{need}_reference"], valid_from=DAY, approved_at=ago(3))

    assert noted(day=DAY - timedelta(days=1)) == set()
    assert noted() == {proposed(without, "OVER_BROAD", "REFERENCE")}


def test_one_over_broad_proposal_stands_for_each_watch_and_its_way_can_change(stream):
    one = watch(stream, 100, from_date=date(2020, 1, 1))
    assert noted() == {proposed(one, "OVER_BROAD", "LOOK_BACK")}

    LegalBasisFactory(version=2, needs=["case_reference"])
    assert noted() == {proposed(one, "OVER_BROAD", "REFERENCE")}


def test_protection_and_death_change_no_proposal(stream):
    """The same whoever the person is: else what is missing from the list would tell."""
    dormant, broad = watch(stream), watch(stream, 100, from_date=date(2020, 1, 1))
    before = noted()

    PersonFacts.objects.filter(person=dormant.person).update(protection=Protection.MARKED, died_on="2024")
    PersonFacts.objects.filter(person=broad.person).update(protection=Protection.REGISTRATION)
    ClosingProposal.objects.all().delete()

    assert noted() == before == {proposed(dormant), proposed(broad, "OVER_BROAD", "LOOK_BACK")}


# How long


def test_noting_again_changes_nothing(stream):
    watch(stream)
    noted()
    before = list(ClosingProposal.objects.values())

    assert note(day=DAY, at=AT + timedelta(days=7)) == {"gone": 0, "noted": 0}
    assert list(ClosingProposal.objects.values()) == before


def test_a_proposal_goes_with_its_reason_and_with_its_watch(stream):
    one, other = watch(stream), watch(stream)
    noted()
    told(one, 1)
    Watch.objects.filter(pk=other.pk).update(ended_at=AT, end_reason="UPPHORD", ended_as_of=1)

    assert not ClosingProposal.objects.waiting(DAY).filter(watch=other).exists()
    assert noted() == set()


def test_a_delivery_that_tells_something_ends_the_dormancy_at_once(world: World):
    world.watch(world.streams[0], 0, SJP)
    world.night()
    fetch(delivery=Delivery.objects.get(stream=world.streams[0]), at=world.now)
    world.next_day(400)
    world.watch(world.streams[0], 1, SJP)
    note(day=world.day, at=world.now)
    assert ClosingProposal.objects.count() == 1

    world.night()
    assert ClosingProposal.objects.count() == 1  # heartbeat and another's first
    person = world.sources.people[0]
    person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=3), 2))
    world.sources.hand_over(world.now, person)
    world.night()
    assert not ClosingProposal.objects.exists()

    take_back(world.streams[0], Delivery.objects.filter(stream=world.streams[0]).latest("number").number, world.now)
    note(day=world.day, at=world.now)
    assert ClosingProposal.objects.count() == 1


def test_what_is_kept_is_let_be_for_a_year(stream, member):
    one = watch(stream)
    noted()
    standing.keep_chosen(chosen=ClosingProposal.objects.all(), why="Ärendet pågår.", by=member.user, day=DAY)
    noted()

    def waits(days: int) -> bool:
        return ClosingProposal.objects.waiting(DAY + timedelta(days=days)).filter(watch=one).exists()

    assert [waits(days) for days in (0, 365, 366)] == [False, False, True]


def test_the_statements_follow_neither_watches_nor_streams(stream):
    def statements() -> int:
        with CaptureQueriesContext(connection) as found:
            note(day=DAY, at=AT)
        return len(found)

    watch(stream)
    few = statements()
    for _ in range(3):
        watch(StreamFactory(served=True))
        watch(stream, 100, from_date=date(2020, 1, 1))

    assert statements() == few


def test_the_command_says_how_many(stream):
    watch(stream, 5000)
    out = StringIO()
    call_command("watches_to_close", stdout=out)
    assert "noted 1" in out.getvalue()


# Who is told


def test_a_customer_is_told_once_how_many_there_are_and_of_none_by_name(stream):
    broad = watch(stream, from_date=date(2020, 1, 1))
    watch(stream)
    watch(StreamFactory(served=True))
    noted()

    made = tell_customer(stream=stream, day=DAY, at=AT)

    assert (made.customer, made.details) == (
        stream.agreement.customer,
        {"agreement": stream.agreement.code, "watches": 2},
    )
    assert "2 " in notices.body(made)
    assert broad.ordered_number not in notices.body(made)
    with pytest.raises(StandingRefused, match="NOTHING_TO_TELL"):
        tell_customer(stream=stream, day=DAY, at=AT)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def page(client, **query) -> str:
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return re.sub("[ \n]+", " ", answer.content.decode())


def test_a_member_sees_the_proposals_of_its_own_customer_masked(client, stream):
    mine, other = watch(stream, case_reference="2026-7"), watch(StreamFactory(served=True), case_reference="2026-8")
    noted()

    text = page(client)

    assert "2026-7" in text and "2026-8" not in text
    assert mine.ordered_number not in text and other.ordered_number not in text


def test_the_chosen_are_ended_by_an_order_in_each_stream(client, member, stream):
    ended, left = watch(stream), watch(stream)
    elsewhere = watch(StreamFactory(served=True, agreement__customer=member.customer))
    strangers = watch(StreamFactory(served=True))
    noted()
    chosen = ClosingProposal.objects.filter(watch__in=[ended, elsewhere, strangers]).values_list("pk", flat=True)

    answer = client.post(URL, {"end": "1", "proposal": [*chosen, "x", "9" * 30]})

    assert answer.status_code == 302
    assert set(Watch.objects.open()) == {left, strangers}
    assert {(one.stream, one.ordered_by, one.channel) for one in Order.objects.all()} == {
        (stream, member.user, "portal"),
        (elsewhere.stream, member.user, "portal"),
    }
    assert Watch.objects.get(pk=ended.pk).end_reason == "AVBESTALLD"


def test_a_watch_with_two_proposals_is_ended_once(client, stream):
    one = watch(stream, from_date=date(2020, 1, 1))
    assert len(noted()) == 2

    client.post(URL, {"end": "1", "proposal": list(ClosingProposal.objects.values_list("pk", flat=True))})

    assert Order.objects.get().counts == {"CANCELLED": 1}
    assert not Watch.objects.open().filter(pk=one.pk).exists()


def test_the_chosen_are_kept_with_a_reason_that_names_nobody(client, member, stream):
    one = watch(stream)
    noted()
    proposal = ClosingProposal.objects.get()

    for why in ("", "kort", f"behövs för {one.ordered_number}"):
        answer = client.post(URL, {"keep": "1", "proposal": proposal.pk, "why": why})
        assert answer.status_code == 200
        assert "checked" in answer.content.decode()
    assert client.post(URL, {"keep": "1", "proposal": proposal.pk, "why": "Ärendet pågår."}).status_code == 302

    proposal.refresh_from_db()
    assert (proposal.kept_why, proposal.kept_by) == ("Ärendet pågår.", member.user)
    assert AuditEvent.objects.get(action=Action.ACKNOWLEDGE).details == {"watches": 1}
    assert Watch.objects.open().exists()


def test_strangers_keep_nothing_of_others(client, stream):
    watch(StreamFactory(served=True))
    noted()
    client.post(URL, {"keep": "1", "proposal": ClosingProposal.objects.get().pk, "why": "Ärendet pågår."})
    assert ClosingProposal.objects.get().kept_until is None


def test_a_long_list_costs_as_many_queries_as_a_short_one(client, stream):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            page(client)
        return len(found)

    watch(stream)
    noted()
    few = queries()
    for _ in range(5):
        watch(stream)
    watch(StreamFactory(served=True, agreement__customer=stream.agreement.customer))
    noted()

    assert queries() == few


def test_pages_go_on_over_all_of_a_users_streams_in_the_order_in_which_watches_were_noted(client, member, stream):
    second = StreamFactory(agreement__customer=member.customer)
    made = [ClosingProposalFactory(watch=watch((stream, second)[n % 2])).pk for n in range(120)]
    ClosingProposalFactory(watch=watch(StreamFactory(served=True)))

    first = client.get(URL).context
    second_page = client.get(URL, {"after": first["page"].after}).context["page"]
    last = client.get(URL, {"after": second_page.after}).context["page"]
    back = client.get(URL, {"before": last.before}).context["page"]

    assert [one.pk for page in (first["page"], second_page, last) for one in page] == made
    assert [one.pk for one in back] == [one.pk for one in second_page]
    assert (last.after, first["page"].before, first["count_words"]) == (None, None, "120")


def test_those_that_have_waited_longest_when_they_are_noted_stand_first(client, stream):
    late, early = watch(stream, 400), watch(stream, 800)
    noted()

    assert [one.watch for one in client.get(URL).context["page"]] == [early, late]


# Staff


def test_staff_list_narrow_and_tell(client, staff, stream):
    one = watch(stream)
    watch(stream, from_date=date(2020, 1, 1))
    noted()
    client.force_login(staff)

    answer = client.get(ADMIN, {"reason__exact": "OVER_BROAD"})
    assert answer.context["cl"].result_count == 1
    customer = {"watch__stream__agreement__customer": stream.agreement.customer_id}
    assert client.get(ADMIN, customer).context["cl"].result_count == 3
    assert one.ordered_number not in client.get(ADMIN).content.decode()

    proposal = ClosingProposal.objects.filter(watch=one).get()
    client.post(f"/admin/benefits/person/{one.person_id}/change/", {"reason": "Ärende 2026-1"})
    tell = f"{ADMIN}{proposal.pk}/tell/"
    assert client.get(tell).status_code == 200
    assert client.post(tell, {"reason": "Ärende 2026-1"}).status_code == 302
    assert Notice.objects.get().details["watches"] == 2
    again = client.post(tell, {"reason": "Ärende 2026-1"})
    assert again.status_code == 200
    assert Notice.objects.count() == 1


def test_staff_without_the_right_tell_nobody(client, stream):
    watch(stream)
    noted()
    client.force_login(UserFactory(is_staff=True))
    assert client.post(f"{ADMIN}{ClosingProposal.objects.get().pk}/tell/", {"reason": "x" * 9}).status_code == 403
