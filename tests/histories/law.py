"""Rules about who may be told what: orders, agreements, consents, bases, blocks, approvals; also past the services."""

from datetime import timedelta

from django.db.models import QuerySet
from hypothesis import strategies as st

from benefits.models import Import, PersonFacts, Protection
from benefits.services import person_of
from deliveries.runs import stopped_by
from subscriptions.models import (
    Agreement,
    Block,
    Consent,
    Customer,
    LegalBasis,
    OwnerApproval,
    ProtectedRelease,
    Reservation,
    Stream,
    Watch,
)
from subscriptions.models.orders import OrderKind
from subscriptions.orders.lines import Line
from subscriptions.profiles import law_of
from tests.factories import BlockFactory, ConsentFactory, ProtectedReleaseFactory, ReservationFactory
from tests.histories.sources import AP
from tests.histories.steps import ANY, DAYS_AGO, PERSON, REFUSED, STREAM, happens, pick
from tests.histories.world import ASKED, BENEFITS, NARROW, PLAIN, WIDE, World

BENEFIT = st.sampled_from(BENEFITS)
KIND = st.sampled_from([OrderKind.NEW, OrderKind.NEW, OrderKind.CANCEL, OrderKind.REFRESH])
SOME_BENEFITS = st.lists(BENEFIT, min_size=1, max_size=4, unique=True)
BASES = [PLAIN, ASKED]
LASTS = st.integers(0, 3)  # days
BASIS = st.sampled_from(BASES)
CLASSES = st.sampled_from([WIDE, NARROW, [one for one in WIDE if one not in ("amount", "address")], ["identity"]])
INSURER, OTHER_KIND = "forsakringsbolag", "akassa"  # the kind of customer that the bases name, and one they do not
MOST_SHUT = 3  # so many things may stand in the way at a time: more, and nothing would be left to happen


class Law:
    """Each rule changes something on the side of the law."""

    world: World
    future: list[str]

    def live(self) -> list[Stream]:
        """The customers' streams, but for those that are over."""
        streams = Stream.objects.filter(pk__in=[one.pk for one in self.world.streams], closed=False)
        return list(streams.select_related("agreement__customer").order_by("pk"))

    def live_without_consent(self) -> list[Stream]:
        """Those whose basis needs no consent."""
        return [one for one in self.live() if one != self.world.streams[1]]

    def served(self) -> list[Stream]:
        """The streams that a run gives a document, and that may be fetched from."""
        streams = self.live()
        active = [one for one in streams if one.agreement.status == Agreement.Status.ACTIVE]
        active = [one for one in active if one.agreement.customer.active]
        if Block.objects.filter(lifted_at=None).exists() or self.reservations().exists():
            return [one for one in active if not stopped_by(law_of(one, self.world.day))]
        return active

    def customers(self, **values) -> list[Customer]:
        own = [one.agreement.customer_id for one in self.world.streams]
        return list(Customer.objects.filter(pk__in=own, **values).order_by("pk"))

    def bases(self, *, closed: bool) -> list[str]:
        newest = {code: LegalBasis.objects.filter(code=code).latest("version") for code in BASES}
        return [code for code, one in newest.items() if (one.status == LegalBasis.Status.CLOSED) == closed]

    def room(self) -> bool:
        """Whether one thing more may be shut: a basis, a block, an agreement, a customer."""
        live = self.live()
        agreements = [one.agreement for one in live]
        shut = [
            *self.bases(closed=True),
            *self.customers(active=False),
            *self.customers(kind=OTHER_KIND),
            *Block.objects.filter(lifted_at=None),
            *self.reservations(),
            *(one for one in agreements if one.status != Agreement.Status.ACTIVE or one.valid_to),
            *range(len(self.world.streams) - len(live)),
        ]
        return len(shut) < MOST_SHUT

    def reservations(self) -> QuerySet[Reservation]:
        """Those that a customer has not acknowledged."""
        return Reservation.objects.filter(acknowledged_at=None, lifted_at=None).order_by("pk")

    def protected_watches(self) -> QuerySet[Watch]:
        """The open watches on persons with protected identity."""
        facts = PersonFacts.objects.live().exclude(protection=Protection.NONE)
        return self.watches().filter(person__in=facts.values("person"))

    def standing_releases(self) -> QuerySet[ProtectedRelease]:
        """Those in force, or that will be."""
        standing = ProtectedRelease.objects.filter(withdrawn_at=None)
        return standing.exclude(valid_to__lt=self.world.day).order_by("pk")

    def agreements(self, *, active: bool) -> list[Agreement]:
        return [one.agreement for one in self.live() if (one.agreement.status == Agreement.Status.ACTIVE) == active]

    def watches(self) -> QuerySet[Watch]:
        """The open watches of the streams that are not over."""
        return Watch.objects.open().filter(stream__in=self.live()).order_by("pk")

    def consents(self) -> QuerySet[Consent]:
        """Those that hold today or will."""
        return Consent.objects.filter(withdrawn_at=None).exclude(valid_to__lt=self.world.day).order_by("pk")

    def number(self, person: int) -> str:
        """A number of the person: the one now, or an earlier one."""
        one = self.someone(person)
        return [one.number, *one.former][person % (1 + len(one.former))]

    def orders(self, stream: Stream, *lines: Line) -> bool:
        """Whether anything was carried out of an order."""
        answers = self.world.order_lines(stream, list(lines))
        REFUSED.update(answers)
        return bool({"ACCEPTED", "CANCELLED", "REFRESH_ORDERED"} & set(answers))

    @happens(weight=4, when=lambda self: self.live(), place=STREAM, person=PERSON, benefit=BENEFIT, ago=DAYS_AGO)
    def ordered(self, place, person, benefit, ago):
        """By a number of the person's, now or earlier, and of what is not watched yet if there is such a benefit."""
        stream = pick(self.live(), place)
        number, since = self.number(person), self.world.day - timedelta(days=ago)
        watched = set(self.watches().filter(stream=stream, person=person_of(number)).values_list("benefit", flat=True))
        left = [benefit, *BENEFITS] if benefit not in watched else [one for one in BENEFITS if one not in watched]
        return self.orders(stream, Line(OrderKind.NEW, number, (left or BENEFITS)[0], since, "A1", "B1"))

    @happens(weight=3, when=lambda self: self.known_by_another_number(), which=ANY, kind=KIND)
    def ordered_by_another_number(self, which, kind):
        """Of a person who is watched, where it may not be told that the two are one if there is such a stream."""
        watch, number = pick(self.known_by_another_number(), which)
        since = self.world.day if kind == OrderKind.NEW else None
        return self.orders(watch.stream, Line(kind, number, watch.benefit, since, "A1", "B1"))

    def known_by_another_number(self) -> list[tuple[Watch, str]]:
        """The open watches on persons with several numbers, and each of the others."""
        several = [{one.number, *one.former} for one in self.world.sources.people if one.former]
        pairs = [
            (watch, number)
            for watch in self.watches().filter(ordered_number__in=set().union(*several))
            for numbers in several
            for number in sorted(numbers - {watch.ordered_number})
            if watch.ordered_number in numbers
        ]
        told = {one.pk: law_of(one, self.world.day).tells_numbers for one in self.live()} if pairs else {}
        return [one for one in pairs if not told[one[0].stream_id](one[0].benefit)] or pairs

    @happens(weight=2, when=lambda self: self.live(), place=STREAM, benefit=BENEFIT, ago=DAYS_AGO)
    def ordered_many(self, place, benefit, ago):
        since = self.world.day - timedelta(days=ago)
        numbers = [one.number for one in self.world.sources.people]
        return self.orders(pick(self.live(), place), *(Line(OrderKind.NEW, one, benefit, since) for one in numbers))

    @happens(weight=2, when=lambda self: self.live_without_consent(), place=STREAM, benefit=BENEFIT)
    def ordered_unknown_person(self, place, benefit):
        """By a number that no source has named, which may become somebody's later; nobody has its consent."""
        self.future.append(self.world.sources.new_number())
        stream = pick(self.live_without_consent(), place)
        return self.orders(stream, Line(OrderKind.NEW, self.future[-1], benefit, self.world.day))

    @happens(weight=2, when=lambda self: self.watches().exists(), which=ANY)
    def cancelled(self, which):
        watch = pick(self.watches(), which)
        return self.orders(watch.stream, Line(OrderKind.CANCEL, watch.ordered_number, watch.benefit, None))

    @happens(weight=2, when=lambda self: self.watches().exists(), which=ANY)
    def refreshed(self, which):
        watch = pick(self.watches(), which)
        return self.orders(watch.stream, Line(OrderKind.REFRESH, watch.ordered_number, watch.benefit, None))

    @happens(weight=3, when=lambda self: self.watches().exists(), which=ANY, ago=DAYS_AGO)
    def ordered_again_after_cancelling(self, which, ago):
        watch = pick(self.watches(), which)
        self.orders(watch.stream, Line(OrderKind.CANCEL, watch.ordered_number, watch.benefit, None))
        since = self.world.day - timedelta(days=ago)
        return self.orders(watch.stream, Line(OrderKind.NEW, watch.ordered_number, watch.benefit, since))

    @happens(weight=2, when=lambda self: self.live(), place=STREAM, benefits=SOME_BENEFITS, classes=CLASSES)
    def agreement_narrowed(self, place, benefits, classes):
        self.world.scope(pick(self.live(), place), benefits=benefits, classes=classes)

    @happens(weight=3, when=lambda self: self.live(), place=STREAM)
    def agreement_widened(self, place):
        self.world.scope(pick(self.live(), place), benefits=BENEFITS, classes=WIDE)

    @happens(
        weight=2,
        shuts=True,
        when=lambda self: self.agreements(active=True),
        place=STREAM,
        days=st.integers(-1, 2),
    )
    def agreement_ended(self, place, days):
        agreement = pick(self.agreements(active=True), place)
        if days < 0:
            agreement.status = Agreement.Status.ENDED
        else:
            agreement.valid_to = self.world.day + timedelta(days=days)
        agreement.save()

    @happens(weight=3, when=lambda self: len(self.live()) < len(self.world.streams), which=ANY)
    def agreement_renewed(self, which):
        """A customer whose stream is over gets a new agreement, and orders what it watched before."""
        live = self.live()
        place = pick([place for place, one in enumerate(self.world.streams) if one not in live], which)
        watched = Watch.objects.filter(stream=self.world.streams[place]).order_by("pk")
        before = dict.fromkeys(watched.values_list("ordered_number", "benefit", "from_date"))
        self.world.renew(place)
        self.orders(self.world.streams[place], *(Line(OrderKind.NEW, *one) for one in before))

    @happens(weight=2, shuts=True, when=lambda self: self.agreements(active=True), place=STREAM)
    def agreement_paused(self, place):
        agreement = pick(self.agreements(active=True), place)
        agreement.status = Agreement.Status.SIGNED_BY_FK
        agreement.save()

    @happens(weight=3, when=lambda self: self.agreements(active=False), place=STREAM)
    def agreement_resumed(self, place):
        """After a pause, or after it was ended in a hurry."""
        agreement = pick(self.agreements(active=False), place)
        agreement.status = Agreement.Status.ACTIVE
        agreement.save()

    @happens(weight=2, shuts=True, when=lambda self: self.customers(active=True), place=STREAM)
    def customer_stopped(self, place):
        customer = pick(self.customers(active=True), place)
        customer.active = False
        customer.save()

    @happens(weight=3, when=lambda self: self.customers(active=False), place=STREAM)
    def customer_started(self, place):
        customer = pick(self.customers(active=False), place)
        customer.active = True
        customer.save()

    @happens(
        weight=2,
        persons=st.sets(PERSON, min_size=3),
        benefits=SOME_BENEFITS,
        last=st.sampled_from([None, 1, 5]),
        soon=st.integers(0, 2),
    )
    def consents_given(self, persons, benefits, last, soon):
        start = self.world.day + timedelta(days=soon // 2)
        holders = [person_of(self.someone(person).number) for person in sorted(persons)]
        for holder in filter(None, holders):
            ConsentFactory(
                customer=self.world.streams[1].agreement.customer,
                person=holder,
                benefits=benefits,
                classes=WIDE,
                valid_from=start,
                valid_to=start + timedelta(days=last) if last else None,
            )
        return any(holders)

    @happens(weight=2, when=lambda self: self.consents().exists(), which=ANY)
    def consent_withdrawn(self, which):
        consent = pick(self.consents(), which)
        consent.withdrawn_at = self.world.now
        consent.save()

    @happens(code=BASIS, classes=CLASSES)
    def basis_narrowed(self, code, classes):
        self.world.basis(code, classes=classes, status="active", valid_to=None)

    @happens(weight=2, shuts=True, when=lambda self: self.bases(closed=False), which=ANY)
    def basis_closed(self, which):
        self.world.basis(pick(self.bases(closed=False), which), status="closed", valid_to=self.world.day)

    @happens(weight=4, which=ANY)
    def basis_opened(self, which):
        """Or one that was narrowed is widened."""
        code = pick(self.bases(closed=True) or BASES, which)
        self.world.basis(code, classes=WIDE, status="active", valid_to=None)

    @happens(
        weight=2,
        shuts=True,
        when=lambda self: self.live(),
        place=STREAM,
        what=st.sampled_from(["customer", "agreement", "basis", "benefit"]),
        benefit=BENEFIT,
    )
    def block_set(self, place, what, benefit):
        agreement = pick(self.live(), place).agreement
        values = {
            "customer": {"customer": agreement.customer},
            "agreement": {"customer": None, "agreement": agreement},
            "basis": {"customer": None, "basis_code": PLAIN},
            "benefit": {"customer": None, "benefit": benefit},
        }
        BlockFactory(**values[what])

    @happens(weight=3, when=lambda self: Block.objects.filter(lifted_at=None).exists())
    def block_lifted(self):
        Block.objects.filter(lifted_at=None).update(lifted_at=self.world.now)

    @happens(weight=2, shuts=True, when=lambda self: self.live(), place=STREAM)
    def reservation_set(self, place):
        ReservationFactory(agreement=pick(self.live(), place).agreement)

    @happens(weight=3, when=lambda self: self.reservations().exists(), which=ANY)
    def reservation_acknowledged(self, which):
        Reservation.objects.filter(pk=pick(self.reservations(), which).pk).update(acknowledged_at=self.world.now)

    @happens(
        weight=3, when=lambda self: self.protected_watches().exists(), which=ANY, starts=st.integers(0, 1), lasts=LASTS
    )
    def protected_released(self, which, starts, lasts):
        """By two of the staff, for a few days."""
        begins = self.world.day + timedelta(days=starts)
        ProtectedReleaseFactory(
            watch=pick(self.protected_watches(), which), valid_from=begins, valid_to=begins + timedelta(days=lasts)
        )

    @happens(weight=4, when=lambda self: self.standing_releases().exists(), which=ANY)
    def protected_release_withdrawn(self, which):
        ProtectedRelease.objects.filter(pk=pick(self.standing_releases(), which).pk).update(withdrawn_at=self.world.now)

    @happens(weight=2, when=lambda self: self.watches().exists(), which=ANY, days=st.integers(-1, 1))
    def reconfirmation_asked_for(self, which, days):
        watch = pick(self.watches(), which)
        Watch.objects.filter(pk=watch.pk).update(reconfirm_by=self.world.day + timedelta(days=days))

    @happens(weight=2, when=lambda self: self.unconfirmed().exists(), which=ANY)
    def reconfirmed(self, which):
        watch = pick(self.unconfirmed(), which)
        Watch.objects.filter(pk=watch.pk).update(reconfirm_by=self.world.day + timedelta(days=365))

    def unconfirmed(self) -> QuerySet[Watch]:
        """The open watches that are paused, or are about to be."""
        return self.watches().filter(reconfirm_by__lte=self.world.day + timedelta(days=1))

    @happens(when=lambda self: OwnerApproval.objects.filter(valid_to=None).exists(), which=ANY, days=st.integers(-1, 1))
    def approval_ended(self, which, days):
        ends = self.world.day + timedelta(days=days)
        code = pick(OwnerApproval.objects.filter(valid_to=None).order_by("pk"), which).basis_code
        approvals = OwnerApproval.objects.filter(basis_code=code, benefit=AP, valid_to=None, valid_from__lte=ends)
        return bool(approvals.update(valid_to=ends))

    @happens(weight=2, when=lambda self: self.unapproved(), which=ANY, days=st.integers(0, 1))
    def approval_given(self, which, days):
        begins = self.world.day + timedelta(days=days)
        row, _ = OwnerApproval.objects.get_or_create(
            owner="PM",
            basis_code=pick(self.unapproved(), which),
            benefit=AP,
            valid_from=begins,
            defaults={"approved_at": self.world.now},
        )
        OwnerApproval.objects.filter(pk=row.pk).update(valid_to=None)

    def unapproved(self) -> list[str]:
        """The bases under which the Pensions Agency has set a day for the end."""
        lasting = set(OwnerApproval.objects.filter(valid_to=None).values_list("basis_code", flat=True))
        return [code for code in BASES if code not in lasting]

    @happens(when=lambda self: self.watches().exists(), which=ANY, ago=DAYS_AGO)
    def watches_updated_past_the_services(self, which, ago):
        one = pick(self.watches(), which)
        watches = Watch.objects.filter(stream=one.stream, benefit=one.benefit)
        watches.update(from_date=self.world.day - timedelta(days=ago))

    @happens(when=lambda self: self.watches().exists(), which=ANY)
    def watches_ended_past_the_services(self, which):
        one = pick(self.watches(), which)
        Watch.objects.open().filter(stream=one.stream, person=one.person).update(
            ended_at=self.world.now,
            end_reason=Watch.EndReason.NO_LONGER,
            ended_as_of=Import.objects.last_number(),
        )

    @happens(
        when=lambda self: Consent.objects.filter(valid_from__lte=self.world.day).exists(),
        benefits=SOME_BENEFITS,
        days=st.integers(0, 3),
    )
    def consents_updated_past_the_services(self, benefits, days):
        ends = self.world.day + timedelta(days=days)
        Consent.objects.filter(valid_from__lte=ends).update(valid_to=ends, benefits=benefits)

    @happens(weight=3, when=lambda self: self.room() or self.customers(kind=OTHER_KIND), place=STREAM)
    def customer_updated_past_the_services(self, place):
        """A kind that the basis does not name, or back."""
        customer = pick(self.customers(kind=OTHER_KIND) or self.customers(), place)
        kind = INSURER if customer.kind == OTHER_KIND else OTHER_KIND
        Customer.objects.filter(pk=customer.pk).update(kind=kind)
