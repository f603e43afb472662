"""The nights and the customers as pictures, each with its table: some on the start page, all on a page of their own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name
from deliveries import nights
from deliveries.nights import Behind, NightFigures, Volume
from lefi.charts import Figure, Value, bar, columns, spark
from lefi.paging import grouped

RIGHT = "deliveries.view_run"
NIGHTS = 30
FIRST = 5  # customers on the start page
# Units for how long nights take: the longest that is not too long, its seconds, and its name.
UNITS: tuple[tuple[timedelta, int, Promise], ...] = (
    (timedelta(minutes=3), 1, _("seconds")),
    (timedelta(hours=3), 60, _("minutes")),
    (timedelta.max, 3600, _("hours")),
)


def page(request: HttpRequest) -> HttpResponse:
    """All the pictures, with their tables open."""
    if not request.user.has_perm(RIGHT):  # type: ignore[union-attr]
        raise PermissionDenied
    seen = nights.latest(NIGHTS)
    context = {
        **admin.site.each_context(request),
        "title": _("Figures"),
        "figures": [persons(seen), streams(seen), lengths(seen), volumes(seen, nights.volume(seen))],
    }
    if request.user.has_perm("deliveries.view_delivery"):  # type: ignore[union-attr]
        context["figures"].append(waiting(nights.behind(), timezone.now()))
    return TemplateResponse(request, "admin/figures.html", context)


def persons(seen: Sequence[NightFigures]) -> Figure:
    values = [_value(one, one.persons, ngettext("%(count)s person", "%(count)s persons", one.persons)) for one in seen]
    return Figure(
        key="persons",
        title=_("Persons in the deliveries of each night"),
        summary=_said(values),
        chart=columns(values),
        heads=[_("Night"), _("Persons"), _("Items")],
        rows=[[_night(one), _n(one.persons), _n(one.items)] for one in seen],
    )


def streams(seen: Sequence[NightFigures]) -> Figure:
    words = (ngettext("%(count)s delivery", "%(count)s deliveries", one.released) for one in seen)
    values = [_value(one, one.released, text, marked=bool(one.missed)) for one, text in zip(seen, words, strict=True)]
    return Figure(
        key="streams",
        title=_("Deliveries of each night; those marked lack some"),
        summary=_said(values),
        chart=columns(values),
        heads=[_("Night"), _("Deliveries"), _("Streams that failed or were carried over")],
        rows=[[_night(one), _n(one.released), _n(one.missed)] for one in seen],
    )


def lengths(seen: Sequence[NightFigures]) -> Figure:
    """How long each night took, in a unit that fits the longest, and the deadline where it is near."""
    taken = [one.length for one in seen if one.length is not None]
    longest = max(taken, default=timedelta())
    seconds, name = next((seconds, name) for limit, seconds, name in UNITS if longest < limit)
    values = [
        Value(_short(one), one.length.total_seconds() / seconds if one.length else None, _long(one), one.late)
        for one in seen
    ]
    allowed = min((one.allowed for one in seen), default=timedelta()).total_seconds() / seconds
    return Figure(
        key="lengths",
        title=_("How long each night took, in %(unit)s") % {"unit": name},
        summary=_said(values),
        chart=columns(values, limit=allowed),
        heads=[_("Night"), _("Took"), _("May take"), _("Ended by its deadline")],
        rows=[[_night(one), spell(one.length), spell(one.allowed), _("no") if one.late else _("yes")] for one in seen],
    )


def volumes(seen: Sequence[NightFigures], found: Sequence[Volume]) -> Figure:
    """A row of small columns for each benefit; the numbers of every night stand in a table below it."""
    rows = []
    for one in found:
        numbers = list(zip(seen, one.nights, strict=True))
        made = spark([Value("", count, f"{night.day}: {_n(count)}") for night, count in numbers])
        last, most = one.nights[-1], max(one.nights)
        rows.append([benefit_name(one.benefit), made, _n(last), _n(most), _n(one.total)])
    return Figure(
        key="volumes",
        title=_("Watches with news each night, by benefit"),
        summary="",
        chart=None,
        heads=[_("Benefit"), _("Night by night"), _("Last night"), _("Most"), _("In all")],
        rows=rows,
        every_heads=[_("Night"), *(benefit_name(one.benefit) for one in found)],
        every=[[_night(night), *(_n(one.nights[i]) for one in found)] for i, night in enumerate(seen)],
    )


def waiting(found: Sequence[Behind], at: Any) -> Figure:
    """A bar for each customer that has not fetched what waits for it."""
    most = max((one.waiting for one in found), default=0)
    return Figure(
        key="waiting",
        title=_("Deliveries that wait to be fetched, by customer"),
        summary="",
        chart=None,
        heads=[_("Customer"), "", _("How many"), _("Longest")],
        rows=[
            [
                _customer(one),
                bar(one.waiting, most, _n(one.waiting)),
                _n(one.waiting),
                timesince(one.since, at, depth=1),
            ]
            for one in found
        ],
    )


def spell(length: timedelta | None) -> str:
    """A length of time in hours and minutes; in seconds where it is short."""
    if length is None:
        return "–"
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    if minutes < 3:
        return gettext("%(seconds)s s") % {"seconds": minutes * 60 + seconds}
    hours, minutes = divmod(minutes, 60)
    return gettext("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes} if hours else f"{minutes} min"


def _value(night: NightFigures, count: int, words: str, *, marked: bool = False) -> Value:
    return Value(_short(night), count, f"{night.day}: {words % {'count': _n(count)}}", marked)


def _short(night: NightFigures) -> str:
    return f"{night.day.day}/{night.day.month}"


def _long(night: NightFigures) -> str:
    said = f"{night.day}: {spell(night.length)}"
    return gettext("%(night)s, ended by its deadline") % {"night": said} if night.late else said


def _night(night: NightFigures) -> str:
    url = reverse("admin:deliveries_run_change", args=[night.run])
    return format_html('<a href="{}">{}</a>', url, date_format(night.day))


def _customer(one: Behind) -> str:
    url = reverse("admin:deliveries_delivery_changelist")
    query = f"stream__agreement__customer={one.customer}&first_fetched_at__isempty=1&recalled_at__isempty=1"
    return format_html('<a href="{}?{}">{}</a>', url, query, one.name)


def _said(values: Sequence[Value]) -> str:
    """The last and the highest, in a sentence."""
    known = [one for one in values if one.number is not None]
    if not known:
        return ""
    highest = max(known, key=lambda one: one.number or 0)
    return gettext("Last: %(last)s. Most: %(most)s.") % {"last": known[-1].text, "most": highest.text}


def _n(number: int) -> str:
    return grouped(number)
