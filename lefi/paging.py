"""Pages of lists that stay fast however many rows there are: they count so far and no further, and end there."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from lefi.bulk import on_postgresql

MOST = 10_000  # rows that a list counts and leads to, page by page


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
        return _("more than %(count)s") % {"count": grouped(self._most)} if self.more else grouped(self.count)

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


class KnownPaginator(Paginator):
    """Pages over all of some rows, of which it is known how many they are."""

    more = False

    def __init__(self, rows: QuerySet, per_page: int, *, count: int) -> None:
        super().__init__(rows, per_page)
        self.__dict__["count"] = count

    @property
    def count_words(self) -> str:
        return grouped(self.count)


def grouped(number: Any) -> str:
    """A number as people read it, in groups of three digits."""
    return number_format(number, force_grouping=True)


def _rounded(count: int) -> int:
    """A large number to two figures, as an estimate is told."""
    unit = 10 ** (len(str(count)) - 2)
    return round(count / unit) * unit
