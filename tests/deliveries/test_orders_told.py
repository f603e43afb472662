"""What a delivery says of the orders that were done since the one before it."""

import json
import re
import tracemalloc
from datetime import timedelta

import jsonschema
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from benefits.catalogue import catalogue
from deliveries import answered, jsonform, pages, storage
from deliveries.answered import lines_without_effect
from deliveries.building import Builder
from deliveries.models import Delivery
from deliveries.reading import LineAnswer, OrderAnswer, Status, read, read_orders, validate
from deliveries.release import take_back
from deliveries.services import fetch
from subscriptions.answers import CARRIED_OUT, sentence
from subscriptions.models import Member, Order, OrderLine, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import confirm, place_order, throw_away, work_on
from subscriptions.profiles import law_of
from tests.factories import BlockFactory, MemberFactory, OrderFactory, OrderLineFactory, identity_number
from tests.histories.sources import FP, SJP
from tests.histories.world import World


@pytest.fixture
def stream(world: World) -> Stream:
    """A stream that nobody has ordered anything in."""
    return world.streams[0]


def line(world: World, person: int = 0, kind: str = OrderKind.NEW, benefit: str = SJP, **said) -> Line:
    start = world.day - timedelta(days=100) if kind == OrderKind.NEW else None
    return Line(kind, world.sources.people[person].number, benefit, start, **said)


def order(world: World, *lines: Line, **said) -> Order:
    said = {"stream": world.streams[0], "channel": Order.Channel.API, "at": world.now} | said
    return place_order(lines=lines, **said)


def path_of(delivery: Delivery):
    return storage.place_of(delivery.sha256)


def newest(stream: Stream) -> Delivery:
    return Delivery.objects.filter(stream=stream).latest("number")


def told(stream: Stream) -> list[OrderAnswer | LineAnswer]:
    """What the newest delivery says of orders, having seen that it holds to the schema."""
    validate(path_of(newest(stream)))
    return list(read_orders(path_of(newest(stream))))


def statuses(stream: Stream) -> list[tuple[str, int, int]]:
    """Code, order and line of the statuses in the newest delivery."""
    entries = read(path_of(newest(stream)))
    found: list[Status] = [one for entry in entries for one in entry.statuses]
    return [(one.code, one.order, one.line) for one in found]


def test_an_order_is_told_by_its_counts_and_by_each_line_without_effect(world, stream):
    lines = [
        line(world, reference="own 1"),
        line(world, reference="own 2"),
        line(world, 1, benefit="nonsens", reference='"<own>" & 3'),
        line(world, 1, row=9),
        Line(OrderKind.NEW, "not a number", SJP, world.day, row=12),
    ]

    placed = order(world, *lines, reference="batch 7")
    world.night()

    counts = {"ACCEPTED": 2, "BENEFIT_UNKNOWN": 1, "DUPLICATE_IN_ORDER": 1, "NUMBER_INVALID": 1}
    assert told(stream) == [
        OrderAnswer(placed.pk, placed.received_at, 5, "batch 7", counts),
        LineAnswer(2, 0, "DUPLICATE_IN_ORDER", "own 2"),
        LineAnswer(3, 0, "BENEFIT_UNKNOWN", '"<own>" & 3'),
        LineAnswer(5, 12, "NUMBER_INVALID", ""),
    ]
    placed.refresh_from_db()
    assert placed.carried_in == newest(stream).number


def test_no_line_without_effect_names_a_person(world, stream):
    order(world, line(world), line(world), line(world, 1, OrderKind.CANCEL))
    world.night()

    text = path_of(newest(stream)).read_text()
    assert not re.search(r"\d{12}", text.partition("<informationsfalt>")[0].partition("<bestallning")[2])


def test_each_order_is_told_once_the_oldest_first_also_in_an_otherwise_empty_delivery(world, stream):
    first, second = (order(world, line(world, 0, OrderKind.CANCEL)) for _ in range(2))
    world.night()
    assert [one.id for one in told(stream) if isinstance(one, OrderAnswer)] == [first.pk, second.pk]
    assert newest(stream).persons == 0

    world.night()
    assert told(stream) == []


def test_what_has_had_no_effect_and_what_is_not_done_is_not_told(world, stream):
    preview, thrown = (order(world, line(world), aim=Order.Aim.PREVIEW) for _ in range(2))
    throw_away(thrown, at=world.now)
    OrderFactory(stream=stream, status=Order.Status.REFUSED, refusal="EMPTY")
    OrderFactory(stream=stream, status=Order.Status.WAITING)
    order(world, line(world), stream=world.streams[2])
    world.night()
    assert told(stream) == []

    confirm(preview, at=world.now)
    work_on(preview.pk)
    world.night()
    assert [one.id for one in told(stream) if isinstance(one, OrderAnswer)] == [preview.pk]


def test_an_order_done_while_the_delivery_is_being_made_waits_for_the_next(world, stream, monkeypatch):
    late: list[Order] = []

    def build_and_order(builder, at, true=Builder.build):
        draft = true(builder, at)
        if not late and builder.law.stream == stream:
            late.append(order(world, line(world, 0, OrderKind.CANCEL)))
        return draft

    monkeypatch.setattr(Builder, "build", build_and_order)
    world.night()
    assert told(stream) == []

    world.night()
    assert [one.id for one in told(stream) if isinstance(one, OrderAnswer)] == [late[0].pk]


def test_a_recall_makes_the_order_be_told_again_as_it_was(world, stream):
    placed = order(world, line(world), line(world))
    world.night()
    before = told(stream), statuses(stream)

    take_back(stream, 1, world.now)
    placed.refresh_from_db()
    assert placed.carried_in is None
    world.night()

    assert (told(stream), statuses(stream)) == before
    placed.refresh_from_db()
    assert placed.carried_in == 2


def test_what_was_fetched_is_not_told_again_by_a_later_recall(world, stream):
    order(world, line(world))
    world.night()
    fetch(delivery=newest(stream), at=world.now)
    second = order(world, line(world, 0, OrderKind.CANCEL))
    world.night()

    take_back(stream, 2, world.now)
    world.night()

    assert [one.id for one in told(stream) if isinstance(one, OrderAnswer)] == [second.pk]


def test_a_rehearsed_night_tells_nothing(world):
    placed = order(world, line(world))
    world.night(dry_run=True)

    placed.refresh_from_db()
    assert placed.carried_in is None


def test_the_last_document_of_a_stream_says_nothing_of_orders(world, stream):
    order(world, line(world))
    type(stream.agreement).objects.filter(pk=stream.agreement_id).update(valid_to=world.day - timedelta(days=1))
    world.night()

    assert newest(stream).final
    assert told(stream) == []


# A line that had an effect is told by the status of its watch


def test_the_status_of_a_watch_names_the_line_that_opened_refreshed_or_ended_it(world, stream):
    opened = order(world, line(world, 1), line(world), line(world, benefit="nonsens"))
    world.night()
    assert sorted(statuses(stream)) == [("1", opened.pk, 1), ("1", opened.pk, 2)]

    refreshed = order(world, line(world, kind=OrderKind.REFRESH))
    world.night()
    assert statuses(stream) == [("1", refreshed.pk, 1)]

    ended = order(world, line(world, 2, OrderKind.CANCEL), line(world, kind=OrderKind.CANCEL))
    world.night()
    assert statuses(stream) == [("3", ended.pk, 2)]

    again = order(world, line(world))
    world.night()
    assert statuses(stream) == [("1", again.pk, 1)]


def test_a_status_that_no_order_caused_names_none(world, stream):
    order(world, line(world), line(world, benefit=FP))
    world.night()
    world.scope(stream, benefits=[FP])
    Watch.objects.filter(benefit=FP).update(ended_at=world.now, end_reason="UPPHORD", ended_as_of=0)
    world.night()
    assert sorted(statuses(stream)) == [("2", 0, 0), ("3", 0, 0)]

    world.scope(stream, benefits=[SJP])
    world.night()
    assert statuses(stream) == [("1", 0, 0)]


def test_the_status_names_the_order_also_while_the_order_is_still_in_hand(world, stream):
    placed = order(world, line(world))
    Order.objects.filter(pk=placed.pk).update(status=Order.Status.WORKING, done_at=None)
    world.night()

    assert statuses(stream) == [("1", placed.pk, 1)]
    assert told(stream) == []


def test_a_refresh_that_was_told_long_ago_is_not_named_when_something_else_sends_all_again(world, stream):
    order(world, line(world))
    world.night()
    fetch(delivery=newest(stream), at=world.now)
    order(world, line(world, kind=OrderKind.REFRESH))
    world.night()
    fetch(delivery=newest(stream), at=world.now)
    again = order(world, line(world, kind=OrderKind.REFRESH))
    world.night()
    take_back(stream, 3, world.now)
    world.night()

    assert statuses(stream) == [("1", again.pk, 1)]


def test_the_status_of_a_preview_is_never_named(world, stream):
    opened = order(world, line(world))
    order(world, line(world, kind=OrderKind.REFRESH), aim=Order.Aim.PREVIEW)
    world.night()

    assert statuses(stream) == [("1", opened.pk, 1)]


def test_a_protected_persons_order_is_told_as_anybody_elses(world, stream):
    """Beside the status and content of the watch itself, which are held back, nothing differs."""
    world.sources.people[1].protection = "SEKRETESSMARKERING"
    world.sources.hand_over(world.now, *world.sources.people)
    both = [order(world, line(world, person), line(world, person)) for person in (0, 1)]
    world.night()

    plain, protected = (
        [(one.counts, one.lines) if isinstance(one, OrderAnswer) else one for one in part]
        for part in (told(stream)[:2], told(stream)[2:])
    )
    assert plain == protected
    assert statuses(stream) == [("1", both[0].pk, 1)]


def test_a_watch_thawed_later_names_the_line_that_opened_it(world, stream):
    block = BlockFactory(benefit=SJP, customer=None)
    OrderLineFactory(order=OrderFactory(stream=stream, status=Order.Status.DONE), answer="ACCEPTED")
    placed = order(world, line(world))
    assert placed.counts == {"BLOCKED": 1}
    world.night()
    opened = OrderLine.objects.get(answer="ACCEPTED")
    assert statuses(stream) == []

    type(block).objects.filter(pk=block.pk).update(lifted_at=world.now)
    world.night()
    assert statuses(stream) == [("1", opened.order_id, opened.line)]


# Forms and size


def test_the_portals_page_shows_the_answers_in_words_and_the_first_lines_without_effect(world, stream, client):
    wrong = [line(world, benefit="nonsens", reference=f"own {n}") for n in range(pages.LINES_PER_ORDER + 3)]
    placed = order(world, line(world), *wrong, reference="batch <7>")
    world.night()
    client.force_login(MemberFactory(customer=stream.agreement.customer, role=Member.Role.INTEGRATION).user)

    answer = client.get(f"/deliveries/{newest(stream).pk}/")

    [shown] = answer.context["order_answers"]
    assert (shown.id, shown.reference, len(shown.lines), shown.more) == (placed.pk, "batch <7>", 25, 3)
    text = answer.content.decode()
    assert "batch &lt;7&gt;" in text and "own 24" in text and "own 25" not in text
    for code in ("ACCEPTED", "BENEFIT_UNKNOWN"):
        assert escape(str(sentence(code))) in text
    assert client.get(f"/deliveries/{newest(stream).pk}/?page=2").context["order_answers"] == []


def test_the_json_says_the_same(world, stream):
    validator = jsonschema.Draft202012Validator(jsonform.json_schema(catalogue()))
    first = order(world, line(world, reference="own"), line(world, row=7), reference="batch")
    second = order(world, line(world, 1))
    world.night()

    said = json.loads("".join(jsonform.to_json(path_of(newest(stream)))))

    validator.validate(said)
    one, two = said["bestallning"]
    assert (one["id"], one["referens"], one["rader"]) == (first.pk, "batch", 2)
    assert one["svar"] == [{"kod": "ACCEPTED", "antal": 1}, {"kod": "DUPLICATE_IN_ORDER", "antal": 1}]
    assert one["rad"] == [{"nr": 2, "fil-rad": 7, "kod": "DUPLICATE_IN_ORDER"}]
    assert (two["id"], two["rad"]) == (second.pk, [])
    status = said["informationsfalt"]["person"][0]["statusBestallning"][0]
    assert (status["bestallning"], status["rad"]) == (first.pk, 1)


def test_a_reference_that_xml_cannot_hold_does_not_stop_the_delivery(world, stream):
    placed = order(world, line(world, 0, OrderKind.CANCEL, reference="a\x0bb\n\tc"), reference="\x01")
    world.night()

    assert [one.reference for one in told(stream)] == ["\ufffd", "a\ufffdb\n\tc"]
    assert placed.pk


@pytest.mark.parametrize("size", [answered.LINES - 1, answered.LINES, answered.LINES + 1])
def test_lines_without_effect_are_read_a_page_at_a_time(db, size):
    placed = OrderFactory(counts={"NOT_WATCHED": size})
    OrderLine.objects.bulk_create(
        OrderLine(order=placed, line=n, file_row=n, number=identity_number(1), benefit=SJP, answer="NOT_WATCHED")
        for n in range(1, size + 1)
    )

    with CaptureQueriesContext(connection) as queries:
        pages = list(lines_without_effect(placed))

    assert [one.line for page in pages for one in page] == list(range(1, size + 1))
    assert len(queries) == size // answered.LINES + 1


def test_many_lines_without_effect_do_not_grow_the_memory(world, stream):
    """Thirty thousand lines are written, validated and read back in what two pages take."""
    placed = OrderFactory(stream=stream, status=Order.Status.DONE, counts={"NOT_WATCHED": 30_000}, line_count=30_000)
    OrderLine.objects.bulk_create(
        (
            OrderLine(order=placed, line=n, number="1", benefit=SJP, answer="NOT_WATCHED", reference=f"own {n}" * 8)
            for n in range(1, 30_001)
        ),
        batch_size=2000,
    )
    whole = Stream.objects.select_related("agreement__customer").get(pk=stream.pk)
    run = world.start_night()
    tracemalloc.start()
    try:
        draft = Builder(run, law_of(whole, run.day), run.as_of_law, lambda: None).build(world.now)
        validate(draft.path)
        count = sum(isinstance(one, LineAnswer) for one in read_orders(draft.path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 30_000
    assert peak < 16 * 1024 * 1024, peak


def test_the_queries_of_a_page_do_not_follow_its_watches(world, stream):
    def queries() -> int:
        whole = Stream.objects.select_related("agreement__customer").get(pk=stream.pk)
        run = world.start_on_demand()
        with CaptureQueriesContext(connection) as found:
            Builder(run, law_of(whole, run.day), run.as_of_law, lambda: None).build(world.now)
        type(run).objects.filter(pk=run.pk).update(status="done")
        return len(found)

    order(world, line(world))
    few = queries()
    order(world, *[line(world, person, benefit=benefit) for person in (0, 1, 2) for benefit in (SJP, FP)])

    assert queries() == few + 1  # the lines without effect of the second order


def test_the_answers_with_an_effect_are_those_that_the_index_leaves_out():
    index = next(one for one in OrderLine._meta.indexes if one.name == "order_lines_without_effect")
    assert set(index.condition.children[0][1]) == CARRIED_OUT
