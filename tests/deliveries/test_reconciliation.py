"""What a customer believes it has against what stands: the differences, and the order that mends them."""

import json
from datetime import date, timedelta
from io import BytesIO

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from benefits.content import block_digest
from benefits.models import PersonFacts, PersonNumber, Protection
from deliveries import reconciliation as service
from deliveries.claims import Claim, read_claims
from deliveries.models import Reconciliation, ReconciliationLine, Told
from deliveries.reconciliation import Repair, compare, list_path, receive, repair, state_hash
from deliveries.release import take_back
from deliveries.schema import ACTIVE
from deliveries.verification import fold
from lefi.audit.models import AuditEvent
from subscriptions.models import ApiClient, Order, Pending, Stream, Watch
from subscriptions.orders import files
from subscriptions.orders.lines import CANCEL, NEW, REFRESH, OrderRefused
from subscriptions.orders.placing import work_on
from tests.factories import (
    AT,
    BENEFIT,
    DAY,
    ApiClientFactory,
    LegalBasisFactory,
    PersonFactsFactory,
    PersonNumberFactory,
    StreamFactory,
    ToldFactory,
    WatchFactory,
    identity_number,
)
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import World
from tests.histories.world import world as made_world
from tests.partners import partner, problem_of, refusal_of, url_of

Kind = ReconciliationLine.Kind
NOTHING = state_hash([])
MIXED = "bevakning;personnummer;forman;tillstand;referens\n"
TERMS = MIXED.strip() + ";from;arendereferens;behovsreferens\n"


@pytest.fixture
def stream(db) -> Stream:
    return StreamFactory(served=True)


def sent(stream: Stream, text: str | bytes, form: str = "csv", key: str = "", at=AT) -> Reconciliation:
    body = text.encode() if isinstance(text, str) else text
    received = files.take_in(BytesIO(body), most=10_000_000)
    return receive(stream=stream, received=received, form=form, at=at, client="c", idempotency_key=key)


def compared(stream: Stream, text: str | bytes, form: str = "csv", at=AT) -> Reconciliation:
    return compare(sent(stream, text, form, at=at).pk)


def differences(found: Reconciliation) -> list[tuple]:
    return [(one.kind, one.code, one.line, one.watch_id) for one in found.lines.order_by("pk")]


def by_watch(*watches: Watch | tuple[Watch, str]) -> str:
    pairs = [one if isinstance(one, tuple) else (one, "") for one in watches]
    return "bevakning;tillstand\n" + "".join(f"{watch.pk};{state}\n" for watch, state in pairs)


# Reading


def read(text: str | bytes, form: str = "csv") -> list[Claim]:
    return list(read_claims(BytesIO(text.encode() if isinstance(text, str) else text), form, DAY))


NUMBER = identity_number(1)
VECTORS = json.loads((settings.BASE_DIR / "docs" / "digest_vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        f"personnummer;forman;referens\n{NUMBER};sjukpenning;own\n",
        f"\ufeffReferens,Förmån,Personnummer\r\nown,FK:SJP,{NUMBER[:8]}-{NUMBER[8:]}\r\n",
        f"benefit\tidentity_number\treference\n\n sjukpenning \t{NUMBER[2:]}\town",
    ],
)
def test_a_table_is_read_whatever_its_mark_header_and_order(text):
    [claim] = read(text)
    assert claim == Claim(claim.line, None, NUMBER, "FK:SJP", "", "own", "")


def test_json_lines_are_read():
    rows = [{"bevakning": 17, "tillstand": NOTHING, "referens": None}, {"personnummer": NUMBER, "forman": "FK:SJP"}]
    text = "\n\n".join(map(json.dumps, rows))

    assert read(text, "jsonl") == [
        Claim(1, 17, "", "", NOTHING, "", ""),
        Claim(3, None, NUMBER, "FK:SJP", "", "", ""),
    ]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("x;;;;", "WATCH_INVALID"),
        ("0;;;;", "WATCH_INVALID"),
        (f"{'9' * 19};;;;", "WATCH_INVALID"),
        (";199001012386;sjukpenning;;", "NUMBER_INVALID"),
        (f";{NUMBER};nonsens;;", "BENEFIT_UNKNOWN"),
        (f";{NUMBER};;;", "NOTHING_NAMED"),
        (";;sjukpenning;;", "NOTHING_NAMED"),
        ("17;;;abc;", "STATE_INVALID"),
        (f"17;;;;{'x' * 101}", "REFERENCE_INVALID"),
        (f"17;;;;;;{'x' * 61}", "REFERENCE_INVALID"),
        ("17;;;;;;;a\x00b", "REFERENCE_INVALID"),
        ("17;;;;;2026-02-30", "FROM_INVALID"),
        (f";{NUMBER};sjukpenning;;;20261101", "FROM_INVALID"),
        ("17;;;;a\x00b", "REFERENCE_INVALID"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(cells, code):
    [claim] = read(TERMS + cells + "\n")
    assert claim.code == code
    assert code in service.SENTENCES


@pytest.mark.parametrize(
    ("text", "form", "code", "row"),
    [
        ("bevakning\n", "csv", "EMPTY", 0),
        ("", "csv", "HEADER", 1),
        ("nonsens\n1\n", "csv", "HEADER", 1),
        ("bevakning;watch\n1;1\n", "csv", "HEADER", 1),
        ("bevakning\n1\n2;3\n", "csv", "FORM", 3),
        ('bevakning\n"1\n', "csv", "FORM", 2),
        (b"bevakning;referens\n1;\xe5\n", "csv", "ENCODING", 1),
        ("{", "jsonl", "NOT_JSON", 1),
        ('{"bevakning": 1}\n[' + "[" * 9000, "jsonl", "NOT_JSON", 2),
        ("[]", "jsonl", "FORM", 1),
        ('{"bevakning": true}', "jsonl", "FORM", 1),
        ('{"nonsens": 1}', "jsonl", "FORM", 1),
        ('{"referens": "' + "x" * 20_000 + '"}', "jsonl", "FORM", 1),
        (b'{"referens": "\xe5"}', "jsonl", "ENCODING", 1),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_whole(text, form, code, row):
    with pytest.raises(OrderRefused) as refused:
        read(text, form)
    assert (refused.value.code, refused.value.row) == (code, row)


@hypothesis_settings(max_examples=200)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(["csv", "jsonl"]), st.booleans()
)
def test_whatever_is_sent_nothing_but_a_refusal_comes_of_it(body, form, headed):
    try:
        claims = read((MIXED.encode() if headed and form == "csv" else b"") + body, form)
    except OrderRefused:
        return
    assert all("\x00" not in claim.reference and len(claim.reference) <= 100 for claim in claims)


def test_more_lines_than_an_order_may_have_are_refused(monkeypatch):
    monkeypatch.setattr("deliveries.claims.MOST_LINES", 2)
    with pytest.raises(OrderRefused, match="TOO_MANY_LINES"):
        read("bevakning\n1\n2\n3\n")


# The state of a watch


def test_the_state_of_a_watch_is_the_hash_of_its_blocks_in_order_of_section():
    assert NOTHING == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert state_hash([("person", "b" * 64), ("a", "c" * 64)]) == state_hash([("a", "c" * 64), ("person", "b" * 64)])
    assert state_hash([("person", "b" * 64)]) != state_hash([("person", "c" * 64)])


@pytest.mark.parametrize("vector", VECTORS["states"], ids=lambda vector: vector["name"])
def test_the_published_states_are_ours(vector):
    held = {name: digests for name, digests in vector["sections"].items() if digests}
    assert state_hash((name, block_digest(name, digests)) for name, digests in held.items()) == vector["state"]


# Comparing


def test_what_only_one_of_the_two_has_is_told_and_what_both_have_is_counted(stream):
    both, only_we = WatchFactory(stream=stream), WatchFactory(stream=stream)
    ended = WatchFactory(stream=stream, ended_at=AT, end_reason="UPPHORD", ended_as_of=1)
    others = WatchFactory()

    found = compared(stream, by_watch(ended, both, others))

    assert found.counts == {"EQUAL": 1, "ONLY_YOU": 2, "ONLY_WE": 1, "DIFFERS": 0, "UNREADABLE": 0}
    assert differences(found) == [
        ("ONLY_YOU", "", 2, ended.pk),
        ("ONLY_YOU", "", 4, None),
        ("ONLY_WE", "", None, only_we.pk),
    ]


def test_a_watch_is_named_by_its_number_and_benefit_too(stream):
    watch = WatchFactory(stream=stream)

    found = compared(stream, MIXED + f";{watch.ordered_number};{BENEFIT};;own\n;{NUMBER};{BENEFIT};;\n")

    assert differences(found) == [("ONLY_YOU", "", 3, None)]
    [line] = found.lines.all()
    assert (line.number, line.benefit) == (NUMBER, BENEFIT)


def test_the_same_watch_twice_and_what_cannot_be_read_are_told_apart_from_the_differences(stream):
    watch, other = WatchFactory(stream=stream), WatchFactory(stream=stream)
    rows = [
        f"{watch.pk};;;;",
        f";{watch.ordered_number};{BENEFIT};;",
        "nonsens;;;;",
        f"{other.pk};;;abc;",
        "9999999;;;;",
    ]

    found = compared(stream, MIXED + "\n".join([*rows, rows[-1]]))

    assert differences(found) == [
        ("UNREADABLE", "DUPLICATE", 3, None),
        ("UNREADABLE", "WATCH_INVALID", 4, None),
        ("UNREADABLE", "STATE_INVALID", 5, other.pk),
        ("ONLY_YOU", "", 6, None),
        ("UNREADABLE", "DUPLICATE", 7, None),
    ]
    assert found.counts["EQUAL"] == 1


def test_the_state_is_that_of_what_was_told_and_stands(stream):
    told, untold, refused = (WatchFactory(stream=stream) for _ in range(3))
    ToldFactory(watch=told, section="person", digest="b" * 64, items="x")
    ToldFactory(watch=told, section="sjukpenningarende", digest="c" * 64, items="")  # told to hold nothing
    ToldFactory(watch=refused, section="@status", digest="2")
    state = state_hash([("person", "b" * 64)])

    assert compared(stream, by_watch((told, state), (untold, NOTHING), (refused, NOTHING))).counts["EQUAL"] == 3
    found = compared(stream, by_watch((told, NOTHING), (untold, state), (refused, state)))
    assert differences(found) == [("DIFFERS", "", n, one.pk) for n, one in enumerate((told, untold, refused), start=2)]


def test_a_number_that_replaced_the_one_ordered_by_names_the_watch_only_where_deliveries_name_it(stream):
    watch = WatchFactory(stream=stream)
    PersonNumber.objects.filter(person=watch.person).update(current=False)
    PersonNumberFactory(person=watch.person, number=NUMBER)
    text = MIXED + f";{NUMBER};{BENEFIT};;\n"
    assert compared(stream, text).counts["EQUAL"] == 1

    facts = PersonFacts.objects.filter(person=watch.person)
    facts.update(protection=Protection.MARKED)
    assert compared(stream, text).counts["EQUAL"] == 0
    facts.update(protection=Protection.NONE)

    WatchFactory(stream=stream, person=watch.person, ordered_number=identity_number(5), by_number=True)
    assert differences(compared(stream, text))[-1][:2] == ("ONLY_WE", ""), "a line names one watch"

    LegalBasisFactory(version=2, classes=["benefit"])
    assert compared(stream, text).counts["EQUAL"] == 0
    LegalBasisFactory(version=3, consent_needed=True)
    assert compared(stream, text).counts["EQUAL"] == 0


def test_protection_changes_no_answer(stream):
    """A watch that was told something and then froze, and one that was never told anything."""
    told, untold = WatchFactory(stream=stream), WatchFactory(stream=stream)
    ToldFactory(watch=told, section="person", digest="b" * 64, items="x")
    lists = [by_watch((told, state_hash([("person", "b" * 64)])), (untold, NOTHING)), by_watch(told), by_watch(untold)]
    lists.append(MIXED + f";{untold.ordered_number};{BENEFIT};;")
    before = [(one.counts, differences(one)) for one in (compared(stream, text) for text in lists)]

    PersonFacts.objects.update(protection=Protection.REGISTRATION)
    Pending.objects.bulk_create(Pending(watch=one, reason="protected", since=AT) for one in (told, untold))

    assert [(one.counts, differences(one)) for one in (compared(stream, text) for text in lists)] == before


@pytest.mark.parametrize("named", [True, False])
def test_protection_changes_nothing_for_the_number_that_deliveries_named_and_tells_of_no_later_one(stream, named):
    watch = WatchFactory(stream=stream)
    former, current, later = watch.ordered_number, identity_number(5), identity_number(6)
    numbers = PersonNumber.objects.filter(person=watch.person)
    numbers.update(current=False)
    PersonNumberFactory(person=watch.person, number=current, recorded_in=2)
    if not named:
        LegalBasisFactory(version=2, classes=["benefit"])
    lists = [f"personnummer;forman\n{number};{BENEFIT}\n" for number in (former, current, later)]

    def said() -> list:
        return [(one.counts, differences(one)) for one in (compared(stream, text) for text in lists)]

    before = said()
    assert [counts["EQUAL"] for counts, _ in before] == [1, int(named), 0]

    PersonFacts.objects.filter(person=watch.person).update(withdrawn_in=3)
    PersonFactsFactory(person=watch.person, recorded_in=3, protection=Protection.MARKED)
    assert said() == before
    numbers.filter(number=current).update(withdrawn_in=4)
    PersonNumberFactory(person=watch.person, number=current, recorded_in=4, current=False)
    PersonNumberFactory(person=watch.person, number=later, recorded_in=4)
    assert said() == before

    own = WatchFactory(stream=stream, person=watch.person, ordered_number=later, by_number=True)
    Watch.objects.filter(pk=watch.pk).update(ended_at=AT, end_reason="UPPHORD", ended_as_of=4)
    assert [counts["EQUAL"] for counts, _ in said()] == [0, 0, 1], "what is kept by the later is found by it alone"
    assert differences(compared(stream, lists[1]))[-1] == ("ONLY_WE", "", None, own.pk)


def test_a_list_is_compared_once_and_forgotten(stream):
    watch = WatchFactory(stream=stream)
    waiting = sent(stream, by_watch(watch))
    assert list_path(waiting).exists()

    first = compare(waiting.pk)
    Watch.objects.filter(pk=watch.pk).update(ended_at=AT, end_reason="UPPHORD", ended_as_of=1)

    assert compare(waiting.pk).counts == first.counts
    assert not list_path(waiting).exists()


@pytest.mark.parametrize(
    ("text", "code", "row"), [("nonsens\n", "HEADER", 1), ("bevakning\n1\n2;3\n", "FORM", 3), (None, "FILE_LOST", None)]
)
def test_a_list_that_is_refused_leaves_no_difference(stream, text, code, row):
    waiting = sent(stream, text or "bevakning\n1\n")
    if text is None:
        list_path(waiting).unlink()

    found = compare(waiting.pk)

    assert (found.status, found.refusal, found.refused_at_row) == ("refused", code, row)
    assert not found.lines.exists()
    with pytest.raises(service.ReconciliationRefused, match="NOT_COMPARED"):
        repair(reconciliation=found, wanted=Repair(), at=AT, client="c")


def test_the_same_key_gives_the_same_reconciliation_and_never_another(stream):
    first = sent(stream, "bevakning\n1\n", key="k")

    assert sent(stream, "bevakning\n1\n", key="k") == first
    with pytest.raises(OrderRefused, match="IDEMPOTENCY_KEY_REUSED"):
        sent(stream, "bevakning\n2\n", key="k")
    assert not list((settings.ORDERS_DIR / "unkept").iterdir())


def test_the_statements_do_not_follow_the_lines(stream):
    def statements(count: int) -> int:
        text = by_watch(*[(WatchFactory(stream=stream), NOTHING) for _ in range(count)])
        waiting = sent(stream, text)
        with CaptureQueriesContext(connection) as found:
            compare(waiting.pk)
        return len(found)

    assert statements(1) == statements(12)


# Repairing


def test_a_repair_is_an_ordinary_order_of_the_difference_alone(stream):
    differs, only_we, equal = (WatchFactory(stream=stream) for _ in range(3))
    rows = [f"{differs.pk};;;{'a' * 64};mine", f"{equal.pk};;;{NOTHING};", f";{NUMBER};{BENEFIT};;new"]
    found = compared(stream, MIXED + "\n".join(rows))
    wanted = Repair(only_we=CANCEL, only_you=NEW, differs=REFRESH, start=date(2026, 11, 1))

    order = work_on(repair(reconciliation=found, wanted=wanted, at=AT, client="c").pk)

    said = set(order.lines.values_list("kind", "number", "answer", "reference"))
    assert said == {
        (NEW, NUMBER, "ACCEPTED", "new"),
        (REFRESH, differs.ordered_number, "REFRESH_ORDERED", "mine"),
        (CANCEL, only_we.ordered_number, "CANCELLED", ""),
    }
    assert (order.channel, order.client) == (Order.Channel.API, "c")
    again = repair(reconciliation=found, wanted=wanted, at=AT + timedelta(days=1), client="c")
    assert again == order
    with pytest.raises(OrderRefused, match="IDEMPOTENCY_KEY_REUSED"):
        repair(reconciliation=found, wanted=Repair(only_we=REFRESH), at=AT, client="c")


def test_a_repair_goes_through_all_gates(stream):
    LegalBasisFactory(version=2, needs=["case_reference"])
    found = compared(stream, MIXED + f";{NUMBER};{BENEFIT};;")

    order = repair(reconciliation=found, wanted=Repair(only_you=NEW, start=date(2026, 11, 1)), at=AT, client="c")

    assert work_on(order.pk).counts == {"CASE_REFERENCE_MISSING": 1}


def test_a_repair_orders_with_the_day_and_the_references_that_the_list_says(stream):
    LegalBasisFactory(version=2, needs=["case_reference", "need_reference"])
    ended = WatchFactory(stream=stream, ended_at=AT, end_reason=Watch.EndReason.NO_LONGER, ended_as_of=0)
    rows = [f";{NUMBER};{BENEFIT};;new;2026-10-01;A 1;B 1", f"{ended.pk};;;;;;A 2;B 2", "17000;;;;;;A 3;B 3"]
    found = compared(stream, TERMS + "\n".join(rows))

    order = work_on(repair(reconciliation=found, wanted=Repair(only_you=NEW, start=DAY), at=AT, client="c").pk)

    assert order.counts == {"ACCEPTED": 2}
    opened = Watch.objects.open().filter(stream=stream).order_by("case_reference")
    assert list(opened.values_list("ordered_number", "from_date", "case_reference", "need_reference")) == [
        (NUMBER, date(2026, 10, 1), "A 1", "B 1"),
        (ended.ordered_number, DAY, "A 2", "B 2"),
    ]


def test_nothing_is_cancelled_that_an_unreadable_line_may_name(stream):
    WatchFactory(stream=stream)
    found = compared(stream, "bevakning\nnonsens\n")

    with pytest.raises(service.ReconciliationRefused, match="LIST_UNREADABLE"):
        repair(reconciliation=found, wanted=Repair(only_we=CANCEL), at=AT, client="c")
    assert repair(reconciliation=found, wanted=Repair(only_we=REFRESH), at=AT, client="c").line_count == 1


def test_where_nothing_is_to_be_mended_no_order_is_made(stream):
    found = compared(stream, by_watch(WatchFactory(stream=stream)))

    with pytest.raises(OrderRefused, match="EMPTY"):
        repair(reconciliation=found, wanted=Repair(only_we=CANCEL, differs=REFRESH), at=AT, client="c")
    assert not Order.objects.exists()


# The whole of it: what a receiver has folded is what we say it was told


def folded_list(stream: Stream) -> dict[int, str]:
    """The watches that a receiver has after folding all deliveries, with their states."""
    known = fold(Stream.objects.get(pk=stream.pk)).watches
    return {watch: state_of(one.blocks) for watch, one in known.items() if one.status == ACTIVE}


def state_of(blocks) -> str:
    return state_hash((name, block_digest(name, items.elements())) for name, items in blocks.items())


def as_list(states: dict[int, str]) -> str:
    return "bevakning;tillstand\n" + "".join(f"{watch};{state}\n" for watch, state in states.items())


@pytest.fixture
def served(world: World) -> World:
    """Three persons with cases, each watched for two benefits and told of it."""
    for place, person in enumerate(world.sources.people):
        person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=30), 9 + place))
        world.watch(world.streams[0], place, SJP)
        world.watch(world.streams[0], place, FP)
    world.sources.hand_over(world.now, *world.sources.people)
    world.night()
    return world


def test_a_receiver_that_has_folded_everything_has_everything(served):
    stream = served.streams[0]
    served.sources.people[0].sections["sjukpenningarende"] = []
    served.sources.hand_over(served.now, served.sources.people[0])
    served.night()
    served.order(stream, REFRESH, served.sources.people[0].number, SJP)
    served.night()

    found = compared(stream, as_list(folded_list(stream)), at=served.now)

    assert found.counts == {"EQUAL": 6, "ONLY_YOU": 0, "ONLY_WE": 0, "DIFFERS": 0, "UNREADABLE": 0}
    assert found.as_of_delivery == 3


def test_a_recalled_delivery_was_never_told(served):
    stream = served.streams[0]
    before = folded_list(stream)
    served.sources.people[0].items("sjukpenningarende").append(sickness(served.day - timedelta(days=3), 2))
    served.sources.hand_over(served.now, served.sources.people[0])
    served.night()
    take_back(stream, 2, served.now)

    found = compared(stream, as_list(before), at=served.now)

    assert (found.counts["EQUAL"], found.counts["DIFFERS"], found.as_of_delivery) == (6, 0, 1)


MISTAKES = st.lists(st.sampled_from(["right", "forgotten", "wrong", "by number"]), min_size=6, max_size=6)


def test_the_answer_is_the_set_difference_and_after_a_repair_and_a_night_there_is_none(tmp_path, db):
    """Whatever a receiver has lost, invented or garbled."""
    with made_world(tmp_path, persons=3) as world:
        for place, person in enumerate(world.sources.people):
            person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=30), 9 + place))
            world.watch(world.streams[0], place, SJP)
            world.watch(world.streams[0], place, FP)
        world.sources.hand_over(world.now, *world.sources.people)
        world.night()
        true = folded_list(world.streams[0])

        @hypothesis_settings(max_examples=12)
        @given(MISTAKES, st.lists(st.integers(0, 3), unique=True), st.lists(st.integers(0, 5), unique=True))
        def holds(mistakes, invented, ended):
            with transaction.atomic():
                mended(world, true, mistakes, invented, ended)
                transaction.set_rollback(True)

        holds()


def mended(world: World, true: dict[int, str], mistakes: list[str], invented: list[int], ended: list[int]) -> None:
    stream, now, day = world.streams[0], world.now, world.day
    gone = {sorted(true)[place] for place in ended}
    Watch.objects.filter(pk__in=gone).update(ended_at=now, end_reason="UPPHORD", ended_as_of=1)
    rows, kept, wrong = [], set(), set()
    for (watch, state), mistake in zip(sorted(true.items()), mistakes, strict=True):
        row = Watch.objects.get(pk=watch)
        if mistake == "forgotten":
            continue
        kept.add(watch)
        wrong |= {watch} if mistake == "wrong" else set()
        named = f";{row.ordered_number};{row.benefit}" if mistake == "by number" else f"{watch};;"
        rows.append(f"{named};{'0' * 64 if mistake == 'wrong' else state};")
    rows += [f";{identity_number(900 + n)};{SJP};;" for n in invented]

    text = MIXED + "\n".join(rows) if rows else MIXED + f"{max(true) + 1000};;;;"
    found = compared(stream, text, at=now)

    counted = {kind: found.lines.filter(kind=kind) for kind in Kind}
    standing = set(true) - gone
    assert set(counted[Kind.ONLY_WE].values_list("watch", flat=True)) == standing - kept
    assert set(counted[Kind.DIFFERS].values_list("watch", flat=True)) == standing & wrong
    assert counted[Kind.ONLY_YOU].count() == len(kept & gone) + (len(invented) if rows else 1)
    assert found.counts["EQUAL"] == len(standing & kept - wrong)

    wanted = Repair(only_we=REFRESH, only_you=NEW, differs=REFRESH, start=world.day)
    try:
        work_on(repair(reconciliation=found, wanted=wanted, at=now, client="c").pk)
    except OrderRefused as refused:
        assert refused.code == "EMPTY"
    world.night()
    again = compared(stream, as_list(folded_list(stream)) if Watch.objects.open().exists() else MIXED + "1;;;;")
    assert again.counts["ONLY_WE"] == again.counts["DIFFERS"] == again.counts["UNREADABLE"] == 0
    assert again.counts["EQUAL"] == Watch.objects.open().filter(stream=stream).count()
    world.now, world.day = now, day


# The API


@pytest.fixture
def client(stream) -> ApiClient:
    return ApiClientFactory(customer=stream.agreement.customer)


def post(api, stream: Stream, text: str, **headers):
    return api.post(url_of(stream, "reconciliations"), text, content_type="text/csv", headers=headers)


def test_a_short_list_is_compared_at_once_and_read_again_later(client, stream):
    watch = WatchFactory(stream=stream)
    api = partner(client, "orders")

    answer = post(api, stream, "bevakning;referens\n9999999;own\n")

    assert answer.status_code == 201
    said = answer.json()
    assert said["counts"] == {"EQUAL": 0, "ONLY_YOU": 1, "ONLY_WE": 1, "DIFFERS": 0, "UNREADABLE": 0}
    you, we = said["differences"]
    assert (you["kind"], you["line"], you["reference"], you["watch"]) == ("ONLY_YOU", 2, "own", None)
    assert (we["kind"], we["watch"], we["personnummer"]) == ("ONLY_WE", watch.pk, watch.ordered_number)
    again = api.get(answer["Location"])
    assert again.json() == said
    only = api.get(answer["Location"], {"kind": "ONLY_WE"}).json()["differences"]
    assert only == [we]
    actions = AuditEvent.objects.filter(object_type="deliveries.reconciliation").values_list("action", "client")
    name = client.application.client_id
    assert list(actions.order_by("pk")) == [("create", name), ("fetch", name), ("fetch", name)]


def test_differences_come_a_page_at_a_time(client, stream):
    for _ in range(5):
        WatchFactory(stream=stream)
    api = partner(client, "orders")
    url = post(api, stream, "bevakning\n9999999\n")["Location"] + "?limit=2"

    lengths = []
    while url:
        page = api.get(url).json()
        lengths.append(len(page["differences"]))
        url = page["next"]

    assert lengths == [2, 2, 2]


def test_a_long_list_is_compared_by_a_worker(client, stream, settings):
    settings.ORDER_AT_ONCE_BYTES = 5

    answer = post(partner(client, "orders"), stream, "bevakning\n9999999\n")

    assert (answer.status_code, answer.json()["status"]) == (202, "waiting")
    assert Reconciliation.objects.get().status == Reconciliation.Status.DONE  # tasks are eager here
    assert partner(client, "orders deliveries").get(answer["Location"]).json()["counts"]["ONLY_YOU"] == 1


def test_the_idempotency_key_is_heeded(client, stream):
    api = partner(client, "orders")
    first, again = (post(api, stream, "bevakning\n1\n", **{"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert refusal_of(post(api, stream, "bevakning\n2\n", **{"Idempotency-Key": "k"})) == (
        422,
        "IDEMPOTENCY_KEY_REUSED",
    )


def test_a_repair_is_ordered_once(client, stream):
    WatchFactory(stream=stream)
    api = partner(client, "orders")
    url = post(api, stream, f"personnummer;forman\n{NUMBER};{BENEFIT}\n")["Location"]
    wanted = {"only_we": "cancel", "only_you": "order", "from": "2026-11-01"}

    first, again = (api.post(f"{url}repair/", wanted, content_type="application/json") for _ in range(2))

    assert first.status_code == again.status_code == 200
    assert first.json()["answers"] == {"ACCEPTED": 1, "CANCELLED": 1}
    assert again.json()["id"] == first.json()["id"] == api.get(url).json()["repair"]


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"only_you": "order"}, (400, "EMPTY")),
        ({"only_we": "nonsens"}, (400, "INVALID")),
        ({}, (400, "EMPTY")),
        ({"only_we": "cancel"}, (409, "LIST_UNREADABLE")),
    ],
)
def test_a_repair_that_cannot_be_done_is_refused(client, stream, wanted, refusal):
    WatchFactory(stream=stream)
    api = partner(client, "orders")
    url = post(api, stream, "bevakning\nnonsens\n")["Location"]

    assert refusal_of(api.post(f"{url}repair/", wanted, content_type="application/json")) == refusal
    assert not Order.objects.exists()


def test_a_repair_asks_for_a_day_only_where_the_list_says_none(client, stream):
    api = partner(client, "orders")
    rows = (f";{NUMBER};{BENEFIT};;;2026-11-01;;", f";{identity_number(2)};{BENEFIT};;;;;")
    undated, dated = (post(api, stream, TERMS + "\n".join(rows[:count])) for count in (2, 1))

    refused = api.post(f"{undated['Location']}repair/", {"only_you": "order"}, content_type="application/json")
    taken = api.post(f"{dated['Location']}repair/", {"only_you": "order"}, content_type="application/json")

    assert [one["field"] for one in problem_of(refused)["errors"]] == ["from"]
    assert taken.json()["answers"] == {"ACCEPTED": 1}


def test_a_list_that_was_refused_says_why_and_cannot_be_repaired(client, stream):
    api = partner(client, "orders")
    answer = post(api, stream, "nonsens\n1\n")

    refusal = answer.json()["refusal"]
    assert (refusal["code"], refusal["row"]) == ("HEADER", 1)
    refused = api.post(answer["Location"] + "repair/", {}, content_type="application/json")
    assert refusal_of(refused) == (409, "NOT_COMPARED")


def test_anothers_reconciliation_is_not_there(client, stream):
    url = post(partner(client, "orders"), stream, "bevakning\n1\n")["Location"]
    stranger = partner(ApiClientFactory(), "orders")

    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}repair/", {}, content_type="application/json").status_code == 404
    assert post(stranger, stream, "bevakning\n1\n").status_code == 404
    assert refusal_of(partner(client, "deliveries").get(url)) == (403, "SCOPE_MISSING")


def test_told_rows_are_what_the_state_is_made_of(served):
    """The state that the service reckons with is that of the rows that a release wrote."""
    watch = Watch.objects.get(
        stream=served.streams[0], person__numbers__number=served.sources.people[0].number, benefit=SJP
    )
    rows = Told.objects.filter(watch=watch, replaced_by=None).exclude(items="")

    assert folded_list(served.streams[0])[watch.pk] == state_hash(rows.values_list("section", "digest"))
