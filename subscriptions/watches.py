"""What becomes of watches once they stand: they end, and they follow the persons whom they were ordered for (C8)."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache, partial

from django.db import transaction
from django.utils import timezone

from benefits.apart import no_longer_apart, numbers_apart
from benefits.models import Import
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of


def end_watches(watches, *, at: datetime, reason: str) -> int:
    """End the open ones among the watches, as of the newest import, and return how many. The next delivery says so."""
    return watches.open().update(ended_at=at, end_reason=reason, ended_as_of=Import.objects.last_number())


@transaction.atomic
def follow_persons(*, since: int, at: datetime) -> int:
    """Move each open watch to whoever now holds the number it was ordered by; return how many moved (C8).

    Looks at the numbers that changed hands after import `since`.

    Where that person is watched already for the same benefit in the same stream, the watch with the later from-date
    ends as a duplicate; but where the customer may not learn that the two are one, both go on, each by its number. So
    does one by a number that came to its holder in protection, whether or not another stands by now, until protection
    ends: then the number is the holder's as any other that comes that day, and so is the watch.
    """
    moved = 0
    one_may_be_told = cache(partial(_one_may_be_told, day=timezone.localdate(at)))
    numbers_apart_of = cache(lambda person: numbers_apart([person]))
    for watch, holder in _astray(since):
        alone = watch.by_number or watch.ordered_number in numbers_apart_of(holder)
        other = None if alone else _other(watch, holder)
        apart = other is not None and not one_may_be_told(watch.stream_id, watch.benefit)
        if other is not None and not apart and _end_the_later(watch, other, at) == watch:
            continue
        Watch.objects.filter(pk=watch.pk).update(person=holder, by_number=alone or apart)
        moved += 1
    for watch in _no_longer_apart(since):
        if one_may_be_told(watch.stream_id, watch.benefit):
            other = _other(watch, watch.person_id)
            if other is None or _end_the_later(watch, other, at) != watch:
                Watch.objects.filter(pk=watch.pk).update(by_number=False)
    return moved


def _other(watch: Watch, holder: int) -> Watch | None:
    """The open watch that stands on a person, in the same stream and for the same benefit."""
    same = Watch.objects.open().filter(stream=watch.stream_id, person=holder, benefit=watch.benefit)
    return same.filter(by_number=False).first()


def _end_the_later(one: Watch, other: Watch, at: datetime) -> Watch:
    """End the one of two with the later from-date, as a duplicate, and return it."""
    later = max(one, other, key=lambda watch: (watch.from_date, watch.pk))
    end_watches(Watch.objects.filter(pk=later.pk), at=at, reason=Watch.EndReason.DUPLICATE)
    return later


def _one_may_be_told(stream: int, benefit: str, *, day: date) -> bool:
    """Whether a stream's customer may learn that two numbers are one person's (C8)."""
    law = law_of(Stream.objects.select_related("agreement__customer").get(pk=stream), day)
    return law.tells_numbers(benefit)


def _astray(since: int) -> Iterator[tuple[Watch, int]]:
    """The open watches whose number is held by another person than theirs, with that person's id."""
    candidates = Watch.objects.raw(
        "SELECT w.*, n.person_id AS holder FROM benefits_personnumber n JOIN subscriptions_watch w "
        "ON w.ordered_number = n.number WHERE n.recorded_in > %s AND n.withdrawn_in IS NULL "
        "AND w.ended_at IS NULL AND n.person_id <> w.person_id ORDER BY w.id",
        [since],
    )
    for watch in list(candidates):
        yield watch, watch.holder  # type: ignore[attr-defined]


def _no_longer_apart(since: int) -> list[Watch]:
    """The open watches kept by numbers that came in a protection that has ended."""
    numbers = no_longer_apart(since=since)
    kept = Watch.objects.open().filter(by_number=True, ordered_number__in=numbers).order_by("pk")
    return [watch for watch in kept if numbers[watch.ordered_number] == watch.person_id]
