"""What stands in the columns of lists and on the pages of rows: links, states, codes with their words, and ages."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import wraps
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import display_for_value
from django.core.exceptions import FieldDoesNotExist
from django.db.models import DecimalField, FloatField, IntegerField, Model
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timesince import timesince
from django.utils.translation import ngettext

from lefi.paging import grouped

Column = Callable[..., Any]
SUCCESS, INFO, WARNING, ERROR = "success", "info", "warning", "error"
EMPTY = "\N{EN DASH}"  # what stands where there is nothing
# Numbers that name something, and are sought and said as they are written.
NAMES = {"examined_import", "last_number", "line", "number", "scope_version", "status", "version"}


def address(row: Model, page: str = "change") -> str:
    """The address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def anchor(target: Model | None, text: object = None) -> str:
    """A link to the admin page of a row."""
    if target is None:
        return EMPTY
    return format_html('<a href="{}">{}</a>', address(target), target if text is None else text)


def link(path: str, description: Any) -> Column:
    """A column that links to the row which a dotted path leads to."""

    @admin.display(description=description, ordering=path.replace(".", "__"))
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        return anchor(attrgetter(path)(obj))

    return column


def badge(words: object, tone: str = "") -> SafeString:
    """A state in words, in the shape of a badge; the tone only repeats what the words say."""
    return format_html('<span class="badge{}">{}</span>', f" badge--{tone}" if tone else "", capfirst(str(words)))


def state(name: str, description: Any, tones: Mapping[Any, str]) -> Column:
    """A column with the choice that a field holds as a badge, in the tone of its value."""

    @admin.display(description=description, ordering=name)
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        value = getattr(obj, name)
        return badge(getattr(obj, f"get_{name}_display")(), tones.get(value, "")) if value else EMPTY

    return column


def coded(words: object, code: object) -> str:
    """A code with its words before it: what people read first, and then what systems say."""
    return format_html('{} <code class="code">{}</code>', words, code) if code and str(words) != code else str(words)


def named(path: str, description: Any, name: Callable[[Any], object], ordering: str | None = "") -> Column:
    """A column with a code in words, by a function that names it. Sorted by the code, unless `ordering` is None."""

    @admin.display(description=description, ordering=path.replace(".", "__") if ordering == "" else ordering)
    def column(self: admin.ModelAdmin, obj: Model) -> object:
        code = attrgetter(path)(obj)
        return name(code) if code not in (None, "") else EMPTY

    return column


def titled(path: str, description: Any) -> Column:
    """A column with a field's value under a title of ours: an instant in our time."""

    @admin.display(description=description, ordering=path.replace(".", "__"))
    def column(self: admin.ModelAdmin, obj: Model) -> object:
        value = attrgetter(path)(obj)
        return display_for_value(value, EMPTY) if value not in (None, "") else EMPTY

    return column


def amounts(description: Any, ordering: Any = None) -> Callable[[Callable[..., Any]], Column]:
    """A method that counts something, as a column of numbers; None where there is nothing to count."""

    def made(count: Callable[..., Any]) -> Column:
        @admin.display(description=description, ordering=ordering)
        @wraps(count)
        def column(self: admin.ModelAdmin, obj: Model) -> str:
            number = count(self, obj)
            return EMPTY if number is None else grouped(number)

        column.holds_numbers = True  # type: ignore[attr-defined]
        return column

    return made


def amount(path: str, description: Any) -> Column:
    """A column of numbers from a field, under a title of ours."""
    return amounts(description, path.replace(".", "__"))(lambda self, obj: attrgetter(path)(obj))


def holds_numbers(page: Any, name: Any) -> bool:
    """Whether a column of an admin holds plain numbers, to be read as amounts."""
    try:
        field = page.opts.get_field(name)
    except FieldDoesNotExist:
        return getattr(getattr(page, name, None), "holds_numbers", False)
    numeric = isinstance(field, IntegerField | FloatField | DecimalField)
    return numeric and not (field.primary_key or field.choices or name in NAMES)


def listed(path: str, description: Any, name: Callable[[Any], object]) -> Column:
    """A column with a list of codes in words."""

    @admin.display(description=description)
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        return ", ".join(str(name(code)) for code in attrgetter(path)(obj) or ()) or EMPTY

    return column


def ago(moment: datetime | None) -> str:
    """How long ago something was, in its largest unit: "3 days"."""
    return EMPTY if moment is None else timesince(moment, depth=1)


def age(path: str, description: Any) -> Column:
    """A column that says for how long something has been so."""

    @admin.display(description=description, ordering=path.replace(".", "__"))
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        return ago(attrgetter(path)(obj))

    return column


def due(day: date | None, *, on: date, soon: int = 7) -> str:
    """The last day of something, as a badge where it has passed, or comes soon."""
    if day is None:
        return EMPTY
    left = (day - on).days
    if left < 0:
        return badge(ngettext("%(days)d day late", "%(days)d days late", -left) % {"days": -left}, ERROR)
    if left < soon:
        return badge(ngettext("in %(days)d day", "in %(days)d days", left) % {"days": left}, WARNING)
    return date_format(day)


def in_language(code: str, name: str, description: Any) -> Column:
    """A field whose text is in one language, whatever the page's, so that it is read aloud in it."""

    @admin.display(description=description, ordering=name)
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        text = getattr(obj, name)
        return format_html('<span lang="{}">{}</span>', code, text) if text else EMPTY

    return column
