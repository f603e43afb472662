"""A small world for histories: a few persons, three customers with a stream each, the law they rest on, and a clock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from django.utils import timezone

from benefits.models import PersonNumber
from deliveries import runs
from deliveries.models import Run
from subscriptions.models import Agreement, LegalBasis, Order, OrderLine, Pending, Scope, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import place_order
from tests.factories import (
    CLASSES,
    AgreementFactory,
    CustomerFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    ScopeFactory,
    StreamFactory,
)
from tests.histories.sources import AP, FP, GEPI, SJP, Sources

BENEFITS = [SJP, FP, GEPI, AP]
WIDE = [*CLASSES, "address"]
NARROW = ["benefit", "period", "extent"]  # not who the person is: the customer keeps the number it ordered by
PLAIN, ASKED = "TEST-VID", "TEST-SAMT"  # a basis that needs nothing, and one that needs consent
FIRST_DAY = date(2026, 1, 5)


class World:
    """Everything that a history acts on. `now` is the only clock; days only go forward."""

    def __init__(self, folder: Path, persons: int = 8) -> None:
        self.sources = Sources(folder, persons)
        self.day = FIRST_DAY
        self.now = self._at(12)
        self._clock = mock.patch("django.utils.timezone.now", lambda: self.now)
        self._clock.start()
        self._waiting = mock.patch.object(runs, "time", SimpleNamespace(sleep=self._wait))
        self._waiting.start()
        for code, needed in ((PLAIN, False), (ASKED, True)):
            LegalBasisFactory(code=code, classes=WIDE, owners=["FK", "PM"], consent_needed=needed)
            OwnerApprovalFactory(owner="PM", basis_code=code, benefit=AP)
        self.streams = [
            self._stream(PLAIN, WIDE),
            self._stream(ASKED, WIDE),
            self._stream(PLAIN, NARROW),
        ]

    def close(self) -> None:
        self._waiting.stop()
        self._clock.stop()

    def _wait(self, seconds: float) -> None:
        """A run that waits for another worker's lease lets the clock go on, a minute for each look."""
        self.now += timedelta(minutes=1)

    def _at(self, hour: int) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, hour, tzinfo=timezone.get_default_timezone())

    def _stream(self, basis: str, classes: list[str]) -> Stream:
        agreement = AgreementFactory(customer=CustomerFactory())
        return self._scoped(agreement, basis, classes)

    def _scoped(self, agreement: Agreement, basis: str, classes: list[str]) -> Stream:
        scope = ScopeFactory(
            agreement=agreement,
            basis=LegalBasis.objects.filter(code=basis).latest("version"),
            benefits=BENEFITS,
            classes=classes,
        )
        return StreamFactory(agreement=agreement, purpose=scope.purpose)

    def renew(self, place: int) -> None:
        """A new agreement for a customer whose agreement has ended, with a new stream."""
        old = self.streams[place]
        scope = Scope.objects.filter(agreement=old.agreement).latest("version")
        agreement = AgreementFactory(customer=old.agreement.customer, valid_from=self.day)
        self.streams[place] = self._scoped(agreement, scope.basis_code, scope.classes)

    def order(self, stream: Stream, kind: str, number: str, benefit: str, start: date = date(2025, 6, 1)) -> list[str]:
        """Order one watch in the portal; return the answers."""
        return self.order_lines(stream, [Line(kind, number, benefit, start, "A1", "B1")])

    def order_lines(self, stream: Stream, lines: list[Line]) -> list[str]:
        order = place_order(stream=stream, channel=Order.Channel.PORTAL, lines=lines, at=self.now)
        return list(OrderLine.objects.filter(order=order).values_list("answer", flat=True))

    def watch(self, stream: Stream, person: int = 0, benefit: str = SJP, start: date = date(2025, 6, 1)) -> Watch:
        """Open a watch on a person by the number that the person has now."""
        self.order(stream, OrderKind.NEW, self.sources.people[person].number, benefit, start)
        return Watch.objects.open().latest("pk")

    def owe(self, streams: Sequence[Stream], persons: int, benefits: Sequence[str]) -> None:
        """Watches on so many persons for each benefit, in each stream, as orders open them."""
        people = PersonNumber.objects.order_by("person")[:persons]
        watches = Watch.objects.bulk_create(
            Watch(
                stream=stream,
                person_id=one.person_id,
                ordered_number=one.number,
                benefit=benefit,
                from_date=FIRST_DAY.replace(year=2025),
                opened_at=self.now,
            )
            for stream in streams
            for one in people
            for benefit in benefits
        )
        Pending.objects.bulk_create(Pending(watch=one, reason=Pending.Reason.FIRST, since=self.now) for one in watches)

    def scope(self, stream: Stream, **changes) -> Scope:
        """A new version of what a stream's agreement covers."""
        last = Scope.objects.filter(agreement=stream.agreement).latest("version")
        values = {"benefits": last.benefits, "classes": last.classes, "basis_code": last.basis_code} | changes
        return Scope.objects.create(
            agreement=stream.agreement,
            purpose=last.purpose,
            version=last.version + 1,
            approved_at=self.now,
            **values,
        )

    def basis(self, code: str, **changes) -> LegalBasis:
        """A new version of a basis, in force from today."""
        row = LegalBasis.objects.filter(code=code).latest("version")
        row.pk, row._state.adding = None, True
        row.version, row.valid_from = row.version + 1, self.day
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()
        return row

    def start_night(self, *, dry_run: bool = False) -> Run:
        self.now = max(self.now, self._at(22))
        return runs.start_night(day=self.day, at=self.now, dry_run=dry_run)

    def night(self, *, dry_run: bool = False) -> Run:
        """The nightly run of today; then it is noon of the next day."""
        run = runs.perform(self.start_night(dry_run=dry_run))
        self.next_day()
        return run

    def start_on_demand(self) -> Run:
        self.now += timedelta(minutes=1)
        return runs.start_run(
            kind=Run.Kind.ON_DEMAND,
            day=self.day,
            planned_for=self.now,
            deadline=self.now + timedelta(hours=1),
            at=self.now,
        )

    def on_demand(self) -> Run:
        return runs.perform(self.start_on_demand())

    def next_day(self, days: int = 1) -> None:
        self.day += timedelta(days=days)
        self.now = self._at(12)


@contextmanager
def world(folder: Path, persons: int = 8) -> Iterator[World]:
    made = World(folder, persons)
    try:
        yield made
    finally:
        made.close()
