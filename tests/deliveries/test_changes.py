"""What changed in a block: of multisets, by digest, and by key where there is one (C3, C4)."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliveries.changes import CHANGED, NEW, Item, Known, compare, from_text, to_text


def known(*names: str) -> list[Known]:
    """Items named by a letter for the digest, and a key after a colon: "a", "a:1"."""
    return [Known(*name.split(":")) for name in names]


def said(told: str, now: str) -> tuple[list[str], list[str]]:
    """What compare says, in short: "id", "id ny" or "id andrad replaced", and what is removed."""
    items = [Item(one, {"d": one.digest}) for one in known(*now.split())]
    change = compare(known(*told.split()), items)
    assert [one.content for one in change.items] == [one.content for one in items]
    return [f"{one.id} {one.change} {one.replaces}".rstrip() for one in change.items], change.removed


@pytest.mark.parametrize(
    ("told", "now", "items", "removed"),
    [
        ("", "", [], []),
        ("", "a", ["a ny"], []),
        ("a", "a", ["a"], []),
        ("a", "", [], ["a"]),
        ("a b", "b a", ["b", "a"], []),
        ("a", "b", ["b ny"], ["a"]),
        ("a a", "a", ["a"], ["a-2"]),
        ("a", "a a", ["a", "a-2 ny"], []),
        ("a a a", "a a", ["a", "a-2"], ["a-3"]),
        ("a a", "b b", ["b ny", "b-2 ny"], ["a", "a-2"]),
        ("a:1", "b:1", ["b andrad a"], []),
        ("a:1", "b:2", ["b ny"], ["a"]),
        ("a:1 b:2", "c:2 d:1", ["c andrad b", "d andrad a"], []),
        ("a:1 b:1", "c:1", ["c ny"], ["a", "b"]),
        ("a:1", "b:1 c:1", ["b ny", "c ny"], ["a"]),
        ("a:1", "a:1 b:1", ["a", "b ny"], []),
        ("a:1 b", "c:1 d", ["c andrad a", "d ny"], ["b"]),
    ],
)
def test_new_changed_and_removed_are_named(told, now, items, removed):
    assert said(told, now) == (items, removed)


items_known = st.lists(st.builds(Known, st.sampled_from("abcde"), st.sampled_from(["", "1", "2"])), max_size=8)


@given(told=items_known, now=items_known)
def test_the_change_applied_to_what_was_told_gives_what_is_now(told, now):
    change = compare(told, [Item(one, {}) for one in now])
    held = {f"{one.digest}-{n}" for one, n in numbered(told)}
    for item in change.items:
        held -= {full(item.replaces)} if item.change == CHANGED else set()
    held -= {full(one) for one in change.removed}
    held |= {full(one.id) for one in change.items if one.change in (NEW, CHANGED)}

    assert held == {f"{one.digest}-{n}" for one, n in numbered(now)}
    assert Counter(one.partition("-")[0] for one in held) == Counter(one.digest for one in now)
    assert len(held) == len(change.items)


def numbered(items: list[Known]) -> list[tuple[Known, int]]:
    seen: Counter[str] = Counter()
    found = []
    for one in items:
        seen[one.digest] += 1
        found.append((one, seen[one.digest]))
    return found


def full(id_: str) -> str:
    return id_ if "-" in id_ else f"{id_}-1"


@given(told=items_known, now=items_known)
def test_nothing_is_named_that_did_not_change(told, now):
    change = compare(told, [Item(one, {}) for one in now])
    before, after = Counter(one.digest for one in told), Counter(one.digest for one in now)
    gone = len(change.removed) + sum(one.change == CHANGED for one in change.items)
    assert gone == (before - after).total()
    assert sum(bool(one.change) for one in change.items) == (after - before).total()


@given(items=items_known)
def test_what_is_kept_of_a_block_is_read_back_in_any_order(items):
    assert Counter(from_text(to_text(items))) == Counter(items)
    assert to_text(reversed(items)) == to_text(items)


@given(key=st.text() | st.text(alphabet=" \\n\n\r\u0085\u2028"))
def test_a_key_is_kept_as_the_source_wrote_it_whatever_ends_a_line_in_it(key):
    assert from_text(to_text([Known("a", key), Known("b", key)])) == [Known("a", key), Known("b", key)]
    assert len(to_text([Known("a", key), Known("b", key)]).split("\n")) == 2


def test_what_is_kept_of_a_block_is_a_sorted_line_for_each_item_with_nothing_after_it():
    """Verify reads the digests of these lines by itself."""
    assert to_text(known("b:2", "a", "b:1", "a")) == "a\na\nb 1\nb 2"
