"""Which watches a run examines: each of the four origins finds its own, and no other; and what it costs."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benefits.services import person_of
from deliveries import candidates, runs
from deliveries.models import Candidate, Delivery, Disclosure, Run, StreamRun, Told
from subscriptions.models import Agreement, Block, Consent, Customer, OwnerApproval, Pending, Stream, Watch
from subscriptions.models.orders import OrderKind
from tests.factories import BlockFactory, ConsentFactory, ProtectedReleaseFactory, ReservationFactory
from tests.histories.sources import AP, FP, SJP, details, parental, payment, pension, sickness
from tests.histories.world import ASKED, PLAIN, WIDE, World

# The watches: stream and person (both as places), and benefit.
WATCHES = [(0, 0, SJP), (0, 0, FP), (0, 1, SJP), (0, 1, AP), (1, 0, SJP), (1, 1, FP), (2, 2, SJP)]
OF_STREAM_0 = {0, 1, 2, 3}


@pytest.fixture
def quiet(world: World) -> World:
    """Watches that have had their first delivery, and nothing since."""
    world.sources.hand_over(world.now, *world.sources.people)
    for place in (0, 1):
        holder = person_of(world.sources.people[place].number)
        customer = world.streams[1].agreement.customer
        ends = world.day + timedelta(days=30 + place)
        ConsentFactory(customer=customer, person=holder, benefits=[SJP, FP], classes=WIDE, valid_to=ends)
    for place, person, benefit in WATCHES:
        world.watch(world.streams[place], person, benefit)
    world.night()
    return world


def found(made: World) -> set[int]:
    """The places in WATCHES of what the next night examines."""
    run = made.start_night()
    order = list(Watch.objects.order_by("pk").values_list("pk", flat=True))
    return {order.index(one) for one in Candidate.objects.filter(run=run).values_list("watch", flat=True)}


def give(made: World, person: int, section: str, *items: dict) -> None:
    made.sources.people[person].sections[section] = list(items)
    made.sources.hand_over(made.now, made.sources.people[person], only=[section])


def name(made: World, person: int, **facts) -> None:
    for field, value in facts.items():
        setattr(made.sources.people[person], field, value)
    made.sources.hand_over(made.now, made.sources.people[person], only=[])


def pensioned(made: World) -> None:
    made.sources.people[1].sections["beslut"] = [pension(1, made.day, 1)]
    made.sources.hand_over_pension(made.now, made.sources.people[1])


BY_IMPORTS = {
    "nothing": (lambda made: None, set()),
    "an import without news": (lambda made: made.sources.hand_over(made.now, *made.sources.people), set()),
    "a case": (lambda made: give(made, 0, "sjukpenningarende", sickness(made.day, 3)), {0, 4}),
    "a case of another benefit": (lambda made: give(made, 1, "foraldrapenningarende", parental(made.day, 3)), {5}),
    "a payment, of whatever benefit": (
        lambda made: give(made, 0, "utbetalningsuppgift", payment(made.day, 3, "FP")),
        {0, 1, 4},
    ),
    "another owner's decision": (pensioned, {3}),
    "what nobody watches": (
        lambda made: give(made, 0, "generellPersoninformation", details("199001012385", 1, "Test")),
        set(),
    ),
    "a name": (lambda made: name(made, 2, name="Eva Test"), {6}),
    "a death": (lambda made: name(made, 1, died="2026-01"), {2, 3, 5}),
    "a protection": (lambda made: name(made, 0, protection="SEKRETESSMARKERING"), {0, 1, 4}),
}


@pytest.mark.parametrize("happening", BY_IMPORTS)
def test_an_import_makes_candidates_of_the_watches_on_what_it_changed(quiet, happening):
    happens, expected = BY_IMPORTS[happening]
    happens(quiet)

    assert found(quiet) == expected


def agreement_of(made: World, place: int) -> Agreement:
    return Agreement.objects.get(pk=made.streams[place].agreement_id)


BY_LAW = {
    "a customer": (lambda made: agreement_of(made, 0).customer.save(), OF_STREAM_0),
    "an agreement": (lambda made: agreement_of(made, 2).save(), {6}),
    "a scope": (lambda made: made.scope(made.streams[0]), OF_STREAM_0),
    "a basis": (lambda made: made.basis(ASKED), {4, 5}),
    "a basis of two streams": (lambda made: made.basis(PLAIN), OF_STREAM_0 | {6}),
    "a basis of nobody": (lambda made: made.basis("KOM-SOC"), set()),
    "a reservation": (lambda made: ReservationFactory(agreement=agreement_of(made, 2)), {6}),
    "a protected release": (lambda made: ProtectedReleaseFactory(watch=Watch.objects.earliest("pk")), {0}),
    "an approval": (lambda made: OwnerApproval.objects.filter(basis_code=PLAIN).update(benefit="PM:EF"), {3}),
    "a consent": (lambda made: Consent.objects.earliest("pk").save(), {4}),
    "a block of one benefit": (lambda made: Block.objects.create(benefit=FP, reason="x", set_at=made.now), {1, 5}),
    "a watch": (lambda made: Watch.objects.earliest("pk").save(), {0}),
    "all of a customer's watches at once": (
        lambda made: Watch.objects.filter(stream=made.streams[0]).update(need_reference="B9"),
        OF_STREAM_0,
    ),
    "customers at once": (lambda made: Customer.objects.update(active=True), set(range(7))),
}


@pytest.mark.parametrize("change", BY_LAW)
def test_a_law_change_makes_candidates_of_the_watches_that_it_may_affect(quiet, change):
    happens, expected = BY_LAW[change]
    happens(quiet)

    assert found(quiet) == expected


DATES = {
    "an agreement ends": (
        lambda day: {"agreement": {"valid_to": day - timedelta(days=1)}},
        OF_STREAM_0,
    ),
    "an agreement goes on": (lambda day: {"agreement": {"valid_to": day + timedelta(days=1)}}, set()),
    "a basis version begins": (lambda day: {"basis": {"valid_from": day}}, {4, 5}),
    "a basis ends": (lambda day: {"basis": {"valid_to": day - timedelta(days=1)}}, {4, 5}),
    "a reconfirmation falls due": (lambda day: {"watch": {"reconfirm_by": day - timedelta(days=1)}}, {2}),
    "a reconfirmation is due tomorrow": (lambda day: {"watch": {"reconfirm_by": day}}, set()),
    "a protected release ends": (lambda day: {"release": {"valid_to": day - timedelta(days=1)}}, {3}),
    "a protected release begins": (lambda day: {"release": {"valid_from": day}}, {3}),
    "an approval begins": (lambda day: {"approval": {"valid_from": day}}, OF_STREAM_0 | {6}),
}


@pytest.mark.parametrize("date_passed", DATES)
def test_a_date_that_passed_makes_candidates_though_nothing_was_written_since(quiet, date_passed):
    later = quiet.day + timedelta(days=10)
    changes, expected = DATES[date_passed]
    values = changes(later)
    Agreement.objects.filter(pk=quiet.streams[0].agreement_id).update(**values.get("agreement", {"code": "A0"}))
    quiet.basis(ASKED, **values.get("basis", {}))
    watches = list(Watch.objects.order_by("pk"))
    Watch.objects.filter(pk=watches[2].pk).update(**values.get("watch", {"case_reference": "A7"}))
    ProtectedReleaseFactory(watch=watches[3], **values.get("release", {}))
    OwnerApproval.objects.filter(basis_code=PLAIN).update(**values.get("approval", {"owner": "PM"}))
    quiet.night()
    quiet.next_day((later - quiet.day).days)

    assert found(quiet) == expected


@pytest.mark.parametrize(("days", "expected"), [(29, set()), (30, {4}), (31, {4, 5})])
def test_a_consent_that_ran_out_makes_candidates_of_the_persons_watches(quiet, days, expected):
    quiet.next_day(days)

    assert found(quiet) == expected


def test_what_is_pending_is_a_candidate_until_it_is_settled(quiet):
    watch = Watch.objects.order_by("pk")[2]
    Pending.objects.create(watch=watch, reason=Pending.Reason.REFRESH, since=quiet.now)

    assert found(quiet) == {2}
    runs.perform(Run.objects.latest("pk"))
    assert not Pending.objects.exists()


def test_an_ended_watch_is_examined_once_more(quiet):
    quiet.order(quiet.streams[0], OrderKind.CANCEL, quiet.sources.people[0].number, SJP)

    assert found(quiet) == {0}
    runs.perform(Run.objects.latest("pk"))
    quiet.next_day()
    give(quiet, 0, "sjukpenningarende", sickness(quiet.day, 3))
    assert found(quiet) == {4}


def test_a_frozen_watch_is_left_alone_until_it_thaws_unless_it_has_ended(quiet):
    block = BlockFactory(customer=None, benefit=SJP)
    quiet.order(quiet.streams[0], OrderKind.CANCEL, quiet.sources.people[0].number, SJP)
    quiet.night()
    frozen = {0, 2, 4, 6}
    watches = list(Watch.objects.order_by("pk"))
    owed = Pending.objects.filter(reason=Pending.Reason.HELD)
    assert {watches.index(one.watch) for one in owed} == frozen
    assert found(quiet) == {0}, "the one that has ended"
    runs.perform(Run.objects.latest("pk"))
    quiet.next_day()

    block.lifted_at = quiet.now
    block.save()

    assert found(quiet) == frozen
    runs.perform(Run.objects.latest("pk"))
    assert not Pending.objects.exists()


def test_a_stream_behind_the_others_examines_all_since_its_own_mark(quiet):
    give(quiet, 0, "sjukpenningarende", sickness(quiet.day, 3))
    run = quiet.start_night()
    StreamRun.objects.filter(run=run, stream=quiet.streams[1]).update(status=StreamRun.Status.FAILED)
    runs.perform(run)
    quiet.next_day()

    assert found(quiet) == {4}


def test_a_candidate_without_news_writes_nothing(quiet):
    before = Told.objects.count(), Disclosure.objects.count()
    Watch.objects.update(need_reference="B9")

    quiet.night()

    assert (Told.objects.count(), Disclosure.objects.count()) == before
    assert set(Delivery.objects.filter(number=2).values_list("persons", "blocks")) == {(0, 0)}
    assert not Pending.objects.exists()


def queries_of_a_night(made: World) -> int:
    with CaptureQueriesContext(connection) as captured:
        made.night()
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_the_watches(quiet):
    for person in (0, 2):
        give(quiet, person, "sjukpenningarende", sickness(quiet.day, 3))
    few = queries_of_a_night(quiet)
    for n in range(10):
        person = quiet.sources.people[n % 3]
        quiet.order(quiet.streams[n % 3], OrderKind.NEW, person.number, [SJP, FP][n % 2], date(2025, 7, 1))
    quiet.night()
    for person in range(3):
        quiet.sources.people[person].sections["utbetalningsuppgift"] = [payment(quiet.day, 9, "FP", "SJP")]
    quiet.sources.hand_over(quiet.now, *quiet.sources.people)

    assert queries_of_a_night(quiet) <= few


def test_no_streams_no_candidates(quiet):
    run = quiet.start_night()

    assert candidates.find(run, []) == 0
    assert candidates.touched_by_law(Stream.objects.select_related("agreement").earliest("pk"), 10**9)[1] == set()
