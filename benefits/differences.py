"""PURE: how an item differs from what it replaces, in the words of the catalogue; and which item that may be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from benefits.catalogue import Field
from benefits.content import lines
from benefits.presentation import Group, Line, describe, is_short, label_of, short_text, values_of

ALIKE = 0.5  # the share of two items' values that are the same, from which on one is shown as taking the other's place


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that says something else than before; "" where it says, or said, nothing."""

    label: str
    before: str
    now: str


def differences(
    fields: Sequence[Field], before: Mapping[str, Any], now: Mapping[str, Any], language: str = "sv", above: str = ""
) -> Iterator[Difference]:
    """Yield what differs, in the order of the catalogue, with the labels of what it lies in: "Beslut › Period"."""
    for field in fields:
        old, new = values_of(before.get(field.name)), values_of(now.get(field.name))
        label = f"{above}{label_of(field, language)}"
        if old == new:
            continue
        if is_short(field):
            said = Difference(label, _texts(field, old, language), _texts(field, new, language))
            if said.before != said.now:
                yield said
        else:
            yield from _of_objects(field, _apart(old, new), label, language)


def _of_objects(field: Field, pairs: Sequence[tuple[Any, Any]], label: str, language: str) -> Iterator[Difference]:
    for place, (old, new) in enumerate(pairs, start=1):
        named = f"{label} {place}" if len(pairs) > 1 else label
        if old is None or new is None:
            yield Difference(named, _brief(field, old, language), _brief(field, new, language))
        else:
            yield from differences(field.children, old, new, language, f"{named} › ")


def _apart(old: list[Any], new: list[Any]) -> list[tuple[Any, Any]]:
    """What stands in one of the lists alone, in pairs by their order."""
    left = list(old)
    fresh = []
    for one in new:
        if one in left:
            left.remove(one)
        else:
            fresh.append(one)
    return list(zip_longest(left, fresh))


def _texts(field: Field, values: list[Any], language: str) -> str:
    texts = (short_text(field, value, language) for value in values if not field.is_unknown(value))
    return ", ".join(filter(None, texts))


def _brief(field: Field, value: Any, language: str) -> str:
    """All of an object on one line."""
    return "" if value is None else ", ".join(_leaves(describe(field.children, value, language)))


def _leaves(entries: Sequence[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, Line):
            yield f"{entry.label}: {entry.text}"
        elif isinstance(entry, Group):
            yield from _leaves(entry.entries)
        else:
            yield f"{entry.label}: {len(entry.rows)}"


def in_place_of(fields: Sequence[Field], gone: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, str]:
    """For fresh items, by id, the gone one that each seems to stand in the place of: the most alike, each but once.

    It is how people read a list, and nothing that the source has said: where it has, the document says so itself.
    """
    said_gone = {one: set(lines(fields, item)) for one, item in gone.items()}
    said_fresh = {one: set(lines(fields, item)) for one, item in fresh.items()}
    likenesses = sorted(
        (
            (-_likeness(old_lines, new_lines), new, old)
            for old, old_lines in said_gone.items()
            for new, new_lines in said_fresh.items()
        ),
    )
    found: dict[str, str] = {}
    for unlikeness, new, old in likenesses:
        if -unlikeness >= ALIKE and new not in found and old not in found.values():
            found[new] = old
    return found


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one), len(other), 1)
