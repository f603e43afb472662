"""A delivery read in words, beside what earlier ones said: only as it was handed out, and as it may be told now."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from benefits.models import PersonFacts, Protection
from deliveries import earlier, pages, reading, storage, toldof
from deliveries.models import Delivery
from deliveries.services import fetch
from deliveries.telling import PersonText
from subscriptions.models import Stream, Watch
from subscriptions.models.orders import OrderKind
from tests.histories.sources import SJP, sickness
from tests.histories.world import NARROW, World

FIRST, SECOND = "2025-11-26", "2025-12-16"


@pytest.fixture
def made(world: World) -> World:
    """Two persons with a sickness case each."""
    for person in world.sources.people[:2]:
        person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=40), 20))
    world.sources.hand_over(world.now, *world.sources.people)
    return world


@pytest.fixture
def stream(made: World) -> Stream:
    return made.streams[0]


def opened(made: World, stream: Stream) -> Delivery:
    """The newest delivery of a stream after a night, opened as all before it."""
    made.night()
    for delivery in Delivery.objects.filter(stream=stream, first_fetched_at=None).order_by("number"):
        fetch(delivery=delivery, at=made.now)
    return delivery


def shown(made: World, delivery: Delivery) -> list[PersonText]:
    page = pages.page_of(storage.place_of(delivery.sha256), 1)
    return pages.persons_of(page, delivery=delivery, at=made.now)


def news(person: PersonText) -> list[tuple[str, list[str], list[str]]]:
    """What is new of a person: kind, and the sentences of now and of before, without the benefit's name."""
    return [
        (one.kind, _plain(one.sentences), _plain(one.before))
        for watch in person.told
        for section in watch.sections
        for one in section.news
    ]


def _plain(sentences) -> list[str]:
    return [text.replace("\N{NO-BREAK SPACE}", " ").removeprefix("Sjukpenning: ") for text in sentences]


def change(made: World, *cases: dict) -> None:
    """The first person's sickness cases become these."""
    made.sources.people[0].sections["sjukpenningarende"] = list(cases)
    made.sources.hand_over(made.now, made.sources.people[0])


def case(start: str, days: int) -> dict:
    return sickness(date.fromisoformat(start), days)


def test_complete_information_is_told_as_sentences_and_not_as_news(made, stream):
    made.watch(stream)

    (person,) = shown(made, opened(made, stream))

    assert (person.complete, person.news, person.who) == (True, 0, [])
    assert (person.name, person.born) != ("", "")
    (section,) = person.told[0].sections
    assert _plain(section.first) == [f"beviljat 50 %, {FIRST} – {SECOND}, beslut {FIRST}."]
    assert (section.rest, section.news, section.title) == ([], [], "Sjukpenning")


def test_a_watch_that_nothing_is_told_of_is_said_to_be_open(made, stream):
    made.watch(stream, 2)

    (person,) = shown(made, opened(made, stream))

    assert person.told == []
    assert [(benefits, str(sentence)) for benefits, sentence, _ in person.untold] == [
        (["Sjukpenning"], "Bevakningen är öppen; det finns inget att lämna nu.")
    ]


def test_what_is_new_is_told_beside_nothing_and_the_name_as_it_was_told(made, stream):
    made.watch(stream)
    name = shown(made, opened(made, stream))[0].name
    change(made, case(FIRST, 20), case("2026-01-01", 3))

    (person,) = shown(made, opened(made, stream))

    assert news(person) == [("ny", ["beviljat 50 %, 2026-01-01 – 2026-01-04, beslut 2026-01-01."], [])]
    assert (person.name, person.complete) == (name, False)
    assert person.told[0].sections[0].same == 1


def test_what_is_gone_is_told_as_it_was_told(made, stream):
    made.watch(stream)
    first = opened(made, stream)
    change(made)

    (person,) = shown(made, opened(made, stream))

    assert news(person) == [("borttagen", [], [f"beviljat 50 %, {FIRST} – {SECOND}, beslut {FIRST}."])]
    assert person.told[0].sections[0].news[0].told_in == first.number
    assert [(row.period, row.live) for row in person.rows] == [(f"{FIRST} – {SECOND}", False)]


def test_what_takes_the_place_of_what_is_gone_stands_beside_it_with_what_differs(made, stream):
    made.watch(stream)
    opened(made, stream)
    change(made, case(FIRST, 30))

    (person,) = shown(made, opened(made, stream))

    kind, now, before = news(person)[0]
    assert (kind, len(news(person))) == ("ersatt", 1)
    assert "2025-12-26" in now[0] and SECOND in before[0]
    differences = person.told[0].sections[0].news[0].differences
    assert ("Beslut › Antal dagar", "20", "30") in [(one.label, one.before, one.now) for one in differences]


def test_before_is_the_delivery_that_a_block_is_built_on_and_not_just_the_first(made, stream):
    made.watch(stream)
    opened(made, stream)
    change(made, case("2025-12-01", 5))
    second = opened(made, stream)
    change(made)

    (person,) = shown(made, opened(made, stream))

    assert "2025-12-01" in news(person)[0][2][0]
    assert person.told[0].sections[0].news[0].told_in == second.number


def test_what_was_told_on_more_than_may_be_told_now_does_not_come_back_beside_it(made, stream):
    """The agreement has been narrowed since: classes that are gone are not told a second time."""
    made.watch(stream)
    opened(made, stream)
    made.scope(stream, classes=[*NARROW, "identity"])

    (person,) = shown(made, opened(made, stream))

    assert [(kind, before) for kind, _, before in news(person)] == [("ny", []), ("borttagen", [])]
    assert person.name == ""


def test_what_has_been_erased_is_said_to_have_stood_there(made, stream):
    made.watch(stream)
    first = opened(made, stream)
    change(made)
    storage.place_of(first.sha256).unlink()

    (person,) = shown(made, opened(made, stream))

    assert news(person) == [("borttagen", [], [])]


def test_another_streams_word_is_never_shown_beside(made):
    other = made.streams[2]
    made.watch(made.streams[0])
    opened(made, made.streams[0])
    made.watch(other)
    opened(made, other)
    change(made)

    (person,) = shown(made, opened(made, other))

    said = news(person)[0][2]
    assert said == [f"50 %, {FIRST} – {SECOND}, beslut {FIRST}."]  # without the outcome, which that stream is not told
    assert person.name == ""


def test_a_watch_that_ended_is_told_with_its_coarse_reason(made, stream):
    watch = made.watch(stream)
    opened(made, stream)
    made.order(stream, OrderKind.CANCEL, watch.ordered_number, SJP)

    (person,) = shown(made, opened(made, stream))

    assert [(str(sentence), str(reason)) for _, sentence, reason in person.untold] == [
        ("Bevakningen är avslutad.", "avbeställd")
    ]


def test_persons_are_known_by_the_cases_of_their_watches(made, stream):
    watch = made.watch(stream)

    (person,) = shown(made, opened(made, stream))

    assert person.cases == {"A1": watch.pk}


def test_periods_and_payments_are_drawn_from_two_on_and_always_stand_in_a_table(made, stream):
    made.watch(stream)
    (person,) = shown(made, opened(made, stream))
    assert person.timeline is None and len(person.rows) == 1

    change(made, case(FIRST, 20), case("2026-01-01", 3))
    (person,) = shown(made, opened(made, stream))

    assert len(person.timeline.bars) == len(person.rows) == 2


def test_queries_do_not_grow_with_persons(made, stream, django_assert_max_num_queries):
    for n in (0, 1):
        made.watch(stream, n)
    opened(made, stream)
    for person in made.sources.people[:2]:
        person.sections["sjukpenningarende"] = []
    made.sources.hand_over(made.now, *made.sources.people)
    delivery = opened(made, stream)

    with django_assert_max_num_queries(22):
        assert len(shown(made, delivery)) == 2


# All that has been told of one person


def told(made: World, *watches: Watch) -> toldof.Told:
    return toldof.told_of([Watch.objects.get(pk=one.pk) for one in watches], at=made.now)


def starts(found: toldof.Told) -> Iterator[str]:
    for block in found.entry.blocks:
        if block.section == "sjukpenningarende":
            yield from (item.content["startades"] for item in block.items)


def test_all_that_stands_of_a_person_is_folded_from_the_deliveries_that_were_opened(made, stream):
    watch = made.watch(stream)
    opened(made, stream)
    change(made, case(FIRST, 20), case("2026-01-01", 3))
    second = opened(made, stream)
    change(made, case("2020-01-01", 3))
    made.night()  # and nobody opens it

    found = told(made, watch)

    assert sorted(starts(found)) == [FIRST, "2026-01-01"]
    assert [(delivery.number, complete, items) for delivery, complete, items in toldof.history(found)] == [
        (2, False, 1),
        (1, True, 2),
    ]
    assert (found.last, found.unread) == (second.day, [])


def test_what_is_gone_does_not_stand_any_more(made, stream):
    watch = made.watch(stream)
    opened(made, stream)
    change(made)
    opened(made, stream)

    assert list(starts(told(made, watch))) == []


def test_complete_information_takes_the_place_of_all_before_it(made, stream):
    watch = made.watch(stream)
    opened(made, stream)
    change(made)
    made.order(stream, OrderKind.REFRESH, watch.ordered_number, SJP)
    opened(made, stream)

    assert list(starts(told(made, watch))) == []


def test_a_delivery_that_cannot_be_handed_out_whole_says_nothing_of_anybody(made, stream):
    """Else a person's own page would tell that it is that person who is protected (C8)."""
    first, second = made.watch(stream, 0), made.watch(stream, 1)
    delivery = opened(made, stream)
    PersonFacts.objects.filter(person=first.person_id).update(protection=Protection.MARKED)

    for watch in (first, second):
        found = told(made, watch)
        assert (list(starts(found)), found.unread, found.gaps) == ([], [delivery], {watch.pk})


def test_each_watch_is_told_by_its_own_stream(made):
    plain, narrow = (made.watch(made.streams[place]) for place in (0, 2))
    for place in (0, 2):
        opened(made, made.streams[place])

    found = told(made, narrow)

    assert {block.watch for block in found.entry.blocks} == {narrow.pk}
    assert plain.pk not in {one.watch for one in found.tellings}


def test_earlier_words_are_looked_for_where_something_was_taken_away_alone(made, stream):
    made.watch(stream)
    delivery = opened(made, stream)
    entries = list(reading.read(storage.place_of(delivery.sha256)))

    assert earlier.told_before(delivery, entries, at=made.now) == {}
