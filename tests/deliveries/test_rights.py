"""Asking anew if what a delivery told may still be told: less often than it is shown, and no less strictly (C6)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from benefits.models import Protection
from deliveries import rights
from deliveries.models import Delivery, GateAnswer
from deliveries.rights import refused_in, refused_now, refused_today
from deliveries.services import FetchRefused, fetch
from subscriptions.models import LawChange, Stream, Watch
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    BENEFIT,
    CLASSES,
    BlockFactory,
    ConsentFactory,
    DisclosureFactory,
    ImportFactory,
    LegalBasisFactory,
    PersonFactory,
    PersonNumberFactory,
    ReservationFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
DAY = timezone.localdate(AT)


@pytest.fixture
def stream() -> Stream:
    """One on a basis that needs consent."""
    basis = LegalBasisFactory(code="TEST-SAMTYCKE", consent_needed=True)
    return StreamFactory(agreement=ScopeFactory(basis=basis).agreement, purpose=basis.purpose)


@pytest.fixture
def watches(stream) -> list[Watch]:
    found = [WatchFactory(stream=stream) for _ in range(3)]
    for one in found:
        ConsentFactory(customer=stream.agreement.customer, person=one.person, number=one.ordered_number)
    return found


@pytest.fixture
def delivery(watches) -> Delivery:
    """A delivery that told of all the watches, and has been found to hold nothing refused."""
    made = delivered([said_of(one) for one in watches], stream=watches[0].stream)
    for one in watches:
        DisclosureFactory(delivery=made, watch=one, sections={"sjukpenningarende": "0" * 64})
    assert asked(made) == set()
    return made


def asked(delivery: Delivery, at=AT) -> set[tuple[int, str]]:
    return refused_today(delivery, Stream.objects.get(pk=delivery.stream_id), at)


def asked_in_full(delivery: Delivery, at=AT) -> set[tuple[int, str]]:
    return refused_now(delivery, Stream.objects.get(pk=delivery.stream_id), at)


def all_of(sent, _stream, _day) -> dict[int, set[tuple[int, str]]]:
    """All that is asked of is refused."""
    return {one.delivery_id: {(two.watch_id, "") for two in sent} for one in sent}


def take_number(watch: Watch) -> None:
    """The watch's number comes to a protected person, who held none before."""
    taker = PersonFactory(held=None)
    taker.facts.update(protection=Protection.MARKED)
    LawChange.objects.all().delete()
    watch.person.numbers.update(withdrawn_in=2)
    PersonNumberFactory(person=taker, number=watch.ordered_number, recorded_in=2)


# What changes between two pages of a delivery, and which of its three watches that concerns.
CHANGES = {
    "protection is set": (lambda one: one.person.facts.update(protection=Protection.MARKED), 1),
    "a consent is withdrawn": (lambda one: one.person.consents.update(withdrawn_at=AT), 1),
    "a consent loses a class": (lambda one: one.person.consents.update(classes=["benefit"]), 1),
    "a number comes to a protected person": (take_number, 1),
    "a watch is to be reconfirmed": (lambda one: _of(one).update(reconfirm_by=DAY - timedelta(days=1)), 1),
    "a watch moves to another person": (lambda one: _of(one).update(person=PersonFactory()), 1),
    "a customer is blocked": (lambda one: BlockFactory(customer=one.stream.agreement.customer), 3),
    "a benefit is blocked": (lambda one: BlockFactory(customer=None, benefit=one.benefit), 3),
    "a basis is blocked": (lambda one: BlockFactory(customer=None, basis_code="TEST-SAMTYCKE"), 3),
    "a reservation is made": (lambda one: ReservationFactory(agreement=one.stream.agreement), 3),
    "a scope is narrowed": (
        lambda one: ScopeFactory(
            agreement=one.stream.agreement, purpose=one.stream.purpose, version=2, classes=CLASSES[:1]
        ),
        3,
    ),
    "a customer is made inactive": (lambda one: _save(one.stream.agreement.customer, active=False), 3),
    "an agreement ends": (lambda one: _save(one.stream.agreement, status="ended"), 3),
}


def _of(watch: Watch):
    return Watch.objects.filter(pk=watch.pk)


def _save(row, **fields) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_ends_a_right_between_two_pages_is_met_at_the_next(delivery, watches, change):
    end, count = CHANGES[change]

    end(watches[1])

    refused = asked(delivery)
    assert refused == asked_in_full(delivery)
    assert len({watch for watch, _code in refused}) == count


def test_a_consent_by_a_number_that_another_has_taken_over_is_met_at_the_next_page(delivery, watches, stream):
    """The watch was ordered by the number that its person still has."""
    watch = watches[0]
    PersonNumberFactory(person=watch.person, number="195012312380", withdrawn_in=2)
    watch.person.consents.update(number="195012312380")
    fetch(delivery=delivery, at=AT)
    before = asked(delivery)

    PersonNumberFactory(person=PersonFactory(held=None), number="195012312380", recorded_in=2)

    assert before == set()
    assert asked(delivery) == asked_in_full(delivery) == {(watch.pk, "CONSENT_MISSING")}


def test_what_a_day_ends_is_met_on_the_next(delivery, watches):
    watches[2].person.consents.update(valid_to=DAY)
    tomorrow = AT + timedelta(days=1)

    assert asked(delivery) == set()
    assert asked(delivery, tomorrow) == asked_in_full(delivery, tomorrow) != set()


def test_all_is_asked_anew_after_an_import(delivery, watches, monkeypatch):
    monkeypatch.setattr(rights, "_refused_of", all_of)
    assert asked(delivery) == set()

    ImportFactory()

    assert asked(delivery) == {(one.pk, "") for one in watches}


def test_nothing_is_asked_twice_while_nothing_has_changed(delivery, django_assert_num_queries):
    stream = Stream.objects.select_related("agreement__customer").get(pk=delivery.stream_id)

    with django_assert_num_queries(3):
        assert refused_today(delivery, stream, AT) == set()


def test_what_was_refused_is_not_asked_of_again_either(delivery, watches, django_assert_num_queries):
    stream = Stream.objects.select_related("agreement__customer").get(pk=delivery.stream_id)
    watches[0].person.facts.update(protection=Protection.MARKED)
    refused = asked(delivery)

    with django_assert_num_queries(3):
        assert refused_today(delivery, stream, AT) == refused == {(watches[0].pk, "PROTECTED")}


@pytest.mark.parametrize("place", [0, 1])
def test_a_change_about_one_leaves_what_was_refused_of_another(delivery, watches, place):
    watches[0].person.facts.update(protection=Protection.MARKED)
    watches[1].person.consents.update(withdrawn_at=AT)
    before = asked(delivery)

    watches[0].person.facts.update(protection=Protection.NONE)
    if place:
        watches[1].person.consents.update(withdrawn_at=None)

    assert len(before) == 2
    assert asked(delivery) == asked_in_full(delivery) == ({(watches[1].pk, "CONSENT_MISSING")} if not place else set())


def test_a_change_that_refuses_one_more_adds_it_to_those_refused_before(delivery, watches):
    watches[0].person.facts.update(protection=Protection.MARKED)
    asked(delivery)

    watches[2].person.facts.update(protection=Protection.MARKED)

    assert asked(delivery) == asked_in_full(delivery) == {(one.pk, "PROTECTED") for one in (watches[0], watches[2])}


@pytest.mark.parametrize("way", ["a day", "an import", "a block lifted"])
def test_what_was_refused_is_asked_of_anew_by_another_day_import_or_law(delivery, watches, way):
    block = BlockFactory(customer=watches[0].stream.agreement.customer)
    before = asked(delivery)
    at = AT + timedelta(days=way == "a day")
    if way == "an import":
        ImportFactory()
    elif way == "a block lifted":
        type(block).objects.filter(pk=block.pk).update(lifted_at=AT)

    assert len(before) == 3
    assert asked(delivery, at) == asked_in_full(delivery, at)


def test_several_deliveries_are_asked_of_at_once_each_for_what_it_told(delivery, watches, stream):
    other = delivered([said_of(watches[0])], stream=stream, number=2)
    DisclosureFactory(delivery=other, watch=watches[0], sections={"sjukpenningarende": "0" * 64})
    watches[1].person.facts.update(protection=Protection.MARKED)
    both = Stream.objects.get(pk=stream.pk)

    assert refused_in([delivery.pk, other.pk], both, rights.as_of(AT)) == {
        delivery.pk: asked_in_full(delivery),
        other.pk: set(),
    }
    watches[0].person.facts.update(protection=Protection.MARKED)
    assert refused_in([delivery.pk, other.pk], both, rights.as_of(AT)) == {
        delivery.pk: asked_in_full(delivery),
        other.pk: {(watches[0].pk, "PROTECTED")},
    }


@pytest.mark.parametrize("of", ["another customer's consent", "another's watch"])
def test_what_concerns_others_has_no_watch_asked_anew(delivery, watches, monkeypatch, of):
    other = WatchFactory(benefit=BENEFIT)
    asked(delivery)
    monkeypatch.setattr(rights, "_refused_of", all_of)

    if of == "another's watch":
        _of(other).update(case_reference="A1")
    else:
        ConsentFactory(person=watches[0].person)

    assert asked(delivery) == set()


def test_only_the_watches_that_a_change_names_are_asked_anew(delivery, watches, monkeypatch):
    monkeypatch.setattr(rights, "_refused_of", all_of)

    _of(watches[0]).update(case_reference="A1")

    assert asked(delivery) == {(watches[0].pk, "")}


def test_more_changes_than_are_looked_into_have_all_asked_anew(delivery, watches, monkeypatch):
    monkeypatch.setattr(rights, "MOST", 1)
    monkeypatch.setattr(rights, "_refused_of", all_of)

    for _ in range(2):
        _of(watches[0]).update(case_reference="A1")

    assert asked(delivery) == {(one.pk, "") for one in watches}


def test_what_was_refused_is_refused_until_it_may_be_told(delivery, watches):
    watches[0].person.facts.update(protection=Protection.MARKED)
    assert asked(delivery) == asked(delivery) == {(watches[0].pk, "PROTECTED")}

    watches[0].person.facts.update(protection=Protection.NONE)

    assert asked(delivery) == set()


def test_a_page_is_refused_that_comes_after_protection_was_set(delivery, watches):
    fetch(delivery=delivery, at=AT)
    watches[0].person.facts.update(protection=Protection.MARKED)

    with pytest.raises(FetchRefused, match="RELEASE_NEEDED"):
        fetch(delivery=delivery, at=AT)

    assert GateAnswer.objects.get().day == DAY


def test_a_new_version_of_the_program_asks_of_everything_anew(delivery):
    call_command("migrate", verbosity=0)

    assert not GateAnswer.objects.exists()
