"""Lookups that lead through other tables, taken by way of the ids in the small ones.

"The deliveries of a customer" leads through streams and agreements. A database that is asked for it with joins may
read all deliveries to find the customer's. Whose rows are few (`Lists.few`) is asked first, and the large table then
by ids that it has an index on.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q

from lefi.folding import fold

MOST_FOUND = 2_000  # rows of a small table that one search leads through
MOST_WORDS = 6
_DASHED = re.compile(r"\b(\d{6})-(\d{4})\b")  # an organisation number as people write it


def through(model: type[Model], path: str) -> tuple[str, type[Model], str] | None:
    """Where a path of lookups first comes to a small table: the path to it, its model, and the rest of the path."""
    parts = path.split("__")
    for place, part in enumerate(parts[:-1], start=1):
        try:
            related = model._meta.get_field(part).related_model
        except FieldDoesNotExist:
            return None
        if not isinstance(related, type):
            return None
        if getattr(admin.site._registry.get(related), "few", False):
            return "__".join(parts[:place]), related, "__".join(parts[place:])
        model = related
    return None


def narrowed_to(model: type[Model], path: str, *values: Any) -> Q:
    """The rows that a path leads from to one of the values, by ids where it leads through a small table."""
    found = through(model, path)
    if found is None:
        return Q(**{f"{path}__in": values}) if len(values) > 1 else Q(**{path: values[0]})
    before, related, rest = found
    ids = related._base_manager.filter(**{f"{rest}__in": values}).values_list("pk", flat=True)
    return Q(**{f"{before}__in": list(ids)})


def matching(model: type[Model], fields: Iterable[str], text: str) -> Q:
    """The rows in which every word of a text is found in one field or another.

    A field is looked through; with "^" before it, only from its beginning, as an index can; with "=", whole and as
    it is written.
    """
    wanted, fields = Q(), list(fields)
    for word in _DASHED.sub(r"\1\2", text).split()[:MOST_WORDS]:
        wanted &= _in_one_of(model, fields, word)
    return wanted


def _in_one_of(model: type[Model], fields: Iterable[str], word: str) -> Q:
    own, further = Q(), dict[tuple[str, type[Model]], Q]()
    for field in fields:
        found = through(model, field.lstrip("^="))
        if found is None:
            own |= _holds(field, word)
        else:
            before, related, rest = found
            further[before, related] = further.get((before, related), Q()) | _holds(_kept(field, rest), word)
    for (before, related), wanted in further.items():
        ids = related._base_manager.filter(wanted).values_list("pk", flat=True)[:MOST_FOUND]
        own |= Q(**{f"{before}__in": list(ids)})
    return own


def _kept(field: str, rest: str) -> str:
    """The rest of a field's path, with the sign that stood before the whole."""
    return f"{field[0]}{rest}" if field[0] in "^=" else rest


def _holds(field: str, word: str) -> Q:
    if field[0] == "=":
        return Q(**{field[1:]: word})
    path, how = (field[1:], "startswith") if field[0] == "^" else (field, "contains")
    return Q(**{f"{path}__folded__{how}": fold(word)})
