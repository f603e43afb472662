"""What waits for the staff: which rows, since when, and who may deal with them. Counted in one query, however much.

Each app registers what waits among its rows; the list of those rows can be narrowed to just them by the same question
(`lefi.admin.WorkFilter`), so that a count and what it leads to are one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, DateTimeField, IntegerField, Min, Model, QuerySet, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

NIGHTS = "deliveries.change_run"  # who sees to it that the nights run
CUSTOMERS = "subscriptions.change_customer"  # who keeps in touch with the customers
MOST = 1000  # of a kind; beyond that it is enough to know that there are more


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A kind of thing that waits for whoever has one of the `rights`: to do something about it, not just to see it.

    `rows` takes the reader and the instant: nobody's own proposal is among them. `since` is a column or an expression:
    when a row began to wait or, where it is `due`, by when it is to be dealt with. Where no index knows that, `order`
    is a column of about the same order that one does. `sentence` is an ngettext_lazy on "n", with %(count)s and, where
    it fits many models, %(what)s; `title` names the rows in their list. They are found there, or on a page of their own
    (`url_name`).
    """

    key: str
    model: type[Model]
    rights: tuple[str, ...]
    title: str | Promise
    sentence: Any
    rows: Callable[[Any, datetime], QuerySet]
    since: Any
    order: str = ""
    due: bool = False
    urgent: bool = False
    url_name: str = ""

    def is_for(self, user: Any) -> bool:
        return any(user.has_perm(right) for right in self.rights)

    @property
    def url(self) -> str:
        if self.url_name:
            return reverse(self.url_name)
        options = self.model._meta
        return f"{reverse(f'admin:{options.app_label}_{options.model_name}_changelist')}?work={self.key}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows of a kind wait, counted to `MOST`, and since or until when the first of them."""

    work: Work
    count: int
    first: datetime | None
    late: bool

    @property
    def sentence(self) -> str:
        options = self.work.model._meta
        count = number_format(min(self.count, MOST), force_grouping=True)
        what = options.verbose_name if self.count == 1 else options.verbose_name_plural
        said = _("more than %(count)s") % {"count": count} if self.count > MOST else count
        return str(self.work.sentence % {"n": self.count, "count": said, "what": what})


_registered: list[Work] = []


def register(*works: Work) -> None:
    _registered.extend(works)


def of(model: type[Model]) -> list[Work]:
    """What may wait among a model's rows."""
    return [work for work in _registered if work.model is model]


def to_approve(model: type[Model], since: Any, due: bool) -> Work:
    """The proposals among a model's rows that may be the reader's to approve (`lefi.foureyes`)."""
    return Work(
        key="approve",
        model=model,
        rights=(),
        title=gettext_lazy("to approve"),
        sentence=ngettext_lazy(
            "%(count)s proposal waits for your approval: %(what)s.",
            "%(count)s proposals wait for your approval: %(what)s.",
            "n",
        ),
        rows=lambda user, at: model._default_manager.to_approve(user),  # type: ignore[attr-defined]
        since=since,
        due=due,
    )


def waiting(works: Sequence[Work], *, user: Any, at: datetime) -> list[Waiting]:
    """What waits for a reader of some kinds of work, the late and the urgent first. One query."""
    if not works:
        return []
    first, *others = (_counted(place, work, user, at) for place, work in enumerate(works))
    rows = first.union(*others, all=True) if others else first
    found = [
        Waiting(works[place], count, when, _is_late(works[place], when, at)) for place, count, when in rows if count
    ]
    return sorted(found, key=lambda one: (not one.late, not one.work.urgent, one.first or at))


def _counted(place: int, work: Work, user: Any, at: datetime) -> QuerySet:
    """How many rows wait and the first instant among them, of those that have waited longest."""
    rows = work.rows(user, at)
    oldest = rows.order_by(work.order or work.since).values("pk")[: MOST + 1]
    when = Min(Cast(work.since, DateTimeField()))
    counted = rows.filter(pk__in=oldest).order_by().values(place=Value(place, output_field=IntegerField()))
    return counted.annotate(count=Count("pk"), first=when).values_list("place", "count", "first")


def _is_late(work: Work, when: datetime | None, at: datetime) -> bool:
    return work.due and when is not None and when < at
