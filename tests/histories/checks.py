"""What must hold after every step of a history, worked out from documents and rows alone."""

from collections.abc import Iterable, Iterator
from typing import Any

from benefits.catalogue import Field, catalogue
from benefits.models import PersonFacts, PersonNumber, Protection
from deliveries import storage
from deliveries.decisions import Decider
from deliveries.models import Delivery, Disclosure
from deliveries.reading import PersonEntry, read
from deliveries.runs import stopped_by
from deliveries.verification import Fold, Report, _told_otherwise, verify
from subscriptions.decision import NEVER_OF_PROTECTED
from subscriptions.models import Stream, Watch
from subscriptions.profiles import law_of, released_among


class Receivers:
    """Every customer's own state, folded from each document as it comes, and compared with what we remember."""

    def __init__(self) -> None:
        self._folds: dict[int, Fold] = {}
        self._taken: dict[int, list[int]] = {}
        self._seen: tuple[int, int] = (0, 0)

    def look(self) -> None:
        """Fold what is new. Raise AssertionError where a number, the chain, a document or our memory is wrong."""
        seen = Delivery.objects.count(), Delivery.objects.filter(recalled_at=None).count()
        if seen == self._seen:
            return
        self._seen = seen
        for stream in Stream.objects.all():
            self._look_at(stream)

    def _look_at(self, stream: Stream) -> None:
        every = list(Delivery.objects.filter(stream=stream).order_by("number"))
        assert [one.number for one in every] == list(range(1, stream.last_number + 1)), "a number is lost or used twice"
        chain = ["", *(one.sha256 for one in every)]
        assert [one.previous_sha256 for one in every] == chain[:-1], "the chain is broken"
        standing = [one for one in every if one.recalled_at is None]
        taken = self._taken.get(stream.pk, [])
        if stream.pk not in self._folds or [one.pk for one in standing[: len(taken)]] != taken:
            self._folds[stream.pk], taken = Fold(stream.pk), []
        fold = self._folds[stream.pk]
        for delivery in standing[len(taken) :]:
            fold.take(delivery)
        self._taken[stream.pk] = [one.pk for one in standing]
        assert not fold.faults, list(map(str, fold.faults))
        otherwise = list(map(str, _told_otherwise(stream, fold)))
        assert not otherwise, otherwise


def check_document(delivery: Delivery) -> None:
    """Nothing in a document just released but what the law lets be told now, and what its own decision allows."""
    stream = Stream.objects.select_related("agreement__customer").get(pk=delivery.stream_id)
    decider = Decider(law_of(stream, delivery.day))
    rows = Disclosure.objects.filter(delivery=delivery).select_related("decision")
    logged = {one.watch_id: frozenset(one.decision.classes) for one in rows}
    for entry in read(storage.place_of(delivery.sha256), check=False):
        _check_number(entry, decider)
        for block in entry.blocks:
            watch = Watch.objects.get(pk=block.watch)
            fields = catalogue().sections[block.section].fields
            told = {name for item in block.items for name in classes_of(fields, item.content)}
            assert told <= logged[watch.pk], f"{told - logged[watch.pk]} is outside the decision"
            decider.about([watch])
            decision, _ = decider.decide(watch)
            assert decision.allowed, f"a block was told though {decision.refusal}"
            assert told <= decision.classes, f"{told - decision.classes} may no longer be told"
            if protected(watch):
                assert released_among([watch], delivery.day), "a block was told of a protected person"
                assert told.isdisjoint(NEVER_OF_PROTECTED), "a place or a number was told of a protected person"


def _check_number(entry: PersonEntry, decider: Decider) -> None:
    """A person stands under the number ordered by and is said to be no other, but where identity may be told."""
    for watch in Watch.objects.filter(pk__in={one.watch for one in [*entry.statuses, *entry.blocks]}):
        decider.about([watch])
        if "identity" not in decider.decide(watch)[0].classes:
            assert entry.number == watch.ordered_number, "a number was told that the customer did not order by"
            said = {one.reason for one in entry.statuses if one.watch == watch.pk}
            assert Watch.EndReason.DUPLICATE not in said, "two persons were told to be one"


def classes_of(fields: Iterable[Field], content: dict[str, Any]) -> Iterator[str]:
    """The field class of every leaf in an item; `related` too where it is a third person's."""
    for field in fields:
        value = content.get(field.name)
        if value is None:
            continue
        if field.is_leaf:
            yield field.cls
            if field.subject == "other":
                yield "related"
        else:
            for element in value if field.many else [value]:
                yield from classes_of(field.children, element)


def protected(watch: Watch) -> bool:
    """Whether whoever now holds the number that the watch was ordered by is protected."""
    holder = PersonNumber.objects.live().filter(number=watch.ordered_number).values("person")
    facts = PersonFacts.objects.live().filter(person__in=holder)
    return facts.exclude(protection=Protection.NONE).exists()


def prove(world, *, examined: bool = False, streams: Iterable[int] | None = None) -> Report:
    """Verify the streams, or all. `examined`: a whole run has just ended, so that only what is frozen may wait."""
    total = Report()
    for stream in Stream.objects.select_related("agreement__customer"):
        if streams is not None and stream.pk not in streams:
            continue
        report = verify(stream, world.now)
        assert not report.different, list(map(str, report.different))
        if examined and not stream.closed and not stopped_by(law_of(stream, world.day)):
            waiting = [str(one) for one in report.pending if not one.why.startswith("frozen")]
            assert not waiting, waiting
        total.add(report)
    return total
