"""A person with two numbers, both ordered: where identity may not be told nothing says that they are one (C8)."""

import re
from io import BytesIO

import pytest

from benefits.services import person_of
from deliveries import reconciliation, storage
from deliveries.models import Delivery, Disclosure
from deliveries.reading import read
from deliveries.services import fetch
from deliveries.verification import verify
from lefi.audit.models import AuditEvent
from subscriptions import ownlog
from subscriptions.cases import cases_of
from subscriptions.models import Member, Order, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders import files, results
from subscriptions.orders.lines import Line, Stock
from tests.factories import MemberFactory
from tests.histories import sources
from tests.histories.sources import FP, SJP
from tests.histories.world import WIDE, World

CASE = "sjukpenningarende"


@pytest.fixture
def stream(world: World) -> Stream:
    """A stream without field class identity."""
    return world.streams[2]


@pytest.fixture
def numbers(world: World) -> list[str]:
    """The two numbers of a person who has a benefit; the one now comes after another person's in the register."""
    one = world.sources.people[1]
    one.former.append(world.sources.new_number())
    one.items(CASE).append(sources.sickness(world.day, 10))
    world.sources.hand_over(world.now, *world.sources.people)
    return [one.former[0], one.number]


def order(world: World, stream: Stream, *lines: Line | Stock) -> list[str]:
    return world.order_lines(stream, list(lines))


def wanted(world: World, *numbers: str, kind: str = OrderKind.NEW) -> list[Line]:
    return [Line(kind, one, SJP, world.day if kind == OrderKind.NEW else None, "A1", "B1") for one in numbers]


def newest(stream: Stream) -> Delivery:
    return Delivery.objects.filter(stream=stream).latest("number")


def told(delivery: Delivery) -> list[tuple[str, list[str], list[str]]]:
    """Of each person in a document the number, and the codes and reasons of the watches."""
    return [
        (entry.number, [one.code for one in entry.statuses], [one.reason for one in entry.statuses if one.reason])
        for entry in read(storage.place_of(delivery.sha256))
    ]


def test_both_numbers_are_watched_told_and_compared_as_two_persons(world, stream, numbers):
    other = world.sources.people[0].number
    assert order(world, stream, *wanted(world, numbers[0], other, numbers[1])) == ["ACCEPTED"] * 3
    world.night()

    assert [one for one, *_ in told(newest(stream))] == sorted([*numbers, other])
    assert newest(stream).persons == 3
    for entry in read(storage.place_of(newest(stream).sha256)):
        assert not re.search(r"\d{12}", str([item.content for block in entry.blocks for item in block.items]))
    assert order(world, stream, *wanted(world, *numbers)) == ["ALREADY_WATCHED"] * 2
    listed = "personnummer;forman\n" + "".join(f"{one};{SJP}\n" for one in [*numbers, other])
    received = files.take_in(BytesIO(listed.encode()), most=10_000)
    made = reconciliation.receive(stream=stream, received=received, form="csv", at=world.now, client="c")
    assert reconciliation.compare(made.pk).counts["EQUAL"] == 3
    assert verify(stream, world.now).holds


def test_an_order_by_one_number_leaves_the_other_as_it_is(world, stream, numbers):
    order(world, stream, *wanted(world, numbers[0]))
    assert order(world, stream, *wanted(world, numbers[1], kind=OrderKind.CANCEL)) == ["NOT_WATCHED"]
    assert order(world, stream, *wanted(world, numbers[1], kind=OrderKind.REFRESH)) == ["NOT_WATCHED"]
    order(world, stream, *wanted(world, numbers[1]))
    world.night()
    assert order(world, stream, *wanted(world, numbers[1], kind=OrderKind.CANCEL)) == ["CANCELLED"]
    world.night()

    assert told(newest(stream)) == [(numbers[1], ["3"], ["AVBESTALLD"])]
    assert Watch.objects.open().filter(stream=stream).get().ordered_number == numbers[0]


def test_what_is_ordered_for_everybody_is_a_line_for_each_number(world, stream, numbers):
    order(world, stream, *wanted(world, *numbers))
    assert order(world, stream, Stock(OrderKind.NEW, (FP,), world.day)) == ["ACCEPTED"] * 2

    lines = Order.objects.latest("pk").lines.order_by("line")
    assert [one.number for one in lines] == sorted(numbers)
    assert sum(text.count("ACCEPTED") for text in results.csv_rows(Order.objects.latest("pk"))) == 2


def test_two_found_to_be_one_tell_nothing_of_it(world, stream):
    one, gone = world.sources.people[:2]
    order(world, stream, *wanted(world, one.number, gone.number))
    world.night()
    one.former.append(gone.number)
    world.sources.hand_over(world.now, one)
    world.night()

    assert told(newest(stream)) == []
    assert Watch.objects.open().filter(stream=stream, person=person_of(one.number)).count() == 2
    assert verify(stream, world.now).holds


def test_where_identity_may_be_told_one_of_two_ends_and_says_why(world):
    stream, (one, gone) = world.streams[0], world.sources.people[:2]
    order(world, stream, *wanted(world, one.number, gone.number))
    world.night()
    one.former.append(gone.number)
    world.sources.hand_over(world.now, one)
    world.night()

    assert [reasons for *_, reasons in told(newest(stream)) if reasons] == [["DUBBLETT"]]


def test_once_protection_has_ended_nobody_is_told_twice_under_one_number(world):
    stream, one = world.streams[0], world.sources.people[0]
    order(world, stream, *wanted(world, one.number))
    world.night()
    one.protection = "SEKRETESSMARKERING"
    world.sources.hand_over(world.now, one)
    one.former.append(one.number)
    one.number = world.sources.new_number()
    world.sources.hand_over(world.now, one)
    assert order(world, stream, *wanted(world, one.number)) == ["ACCEPTED"]
    world.night()
    assert told(newest(stream)) == []
    one.protection = "INGET"
    world.sources.hand_over(world.now, one)
    world.night()

    assert [(number, reasons) for number, _codes, reasons in told(newest(stream))] == [(one.number, ["DUBBLETT"])]
    assert Watch.objects.open().get(stream=stream).ordered_number == one.former[0]
    assert verify(stream, world.now).holds


def test_that_a_watch_ended_as_a_duplicate_is_not_told_once_identity_may_not_be(world):
    stream, one = world.streams[0], world.sources.people[0]
    order(world, stream, *wanted(world, one.number))
    world.night()
    Watch.objects.filter(stream=stream).update(ended_at=world.now, ended_as_of=0, end_reason=Watch.EndReason.DUPLICATE)
    world.scope(stream, classes=["benefit", "period"])
    world.night()

    assert [reasons for *_, reasons in told(newest(stream))] == [["UPPHORD"]]


def test_a_pair_goes_on_under_the_number_of_the_day_when_identity_may_be_told(world, stream, numbers):
    order(world, stream, *wanted(world, *numbers))
    world.night()
    world.scope(stream, classes=WIDE)
    world.night()

    assert {one for one, *_ in told(newest(stream))} == {numbers[1]}
    assert Watch.objects.open().filter(stream=stream).count() == 2
    assert order(world, stream, *wanted(world, *numbers, kind=OrderKind.CANCEL)) == ["CANCELLED"] * 2
    world.night()
    assert verify(stream, world.now).holds


# In the portal


@pytest.fixture
def pair(world, stream, numbers) -> list[Watch]:
    order(world, stream, *wanted(world, *numbers))
    world.night()
    fetch(delivery=newest(stream), at=world.now)
    return list(Watch.objects.filter(stream=stream).order_by("pk"))


@pytest.fixture
def reader(client, stream, pair) -> Member:
    member = MemberFactory(customer=stream.agreement.customer, role=Member.Role.INTEGRATION)
    client.force_login(member.user)
    return member


def test_a_page_on_a_person_is_on_one_number_alone(client, reader, pair):
    for watch in pair:
        person = client.get(f"/watches/{watch.pk}/told/").context["person"]
        assert {one.watch for one in person.watches} == {watch.pk}


def test_a_case_and_a_delivery_count_persons_by_their_numbers(client, reader, stream, pair):
    assert [one.persons for one in cases_of(reader.user, 2)] == [2]
    shown = client.get(f"/deliveries/{newest(stream).pk}/").context
    assert (shown["counts"]["whole"], len(shown["persons"])) == (2, 2)


def test_the_customers_own_log_counts_persons_by_their_numbers(client, reader, stream, pair):
    client.get(f"/deliveries/{newest(stream).pk}/")
    events = AuditEvent.objects.filter(reason="portal delivery").order_by("-pk")

    (entry,) = ownlog.entries(events, stream.agreement.customer)
    assert entry.persons == 2
    assert Disclosure.objects.filter(delivery=newest(stream)).values("person").distinct().count() == 1
