"""The portal's pages to compare a list of watches: who may, what they show and keep back, and what is ordered by it."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from deliveries import reconciliation as service
from deliveries.claims import read_claims
from deliveries.models import Reconciliation, ReconciliationLine
from deliveries.reconciliation import SENTENCES, Repair
from lefi.audit.models import Action, AuditEvent
from lefi.masking import mask_identity_numbers
from subscriptions.models import Agreement, Member, Order, Stream, Watch
from subscriptions.orders import files, placing
from subscriptions.orders.lines import CANCEL, NEW, REFRESH
from tests.factories import (
    AT,
    BENEFIT,
    LegalBasisFactory,
    MemberFactory,
    ReconciliationFactory,
    ReconciliationLineFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

LIST, NEW_PAGE, EXAMPLE = "/reconciliations/", "/reconciliations/new/", "/reconciliations/example/"
PAGES = [LIST, NEW_PAGE, EXAMPLE, "/reconciliations/1/", "/reconciliations/1/progress/"]
DEEDS = ["/reconciliations/1/repair/", "/reconciliations/1/lines/1/number/"]
KEY = "8a2e1c60-93b7-4c52-9d3e-1f4f9b7f0c11"
HEADER = "bevakning;personnummer;forman;tillstand;referens;from\n"
NUMBER, OTHER = identity_number(901), identity_number(902)
Kind = ReconciliationLine.Kind


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer)


@pytest.fixture
def handler(member):
    """The member, with a role that lets files be sent."""
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    return member


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


def sent(client, *rows: str, name: str = "bevakningar.csv", **fields):
    """The answer to a list of rows."""
    text = HEADER + "".join(f"{one}\n" for one in rows)
    return client.post(NEW_PAGE, {"file": SimpleUploadedFile(name, text.encode()), "key": KEY} | fields)


def compared(stream: Stream, *rows: str, **said) -> Reconciliation:
    """A list that a system has sent."""
    text = HEADER + "".join(f"{one}\n" for one in rows)
    received = files.take_in(BytesIO(text.encode()), most=10_000)
    said = {"client": "skadesystemet"} | said
    return service.compare(service.receive(stream=stream, received=received, form="csv", at=AT, **said).pk)


def url_of(found: Reconciliation, name: str = "detail", *more: int) -> str:
    return reverse(f"portal:reconciliation-{name}", args=[found.pk, *more])


def repaired(client, found: Reconciliation, **chosen):
    return client.post(url_of(found, "repair"), chosen)


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


# Who gets in


@pytest.mark.parametrize("url", [*PAGES, *DEEDS])
def test_who_is_not_logged_in_is_led_to_the_login(client, db, url):
    client.logout()

    answer = client.post(url) if url in DEEDS else client.get(url)

    assert answer.status_code == 302 and answer.url.startswith("/accounts/login/")


@pytest.mark.parametrize("role", Member.Role)
def test_a_list_is_sent_and_seen_by_who_may_send_files_of_orders_alone(client, member, stream, role):
    Member.objects.filter(pk=member.pk).update(role=role)
    found = compared(stream, f";{NUMBER};{BENEFIT};;;")
    line = found.lines.get()

    answers = [client.get(url).status_code for url in PAGES[:3]]
    answers += [client.get(url_of(found, name)).status_code for name in ("detail", "progress")]
    answers.append(repaired(client, found).status_code)
    answers.append(client.post(url_of(found, "number", line.pk)).status_code)
    answers.append(sent(client, "1;;;;;").status_code)

    may = role in Member.HANDLERS
    assert answers == ([200, 200, 200, 200, 200, 200, 200, 302] if may else [403, 403, 403, 404, 404, 404, 404, 403])
    assert b"/reconciliations/" in client.get("/watches/").content or not may
    assert Reconciliation.objects.count() == 1 + may


def test_the_links_to_the_pages_are_for_who_may_open_them(client, member, stream):
    assert all(LIST not in text_of(client.get(url)) for url in ("/watches/", "/orders/"))

    Member.objects.filter(pk=member.pk).update(role=Member.Role.ADMINISTRATOR)

    assert all(LIST in text_of(client.get(url)) for url in ("/watches/", "/orders/"))


def test_another_units_list_is_not_there(client, handler, stranger):
    others = StreamFactory(served=True, agreement__customer=stranger.customer)
    MemberFactory(user=handler.user, customer=stranger.customer, role=Member.Role.CASE_WORKER)
    found = compared(others, f";{NUMBER};{BENEFIT};;;")
    before = AuditEvent.objects.count()

    assert str(others.agreement.customer) not in text_of(client.get(LIST))
    for name in ("detail", "progress"):
        assert client.get(url_of(found, name)).status_code == 404
    assert repaired(client, found, only_you="order", start="2026-11-01").status_code == 404
    assert client.post(url_of(found, "number", found.lines.get().pk)).status_code == 404
    assert sent(client, "1;;;;;", stream=others.pk).status_code == 404
    assert (AuditEvent.objects.count(), Order.objects.count(), Reconciliation.objects.count()) == (before, 0, 1)


def test_a_line_of_another_list_is_not_there(client, handler, stream):
    one, other = compared(stream, f";{NUMBER};{BENEFIT};;;"), compared(stream, f";{OTHER};{BENEFIT};;;")

    assert client.post(url_of(one, "number", other.lines.get().pk)).status_code == 404


# Sending


def test_a_short_list_is_compared_at_once_and_it_is_kept_who_sent_it(client, handler, stream):
    watch = WatchFactory(stream=stream)

    answer = sent(client, f"{watch.pk};;;;;", f";{NUMBER};{BENEFIT};;vår;2026-11-01")

    found = Reconciliation.objects.get()
    assert answer.url == url_of(found)
    assert (found.status, found.sent_by, found.client) == (Reconciliation.Status.DONE, handler.user, "")
    assert found.counts == {"EQUAL": 1, "ONLY_YOU": 1, "ONLY_WE": 0, "DIFFERS": 0, "UNREADABLE": 0}
    event = AuditEvent.objects.get(object_type="deliveries.reconciliation")
    assert (event.action, event.actor, event.client) == (Action.CREATE, handler.user, "")
    assert event.customer_id == handler.customer_id
    assert not service.list_path(found).exists()


def test_a_list_sent_twice_from_one_page_is_one_and_another_list_is_another(client, handler, stream):
    urls = [sent(client, row).url for row in ("1;;;;;", "1;;;;;", "2;;;;;")]

    assert urls[0] == urls[1] != urls[2]


def test_json_lines_are_compared_too(client, handler, stream):
    file = SimpleUploadedFile("lista.jsonl", f'{{"personnummer": "{NUMBER}", "forman": "{BENEFIT}"}}\n'.encode())

    client.post(NEW_PAGE, {"file": file, "key": KEY})

    assert Reconciliation.objects.get().counts["ONLY_YOU"] == 1


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.csv", b"", "inga rader"),
        ("a.xlsx", b"PK\x03\x04", "CSV"),
        ("a.xml", b"<bestallning/>", "CSV"),
        ("a.json", b'{"rader": []}', "CSV"),
        ("a.csv", b"x" * 2000, "större"),
    ],
)
def test_what_is_no_list_is_refused_beside_its_field_and_nothing_is_kept(
    client, handler, stream, settings, name, body, words
):
    settings.ORDER_FILE_MAX_BYTES = 1000

    page = client.post(NEW_PAGE, {"file": SimpleUploadedFile(name, body), "key": KEY})

    assert words in page.context["form"].errors["file"][0]
    assert not Reconciliation.objects.exists()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("nonsens\n1\n", "HEADER", "Rad 1. "),
        ("bevakning\n1\n2;3\n", "FORM", "Rad 3. Raden passar inte rubrikraden"),
        ("bevakning\n", "EMPTY", "Listan har inga rader."),
        ("bevakning;referens\n1;\xe5\n".encode("latin-1"), "ENCODING", "UTF-8"),
    ],
)
def test_a_list_that_cannot_be_read_says_why_in_words_and_cannot_be_repaired(
    client, handler, stream, body, code, words
):
    body = body if isinstance(body, bytes) else body.encode()
    answer = client.post(NEW_PAGE, {"file": SimpleUploadedFile("a.csv", body), "key": KEY}, follow=True)

    text = text_of(answer)
    assert words in text and code in text and f"{NEW_PAGE}?stream={stream.pk}" in text
    found = Reconciliation.objects.get()
    assert "Inget kan beställas efter en lista som inte har jämförts." in text_of(repaired(client, found))
    assert not AuditEvent.objects.filter(action=Action.FETCH).exists()


def test_a_long_list_is_compared_by_a_worker_and_its_page_waits_for_it(client, handler, stream, settings, monkeypatch):
    settings.ORDER_AT_ONCE_BYTES = 5
    given = []
    monkeypatch.setattr("deliveries.tasks.compare_list.delay", given.append)

    page = sent(client, "1;;;;;").url

    found = Reconciliation.objects.get()
    assert given == [found.pk]
    text = text_of(client.get(page))
    assert "Listan jämförs." in text and f'hx-get="{url_of(found, "progress")}"' in text
    assert "HX-Refresh" not in client.get(url_of(found, "progress"))
    service.compare(found.pk)
    assert client.get(url_of(found, "progress"))["HX-Refresh"] == "true"
    assert "Listan jämförs." not in text_of(client.get(page))


def test_who_handles_several_streams_chooses_one_and_who_has_none_is_told(client, handler, stream):
    other = StreamFactory(served=True, agreement__customer=handler.customer)

    choice = text_of(client.get(NEW_PAGE))
    assert "Tillbaka till avstämningarna" in choice and f'value="{other.pk}"' in choice
    sent(client, "1;;;;;", stream=other.pk)
    assert Reconciliation.objects.get().stream == other

    Agreement.objects.update(status=Agreement.Status.ENDED)
    assert "avtal" in text_of(client.get(NEW_PAGE))


def test_the_example_file_can_be_sent(client, handler, stream):
    body = b"".join(client.get(EXAMPLE).streaming_content)

    claims = list(read_claims(BytesIO(body), "csv", timezone.localdate()))

    assert [claim.code for claim in claims] == [""] * len(claims)
    assert {bool(claim.watch) for claim in claims} == {True, False}


# What is shown


def test_the_list_shows_what_came_however_it_came(client, handler, stream):
    WatchFactory(stream=stream)
    by_system = compared(stream, f";{NUMBER};{BENEFIT};;;", "nonsens;;;;;")
    by_person = ReconciliationFactory(stream=stream, client="", sent_by=handler.user)

    page = client.get(LIST)

    assert page.context["rows"] == [(by_person, 0, 0), (by_system, 2, 1)]
    text = text_of(page)
    assert "skadesystemet" in text and handler.user.get_full_name() in text


def test_the_list_has_pages_and_as_many_queries_as_for_one(client, handler, stream, django_assert_max_num_queries):
    for _ in range(60):
        ReconciliationFactory(stream=stream, client="", sent_by=handler.user)

    with django_assert_max_num_queries(6):
        assert len(client.get(LIST).context["rows"]) == 50
    second = client.get(LIST, {"page": 2})
    assert len(second.context["rows"]) == 10
    assert "51–60 av 60" in text_of(second)


def test_differences_are_counted_in_words_shown_with_masked_numbers_and_the_reading_is_logged(client, handler, stream):
    watch = WatchFactory(stream=stream)
    differs = WatchFactory(stream=stream)
    found = compared(stream, f";{NUMBER};{BENEFIT};;vår;", f"{differs.pk};;;{'0' * 64};;", "nonsens;;;;;")

    page = client.get(url_of(found))

    text = text_of(page)
    assert "3 bevakningar skiljer sig." in text
    for words in ("inte i er lista", "men inte hos oss", "Båda har bevakningen", "Raden kunde inte jämföras."):
        assert words in text
    with override("sv"):
        assert str(SENTENCES["WATCH_INVALID"]) in text
    assert not {NUMBER, watch.ordered_number, differs.ordered_number} & set(text.split())
    assert mask_identity_numbers(text) == text
    assert "vår" in text and reverse("portal:watch-detail", args=[differs.pk]) in text
    event = AuditEvent.objects.get(action=Action.FETCH)
    assert (event.actor, event.object_id, event.customer_id) == (handler.user, str(found.pk), handler.customer_id)


def test_differences_come_by_kind_a_page_at_a_time_with_as_many_queries_as_for_one(
    client, handler, stream, django_assert_max_num_queries
):
    found = compared(stream, *[f";{identity_number(900 + place)};{BENEFIT};;;" for place in range(60)])
    ReconciliationLineFactory(reconciliation=found)
    Reconciliation.objects.filter(pk=found.pk).update(counts=found.counts | {"ONLY_WE": 1})

    with django_assert_max_num_queries(14):
        assert len(client.get(url_of(found)).context["rows"]) == 50
    first = client.get(url_of(found), {"kind": "ONLY_YOU"})
    second = client.get(url_of(found), {"kind": "ONLY_YOU", "after": first.context["page"].after})
    assert f"?kind=ONLY_YOU&amp;after={first.context['page'].after}" in text_of(first)
    assert first.context["count_words"] == second.context["count_words"] == "60"
    assert {line.kind for line, _words, _why in second.context["rows"]} == {Kind.ONLY_YOU}
    assert len(second.context["rows"]) == 10
    assert "60 totalt" in text_of(second)
    assert len(client.get(url_of(found), {"kind": "ONLY_WE"}).context["rows"]) == 1
    assert len(client.get(url_of(found), {"kind": "nonsens"}).context["rows"]) == 50


@pytest.mark.parametrize("htmx", [True, False])
def test_a_number_is_shown_by_itself_and_that_is_logged(client, handler, stream, htmx):
    watch = WatchFactory(stream=stream)
    found = compared(stream, "9999999;;;;;")
    line = found.lines.get(kind=Kind.ONLY_WE)

    answer = client.post(url_of(found, "number", line.pk), headers={"HX-Request": "true"} if htmx else {})

    number = watch.ordered_number
    assert f"{number[:8]}-{number[8:]}" in text_of(answer)
    assert ("<html" in text_of(answer)) is not htmx
    event = AuditEvent.objects.get(action=Action.READ)
    assert (event.person_id, event.object_id) == (watch.person_id, str(line.pk))
    assert (event.reason, event.customer_id) == ("portal reconciliation", handler.customer_id)
    unnamed = found.lines.get(kind=Kind.ONLY_YOU)
    assert client.post(url_of(found, "number", unnamed.pk)).status_code == 404


def test_where_nothing_differs_that_is_said_and_nothing_is_offered(client, handler, stream):
    found = compared(stream, f"{WatchFactory(stream=stream).pk};;;;;")

    page = client.get(url_of(found))

    assert "Ingen bevakning skiljer sig." in text_of(page)
    assert "/repair/" not in text_of(page)


def test_erased_differences_leave_their_counts(client, handler, stream):
    found = compared(stream, f";{NUMBER};{BENEFIT};;;")
    found.lines.all().delete()

    text = text_of(client.get(url_of(found)))

    assert "1 bevakning skiljer sig." in text and "har gallrats" in text
    assert "/repair/" not in text


# Repairing


def test_a_repair_is_a_preview_by_who_ordered_it_and_has_no_effect_until_it_is_confirmed(client, handler, stream):
    only_we, differs, another = (WatchFactory(stream=stream) for _ in range(3))
    rows = [f";{NUMBER};{BENEFIT};;;2026-11-01", f"{differs.pk};;;{'0' * 64};;", f"{another.pk};;;;;"]
    found = compared(stream, *rows)

    answer = repaired(client, found, only_we="cancel", only_you="order", differs="refresh")

    order = Order.objects.get()
    assert answer.url == reverse("portal:order-detail", args=[order.pk])
    assert (order.status, order.channel, order.ordered_by) == (Order.Status.PREVIEWED, "portal", handler.user)
    assert set(order.lines.values_list("kind", "number")) == {
        (CANCEL, only_we.ordered_number),
        (NEW, NUMBER),
        (REFRESH, differs.ordered_number),
    }
    assert Watch.objects.open().count() == 3
    event = AuditEvent.objects.get(action=Action.ORDER, object_type="deliveries.reconciliation")
    assert (event.actor, event.details) == (handler.user, {"order": order.pk})
    assert "Det som en avstämning fann" in text_of(client.get(answer.url))
    client.post(reverse("portal:order-step", args=[order.pk]), {"step": "confirm"})
    assert set(Watch.objects.open().values_list("ordered_number", flat=True)) == {
        NUMBER,
        differs.ordered_number,
        another.ordered_number,
    }
    text = text_of(client.get(url_of(found)))
    assert f"beställning {order.pk}" in text and "/repair/" not in text


def test_a_repair_that_would_end_every_watch_asks_for_the_units_name(client, handler, stream):
    WatchFactory.create_batch(2, stream=stream)
    found = compared(stream, "9999999;;;;;")
    page = repaired(client, found, only_we="cancel").url

    step = reverse("portal:order-step", args=[Order.objects.get().pk])
    client.post(step, {"step": "confirm"})

    assert "confirmation" in client.get(page).context and Watch.objects.open().count() == 2
    client.post(step, {"step": "confirm", "unit": handler.customer.name})
    assert not Watch.objects.open().exists()


def test_how_many_each_choice_orders_is_said_and_only_what_there_is_can_be_chosen(client, handler, stream):
    WatchFactory.create_batch(2, stream=stream)
    found = compared(stream, f";{NUMBER};{BENEFIT};;;2026-11-01", "9999999;;;;;")

    form = client.get(url_of(found)).context["form"]

    assert [str(field.label) for field in form.choices()] == [
        "Bevakningar som bara vi har: 2",
        "Bevakningar som bara ni har: 1",
    ]
    assert "start" not in form.fields


def test_a_day_is_asked_for_only_where_the_list_says_none(client, handler, stream):
    found = compared(stream, f";{NUMBER};{BENEFIT};;;")

    refused = repaired(client, found, only_you="order")
    assert refused.context["form"].errors["start"] == ["Ange den dag som bevakningarna ska gälla från."]
    assert not Order.objects.exists()
    repaired(client, found, only_you="order", start="2026-11-01")
    placing.confirm(Order.objects.get(), at=timezone.now(), by=handler.user)

    placing.work_on(Order.objects.get().pk)
    assert Watch.objects.get().from_date == date(2026, 11, 1)


def test_what_an_unreadable_line_may_name_cannot_be_ended(client, handler, stream):
    WatchFactory(stream=stream)
    found = compared(stream, "nonsens;;;;;")

    page = client.get(url_of(found))
    assert "De kan inte avslutas efter den här listan" in text_of(page)
    assert "cancel" not in dict(page.context["form"].fields["only_we"].choices)
    refused = repaired(client, found, only_we="cancel")

    assert "De kan inte avslutas" in refused.context["form"].errors["only_we"][0]
    assert not Order.objects.exists()
    assert repaired(client, found, only_we="refresh").status_code == 302


def test_nothing_chosen_is_nothing_ordered(client, handler, stream):
    found = compared(stream, f";{NUMBER};{BENEFIT};;;2026-11-01")

    assert "Med de här valen finns inget att beställa." in text_of(repaired(client, found, only_you="leave"))
    assert not Order.objects.exists()


def test_a_repair_sent_twice_is_one_order_and_another_is_refused_until_that_is_thrown_away(client, handler, stream):
    WatchFactory(stream=stream)
    found = compared(stream, "9999999;;;;;")
    first, again = (repaired(client, found, only_we="cancel").url for _ in range(2))
    assert first == again

    assert "Något annat är redan beställt" in text_of(repaired(client, found, only_we="refresh"))
    placing.throw_away(Order.objects.get(), at=timezone.now(), by=handler.user)
    assert "/repair/" in text_of(client.get(url_of(found)))
    other, same = (repaired(client, found, only_we="refresh").url for _ in range(2))

    assert other == same != first
    assert Order.objects.get(pk=Reconciliation.objects.get().repair_id).counts == {"REFRESH_ORDERED": 1}


def test_a_long_repair_is_previewed_by_a_worker(client, handler, stream, settings):
    settings.ORDER_AT_ONCE_LINES = 1
    found = compared(stream, *[f";{one};{BENEFIT};;;2026-11-01" for one in (NUMBER, OTHER)])

    repaired(client, found, only_you="order")

    assert (Order.objects.get().status, Order.objects.get().line_count) == (Order.Status.PREVIEWED, 2)


def test_a_preview_tells_by_the_same_gates_as_any_order(client, handler, stream):
    LegalBasisFactory(version=2, needs=["case_reference"])
    found = compared(stream, f";{NUMBER};{BENEFIT};;;{timezone.localdate() - timedelta(days=1)}")

    repaired(client, found, only_you="order")

    assert Order.objects.get().counts == {"CASE_REFERENCE_MISSING": 1}


def test_what_a_system_ordered_by_the_list_is_shown_here_too(client, handler, stream):
    WatchFactory(stream=stream)
    found = compared(stream, "9999999;;;;;")
    order = service.repair(reconciliation=found, wanted=Repair(only_we=CANCEL), at=AT, client="skadesystemet")

    assert f"beställning {order.pk}" in text_of(client.get(url_of(found)))
    assert f"/orders/{order.pk}/" in text_of(client.get(LIST))
