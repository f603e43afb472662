"""PURE: what changed in a block, between what a watch was told and what it may be told now (C3, C4).

An item's id is its digest, with a number among equals from the second on. New, changed and removed are said of
multisets: of two equal payments one can go. Changed is said only where the catalogue names a natural key.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

NEW = "ny"
CHANGED = "andrad"


@dataclass(frozen=True, slots=True)
class Known:
    """An item as far as it is remembered: its digest, and its natural key or ""."""

    digest: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it may be told now."""

    known: Known
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """An item in a block: its id, whether it is new or changed, and the id of what it replaces."""

    id: str
    change: str
    replaces: str
    content: dict[str, Any]


@dataclass(slots=True)
class BlockChange:
    items: list[Said] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def compare(told: Iterable[Known], now: Sequence[Item]) -> BlockChange:
    """Name what is new, changed and removed in `now` since `told`, in the order of `now`."""
    told_by_id = _with_ids(told)
    now_by_id = _with_ids(item.known for item in now)
    gone = [one for one in told_by_id if one not in now_by_id]
    fresh = [one for one in now_by_id if one not in told_by_id]
    replaced = _replaced({one: told_by_id[one].key for one in gone}, {one: now_by_id[one].key for one in fresh})
    change = BlockChange(removed=[one for one in gone if one not in replaced.values()])
    for id_, item in zip(now_by_id, now, strict=True):
        if id_ in told_by_id:
            change.items.append(Said(id_, "", "", item.content))
        elif id_ in replaced:
            change.items.append(Said(id_, CHANGED, replaced[id_], item.content))
        else:
            change.items.append(Said(id_, NEW, "", item.content))
    return change


def _with_ids(items: Iterable[Known]) -> dict[str, Known]:
    seen: Counter[str] = Counter()
    found = {}
    for item in items:
        seen[item.digest] += 1
        number = seen[item.digest]
        found[item.digest if number == 1 else f"{item.digest}-{number}"] = item
    return found


def _replaced(gone: dict[str, str], fresh: dict[str, str]) -> dict[str, str]:
    """Fresh id to the gone id that it replaces, where one of each has the same key."""
    gone_keys, fresh_keys = Counter(gone.values()), Counter(fresh.values())
    by_key = {key: id_ for id_, key in gone.items() if key and gone_keys[key] == 1}
    return {id_: by_key[key] for id_, key in fresh.items() if key in by_key and fresh_keys[key] == 1}


def to_text(items: Iterable[Known]) -> str:
    """What is kept of a block's items: one line each, ended by a line feed alone; digest and key, sorted."""
    return "\n".join(sorted(f"{one.digest} {_escaped(one.key)}" if one.key else one.digest for one in items))


def from_text(text: str) -> list[Known]:
    lines = (line.partition(" ") for line in text.split("\n") if line)
    return [Known(digest, _unescaped(key)) for digest, _, key in lines]


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("\n", "\\n")


def _unescaped(key: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], key)
