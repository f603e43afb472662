"""Lists that stay fast however many rows there are (`lefi.paging`), and say what they are narrowed to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from lefi.admin.columns import holds_numbers
from lefi.admin.masked import masked
from lefi.admin.paths import narrowed_to
from lefi.masking import NO_IDENTITY_NUMBER
from lefi.paging import BoundedPaginator

BEFORE = "before"  # the parameter that starts a list below a row
SOUGHT = "sought"  # the parameter that holds the token of a search by a reference


@dataclass(frozen=True, slots=True)
class Narrowing:
    """That a list shows only what belongs to one row: which, and the address of the list without that."""

    what: str
    value: str
    without: str


class BoundedList(ChangeList):
    """A list that says what it is narrowed to, sorts only as declared, and goes on below its last row."""

    model_admin: Any  # a lefi.admin.Lists
    paginator: BoundedPaginator
    given: dict[str, Any]
    no_identity_number = NO_IDENTITY_NUMBER
    only_person: int | None = None  # whom all of a narrowed list is about, if that is one person

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        if not self.is_popup:
            self.title = capfirst(str(self.opts.verbose_name_plural))
        self.seek_address = self.model_admin.seek_address(request)
        self.narrowings = list(self._narrowings())
        self.number_columns = [holds_numbers(self.model_admin, one) for one in self.list_display]

    def get_filters(self, request: HttpRequest) -> Any:
        """As Django, but for the lookups that an admin declares: those go by ids, and none is left to the rest."""
        specs, has_specs, lookups, duplicates, active = super().get_filters(request)
        self.given = {key: values for key, values in lookups.items() if key in self.model_admin.narrowed_by}
        rest = {key: values for key, values in lookups.items() if key not in self.given and key != BEFORE}
        return specs, has_specs, rest, duplicates, active or bool(self.given) or BEFORE in lookups

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        rows = super().get_queryset(request, exclude_parameters)
        try:
            for path, values in self.given.items():
                rows = rows.filter(narrowed_to(self.model, path, *values))
            before = self.params.get(BEFORE)
            rows = rows.filter(pk__lt=int(before)) if before else rows
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        self.clear_all_filters_qs = "?"
        return rows

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> list[Any]:
        """Leave out what an address asks for and the list does not offer: a large table cannot be sorted by all."""
        offered = [self.list_display.index(one) for one in self.sortable_by or () if one in self.list_display]
        if ORDER_VAR in self.params:
            asked = self.params.pop(ORDER_VAR).split(".")
            allowed = [one for one in asked if _column(one) in offered]
            self.params |= {ORDER_VAR: ".".join(allowed)} if allowed else {}
        if ORDER_VAR not in self.params and self.model_admin.found_before_sorted:
            return [*self.model_admin.ordering_under(request, *request.GET)]
        return super().get_ordering(request, queryset)

    def get_results(self, request: HttpRequest) -> None:
        """As Django, but that rows which were looked for and not found are not looked for once more."""
        super().get_results(request)
        if not self.result_count:
            self.result_list = self.queryset.none()
        rows = list(self.result_list)
        if (self.given or self.query or SOUGHT in self.params) and len(rows) == self.result_count:
            self.only_person = self.model_admin.only_person(rows)
        self.result_list = [masked(row) for row in rows]

    @property
    def count_words(self) -> str:
        return self.paginator.count_words

    @property
    def older(self) -> str:
        """Where the list goes on, from its last page, if it is one that goes by age."""
        last = self.paginator.more and self.page_num == self.paginator.num_pages
        if not last or not self.model_admin.goes_by_age or ORDER_VAR in self.params:
            return ""
        return self.get_query_string({BEFORE: list(self.result_list)[-1].pk})

    def _narrowings(self) -> Iterator[Narrowing]:
        for path, values in self.given.items():
            field = get_fields_from_path(self.model, path)[-1]
            value, related = values[-1], field.related_model
            row = related._base_manager.filter(pk=value).first() if isinstance(related, type) else None
            words = self.model_admin.name_of(masked(row)) if isinstance(row, Model) else str(value)
            without = self.get_query_string({path: None})
            yield Narrowing(capfirst(str(getattr(field, "verbose_name", path))), words, without)


def _column(asked: str) -> int:
    """The place of the column that a part of the ordering asks for; -1 if it is none."""
    place = asked.removeprefix("-")
    return int(place) if place.isdecimal() else -1
