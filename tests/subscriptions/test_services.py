"""Orders: every line is answered, and watches follow the persons they were ordered for (C8)."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from benefits.models import Import, Person
from benefits.services import person_of
from subscriptions.answers import Answer
from subscriptions.decision import Refusal
from subscriptions.models import Order, Pending, Watch
from subscriptions.orderfile import Line
from subscriptions.services import end_watches, follow_persons, place_order
from tests.factories import (
    AT,
    BENEFIT,
    BlockFactory,
    ConsentFactory,
    ImportFactory,
    LegalBasisFactory,
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

    assert answers(stream, asked(number=OLD), asked(number=YOUNG)) == [Answer.ACCEPTED, Answer.DUPLICATE_IN_ORDER]


def test_a_repeat_is_found_in_a_later_part_of_a_long_order(stream, monkeypatch):
    monkeypatch.setattr("subscriptions.services.CHUNK", 1)

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

    assert answers(other, asked(CANCEL), asked(REFRESH)) == [Answer.NOT_WATCHED] * 2
    assert answers(other, asked()) == [Answer.ACCEPTED]


def test_an_order_asks_no_query_for_each_line(stream, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        order(stream, *(asked(number=identity_number(n)) for n in range(1000, 1100)))
    assert Watch.objects.count() == 100


def test_only_open_watches_are_ended():
    ended = WatchFactory(ended_at=AT, ended_as_of=1, end_reason=Watch.EndReason.CANCELLED)
    WatchFactory()

    assert end_watches(Watch.objects.all(), at=timezone.now(), reason=Watch.EndReason.NO_LONGER) == 1
    ended.refresh_from_db()
    assert ended.end_reason == Watch.EndReason.CANCELLED


def followed(since=0):
    return follow_persons(since=since, at=AT)


def test_a_watch_follows_its_number_when_two_persons_become_one(stream, tmp_path):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=YOUNG))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))

    assert followed() == 1
    assert Watch.objects.get().person == person_of(OLD)
    assert followed() == 0


def test_a_number_change_alone_moves_no_watch(stream, tmp_path):
    publish(tmp_path, line(OLD))
    order(stream, asked(number=OLD))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))

    assert followed() == 0
    assert Watch.objects.open().get().person == person_of(YOUNG)


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), OLD),
        (date(2026, 2, 1), date(2026, 1, 1), YOUNG),
        (date(2026, 1, 1), date(2026, 1, 1), OLD),
    ],
)
def test_where_two_watches_become_one_the_oldest_from_date_wins_in_a_stream(stream, tmp_path, one, other, kept):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD, from_date=one), asked(number=YOUNG, from_date=other))
    publish(tmp_path, line(THIRD, person=facts(tidigarePersonnummer=[OLD, YOUNG])))
    followed()

    left = Watch.objects.open().get()
    assert (left.person, left.ordered_number) == (person_of(THIRD), kept)
    ended = Watch.objects.exclude(pk=left.pk).get()
    assert (ended.end_reason, ended.ended_as_of) == (Watch.EndReason.DUPLICATE, Import.objects.last_number())


def test_watches_in_two_streams_or_on_two_benefits_do_not_become_one(stream, tmp_path):
    ScopeFactory(agreement=stream.agreement, version=2, benefits=[BENEFIT, "FK:BOB"])
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD), asked(number=YOUNG, benefit="bostadsbidrag"))
    order(StreamFactory(served=True), asked(number=YOUNG))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))

    assert followed() == 2
    assert Watch.objects.open().filter(person=person_of(OLD)).count() == 3


def test_a_watch_goes_back_with_its_number_when_a_wrong_merge_is_taken_apart(stream, tmp_path):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))
    followed()
    publish(tmp_path, line(YOUNG, person=facts()))

    assert followed() == 1
    assert Watch.objects.get().person == person_of(OLD) != person_of(YOUNG)


def test_a_watch_that_has_ended_stays_where_it_was(stream, tmp_path):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=YOUNG))
    order(stream, asked(CANCEL, number=YOUNG))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))

    assert followed() == 0
    assert Watch.objects.get().person != person_of(OLD)
    assert Person.objects.count() == 2
