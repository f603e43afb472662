"""Rules about who may be told what: orders, agreements, consents, bases, blocks, approvals; also past the services."""

from datetime import timedelta

from hypothesis import strategies as st

from benefits.models import Import, PersonNumber
from benefits.services import person_of
from subscriptions.models import Agreement, Block, Consent, Customer, OwnerApproval, Stream, Watch
from subscriptions.models.watches import OrderKind
from subscriptions.orderfile import Line
from tests.factories import BlockFactory, ConsentFactory
from tests.histories.sources import AP
from tests.histories.steps import DAYS_AGO, PERSON, REFUSED, STREAM, happens
from tests.histories.world import ASKED, BENEFITS, NARROW, PLAIN, WIDE, World

BENEFIT = st.sampled_from(BENEFITS)
SOME_BENEFITS = st.lists(BENEFIT, min_size=1, max_size=4, unique=True)
BASIS = st.sampled_from([PLAIN, ASKED])
CLASSES = st.sampled_from([WIDE, NARROW, [one for one in WIDE if one not in ("amount", "address")], ["identity"]])


class Law:
    """Each rule changes something on the side of the law."""

    world: World
    future: list[str]

    def stream(self, place: int) -> Stream:
        stream = Stream.objects.select_related("agreement__customer").get(pk=self.world.streams[place].pk)
        if stream.closed:
            self.world.renew(place)
            return self.stream(place)
        return stream

    def number(self, person: int) -> str:
        """A number of the person: the one now, or an earlier one."""
        one = self.someone(person)
        return [one.number, *one.former][person % (1 + len(one.former))]

    def orders(self, place: int, *lines: Line) -> bool:
        answers = self.world.order_lines(self.stream(place), list(lines))
        REFUSED.update(answers)
        return bool({"ACCEPTED", "CANCELLED", "REFRESH_ORDERED"} & set(answers))

    def a_watch(self, place: int, person: int) -> Watch | None:
        watches = list(Watch.objects.open().filter(stream=self.stream(place)).order_by("pk"))
        return watches[person % len(watches)] if watches else None

    @happens(place=STREAM, person=PERSON, benefit=BENEFIT, ago=DAYS_AGO)
    def ordered(self, place, person, benefit, ago):
        since = self.world.day - timedelta(days=ago)
        return self.orders(place, Line(OrderKind.NEW, self.number(person), benefit, since))

    @happens(place=STREAM, benefit=BENEFIT, ago=DAYS_AGO)
    def ordered_many(self, place, benefit, ago):
        since = self.world.day - timedelta(days=ago)
        numbers = [one.number for one in self.world.sources.people]
        return self.orders(place, *(Line(OrderKind.NEW, one, benefit, since) for one in numbers))

    @happens(place=STREAM, benefit=BENEFIT)
    def ordered_unknown_person(self, place, benefit):
        """By a number that no source has named, which may become somebody's later."""
        self.future.append(self.world.sources.new_number())
        return self.orders(place, Line(OrderKind.NEW, self.future[-1], benefit, self.world.day))

    @happens(place=STREAM, person=PERSON)
    def cancelled(self, place, person):
        watch = self.a_watch(place, person)
        return watch is not None and self.orders(
            place, Line(OrderKind.CANCEL, watch.ordered_number, watch.benefit, None)
        )

    @happens(place=STREAM, person=PERSON)
    def refreshed(self, place, person):
        watch = self.a_watch(place, person)
        return watch is not None and self.orders(
            place, Line(OrderKind.REFRESH, watch.ordered_number, watch.benefit, None)
        )

    @happens(place=STREAM, person=PERSON, ago=DAYS_AGO)
    def ordered_again_after_cancelling(self, place, person, ago):
        watch = self.a_watch(place, person)
        if watch is None:
            return False
        self.orders(place, Line(OrderKind.CANCEL, watch.ordered_number, watch.benefit, None))
        since = self.world.day - timedelta(days=ago)
        return self.orders(place, Line(OrderKind.NEW, watch.ordered_number, watch.benefit, since))

    @happens(place=STREAM, benefits=SOME_BENEFITS, classes=CLASSES)
    def agreement_narrowed(self, place, benefits, classes):
        self.world.scope(self.stream(place), benefits=benefits, classes=classes)

    @happens(place=STREAM)
    def agreement_widened(self, place):
        self.world.scope(self.stream(place), benefits=BENEFITS, classes=WIDE)

    @happens(place=STREAM, days=st.integers(-1, 2))
    def agreement_ended(self, place, days):
        agreement = self.stream(place).agreement
        if days < 0:
            agreement.status = Agreement.Status.ENDED
        else:
            agreement.valid_to = self.world.day + timedelta(days=days)
        agreement.save()

    @happens(place=STREAM)
    def agreement_paused_or_resumed(self, place):
        agreement = self.stream(place).agreement
        active = agreement.status == Agreement.Status.ACTIVE
        agreement.status = Agreement.Status.SIGNED_BY_FK if active else Agreement.Status.ACTIVE
        agreement.save()

    @happens(place=STREAM)
    def customer_stopped_or_started(self, place):
        customer = self.stream(place).agreement.customer
        customer.active = not customer.active
        customer.save()

    @happens(
        persons=st.sets(PERSON, min_size=3),
        benefits=SOME_BENEFITS,
        last=st.sampled_from([None, 1, 5]),
        soon=st.integers(0, 2),
    )
    def consents_given(self, persons, benefits, last, soon):
        start = self.world.day + timedelta(days=soon // 2)
        for person in persons:
            holder = person_of(self.someone(person).number)
            if holder is not None:
                ConsentFactory(
                    customer=self.stream(1).agreement.customer,
                    person=holder,
                    benefits=benefits,
                    classes=WIDE,
                    valid_from=start,
                    valid_to=start + timedelta(days=last) if last else None,
                )

    @happens(person=PERSON)
    def consent_withdrawn(self, person):
        consents = list(Consent.objects.filter(withdrawn_at=None).order_by("pk"))
        if not consents:
            return False
        consents[person % len(consents)].withdrawn_at = self.world.now
        consents[person % len(consents)].save()

    @happens(code=BASIS, classes=CLASSES)
    def basis_narrowed(self, code, classes):
        self.world.basis(code, classes=classes, status="active", valid_to=None)

    @happens(code=BASIS)
    def basis_closed(self, code):
        self.world.basis(code, status="closed", valid_to=self.world.day)

    @happens(code=BASIS)
    def basis_opened(self, code):
        self.world.basis(code, classes=WIDE, status="active", valid_to=None)

    @happens(place=STREAM, what=st.sampled_from(["customer", "agreement", "basis", "benefit"]), benefit=BENEFIT)
    def block_set(self, place, what, benefit):
        agreement = self.stream(place).agreement
        values = {
            "customer": {"customer": agreement.customer},
            "agreement": {"customer": None, "agreement": agreement},
            "basis": {"customer": None, "basis_code": PLAIN},
            "benefit": {"customer": None, "benefit": benefit},
        }
        BlockFactory(**values[what])

    @happens()
    def block_lifted(self):
        return bool(Block.objects.filter(lifted_at=None).update(lifted_at=self.world.now))

    @happens(code=BASIS, days=st.integers(-1, 1))
    def approval_ended(self, code, days):
        ends = self.world.day + timedelta(days=days)
        approvals = OwnerApproval.objects.filter(basis_code=code, benefit=AP, valid_to=None, valid_from__lte=ends)
        return bool(approvals.update(valid_to=ends))

    @happens(code=BASIS, days=st.integers(0, 1))
    def approval_given(self, code, days):
        begins = self.world.day + timedelta(days=days)
        row, new = OwnerApproval.objects.get_or_create(
            owner="PM", basis_code=code, benefit=AP, valid_from=begins, defaults={"valid_to": None}
        )
        if not new and row.valid_to is None:
            return False
        OwnerApproval.objects.filter(pk=row.pk).update(valid_to=None)

    @happens(place=STREAM, benefit=BENEFIT, ago=DAYS_AGO)
    def watches_updated_past_the_services(self, place, benefit, ago):
        watches = Watch.objects.filter(stream=self.stream(place), benefit=benefit)
        return bool(watches.update(from_date=self.world.day - timedelta(days=ago)))

    @happens(place=STREAM, person=PERSON)
    def watches_ended_past_the_services(self, place, person):
        holder = PersonNumber.objects.live().filter(number=self.someone(person).number).values("person")
        watches = Watch.objects.open().filter(stream=self.stream(place), person__in=holder)
        return bool(
            watches.update(
                ended_at=self.world.now,
                end_reason=Watch.EndReason.NO_LONGER,
                ended_as_of=Import.objects.last_number(),
            )
        )

    @happens(benefits=SOME_BENEFITS, days=st.integers(0, 3))
    def consents_updated_past_the_services(self, benefits, days):
        ends = self.world.day + timedelta(days=days)
        return bool(Consent.objects.filter(valid_from__lte=ends).update(valid_to=ends, benefits=benefits))

    @happens(place=STREAM)
    def customer_updated_past_the_services(self, place):
        """A kind that the basis does not name, or back."""
        customer = self.stream(place).agreement.customer
        kind = "akassa" if customer.kind == "forsakringsbolag" else "forsakringsbolag"
        return bool(Customer.objects.filter(pk=customer.pk).update(kind=kind))
