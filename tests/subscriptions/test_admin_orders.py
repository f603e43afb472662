"""What staff see of orders and do with them: how far each is, what its lines were answered, which steps it may take."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benefits.models import PersonFacts, Protection
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.answers import Answer
from subscriptions.models import Order, OrderLine, Watch
from subscriptions.orders import files, placing
from subscriptions.orders.lines import NEW, Line
from tests.factories import (
    AT,
    BENEFIT,
    AgreementFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)

pytestmark = pytest.mark.django_db

STATUS = Order.Status
WHY = {"reason": "Kunden ringde, ärende 2026-17."}
OLD, YOUNG = identity_number(801), identity_number(802)
JSON = '{"organisationsnummer": "5560000001", "rader": [%s]}'
ROW = '{"typ": "nybestallningBevakning", "personnummer": "%s", "from": "2026-01-01", "formaner": ["sjukpenning"]}'
ENGLISH = {"headers": {"Accept-Language": "en"}}


def address(name, *args):
    return reverse(f"admin:subscriptions_{name}", args=args)


@pytest.fixture
def office(client, staff):
    """The browser of an employee who has every right."""
    client.force_login(staff)
    return client


@pytest.fixture
def stream():
    return StreamFactory(served=True, agreement__customer__unit="", agreement__customer__name="Solbacka")


@pytest.fixture
def worker(django_capture_on_commit_callbacks):
    """What an order set going at the end of the block does, it has done."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def with_rights(client, *codenames):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def previewed(stream, *numbers):
    lines = [Line(NEW, number, "sjukpenning", AT.date()) for number in numbers]
    return placing.place_order(
        stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=timezone.now(), aim=Order.Aim.PREVIEW
    )


def received(stream, *numbers, aim=Order.Aim.CARRY_OUT):
    """A file that no worker has read yet."""
    written = BytesIO((JSON % ",".join(ROW % one for one in numbers)).encode())
    return placing.receive(
        stream=stream,
        channel=Order.Channel.API,
        received=files.take_in(written, most=10_000),
        form=Order.Form.JSON,
        at=timezone.now(),
        aim=aim,
    )


# The list


def listed(office, **query):
    return list(office.get(address("order_changelist"), query).context["cl"].result_list)


def test_orders_are_found_by_customer_stream_channel_state_and_aim(office, stream):
    own = OrderFactory(stream=stream, channel="portal", status=STATUS.DONE)
    other = OrderFactory(aim="preview", status=STATUS.PREVIEWED)

    for query, expected in (
        ({"stream__agreement__customer": stream.agreement.customer_id}, [own]),
        ({"stream": other.stream_id}, [other]),
        ({"channel__exact": "portal"}, [own]),
        ({"status__exact": "previewed"}, [other]),
        ({"aim__exact": "carry_out"}, [own]),
        ({"q": stream.agreement.customer.name}, [own]),
        ({"stream": "none"}, [other, own]),
    ):
        assert listed(office, **query) == expected, query


def test_the_customers_are_offered_and_the_streams_of_the_one_chosen(office, stream):
    OrderFactory.create_batch(2, stream=stream)

    def offered(**query):
        specs = office.get(address("order_changelist"), query).context["cl"].filter_specs
        return {one.parameter_name: one.lookup_choices for one in specs if hasattr(one, "lookup_choices")}

    customer = stream.agreement.customer
    assert offered()["stream__agreement__customer"] == [(customer.pk, str(customer))]
    assert "stream" not in offered()
    for query in ({"stream__agreement__customer": customer.pk}, {"stream": stream.pk}):
        assert [pk for pk, _ in offered(**query)["stream"]] == [stream.pk]


LATE, NOW = timedelta(hours=1), timedelta(0)
STUCK = {
    "waiting, just received": (STATUS.WAITING, NOW, None, 0, False),
    "waiting for an hour": (STATUS.WAITING, LATE, None, 0, True),
    "working, and held": (STATUS.WORKING, LATE, timedelta(minutes=1), 1, False),
    "working, and held no longer": (STATUS.WORKING, LATE, timedelta(minutes=-1), 1, True),
    "stopped by somebody": (STATUS.STOPPED, LATE, None, 1, False),
    "stopped since nobody got on with it": (STATUS.STOPPED, LATE, None, placing.TRIES, True),
    "waiting to be confirmed": (STATUS.PREVIEWED, LATE, None, 0, False),
    "done": (STATUS.DONE, LATE, None, 0, False),
}


@pytest.mark.parametrize(("status", "age", "held_for", "tries", "expected"), STUCK.values(), ids=STUCK)
def test_an_order_that_no_worker_gets_on_with_is_found_and_says_so(office, status, age, held_for, tries, expected):
    now = timezone.now()
    lease = now + held_for if held_for else None
    order = OrderFactory(status=status, received_at=now - age, leased_until=lease, tries=tries)

    page = office.get(address("order_change", order.pk), **ENGLISH).content.decode()

    assert listed(office, stuck="yes") == ([order] if expected else [])
    assert ("No worker gets on with it" in page) is expected


def test_an_order_in_the_list_says_how_far_it_is_and_what_came_of_its_lines(office):
    counts = {"ACCEPTED": 1500, "NUMBER_INVALID": 3, "CANCELLED": 1, "BLOCKED": 2, "ALREADY_WATCHED": 7}
    OrderFactory(status=STATUS.WORKING, lines_read=4000, line_count=4000, lines_done=1506, counts=counts)
    OrderFactory(status=STATUS.REFUSED, refusal="NOT_XML", refused_at_row=17)

    page = office.get(address("order_changelist"), **ENGLISH).content.decode().replace("\xa0", " ")

    assert "1,506 / 4,000 (37 %)" in page
    assert "1,501 with effect · 7 stood already · 5 without effect" in page
    assert "Row 17." in page


# The page of an order


def test_the_page_counts_the_answers_and_leads_to_their_lines(office, stream):
    order = previewed(stream, OLD, YOUNG, "191212121213")

    page = office.get(address("order_change", order.pk), **ENGLISH).content.decode()

    lines = f"{address('orderline_changelist')}?order={order.pk}&amp;answer="
    for code, sentence in (
        ("ACCEPTED", "The watch is open; complete information comes with the next delivery."),
        ("NUMBER_INVALID", "The identity number is not valid."),
    ):
        assert f'<a href="{lines}{code}"><code>{code}</code></a>' in page
        assert sentence in page
    for code, count in (("ACCEPTED", 2), ("NUMBER_INVALID", 1)):
        query = {"order": order.pk, "answer": code}
        assert len(office.get(address("orderline_changelist"), query).context["cl"].result_list) == count


def test_the_progress_is_in_per_cent_with_lines_a_second_and_the_time_left(office):
    taken = timezone.now() - timedelta(seconds=100)
    order = OrderFactory(
        status=STATUS.WORKING,
        pass_started_at=taken,
        leased_until=timezone.now() + LATE,
        lines_read=4000,
        line_count=4000,
        lines_done=1000,
    )

    page = office.get(address("order_change", order.pk), **ENGLISH).content.decode()

    assert '<progress max="100" value="25"></progress> 25 % · 1,000 / 4,000 · 10 lines a second · 0:05:' in page
    assert f'<a href="{address("order_change", order.pk)}">Refresh</a>' in page


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"status": STATUS.RECEIVING, "size": 2048, "received_bytes": 1024}, "1.0\xa0KB / 2.0\xa0KB"),
        (
            {"status": STATUS.WORKING, "lines_read": 20000, "size": 900, "bytes_read": 450},
            '<progress max="100" value="50"></progress> Lines read: 20,000 · 50 % of the file',
        ),
        ({"status": STATUS.DONE, "line_count": 3, "lines_done": 3}, "100 % · 3 / 3"),
    ],
)
def test_the_progress_is_of_what_is_done_at_the_time(office, said, expected):
    order = OrderFactory(**said)

    page = office.get(address("order_change", order.pk), **ENGLISH).content.decode()

    assert expected in page


def test_an_order_that_was_refused_whole_says_why_and_where(office):
    order = OrderFactory(status=STATUS.REFUSED, refusal="NOT_XML", refused_at_row=17)

    page = office.get(address("order_change", order.pk), **ENGLISH).content.decode()

    assert "The order is not well-formed XML. Row 17. (<code>NOT_XML</code>)" in page


def test_a_preview_says_what_size_of_delivery_to_expect(office):
    expected = {"watches": 3, "persons": 1, "bytes": 2048}
    order = OrderFactory(aim="preview", status=STATUS.PREVIEWED, expected=expected)
    unsaid = OrderFactory(aim="preview", status=STATUS.PREVIEWED, expected=expected | {"bytes": None})

    page, other = (office.get(address("order_change", one.pk), **ENGLISH).content.decode() for one in (order, unsaid))

    assert "3 watches · 1 person · about 2.0\xa0KB, reckoned from the register" in page
    assert "3 watches · 1 person<" in other


def test_what_a_customer_wrote_is_shown_without_identity_numbers(office):
    order = OrderFactory(reference=f"Sven {OLD}", file_name=f"{OLD}.csv", form="csv")
    line = OrderLineFactory(order=order, watch=None, number="", reference=f"Sven {OLD}")

    pages = [office.get(address("order_change", order.pk)), office.get(address("orderline_change", line.pk))]

    for page in pages:
        assert OLD not in page.content.decode()
        assert "Sven [masked]" in page.content.decode()


# Lines and whom they are about


def test_a_line_without_a_watch_is_about_whoever_holds_its_number(office):
    person = PersonFactory()
    line = OrderLineFactory(watch=None, number=person.first_number, answer="NOT_WATCHED")

    response = office.get(address("orderline_change", line.pk))

    assert response.url.startswith(reverse("admin:benefits_person_change", args=[person.pk]))


def test_a_line_about_a_protected_person_is_withheld_from_who_has_no_right_to_it(client):
    person = PersonFactory()
    PersonFacts.objects.filter(person=person).update(protection=Protection.MARKED)
    lines = [
        OrderLineFactory(watch=None, number=person.first_number, answer="NOT_WATCHED"),
        OrderLineFactory(watch__person=person),
    ]
    browser = with_rights(client, "view_orderline", "view_person")
    session = browser.session
    open_person(session, person_id=person.pk, reason="Ärende 2026-17", at=timezone.now())
    session.save()

    for line in lines:
        response = browser.get(address("orderline_change", line.pk))
        assert response.status_code == 403
        assert BENEFIT not in response.content.decode()
    assert AuditEvent.objects.filter(details={"withheld": True}, person_id=person.pk).count() == 2


def test_reading_a_line_whose_number_nobody_is_known_to_hold_is_logged(office, staff):
    line = OrderLineFactory(watch=None, number=OLD)

    office.get(address("orderline_change", line.pk))

    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.actor, event.person_id) == ("read", str(line.pk), staff, None)


def test_lines_stand_in_order_of_the_file_and_of_the_newest_order_first(office):
    first = OrderLineFactory(line=1)
    second = OrderLineFactory(order=first.order, line=2)
    newer = OrderLineFactory(line=1)

    def lines(**query):
        return list(office.get(address("orderline_changelist"), query).context["cl"].result_list)

    assert lines(order=first.order_id) == [first, second]
    assert lines() == [newer, second, first]


def test_the_answers_that_are_offered_are_those_of_the_order(office, stream):
    order = previewed(stream, OLD, "191212121213", "191212121214")

    def offered(**query):
        filters = office.get(address("orderline_changelist"), query, **ENGLISH).context["cl"].filter_specs
        return dict(filters[-1].lookup_choices) if filters else {}

    assert offered(order=order.pk) == {
        "NUMBER_INVALID": "The identity number is not valid. (2)",
        "ACCEPTED": "The watch is open; complete information comes with the next delivery. (1)",
    }
    assert set(Answer) < set(offered(watch=1))
    assert offered() == {}  # among all lines there are, a rare answer would be sought through them all


# Steps

OPEN = {
    "waiting": ({"status": STATUS.WAITING}, ["stop"]),
    "working": ({"status": STATUS.WORKING}, ["stop"]),
    "asked to stop": ({"status": STATUS.WORKING, "stop_wanted": True}, []),
    "previewed": ({"status": STATUS.PREVIEWED, "aim": "preview"}, ["confirm", "throw_away"]),
    "being sent": ({"status": STATUS.RECEIVING}, ["throw_away"]),
    "stopped before it was read": ({"status": STATUS.STOPPED}, ["resume", "throw_away"]),
    "stopped halfway": ({"status": STATUS.STOPPED, "line_count": 2, "lines_done": 1}, ["resume", "give_up"]),
    "stopped when it was read": ({"status": STATUS.STOPPED, "line_count": 2}, ["resume", "give_up", "throw_away"]),
    "a preview, stopped": (
        {"status": STATUS.STOPPED, "aim": "preview", "line_count": 2, "lines_done": 1},
        ["resume", "throw_away"],
    ),
    "done": ({"status": STATUS.DONE}, []),
    "refused": ({"status": STATUS.REFUSED, "refusal": "EMPTY"}, []),
    "thrown away": ({"status": STATUS.THROWN_AWAY}, []),
}


@pytest.mark.parametrize(("said", "steps"), OPEN.values(), ids=OPEN)
def test_the_steps_offered_are_those_that_the_order_can_take(office, said, steps):
    order = OrderFactory(**said)
    every = ["stop", "resume", "give_up", "confirm", "throw_away"]

    page = office.get(address("order_change", order.pk)).content.decode()

    assert [one for one in every if address(f"order_{one}", order.pk) in page] == [one for one in every if one in steps]
    for step in every:
        refused = office.get(address(f"order_{step}", order.pk)).context["refusal"]
        assert bool(refused) is (step not in steps)


def test_a_step_needs_the_right_to_change_orders(client):
    order = OrderFactory(status=STATUS.WAITING)
    browser = with_rights(client, "view_order")

    assert address("order_stop", order.pk) not in browser.get(address("order_change", order.pk)).content.decode()
    assert browser.post(address("order_stop", order.pk), WHY).status_code == 403
    assert Order.objects.get().status == STATUS.WAITING


@pytest.mark.parametrize("reason", ["", f"{OLD} har bett om det"])
def test_a_step_says_why_and_names_nobody(office, reason):
    order = OrderFactory(status=STATUS.WAITING)

    response = office.post(address("order_stop", order.pk), {"reason": reason})

    assert "reason" in response.context["form"].errors
    assert Order.objects.get().status == STATUS.WAITING


def test_who_did_what_to_an_order_is_logged_once_with_the_reason(office, staff):
    order = OrderFactory(status=STATUS.WAITING)

    office.post(address("order_stop", order.pk), WHY)

    event = AuditEvent.objects.get()
    assert (event.object_id, event.actor, event.reason) == (str(order.pk), staff, WHY["reason"])


def test_a_preview_is_confirmed_knowing_what_it_would_do(office, stream, worker):
    order = previewed(stream, OLD, YOUNG, "191212121213")

    (means,) = office.get(address("order_confirm", order.pk)).context["consequences"]
    with worker():
        response = office.post(address("order_confirm", order.pk), WHY)

    assert [row[1] for row in means.rows] == ["", "2", "1", "0"]
    assert response.url == address("order_change", order.pk)
    assert Order.objects.get().status == STATUS.DONE
    assert set(Watch.objects.values_list("ordered_number", flat=True)) == {OLD, YOUNG}


def test_a_preview_that_is_thrown_away_leaves_no_answers(office, stream):
    order = previewed(stream, OLD)

    office.post(address("order_throw_away", order.pk), WHY)

    assert Order.objects.get().status == STATUS.THROWN_AWAY
    assert not OrderLine.objects.exists() and not Watch.objects.exists()


def test_an_order_is_stopped_and_goes_on(office, stream, worker):
    order = received(stream, OLD, YOUNG)

    office.post(address("order_stop", order.pk), WHY)
    assert Order.objects.get().status == STATUS.STOPPED
    with worker():
        office.post(address("order_resume", order.pk), WHY)

    assert (Order.objects.get().status, Watch.objects.count()) == (STATUS.DONE, 2)


def test_the_rest_of_a_stopped_order_is_ended(office, stream, worker):
    order = received(stream, OLD, YOUNG)
    placing.stop(order)
    Order.objects.update(line_count=2)

    with worker():
        office.post(address("order_give_up", order.pk), WHY)

    assert Order.objects.get().counts == {"NOT_CARRIED_OUT": 2}
    assert not Watch.objects.exists()


def test_a_step_that_the_order_has_moved_past_is_refused_in_words(office, stream, monkeypatch):
    order = previewed(stream, OLD)
    monkeypatch.setattr("subscriptions.admin.orders.open_steps", lambda order: ["resume"])

    response = office.post(address("order_resume", order.pk), WHY)

    assert response.context["refusal"]
    assert Order.objects.get().status == STATUS.PREVIEWED


@pytest.mark.parametrize(("most", "at_once"), [(2, True), (1, False)])
def test_a_short_order_is_worked_on_here_and_a_long_one_by_a_worker(
    office, stream, worker, settings, monkeypatch, most, at_once
):
    settings.ORDER_AT_ONCE_LINES = most
    handed = []
    monkeypatch.setattr("subscriptions.admin.ordersteps.hand_over", handed.append)
    order = previewed(stream, OLD, YOUNG)

    with worker():
        office.post(address("order_confirm", order.pk), WHY)

    assert Order.objects.get().status == (STATUS.DONE if at_once else STATUS.WAITING)
    assert handed == ([] if at_once else [order])


# On behalf of a customer


def place(office, stream, what, **said):
    """Post the form as it opens, with what is said."""
    query = f"{address('order_place')}?stream={stream.pk}&what={what}"
    form = office.get(query).context["form"]
    values = {one.html_name: one.value() for one in form if one.value() is not None}
    return office.post(query, values | WHY | said)


SINGLE = {"number": OLD, "kind": NEW, "benefits": [BENEFIT], "from_date": "2026-10-01"}


def test_first_is_chosen_for_which_stream_of_an_active_agreement_and_in_what_form(office, stream):
    StreamFactory(closed=True)
    StreamFactory(agreement=AgreementFactory(status="ended"))

    page = office.get(address("order_changelist")).content.decode()
    form = office.get(address("order_place")).context["form"]

    assert address("order_place") in page
    assert list(form.fields["stream"].queryset) == [stream]


def test_ordering_for_a_customer_needs_the_right_to_add_orders(client, stream):
    browser = with_rights(client, "view_order", "change_order")

    assert address("order_place") not in browser.get(address("order_changelist")).content.decode()
    assert browser.get(address("order_place")).status_code == 403
    assert place_blindly(browser, stream).status_code == 403
    assert not Order.objects.exists()


def place_blindly(browser, stream):
    return browser.post(f"{address('order_place')}?stream={stream.pk}&what=single", SINGLE | WHY | {"key": "1"})


def test_one_person_is_ordered_as_a_preview_unless_it_is_said_otherwise(office, staff, stream, worker):
    with worker():
        response = place(office, stream, "single", **SINGLE, reference="K1")
    order = Order.objects.get()

    assert response.url == address("order_change", order.pk)
    assert (order.channel, order.aim, order.status) == ("admin", "preview", STATUS.PREVIEWED)
    assert (order.ordered_by, order.stream) == (staff, stream)
    assert order.lines.get().reference == "K1"
    assert not Watch.objects.exists()
    event = AuditEvent.objects.get(action="order")
    assert (event.object_id, event.reason, event.actor) == (str(order.pk), WHY["reason"], staff)


def test_one_person_is_ordered_at_once(office, stream, worker):
    with worker():
        place(office, stream, "single", **SINGLE, preview="")

    assert (Order.objects.get().status, Watch.objects.get().ordered_number) == (STATUS.DONE, OLD)


def test_an_order_that_is_sent_twice_is_one(office, stream):
    for _ in range(2):
        place_blindly(office, stream)

    assert Order.objects.count() == 1


@pytest.mark.parametrize("said", [{"reason": ""}, {"number": "191212121213"}, {"from_date": ""}, {"benefits": []}])
def test_what_is_missing_stands_at_its_field(office, stream, said):
    response = place(office, stream, "single", **SINGLE | said)

    assert set(said) <= set(response.context["form"].errors)
    assert not Order.objects.exists()


def upload(text):
    file = BytesIO(text.encode())
    file.name = "order.json"
    return file


def test_a_file_is_ordered_with_the_answer_to_every_line(office, stream, worker):
    with worker():
        place(office, stream, "file", file=upload(JSON % ",".join([ROW % OLD, ROW % "1"])), reference="Brev 17")
    order = Order.objects.get()

    assert (order.form, order.file_name, order.reference) == ("json", "order.json", "Brev 17")
    assert (order.channel, order.status) == ("admin", STATUS.PREVIEWED)
    assert order.counts == {"ACCEPTED": 1, "NUMBER_INVALID": 1}


def test_a_file_that_cannot_be_taken_is_refused_in_words_and_nothing_is_kept(office, stream):
    broken = ROW.replace("nybestallningBevakning", "guld") % OLD

    response = place(office, stream, "file", file=upload(JSON % broken))

    (error,) = response.context["form"].non_field_errors()
    assert "1" in error
    assert not Order.objects.exists()


@pytest.mark.parametrize("kind", ["heluppdateringBevakning", "avbestallningBevakning"])
def test_everybody_who_is_watched_is_ordered(office, stream, worker, kind):
    WatchFactory.create_batch(3, stream=stream)
    WatchFactory()

    with worker():
        place(office, stream, "stock", kind=kind, benefits=[])

    order = Order.objects.get()
    assert (order.line_count, order.status) == (3, STATUS.PREVIEWED)


# Queries


def test_the_queries_of_the_lists_and_the_page_do_not_grow(office, stream):
    order = previewed(stream, OLD)
    pages = [
        address("order_changelist"),
        f"{address('orderline_changelist')}?order={order.pk}",
        address("order_change", order.pk),
    ]

    def asked():
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                office.get(page)
            counts.append(len(queries))
        return counts

    asked()
    few = asked()
    for n in range(20):
        OrderLineFactory(order=order, line=n + 10)
        OrderFactory()

    assert asked() == few
