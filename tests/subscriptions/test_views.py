"""The portal's pages about watches: whose they are, what they show, what they log."""

import re
from datetime import date, timedelta
from urllib.parse import unquote

import pytest
from django.urls import reverse
from django.utils import timezone

from lefi import paging
from lefi.audit.models import Action, AuditEvent
from subscriptions import desks
from subscriptions.models import Member, Watch
from tests.factories import (
    AT,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonNumberFactory,
    ScopeFactory,
    WatchFactory,
    identity_number,
)

LIST, FIND = "/watches/", "/watches/find/"


@pytest.fixture
def watch(member):
    """A watch of the member's customer."""
    return WatchFactory(
        stream__agreement__customer=member.customer,
        person__first_number=identity_number(500),
        case_reference="EB 2026/0042",
    )


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def ended(watch: Watch) -> None:
    Watch.objects.filter(pk=watch.pk).update(ended_at=AT, end_reason="AVBESTALLD", ended_as_of=1)


def dashed(watch: Watch) -> str:
    return f"{watch.ordered_number[:8]}-{watch.ordered_number[8:]}"


def test_a_member_sees_the_watches_of_the_own_customer_alone(client, watch, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer, case_reference="ANNAN 1")

    page = client.get(LIST).content.decode()

    assert watch.case_reference in page
    assert other.case_reference not in page


def test_a_list_masks_identity_numbers(client, watch):
    page = client.get(LIST).content.decode()

    assert watch.ordered_number not in page and dashed(watch) not in page
    assert "1951••••-••••" in page


def test_showing_a_number_is_logged_as_a_read(client, watch, member):
    url = reverse("portal:watch-number", args=[watch.pk])

    page = client.post(url, headers={"HX-Request": "true"})

    assert page.content.decode().strip() == f'<span class="nowrap">{dashed(watch)}</span>'
    event = AuditEvent.objects.get(action=Action.READ)
    assert (event.actor, event.person_id, event.object_id) == (member.user, watch.person_id, str(watch.pk))


def test_a_number_is_shown_on_a_page_of_its_own_to_a_browser_without_scripts(client, watch):
    page = client.post(reverse("portal:watch-number", args=[watch.pk])).content.decode()

    assert "<h1>" in page and dashed(watch) in page


def test_a_number_is_not_shown_by_an_address_alone(client, watch):
    assert client.get(reverse("portal:watch-number", args=[watch.pk])).status_code == 405
    assert not AuditEvent.objects.exists()


def test_a_stranger_gets_no_number_and_learns_nothing_of_the_watch(client, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer)

    assert client.post(reverse("portal:watch-number", args=[other.pk])).status_code == 404
    assert not AuditEvent.objects.exists()


def test_ended_watches_are_shown_when_asked_for(client, watch):
    ended(watch)

    assert watch.case_reference not in client.get(LIST).content.decode()
    assert watch.case_reference in client.get(LIST, {"state": "ended"}).content.decode()
    assert watch.case_reference in client.get(LIST, {"state": "all"}).content.decode()


@pytest.mark.parametrize(
    ("sought", "shown"),
    [
        ({"q": "2026/0042"}, True),
        ({"q": "2026/9999"}, False),
        ({"benefit": "FK:SJP"}, True),
        ({"benefit": "FK:BB"}, False),
    ],
)
def test_the_list_is_narrowed_by_reference_and_benefit(client, watch, sought, shown):
    ScopeFactory(agreement=watch.stream.agreement, benefits=["FK:SJP", "FK:BB"])

    answer = client.post(LIST, sought)

    assert sought.get("q", "a reference") not in unquote(answer.url)
    page = client.get(answer.url)
    assert (len(page.context["page"]) == 1) is shown
    assert page.context["form"]["q"].value() == sought.get("q", "")


def test_an_address_with_a_reference_in_it_narrows_nothing(client, watch):
    """A case counts as personal data, and addresses are logged."""
    assert len(client.get(LIST, {"q": "2026/9999"}).context["page"]) == 1


def test_a_reference_sought_is_of_one_session_alone(client, watch):
    url = client.post(LIST, {"q": "2026/9999"}).url
    client.logout()
    client.force_login(watch.stream.agreement.customer.members.get().user)

    assert len(client.get(url).context["page"]) == 1


def test_an_identity_number_sought_as_a_reference_is_led_to_the_search_that_logs_it(client, watch):
    answer = client.post(LIST, {"q": watch.ordered_number})

    assert (answer.status_code, answer.url) == (302, FIND)


def test_the_browser_refuses_to_send_an_identity_number_as_a_reference(client, watch):
    form = client.get(LIST).context["form"]
    pattern = form.fields["q"].widget.attrs["pattern"]

    for number in (watch.ordered_number, dashed(watch), watch.ordered_number[2:], f" {dashed(watch)} "):
        assert not re.fullmatch(pattern, number)
    for reference in ("EB 2026/0042", "2026001234", "19501301", "Ärende 4"):
        assert re.fullmatch(pattern, reference)


def test_a_search_by_number_leads_to_the_watches_by_a_token(client, watch):
    ended(watch)

    answer = client.post(FIND, {"number": dashed(watch), "reason": "EB 2026/0042"})

    assert answer.status_code == 302
    assert watch.ordered_number not in answer.url
    assert watch.case_reference in client.get(answer.url).content.decode()


def test_a_search_by_number_is_logged_with_its_reason_whatever_it_finds(client, watch, member, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer)

    client.post(FIND, {"number": watch.ordered_number, "reason": f"Ärende om {watch.ordered_number}"})
    client.post(FIND, {"number": other.ordered_number, "reason": "Nyfiken"})
    client.post(FIND, {"number": identity_number(9000), "reason": "Nyfiken"})

    events = AuditEvent.objects.filter(action=Action.SEARCH, actor=member.user).order_by("pk")
    assert [event.person_id for event in events] == [watch.person_id, other.person_id, None]
    assert [event.details["found"] for event in events] == [1, 0, 0]
    assert events[0].reason == "Ärende om [masked]"


def test_a_search_answers_the_same_of_a_strangers_watch_and_of_nobody(client, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer)

    pages = [
        client.post(FIND, {"number": number, "reason": "Ärende 4"}).content.decode()
        for number in (other.ordered_number, identity_number(9000))
    ]

    cut = [page.split("<main")[1].split("<form")[0] for page in pages]
    assert cut[0] == cut[1]


def test_a_search_by_another_number_of_the_person_finds_nothing(client, watch):
    newer = PersonNumberFactory(person=watch.person, number=identity_number(501), current=False)

    answer = client.post(FIND, {"number": newer.number, "reason": "Ärende 4"})

    assert answer.status_code == 200


def test_a_search_needs_a_true_number_and_a_reason(client, watch):
    page = client.post(FIND, {"number": "195001010000", "reason": ""})

    assert set(page.context["form"].errors) == {"number", "reason"}
    assert not AuditEvent.objects.exists()


def test_a_token_is_of_one_session_alone(client, watch):
    url = client.post(FIND, {"number": watch.ordered_number, "reason": "Ärende 4"}).url
    client.logout()
    client.force_login(watch.stream.agreement.customer.members.get().user)

    assert watch.case_reference not in client.get(url).content.decode()


def test_a_list_without_watches_says_so(client):
    assert 'class="empty"' in client.get(LIST).content.decode()


def test_a_long_list_has_pages_and_as_many_queries_as_a_short_one(client, watch, django_assert_max_num_queries):
    WatchFactory.create_batch(60, stream=watch.stream)

    with django_assert_max_num_queries(13):
        page = client.get(LIST, {"page": "4"})

    assert len(page.context["page"]) == 1


@pytest.mark.parametrize("url", [LIST, FIND, "/watches/1/number/"])
def test_who_is_not_logged_in_is_led_to_the_login(client, db, url):
    client.logout()

    answer = client.post(url) if "number" in url else client.get(url)

    assert answer.status_code == 302 and answer.url.startswith("/accounts/login/")


# Selections


def ordered(watch: Watch, user=None) -> Watch:
    """The watch, as opened by an order of a user; without one, of a system."""
    fields = {"ordered_by": user} if user else {"client": "skadesystemet"}
    OrderLineFactory(order=OrderFactory(stream=watch.stream, **fields), watch=watch, answer="ACCEPTED")
    Watch.objects.filter(pk=watch.pk).update(ordered_by=user)
    return watch


def shown(client, **asked) -> list[int]:
    return [watch.pk for watch in client.get(LIST, asked).context["page"]]


@pytest.fixture
def theirs(watch, member):
    """One ordered by the member, one by a colleague, one by a system, as `watch` was."""
    colleague = MemberFactory(customer=member.customer)
    mine, other, system = WatchFactory.create_batch(3, stream=watch.stream)
    return {
        "mine": ordered(mine, member.user).pk,
        "colleague": ordered(other, colleague.user).pk,
        "system": ordered(system).pk,
        "user": colleague.user.pk,
    }


def test_a_case_worker_is_shown_the_own_cases_until_another_choice_is_made(client, watch, theirs):
    page = client.get(LIST)

    assert [one.pk for one in page.context["page"]] == [theirs["mine"]]
    assert page.context["own"] and page.context["usual"]
    assert len(shown(client, by="")) == 4
    assert shown(client, page="1") == [theirs["mine"]]


def test_a_case_worker_who_has_ordered_nothing_and_who_handles_files_are_shown_all(client, watch, theirs, member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    assert len(shown(client)) == 4

    client.force_login(MemberFactory(customer=member.customer).user)
    assert len(shown(client)) == 4


def test_the_list_is_narrowed_by_who_ordered(client, watch, theirs):
    assert shown(client, by="me") == [theirs["mine"]]
    assert shown(client, by=theirs["user"]) == [theirs["colleague"]]
    assert shown(client, by="system") == [theirs["system"], watch.pk]


def test_a_member_of_another_customer_is_nobody_to_narrow_by(client, watch, stranger):
    ordered(WatchFactory(stream__agreement__customer=stranger.customer), stranger.user)

    page = client.get(LIST, {"by": stranger.user.pk})

    assert len(page.context["page"]) == 1
    assert str(stranger.user.pk) not in dict(page.context["form"].fields["by"].choices)


def test_a_selection_is_kept_as_usual_without_the_reference(client, member, theirs):
    said = {"by": theirs["user"], "state": "all", "q": "EB 2026/0042", "benefit": "nonsens"}
    client.post("/watches/usual/", said)

    assert desks.usual_watches(member.user) == f"by={theirs['user']}&state=all"
    assert shown(client) == [theirs["colleague"]]
    client.post("/watches/usual/", {"by": ""})
    assert len(shown(client)) == 4


def test_the_list_is_narrowed_by_unit_where_there_are_several(client, watch, member):
    assert "unit" not in client.get(LIST).context["form"].fields
    second = MemberFactory(user=member.user)
    other = WatchFactory(stream__agreement__customer=second.customer)

    assert shown(client, unit=second.customer.pk) == [other.pk]


def test_watches_to_be_confirmed_are_a_state(client, watch):
    soon = WatchFactory(stream=watch.stream, reconfirm_by=timezone.localdate() + timedelta(days=30))
    WatchFactory(stream=watch.stream, reconfirm_by=timezone.localdate() + timedelta(days=31))

    assert shown(client, state="due") == [soon.pk]


@pytest.mark.parametrize("order", ["number", "benefit", "from", "reference"])
def test_the_list_is_sorted_both_ways_by_pressing_a_heading(client, watch, order):
    ScopeFactory(agreement=watch.stream.agreement, benefits=["FK:SJP", "FK:BOB"])
    other = WatchFactory(
        stream=watch.stream,
        person__first_number=identity_number(400),
        benefit="FK:BOB",
        from_date=date(2025, 1, 1),
        case_reference="AA",
    )
    page = client.get(LIST, {"state": "all"})
    up, _ = page.context["sorts"][order]
    first = client.get(LIST + up)
    down, now = first.context["sorts"][order]

    assert [one.pk for one in first.context["page"]] == [other.pk, watch.pk]
    assert now == "ascending" and "state=all" in down
    assert [one.pk for one in client.get(LIST + down).context["page"]] == [watch.pk, other.pk]


def test_all_on_a_page_are_ticked_without_scripts(client, watch):
    assert client.get(LIST).content.decode().count(" checked") == 0
    assert client.get(LIST, {"all": "1"}).content.decode().count(" checked") == 1


def test_more_watches_than_the_list_leads_to_come_by_age_and_no_column_sorts_them(client, watch, monkeypatch):
    monkeypatch.setattr(paging, "MOST", 2)
    others = [WatchFactory(stream=watch.stream) for _ in range(3)]

    page = client.get(LIST, {"by": "", "order": "number"})
    oldest = client.get(LIST, {"by": "", "order": "opened"})

    assert [one.pk for one, _order in page.context["rows"]] == [others[2].pk, others[1].pk]
    assert [one.pk for one, _order in oldest.context["rows"]] == [watch.pk, others[0].pk]
    assert page.context["sorts"] == {}
    text = page.content.decode()
    assert "1–2 av fler än 2" in text
    assert "Begränsa den för att se resten." in text
