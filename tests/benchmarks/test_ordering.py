"""What is made of the rounds of an order of full size: medians, ratios to the other ways, and targets."""

import pytest

from benchmarks.ordering import BULK, HAND, HAND_AFTER_PREVIEW, OURS, Ordering

LINES = 1000
WAYS = [name for name, *_ in OURS]


def outcome(seconds, effects="same"):
    return {
        "seconds": seconds,
        "processor": seconds / 2,
        "effects": {"lines": effects},
        "longest_chunk": 0.5,
        "previewing": 1.0,
        "confirming": 0.1,
        "python_mb": 100.0,
        "postgres_mb": 50.0,
    }


def told(done):
    notes = []
    ordering = Ordering(LINES, "", "", "", {}, notes.append)
    ordering.done = done
    ordering.tell()
    return {one.name: one for one in notes}


def rounds(ours, hand, bulk):
    ways = {name: [outcome(one) for one in ours] for name in WAYS}
    return ways | {HAND: [outcome(hand)], HAND_AFTER_PREVIEW: [outcome(2 * hand)], BULK: [outcome(bulk)]}


def test_the_median_round_is_compared_to_that_of_each_other_way():
    notes = told(rounds([9.0, 3.0, 4.0], hand=2.0, bulk=8.0))

    assert notes[f"{WAYS[0]}"].value == 4.0
    assert notes[f"{WAYS[0]}, to SQL by hand"].value == 2.0
    assert notes[f"{WAYS[0]}, to bulk_create"].value == 0.5
    assert notes[f"{WAYS[0]}, rate"].value == 250.0


def test_a_way_with_a_preview_is_compared_to_the_same_by_hand_and_its_confirming_is_told():
    notes = told(rounds([4.0], hand=2.0, bulk=8.0))

    assert notes[f"{WAYS[2]}, to SQL by hand"].value == 1.0
    assert notes[f"{WAYS[2]}, confirming"].value == 0.1
    assert f"{WAYS[2]}, to bulk_create" not in notes


@pytest.mark.parametrize(("hand", "bulk", "missed"), [(2.0, 7.5, 0), (1.9, 7.5, 2), (2.0, 7.4, 2)])
def test_a_ratio_above_its_target_is_a_miss(hand, bulk, missed):
    notes = told(rounds([3.0], hand=hand, bulk=bulk))
    assert sum(one.missed for one in notes.values()) == missed


def test_ways_that_leave_different_rows_are_not_compared():
    done = rounds([3.0], hand=2.0, bulk=8.0)
    done[BULK] = [outcome(8.0, effects="other")]
    with pytest.raises(ValueError, match="same rows"):
        told(done)
