"""The story: a population, first orders and a first run, then a week of nights, each with a day before it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from benefits.models import Person
from benefits.services import ensure_persons, import_file
from benefits.synthetic import Register, Written, start, write_night, write_payday, write_population
from deliveries import lags, runs
from deliveries.demo import brake, desk, late, orders, reads
from deliveries.demo.cast import ORGANISATIONS, PORTAL, Organisation, Part
from deliveries.demo.clock import clock, moment
from deliveries.demo.orders import NO_PERSON, Wish, new_watches
from deliveries.demo.setting import Secret, make_setting
from deliveries.models import Delivery, Run
from deliveries.services import FetchRefused, acknowledge, fetch, recall_what_may_no_longer_be_told
from subscriptions.models import Consent, Order, Scope, Stream
from subscriptions.models.orders import OrderKind

Say = Callable[[str], None]
CAST = 280  # the register's first persons: each has a part in one of the first seven nights
LATER = 10  # one of so many of a customer's persons is watched only as the week goes on
WITH_CONSENT = "INS-SKADE"
LATE = 60  # persons for the orders that come last


@dataclass(slots=True)
class Story:
    """Tells itself from the day of the population, night after night, into the database that is set."""

    persons: int
    nights: int
    folder: Path
    say: Say
    register: Register = field(init=False)

    def __post_init__(self) -> None:
        day = timezone.localdate() - timedelta(days=self.nights + 1)
        self.register = Register(self.persons, day=day)

    def tell(self) -> list[Secret]:
        """Tell the whole of it, and return what people and systems log in with."""
        day = self.register.day
        with clock(moment(day, 8)) as at:
            self._import(write_population(self.register, self.folder))
            logins = make_setting(day, at)
        self.say(f"{len(ORGANISATIONS)} customers with agreements in force, {len(logins)} logins")
        with clock(moment(day, 10)) as at:
            self._first_orders(at)
        self._run(day)
        for night in range(1, self.nights + 1):
            self._day_and_night(day + timedelta(days=night), night)
        with clock(moment(day + timedelta(days=self.nights), 23)) as at:
            self._late_orders(at)
            desk.tell(at)
            desk.look_for_debt(at)
            self.say(f"{reads.look_back(at)} unusual readings in the log of last month, to sign off")
        return logins

    def _day_and_night(self, day: date, night: int) -> None:
        with clock(moment(day, 6, 30)) as at:
            fetched = self._collect(night, at)
            lags.watch_lags(at)
        with clock(moment(day, 14)) as at:
            answered = self._orders_of_the_day(night, at)
        with clock(moment(day, 18)) as at:
            self._import(write_night(self.register, night, self.folder))
            if night == self.nights:
                self._import([write_payday(self.register, night, self.folder)])
            recalled = recall_what_may_no_longer_be_told(at)
        self.say(f"{day}: {_words(fetched)}; orders: {_words(answered)}; {recalled} deliveries recalled")
        with brake.for_few(self.persons) if night == self.nights else nullcontext():
            self._run(day)

    def _import(self, files: list[Written]) -> None:
        for written in files:
            imported = import_file(manifest_path=written.manifest, at=timezone.now())
            self.say(f"import {imported.number} from {imported.source}: {written.lines} persons, {imported.state}")

    def _run(self, day: date) -> Run:
        with clock(moment(day, 22)) as at:
            run = runs.perform(runs.start_night(day=day, at=at))
        told = {name: run.counts.get(name, 0) for name in ("complete", "changed", "ended", "frozen")}
        told |= {f"held of {one.benefit}": one.watches for one in run.held_slices.all()}
        self.say(f"night of {day}: {run.counts.get('released', 0)} deliveries; watches: {_words(told)}")
        return run

    def _first_orders(self, at: datetime) -> None:
        for place, (one, part, streams) in enumerate(_parts()):
            numbers, _ = self._persons(place, part)
            if part.basis == WITH_CONSENT:
                _consent(streams[0], numbers[:-5], at)
            for offset, stream in enumerate(streams):
                wishes = new_watches(numbers[offset :: len(streams)], part.benefits, at.date())
                wishes.append(Wish(OrderKind.NEW, NO_PERSON, part.benefits[:1], at.date(), "1"))
                order = orders.place(stream, one, wishes, at, ordered_by=_worker(stream))
                self.say(f"order of {one.name}, {stream.purpose}, {stream.channel}: {_words(_answers(order))}")

    def _persons(self, place: int, part: Part) -> tuple[list[str], list[str]]:
        """Whom the customer in this place watches at first, and whom later: half of the cast, and some of the many."""
        chosen = (
            index
            for index in range(self.persons)
            if (index % 2 == place % 2 if index < CAST else index % (len(ORGANISATIONS) + 1) == place)
        )
        numbers = [start(self.register, index).number for index in list(chosen)[:: part.share]]
        first = len(numbers) - len(numbers) // LATER
        return numbers[:first], numbers[first:]

    def _collect(self, night: int, at: datetime) -> Counter[str]:
        """The morning: systems and people fetch what the night before left, as diligently as they are."""
        counts: Counter[str] = Counter()
        for one, part, streams in _parts():
            if night > min(one.fetches, part.fetches):
                continue
            new = Delivery.objects.standing().filter(stream__in=streams, first_fetched_at=None)
            for delivery in new.order_by("stream", "number"):
                counts[_take(delivery, at, one, acknowledges=night <= one.acknowledges)] += 1
        return counts

    def _orders_of_the_day(self, night: int, at: datetime) -> Counter[str]:
        counts: Counter[str] = Counter()
        for place, (one, part, streams) in enumerate(_parts()):
            known, later = self._persons(place, part)
            fresh = later[(night - 1) * len(later) // self.nights : night * len(later) // self.nights]
            if part.basis == WITH_CONSENT:
                _withdraw(streams[0], at)
                _consent(streams[0], fresh, at)
            wishes = list(_wishes(known, fresh, part, night, at.date()))
            order = orders.place(streams[0], one, wishes, at, ordered_by=_worker(streams[0]))
            counts += _answers(order)
        return counts

    def _late_orders(self, at: datetime) -> None:
        """After the last run: the watches that they open wait for the next, and some orders wait for somebody."""
        place, (one, part, streams) = next(row for row in enumerate(_parts()) if PORTAL in row[1][1].channels)
        known, later = self._persons(place, part)
        strangers = [start(self.register, index).number for index in range(self.persons)]
        strangers = [one for one in strangers if one not in {*known, *later}][-LATE:]
        scene = late.Scene(streams[0], one, part.benefits, known, strangers, at)
        for order in late.orders(scene):
            self.say(f"order of {one.name}, {order.status}: {order.refusal or _words(order.counts)}")
        compared = late.send_list(scene)
        self.say(f"list of watches of {one.name}: {_words(compared.counts)}")
        desk.fill(streams[0], known[0], at)


def _parts() -> Iterator[tuple[Organisation, Part, list[Stream]]]:
    """Each part of each customer's subscription, with its streams: the portal's before the system's."""
    for one in ORGANISATIONS:
        for part in one.parts:
            purpose = Scope.objects.get(agreement__code=f"{one.code}-1", basis_code=part.basis).purpose
            streams = Stream.objects.filter(agreement__code=f"{one.code}-1", purpose=purpose)
            yield one, part, list(streams.select_related("agreement__customer").order_by("-channel"))


def _worker(stream: Stream) -> Any:
    users = get_user_model().objects
    return users.get(username="handlaggare") if stream.channel == PORTAL else None


def _wishes(known: list[str], fresh: list[str], part: Part, night: int, day: date) -> Iterator[Wish]:
    """A day's order: new persons, some cancelled, some wanted whole once more, and one that is not watched."""
    yield from new_watches(fresh, part.benefits, day)
    for number in known[5 * night : 5 * night + 2]:
        yield Wish(OrderKind.CANCEL, number, part.benefits)
    for number in known[-5 * night : -5 * night + 2]:
        yield Wish(OrderKind.REFRESH, number, part.benefits[:1])
    yield Wish(OrderKind.CANCEL, NO_PERSON, part.benefits[:1])


def _answers(order: Order) -> Counter[str]:
    return Counter(order.lines.values_list("answer", flat=True))


def _take(delivery: Delivery, at: datetime, organisation: Organisation, *, acknowledges: bool) -> str:
    user = _worker(delivery.stream)
    try:
        fetch(delivery=delivery, at=at, user=user, client="" if user else organisation.code.lower())
    except FetchRefused as refusal:
        return f"refused {refusal.code}"
    if not acknowledges:
        return "fetched only"
    acknowledge(delivery=delivery, sha256=delivery.sha256, at=at + timedelta(minutes=2))
    return "acknowledged"


def _consent(stream: Stream, numbers: list[str], at: datetime) -> None:
    """The consents that insured persons have given; every sixth runs out within the week."""
    scope = stream.agreement.scopes.get(purpose=stream.purpose)
    ensure_persons(numbers)
    day = at.date()
    Consent.objects.bulk_create(
        Consent(
            customer=stream.agreement.customer,
            person=Person.objects.holding(number).get(),
            purpose=stream.purpose,
            benefits=scope.benefits,
            classes=scope.classes,
            valid_from=day - timedelta(days=90),
            valid_to=day + timedelta(days=4) if place % 6 == 0 else None,
            given_on=day - timedelta(days=90),
            evidence=f"Fullmakt {place + 1}",
        )
        for place, number in enumerate(numbers)
    )


def _withdraw(stream: Stream, at: datetime) -> None:
    """Whoever consented last has second thoughts."""
    given = Consent.objects.filter(customer=stream.agreement.customer, purpose=stream.purpose, withdrawn_at=None)
    second_thoughts = given.filter(valid_to=None).order_by("-pk").first()
    if second_thoughts is not None:
        second_thoughts.withdrawn_at = at
        second_thoughts.save(update_fields=["withdrawn_at"])


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
