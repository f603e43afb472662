"""The cases and needs of open watches: gathered, in order, a page at a time, and found by a part of their reference."""

import pytest

from subscriptions import cases
from subscriptions.cases import cases_of
from subscriptions.models import Watch
from tests.factories import AT, MemberFactory, StreamFactory, WatchFactory

REFERENCES = [f"A{n}" for n in range(7)]


@pytest.fixture
def stream(member):
    return StreamFactory(agreement__customer=member.customer)


@pytest.fixture
def seven(stream) -> None:
    for reference in REFERENCES[::-1]:
        WatchFactory(stream=stream, case_reference=reference)


def references(member, wanted: int = 100, **asked) -> list[str]:
    return [one.reference for one in cases_of(member.user, wanted, **asked)]


def test_open_watches_are_gathered_by_case_or_need(member, stream):
    first = WatchFactory(stream=stream, case_reference="A")
    WatchFactory(stream=stream, case_reference="A", person=first.person, benefit="FK:FP")
    need = WatchFactory(stream=stream, need_reference="B")
    WatchFactory(stream=stream)
    WatchFactory(stream=stream, case_reference="A", ended_at=AT, end_reason="UPPHORD", ended_as_of=0)
    WatchFactory(stream=stream, case_reference="C", ended_at=AT, end_reason="UPPHORD", ended_as_of=0)

    found = cases_of(member.user, 10)

    assert [(one.reference, one.watches, one.persons, one.watch) for one in found] == [
        ("A", 2, 1, first.pk),
        ("B", 1, 1, need.pk),
    ]


def test_a_watch_with_both_stands_for_its_case(member, stream):
    WatchFactory(stream=stream, case_reference="A", need_reference="B")

    assert references(member) == ["A"]


def test_a_case_in_several_streams_is_one_and_one_at_another_customer_is_another(member, stream):
    second = MemberFactory(user=member.user)
    WatchFactory(stream=stream, case_reference="A")
    WatchFactory(stream=StreamFactory(agreement__customer=member.customer), case_reference="A")
    WatchFactory(stream__agreement__customer=second.customer, case_reference="A")
    WatchFactory(case_reference="A")  # a stranger's

    found = cases_of(member.user, 10)

    assert [(one.customer, one.watches) for one in found] == [(member.customer, 2), (second.customer, 1)]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_pages_follow_each_other_both_ways_without_a_gap(member, stream, seven, size):
    second = MemberFactory(user=member.user)
    WatchFactory(stream__agreement__customer=second.customer, case_reference="A3")
    whole = [(one.reference, one.customer) for one in cases_of(member.user, 10)]
    seen, key = [], None
    while found := cases_of(member.user, size, key=key):
        seen += [(one.reference, one.customer) for one in found]
        key = found[-1].watch
    back, key = [], None
    while found := cases_of(member.user, size, key=key, back=True):
        back += [(one.reference, one.customer) for one in found]
        key = found[-1].watch

    assert len(whole) == 8
    assert seen == whole and back == whole[::-1]


def test_a_page_goes_on_from_a_case_that_has_ended_meanwhile(member, stream, seven):
    ended = Watch.objects.filter(case_reference="A3")
    ended.update(ended_at=AT, end_reason="AVBESTALLD", ended_as_of=0)

    assert references(member, key=ended.get().pk) == ["A4", "A5", "A6"]


def test_a_strangers_watch_is_nowhere_to_go_on_from(member, stream, seven):
    assert references(member, key=WatchFactory(case_reference="A3").pk) == []


def test_only_what_somebody_ordered_is_asked_for(member, stream, seven):
    Watch.objects.filter(case_reference__in=["A1", "A5"]).update(ordered_by=member.user)

    assert references(member, own=True) == ["A1", "A5"]
    assert references(member, 1, own=True, key=Watch.objects.get(case_reference="A1").pk) == ["A5"]


@pytest.mark.parametrize(
    ("sought", "found"),
    [("2026", ["EB 2026/1", "eb 2026/2"]), ("eb 2026/1", ["EB 2026/1"]), ("_", ["A_1"]), ("%", ["50 %"]), ("!", [])],
)
def test_a_part_of_a_reference_finds_it_however_it_is_written(member, stream, sought, found):
    for reference in ("EB 2026/1", "eb 2026/2", "A_1", "50 %", "A1"):
        WatchFactory(stream=stream, case_reference=reference)

    assert sorted(references(member, sought=sought)) == sorted(found)


def test_a_large_case_is_counted_so_far_and_no_further(member, stream, monkeypatch):
    monkeypatch.setattr(cases, "MOST", 2)
    WatchFactory.create_batch(5, stream=stream, case_reference="A")

    (found,) = cases_of(member.user, 10)

    assert (found.watches, found.persons) == (3, 3)


def test_who_works_for_nobody_has_no_cases(member):
    member.delete()

    assert references(member) == []
