"""The rows that belong to a row, as short tables on its page: the newest of each kind, and a link to all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from lefi.admin.columns import anchor, holds_numbers
from lefi.admin.masked import masked
from lefi.admin.paths import narrowed_to
from lefi.paging import grouped

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, with its column's name for screens too narrow for columns."""

    head: str
    value: Any
    holds_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    address: str  # of the list of all
    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Related:
    """What belongs to a row: tables of those kinds of which there are any, and links to the others."""

    tables: Sequence[Table]
    others: Sequence[tuple[str, str]]  # (address, name): kinds that are only linked to
    none: Sequence[tuple[str, str]]  # kinds of which there is none


def related_to(request: HttpRequest, page: Any, obj: Model) -> Related:
    """What belongs to a row, of the kinds that the reader may see."""
    tables, others, none = [], [], []
    for lead in _leads(request, page, obj):
        if not lead.there.short:
            others.append((lead.address, capfirst(lead.name)))
        elif table := _table(request, lead):
            tables.append(table)
        else:
            none.append((lead.address, capfirst(lead.name)))
    return Related(tables, others, none)


@dataclass(frozen=True, slots=True)
class _Lead:
    """The way from a row to one kind of rows that belong to it: their admin, the lookup, and what it is to equal."""

    there: Any
    lookup: str
    value: Any
    words: Any

    @property
    def name(self) -> str:
        return str(self.words or self.there.opts.verbose_name_plural)

    @property
    def address(self) -> str:
        name = f"admin:{self.there.opts.app_label}_{self.there.opts.model_name}_changelist"
        return f"{reverse(name)}?{urlencode({self.lookup: self.value})}"


def _leads(request: HttpRequest, page: Any, obj: Model) -> Iterator[_Lead]:
    for label, lookup, attribute, *words in page.leads_to:
        there, value = admin.site._registry[apps.get_model(label)], getattr(obj, attribute)
        if value is not None and there.has_view_permission(request):
            yield _Lead(there, lookup, value, words[0] if words else "")


def _table(request: HttpRequest, lead: _Lead) -> Table | None:
    """The newest rows; None if there are none."""
    there = lead.there
    names = there.short_for(request)
    heads = [capfirst(str(label_for_field(name, there.model, there))) for name in names]
    numbers = [holds_numbers(there, name) for name in names]
    leads = there.get_list_display_links(request, names) or ()
    rows = []
    for row in map(masked, _rows(request, lead)[:SHOWN]):
        shown = [(name, _value(there, name, row)) for name in names]
        values = [anchor(row, shows) if name in leads else shows for name, shows in shown]
        rows.append(list(map(Cell, heads, values, numbers)))
    return Table(lead.name, lead.address, list(map(Cell, heads, heads, numbers)), rows) if rows else None


def _rows(request: HttpRequest, lead: _Lead) -> QuerySet:
    """The rows as the list there would have them."""
    there = lead.there
    rows = there.get_queryset(request).filter(narrowed_to(there.model, lead.lookup, lead.value))
    related = there.get_list_select_related(request)
    rows = rows.select_related(*related) if related else rows
    return rows.order_by(*there.ordering_under(request, lead.lookup))


def _value(there: Any, name: str, row: Model) -> Any:
    """A cell's value as Django's lists show it."""
    field, attribute, value = lookup_field(name, row, there)
    empty = there.get_empty_value_display()
    if isinstance(value, int) and holds_numbers(there, name):
        return grouped(value)
    if field is None:
        return display_for_value(value, empty, getattr(attribute, "boolean", False))
    return display_for_field(value, field, empty)
