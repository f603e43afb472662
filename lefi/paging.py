"""Pages of lists that stay fast however many rows there are.

They count so far and no further, and end there; or they are found by a key, and end where the rows do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import IntegerField, QuerySet, Subquery
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from lefi.bulk import on_postgresql, rows_of_all

MOST = 10_000  # rows that a list counts and leads to, page by page
LONGEST = 18  # digits of a key, which the database is sure to hold


class BoundedPaginator(Paginator):
    """Pages over the first MOST rows. Whether there are more is known; how many, only of a whole table, about.

    A list may lead to fewer (`most`).
    """

    most = 0

    @property
    def _most(self) -> int:
        return self.most or MOST

    @cached_property
    def count(self) -> int:
        return min(self._counted, self._most)

    @property
    def more(self) -> bool:
        return self._counted > self._most

    @property
    def count_words(self) -> str:
        """How many rows there are, as a list says it."""
        if self.about is not None:
            return _("about %(count)s") % {"count": grouped(_rounded(self.about))}
        return counted_to(self._counted, self._most)

    @cached_property
    def _counted(self) -> int:
        rows = cast("QuerySet", self.object_list).order_by()
        plain = rows.query.group_by is None and not rows.query.distinct
        return (rows.values("pk") if plain else rows)[: self._most + 1].count()

    @cached_property
    def about(self) -> int | None:
        """PostgreSQL's own estimate of how many rows there are, where all of a table is listed."""
        rows = cast("QuerySet", self.object_list)
        if not self.more or rows.query.where or not on_postgresql():
            return None
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [rows.model._meta.db_table])
            estimate = int(cursor.fetchone()[0])
        return estimate if estimate > self._most else None


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """Rows in the order of a key, and the keys to go back before and on after; None where there are no more."""

    rows: list[Any]
    before: Any
    after: Any

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    @property
    def alone(self) -> bool:
        return self.before is None and self.after is None


# The rows beyond a key, or from the end if there is none, one more than a page holds; whether backwards.
Find = Callable[[Any, bool], list[Any]]


def keyed_page(
    find: Find, key_of: Callable[[Any], Any], size: int, *, after: Any = None, before: Any = None
) -> KeyedPage:
    """The page after a key, or before one; the first if there is nothing. It costs what it shows, however far in."""
    back = before is not None
    found = find(before if back else after, back)
    if not found and (back or after is not None):
        return keyed_page(find, key_of, size)
    rows, more = found[:size], len(found) > size
    first, last = (more, True) if back else (after is not None, more)
    rows = rows[::-1] if back else rows
    return KeyedPage(rows, key_of(rows[0]) if first else None, key_of(rows[-1]) if last else None)


def beyond(rows: QuerySet, field: str, size: int) -> Find:
    """How rows are found by a field that no two of them share, and that an index has them in the order of."""

    def find(key: Any, back: bool) -> list[Any]:
        left = rows if key is None else rows.filter(**{f"{field}__{'lt' if back else 'gt'}": key})
        return list(left.order_by(f"-{field}" if back else field)[: size + 1])

    return find


def beyond_in_each(rows: QuerySet, of: str, among: Iterable[Any], size: int) -> Find:
    """The same by their own key, where an index has them in its order within each of some values of a field."""
    parts = [rows.filter(**{of: one}) for one in among]

    def find(key: Any, back: bool) -> list[Any]:
        left = parts if key is None else [one.filter(**{f"pk__{'lt' if back else 'gt'}": key}) for one in parts]
        order = "-pk" if back else "pk"
        first = rows_of_all([one.order_by(order).values_list("pk")[: size + 1] for one in left], back=back)
        return list(rows.filter(pk__in=[pk for (pk,) in first[: size + 1]]).order_by(order))

    return find


def keys_asked(said: Mapping[str, str]) -> dict[str, int]:
    """The numbers that an address says a page begins after or ends before."""
    return {name: int(said[name]) for name in ("after", "before") if _is_key(said.get(name, ""))}


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST


class CountUpTo(Subquery):
    """How many rows a query finds, counted no further than one more than `most`; to annotate with."""

    template = "(SELECT count(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet, most: int = MOST) -> None:
        super().__init__(rows.order_by().values("pk")[: most + 1])


def counted_to(count: int, most: int = MOST) -> str:
    """A number that was counted no further than one more than `most`, as people read it."""
    return _("more than %(count)s") % {"count": grouped(most)} if count > most else grouped(count)


def grouped(number: Any) -> str:
    """A number as people read it, in groups of three digits."""
    return number_format(number, force_grouping=True)


def _rounded(count: int) -> int:
    """A large number to two figures, as an estimate is told."""
    unit = 10 ** (len(str(count)) - 2)
    return round(count / unit) * unit
