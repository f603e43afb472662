"""The portal's pages to order by, and about orders: who may do what, what they show, and what they keep back."""

import io
import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lefi.audit.models import Action, AuditEvent
from subscriptions.answers import Answer
from subscriptions.forms.orders import ConfirmEnd, form_of, key_of
from subscriptions.models import Agreement, Member, Order, OrderLine, Pending, Stream, Watch
from subscriptions.orders import files, placing
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, Line
from subscriptions.orders.placing import place_order, receive
from subscriptions.orders.tablefile import read_csv
from tests.factories import (
    BENEFIT,
    LegalBasisFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)

LIST, NEW_PAGE, FILE, STOCK, EXAMPLE = "/orders/", "/orders/new/", "/orders/file/", "/orders/stock/", "/orders/example/"
ORDER_WATCHES = "/watches/order/"
KEY = "8a2e1c60-93b7-4c52-9d3e-1f4f9b7f0c11"
OLD, YOUNG = identity_number(901), identity_number(902)


@pytest.fixture
def stream(member):
    return StreamFactory(served=True, agreement__customer=member.customer)


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


@pytest.fixture
def handler(member):
    """The member, with a role that lets files be ordered by."""
    Member.objects.filter(pk=member.pk).update(role=Member.Role.INTEGRATION)
    return member


def asked(**fields):
    """What the form about one person is sent with."""
    today = timezone.localdate().isoformat()
    return {"kind": NEW, "number": OLD, "benefits": [BENEFIT], "from_date": today, "key": KEY} | fields


def csv_of(*rows: str) -> SimpleUploadedFile:
    text = "\r\n".join(["personnummer;formaner;from", *rows])
    return SimpleUploadedFile("beställning.csv", text.encode(), content_type="text/csv")


def row(number: str) -> str:
    return f"{number};sjukpenning;{timezone.localdate()}"


def sent(client, *rows: str, **fields):
    """The answer to a file of rows."""
    return client.post(FILE, {"file": csv_of(*rows), "form": "", "key": KEY} | fields)


def placed(stream, *lines: Line, **said) -> Order:
    said = {"channel": Order.Channel.PORTAL, "at": timezone.now()} | said
    return place_order(stream=stream, lines=lines or [new(OLD)], **said)


def new(number: str, benefit: str = "sjukpenning") -> Line:
    return Line(NEW, number, benefit, timezone.localdate())


def kept(stream, *rows: str, **said) -> Order:
    """An order whose file nobody has read yet."""
    received = files.take_in(io.BytesIO(csv_of(*rows).read()), most=10_000)
    said = {"form": Order.Form.CSV, "channel": Order.Channel.FILE, "at": timezone.now()} | said
    return receive(stream=stream, received=received, **said)


def page_of(order: Order) -> str:
    return reverse("portal:order-detail", args=[order.pk])


def step(client, order: Order, name: str, **fields):
    return client.post(reverse("portal:order-step", args=[order.pk]), {"step": name} | fields)


def text_of(response) -> str:
    return response.content.decode()


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


# Who gets in

PAGES = [LIST, NEW_PAGE, FILE, STOCK, EXAMPLE, "/orders/1/", "/orders/1/progress/", "/watches/1/", ORDER_WATCHES]
DEEDS = ["/orders/1/step/", "/orders/1/change/", "/orders/1/result/", "/orders/1/lines/1/number/"]


@pytest.mark.parametrize("url", [*PAGES, *DEEDS])
def test_who_is_not_logged_in_is_led_to_the_login(client, db, url):
    client.logout()

    answer = client.post(url) if url in DEEDS else client.get(url)

    assert answer.status_code == 302 and answer.url.startswith("/accounts/login/")


@pytest.mark.parametrize("url", [*PAGES[5:7], *DEEDS])
def test_a_strangers_order_is_not_there(client, stranger, url):
    other = placed(StreamFactory(served=True, agreement__customer=stranger.customer), aim=Order.Aim.PREVIEW)
    url = url.replace("/1/", f"/{other.pk}/", 1)

    answer = (
        client.post(url, {"step": "confirm", "form": "csv"})
        if url.split("/")[-2] in "step change result number"
        else client.get(url)
    )

    assert answer.status_code == 404
    assert status_of(other) == Order.Status.PREVIEWED
    assert not AuditEvent.objects.filter(action__in=[Action.READ, Action.FETCH]).exists()


def test_nobody_orders_in_a_strangers_stream(client, stream, stranger):
    other = StreamFactory(served=True, agreement__customer=stranger.customer)

    assert client.get(NEW_PAGE, {"stream": other.pk}).status_code == 404
    assert client.post(NEW_PAGE, asked(stream=other.pk)).status_code == 404
    assert client.get(NEW_PAGE, {"stream": "9" * 30}).status_code == 404
    assert not Order.objects.exists()


@pytest.mark.parametrize("url", [FILE, STOCK])
@pytest.mark.parametrize(
    ("role", "status"),
    [(Member.Role.CASE_WORKER, 403), (Member.Role.INTEGRATION, 200), (Member.Role.ADMINISTRATOR, 200)],
)
def test_files_and_the_whole_stock_are_ordered_by_those_who_handle_files(client, member, stream, url, role, status):
    Member.objects.filter(pk=member.pk).update(role=role)

    assert client.get(url).status_code == status
    assert (url in text_of(client.get(LIST))) is (status == 200)


def test_a_role_at_one_unit_opens_no_files_at_another(client, member, stream):
    second = MemberFactory(user=member.user, role=Member.Role.ADMINISTRATOR)
    StreamFactory(served=True, agreement__customer=second.customer)

    assert client.get(FILE, {"stream": stream.pk}).status_code == 404


# About one person


def test_an_order_about_one_person_is_shown_before_it_has_any_effect(client, stream, member):
    answer = client.post(NEW_PAGE, asked(reference="rad 17"))

    order = Order.objects.get()
    assert (answer.status_code, answer.url) == (302, page_of(order))
    assert (order.status, order.aim, order.ordered_by) == (Order.Status.PREVIEWED, Order.Aim.PREVIEW, member.user)
    assert order.channel == Order.Channel.PORTAL
    assert order.lines.get().reference == "rad 17"
    assert not Watch.objects.exists()


def test_a_confirmed_order_opens_the_watch(client, stream):
    client.post(NEW_PAGE, asked())
    order = Order.objects.get()

    assert step(client, order, "confirm").url == page_of(order)

    assert Watch.objects.get().ordered_number == OLD
    assert status_of(order) == Order.Status.DONE
    assert step(client, order, "confirm").url == page_of(order)
    assert Watch.objects.count() == 1


def test_a_double_click_orders_once_and_other_words_are_another_order(client, stream):
    for _ in range(2):
        client.post(NEW_PAGE, asked())
    assert Order.objects.count() == 1

    client.post(NEW_PAGE, asked(number=YOUNG))
    assert set(OrderLine.objects.values_list("number", flat=True)) == {OLD, YOUNG}


def test_two_clicks_at_once_order_once(stream, monkeypatch):
    """The first is carried out after the second has looked for it."""
    whole = placing._whole

    def meanwhile(stream):
        monkeypatch.setattr(placing, "_whole", whole)
        placed(stream, idempotency_key=KEY)
        return whole(stream)

    monkeypatch.setattr(placing, "_whole", meanwhile)

    assert placed(stream, idempotency_key=KEY) == Order.objects.get()
    assert Watch.objects.count() == 1


def test_what_was_thrown_away_may_be_ordered_again_from_the_same_page(client, stream):
    client.post(NEW_PAGE, asked())
    step(client, Order.objects.get(), "throw-away")

    client.post(NEW_PAGE, asked())

    assert Order.objects.first().status == Order.Status.PREVIEWED


def test_a_key_tells_nothing_of_what_was_written():
    assert OLD not in key_of(KEY, OLD)
    assert key_of(KEY, OLD) == key_of(KEY, OLD) != key_of(KEY, YOUNG)
    assert len(key_of(KEY, OLD)) <= Order._meta.get_field("idempotency_key").max_length


FAULTS = {
    "not a number": ({"number": "195001010000"}, "number"),
    "no number": ({"number": ""}, "number"),
    "no benefit": ({"benefits": []}, "benefits"),
    "a benefit that the agreement does not cover": ({"benefits": ["FK:BB"]}, "benefits"),
    "no from-date for a new watch": ({"from_date": ""}, "from_date"),
    "no date": ({"from_date": "igår"}, "from_date"),
    "further back than is agreed": ({"from_date": "2001-01-01"}, "from_date"),
    "another order type": ({"kind": "guldtacka"}, "kind"),
    "an identity number as reference": ({"reference": YOUNG}, "reference"),
    "a reference that is too long": ({"reference": "x" * 101}, "reference"),
}


@pytest.mark.parametrize(("fields", "place"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_stands_at_its_field_and_what_was_written_is_kept(client, stream, fields, place):
    page = client.post(NEW_PAGE, asked(**{"number": OLD, "reference": "rad 17"} | fields))

    form = page.context["form"]
    assert list(form.errors) == [place]
    assert form["reference"].value() == fields.get("reference", "rad 17")
    assert form["number"].value() == fields.get("number", OLD)
    assert f'href="#id_{place}"' in text_of(page)
    assert not Order.objects.exists()


@pytest.mark.parametrize("kind", [CANCEL, REFRESH])
def test_only_a_new_watch_needs_a_day_and_references(client, member, kind):
    basis = LegalBasisFactory(code="TEST-ÄRENDE", needs=["case_reference"])
    ScopeFactory(basis=basis, agreement=StreamFactory(agreement__customer=member.customer).agreement)

    assert client.post(NEW_PAGE, asked(kind=kind, from_date="")).status_code == 302
    assert list(client.post(NEW_PAGE, asked()).context["form"].errors) == ["case_reference"]


@pytest.mark.parametrize("needs", [[], ["case_reference"], ["need_reference"], ["case_reference", "need_reference"]])
def test_references_are_asked_for_where_the_basis_needs_them(client, member, needs):
    basis = LegalBasisFactory(code="TEST-BEHOV", needs=needs)
    ScopeFactory(basis=basis, agreement=StreamFactory(agreement__customer=member.customer).agreement)

    form = client.get(NEW_PAGE).context["form"]

    assert [name for name in form.fields if name in ("case_reference", "need_reference")] == needs


def test_the_benefits_offered_are_those_of_the_newest_approved_scope(client, member, stream):
    agreement = stream.agreement
    ScopeFactory(agreement=agreement, version=2, benefits=["FK:SJP", "FK:BOB"])
    ScopeFactory(agreement=agreement, version=3, benefits=["FK:TFP"], approved_at=None)

    choices = client.get(NEW_PAGE).context["form"].fields["benefits"].choices

    assert [name for _code, name in choices] == ["Bostadsbidrag", "Sjukpenning"]


def test_who_has_several_streams_chooses_among_those_that_are_open(client, stream, member):
    agreement = stream.agreement
    second = StreamFactory(agreement=agreement, channel=Stream.Channel.PORTAL)
    StreamFactory(agreement__customer=member.customer, closed=True)
    StreamFactory(agreement__customer=member.customer, agreement__status=Agreement.Status.ENDED)

    page = client.get(NEW_PAGE)

    assert list(page.context["form"].fields["stream"].queryset) == [stream, second]
    assert client.get(NEW_PAGE, {"stream": second.pk}).context["stream"] == second


def test_who_has_no_stream_is_told_so(client):
    assert 'class="empty"' in text_of(client.get(NEW_PAGE))


def test_a_preview_says_what_would_happen_to_each_benefit(client, member, stream):
    ScopeFactory(agreement=stream.agreement, version=2, benefits=["FK:SJP", "FK:BOB"])
    WatchFactory(stream=stream, person__first_number=OLD)
    client.post(NEW_PAGE, asked(benefits=["FK:SJP", "FK:BOB"]))

    page = client.get(page_of(Order.objects.get()))

    assert {line.answer for line, *_words in page.context["rows"]} == {Answer.ACCEPTED, Answer.ALREADY_WATCHED}
    assert (page.context["effect"], page.context["without_effect"]) == (1, 1)
    assert 'value="confirm"' in text_of(page)
    assert OLD not in text_of(page)


def test_an_order_says_which_case_it_is_for_before_it_is_confirmed_and_after(client, member):
    basis = LegalBasisFactory(code="TEST-ÄRENDE", needs=["case_reference"])
    ScopeFactory(basis=basis, agreement=StreamFactory(agreement__customer=member.customer).agreement)
    client.post(NEW_PAGE, asked(case_reference="EB 2026/42"))
    order = Order.objects.get()

    assert "EB 2026/42" in text_of(client.get(page_of(order)))
    step(client, order, "confirm")
    assert Watch.objects.get().case_reference == "EB 2026/42"
    assert order.lines.get().case_reference == ""  # the watch has it
    assert "EB 2026/42" in text_of(client.get(page_of(order)))


def test_a_preview_without_effect_has_nothing_to_confirm(client, stream):
    WatchFactory(stream=stream, person__first_number=OLD)
    client.post(NEW_PAGE, asked())

    page = text_of(client.get(page_of(Order.objects.get())))

    assert 'value="confirm"' not in page and 'value="throw-away"' in page


def test_a_preview_is_changed_in_the_form_it_was_written_in(client, member):
    basis = LegalBasisFactory(code="TEST-ÄRENDE", needs=["case_reference"])
    ScopeFactory(basis=basis, agreement=StreamFactory(agreement__customer=member.customer).agreement)
    client.post(NEW_PAGE, asked(case_reference="EB 1", reference="rad 17"))
    order = Order.objects.get()

    page = client.post(reverse("portal:order-change", args=[order.pk]))

    form = page.context["form"]
    written = {name: form[name].value() for name in ("number", "benefits", "case_reference", "reference", "kind")}
    assert written == {
        "number": OLD,
        "benefits": [BENEFIT],
        "case_reference": "EB 1",
        "reference": "rad 17",
        "kind": NEW,
    }
    assert status_of(order) == Order.Status.THROWN_AWAY
    assert client.post(reverse("portal:order-change", args=[order.pk])).url == page_of(order)


def test_a_colleague_who_changes_a_preview_is_logged_as_having_read_its_number(client, stream, member):
    person = PersonFactory(first_number=OLD)
    client.post(NEW_PAGE, asked())
    colleague = MemberFactory(customer=member.customer, role=Member.Role.INTEGRATION)
    client.force_login(colleague.user)

    assert OLD in text_of(client.post(reverse("portal:order-change", args=[Order.objects.get().pk])))

    read = AuditEvent.objects.get(action=Action.READ)
    assert (read.actor, read.person_id, read.customer_id) == (colleague.user, person.pk, member.customer_id)


def test_no_identity_number_stands_in_an_address_or_the_session(client, stream):
    answers = [client.post(NEW_PAGE, asked()), client.get(NEW_PAGE)]
    order = Order.objects.get()
    answers += [step(client, order, "confirm"), client.get(page_of(order)), client.get(LIST)]

    assert not any(OLD in getattr(answer, "url", "") for answer in answers)
    assert OLD not in str(dict(client.session))
    assert all(OLD not in text_of(answer) for answer in answers)


# By a file


def test_a_file_is_read_and_answered_without_effect(client, handler, stream):
    answer = sent(client, row(OLD), row("195001010000"), reference="vecka 48")

    order = Order.objects.get()
    assert answer.url == page_of(order)
    assert (order.status, order.form, order.channel) == (Order.Status.PREVIEWED, Order.Form.CSV, Order.Channel.FILE)
    assert (order.file_name, order.reference, order.ordered_by) == ("beställning.csv", "vecka 48", handler.user)
    assert order.counts == {Answer.ACCEPTED: 1, Answer.NUMBER_INVALID: 1}
    assert not Watch.objects.exists()


def test_a_file_sent_twice_from_one_page_is_one_order_and_another_file_is_another(client, handler, stream):
    urls = [sent(client, row(number)).url for number in (OLD, OLD, YOUNG)]

    assert urls[0] == urls[1] != urls[2]


def test_a_name_of_a_file_is_kept_without_the_identity_number_in_it(client, handler, stream):
    file = csv_of(row(OLD))
    file.name = f"{OLD}.csv"

    client.post(FILE, {"file": file, "key": KEY})

    assert Order.objects.get().file_name == "[masked].csv"


UNREADABLE = {
    "empty": (b"", "", "inga rader"),
    "no XML": (b"<bestallning>", "", "XML"),
    "no JSON": (b"{", "json", "JSON"),
    "another's": (
        b'{"organisationsnummer":"2021005521","rader":[{"typ":"heluppdateringBevakning","bestand":true}]}',
        "",
        "",
    ),
}


@pytest.mark.parametrize(("body", "form", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field_and_nothing_is_kept(
    client, handler, stream, body, form, words
):
    page = client.post(FILE, {"file": SimpleUploadedFile("a", body), "form": form, "key": KEY})

    assert words in page.context["form"].errors["file"][0]
    assert not Order.objects.exists()


def test_a_file_that_is_too_large_is_refused(client, handler, stream, settings):
    settings.ORDER_FILE_MAX_BYTES = 10

    assert "file" in sent(client, row(OLD)).context["form"].errors
    assert not Order.objects.exists()


def test_a_long_file_is_read_by_a_worker(client, handler, stream, settings):
    settings.ORDER_AT_ONCE_LINES = 1

    sent(client, row(OLD), row(YOUNG))

    order = Order.objects.get()
    assert (order.status, order.line_count) == (Order.Status.PREVIEWED, 2)
    step(client, order, "confirm")
    assert Watch.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "body", "form"),
    [
        ("a.csv", b"personnummer;formaner\n", "csv"),
        ("a", b"personnummer;formaner\n", "csv"),
        ("a.txt", b"", "csv"),
        ("a.csv", b"PK\x03\x04", "xlsx"),
        ("a", b"\xef\xbb\xbf <?xml version='1.0'?>", "xml"),
        ("a", "\ufeff<bestallning/>".encode("utf-16-le"), "xml"),
        ("a.csv", b"<bestallning/>", "xml"),
        ("a.json", b'{"rader": []}', "json"),
        ("a", b'{"rader": []}', "json"),
        ("a", b'{\n"rader": []}', "json"),
        ("a", b"[]", "json"),
        ("a", b'{"typ": "x"}\n{"typ": "x"}', "jsonl"),
        ("a", b'{"organisationsnummer": "2120000142"}\n{"typ": "x"}', "jsonl"),
        ("a.ndjson", b'{"typ":\n', "jsonl"),
        ("a", b"[" * 50_000, "json"),
    ],
)
def test_the_form_of_a_file_is_found_by_how_it_begins_and_by_its_name(name, body, form):
    file = io.BytesIO(body)

    assert form_of(name, file) == form
    assert file.read() == body


def test_the_example_file_can_be_ordered_by(client, handler, stream):
    body = b"".join(client.get(EXAMPLE).streaming_content)

    lines = list(read_csv(io.BytesIO(body)))

    assert {line.kind for line in lines} == {NEW, CANCEL, REFRESH}
    assert [line.fault for line in lines] == [""] * len(lines)
    client.post(FILE, {"file": SimpleUploadedFile("e.csv", body), "key": KEY})
    assert Answer.NUMBER_INVALID not in Order.objects.get().counts


# About everybody


def test_a_new_benefit_for_everybody_is_previewed_and_carried_out(client, handler, stream):
    ScopeFactory(agreement=stream.agreement, version=2, benefits=["FK:SJP", "FK:BOB"])
    WatchFactory.create_batch(3, stream=stream)
    today = timezone.localdate().isoformat()

    client.post(STOCK, {"kind": NEW, "benefits": ["FK:BOB"], "from_date": today, "key": KEY})

    order = Order.objects.get()
    assert (order.status, order.counts) == (Order.Status.PREVIEWED, {Answer.ACCEPTED: 3})
    step(client, order, "confirm")
    assert Watch.objects.filter(benefit="FK:BOB").count() == 3


def test_everything_is_fetched_again_for_everybody(client, handler, stream):
    WatchFactory.create_batch(2, stream=stream)

    client.post(STOCK, {"kind": REFRESH, "key": KEY})
    step(client, Order.objects.get(), "confirm")

    assert Pending.objects.filter(reason=Pending.Reason.REFRESH).count() == 2


def test_all_watches_end_once_the_units_name_is_written(client, handler, stream):
    WatchFactory.create_batch(2, stream=stream)
    client.post(STOCK, {"kind": CANCEL, "key": KEY})
    order = Order.objects.get()

    assert isinstance(client.get(page_of(order)).context["confirmation"], ConfirmEnd)
    refused = step(client, order, "confirm", unit="Fel enhet")
    assert "unit" in refused.context["confirmation"].errors
    assert Watch.objects.open().count() == 2

    step(client, order, "confirm", unit=f" {handler.customer.name.upper()} ")
    assert not Watch.objects.open().exists()


def test_a_file_that_ends_many_watches_asks_for_the_units_name_too(client, handler, stream, monkeypatch):
    monkeypatch.setattr("subscriptions.views.orders.MANY", 2)
    watches = WatchFactory.create_batch(3, stream=stream)
    lines = [Line(CANCEL, watch.ordered_number, BENEFIT, None) for watch in watches[:2]]
    order = placed(stream, *lines, aim=Order.Aim.PREVIEW)

    assert client.get(page_of(order)).context["confirmation"] is not None


def test_one_watch_of_one_ends_without_ado(client, stream, member):
    WatchFactory(stream=stream, person__first_number=OLD)
    order = placed(stream, Line(CANCEL, OLD, BENEFIT, None), aim=Order.Aim.PREVIEW, ordered_by=member.user)

    step(client, order, "confirm")

    assert not Watch.objects.open().exists()


def test_nothing_is_ordered_about_nobody(client, handler, stream):
    client.post(STOCK, {"kind": REFRESH, "key": KEY})

    assert not Order.objects.exists()


def test_a_new_benefit_for_everybody_must_be_named(client, handler, stream):
    page = client.post(STOCK, {"kind": NEW, "benefits": [], "from_date": "", "key": KEY})

    assert set(page.context["form"].errors) == {"benefits", "from_date"}


# An order's page


def test_a_colleague_sees_an_order_and_leaves_it_alone(client, stream):
    order = placed(stream, aim=Order.Aim.PREVIEW, ordered_by=MemberFactory(customer=stream.agreement.customer).user)

    page = text_of(client.get(page_of(order)))

    assert 'name="step"' not in page and "/result/" not in page
    assert step(client, order, "confirm").status_code == 403
    assert client.post(reverse("portal:order-change", args=[order.pk])).status_code == 403
    assert client.post(reverse("portal:order-result", args=[order.pk]), {"form": "csv"}).status_code == 403
    assert status_of(order) == Order.Status.PREVIEWED


def test_who_handles_the_units_files_decides_on_any_of_its_orders(client, handler, stream):
    order = placed(stream, aim=Order.Aim.PREVIEW, client="skadesystemet")

    step(client, order, "confirm")

    assert status_of(order) == Order.Status.DONE


@pytest.mark.parametrize("name", ["", "guldtacka"])
def test_a_step_that_is_none_is_not_there(client, handler, stream, name):
    assert step(client, placed(stream), name).status_code == 404


STEPS = {
    "a preview is thrown away": ("throw-away", Order.Status.PREVIEWED, Order.Status.THROWN_AWAY),
    "an order in hand is stopped": ("stop", Order.Status.WAITING, Order.Status.STOPPED),
    "a stopped order goes on": ("resume", Order.Status.STOPPED, Order.Status.DONE),
    "a stopped order that has done nothing is thrown away": (
        "throw-away",
        Order.Status.STOPPED,
        Order.Status.THROWN_AWAY,
    ),
    "one that has ended is not stopped": ("stop", Order.Status.DONE, Order.Status.DONE),
}


@pytest.mark.parametrize(("name", "before", "after"), STEPS.values(), ids=STEPS)
def test_a_step_moves_the_order_on(client, handler, stream, name, before, after):
    order = kept(stream, row(OLD))
    Order.objects.filter(pk=order.pk).update(status=before)

    answer = step(client, order, name)

    assert answer.url == page_of(order)
    assert status_of(order) == after


def test_the_rest_of_a_stopped_order_is_ended(client, handler, stream):
    order = kept(stream, row(OLD), row(YOUNG), at_once=True)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.STOPPED)

    step(client, order, "give-up")

    assert Order.objects.get(pk=order.pk).counts == {Answer.NOT_CARRIED_OUT: 2}
    assert not Watch.objects.exists()


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        (Order.Status.RECEIVING, {"throw-away"}),
        (Order.Status.WAITING, {"stop"}),
        (Order.Status.WORKING, {"stop"}),
        (Order.Status.STOPPED, {"resume", "throw-away"}),
        (Order.Status.PREVIEWED, {"throw-away"}),
        (Order.Status.DONE, set()),
        (Order.Status.THROWN_AWAY, set()),
    ],
)
def test_each_state_has_its_buttons(client, handler, stream, status, buttons):
    order = OrderFactory(stream=stream, status=status)

    page = text_of(client.get(page_of(order)))

    assert set(re.findall(r'name="step"\s+value="([\w-]+)"', page)) == buttons


def test_a_stopped_order_that_has_had_effects_may_be_ended_but_not_thrown_away(client, handler, stream):
    order = OrderFactory(stream=stream, status=Order.Status.STOPPED, line_count=2, lines_done=1)

    page = text_of(client.get(page_of(order)))

    assert set(re.findall(r'name="step"\s+value="([\w-]+)"', page)) == {"resume", "give-up"}


def test_a_refused_file_says_why_where_and_what_to_do(client, stream):
    order = OrderFactory(
        stream=stream, status=Order.Status.REFUSED, refusal="DOCTYPE", refused_at_row=17, form=Order.Form.XML
    )

    page = text_of(client.get(page_of(order)))

    assert "17" in page and "DOCTYPE" in page


def test_progress_is_polled_while_the_order_is_in_hand_and_the_page_comes_anew_at_the_end(client, stream):
    order = OrderFactory(
        stream=stream,
        status=Order.Status.WORKING,
        line_count=1000,
        lines_done=250,
        pass_started_at=timezone.now() - timedelta(seconds=10),
    )
    url = reverse("portal:order-progress", args=[order.pk])

    part = client.get(url)
    assert f'hx-get="{url}"' in text_of(part) and 'value="25"' in text_of(part)
    assert part.context["time_left"]

    Order.objects.filter(pk=order.pk).update(status=Order.Status.DONE)
    assert client.get(url)["HX-Refresh"] == "true"


def test_while_the_file_is_read_it_is_said_how_much_of_it_has_been(client, stream):
    order = OrderFactory(
        stream=stream,
        status=Order.Status.WORKING,
        form=Order.Form.CSV,
        size=1000,
        bytes_read=400,
        lines_read=20_000,
        pass_started_at=timezone.now() - timedelta(seconds=10),
    )

    part = client.get(reverse("portal:order-progress", args=[order.pk]))

    assert 'value="40"' in text_of(part) and part.context["rate"] == pytest.approx(2000, rel=0.5)


def test_the_lines_shown_first_of_a_file_are_those_without_effect(client, handler, stream):
    sent(client, row(OLD), row("195001010000"), row(YOUNG))
    order = Order.objects.get()

    def shown(**query):
        return [line.line for line, *_words in client.get(page_of(order), query).context["rows"]]

    assert shown() == [2]
    assert shown(answer="all") == [1, 2, 3]
    assert shown(answer="without-effect") == [2]
    assert shown(answer=Answer.ACCEPTED) == [1, 3]
    assert shown(answer="GULDTACKA") == [2]


def test_each_answer_leads_to_its_lines(client, handler, stream):
    sent(client, row(OLD), row("195001010000"))

    page = text_of(client.get(page_of(Order.objects.get())))

    assert "?answer=ACCEPTED#lines" in page and "?answer=NUMBER_INVALID#lines" in page


def test_a_number_on_a_line_is_masked_until_asked_for_and_that_is_logged(client, stream, member):
    order = placed(stream)
    line = order.lines.get()
    url = reverse("portal:order-number", args=[order.pk, line.line])
    dashed = f"{OLD[:8]}-{OLD[8:]}"

    assert OLD not in text_of(client.get(page_of(order))) and dashed not in text_of(client.get(page_of(order)))
    assert client.get(url).status_code == 405
    assert text_of(client.post(url, headers={"HX-Request": "true"})).strip() == f'<span class="nowrap">{dashed}</span>'
    assert "<h1>" in text_of(client.post(url))
    events = AuditEvent.objects.filter(action=Action.READ)
    assert {(one.actor, one.person_id) for one in events} == {(member.user, line.watch.person_id)}


@pytest.mark.parametrize("number", [OLD, "195001010000"])
def test_a_number_without_a_watch_is_shown_and_logged_as_well(client, stream, number):
    order = placed(stream, Line(CANCEL, number, "sjukpenning", None))

    answer = client.post(reverse("portal:order-number", args=[order.pk, 1]))

    assert number[:8] in text_of(answer)
    assert AuditEvent.objects.get(action=Action.READ).person_id is None


@pytest.mark.parametrize("form", ["csv", "xml", "json"])
def test_the_result_is_downloaded_and_that_is_logged(client, handler, stream, form):
    order = placed(stream)

    answer = client.post(reverse("portal:order-result", args=[order.pk]), {"form": form})

    assert OLD in b"".join(answer.streaming_content).decode()
    assert answer["Content-Disposition"].endswith(f'-{order.pk}.{form}"')
    event = AuditEvent.objects.get(action=Action.FETCH)
    assert (event.actor, event.object_id) == (handler.user, str(order.pk))


def test_the_lines_without_effect_are_downloaded_alone(client, handler, stream):
    order = placed(stream, new(OLD), Line(CANCEL, "195001010000", "sjukpenning", None))

    answer = client.post(reverse("portal:order-result", args=[order.pk]), {"form": "without-effect"})
    told = b"".join(answer.streaming_content).decode()

    assert "195001010000" in told and OLD not in told
    assert answer["Content-Disposition"].endswith(f'"utan-verkan-{order.pk}.csv"')
    assert AuditEvent.objects.get(action=Action.FETCH).object_id == str(order.pk)


@pytest.mark.parametrize(
    ("form", "status"), [("guldtacka", Order.Status.DONE), ("csv", Order.Status.WAITING), ("csv", Order.Status.REFUSED)]
)
def test_no_result_is_given_in_another_form_or_before_there_is_one(client, handler, stream, form, status):
    refusal = "FORM" if status == Order.Status.REFUSED else ""
    order = OrderFactory(stream=stream, status=status, refusal=refusal)

    assert client.post(reverse("portal:order-result", args=[order.pk]), {"form": form}).status_code == 404
    assert not AuditEvent.objects.exists()


def test_a_long_order_has_pages_and_as_many_queries_as_a_short_one(
    client, handler, stream, django_assert_max_num_queries
):
    sent(client, *(row(identity_number(n)) for n in range(1000, 1120)))
    order = Order.objects.get()

    with django_assert_max_num_queries(6):
        page = client.get(page_of(order), {"after": "100"})

    assert [line.line for line, *_words in page.context["rows"]] == list(range(101, 121))
    assert (page.context["page"].before, page.context["page"].after) == (101, None)
    assert "120 totalt" in text_of(page)


def test_a_page_of_lines_leads_to_those_beside_it_and_keeps_what_is_shown(client, handler, stream):
    sent(client, *(row(identity_number(n)) for n in range(1000, 1120)), row("195001010000"))
    order = Order.objects.get()

    page = client.get(page_of(order), {"answer": Answer.ACCEPTED, "before": "101"})

    assert [line.line for line, *_words in page.context["rows"]] == list(range(51, 101))
    text = text_of(page)
    assert "?answer=ACCEPTED&amp;before=51" in text and "?answer=ACCEPTED&amp;after=100" in text


@pytest.mark.parametrize(
    "asked", [{"after": "9" * 30}, {"before": "1"}, {"after": "x"}, {"before": "-3"}, {"after": "200"}]
)
def test_an_address_that_leads_to_no_line_shows_the_first(client, stream, asked):
    order = placed(stream)

    assert [line.line for line, *_words in client.get(page_of(order), asked).context["rows"]] == [1]


# The list


def test_the_list_is_narrowed_by_state_unit_and_to_ones_own(client, stream, member):
    second = MemberFactory(user=member.user)
    own = OrderFactory(stream=stream, ordered_by=member.user, status=Order.Status.DONE)
    other = OrderFactory(stream__agreement__customer=second.customer)

    def shown(**query):
        return [order for order, _without in client.get(LIST, query).context["rows"]]

    assert shown() == [other, own]
    assert shown(status="done") == shown(unit=member.customer.pk) == shown(mine="on") == [own]
    assert shown(status="guldtacka") == [other, own]


def test_a_strangers_orders_are_not_listed(client, stream, stranger):
    OrderFactory(stream__agreement__customer=stranger.customer)

    assert 'class="empty"' in text_of(client.get(LIST))


def test_a_long_list_has_as_many_queries_as_a_short_one(client, stream, member, django_assert_max_num_queries):
    OrderFactory.create_batch(60, stream=stream, ordered_by=member.user, status=Order.Status.DONE)

    with django_assert_max_num_queries(6):
        page = client.get(LIST, {"page": "2"})

    assert len(page.context["rows"]) == 10


def test_the_start_page_and_the_list_of_watches_lead_to_orders(client, stream):
    for url in ("/", "/watches/"):
        page = text_of(client.get(url))
        assert NEW_PAGE in page and f'href="{LIST}"' in page


# From the list of watches


def test_ticked_watches_are_shown_once_more_and_then_end_in_one_order(client, stream, member):
    watches = WatchFactory.create_batch(3, stream=stream)
    ticked = {"kind": "cancel", "watch": [watch.pk for watch in watches[:2]]}

    assert client.get(ORDER_WATCHES, ticked).context["chosen"] == watches[:2]
    assert Watch.objects.open().count() == 3

    answer = client.post(ORDER_WATCHES, ticked | {"key": KEY})

    order = Order.objects.get()
    assert answer.url == page_of(order)
    assert (order.counts, order.ordered_by) == ({Answer.CANCELLED: 2}, member.user)
    assert list(Watch.objects.open()) == watches[2:]


def test_complete_information_is_ordered_again(client, stream):
    watch = WatchFactory(stream=stream)

    for _ in range(2):
        client.post(ORDER_WATCHES, {"kind": "refresh", "watch": [watch.pk], "key": KEY})

    assert Pending.objects.get().reason == Pending.Reason.REFRESH
    assert Order.objects.count() == 1


def test_watches_of_two_streams_end_by_an_order_in_each(client, stream, member):
    one, other = WatchFactory(stream=stream), WatchFactory(stream__agreement__customer=member.customer)

    answer = client.post(ORDER_WATCHES, {"kind": "cancel", "watch": [one.pk, other.pk], "key": KEY})

    assert answer.url == LIST
    assert {order.stream for order in Order.objects.all()} == {one.stream, other.stream}


def test_a_strangers_and_an_ended_watch_are_not_ordered_about(client, stream, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer)
    gone = WatchFactory(stream=stream)
    Watch.objects.filter(pk=gone.pk).update(ended_at=timezone.now(), end_reason="AVBESTALLD", ended_as_of=1)

    answer = client.post(ORDER_WATCHES, {"kind": "cancel", "watch": [other.pk, gone.pk, "x", "9" * 30], "key": KEY})

    assert answer.url == "/watches/"
    assert not Order.objects.exists()
    assert client.get(ORDER_WATCHES, {"kind": "guldtacka", "watch": [other.pk]}).status_code == 404


# A watch and its story


def test_a_watch_tells_who_ordered_it_when_and_by_which_order(client, stream, member):
    order = placed(stream, ordered_by=member.user)
    placed(stream, Line(NEW, OLD, "sjukpenning", timezone.localdate()), aim=Order.Aim.PREVIEW)
    watch = Watch.objects.get()

    page = client.get(reverse("portal:watch-detail", args=[watch.pk]))

    assert [line.order for line, _words in page.context["story"]] == [order]
    assert page_of(order) in text_of(page) and str(member.user.get_full_name()) in text_of(page)
    assert OLD not in text_of(page)


def test_a_strangers_watch_is_not_there(client, stranger):
    other = WatchFactory(stream__agreement__customer=stranger.customer)

    assert client.get(reverse("portal:watch-detail", args=[other.pk])).status_code == 404


@pytest.mark.parametrize("days", [0, 1])
def test_what_is_still_to_come_follows_from_the_days_alone(client, stream, days):
    """What is owed may be owed for a reason that the customer must not learn (C8)."""
    placed(stream)
    Stream.objects.filter(pk=stream.pk).update(examined_day=timezone.localdate() - timedelta(days=days))
    watch = Watch.objects.get()
    url = reverse("portal:watch-detail", args=[watch.pk])
    before = text_of(client.get(url))

    Pending.objects.create(watch=watch, reason=Pending.Reason.PROTECTED, since=timezone.now())
    Pending.objects.filter(reason=Pending.Reason.FIRST).delete()

    after = client.get(url)
    assert re.sub("csrf.*", "", text_of(after)) == re.sub("csrf.*", "", before)
    assert after.context["complete_to_come"] is (days == 1)


def test_a_story_of_many_orders_takes_as_many_queries_as_of_one(client, stream, django_assert_max_num_queries):
    watch = WatchFactory(stream=stream)
    OrderLineFactory.create_batch(20, order__stream=stream, watch=watch, answer=Answer.REFRESH_ORDERED)

    with django_assert_max_num_queries(5):
        client.get(reverse("portal:watch-detail", args=[watch.pk]))


def test_a_watchs_page_asks_as_often_with_twenty_orders_of_as_many_people_as_with_two(client, stream):
    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            client.get(reverse("portal:watch-detail", args=[watch.pk]))
        return len(sent)

    def ordered(times: int) -> None:
        for _ in range(times):
            order = OrderFactory(stream=stream, ordered_by=UserFactory())
            OrderLineFactory(order=order, watch=watch, answer=Answer.REFRESH_ORDERED)

    watch = WatchFactory(stream=stream)
    ordered(2)
    few = queries()
    ordered(18)

    assert queries() == few
