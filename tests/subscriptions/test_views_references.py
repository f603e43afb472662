"""The portal's pages about needs and cases: whose they are, what one click does; no address holds a reference."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Watch
from tests.factories import (
    LegalBasisFactory,
    MemberFactory,
    OrderFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

CONFIRM, CASES, FILE = "/watches/reconfirm/", "/watches/cases/", "/watches/cases/file/"
CASE = "EB 2026/0042"


@pytest.fixture
def stream(member):
    basis = LegalBasisFactory(code="TEST-BEHOV", reconfirm_days=365)
    return StreamFactory(agreement=ScopeFactory(basis=basis, agreement__customer=member.customer).agreement)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def due(stream, n: int = 3, **fields) -> Watch:
    return WatchFactory(stream=stream, reconfirm_by=timezone.localdate() + timedelta(days=n), **fields)


def theirs(stranger, **fields) -> Watch:
    return due(StreamFactory(agreement__customer=stranger.customer), case_reference="ANNAN 1", **fields)


def text_of(response) -> str:
    return response.content.decode()


def file_of(text: str | bytes) -> SimpleUploadedFile:
    body = text if isinstance(text, bytes) else text.encode()
    return SimpleUploadedFile("avslutade.txt", body, content_type="text/plain")


@pytest.mark.parametrize("url", [CONFIRM, CASES, FILE, "/watches/1/case/"])
def test_who_is_not_logged_in_is_led_to_the_login(client, url):
    client.logout()

    assert client.get(url).url.startswith("/accounts/login/")


def test_a_strangers_needs_and_cases_are_neither_seen_nor_touched(client, stream, stranger):
    other = theirs(stranger)

    assert "ANNAN 1" not in text_of(client.get(CONFIRM)) + text_of(client.get(CASES))
    client.post(CONFIRM, {"all": "1"})
    client.post(CONFIRM, {"watch": [other.pk]})
    assert client.get(reverse("portal:case-end", args=[other.pk])).status_code == 404
    assert client.post(reverse("portal:case-end", args=[other.pk])).status_code == 404
    refused = client.post(FILE, {"customer": stranger.customer.pk, "file": file_of("ANNAN 1")})
    assert "customer" in refused.context["form"].errors
    assert Watch.objects.open().filter(reconfirm_by=other.reconfirm_by).exists()


# Confirming


def test_what_is_to_be_confirmed_is_shown_with_numbers_masked_and_the_paused_marked(client, stream):
    watch = due(stream, -1, person__first_number=identity_number(500), case_reference=CASE)
    due(stream, 31, case_reference="LÅNGT BORT")

    page = text_of(client.get(CONFIRM))

    assert CASE in page and "badge--warning" in page
    assert "LÅNGT BORT" not in page and watch.ordered_number not in page


def test_those_ticked_are_confirmed(client, stream, member):
    ticked, left = due(stream), due(stream)

    answer = client.post(CONFIRM, {"watch": [ticked.pk, "x"]})

    assert (answer.status_code, answer.url) == (302, CONFIRM)
    assert list(Watch.objects.filter(reconfirm_by__gt=left.reconfirm_by)) == [ticked]
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == (Action.ACKNOWLEDGE, member.user)


@pytest.mark.parametrize("pk", ["9" * 30, "9" * 5000, str(2**63)], ids=len)
def test_an_id_that_no_watch_can_have_confirms_nothing(client, stream, pk):
    due(stream)

    assert client.post(CONFIRM, {"watch": [pk]}).status_code == 302
    assert not AuditEvent.objects.exists()


def test_one_click_confirms_all_on_every_page(client, stream):
    for _ in range(60):
        due(stream)

    client.post(CONFIRM, {"all": "1"})

    assert not Watch.objects.filter(reconfirm_by__lt=timezone.localdate() + timedelta(days=300)).exists()
    assert 'class="empty"' in text_of(client.get(CONFIRM))


def test_a_long_list_has_pages_and_as_many_queries_as_a_short_one(client, stream, django_assert_max_num_queries):
    for n in range(60):
        due(stream, case_reference=f"A{n:02}")

    with django_assert_max_num_queries(9):
        page = client.get(CONFIRM, {"page": "3"})

    assert len(page.context["page"]) == 20


# Cases


def test_cases_are_listed_with_what_stands_for_each(client, stream):
    first = due(stream, case_reference=CASE)
    due(stream, case_reference=CASE)
    due(stream, need_reference="B-1")

    page = client.get(CASES)

    assert [(one.reference, one.watches) for one in page.context["page"]] == [("B-1", 1), (CASE, 2)]
    assert reverse("portal:case-end", args=[first.pk]) in text_of(page)


def test_a_case_shows_its_watches_and_one_click_ends_them(client, stream):
    watch, other = due(stream, case_reference=CASE), due(stream, case_reference="B")
    due(stream, need_reference=CASE)
    url = reverse("portal:case-end", args=[watch.pk])

    page = client.get(url)

    assert page.context["count"] == 2
    assert CASE in text_of(page) and "2026" not in url
    assert Watch.objects.open().count() == 3

    answer = client.post(url)

    assert (answer.status_code, answer.url) == (302, url)
    assert list(Watch.objects.open()) == [other]
    assert client.get(url).context["count"] == 0


def test_the_end_of_a_case_is_undone_by_one_click(client, stream, member):
    watches = [due(stream, case_reference=CASE) for _ in range(2)]
    url = reverse("portal:case-end", args=[watches[0].pk])
    assert client.get(url).context["undo"] is None
    client.post(url)
    ended = client.get(url).context["undo"]

    answer = client.post(reverse("portal:case-undo", args=[ended.pk]), follow=True)

    assert Watch.objects.open().count() == 2
    assert answer.context["undo"] is None and answer.context["count"] == 2
    assert AuditEvent.objects.get(action=Action.CHANGE).details["watches"] == [one.pk for one in reversed(watches)]


def test_an_end_that_stands_is_said_to_do_so(client, stream):
    watch = due(stream, case_reference=CASE)
    client.post(reverse("portal:case-end", args=[watch.pk]))
    due(stream, person=watch.person, case_reference="NYTT")

    answer = client.post(reverse("portal:case-undo", args=[watch.pk]), follow=True)

    said = [str(one) for one in answer.context["messages"]]
    assert said[-1] == "En av personerna bevakas redan igen. Beställ de andra på nytt."
    assert Watch.objects.open().count() == 1


def test_an_end_is_undone_beside_a_watch_on_the_same_person_by_another_number(client, stream):
    """That the two numbers are one person's is not for an answer to tell."""
    watch = due(stream, case_reference=CASE)
    client.post(reverse("portal:case-end", args=[watch.pk]))
    due(stream, person=watch.person, ordered_number="199001012385", case_reference="NYTT")

    client.post(reverse("portal:case-undo", args=[watch.pk]))

    assert list(Watch.objects.open().order_by("pk").values_list("by_number", flat=True)) == [True, False]


def test_a_strangers_end_is_not_undone(client, stream, stranger):
    other = theirs(stranger, ended_at=timezone.now(), end_reason="AVBESTALLD", ended_as_of=1)

    assert client.post(reverse("portal:case-undo", args=[other.pk])).status_code == 404
    assert client.post(reverse("portal:case-undo", args=[due(stream).pk])).status_code == 404


def test_a_case_worker_is_shown_the_own_cases_first(client, stream, member):
    mine = due(stream, case_reference="MITT")
    due(stream, case_reference="ANDRAS")
    OrderFactory(stream=stream, ordered_by=member.user)
    Watch.objects.filter(pk=mine.pk).update(ordered_by=member.user)

    assert shown(client) == shown(client, by="me") == ["MITT"]
    assert shown(client, by="") == ["ANDRAS", "MITT"]
    Member.objects.update(role=Member.Role.ADMINISTRATOR)
    assert shown(client) == ["ANDRAS", "MITT"]


def shown(client, **asked) -> list[str]:
    return [one.reference for one in client.get(CASES, asked).context["page"]]


def test_the_list_of_cases_goes_on_and_back_by_links_that_hold_no_reference(client, stream):
    for n in range(45):
        due(stream, case_reference=f"HEMLIG-{n:02}")
    addresses = [CASES]

    for relation in ("next", "next", "prev"):
        page = text_of(client.get(addresses[-1]))
        addresses.append(CASES + re.search(f'rel="{relation}" href="([^"]*)"', re.sub(" *\n *", " ", page))[1])
    pages = [[one.reference[-2:] for one in client.get(one).context["page"]] for one in addresses]

    assert [(one[0], one[-1]) for one in pages] == [("00", "19"), ("20", "39"), ("40", "44"), ("20", "39")]
    assert "HEMLIG" not in "".join(addresses)


def test_as_many_cases_cost_as_many_queries_as_few(client, stream):
    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            client.get(CASES)
        return len(sent)

    for n in range(2):
        due(stream, case_reference=f"A{n}")
    few = queries()
    for n in range(18):
        due(stream, case_reference=f"B{n}")

    assert queries() == few


def test_a_case_is_found_by_a_part_of_its_reference_which_stands_in_no_address(client, stream):
    due(stream, case_reference=CASE)
    due(stream, case_reference="ANNAT 7")

    found = client.post(CASES, {"q": "2026/0042", "by": ""})
    page = client.get(found.url)

    assert "2026" not in found.url and "by=&sought=" in found.url
    assert [one.reference for one in page.context["page"]] == [CASE]
    assert 'value="2026/0042"' in text_of(page)
    assert shown(client) == ["ANNAT 7", CASE]


def test_a_search_among_the_own_cases_stays_there(client, stream, member):
    due(stream, case_reference="A 1", ordered_by=member.user)
    due(stream, case_reference="A 2")

    assert [one.reference for one in client.get(client.post(CASES, {"q": "A", "by": "me"}).url).context["page"]] == [
        "A 1"
    ]


def test_a_search_for_a_number_leads_to_the_search_that_is_logged(client, stream):
    answer = client.post(CASES, {"q": identity_number(500), "by": ""})

    assert answer.url == reverse("portal:watch-find")
    assert not client.session.get("sought_references")


def test_a_search_that_finds_nothing_says_so(client, stream):
    due(stream, case_reference=CASE)

    page = text_of(client.get(client.post(CASES, {"q": "finns inte", "by": ""}).url))

    assert 'class="empty"' in page and CASE not in page


def test_the_end_of_a_case_leaves_another_units_case_of_the_same_name(client, stream, member):
    second = MemberFactory(user=member.user)
    other = WatchFactory(stream__agreement__customer=second.customer, case_reference=CASE)
    watch = due(stream, case_reference=CASE)

    client.post(reverse("portal:case-end", args=[watch.pk]))

    assert list(Watch.objects.open()) == [other]


def test_a_watch_without_a_case_has_no_case_to_end(client, stream):
    assert client.get(reverse("portal:case-end", args=[due(stream).pk])).status_code == 404


def test_the_list_of_watches_leads_to_the_end_of_each_case(client, stream):
    watch, bare = due(stream, case_reference=CASE), due(stream)

    page = text_of(client.get("/watches/"))

    assert reverse("portal:case-end", args=[watch.pk]) in page
    assert reverse("portal:case-end", args=[bare.pk]) not in page


def test_a_file_ends_the_cases_of_one_unit_and_each_line_is_answered(client, stream, member):
    due(stream, case_reference=CASE)
    due(stream, case_reference=CASE)

    page = client.post(FILE, {"customer": member.customer.pk, "file": file_of(f"\ufeff{CASE}\r\nX\r\n")})

    assert [(line, reference, watches) for line, reference, _, watches in page.context["answers"]] == [
        (1, CASE, 2),
        (2, "X", 0),
    ]
    assert not Watch.objects.open().exists()


@pytest.mark.parametrize("body", [b"", b"\n \n", b"\xff", b"A\n" * 10_001, b"A" * (1024 * 1024 + 1)])
def test_a_file_that_cannot_be_read_is_refused_in_words_and_does_nothing(client, stream, member, body):
    due(stream, case_reference="A")

    page = client.post(FILE, {"customer": member.customer.pk, "file": file_of(body)})

    assert "file" in page.context["form"].errors
    assert Watch.objects.open().exists()
