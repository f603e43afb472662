"""Orders: every line is answered, and watches follow the persons they were ordered for (C8)."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from benefits.services import person_of
from lefi.audit.models import AuditEvent
from subscriptions.answers import Answer
from subscriptions.decision import Refusal
from subscriptions.models import Order, Pending, Watch
from subscriptions.orders import answering, files, placing
from subscriptions.orders.lines import Line, OrderRefused, Stock
from subscriptions.orders.placing import (
    OrderStateRefused,
    confirm,
    give_up,
    place_order,
    receive,
    resume,
    stop,
    throw_away,
    throw_away_forgotten,
    work_on,
)
from tests.factories import (
    AT,
    BENEFIT,
    BlockFactory,
    ConsentFactory,
    ImportFactory,
    LegalBasisFactory,
    OrderFactory,
    PersonFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)
from tests.imports import facts, line, publish

pytestmark = pytest.mark.django_db

NEW, CANCEL, REFRESH = "nybestallningBevakning", "avbestallningBevakning", "heluppdateringBevakning"
OLD, YOUNG, THIRD = (identity_number(n) for n in (901, 902, 903))
FROM = date(2026, 1, 1)


@pytest.fixture
def stream():
    return StreamFactory(served=True)


def asked(kind=NEW, number=OLD, benefit="sjukpenning", from_date=FROM, **references):
    return Line(kind, number, benefit, from_date, **references)


def order(stream, *lines, at=AT):
    return place_order(stream=stream, channel=Order.Channel.API, lines=lines, at=at)


def answers(stream, *lines, at=AT):
    return [one.answer for one in order(stream, *lines, at=at).lines.order_by("line")]


def test_a_new_watch_is_opened_and_owed_its_first_delivery(stream):
    placed = order(stream, asked(case_reference="A1", need_reference="B1", reference="R1"))

    watch = Watch.objects.get()
    assert (watch.stream, watch.benefit, watch.from_date) == (stream, BENEFIT, FROM)
    assert (watch.ordered_number, watch.case_reference, watch.need_reference) == (OLD, "A1", "B1")
    assert Pending.objects.get().reason == Pending.Reason.FIRST
    row = placed.lines.get()
    assert (row.answer, row.watch, row.number, row.reference) == (Answer.ACCEPTED, watch, OLD, "R1")


def test_a_watch_keeps_who_ordered_it_and_nobody_where_a_system_did(stream, member):
    place_order(stream=stream, channel=Order.Channel.PORTAL, lines=[asked()], at=AT, ordered_by=member.user)
    order(stream, asked(number=YOUNG))

    assert dict(Watch.objects.values_list("ordered_number", "ordered_by")) == {OLD: member.user.pk, YOUNG: None}


@pytest.mark.parametrize("benefit", ["sjukpenning", "FK:SJP"])
@pytest.mark.parametrize("number", [OLD, f"{OLD[:8]}-{OLD[8:]}", f"{OLD[2:8]}-{OLD[8:]}"])
def test_a_benefit_and_a_number_may_be_written_in_any_of_their_forms(stream, benefit, number):
    assert answers(stream, asked(number=number, benefit=benefit)) == [Answer.ACCEPTED]
    assert Watch.objects.get().ordered_number == OLD


FORMS = {
    "the number is not one": (asked(number="195001012380"), Answer.NUMBER_INVALID),
    "no number": (asked(number=""), Answer.NUMBER_INVALID),
    "no such benefit": (asked(benefit="guldtackor"), Answer.BENEFIT_UNKNOWN),
    "no benefit": (asked(benefit=""), Answer.BENEFIT_UNKNOWN),
    "no from-date": (asked(from_date=None), Answer.FROM_MISSING),
    "a from-date too long ago": (asked(from_date=AT.date() - timedelta(731)), Answer.LOOK_BACK_TOO_LONG),
    "cancelled, though not watched": (asked(CANCEL), Answer.NOT_WATCHED),
    "refreshed, though not watched": (asked(REFRESH), Answer.NOT_WATCHED),
    "another benefit than agreed": (asked(benefit="bostadsbidrag"), Refusal.BENEFIT_NOT_AGREED),
}


@pytest.mark.parametrize(("said", "answer"), FORMS.values(), ids=FORMS)
def test_a_line_that_cannot_be_carried_out_is_answered_and_has_no_effect(stream, said, answer):
    assert answers(stream, said) == [answer]
    assert not Watch.objects.exists() and not Pending.objects.exists()


@pytest.mark.parametrize("from_date", [AT.date() - timedelta(730), AT.date() + timedelta(400)])
def test_the_from_date_may_be_as_far_back_as_agreed_and_in_time_to_come(stream, from_date):
    assert answers(stream, asked(from_date=from_date)) == [Answer.ACCEPTED]


def test_the_law_is_asked_when_the_order_comes(stream):
    BlockFactory(customer=stream.agreement.customer)
    assert answers(stream, asked()) == [Refusal.BLOCKED]
    assert not Watch.objects.exists()


def test_a_stream_whose_agreement_covers_nothing_for_its_purpose_is_refused():
    assert answers(StreamFactory(), asked()) == [Refusal.BASIS_UNKNOWN]


def test_a_stream_that_is_over_takes_no_orders_even_if_its_agreement_is_active_again():
    assert answers(StreamFactory(served=True, closed=True), asked()) == [Refusal.AGREEMENT_NOT_ACTIVE]


def test_a_needed_reference_is_asked_for():
    LegalBasisFactory(needs=["case_reference", "need_reference"])
    stream = StreamFactory(served=True)

    assert answers(stream, asked(), asked(number=YOUNG, case_reference="A1")) == [
        Refusal.CASE_REFERENCE_MISSING,
        Refusal.NEED_REFERENCE_MISSING,
    ]
    assert answers(stream, asked(case_reference="A1", need_reference="B1")) == [Answer.ACCEPTED]


def test_a_needed_consent_is_looked_for_with_the_person_customer_and_purpose():
    LegalBasisFactory(consent_needed=True)
    stream = StreamFactory(served=True)
    person = PersonFactory(first_number=OLD)
    ConsentFactory(person=person, customer=stream.agreement.customer, purpose="annat")
    assert answers(stream, asked()) == [Refusal.CONSENT_MISSING]

    ConsentFactory(person=person, customer=stream.agreement.customer)
    assert answers(stream, asked(), asked(number=YOUNG)) == [Answer.ACCEPTED, Refusal.CONSENT_MISSING]


def test_a_protected_person_is_accepted_without_a_word(stream):
    PersonFactory(first_number=OLD, known__protection="SKYDDAD_FOLKBOKFORING")
    PersonFactory(first_number=YOUNG)

    assert answers(stream, asked(), asked(number=YOUNG)) == [Answer.ACCEPTED, Answer.ACCEPTED]


def test_a_person_whom_no_source_has_named_is_watched_like_any_other(stream):
    assert answers(stream, asked()) == [Answer.ACCEPTED]
    assert Watch.objects.get().person == person_of(OLD)


def test_repeating_an_order_changes_nothing(stream):
    order(stream, asked())
    before = Watch.objects.values().get()

    assert answers(stream, asked(from_date=date(2026, 5, 5))) == [Answer.ALREADY_WATCHED]
    assert Watch.objects.values().get() == before
    assert Pending.objects.count() == 1


def test_a_line_that_repeats_an_earlier_one_is_answered_so(stream):
    lines = [asked(), asked(), asked(number=f"{OLD[2:8]}-{OLD[8:]}", benefit="FK:SJP"), asked(number=YOUNG)]

    assert answers(stream, *lines) == [Answer.ACCEPTED, *[Answer.DUPLICATE_IN_ORDER] * 2, Answer.ACCEPTED]


def test_two_numbers_of_one_person_are_one_person(stream, tmp_path):
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))

    said = answers(stream, asked(number=OLD), asked(number=YOUNG))

    assert said == [Answer.NUMBER_REPLACED, Answer.DUPLICATE_IN_ORDER]


def test_a_repeat_is_found_in_a_later_part_of_a_long_order(stream, monkeypatch):
    monkeypatch.setattr("subscriptions.orders.answering.CHUNK", 1)

    assert answers(stream, asked(), asked()) == [Answer.ACCEPTED, Answer.DUPLICATE_IN_ORDER]


def test_a_refused_line_is_no_hindrance_to_a_later_one(stream):
    assert answers(stream, asked(from_date=None), asked()) == [Answer.FROM_MISSING, Answer.ACCEPTED]


def test_a_cancelled_watch_ends_and_can_be_ordered_again(stream):
    ImportFactory(number=7)
    order(stream, asked())
    assert answers(stream, asked(CANCEL, from_date=None)) == [Answer.CANCELLED]

    ended = Watch.objects.get()
    assert (ended.ended_at, ended.end_reason, ended.ended_as_of) == (AT, Watch.EndReason.CANCELLED, 7)
    assert answers(stream, asked(CANCEL)) == [Answer.NOT_WATCHED]
    assert answers(stream, asked(from_date=date(2026, 6, 1))) == [Answer.ACCEPTED]
    again = Watch.objects.open().get()
    assert again.pk != ended.pk and again.from_date == date(2026, 6, 1)
    assert again.pending.get().reason == Pending.Reason.FIRST


def test_a_refresh_is_owed_and_leaves_the_watch_as_it_is(stream):
    order(stream, asked())
    before = Watch.objects.values().get()

    assert answers(stream, asked(REFRESH, from_date=None)) == [Answer.REFRESH_ORDERED]
    assert Watch.objects.values().get() == before
    assert list(Pending.objects.values_list("reason", flat=True)) == [Pending.Reason.FIRST, Pending.Reason.REFRESH]


def test_another_streams_watches_are_out_of_reach(stream):
    WatchFactory(stream=stream, person=PersonFactory(first_number=OLD))
    other = StreamFactory(agreement__customer=stream.agreement.customer, served=True)

    assert answers(other, asked(CANCEL)) == answers(other, asked(REFRESH)) == [Answer.NOT_WATCHED]
    assert answers(other, asked()) == [Answer.ACCEPTED]


def test_an_order_asks_no_query_for_each_line(stream, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        order(stream, *(asked(number=identity_number(n)) for n in range(1000, 1100)))
    assert Watch.objects.count() == 100


# The life of an order that comes as a file


def csv(*numbers, header="personnummer;formaner;from"):
    return "\n".join([header, *(f"{n};sjukpenning;2026-01-01" for n in numbers)]).encode()


def sent(stream, body, *, aim=Order.Aim.CARRY_OUT, form="csv", key="", at_once=False):
    received = files.take_in(BytesIO(body), most=10_000)
    return receive(
        stream=stream,
        channel=Order.Channel.API,
        received=received,
        form=form,
        at=AT,
        aim=aim,
        at_once=at_once,
        idempotency_key=key,
    )


NUMBERS = [identity_number(n) for n in range(950, 955)]


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(answering, "CHUNK", 2)


def stopped_after(monkeypatch, order, chunks):
    """The order, which somebody has stopped while its worker was at it, after so many chunks."""
    real, done = placing._answer, []

    def answer(held, chunk, at):
        real(held, chunk, at)
        done.append(chunk)
        if len(done) == chunks:
            stop(held)

    monkeypatch.setattr(placing, "_answer", answer)
    order = work_on(order.pk)
    monkeypatch.setattr(placing, "_answer", real)
    return order


def test_a_file_is_kept_read_and_answered_line_by_line(stream):
    order = sent(stream, csv(*NUMBERS))
    assert (order.status, order.line_count) == (Order.Status.WAITING, None)

    done = work_on(order.pk)

    assert (done.status, done.line_count, done.lines_done) == (Order.Status.DONE, 5, 5)
    assert done.counts == {Answer.ACCEPTED: 5}
    assert files.raw_path(order).read_bytes() == csv(*NUMBERS)
    assert not files.rows_path(order).exists()
    assert done.leased_until is None and done.percent == 100
    assert done.bytes_read == done.size


def test_lines_a_second_are_counted_from_when_all_was_read(stream, monkeypatch):
    read_csv, ended = files.READERS[Order.Form.CSV], []

    def read(file):
        yield from read_csv(file)
        ended.append(timezone.now())

    monkeypatch.setitem(files.READERS, Order.Form.CSV, read)
    done = work_on(sent(stream, csv(*NUMBERS)).pk)

    assert ended[0] <= done.pass_started_at <= done.done_at


def test_a_file_that_is_refused_whole_has_no_effect_and_says_where(stream):
    body = csv(*NUMBERS) + b"\n" + b"x;" * 9
    done = work_on(sent(stream, body).pk)

    assert (done.status, done.refusal, done.refused_at_row) == (Order.Status.REFUSED, "FORM", 7)
    assert not Watch.objects.exists() and not done.lines.exists()


def test_a_preview_is_confirmed_and_answered_anew(stream):
    preview = work_on(sent(stream, csv(*NUMBERS), aim=Order.Aim.PREVIEW).pk)
    assert preview.status == Order.Status.PREVIEWED and preview.expected["watches"] == 5
    assert not Watch.objects.exists()
    WatchFactory(stream=stream, person=PersonFactory(first_number=NUMBERS[0]))

    done = work_on(confirm(preview, at=AT).pk)

    assert done.counts == {Answer.ALREADY_WATCHED: 1, Answer.ACCEPTED: 4}
    assert done.lines.count() == 5
    events = AuditEvent.objects.filter(object_type="subscriptions.order").order_by("pk")
    assert [one.action for one in events] == ["order", "approve"]


def test_a_preview_that_is_thrown_away_leaves_neither_lines_nor_files(stream, django_capture_on_commit_callbacks):
    preview = work_on(sent(stream, csv(*NUMBERS), aim=Order.Aim.PREVIEW).pk)
    with django_capture_on_commit_callbacks(execute=True):
        thrown = throw_away(preview, at=AT)

    assert thrown.status == Order.Status.THROWN_AWAY and not thrown.lines.exists()
    assert not files.raw_path(preview).exists()


def test_a_preview_that_nobody_confirms_is_thrown_away_in_time(stream, settings):
    preview = work_on(sent(stream, csv(*NUMBERS), aim=Order.Aim.PREVIEW).pk)
    late = AT + timedelta(days=settings.ORDER_PREVIEW_DAYS, seconds=1)

    assert throw_away_forgotten(day=AT.date(), at=AT) == 0
    assert throw_away_forgotten(day=late.date(), at=late) == 1
    preview.refresh_from_db()
    assert preview.status == Order.Status.THROWN_AWAY


def test_an_order_that_waits_is_stopped_at_once_and_goes_on_later(stream):
    order = stop(sent(stream, csv(*NUMBERS)))
    assert order.status == Order.Status.STOPPED
    assert work_on(order.pk).status == Order.Status.STOPPED

    assert work_on(resume(order).pk).counts == {Answer.ACCEPTED: 5}


@pytest.mark.usefixtures("small_chunks")
def test_an_order_in_hand_stops_after_its_chunk_and_goes_on_where_it_was(stream, monkeypatch):
    order = stopped_after(monkeypatch, sent(stream, csv(*NUMBERS)), 1)
    assert (order.status, order.lines_done) == (Order.Status.STOPPED, 2)

    done = work_on(resume(order).pk)

    assert (done.status, done.lines.count(), Watch.objects.count()) == (Order.Status.DONE, 5, 5)


@pytest.mark.usefixtures("small_chunks")
def test_the_rest_of_a_stopped_order_can_be_given_up_and_is_answered_so(stream, monkeypatch):
    order = stopped_after(monkeypatch, sent(stream, csv(*NUMBERS)), 1)

    done = work_on(give_up(order).pk)

    assert done.status == Order.Status.DONE
    assert done.counts == {Answer.ACCEPTED: 2, Answer.NOT_CARRIED_OUT: 3}
    assert Watch.objects.count() == 2


STATES = {
    "confirmed, though no preview": (confirm, {"at": AT}, Order.Status.DONE),
    "thrown away, though done": (throw_away, {"at": AT}, Order.Status.DONE),
    "stopped, though done": (stop, {}, Order.Status.DONE),
    "gone on with, though not stopped": (resume, {}, Order.Status.WAITING),
    "given up, though never read": (give_up, {}, Order.Status.STOPPED),
}


@pytest.mark.parametrize(("step", "said", "status"), STATES.values(), ids=STATES)
def test_what_does_not_fit_an_orders_state_is_refused(stream, step, said, status):
    order = sent(stream, csv(*NUMBERS))
    Order.objects.filter(pk=order.pk).update(status=status)
    order.refresh_from_db()
    with pytest.raises(OrderStateRefused, match="ORDER_STATE"):
        step(order, **said)


def test_an_order_that_has_had_effect_cannot_be_thrown_away(stream):
    order = sent(stream, csv(*NUMBERS))
    Order.objects.filter(pk=order.pk).update(status=Order.Status.STOPPED, line_count=5, lines_done=2)
    with pytest.raises(OrderStateRefused):
        throw_away(order, at=AT)


def test_an_order_that_another_worker_holds_is_left_to_it(stream):
    order = sent(stream, csv(*NUMBERS))
    Order.objects.filter(pk=order.pk).update(leased_until=timezone.now() + timedelta(minutes=1), status="working")

    assert work_on(order.pk).lines_done == 0


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_that_has_lost_its_lease_writes_nothing_more(stream, monkeypatch):
    order, real = sent(stream, csv(*NUMBERS)), placing._hold
    calls = []

    def hold(pk, token):
        calls.append(pk)
        if len(calls) == 3:  # the one that keeps the rows, the first chunk, and now the second
            Order.objects.filter(pk=pk).update(lease=99)
        return real(pk, token)

    monkeypatch.setattr(placing, "_hold", hold)
    order = work_on(order.pk)

    assert (order.lines_done, order.lines.count(), order.status) == (2, 2, Order.Status.WORKING)


def test_an_order_that_fails_again_and_again_is_stopped_for_somebody_to_look_at(stream, monkeypatch):
    order = sent(stream, csv(*NUMBERS))

    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr(placing, "_answer", fail)
    for _ in range(placing.TRIES):
        with pytest.raises(RuntimeError):
            work_on(order.pk)
    assert work_on(order.pk).status == Order.Status.STOPPED


def test_the_same_key_and_file_give_the_same_order_and_another_file_is_refused(stream):
    first = sent(stream, csv(*NUMBERS), key="a-1")

    assert sent(stream, csv(*NUMBERS), key="a-1") == first
    with pytest.raises(OrderRefused, match="IDEMPOTENCY_KEY_REUSED"):
        sent(stream, csv(NUMBERS[0]), key="a-1")
    assert sent(StreamFactory(served=True), csv(*NUMBERS), key="a-1") != first
    assert Order.objects.count() == 2
    assert not list((files.temporary().parent).glob("*"))


def test_a_small_file_can_be_read_before_it_is_an_order_and_a_faulty_one_never_becomes_one(stream, settings):
    settings.ORDER_AT_ONCE_LINES = 3

    assert sent(stream, csv(*NUMBERS[:3]), at_once=True).line_count == 3
    assert sent(stream, csv(*NUMBERS), at_once=True).line_count is None
    with pytest.raises(OrderRefused, match="HEADER"):
        sent(stream, b"a;b\n1;2", at_once=True)
    assert Order.objects.count() == 2


def test_a_file_that_is_lost_refuses_the_order(stream):
    order = sent(stream, csv(*NUMBERS))
    files.raw_path(order).unlink()

    assert work_on(order.pk).refusal == "FILE_LOST"


STOCK = {
    "cancelled": (Stock(CANCEL, (), None), {Answer.CANCELLED: 3}, 0),
    "cancelled for one benefit": (Stock(CANCEL, ("sjukpenning",), None), {Answer.CANCELLED: 2}, 1),
    "refreshed": (Stock(REFRESH, (), None), {Answer.REFRESH_ORDERED: 3}, 3),
    "given one benefit more": (
        Stock(NEW, ("bostadsbidrag",), FROM),
        {Answer.ACCEPTED: 1, Answer.ALREADY_WATCHED: 1},
        4,
    ),
    "given a benefit that there is not": (Stock(NEW, ("guld",), FROM), {Answer.BENEFIT_UNKNOWN: 1}, 3),
}


@pytest.mark.parametrize(("stock", "counts", "left"), STOCK.values(), ids=STOCK)
def test_the_whole_stock_is_written_out_as_lines(stream, stock, counts, left):
    ScopeFactory(agreement=stream.agreement, version=2, benefits=[BENEFIT, "FK:BOB"])
    order(stream, asked(number=OLD), asked(number=YOUNG), asked(number=YOUNG, benefit="bostadsbidrag"))
    order(StreamFactory(served=True), asked(number=THIRD))

    placed = order(stream, stock)

    assert placed.counts == counts
    assert Watch.objects.open().filter(stream=stream).count() == left


def test_an_order_on_a_stock_of_nobody_is_refused_as_empty(stream):
    with pytest.raises(OrderRefused, match="EMPTY"):
        order(stream, Stock(CANCEL, (), None))


def test_how_fast_an_order_goes_and_how_long_is_left():
    one = OrderFactory.build(
        stream=None, status="working", line_count=100, lines_done=40, pass_from=20, pass_started_at=AT
    )

    assert one.percent == 40
    assert one.rate(AT + timedelta(seconds=10)) == 2.0
    assert one.time_left(AT + timedelta(seconds=10)) == timedelta(seconds=30)
    assert one.time_left(AT) is None
