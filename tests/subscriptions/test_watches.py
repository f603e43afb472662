"""What becomes of watches once they stand: they end, and they follow the persons they were ordered for (C8)."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from benefits.models import Import, Person
from benefits.services import person_of
from subscriptions.models import Order, Scope, Watch
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import place_order
from subscriptions.watches import end_watches, follow_persons
from tests.factories import AT, BENEFIT, BlockFactory, ScopeFactory, StreamFactory, WatchFactory, identity_number
from tests.imports import facts, line, publish

pytestmark = pytest.mark.django_db

NEW, CANCEL = "nybestallningBevakning", "avbestallningBevakning"
OLD, YOUNG, THIRD = (identity_number(n) for n in (901, 902, 903))


@pytest.fixture
def stream():
    return StreamFactory(served=True)


def asked(kind=NEW, number=OLD, benefit="sjukpenning", from_date=date(2026, 1, 1)):
    return Line(kind, number, benefit, from_date)


def order(stream, *lines):
    place_order(stream=stream, channel=Order.Channel.API, lines=lines, at=AT)


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


def one_may_not_be_told(stream, tmp_path, why):
    """Two watches on two persons who are found to be one, where that may not be told to the customer."""
    scope = Scope.objects.get(agreement=stream.agreement)
    if why == "kept by its number":
        Watch.objects.filter(ordered_number=YOUNG).update(by_number=True)
    if why == "no identity":
        others = [one for one in scope.classes if one != "identity"]
        ScopeFactory(agreement=stream.agreement, version=2, classes=others)
    if why == "blocked":
        BlockFactory(customer=stream.agreement.customer)
    hidden = {"skydd": "SEKRETESSMARKERING"} if why == "protected" else {}
    publish(tmp_path, line(THIRD, person=facts(tidigarePersonnummer=[OLD, YOUNG], **hidden)))


@pytest.mark.parametrize("why", ["no identity", "protected", "blocked", "kept by its number"])
def test_where_the_customer_may_not_learn_that_two_are_one_both_watches_go_on(stream, tmp_path, why):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD), asked(number=YOUNG))
    one_may_not_be_told(stream, tmp_path, why)

    assert (followed(), followed()) == (1, 0)
    left = Watch.objects.open().order_by("ordered_number")
    assert {one.ordered_number for one in left} == {OLD, YOUNG}
    assert {one.person for one in left} == {person_of(THIRD)}


def protect(tmp_path, number, *former, protected=True):
    hidden = {"skydd": "SEKRETESSMARKERING"} if protected else {}
    publish(tmp_path, line(number, person=facts(tidigarePersonnummer=list(former), **hidden)))


def answers(stream, *lines):
    order = place_order(stream=stream, channel=Order.Channel.API, lines=lines, at=AT)
    return list(order.lines.order_by("line").values_list("answer", flat=True))


@pytest.mark.parametrize("protected", [False, True])
def test_two_watches_become_one_although_protection_came_before_they_did(stream, tmp_path, protected):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD), asked(number=YOUNG))
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))
    protect(tmp_path, YOUNG, OLD, protected=protected)
    followed()

    assert Watch.objects.open().get().ordered_number == OLD
    assert answers(stream, asked(number=OLD), asked(CANCEL, number=YOUNG)) == ["ALREADY_WATCHED", "CONFLICT_IN_ORDER"]


def test_a_watch_that_comes_to_a_person_in_protection_is_kept_by_its_number(stream, tmp_path):
    publish(tmp_path, line(OLD))
    order(stream, asked(number=YOUNG))
    protect(tmp_path, OLD)
    protect(tmp_path, YOUNG, OLD)
    assert followed() == 1

    assert answers(stream, asked(number=OLD), asked(number=YOUNG)) == ["ACCEPTED", "ALREADY_WATCHED"]
    assert dict(Watch.objects.values_list("ordered_number", "by_number")) == {OLD: False, YOUNG: True}


@pytest.mark.parametrize("also", [False, True])
def test_the_numbers_of_a_person_are_one_before_in_and_after_protection(stream, tmp_path, also):
    """`also`: while it holds a watch is ordered by the number that came with it."""
    publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD])))
    order(stream, asked(number=OLD))
    asking = [asked(number=YOUNG), asked(CANCEL, number=OLD)]
    said = [answers(stream, *asking[:1])]
    protect(tmp_path, YOUNG, OLD)
    said.append(answers(stream, *asking[:1]))
    protect(tmp_path, THIRD, YOUNG, OLD)
    assert answers(stream, asked(CANCEL, number=THIRD)) == ["NOT_WATCHED"]
    if also:
        assert answers(stream, asked(number=THIRD)) == ["ACCEPTED"]
    said.append(answers(stream, *asking[:1]))
    protect(tmp_path, THIRD, YOUNG, OLD, protected=False)
    followed()
    said.append(answers(stream, *asking[:1]))

    assert said == [["ALREADY_WATCHED"]] * 4
    assert answers(stream, asked(number=THIRD)) == ["ALREADY_WATCHED"]
    assert answers(stream, *asking[1:]) == ["CANCELLED"]
    assert not Watch.objects.open().exists()


def ordered_in_protection(stream, tmp_path, one=date(2026, 1, 1), other=date(2026, 1, 1)):
    """Two watches on a person: by the number from before protection, and by the one that came in it."""
    publish(tmp_path, line(OLD))
    order(stream, asked(number=OLD, from_date=one))
    protect(tmp_path, OLD)
    protect(tmp_path, YOUNG, OLD)
    order(stream, asked(number=YOUNG, from_date=other))
    assert followed() == 0
    assert Watch.objects.open().count() == 2


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (date(2026, 1, 1), date(2026, 2, 1), OLD),
        (date(2026, 2, 1), date(2026, 1, 1), YOUNG),
        (date(2026, 1, 1), date(2026, 1, 1), OLD),
    ],
)
def test_once_protection_has_ended_one_watch_stands_under_the_number_the_one_from_the_oldest_date(
    stream, tmp_path, one, other, kept
):
    ordered_in_protection(stream, tmp_path, one, other)
    protect(tmp_path, YOUNG, OLD, protected=False)
    followed()
    followed()

    left = Watch.objects.open().get()
    assert (left.ordered_number, left.by_number) == (kept, False)
    assert Watch.objects.exclude(pk=left.pk).get().end_reason == Watch.EndReason.DUPLICATE
    assert answers(stream, asked(number=OLD), asked(number=YOUNG)) == ["ALREADY_WATCHED", "DUPLICATE_IN_ORDER"]


def test_a_watch_from_the_protection_that_stands_alone_is_the_persons_once_it_has_ended(stream, tmp_path):
    ordered_in_protection(stream, tmp_path)
    order(stream, asked(CANCEL, number=OLD))
    protect(tmp_path, YOUNG, OLD, protected=False)
    followed()

    assert answers(stream, asked(number=OLD)) == ["ALREADY_WATCHED"]
    assert Watch.objects.open().get().by_number is False


@pytest.mark.parametrize("why", ["no identity", "blocked", "protected anew", "protected again", "long ago"])
def test_two_go_on_where_the_end_of_a_protection_does_not_make_them_one(stream, tmp_path, why):
    ordered_in_protection(stream, tmp_path)
    if why == "protected anew":  # of another kind: it has not ended
        publish(tmp_path, line(YOUNG, person=facts(tidigarePersonnummer=[OLD], skydd="SKYDDAD_FOLKBOKFORING")))
    else:
        protect(tmp_path, YOUNG, OLD, protected=False)
    if why == "protected again":  # before anybody was told of anything between
        protect(tmp_path, YOUNG, OLD)
    if why == "no identity":
        classes = [one for one in Scope.objects.get(agreement=stream.agreement).classes if one != "identity"]
        ScopeFactory(agreement=stream.agreement, version=2, classes=classes)
    if why == "blocked":
        BlockFactory(customer=stream.agreement.customer)
    followed(since=Import.objects.last_number() if why == "long ago" else 0)

    assert Watch.objects.open().count() == 2


def kept_by_their_numbers_until_identity_may_be_told(stream, tmp_path):
    publish(tmp_path, line(OLD), line(YOUNG))
    order(stream, asked(number=OLD), asked(number=YOUNG))
    one_may_not_be_told(stream, tmp_path, "no identity")
    followed()
    ScopeFactory(agreement=stream.agreement, version=3)


def test_the_end_of_a_protection_leaves_a_pair_alone_that_was_kept_by_its_numbers_before_it(stream, tmp_path):
    kept_by_their_numbers_until_identity_may_be_told(stream, tmp_path)
    for protected in (True, False):
        protect(tmp_path, THIRD, OLD, YOUNG, protected=protected)
        followed()

    assert Watch.objects.open().count() == 2


def test_a_pair_that_was_kept_by_its_numbers_goes_on_when_identity_may_be_told(stream, tmp_path):
    kept_by_their_numbers_until_identity_may_be_told(stream, tmp_path)
    publish(tmp_path, line(THIRD, person=facts(tidigarePersonnummer=[OLD, YOUNG], namn="Eva Test")))

    assert followed() == 0
    assert Watch.objects.open().count() == 2
    order(stream, asked(CANCEL, number=OLD))
    assert Watch.objects.open().get().ordered_number == YOUNG


def test_a_number_has_one_open_watch_and_so_has_a_person_but_for_those_kept_by_their_numbers():
    first = WatchFactory()
    same = {"stream": first.stream, "person": first.person}
    for refused in ({"by_number": True}, {"ordered_number": YOUNG}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WatchFactory(**same, **refused)

    WatchFactory(**same, ordered_number=YOUNG, by_number=True)


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
