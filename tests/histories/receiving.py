"""Rules about receivers: they fetch and acknowledge, and what may no longer be told is recalled before they do."""

from datetime import timedelta

from django.db.models import Q, QuerySet
from hypothesis import strategies as st

from deliveries.models import Delivery, Disclosure
from deliveries.services import AcknowledgeRefused, FetchRefused, acknowledge, fetch, recall_what_may_no_longer_be_told
from subscriptions.models import Consent, OwnerApproval
from tests.histories.checks import prove
from tests.histories.sources import AP, Someone
from tests.histories.steps import ANY, REFUSED, happens, pick
from tests.histories.world import BENEFITS, World

MOST = st.integers(1, 3)
ENDS = st.sampled_from(["protection", "agreement", "consent", "approval"])


class Receiving:
    """Each rule is something that a receiver does, or that takes back what it has not fetched."""

    world: World

    def waiting(self) -> QuerySet[Delivery]:
        """What nobody has fetched yet and may be fetched, in sequence."""
        return self.may_be_fetched().filter(first_fetched_at=None).order_by("number")

    def taken(self, **values) -> QuerySet[Delivery]:
        return self.may_be_fetched().filter(**values).exclude(first_fetched_at=None).order_by("-pk")

    def may_be_fetched(self) -> QuerySet[Delivery]:
        """The deliveries of the streams that nothing stops, and the last of those that are over."""
        return Delivery.objects.standing().filter(Q(stream__in=self.served()) | Q(final=True))

    def told(self) -> QuerySet[Disclosure]:
        """What was told in deliveries that wait to be fetched."""
        sent = Disclosure.objects.filter(
            outcome=Disclosure.Outcome.SENT, delivery__in=self.waiting(), delivery__final=False
        )
        return sent.exclude(sections={}).order_by("pk")

    def fetch(self, delivery: Delivery) -> str:
        """Fetch as a receiver does; return why it was refused, if it was."""
        try:
            fetch(delivery=delivery, at=self.world.now, client="test")
        except FetchRefused as refused:
            REFUSED[refused.code] += 1
            return refused.code
        return ""

    def fetch_some(self, which: int, most: int) -> list[Delivery]:
        """Fetch the next deliveries of a stream, until one is refused; return those that were handed out."""
        stream = pick(self.waiting(), which).stream
        handed_out: list[Delivery] = []
        for delivery in self.waiting().filter(stream=stream)[:most]:
            if self.fetch(delivery):
                break
            handed_out.append(delivery)
        return handed_out

    @happens(weight=2, when=lambda self: self.waiting().exists(), which=ANY, most=MOST)
    def fetched(self, which, most):
        return bool(self.fetch_some(which, most))

    @happens(weight=3, when=lambda self: self.waiting().exists(), which=ANY, most=MOST)
    def fetched_and_acknowledged(self, which, most):
        handed_out = self.fetch_some(which, most)
        for delivery in handed_out:
            acknowledge(delivery=delivery, sha256=delivery.sha256, at=self.world.now)
        return bool(handed_out)

    @happens(weight=2, when=lambda self: self.taken().exists(), which=ANY)
    def fetched_again(self, which):
        return not self.fetch(pick(self.taken(), which))

    @happens(weight=2, when=lambda self: self.taken(acknowledged_at=None).exists(), which=ANY)
    def acknowledged(self, which):
        delivery = pick(self.taken(acknowledged_at=None), which)
        acknowledge(delivery=delivery, sha256=delivery.sha256, at=self.world.now)

    @happens(when=lambda self: self.waiting().exists(), which=ANY)
    def acknowledged_before_it_was_fetched(self, which):
        delivery = pick(self.waiting(), which)
        try:
            acknowledge(delivery=delivery, sha256=delivery.sha256, at=self.world.now)
        except AcknowledgeRefused as refused:
            assert refused.code == "NOT_FETCHED"
            REFUSED[refused.code] += 1
            return
        raise AssertionError("what nobody had fetched was acknowledged")

    @happens(weight=2, when=lambda self: self.told().exists(), which=ANY, end=ENDS)
    def recalled_by_the_sweep(self, which, end):
        """A right ends in a delivery that nobody has fetched, and the sweep goes."""
        self.end_right(pick(self.told(), which), end)
        return self.sweep()

    @happens(weight=2, when=lambda self: self.told().exists(), which=ANY, end=ENDS)
    def recalled_at_the_gate(self, which, end):
        """A right ends in a delivery that nobody has fetched, and the receiver fetches before the sweep goes."""
        told = pick(self.told(), which)
        self.end_right(told, end)
        stream = self.waiting().filter(stream=told.delivery.stream_id)
        refusals = [self.fetch(delivery) for delivery in stream if delivery.number <= told.delivery.number]
        self.everything_holds()
        prove(self.world)
        return "RECALLED" in refusals

    @happens(weight=2, when=lambda self: self.served() and self.watches().exists(), which=ANY)
    def protected_after_release_and_recalled(self, which):
        """A night is run, and a person in a delivery that nobody has fetched becomes protected."""
        self._finish_what_runs()
        self._proved(self._night(), examined=True)
        told = self.told()
        if not told:
            return False
        self.end_right(pick(told, which), "protection")
        return self.sweep()

    def sweep(self) -> bool:
        recalled = recall_what_may_no_longer_be_told(self.world.now)
        self.everything_holds()
        prove(self.world)
        return recalled > 0

    def end_right(self, told: Disclosure, end: str) -> None:
        """End what a disclosure rests on; where it rests on no such thing, its benefit is no longer agreed."""
        watch, stream = told.watch, told.delivery.stream
        yesterday = self.world.day - timedelta(days=1)
        consents = Consent.objects.filter(person=watch.person, customer=stream.agreement.customer, withdrawn_at=None)
        approvals = OwnerApproval.objects.filter(benefit=AP, valid_from__lte=yesterday)
        holder = self.holder(watch.ordered_number)
        if end == "protection" and holder is not None:
            self.protect(holder)
            return
        ended = 0
        if end == "consent":
            ended = consents.update(withdrawn_at=self.world.now)
        elif end == "approval" and watch.benefit == AP:
            ended = approvals.update(valid_to=yesterday)
        if not ended:
            self.world.scope(stream, benefits=[one for one in BENEFITS if one != watch.benefit])

    def holder(self, number: str) -> Someone | None:
        """Whose number it is now, or was."""
        return next((one for one in self.world.sources.people if number in [one.number, *one.former]), None)
