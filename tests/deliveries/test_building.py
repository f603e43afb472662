"""What a stream's next document says of its candidates, and what its release will write: nothing else moves."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from benefits.catalogue import catalogue
from benefits.content import block_digest
from benefits.services import person_of
from deliveries import building, storage
from deliveries.building import Builder, Draft, sources_as_of
from deliveries.changes import Known, from_text
from deliveries.document import SourceLine
from deliveries.models import Candidate, Delivery, Disclosure, StoredDecision, Told
from deliveries.reading import PersonEntry, read, read_head, validate
from subscriptions.models import Agreement, Pending, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.profiles import law_of
from tests.factories import AT, BlockFactory, ConsentFactory, ImportFactory
from tests.histories.sources import AP, FP, GEPI, SJP, parental, pension, sickness
from tests.histories.world import World

CASE = "sjukpenningarende"
MARKS = {"": "=", "ny": "n", "andrad": "c"}


def in_short(entry: PersonEntry) -> str:
    """An entry as "complete 1 person[=] ..." or "changes 3:AVBESTALLD ...": an item unmarked, new, changed, removed."""
    words = ["complete" if entry.complete else "changes"]
    words += [f"{one.code}:{one.reason}".rstrip(":") for one in entry.statuses]
    for block in entry.blocks:
        marks = "".join(MARKS[one.change] for one in block.items) + "-" * len(block.removed)
        words.append(f"{block.section}[{marks}]")
    return " ".join(words)


def build(world: World, stream: Stream | None = None, keep_lease: Callable[[], None] = lambda: None) -> Draft:
    """The draft of a stream in tonight's run."""
    run = world.start_night()
    fresh = Stream.objects.select_related("agreement__customer").get(pk=(stream or world.streams[0]).pk)
    return Builder(run, law_of(fresh, run.day), run.as_of_law, keep_lease).build(world.now)


def said(draft: Draft) -> list[str]:
    validate(draft.path)
    return [in_short(entry) for entry in read(draft.path)]


def disclosures(draft: Draft) -> list[dict]:
    return [row["disclosure"] for row in draft.spooled() if "disclosure" in row]


def told_rows(draft: Draft) -> dict[str, str]:
    """The digest, or status, that the release will remember for each section."""
    return {row["told"][1]: row["told"][2] for row in draft.spooled() if "told" in row}


def hand_over(world: World, place: int = 0) -> None:
    world.sources.hand_over(world.now, world.sources.people[place])


def one_case(world: World, days: int = 9, place: int = 0) -> None:
    world.sources.people[place].items(CASE).append(sickness(world.day - timedelta(days=30), days))
    hand_over(world, place)


@pytest.fixture
def watched(world: World) -> World:
    """One watch on a person with one case; nothing has been told."""
    one_case(world)
    world.watch(world.streams[0], 0, SJP)
    return world


@pytest.fixture
def told(watched: World) -> World:
    watched.night()
    return watched


# What happens to a watch that has been told one case, and what the next document says of it.


def correct(world: World) -> None:
    world.sources.people[0].sections[CASE] = [sickness(world.day - timedelta(days=30), 12)]
    hand_over(world)


def close_case(world: World) -> None:
    world.sources.people[0].sections[CASE] = []
    hand_over(world)


def repeat_case(world: World) -> None:
    world.sources.people[0].sections[CASE] *= 2
    hand_over(world)


def take_repeated_case_away(world: World) -> None:
    del world.sources.people[0].sections[CASE][1:]
    hand_over(world)


def reorder_cases(world: World) -> None:
    one_case(world, 3)
    world.night()
    world.sources.people[0].sections[CASE].reverse()
    hand_over(world)


def rename(world: World) -> None:
    world.sources.people[0].name = "Karin Alm"
    hand_over(world)


def renumber(world: World) -> None:
    person = world.sources.people[0]
    person.former.append(person.number)
    person.number = world.sources.new_number()
    hand_over(world)


def refuse_case(world: World) -> None:
    world.sources.people[0].items(CASE).append(sickness(world.day, 5, outcome="AVSLAG"))
    hand_over(world)


def other_benefit(world: World) -> None:
    world.sources.people[0].items("foraldrapenningarende").append(parental(world.day, 5))
    hand_over(world)


def order(kind: str) -> Callable[[World], object]:
    return lambda world: world.order(world.streams[0], kind, world.sources.people[0].number, SJP)


def not_agreed(world: World) -> None:
    world.scope(world.streams[0], benefits=[FP])


def then(*steps: Callable[[World], object]) -> Callable[[World], None]:
    """Steps one after the other, with a night after each but the last."""

    def happen(world: World) -> None:
        for place, step in enumerate(steps):
            if place:
                world.night()
            step(world)

    return happen


def at_once(*steps: Callable[[World], object]) -> Callable[[World], None]:
    def happen(world: World) -> None:
        for step in steps:
            step(world)

    return happen


def agreed_again(world: World) -> None:
    world.scope(world.streams[0], benefits=[SJP, FP])


def name_case(world: World) -> None:
    Watch.objects.update(case_reference="A2")


def protect(world: World) -> None:
    world.sources.people[0].protection = "SEKRETESSMARKERING"
    world.sources.hand_over(world.now, world.sources.people[0], only=[])


def unprotect(world: World) -> None:
    world.sources.people[0].protection = "INGET"
    world.sources.hand_over(world.now, world.sources.people[0], only=[])


def block(world: World) -> None:
    BlockFactory(customer=world.streams[0].agreement.customer, benefit=SJP, set_at=world.now)


cancel, refresh = order(OrderKind.CANCEL), order(OrderKind.REFRESH)
HAPPENINGS: dict[str, tuple[Callable[[World], object], list[str]]] = {
    "nothing": (lambda world: None, []),
    "a case more": (lambda world: one_case(world, 3), [f"changes {CASE}[=n]"]),
    "an equal case more": (repeat_case, [f"changes {CASE}[=n]"]),
    "an equal case less": (then(repeat_case, take_repeated_case_away), [f"changes {CASE}[=-]"]),
    "another case instead": (correct, [f"changes {CASE}[n-]"]),
    "the last case less": (close_case, [f"changes {CASE}[-]"]),
    "the same cases in another order": (reorder_cases, []),
    "a changed name": (rename, ["changes person[n-]"]),
    "a refused case, which may not be told": (refuse_case, []),
    "a case of another benefit": (other_benefit, []),
    "refresh": (refresh, [f"complete 1 person[=] {CASE}[=]"]),
    "refresh with a case more": (at_once(refresh, lambda w: one_case(w, 3)), [f"complete 1 person[=] {CASE}[==]"]),
    "refresh with the last case less": (at_once(refresh, close_case), [f"complete 1 person[=] {CASE}[]"]),
    "refresh when there was nothing any more": (then(close_case, refresh), ["complete 1 person[=]"]),
    "cancelled": (cancel, ["changes 3:AVBESTALLD"]),
    "cancelled after a case more": (
        at_once(lambda w: one_case(w, 3), cancel),
        [f"changes 3:AVBESTALLD {CASE}[=n]"],
    ),
    "cancelled before a case more": (at_once(cancel, lambda w: one_case(w, 3)), ["changes 3:AVBESTALLD"]),
    "cancelled, and told so": (then(cancel, lambda w: one_case(w, 3)), []),
    "cancelled, and told so, and its case named anew": (then(cancel, name_case), []),
    "no longer agreed": (not_agreed, ["changes 2"]),
    "no longer agreed, with a case more": (at_once(not_agreed, lambda w: one_case(w, 3)), ["changes 2"]),
    "no longer agreed, and told so": (then(not_agreed, lambda w: one_case(w, 3)), []),
    "agreed again": (then(not_agreed, agreed_again), [f"complete 1 person[=] {CASE}[=]"]),
    "cancelled while not agreed": (then(not_agreed, cancel), ["changes 3:AVBESTALLD"]),
    "protected": (protect, []),
    "protected, with a case more": (at_once(protect, lambda w: one_case(w, 3)), []),
    "cancelled while protected": (then(protect, cancel), []),
    "protected no more, with a case more": (
        then(protect, at_once(unprotect, lambda w: one_case(w, 3))),
        [f"changes {CASE}[=n]"],
    ),
    "blocked, with a case more": (at_once(block, lambda w: one_case(w, 3)), []),
}


@pytest.mark.parametrize("what", HAPPENINGS)
def test_the_next_document_says_what_differs_from_what_was_told_and_no_more(told, what):
    happen, expected = HAPPENINGS[what]
    happen(told)

    assert said(build(told)) == expected


def nobody_knows(world: World) -> None:
    """Nothing at all is known of a person; only that someone has asked."""
    world.order(world.streams[0], OrderKind.NEW, world.sources.new_number(), SJP)


def consented_until_yesterday(world: World) -> None:
    person = person_of(world.sources.people[0].number)
    consent = ConsentFactory(customer=world.streams[1].agreement.customer, person=person, valid_from=world.day)
    world.watch(world.streams[1], 0, SJP)
    consent.valid_to = world.day
    consent.save()
    world.next_day()


FIRSTS: dict[str, tuple[Callable[[World], object], int, list[str]]] = {
    "a case": (at_once(one_case, lambda w: w.watch(w.streams[0])), 0, [f"complete 1 person[=] {CASE}[=]"]),
    "no case": (at_once(hand_over, lambda w: w.watch(w.streams[0])), 0, ["complete 1 person[=]"]),
    "a person nobody knows": (nobody_knows, 0, ["complete 1 person[=]"]),
    "two equal cases": (
        at_once(one_case, repeat_case, lambda w: w.watch(w.streams[0])),
        0,
        [f"complete 1 person[=] {CASE}[==]"],
    ),
    "who it is may not be told": (at_once(one_case, lambda w: w.watch(w.streams[2])), 2, [f"complete 1 {CASE}[=]"]),
    "the consent has run out": (at_once(one_case, consented_until_yesterday), 1, ["changes 2"]),
    "the person is protected": (at_once(one_case, protect, lambda w: w.watch(w.streams[0])), 0, []),
    "cancelled before it was told": (
        at_once(one_case, lambda w: w.watch(w.streams[0]), cancel),
        0,
        ["changes 3:AVBESTALLD"],
    ),
}


@pytest.mark.parametrize("what", FIRSTS)
def test_the_first_document_says_everything_that_may_be_told_and_marks_nothing_as_new(world, what):
    happen, place, expected = FIRSTS[what]
    happen(world)

    assert said(build(world, world.streams[place])) == expected


def test_a_block_names_the_digest_told_before_and_the_one_that_holds_now(told):
    before = dict(Told.objects.values_list("section", "digest"))
    one_case(told, 3)

    draft = build(told)

    [[found]] = [entry.blocks for entry in read(draft.path)]
    assert (found.section, found.before) == (CASE, before[CASE])
    assert found.after == told_rows(draft)[CASE] == block_digest(CASE, [one.id for one in found.items])


def test_a_decision_that_has_an_id_of_its_own_is_said_to_have_changed(world):
    day = world.day
    person = world.sources.people[0]
    person.sections["beslut"] = [pension(1, day, 100), pension(2, day, 50)]
    world.sources.hand_over_pension(world.now, person)
    world.watch(world.streams[0], 0, AP)
    world.night()
    before = from_text(Told.objects.get(section="beslut").items)
    person.sections["beslut"] = [pension(2, day, 50), pension(1, day, 200)]
    world.sources.hand_over_pension(world.now, person)

    draft = build(world)

    assert said(draft) == ["changes beslut[=c]"]
    [[found]] = [entry.blocks for entry in read(draft.path)]
    assert Known(found.items[1].replaces, "B1") in before


# What the release is to write.


def test_building_changes_nothing_but_makes_a_draft(told):
    at_once(lambda w: one_case(w, 3), refresh)(told)
    watch = told.watch(told.streams[0], 1, FP)
    tables = (Told, Disclosure, Pending, Delivery, StoredDecision)
    before = [list(table.objects.values()) for table in tables]

    draft = build(told)

    assert len(draft.watches) == 2 and watch.pk in draft.watches
    assert [list(table.objects.values()) for table in tables] == before


def test_what_replaces_something_told_names_the_row_and_leaves_the_others(told):
    rows = dict(Told.objects.values_list("section", "pk"))
    one_case(told, 3)

    draft = build(told)

    assert list(draft.told_gone) == [rows[CASE]]
    assert told_rows(draft).keys() == {CASE}


@pytest.mark.parametrize(
    ("happen", "status"), [(cancel, "3"), (not_agreed, "2"), (at_once(lambda w: one_case(w, 3), cancel), "3")]
)
def test_a_status_other_than_active_takes_the_place_of_all_that_was_told(told, happen, status):
    rows = set(Told.objects.values_list("pk", flat=True))
    happen(told)

    draft = build(told)

    assert set(draft.told_gone) == rows
    assert [*told_rows(draft).values()] == [status]


def test_told_again_after_a_refusal_nothing_is_left_of_the_refusal(told):
    not_agreed(told)
    told.night()
    rows = set(Told.objects.filter(replaced_by=None).values_list("pk", flat=True))
    agreed_again(told)

    draft = build(told)

    assert set(draft.told_gone) == rows
    assert told_rows(draft).keys() == {"person", CASE}


DISCLOSED: dict[str, tuple[Callable[[World], object], list[tuple[str, str, bool, int]]]] = {
    "nothing": (lambda world: None, []),
    "a case more": (lambda world: one_case(world, 3), [("sent", "", False, 1)]),
    "another case instead": (correct, [("sent", "", False, 2)]),
    "the last case less": (close_case, [("sent", "", False, 1)]),
    "refresh": (refresh, [("sent", "", True, 2)]),
    "cancelled": (cancel, [("sent", "", False, 0)]),
    "cancelled after a case more": (at_once(lambda w: one_case(w, 3), cancel), [("sent", "", False, 1)]),
    "no longer agreed": (not_agreed, [("withheld", "BENEFIT_NOT_AGREED", False, 0)]),
    "no longer agreed, and logged": (then(not_agreed, lambda w: one_case(w, 3)), []),
    "protected": (protect, [("withheld", "PROTECTED", False, 0)]),
    "protected, and logged": (then(protect, lambda w: one_case(w, 3)), []),
    "blocked": (block, [("withheld", "BLOCKED", False, 0)]),
    "blocked, and logged": (then(block, lambda w: one_case(w, 3)), []),
}


@pytest.mark.parametrize("what", DISCLOSED)
def test_what_is_told_is_logged_with_its_billable_items_and_what_is_withheld_once_with_its_reason(told, what):
    happen, expected = DISCLOSED[what]
    happen(told)

    rows = disclosures(build(told))

    assert [(row["outcome"], row["reason"], row["complete"], row["items"]) for row in rows] == expected


def test_a_log_row_holds_whom_it_is_about_what_was_told_and_on_which_decision(told):
    one_case(told, 3)
    draft = build(told)
    watch = Watch.objects.get()

    [row] = disclosures(draft)

    assert (row["watch_id"], row["person_id"]) == (watch.pk, watch.person_id)
    assert (row["from_date"], row["case_reference"]) == (watch.from_date.isoformat(), watch.case_reference)
    assert row["sections"] == {CASE: told_rows(draft)[CASE]}
    assert draft.decisions[row["decision"]].outcome == "allowed"
    assert list(draft.watches) == [watch.pk]


def test_a_need_stands_in_the_log_where_there_is_no_case(watched):
    Watch.objects.update(case_reference="", need_reference="B7")

    assert disclosures(build(watched))[0]["case_reference"] == "B7"


OWED: dict[str, tuple[Callable[[World], object], bool, list[str]]] = {
    "first, and it is told": (lambda world: None, True, []),
    "first, and it is refused": (not_agreed, True, []),
    "first, and it has ended": (cancel, True, []),
    "first, and it is protected": (protect, False, ["protected"]),
    "first, and it is blocked": (block, False, ["held"]),
    "first and protected, and that is noted": (then(protect, lambda w: one_case(w, 3)), False, []),
    "first, protected when it was cancelled": (at_once(protect, cancel), False, []),
}


@pytest.mark.parametrize("what", OWED)
def test_what_is_owed_is_settled_once_it_is_decided_and_stays_owed_while_it_is_frozen(watched, what):
    """That it is frozen is noted once; a watch that ended before it heard anything is owed nothing more."""
    happen, settled, noted = OWED[what]
    happen(watched)
    rows = set(Pending.objects.values_list("pk", flat=True))

    draft = build(watched)

    assert set(draft.pending_gone) == (rows if settled else set())
    assert [why for _, why in draft.pending_new] == noted


@pytest.mark.parametrize(
    ("happen", "noted"), [(at_once(protect, cancel), ["protected"]), (then(cancel, at_once(protect, name_case)), [])]
)
def test_an_ended_watch_of_a_protected_person_is_owed_its_end_if_it_had_heard_of_the_person(told, happen, noted):
    """And nothing once it has been told that it ended."""
    happen(told)

    draft = build(told)

    assert said(draft) == []
    assert [why for _, why in draft.pending_new] == noted


@pytest.mark.parametrize(
    ("happen", "counts"),
    [
        (lambda world: None, {"items": 0}),
        (lambda world: one_case(world, 3), {"changed": 1, "items": 1}),
        (refresh, {"complete": 1, "items": 2}),
        (cancel, {"ended": 1, "items": 0}),
        (not_agreed, {"refused": 1, "items": 0}),
        (protect, {"frozen": 1, "items": 0}),
    ],
)
def test_a_draft_counts_what_became_of_its_watches(told, happen, counts):
    happen(told)

    assert {name: count for name, count in build(told).counts.items() if count} == {
        name: count for name, count in counts.items() if count
    }


# Persons, and pages of them.


def test_what_is_said_of_one_person_stands_in_one_entry_for_complete_information_and_one_for_changes(told):
    told.watch(told.streams[0], 0, FP)
    one_case(told, 3)
    one_case(told, 4, place=1)
    told.watch(told.streams[0], 1, SJP)
    told.watch(told.streams[0], 1, GEPI)

    draft = build(told)

    assert said(draft) == [
        "complete 1 person[=]",
        f"changes {CASE}[=n]",
        f"complete 1 1 person[=] {CASE}[=] person[=]",
    ]
    assert (draft.persons, draft.blocks) == (3, 5)
    numbers = [entry.number for entry in read(draft.path)]
    assert numbers == [told.sources.people[place].number for place in (0, 0, 1)]


@pytest.mark.parametrize(("place", "shown"), [(0, "now"), (2, "ordered")])
def test_a_new_number_is_shown_only_to_those_who_may_know_who_the_person_is(told, place, shown):
    """The others keep the number that they ordered by."""
    told.watch(told.streams[2], 0, SJP)
    told.night()
    ordered = told.sources.people[0].number
    renumber(told)
    one_case(told, 3)

    [entry] = read(build(told, told.streams[place]).path)

    assert entry.number == {"now": told.sources.people[0].number, "ordered": ordered}[shown]
    assert ("person" in [one.section for one in entry.blocks]) is (shown == "now")


def test_a_person_is_never_split_between_pages_and_the_lease_is_kept_after_each(world, monkeypatch):
    for place in range(3):
        one_case(world, place=place)
        for benefit in (SJP, FP):
            world.watch(world.streams[0], place, benefit)
    monkeypatch.setattr(building, "PAGE", 1)
    kept = []

    draft = build(world, keep_lease=lambda: kept.append(1))

    assert said(draft) == [f"complete 1 1 person[=] {CASE}[=] person[=]"] * 3
    assert len(kept) == 3


def test_a_document_is_the_same_however_its_candidates_are_paged(world, monkeypatch):
    for place in range(3):
        one_case(world, place=place)
        for benefit in (SJP, FP, GEPI):
            world.watch(world.streams[0], place, benefit)
    run = world.start_night()
    stream = Stream.objects.select_related("agreement__customer").get(pk=world.streams[0].pk)
    found = set()
    for size in (1, 2, 4, 1000):
        monkeypatch.setattr(building, "PAGE", size)
        found.add(Builder(run, law_of(stream, run.day), run.as_of_law, lambda: None).build(world.now).sha256)

    assert len(found) == 1


def test_a_watch_that_is_no_candidate_is_not_examined(told):
    one_case(told, 3)
    run = told.start_night()
    Candidate.objects.all().delete()
    stream = Stream.objects.select_related("agreement__customer").get(pk=told.streams[0].pk)

    draft = Builder(run, law_of(stream, run.day), run.as_of_law, lambda: None).build(told.now)

    assert said(draft) == []


# The document, and what it says of itself.


def files() -> list:
    return [path for path in storage.place_of("0" * 64).parents[1].rglob("*") if path.is_file()]


def test_a_draft_knows_the_hash_and_size_of_its_file_and_can_be_thrown_away_twice(watched):
    draft = build(watched)
    assert (draft.size, len(draft.sha256)) == (draft.path.stat().st_size, 64)

    draft.discard()
    draft.discard()

    assert not draft.path.exists() and not draft.spool.exists()


def test_a_build_that_fails_leaves_no_file(watched):
    made = []

    def lost():
        made.extend(path for path in files())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        build(watched, keep_lease=lost)

    assert len(made) == 2
    assert files() == []


def test_the_last_document_of_a_stream_names_nobody_whatever_there_is_to_say(told):
    one_case(told, 3)
    agreement = Agreement.objects.get(pk=told.streams[0].agreement_id)
    agreement.status = Agreement.Status.ENDED
    agreement.save()

    draft = build(told)

    assert (draft.final, said(draft), disclosures(draft)) == (True, [], [])
    assert read_head(draft.path).final


def test_a_document_says_which_number_it_is_what_it_follows_and_what_it_is_as_of(told):
    first = Delivery.objects.get(stream=told.streams[0])
    one_case(told, 3)

    draft = build(told)

    head = read_head(draft.path)
    customer = told.streams[0].agreement.customer
    assert (head.organisation_number, head.unit) == (customer.organisation_number, customer.unit)
    assert (head.agreement, head.purpose) == (told.streams[0].agreement.code, told.streams[0].purpose)
    assert (head.number, head.previous_sha256, head.final) == (2, first.sha256, False)
    assert (head.as_of_import, head.as_of_law) == (2, draft.as_of_law)
    assert (head.day, head.kind) == (told.day, "nightly")
    assert [code for code, _ in head.benefits] == sorted([SJP, FP, GEPI, AP])


SOURCES = {
    0: {"FK": ("UTEBLIVEN", 0), "PM": ("UTEBLIVEN", 0)},
    1: {"FK": ("OK", 1), "PM": ("UTEBLIVEN", 0)},
    2: {"FK": ("OK", 1), "PM": ("OK", 2)},
    4: {"FK": ("OTILLGANGLIG", 1), "PM": ("OK", 2)},
    5: {"FK": ("OK", 5), "PM": ("OK", 2)},
}


@pytest.mark.django_db
@pytest.mark.parametrize("as_of", SOURCES)
def test_a_source_is_complete_to_the_newest_import_in_which_it_was_whole(as_of):
    """Import 3 was refused; import 4 says that its source cannot be asked."""
    for number, source, state in [(1, "FK", "OK"), (2, "PM", "OK"), (4, "FK", "OTILLGANGLIG"), (5, "FK", "OK")]:
        ImportFactory(number=number, source=source, state=state)
    ImportFactory(number=None, source="FK", status="refused", published_at=None)

    assert sources_as_of(as_of, AT) == [SourceLine(name, *SOURCES[as_of][name]) for name in catalogue().owners]


def test_each_benefit_is_complete_as_far_as_its_own_source_is(watched):
    watched.sources.send("PM", [], watched.now)
    watched.sources.send("FK", [], watched.now, state="OTILLGANGLIG")

    head = read_head(build(watched).path)

    assert dict(head.benefits) == {SJP: 1, FP: 1, GEPI: 1, AP: 2}
    assert {one.name: one.state for one in head.sources} == {"FK": "OTILLGANGLIG", "PM": "OK"}
