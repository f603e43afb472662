"""What lines are answered, however they are cut into chunks, and that the answers are what is done."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from benefits.models import Person, Protection
from subscriptions.answers import CARRIED_OUT, Answer
from subscriptions.models import LawChange, Order, OrderLine, Pending, Scope, Stream, Watch
from subscriptions.orders import answering
from subscriptions.orders.lines import CANCEL, KINDS, NEW, REFRESH, Line
from subscriptions.orders.placing import place_order
from tests.examples import examples
from tests.factories import (
    AT,
    BENEFIT,
    ConsentFactory,
    LegalBasisFactory,
    PersonFactory,
    PersonFactsFactory,
    PersonNumberFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
    identity_number,
)

OTHER = "FK:BOB"
UNCOUNTED = {Answer.FROM_MISSING, Answer.DUPLICATE_IN_ORDER, Answer.CONFLICT_IN_ORDER}
FROM = AT.date()
CHUNKS = st.sampled_from([1, 2, 3, 5, 1000])


def place(stream, lines, **said):
    return place_order(stream=stream, channel=Order.Channel.API, lines=lines, at=AT, **said)


def answers_of(order):
    return list(order.lines.order_by("line").values_list("answer", flat=True))


@dataclass(frozen=True)
class Wish:
    """A line on one of a few persons, by one of two numbers; the first persons are watched already."""

    kind: str
    person: int
    earlier: bool
    benefit: str
    refused: bool

    def line(self, base: int = 2000) -> Line:
        number = identity_number(base + self.person + (100 if self.earlier else 0))
        return Line(self.kind, number, self.benefit, None if self.refused and self.kind == NEW else FROM)


WISHES = st.builds(
    Wish,
    kind=st.sampled_from(KINDS),
    person=st.integers(0, 3),
    earlier=st.booleans(),
    benefit=st.sampled_from([BENEFIT, OTHER]),
    refused=st.booleans(),
)


PROTECTED_WISHES = st.tuples(st.sampled_from(KINDS), st.integers(0, 2))


@dataclass(frozen=True)
class Setting:
    """Whether who a person is may be told in the stream; one person's protection, and a watch kept by its number.

    Persons 0-2 are known, with two numbers each, and the first two are watched by the one they have now; of person 3
    nothing is known. Where two numbers may not be told to be one person's, each is as good as a person of its own.
    """

    named: bool = True
    protected: bool = False  # person 1, since before their numbers came
    apart: bool = False  # the watch on person 0

    def whom(self, wish: Wish) -> tuple[Any, ...]:
        return (wish.person, wish.benefit) if self.as_person(wish) else (wish.person, wish.benefit, wish.earlier)

    def as_person(self, wish: Wish) -> bool:
        hidden = wish.person == 1 and self.protected
        kept = wish.person == 0 and wish.benefit == BENEFIT and self.apart and not wish.earlier
        return self.named and wish.person < 3 and not hidden and not kept

    def watched(self) -> set[tuple[Any, ...]]:
        return {self.whom(Wish(NEW, n, False, BENEFIT, False)) for n in (0, 1)}

    def expected(self, wishes: list[Wish]) -> Iterator[Answer]:
        """The rule, read out line by line: judged against what stood before, the first that nothing refuses counts."""
        counts: dict[tuple[Any, ...], str] = {}
        for wish in wishes:
            key = self.whom(wish)
            if wish.refused and wish.kind == NEW:
                yield Answer.FROM_MISSING
            elif key in counts:
                yield Answer.DUPLICATE_IN_ORDER if counts[key] == wish.kind else Answer.CONFLICT_IN_ORDER
            elif (wish.kind == NEW) == (key in self.watched()):
                counts[key] = wish.kind
                yield Answer.ALREADY_WATCHED if wish.kind == NEW else Answer.NOT_WATCHED
            else:
                counts[key] = wish.kind
                yield {NEW: self.opened(wish), CANCEL: Answer.CANCELLED, REFRESH: Answer.REFRESH_ORDERED}[wish.kind]

    def opened(self, wish: Wish) -> Answer:
        replaced = wish.earlier and wish.person < 3 and self.named and not (wish.person == 1 and self.protected)
        return Answer.NUMBER_REPLACED if replaced else Answer.ACCEPTED

    def make(self) -> Stream:
        stream = StreamFactory(served=True)
        scope = Scope.objects.get(agreement=stream.agreement)
        classes = [one for one in scope.classes if self.named or one != "identity"]
        ScopeFactory(agreement=stream.agreement, version=2, benefits=[BENEFIT, OTHER], classes=classes)
        people = [PersonFactory(first_number=identity_number(2000 + n), known=None) for n in range(3)]
        for n, person in enumerate(people):
            protection = Protection.MARKED if n == 1 and self.protected else Protection.NONE
            PersonFactsFactory(person=person, protection=protection)
            PersonNumberFactory(person=person, number=identity_number(2100 + n), current=False)
        for n in (0, 1):
            WatchFactory(stream=stream, person=people[n], by_number=not self.named or (n == 0 and self.apart))
        return stream


SETTINGS = st.builds(Setting, named=st.booleans(), protected=st.booleans(), apart=st.booleans())


def placed_in_chunks(stream, lines, chunk, **said):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answering, "CHUNK", chunk)
        return place(stream, lines, **said)


class Lines(TestCase):
    @settings(max_examples=examples(100))
    @given(setting=SETTINGS, wishes=st.lists(WISHES, min_size=1, max_size=14), chunk=CHUNKS)
    def test_each_line_is_answered_by_the_rule_whatever_the_chunks(self, setting, wishes, chunk):
        stream = setting.make()

        order = placed_in_chunks(stream, [one.line() for one in wishes], chunk)

        said = list(setting.expected(wishes))
        assert answers_of(order) == said
        assert order.counts == dict(Counter(map(str, said)))
        self._does_what_it_says(order, stream, setting, wishes, said)

    def _does_what_it_says(self, order, stream, setting, wishes, said):
        opened = [w for w, a in zip(wishes, said, strict=True) if a in (Answer.ACCEPTED, Answer.NUMBER_REPLACED)]
        ended = {setting.whom(w) for w, a in zip(wishes, said, strict=True) if a == Answer.CANCELLED}
        assert Watch.objects.open().filter(stream=stream).count() == 2 + len(opened) - len(ended)
        owed = Counter(Pending.objects.values_list("reason", flat=True))
        assert owed["first"] == len(opened)
        assert owed["refresh"] == said.count(Answer.REFRESH_ORDERED)
        for wish, line in zip(wishes, order.lines.order_by("line"), strict=True):
            if line.answer in CARRIED_OUT:
                others = {line.watch.person.first_number} if setting.as_person(wish) else set()
                assert line.watch.ordered_number in {line.number} | others

    @settings(max_examples=examples(30))
    @given(
        setting=SETTINGS,
        wishes=st.lists(WISHES, min_size=1, max_size=10),
        chunks=st.lists(st.sampled_from([1, 3, 1000]), min_size=2),
    )
    def test_an_order_that_is_sent_again_opens_and_ends_nothing(self, setting, wishes, chunks):
        """But for what stood by a number of its own, to whose end the rest of the order was judged by that."""
        setting = replace(setting, apart=False)
        stream = setting.make()
        first, stood = self._placed(stream, wishes, chunks[0])

        for chunk in chunks[1:]:
            again, stands = self._placed(stream, wishes, chunk)
            assert stands == stood
            assert [one in UNCOUNTED for one in again] == [one in UNCOUNTED for one in first]

    def _placed(self, stream, wishes, chunk):
        """The answers to an order, and the watches that stand after it."""
        order = placed_in_chunks(stream, [one.line() for one in wishes], chunk)
        return answers_of(order), list(Watch.objects.order_by("pk").values())

    @settings(max_examples=examples(40))
    @given(setting=SETTINGS, wishes=st.lists(WISHES, min_size=1, max_size=10), chunk=CHUNKS)
    def test_a_preview_answers_as_the_order_will_and_has_no_effect(self, setting, wishes, chunk):
        """But that a number was replaced is never told by a preview."""
        stream, lines = setting.make(), [one.line() for one in wishes]
        before = list(Watch.objects.values()), Person.objects.count(), LawChange.objects.count()

        preview = placed_in_chunks(stream, lines, chunk, aim=Order.Aim.PREVIEW)
        assert (list(Watch.objects.values()), Person.objects.count(), LawChange.objects.count()) == before
        assert not Pending.objects.exists()
        order = placed_in_chunks(stream, lines, chunk)

        assert preview.status == Order.Status.PREVIEWED
        carried_out = [Answer.ACCEPTED if one == Answer.NUMBER_REPLACED else one for one in answers_of(order)]
        assert answers_of(preview) == carried_out and preview.counts == Counter(carried_out)

    @settings(max_examples=examples(60))
    @given(
        wishes=st.lists(WISHES, min_size=1, max_size=8),
        again=st.lists(WISHES, min_size=1, max_size=6),
        chunk=CHUNKS,
        consent=st.sampled_from([None, set(), {False}, {True}, {False, True}]),
        aim=st.sampled_from([Order.Aim.CARRY_OUT, Order.Aim.PREVIEW]),
    )
    def test_where_identity_is_not_told_no_answer_shows_whether_two_numbers_are_one_person(
        self, wishes, again, chunk, consent, aim
    ):
        """`consent`: by which of the two numbers the basis's consent was given; None where it asks for none."""
        LegalBasisFactory(consent_needed=consent is not None)
        said = []
        for together, base in ((True, 3000), (False, 3300)):
            stream = self._without_identity()
            self._people(stream, base, together=together, consent=consent or set())
            first = placed_in_chunks(stream, [one.line(base) for one in wishes], chunk, aim=aim)
            second = placed_in_chunks(stream, [one.line(base) for one in again], 1000)
            rows = [*first.lines.order_by("line"), *second.lines.order_by("line")]
            places = {pk: place for place, pk in enumerate(dict.fromkeys(one.watch_id for one in rows))}
            said.append([(one.answer, places[one.watch_id]) for one in rows])

        assert said[0] == said[1]

    @settings(max_examples=examples(100))
    @given(
        wishes=st.lists(PROTECTED_WISHES, min_size=1, max_size=8),
        again=st.lists(PROTECTED_WISHES, min_size=1, max_size=6),
        watched=st.sampled_from([None, 0, 1]),
        named=st.booleans(),
        chunk=CHUNKS,
        aim=st.sampled_from([Order.Aim.CARRY_OUT, Order.Aim.PREVIEW]),
    )
    def test_no_answer_shows_protection_nor_whose_a_number_is_that_came_with_it(
        self, wishes, again, watched, named, chunk, aim
    ):
        """One with protection, two numbers from before and one from since, is as one without, and another person."""
        said = []
        for protected, base in ((True, 4000), (False, 4300)):
            stream = self._stream(named=named)
            self._protected(stream, base, protected=protected, watched=watched)
            lines = [[Line(k, identity_number(base + n), BENEFIT, FROM) for k, n in one] for one in (wishes, again)]
            first = placed_in_chunks(stream, lines[0], chunk, aim=aim)
            second = placed_in_chunks(stream, lines[1], chunk)
            rows = [*first.lines.order_by("line"), *second.lines.order_by("line")]
            places = {pk: place for place, pk in enumerate(dict.fromkeys(one.watch_id for one in rows))}
            said.append([(one.answer, places[one.watch_id]) for one in rows])

        assert said[0] == said[1]

    def _protected(self, stream, base, *, protected, watched):
        """The numbers are the earlier, the current when protection began, and the one that came then."""
        one = PersonFactory(first_number=identity_number(base), held=None, known=None)
        came = 3 if protected else None
        PersonNumberFactory(person=one, number=identity_number(base), current=False)
        PersonNumberFactory(person=one, number=identity_number(base + 1), withdrawn_in=came)
        PersonFactsFactory(person=one, withdrawn_in=2 if protected else None)
        if protected:
            PersonFactsFactory(person=one, recorded_in=2, withdrawn_in=4, protection=Protection.MARKED)
            PersonFactsFactory(person=one, recorded_in=4, protection=Protection.REGISTRATION)
            PersonNumberFactory(person=one, number=identity_number(base + 1), recorded_in=3, current=False)
            PersonNumberFactory(person=one, number=identity_number(base + 2), recorded_in=3)
        else:
            PersonFactory(first_number=identity_number(base + 2))
        if watched is not None:
            WatchFactory(stream=stream, person=one, ordered_number=identity_number(base + watched))

    def _without_identity(self):
        return self._stream(named=False)

    def _stream(self, *, named):
        stream = StreamFactory(served=True)
        scope = Scope.objects.get(agreement=stream.agreement)
        classes = [one for one in scope.classes if named or one != "identity"]
        ScopeFactory(agreement=stream.agreement, version=2, benefits=[BENEFIT, OTHER], classes=classes)
        return stream

    def _people(self, stream, base, *, together, consent):
        """Three persons with two numbers each, or six with one; the first of them is watched by the one."""
        for n in range(3):
            one = PersonFactory(first_number=identity_number(base + n))
            second = identity_number(base + 100 + n)
            other = one if together else PersonFactory(first_number=second)
            if together:
                PersonNumberFactory(person=one, number=second, current=False)
            for person, number, earlier in ((one, one.first_number, False), (other, second, True)):
                if earlier in consent:
                    about = {"person": person, "number": number, "customer": stream.agreement.customer}
                    ConsentFactory(**about, benefits=[BENEFIT, OTHER])
            if n == 0:
                WatchFactory(stream=stream, person=one)


@pytest.fixture
def stream(db):
    return StreamFactory(served=True)


def new(n, **said):
    return Line(NEW, identity_number(n), BENEFIT, FROM, **said)


def test_no_person_is_made_for_a_line_that_a_gate_refuses(db):
    LegalBasisFactory(needs=["case_reference"])
    place(StreamFactory(served=True), [new(1)])

    assert not Person.objects.exists()


def replaced(**facts):
    person = PersonFactory(first_number=identity_number(1), known=None)
    PersonFactsFactory(person=person, **facts)
    PersonNumberFactory(person=person, number=identity_number(2), current=False)


def test_that_a_number_was_replaced_is_told_where_identity_may_be(stream):
    replaced()
    assert answers_of(place(stream, [new(2)])) == [Answer.NUMBER_REPLACED]


def test_that_a_number_was_replaced_is_not_told_without_the_class_identity(stream):
    replaced()
    scope = Scope.objects.get(agreement=stream.agreement)
    ScopeFactory(agreement=stream.agreement, version=2, classes=[one for one in scope.classes if one != "identity"])
    assert answers_of(place(stream, [new(2)])) == [Answer.ACCEPTED]


def test_that_a_protected_persons_number_was_replaced_is_never_told(stream):
    replaced(protection="SEKRETESSMARKERING")
    assert answers_of(place(stream, [new(2)])) == [Answer.ACCEPTED]


def test_a_preview_that_another_comes_between_knows_its_own_earlier_lines(stream, monkeypatch):
    remember, others = answering._remember_for_the_next, iter([[new(5), new(4), new(3), new(2)]])

    def remember_and_see_to_another(order, count):
        remember(order, count)
        if order.lines_done == 1:
            for lines in others:
                assert answers_of(place(stream, lines, aim=Order.Aim.PREVIEW)) == [Answer.ACCEPTED] * 4

    monkeypatch.setattr(answering, "_remember_for_the_next", remember_and_see_to_another)

    lines = [new(1), new(2), new(3), new(1), new(2)._replace(kind=CANCEL)]
    order = placed_in_chunks(stream, lines, 1, aim=Order.Aim.PREVIEW)

    said = [Answer.ACCEPTED] * 3 + [Answer.DUPLICATE_IN_ORDER, Answer.CONFLICT_IN_ORDER]
    assert answers_of(order) == said


def test_a_preview_never_tells_that_a_number_was_replaced(stream):
    replaced()
    assert answers_of(place(stream, [new(2)], aim=Order.Aim.PREVIEW)) == [Answer.ACCEPTED]


def test_each_person_is_judged_by_their_own_consent(db):
    LegalBasisFactory(consent_needed=True)
    stream = StreamFactory(served=True)
    person = PersonFactory(first_number=identity_number(1))
    ConsentFactory(customer=stream.agreement.customer, person=person, number=identity_number(1))

    order = place(stream, [new(1), new(2)])

    assert answers_of(order) == [Answer.ACCEPTED, "CONSENT_MISSING"]


@pytest.mark.parametrize("lines", [1, 200])
def test_a_chunk_is_a_handful_of_statements_whatever_its_size(stream, lines, django_assert_max_num_queries):
    with django_assert_max_num_queries(45):
        place(stream, [new(n) for n in range(lines)])

    assert OrderLine.objects.count() == lines
