"""Filters of lists, in words. None asks a large table which values it holds."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from lefi.admin.paths import narrowed_to

MOST_NAMED = 30  # rows that a filter names one by one


class StateFilter(admin.SimpleListFilter):
    """Proposals, or what is in effect."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("proposed", _("proposed")), ("in_effect", _("in effect"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = {"proposed": True, "in_effect": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(approved_at__isnull=wanted)


class WorkFilter(admin.SimpleListFilter):
    """What waits for the reader: the rows that a line of the start page counts."""

    title = _("task")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self.offered = {one.key: one for one in model_admin.work_of(request) if not one.url_name}
        return [(key, one.title) for key, one in self.offered.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        work = self.offered.get(self.value() or "")
        return queryset.filter(pk__in=work.rows(request.user, timezone.now()).values("pk")) if work else queryset


class IsSetFilter(admin.EmptyFieldListFilter):
    """Whether a column holds anything, in words that fit days and moments."""

    words: tuple[Any, Any] = (_("No"), _("Yes"))

    def choices(self, changelist: Any) -> Any:
        for words, choice in zip((_("All"), *self.words), self._in_order(changelist), strict=True):
            yield {**choice, "display": str(words)}

    def _in_order(self, changelist: Any) -> list[Any]:
        """All, empty, not empty; `__isempty` counts "" as empty too."""
        every, empty, full = super().choices(changelist)
        return [every, empty, full]


def whether(unset: Any, is_set: Any, title: Any = "") -> type[IsSetFilter]:
    """A filter on whether a column holds anything, that says what each means."""

    class Filter(IsSetFilter):
        words = (unset, is_set)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.title = title or self.title

    return Filter


def one_of(name: str, title: Any, choices: Any) -> type[admin.SimpleListFilter]:
    """A filter on the codes of a column, by their words; `choices` gives the codes with them."""

    class Filter(admin.SimpleListFilter):
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
            return list(choices())

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    Filter.title = title
    return Filter


def row_of(path: str, title: Any, model: type[Model], name: Any = str) -> type[admin.SimpleListFilter]:
    """A filter on the row of a small table that a path leads to, by name while there are few of them.

    Where there are many, only the one that the list is narrowed to is named: its own page leads to the list.
    """

    class Filter(admin.SimpleListFilter):
        parameter_name = path

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
            rows: Any = model._base_manager.order_by(*model._meta.ordering or ["pk"])
            found = list(rows[: MOST_NAMED + 1])
            if len(found) > MOST_NAMED:
                chosen = self.value() or ""
                found = list(rows.filter(pk=chosen)) if chosen.isdecimal() else []
            return [(row.pk, name(row)) for row in found]

        def has_output(self) -> bool:
            return bool(self.lookup_choices)

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            value = self.value() or ""
            return queryset.filter(narrowed_to(queryset.model, path, value)) if value.isdecimal() else queryset

    Filter.title = title
    return Filter


class DaysFilter(admin.FieldListFilter):
    """From one day to another, both included, in a form of two days; and the spans that are asked for most."""

    template = "admin/days_filter.html"
    spans = ((0, _("Today")), (7, _("Last 7 days")), (30, _("Last 30 days")))

    def __init__(self, field: Any, request: HttpRequest, params: Any, *args: Any, **kwargs: Any) -> None:
        self.name: str = kwargs["field_path"]
        self.others: list[tuple[str, Any]] = []  # what else the address says, for the form to keep
        self.names = (f"{self.name}__from", f"{self.name}__to")
        super().__init__(field, request, params, *args, **kwargs)
        self.first, self.last = (_day(self.used_parameters.get(one)) for one in self.names)

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.first:
            queryset = queryset.filter(**{f"{self.name}__gte": self._begins(self.first)})
        if self.last:
            queryset = queryset.filter(**{f"{self.name}__lt": self._begins(self.last + timedelta(days=1))})
        return queryset

    def _begins(self, day: date) -> date | datetime:
        if isinstance(self.field, DateTimeField):
            return timezone.make_aware(datetime.combine(day, time.min))
        return day

    def choices(self, changelist: Any) -> Iterator[Any]:
        today, (first, last) = timezone.localdate(), self.names
        chosen = (self.first, self.last)
        every = changelist.get_query_string(remove=self.names)
        yield {"selected": chosen == (None, None), "query_string": every, "display": _("All")}
        for days, words in self.spans:
            start = today - timedelta(days=days)
            query = changelist.get_query_string({first: start.isoformat(), last: None})
            yield {"selected": chosen == (start, None), "query_string": query, "display": words}
        self.others = [
            (key, value)
            for key, values in changelist.filter_params.items()
            if key not in self.names
            for value in values
        ]


def _day(values: Any) -> date | None:
    """The day that an address names; None if it names none."""
    try:
        return parse_date(values[-1]) if values else None
    except ValueError:
        return None
