"""A person's benefit periods as a picture, and below them what each customer was told when."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name, section_name
from benefits.models import BenefitPeriod
from benefits.timeline import Point, Span, Timeline, draw
from deliveries.models import Disclosure, SpontaneousDisclosure
from subscriptions.answers import sentence
from subscriptions.models import Watch

# How much of the time is shown, before and after the day.
SPANS: dict[str, tuple[Promise, tuple[timedelta, timedelta] | None]] = {
    "months": (_("Last two months"), (timedelta(days=61), timedelta(days=14))),
    "year": (_("Last year"), (timedelta(days=365), timedelta(days=120))),
    "whole": (_("All the time"), None),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What is drawn of a person."""

    periods: Sequence[BenefitPeriod]
    watches: Sequence[Watch]
    disclosures: Sequence[Disclosure]
    unasked: Sequence[SpontaneousDisclosure]


def timeline(seen: Seen, *, on: date, span: str) -> tuple[str, Timeline | None]:
    """The picture of a span of time, with the span's key; where there is nothing in it, that of all the time."""
    near = SPANS.get(span, SPANS["year"])[1]
    found = _drawn(seen, on, near) if near else None
    return (span if span in SPANS else "year", found) if found else ("whole", _drawn(seen, on, None))


def _drawn(seen: Seen, on: date, near: tuple[timedelta, timedelta] | None) -> Timeline | None:
    return draw(
        [_period(one) for one in seen.periods],
        on=on,
        watched=[_watched(one, on) for one in seen.watches],
        points=[*_told(seen.disclosures), *_unasked(seen.unasked)],
        window=(on - near[0], on + near[1]) if near else None,
    )


def _period(period: BenefitPeriod) -> Span:
    name = section_name(period.section)
    return Span(
        lane=name,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        text=f"{name} {period.starts_on or ''} – {period.ends_on or ''}",
        live=period.withdrawn_in is None,
    )


def _watched(watch: Watch, on: date) -> Span:
    customer = watch.stream.agreement.customer
    opened = timezone.localdate(watch.opened_at)
    ended = timezone.localdate(watch.ended_at) if watch.ended_at else None
    words = gettext("%(customer)s watches %(benefit)s") % {
        "customer": customer,
        "benefit": benefit_name(watch.benefit),
    }
    return Span(
        lane=str(customer),
        starts_on=opened,
        ends_on=ended or on,
        text=f"{words} {opened} – {ended or ''}",
        live=watch.ended_at is None,
    )


def _told(disclosures: Iterable[Disclosure]) -> Iterator[Point]:
    """A recalled delivery told nothing: nobody had fetched it."""
    for one in disclosures:
        if one.delivery.recalled_at is None:
            on = timezone.localdate(one.delivery.released_at)
            outcome = f"{one.get_outcome_display()}" + (f": {sentence(one.reason)}" if one.reason else "")
            yield Point(
                lane=str(one.customer),
                on=on,
                text=f"{on} {benefit_name(one.watch.benefit)}, {outcome}",
                told=one.outcome == Disclosure.Outcome.SENT,
                url=reverse("admin:deliveries_delivery_change", args=[one.delivery_id]),
            )


def _unasked(disclosures: Iterable[SpontaneousDisclosure]) -> Iterator[Point]:
    for one in disclosures:
        if one.approved_at is not None:
            on, words = timezone.localdate(one.approved_at), gettext("told unasked")
            yield Point(
                lane=str(one.customer),
                on=on,
                text=f"{on} {benefit_name(one.benefit)}, {words}",
                told=True,
                url=reverse("admin:deliveries_spontaneousdisclosure_change", args=[one.pk]),
            )
