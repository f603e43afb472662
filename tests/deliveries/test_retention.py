"""What is old is erased by rule, in batches, logged; what is held stays; that something was told is kept for ever."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from benefits.models import BenefitPeriod, Import, Person, Reversal, Touched
from benefits.reversal import ReversalRefused, propose_reversal
from deliveries import checkpoints, holds, pages, retention, services, storage, tasks
from deliveries.models import (
    Checkpoint,
    Delivery,
    Disclosure,
    LegalHold,
    Purge,
    Purged,
    Reconciliation,
    ReconciliationLine,
    SpontaneousDisclosure,
)
from deliveries.verification import fold, verify
from lefi import foureyes
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from lefi.foureyes import NotApproved
from subscriptions.models import Member, Order, OrderLine
from subscriptions.orders import files
from tests.factories import (
    AT,
    ApiClientFactory,
    AuditEventFactory,
    CustomerFactory,
    DeliveryFactory,
    DisclosureFactory,
    HoldLiftFactory,
    MemberFactory,
    OrderFactory,
    OrderLineFactory,
    PersonReportFactory,
    PurgedFactory,
    SpontaneousDisclosureFactory,
    StoredDecisionFactory,
    UserFactory,
    WatchFactory,
)
from tests.histories.sources import SJP, sickness
from tests.histories.world import World
from tests.partners import partner, refusal_of, url_of

CASES = "sjukpenningarende"
REASON = "Tvist i förvaltningsrätten, mål 17-26"
LONG = timedelta(days=500)


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(autouse=True)
def decided(settings):
    settings.RETENTION_DECISION = "Gallringsbeslut 2026:1"


@pytest.fixture
def told(world: World) -> World:
    """Two persons told of in the first stream on three nights; all is fetched and acknowledged."""
    for place in range(2):
        sick(world, place)
        world.watch(world.streams[0], place, SJP)
    world.night()
    sick(world, 0)
    world.night()
    sick(world, 1)
    world.night()
    take_in(world)
    return world


def sick(world: World, place: int) -> None:
    somebody = world.sources.people[place]
    items = somebody.items(CASES)
    items.append(sickness(world.day - timedelta(days=60 + 20 * len(items)), 9))
    world.sources.hand_over(world.now, somebody)


def take_in(world: World) -> None:
    """Fetch and acknowledge all that has been delivered."""
    for delivery in Delivery.objects.filter(acknowledged_at=None).order_by("number"):
        services.fetch(delivery=delivery, at=world.now)
        services.acknowledge(delivery=delivery, sha256=delivery.sha256, at=world.now)


def later(world: World, days: timedelta = LONG) -> None:
    world.next_day(days.days)


def of_first(world: World) -> list[Delivery]:
    return list(Delivery.objects.filter(stream=world.streams[0]).order_by("number"))


def documents(world: World) -> list[Path]:
    paths = (storage.place_of(one.sha256) for one in of_first(world))
    return [path for path in paths if path.exists()]


def person_of(world: World, place: int = 0) -> Person:
    return Person.objects.holding(world.sources.people[place].number).get()


def erase(world: World, *kinds: str) -> list[Purge]:
    return retention.purge(at=world.now, kinds=list(kinds) or None)


def everything_holds(world: World) -> None:
    for stream in world.streams:
        report = verify(stream, world.now)
        assert (report.different, report.pending) == ([], []), [*map(str, report.different)]


@contextmanager
def killed_in(owner, name: str) -> Iterator[None]:
    with mock.patch.object(owner, name, side_effect=Killed), pytest.raises(Killed):
        yield


# Documents


def test_nothing_is_erased_without_the_agencys_decision(told, settings):
    settings.RETENTION_DECISION = ""
    later(told)

    with pytest.raises(retention.PurgeRefused) as refused:
        erase(told)
    tasks.erase_what_is_due()

    assert refused.value.code == "NO_DECISION"
    assert len(documents(told)) == 3


def test_what_is_old_is_erased_and_that_it_was_told_is_kept(told):
    before = list(Disclosure.objects.order_by("pk").values_list("sections", flat=True))
    later(told)

    erase(told)

    after = list(Disclosure.objects.order_by("pk").values_list("sections", flat=True))
    assert documents(told) == []
    assert [one.keys() for one in after] == [one.keys() for one in before]
    assert {digest for one in after for digest in one.values()} == {""}
    assert [len(one.sha256) for one in of_first(told)] == [64, 64, 64]
    assert all(one.manifest.jws for one in of_first(told))


def test_each_batch_says_its_rule_decision_limit_counts_and_span(told):
    taken = of_first(told)[0].acknowledged_at
    later(told)

    batches = erase(told, "documents")

    (first, *_) = (one for one in batches if one.kind == "documents")
    assert (first.reference, first.decision) == (retention.rules()["documents"].reference, "Gallringsbeslut 2026:1")
    assert first.before == told.now - timedelta(days=400)
    assert (first.oldest, first.newest, first.by) == (taken, taken, None)
    assert sum(one.counts["things"] for one in batches if one.kind == "documents") == Delivery.objects.count()
    assert sum(one.counts["rows"] for one in batches if one.kind == "digests") == Disclosure.objects.count()


def test_everything_is_verified_after_an_erasure_and_after_the_nights_that_follow(told):
    later(told)
    erase(told)
    everything_holds(told)

    sick(told, 0)
    told.night()
    take_in(told)
    everything_holds(told)
    later(told)
    erase(told)

    everything_holds(told)
    assert documents(told) == []
    assert Checkpoint.objects.filter(stream=told.streams[0]).count() == 2


def test_only_the_newest_state_of_a_stream_is_kept(told):
    later(told)
    erase(told)
    told.night()
    take_in(told)
    later(told)
    erase(told)

    old, new = Checkpoint.objects.filter(stream=told.streams[0]).order_by("number")
    assert not checkpoints.place_of(old.sha256).exists() or old.sha256 == new.sha256
    assert checkpoints.place_of(new.sha256).exists()


def test_the_sweep_of_orphans_leaves_the_states_of_checkpoints(told):
    later(told)
    erase(told)
    with mock.patch.object(storage, "ORPHAN_AGE", -1):
        tasks.sweep_orphan_documents()

    everything_holds(told)


@pytest.mark.parametrize(
    ("days", "acknowledged", "erased"),
    [(399, True, False), (401, True, True), (799, False, False), (801, False, True)],
)
def test_an_acknowledged_document_goes_sooner_than_one_that_was_only_fetched(world, days, acknowledged, erased):
    world.night()
    for delivery in Delivery.objects.all():
        services.fetch(delivery=delivery, at=world.now)
        if acknowledged:
            services.acknowledge(delivery=delivery, sha256=delivery.sha256, at=world.now)
    later(world, timedelta(days=days))

    erase(world)

    assert Purged.objects.exists() is erased


def test_what_nobody_has_fetched_stays_and_so_does_what_came_after_it(told):
    told.night()
    number = of_first(told)[-1].number
    later(told, timedelta(days=2000))

    erase(told)

    kept = Delivery.objects.filter(stream=told.streams[0], purged=None)
    assert [one.number for one in kept] == [number]
    assert len(documents(told)) == 1
    everything_holds(told)


def test_a_recalled_document_goes_too(told):
    told.night()
    Delivery.objects.filter(first_fetched_at=None).update(recalled_at=told.now)
    later(told)

    erase(told)

    assert not Delivery.objects.filter(purged=None).exists()


def test_an_erased_delivery_is_gone_for_good_and_says_so(told):
    later(told)
    erase(told)

    with pytest.raises(services.FetchRefused) as refused:
        services.fetch(delivery=of_first(told)[0], at=told.now)

    assert refused.value.code == "PURGED"
    assert of_first(told)[0].fetches.filter(refusal="PURGED").exists()


def test_a_stream_that_does_not_hold_is_not_erased(told):
    path = documents(told)[1]
    path.write_bytes(path.read_bytes().replace(b"BEVILJAN", b"BEVILJAT"))
    later(told)

    erase(told)

    assert len(documents(told)) == 3
    assert not Purged.objects.filter(delivery__stream=told.streams[0]).exists()


def test_a_document_that_another_stream_has_too_stays(told):
    last = of_first(told)[-1]
    DeliveryFactory(sha256=last.sha256, size=last.size, manifest__key=last.manifest.key)
    later(told)

    erase(told)

    assert documents(told) == [storage.place_of(last.sha256)]


def test_repeating_an_erasure_finds_nothing(told):
    later(told)
    erase(told)

    assert erase(told) == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (retention.checkpoints, "save"),
        (retention, "_lock"),
        (retention, "_purged"),
        (retention, "_finish"),
        (retention, "_remove_file"),
        (retention, "_empty_disclosures"),
        (retention.checkpoints, "forget_replaced"),
    ],
)
def test_killed_anywhere_the_next_erasure_finishes(told, owner, name):
    later(told)
    with killed_in(owner, name):
        erase(told)
    everything_holds(told)

    erase(told)

    assert documents(told) == []
    assert not Purged.objects.unfinished().exists()
    assert {digest for row in Disclosure.objects.all() for digest in row.sections.values()} == {""}
    everything_holds(told)


def test_rows_are_emptied_a_batch_at_a_time(told):
    later(told)
    with mock.patch.object(retention, "ROWS", 1):
        batches = erase(told, "documents")

    assert [one.counts["rows"] for one in batches if one.kind == "digests"] == [1] * Disclosure.objects.count()
    assert {digest for row in Disclosure.objects.all() for digest in row.sections.values()} == {""}


# Checkpoints


FAULTS = {
    "state gone": (lambda row: checkpoints.place_of(row.sha256).unlink(), "damaged or gone"),
    "state altered": (lambda row: checkpoints.place_of(row.sha256).write_text("[]\n"), "damaged or gone"),
    "signature altered": (lambda row: setattr(row, "jws", row.jws[:-4] + "AAAA"), "signature"),
    "signed for another state": (lambda row: setattr(row, "sha256", "0" * 64), "signed for something else"),
    "signed by a withdrawn key": (lambda row: setattr(row.key, "withdrawn_at", row.made_at), "withdrawn key"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_checkpoint_that_does_not_hold_is_found(told, fault):
    later(told)
    erase(told)
    row = checkpoints.newest(told.streams[0].pk)
    plant, words = FAULTS[fault]
    plant(row)

    with mock.patch.object(checkpoints, "newest", lambda stream: row):
        report = verify(told.streams[0], told.now)

    assert any(words in str(one) for one in report.different)


def test_a_kept_document_before_the_checkpoint_must_be_whole(told):
    hold_person(told, 1)
    later(told)
    erase(told)
    documents(told)[0].write_bytes(b"")

    report = verify(told.streams[0], told.now)

    assert any("damaged or gone" in str(one) for one in report.different)


def test_what_a_checkpoint_says_is_what_the_documents_said(told):
    stream = told.streams[0]
    folded = list(fold(stream).states())
    later(told)
    erase(told)

    assert list(fold(stream).states()) == folded


# Holds


def hold_person(world: World, place: int) -> LegalHold:
    return holds.set_hold(person=person_of(world, place), reason=REASON, by=UserFactory(), at=world.now)


def test_the_documents_that_a_held_person_is_in_stay(told):
    hold_person(told, 1)
    later(told)

    erase(told)

    kept = Delivery.objects.filter(stream=told.streams[0], purged=None).order_by("number")
    assert [one.number for one in kept] == [1, 3]
    assert len(documents(told)) == 2
    everything_holds(told)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hold_keeps_what_was_told_of_persons_who_are_found_to_be_one(told, when):
    if when == "before":
        hold_person(told, 1)
    one, other = told.sources.people[2], told.sources.people[1]
    one.former.append(other.number)
    told.sources.hand_over(told.now, one)
    if when == "after":
        hold_person(told, 2)
    later(told)

    erase(told)

    kept = Delivery.objects.filter(stream=told.streams[0], purged=None)
    assert {1, 3} <= set(kept.values_list("number", flat=True))


@pytest.mark.parametrize("scope", ["stream", "customer", "everything"])
def test_a_hold_of_a_stream_a_customer_or_everything_keeps_its_documents(told, scope):
    stream = told.streams[0]
    value = {"stream": stream, "customer": stream.agreement.customer, "everything": True}[scope]
    holds.set_hold(**{scope: value}, reason=REASON, by=UserFactory(), at=told.now)
    later(told)

    erase(told)

    assert len(documents(told)) == 3
    assert Purged.objects.filter(delivery__stream=told.streams[2]).exists() is (scope != "everything")


def test_a_hold_set_after_the_commit_keeps_the_file_that_still_lies_there(told):
    later(told)
    with killed_in(retention, "_remove_file"):
        erase(told)
    hold_person(told, 0)

    erase(told)

    assert documents(told)


def test_a_hold_is_lifted_by_two(told):
    held, one, other = hold_person(told, 0), UserFactory(), UserFactory()
    lift = holds.propose_lift(held=held, reason=REASON, by=one, at=told.now)
    with pytest.raises(NotApproved):
        foureyes.approve(lift, by=one, at=told.now)
    assert LegalHold.objects.in_force().exists()

    foureyes.approve(lift, by=other, at=told.now)

    assert not LegalHold.objects.in_force().exists()
    later(told)
    erase(told)
    assert documents(told) == []


def test_the_database_refuses_one_who_approves_the_own_lifting(db):
    user = UserFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        HoldLiftFactory(prepared_at=AT, prepared_by=user, approved_by=user, approved_at=AT)


def test_a_hold_is_of_exactly_one_thing_and_is_logged(told):
    user = UserFactory()
    for scope in ({}, {"everything": True, "stream": told.streams[0]}):
        with pytest.raises(holds.HoldRefused) as refused:
            holds.set_hold(reason=REASON, by=user, at=told.now, **scope)
        assert refused.value.code == "SCOPE"

    made = holds.set_hold(person=person_of(told), reason=REASON, by=user, at=told.now)

    event = AuditEvent.objects.latest("pk")
    assert (event.object_type, event.person_id, event.reason) == ("deliveries.legalhold", made.person_id, REASON)


def test_a_lifting_is_proposed_once(told):
    held = hold_person(told, 0)
    holds.propose_lift(held=held, reason=REASON, by=UserFactory(), at=told.now)

    with pytest.raises(holds.HoldRefused):
        holds.propose_lift(held=held, reason=REASON, by=UserFactory(), at=told.now)


# The door


def refused_by_the_database(change) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()


def test_a_disclosure_is_emptied_only_together_with_its_delivery(db):
    row = DisclosureFactory(sections={CASES: "1" * 64})
    same = Disclosure.objects.filter(pk=row.pk)
    refused_by_the_database(lambda: same.update(sections={CASES: ""}))

    PurgedFactory(delivery=row.delivery)
    refused_by_the_database(lambda: same.update(sections={}))
    refused_by_the_database(lambda: same.update(sections={CASES: "2" * 64}))
    refused_by_the_database(lambda: same.update(sections={CASES: ""}, items=9))
    refused_by_the_database(same.delete)

    assert same.update(sections={CASES: ""}) == 1


def test_what_was_told_unasked_is_emptied_only_once_it_is_erased(db):
    row = SpontaneousDisclosureFactory()
    told_unasked(row)
    same = SpontaneousDisclosure.objects.filter(pk=row.pk)
    refused_by_the_database(lambda: same.update(sections={CASES: ""}))
    assert same.update(first_fetched_at=AT, fetched_by="eva") == 1
    refused_by_the_database(lambda: same.update(fetched_by="bo"))

    PurgedFactory(delivery=None, spontaneous=row)
    refused_by_the_database(lambda: same.update(sections={CASES: ""}, reason=""))

    assert same.update(sections={CASES: ""}) == 1


def told_unasked(row: SpontaneousDisclosure) -> None:
    decision = StoredDecisionFactory()
    SpontaneousDisclosure.objects.filter(pk=row.pk).update(
        decision=decision,
        sha256="1" * 64,
        sections={CASES: "1" * 64},
        approved_by=UserFactory(),
        approved_at=AT,
    )


@pytest.mark.parametrize("model", [Purge, Checkpoint, LegalHold, Purged])
def test_what_says_that_something_was_erased_or_held_is_never_changed_or_deleted(told, model):
    hold_person(told, 1)
    later(told)
    erase(told)
    rows = model.objects.all()

    refused_by_the_database(lambda: rows._raw_delete(rows.db))
    column = {Purge: "kind", Checkpoint: "number", LegalHold: "reason", Purged: "purge_id"}[model]
    refused_by_the_database(lambda: rows.update(**{column: 1}))


# Other kinds


def test_the_files_of_old_orders_and_the_numbers_on_their_lines_go(world):
    order = order_done(world)

    erase(world)

    lines = OrderLine.objects.filter(order=order).values_list("line", "number", "answer")
    assert list(lines) == [(1, "", "ACCEPTED"), (2, "", "ACCEPTED")]
    assert not files.raw_path(order).exists()
    assert erase(world) == []


def order_done(world: World, status: str = Order.Status.DONE) -> Order:
    refusal = "NOT_XML" if status == Order.Status.REFUSED else ""
    order = OrderFactory(stream=world.streams[0], status=status, refusal=refusal, done_at=world.now)
    if status == Order.Status.DONE:
        for line in (1, 2):
            OrderLineFactory(order=order, line=line, answer="ACCEPTED", watch__benefit=SJP)
    path = files.raw_path(order)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"raw")
    later(world)
    return order


def test_the_lines_of_an_order_are_emptied_a_batch_at_a_time(world):
    order = order_done(world)

    with mock.patch.object(retention, "ROWS", 1):
        batches = erase(world, "orders")

    assert [one.counts for one in batches] == [{"things": 1}, {"rows": 1}, {"rows": 1}]
    assert set(OrderLine.objects.filter(order=order).values_list("number", flat=True)) == {""}


@pytest.mark.parametrize("by_number", [True, False])
def test_an_order_that_names_a_held_person_stays(world, by_number):
    order = order_done(world)
    person = OrderLine.objects.filter(order=order).first().watch.person
    if by_number:
        OrderLine.objects.filter(order=order).update(watch=None)
    holds.set_hold(person=person, reason=REASON, by=UserFactory(), at=world.now)

    erase(world)

    assert files.raw_path(order).exists()


@pytest.mark.parametrize("status", [Order.Status.REFUSED, Order.Status.THROWN_AWAY])
def test_the_file_of_an_order_that_was_refused_or_thrown_away_goes_sooner(world, status):
    order = order_done(world, status)

    batches = erase(world, "refused_orders")

    assert not files.raw_path(order).exists()
    assert [one.kind for one in batches] == ["refused_orders"]


def test_an_order_that_is_not_over_stays(world):
    order = order_done(world)
    Order.objects.filter(pk=order.pk).update(status=Order.Status.STOPPED)

    assert erase(world, "orders", "refused_orders") == []


def test_differences_found_long_ago_go_and_their_counts_stay(world):
    said = {"client": "liv", "form": "csv", "size": 1, "received_at": world.now, "counts": {"DIFFERS": 1}}
    row = Reconciliation.objects.create(stream=world.streams[0], status="done", done_at=world.now, **said)
    row.lines.create(kind="DIFFERS", watch=WatchFactory())
    later(world)

    erase(world, "reconciliations")

    row.refresh_from_db()
    assert not ReconciliationLine.objects.exists()
    assert row.counts == {"DIFFERS": 1}


def test_what_was_told_unasked_goes_some_time_after_it_was_read(world):
    row = SpontaneousDisclosureFactory()
    told_unasked(row)
    path = storage.place_of("1" * 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<leverans/>")
    SpontaneousDisclosure.objects.update(first_fetched_at=world.now)
    later(world)

    erase(world, "spontaneous")

    row.refresh_from_db()
    assert not path.exists()
    assert row.sections == {CASES: ""}


def test_the_content_of_an_old_report_goes_and_its_hash_stays(world):
    row = PersonReportFactory(approved_at=world.now)
    later(world, timedelta(days=900))

    erase(world, "reports")

    row.refresh_from_db()
    assert (row.content, len(row.sha256)) == ("", 64)


def test_replaced_versions_go_once_nobody_looks_behind_them(told):
    replaced = BenefitPeriod.objects.filter(withdrawn_in__isnull=False)
    told.sources.people[0].sections[CASES] = []
    told.sources.hand_over(told.now, told.sources.people[0])
    gone = replaced.count()
    later(told, timedelta(days=1200))

    erase(told, "versions")
    assert (gone, replaced.count()) == (2, 2), "the streams have not been told of it yet"

    told.night()
    erase(told, "versions")
    assert replaced.count() == 0
    assert not Touched.objects.filter(number__lte=Import.objects.last_number()).exists()
    everything_holds(told)


def test_versions_that_a_held_person_or_customer_needs_stay(told):
    told.sources.people[0].sections[CASES] = []
    told.sources.people[1].sections[CASES] = []
    told.sources.hand_over(told.now, *told.sources.people[:2])
    told.night()
    later(told, timedelta(days=1200))
    hold_person(told, 0)

    erase(told, "versions")
    assert {one.person_id for one in BenefitPeriod.objects.all()} == {person_of(told).pk}

    holds.set_hold(customer=told.streams[0].agreement.customer, reason=REASON, by=UserFactory(), at=told.now)
    assert erase(told, "versions") == []


def test_an_import_whose_replaced_versions_are_erased_is_not_undone(told):
    later(told, timedelta(days=1200))
    told.night()
    erase(told, "versions")

    with pytest.raises(ReversalRefused) as refused:
        propose_reversal(imported=Import.objects.get(number=1), reason=REASON, by=UserFactory(), at=told.now)

    assert refused.value.code == "ERASED"


def test_what_a_proposed_reversal_needs_stays(told):
    told.sources.people[0].sections[CASES] = []
    imported = told.sources.hand_over(told.now, told.sources.people[0])
    told.night()
    later(told, timedelta(days=1200))
    propose_reversal(imported=imported, reason=REASON, by=UserFactory(), at=told.now)

    erase(told, "versions")

    assert BenefitPeriod.objects.filter(withdrawn_in=imported.number).count() == 2
    assert Reversal.objects.exists()


def test_what_a_watch_that_ended_untold_is_owed_stays(told):
    watch = told.watch(told.streams[2], 0, SJP)
    watch.pending.create(reason="protected", since=told.now)
    type(watch).objects.filter(pk=watch.pk).update(ended_at=told.now, end_reason="AVBESTALLD", ended_as_of=2)

    assert retention._versions_through(told.now + timedelta(days=1)) <= 2


def test_old_events_of_the_log_go_and_nothing_else_can_be_deleted(world):
    old, new = AuditEventFactory(at=world.now - timedelta(days=3651)), AuditEventFactory(at=world.now)
    refused_by_the_database(lambda: AuditEvent.objects.filter(pk=old.pk).delete())

    erase(world, "log")

    assert list(AuditEvent.objects.all()) == [new]
    refused_by_the_database(lambda: AuditEvent.objects.filter(pk=new.pk).delete())
    refused_by_the_database(lambda: AuditEvent.objects.filter(pk=new.pk).update(reason=""))


@pytest.mark.parametrize("scope", ["person", "customer", "everything"])
def test_events_that_a_hold_may_need_stay_and_the_database_sees_to_it(world, scope):
    row = DisclosureFactory()
    value = {"person": row.person, "customer": CustomerFactory(), "everything": True}[scope]
    event = AuditEventFactory(at=world.now - timedelta(days=4000), person_id=row.person_id)
    other = AuditEventFactory(at=world.now - timedelta(days=4000), person_id=None)
    holds.set_hold(**{scope: value}, reason=REASON, by=UserFactory(), at=world.now)

    erase(world, "log")

    kept = set(AuditEvent.objects.filter(at__lt=world.now - timedelta(days=3650)))
    assert kept == ({event} if scope == "person" else {event, other})
    refused_by_the_database(lambda: AuditEvent.objects.filter(pk=event.pk).delete())


# Rules, counts and the command


def test_what_would_be_erased_is_counted_and_nothing_is_changed(told):
    hold_person(told, 1)
    later(told)

    found = {one.kind: one for one in retention.expected(told.now)}

    assert (found["documents"].due, found["documents"].held) == (Delivery.objects.count() - 2, 2)
    assert found["documents"].rule.days == 400
    assert found["log"].due == 0
    assert not Purge.objects.exists()


def test_the_command_says_what_it_would_do_and_does_it(told, capsys):
    later(told)

    call_command("purge", "--dry-run")
    said = capsys.readouterr().out
    assert f"documents: {Delivery.objects.count()} due from 2026-01-08 to 2026-01-08, 0 held; 400 days" in said
    assert len(documents(told)) == 3

    call_command("purge", "documents")
    assert "erased documents: things 3 (erasure " in capsys.readouterr().out
    assert documents(told) == []
    assert set(Purge.objects.values_list("client", flat=True)) == {"command line"}


@pytest.mark.parametrize("arguments", [["nothing"], ["digests"]])
def test_the_command_refuses_what_is_no_kind(db, arguments):
    with pytest.raises(CommandError, match="no such kind"):
        call_command("purge", *arguments)


def test_the_command_refuses_without_a_decision(db, settings):
    settings.RETENTION_DECISION = ""

    with pytest.raises(CommandError, match="RETENTION_DECISION"):
        call_command("purge")


@pytest.mark.parametrize(
    "given",
    [{}, {"documents": {"days": 0, "reference": "x"}}, {"log": {"days": 9}}, {"all": {"days": 9, "reference": "x"}}],
)
def test_rules_that_cannot_be_kept_are_refused(settings, given):
    settings.RETENTION = (settings.RETENTION | given) if given else {}

    with pytest.raises(ImproperlyConfigured):
        retention.rules()


def test_the_daily_task_erases(told):
    later(told)

    tasks.erase_what_is_due()

    assert documents(told) == []


def test_no_row_of_an_erasure_names_a_person(told):
    later(told)
    erase(told)

    said = json.dumps([{**one.counts, "reference": one.reference} for one in Purge.objects.all()])
    assert not [one for one in told.sources.people if one.number in said]


# The pages


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def page(view: str, *args) -> str:
    return reverse(f"admin:deliveries_{view}", args=args)


def test_what_is_due_is_shown_by_kind_with_rule_and_decision(told, client, staff):
    later(told)
    client.force_login(staff)

    text = client.get(page("purge_due")).content.decode()

    assert "Gallringsbeslut 2026:1" in text
    assert "SFB (2010:110) 114 kap. 15 §" in text
    assert f'<td class="amount">{Delivery.objects.count()}</td>' in text


def test_without_a_decision_the_page_says_that_nothing_is_erased(office, settings):
    settings.RETENTION_DECISION = ""

    assert "RETENTION_DECISION" in office.get(page("purge_due")).content.decode()


def test_who_may_not_see_erasures_does_not_see_what_is_due(client, db):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(page("purge_due")).status_code == 403


def test_the_list_of_erasures_says_what_went(told, client, staff):
    later(told)
    erase(told)
    client.force_login(staff)

    assert "objekt 3" in client.get(page("purge_changelist")).content.decode()


def test_a_hold_is_set_from_the_persons_page_and_lifted_by_two(office, told, staff, client):
    person = person_of(told)
    session = office.session
    token = open_person(session, person_id=person.pk, reason=REASON, at=told.now)
    session.save()
    office.post(f"{page('legalhold_add')}?about={token}", {"reason": REASON})
    held = LegalHold.objects.get()

    office.post(f"{page('holdlift_add')}?hold={held.pk}", {"hold": held.pk, "reason": REASON})
    own = office.post(page("holdlift_approve", held.lifts.get().pk), {"reason": REASON})
    other = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(other)
    session = client.session
    open_person(session, person_id=person.pk, reason=REASON, at=told.now)
    session.save()

    assert (held.person, held.set_by, own.status_code) == (person, staff, 200)
    assert LegalHold.objects.in_force().exists()
    client.post(page("holdlift_approve", held.lifts.get().pk), {"reason": REASON})
    assert not LegalHold.objects.in_force().exists()


@pytest.mark.parametrize("given", [{}, {"everything": "on", "customer": True}])
def test_a_hold_of_nothing_or_of_two_things_is_refused_on_its_page(office, given):
    given = {name: CustomerFactory().pk if value is True else value for name, value in given.items()}

    response = office.post(page("legalhold_add"), {"reason": REASON, **given})

    assert response.status_code == 200
    assert not LegalHold.objects.exists()


def test_a_partner_is_told_that_the_content_is_gone(told):
    later(told)
    erase(told)
    agreement = told.streams[0].agreement
    system = partner(ApiClientFactory(customer=agreement.customer))

    answer = system.get(url_of(told.streams[0], "deliveries", 1, "document"))

    assert refusal_of(answer) == (410, "PURGED")


def test_the_portal_says_in_words_that_the_content_is_gone(client, told):
    later(told)
    erase(told)
    member = MemberFactory(customer=told.streams[0].agreement.customer, role=Member.Role.INTEGRATION)
    client.force_login(member.user)

    text = client.get(reverse("portal:delivery-detail", args=[of_first(told)[0].pk])).content.decode()

    assert str(pages.REFUSALS["PURGED"][0]) in text
