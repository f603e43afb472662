"""What is unusual in the log of a month's reads: plain rules, whose thresholds are settings (FOLLOW_UP).

Each rule is one question to the database, over the month alone by the log's index on time. That a rule finds something
says that somebody should look, and not that anybody did wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, ExtractHour, ExtractIsoWeekDay, TruncDate

from benefits.models import PersonFacts, Protection
from lefi.audit.followup import Found, begins, freeze, months_to_look_through, next_month
from lefi.audit.models import LOOKS, Action, AuditEvent, Finding, FollowUp
from lefi.audit.words import NUMBER_SHOWN
from subscriptions.models import Member, Order, Watch
from subscriptions.models.orders import with_opener

Rule = Finding.Rule
SATURDAY = 6
MOST_AT_ONCE = 5_000  # ids in one question
NUMBER_BY_NUMBER = Q(reason__in=NUMBER_SHOWN)


@dataclass(frozen=True, slots=True)
class Month:
    """The month that is looked through, and by which thresholds."""

    first: date
    limits: Mapping[str, int]

    @property
    def until(self) -> datetime:
        return begins(next_month(self.first))

    def events(self, *actions: str) -> QuerySet[AuditEvent]:
        """What people did in the month, of these kinds."""
        in_time = AuditEvent.objects.filter(at__gte=begins(self.first), at__lt=self.until, action__in=actions)
        return in_time.filter(actor__isnull=False).order_by()

    def reads(self) -> QuerySet[AuditEvent]:
        """The reads about a person."""
        return self.events(Action.READ).filter(person_id__isnull=False)


def look_through_the_log(*, at: datetime, day: date) -> list[FollowUp]:
    """Look through each month that is over and that nobody has looked through, the oldest first."""
    return [look_through(month=month, at=at) for month in months_to_look_through(day)]


def look_through(*, month: date, at: datetime) -> FollowUp:
    """Apply every rule to a month and keep what is found. A month that has been looked through stays as it is."""
    asked = Month(month, settings.FOLLOW_UP)
    found = [one for rule in RULES for one in rule(asked)]
    return freeze(month=month, found=found, thresholds=asked.limits, at=at)


def _counted(reads: QuerySet[AuditEvent], *by: str) -> QuerySet[Any, dict[str, Any]]:
    return reads.values("actor", *by).annotate(persons=Count("person_id", distinct=True), reads=Count("pk"))


def _found(rule: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Found]:
    for row in rows:
        yield Found(
            rule=rule, reader=row["actor"], persons=row["persons"], reads=row["reads"], person=row.get("person_id")
        )


def many_in_a_day(month: Month) -> Iterator[Found]:
    """Many more persons in a day than the reader's own usual day in the months before."""
    daily = _counted(month.reads().annotate(day=TruncDate("at")), "day")
    rows = list(daily.filter(persons__gte=month.limits["many_persons"]))
    usual = _usual(month, {row["actor"] for row in rows})
    for row in rows:
        own = usual.get(row["actor"])
        if own is None or row["persons"] > own * month.limits["many_times"]:
            yield Found(
                rule=Rule.MANY,
                reader=row["actor"],
                persons=row["persons"],
                reads=row["reads"],
                day=row["day"],
                usual=own,
            )


def _usual(month: Month, readers: set[int]) -> dict[int, int]:
    """About how many persons each reader read on a day when any was read, before the month."""
    first = begins(month.first)
    since = first - timedelta(days=month.limits["usual_days"])
    before = AuditEvent.objects.filter(at__gte=since, at__lt=first, action=Action.READ, actor__in=readers)
    before = before.filter(person_id__isnull=False).order_by().annotate(day=TruncDate("at"))
    days = defaultdict[int, list[int]](list)
    for row in _counted(before, "day"):
        days[row["actor"]].append(row["persons"])
    enough = {reader: counts for reader, counts in days.items() if len(counts) >= month.limits["usual_least_days"]}
    return {reader: round(sum(counts) / len(counts)) for reader, counts in enough.items()}


def odd_hours(month: Month) -> Iterator[Found]:
    """At night, on a Saturday or a Sunday."""
    timed = month.reads().annotate(hour=ExtractHour("at"), weekday=ExtractIsoWeekDay("at"))
    night = Q(hour__gte=month.limits["night_from"]) | Q(hour__lt=month.limits["night_to"])
    odd = timed.filter(night | Q(weekday__gte=SATURDAY))
    return _found(Rule.ODD_HOURS, _counted(odd).filter(persons__gte=month.limits["odd_persons"]))


def same_person(month: Month) -> Iterator[Found]:
    """One person, on many days."""
    rows = _counted(month.reads(), "person_id").annotate(days=Count(TruncDate("at"), distinct=True))
    return _found(Rule.SAME_PERSON, rows.filter(days__gte=month.limits["same_days"]))


def namesakes(month: Month) -> Iterator[Found]:
    """A person with the name of the reader or of a colleague: numbers of those who log in are not known here."""
    houses = _houses()
    names = defaultdict[str, set[int]](set)
    for user in get_user_model().objects.exclude(last_name="").only("pk", "first_name", "last_name"):
        names[_name(user.get_full_name())].add(user.pk)
    read = PersonFacts.objects.live().filter(person__in=month.reads().values("person_id"))
    named = {
        person: names[_name(name)]
        for person, name in read.values_list("person_id", "name").iterator()
        if _name(name) in names
    }
    for persons in _batches(list(named)):
        for row in _counted(month.reads().filter(person_id__in=persons), "person_id"):
            if any(houses[row["actor"]] & houses[user] for user in named[row["person_id"]]):
                yield from _found(Rule.NAMESAKE, [row])


def _houses() -> dict[int, set[int]]:
    """Where each of those who log in works: 0 for the staff, else the ids of customers."""
    houses = defaultdict[int, set[int]](set)
    for user, customer in Member.objects.values_list("user_id", "customer_id"):
        houses[user].add(customer)
    for user in get_user_model().objects.filter(is_staff=True).values_list("pk", flat=True):
        houses[user].add(0)
    return houses


def _name(name: str) -> str:
    return " ".join(name.casefold().split())


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), MOST_AT_ONCE):
        yield ids[start : start + MOST_AT_ONCE]


def misses(month: Month) -> Iterator[Found]:
    """Searches that found nobody."""
    missed = month.events(Action.SEARCH).filter(Q(details__found=False) | Q(details__found=0))
    return _found(Rule.MISSES, _counted(missed).filter(reads__gte=month.limits["misses"]))


def protected(month: Month) -> Iterator[Found]:
    """Persons with protected identity: each reader of any, tries that were withheld among them."""
    facts = PersonFacts.objects.live().filter(person=OuterRef("person_id")).exclude(protection=Protection.NONE)
    read = month.reads().filter(Exists(facts) | Q(details__withheld=True))
    return _found(Rule.PROTECTED, _counted(read).filter(persons__gte=month.limits["protected_persons"]))


def unwatched(month: Month) -> Iterator[Found]:
    """Persons whom no customer has ordered, and about whom the reader did nothing else by the end of the month."""
    watched = Watch.objects.filter(person=OuterRef("person_id"), opened_at__lt=month.until)
    later = AuditEvent.objects.filter(
        actor=OuterRef("actor"), person_id=OuterRef("person_id"), at__gte=OuterRef("at"), at__lt=month.until
    ).exclude(action__in=LOOKS)
    rows = _counted(month.reads().filter(~Exists(watched), ~Exists(later)))
    return _found(Rule.UNWATCHED, rows.filter(persons__gte=month.limits["unwatched_persons"]))


def others(month: Month) -> Iterator[Found]:
    """A customer's member: persons on whom that customer's people have ordered watches, and never this member."""
    orderer = Order.objects.filter(pk=OuterRef("opened_in")).values("ordered_by")[:1]
    watches = Watch.objects.filter(
        person=OuterRef("person_id"), stream__agreement__customer__members__user=OuterRef("actor")
    )
    theirs = with_opener(watches).annotate(orderer=Subquery(orderer))
    by_others = theirs.filter(orderer__isnull=False).exclude(orderer=OuterRef("actor"))
    read = month.reads().filter(Exists(by_others), ~Exists(theirs.filter(orderer=OuterRef("actor"))))
    return _found(Rule.OTHERS, _counted(read).filter(persons__gte=month.limits["others_persons"]))


def whole_numbers(month: Month) -> Iterator[Found]:
    """Identity numbers that were asked for one by one, or whole."""
    asked = month.reads().filter(NUMBER_BY_NUMBER | Q(details__numbers="whole"))
    return _found(Rule.NUMBERS, _counted(asked).filter(persons__gte=month.limits["numbers"]))


def files(month: Month) -> Iterator[Found]:
    """Lines in the files that a person took in a day, one for each person of a delivery; a file taken twice is two."""
    taken = month.events(Action.FETCH).filter(details__has_key="lines").annotate(day=TruncDate("at"))
    lines = Sum(Cast(KT("details__lines"), IntegerField()))
    rows = taken.values("actor", "day").annotate(persons=lines, reads=Count("pk"))
    for row in rows.filter(persons__gte=month.limits["file_lines"]):
        yield Found(rule=Rule.FILES, reader=row["actor"], persons=row["persons"], reads=row["reads"], day=row["day"])


RULES: tuple[Callable[[Month], Iterable[Found]], ...] = (
    many_in_a_day,
    odd_hours,
    same_person,
    namesakes,
    misses,
    protected,
    unwatched,
    others,
    whole_numbers,
    files,
)
