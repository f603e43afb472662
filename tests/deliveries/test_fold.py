"""A receiver's state, folded from documents alone: what it was told last, and where a document is untrue."""

import pytest

from benefits.content import block_digest
from deliveries import storage
from deliveries.document import Block, Entry, Status
from deliveries.models import Delivery
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from deliveries.verification import Finding, Fold
from tests.documents import CASES, EMPTY, FULL, SICKNESS_CASE, TRUE, a_block, an_item, written

STREAM, WATCH, OTHER = 5, 7, 8
OTHER_CASE = SICKNESS_CASE | {"aktivt": False}
FALSE = "0" * 64
TWICE = block_digest(CASES.name, [TRUE, TRUE])


def an_entry(*blocks: Block, **statuses: str) -> Entry:
    """An entry that says a status of the watch, and of the other if told to; none for blocks that are changes."""
    codes = {WATCH: statuses.get("code", ""), OTHER: statuses.get("other", "")}
    said = [Status(watch, "sjukpenning", code) for watch, code in codes.items() if code]
    return Entry("195001012385", complete=bool(said), statuses=said, blocks=list(blocks))


def first(*items, **block) -> Entry:
    return an_entry(a_block(WATCH, *(items or [an_item()]), **block), code=ACTIVE)


def delivery(number: int, *entries: Entry, **head) -> Delivery:
    sha256, writer = written(entries, number=number, **head)
    return Delivery(number=number, sha256=sha256, size=writer.size)


def folded(*documents: Entry) -> Fold:
    """The state after one delivery of each entry."""
    fold = Fold(STREAM)
    for number, entry in enumerate(documents, start=1):
        fold.take(delivery(number, entry))
    return fold


def state(fold: Fold) -> dict[int, tuple[str, dict]]:
    return {watch: (known.status, known.blocks) for watch, known in fold.watches.items()}


def fault(why: str, watch: int | None = WATCH, section: str = CASES.name) -> Finding:
    return Finding(STREAM, watch, section, why)


HELD = {CASES.name: {TRUE: 1}}
TOLD: dict[str, tuple[list[Entry], dict]] = {
    "one case": ([first()], {WATCH: (ACTIVE, HELD)}),
    "nothing of a watch that is open": ([an_entry(code=ACTIVE)], {WATCH: (ACTIVE, {})}),
    "nothing more of what is told already": ([first(), an_entry()], {WATCH: (ACTIVE, HELD)}),
    "two equal cases": (
        [first(an_item(), an_item(f"{TRUE}-2"), after=TWICE)],
        {WATCH: (ACTIVE, {CASES.name: {TRUE: 2}})},
    ),
    "one of two equal cases less": (
        [
            first(an_item(), an_item(f"{TRUE}-2"), after=TWICE),
            an_entry(a_block(WATCH, an_item(), before=TWICE, removed=(f"{TRUE}-2",))),
        ],
        {WATCH: (ACTIVE, HELD)},
    ),
    "both of two equal cases less": (
        [
            first(an_item(), an_item(f"{TRUE}-2"), after=TWICE),
            an_entry(a_block(WATCH, before=TWICE, after=EMPTY, removed=(TRUE, f"{TRUE}-2"))),
        ],
        {WATCH: (ACTIVE, {})},
    ),
    "the last case less": (
        [first(), an_entry(a_block(WATCH, before=FULL, after=EMPTY, removed=(TRUE,)))],
        {WATCH: (ACTIVE, {})},
    ),
    "everything again": ([first(), first(before=FULL)], {WATCH: (ACTIVE, HELD)}),
    "everything again, and there is nothing more": ([first(), an_entry(code=ACTIVE)], {WATCH: (ACTIVE, {})}),
    "that it has ended": ([first(), an_entry(code=ENDED)], {WATCH: (ENDED, {})}),
    "its last change, and that it has ended": (
        [first(), an_entry(a_block(WATCH, before=FULL, after=EMPTY, removed=(TRUE,)), code=ENDED)],
        {WATCH: (ENDED, {})},
    ),
    "that it may not be told": ([first(), an_entry(code=NOT_AUTHORISED)], {WATCH: (NOT_AUTHORISED, {})}),
    "that it may be told again": (
        [first(), an_entry(code=NOT_AUTHORISED), first()],
        {WATCH: (ACTIVE, HELD)},
    ),
    "the same of two watches": (
        [an_entry(a_block(WATCH, an_item()), a_block(OTHER, an_item()), code=ACTIVE, other=ACTIVE)],
        {WATCH: (ACTIVE, HELD), OTHER: (ACTIVE, HELD)},
    ),
    "that one of two watches has ended": (
        [an_entry(a_block(WATCH, an_item()), code=ACTIVE, other=ACTIVE), an_entry(other=ENDED)],
        {WATCH: (ACTIVE, HELD), OTHER: (ENDED, {})},
    ),
    "a change of a watch that nothing was said of": ([an_entry(a_block(WATCH, an_item()))], {WATCH: (ACTIVE, HELD)}),
}


@pytest.mark.parametrize("what", TOLD)
def test_a_receiver_knows_what_it_was_told_last(what):
    documents, expected = TOLD[what]

    fold = folded(*documents)

    assert fold.faults == []
    assert state(fold) == expected


def test_every_person_of_a_document_is_folded():
    fold = Fold(STREAM)
    fold.take(delivery(1, an_entry(code=ACTIVE), an_entry(a_block(OTHER, an_item()), other=ACTIVE)))

    assert (state(fold), fold.faults) == ({WATCH: (ACTIVE, {}), OTHER: (ACTIVE, HELD)}, [])


def test_after_the_last_document_of_a_stream_nothing_is_told():
    fold = folded(first())
    fold.take(delivery(2, final=True))

    assert (fold.watches, fold.faults) == ({}, [])


NOT_ITS_DIGEST = "an item's id is not its digest"
OTHER_STATE = "a block builds on another state than the one told"
NEVER_TOLD = "an item is removed that was never told"
NOT_ITS_ITEMS = "a block's digest is not that of its items"
UNTRUE: dict[str, tuple[list[Entry], str]] = {
    "an id of something else": ([first(an_item(FALSE))], NOT_ITS_DIGEST),
    "an id of something else among true ones": (
        [first(an_item(), an_item(f"{FALSE}-2"), an_item(f"{TRUE}-3"), after=block_digest(CASES.name, [TRUE] * 3))],
        NOT_ITS_DIGEST,
    ),
    "an item that says nothing": (
        [first(an_item(FALSE, {}), after=block_digest(CASES.name, [""]))],
        NOT_ITS_DIGEST,
    ),
    "the digest of another block": ([first(after=FALSE)], NOT_ITS_ITEMS),
    "the digest of one case where there are two": ([first(an_item(), an_item(f"{TRUE}-2"))], NOT_ITS_ITEMS),
    "a first block that builds on something": ([first(before=FULL)], OTHER_STATE),
    "a change that builds on nothing": ([first(), an_entry(a_block(WATCH, an_item()))], OTHER_STATE),
    "everything again, built on nothing": ([first(), first()], OTHER_STATE),
    "what was told of another watch": (
        [first(), an_entry(a_block(OTHER, an_item(), before=FULL), other=ACTIVE)],
        OTHER_STATE,
    ),
    "something removed that was never told": ([first(removed=(FALSE,))], NEVER_TOLD),
    "two removed where one was told": (
        [first(), an_entry(a_block(WATCH, before=FULL, after=EMPTY, removed=(TRUE, f"{TRUE}-2")))],
        NEVER_TOLD,
    ),
}


@pytest.mark.parametrize("what", UNTRUE)
def test_a_document_that_is_untrue_of_itself_is_a_fault_of_its_watch_and_section(what):
    documents, why = UNTRUE[what]
    untrue = documents[-1].blocks[0].watch

    assert folded(*documents).faults == [fault(why, untrue)]


def test_a_block_is_held_as_its_items_are_whatever_it_says_of_itself():
    """A wrong id or digest hides nothing of what the receiver has."""
    fold = folded(first(an_item(FALSE, OTHER_CASE), after=FALSE))

    [digests] = fold.watches[WATCH].blocks.values()
    assert digests.keys().isdisjoint({TRUE, FALSE}) and digests.total() == 1
    assert {one.why for one in fold.faults} == {NOT_ITS_DIGEST, NOT_ITS_ITEMS}


def gone(sha256: str) -> None:
    storage.place_of(sha256).unlink()


def altered(sha256: str) -> None:
    path = storage.place_of(sha256)
    path.write_bytes(path.read_bytes().replace(b"BEVILJAN", b"BEVILJAT"))


@pytest.mark.parametrize("damage", [gone, altered])
def test_a_damaged_document_is_a_fault_and_those_after_it_are_folded(damage):
    bad, fold = delivery(1, first()), Fold(STREAM)
    damage(bad.sha256)

    fold.take(bad)
    fold.take(delivery(2, first()))

    assert fold.faults == [fault("the document of delivery 1 is damaged or gone", None, "")]
    assert state(fold) == {WATCH: (ACTIVE, HELD)}


def test_a_document_shorter_than_its_delivery_says_is_damaged():
    bad, fold = delivery(1, first()), Fold(STREAM)
    bad.size += 1

    fold.take(bad)

    assert fold.faults == [fault("the document of delivery 1 is damaged or gone", None, "")]


def test_a_document_against_its_schema_is_a_fault_that_names_the_line():
    bad, fold = delivery(3, first(), previous_sha256="x"), Fold(STREAM)

    fold.take(bad)

    [found] = fold.faults
    assert (found.stream, found.watch, found.section) == (STREAM, None, "")
    assert found.why.startswith("delivery 3: The document does not hold to its schema at line ")
