"""The gate that every fetch passes, the receipt, and the recall of what nobody has fetched."""

from datetime import date, timedelta

import pytest

from benefits.models import PersonFacts, Protection
from benefits.services import person_of
from deliveries import rights, services, storage, tasks
from deliveries.models import Delivery, Disclosure, Fetch, Told
from deliveries.reading import read
from deliveries.rights import refused_now
from deliveries.services import (
    AcknowledgeRefused,
    FetchRefused,
    acknowledge,
    fetch,
    recall_what_may_no_longer_be_told,
)
from deliveries.verification import verify
from subscriptions.models import Agreement, Consent, Customer, OwnerApproval, Pending, Stream
from tests.documents import delivered, said_of
from tests.factories import (
    AT,
    BlockFactory,
    ConsentFactory,
    DisclosureFactory,
    HandoutReleaseFactory,
    ToldFactory,
    WatchFactory,
)
from tests.histories.sources import AP, FP, SJP, pension, sickness
from tests.histories.world import ASKED, WIDE, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch():
    return WatchFactory(stream__served=True)


@pytest.fixture
def delivery(watch):
    delivery = delivered([said_of(watch)], stream=watch.stream)
    DisclosureFactory(delivery=delivery, watch=watch, sections={"sjukpenningarende": "0" * 64})
    return delivery


def refusal(delivery: Delivery) -> str:
    """The code of a refused fetch, which is logged; empty if it is let through."""
    try:
        fetch(delivery=delivery, at=AT, client="skadesystemet")
    except FetchRefused as refused:
        assert Fetch.objects.latest("pk").refusal == refused.code
        return refused.code
    return ""


def test_whether_it_would_be_handed_out_once_more_is_asked_of_the_row_as_it_now_stands():
    watch = WatchFactory(stream__served=True)
    delivery = delivered([said_of(watch)], stream=watch.stream)
    assert services.refusals_now([delivery], AT) == {delivery.pk: ""}

    Delivery.objects.filter(pk=delivery.pk).update(recalled_at=AT)

    assert services.refusals_now([delivery], AT) == {delivery.pk: "RECALLED"}


def test_a_fetch_hands_over_the_document_and_is_logged(delivery):
    path = fetch(delivery=delivery, at=AT, client="skadesystemet")

    delivery.refresh_from_db()
    assert path.read_bytes().startswith(b"<?xml")
    assert delivery.first_fetched_at == AT
    assert (Fetch.objects.get().client, Fetch.objects.get().refusal) == ("skadesystemet", "")


def test_a_delivery_can_be_fetched_again_and_its_first_fetch_stays(delivery):
    first = fetch(delivery=delivery, at=AT)
    again = fetch(delivery=delivery, at=AT.replace(hour=20))

    delivery.refresh_from_db()
    assert first == again
    assert delivery.first_fetched_at == AT
    assert Fetch.objects.count() == 2


def test_first_fetches_go_in_sequence(watch, delivery):
    second = delivered([], stream=watch.stream, number=2)

    assert refusal(second) == "OUT_OF_SEQUENCE"
    assert refusal(delivery) == refusal(second) == ""


def test_a_recalled_delivery_holds_up_none_after_it(watch):
    recalled = delivered([], stream=watch.stream, number=1, recalled_at=AT)
    second = delivered([], stream=watch.stream, number=2)

    assert refusal(recalled) == "RECALLED"
    assert refusal(second) == ""


def test_what_a_delivery_replaced_is_let_go_when_it_is_fetched(watch, delivery):
    replaced = ToldFactory(watch=watch, delivery=delivery, replaced_by=delivery)
    current = ToldFactory(watch=watch, delivery=delivery)

    fetch(delivery=delivery, at=AT)

    assert list(Told.objects.all()) == [current]
    assert not Told.objects.filter(pk=replaced.pk).exists()


@pytest.mark.parametrize(
    "change", [{"status": "ended"}, {"valid_to": date(2026, 11, 1)}, {"valid_from": date(2027, 1, 1)}]
)
def test_nothing_is_handed_over_without_an_agreement_in_force(delivery, change):
    Agreement.objects.update(**change)

    assert refusal(delivery) == "AGREEMENT_NOT_ACTIVE"


def test_nothing_is_handed_over_to_an_inactive_customer(delivery):
    Customer.objects.update(active=False)

    assert refusal(delivery) == "CUSTOMER_INACTIVE"


def test_that_a_stream_has_ended_can_be_fetched_after_its_agreement(watch):
    last = delivered([], stream=watch.stream, final=True)
    Agreement.objects.update(status=Agreement.Status.ENDED)

    assert refusal(last) == ""


@pytest.mark.parametrize("of", ["customer", "benefit"])
def test_a_block_stops_what_it_names_until_it_is_lifted(watch, delivery, of):
    stopped = {"customer": watch.stream.agreement.customer} if of == "customer" else {"benefit": watch.benefit}
    block = BlockFactory(**({"customer": None} | stopped))
    assert refusal(delivery) == "BLOCKED"

    block.lifted_at = AT
    block.save()

    assert refusal(delivery) == ""


def test_a_delivery_about_a_person_now_protected_stays_here(watch, delivery):
    fetch(delivery=delivery, at=AT)
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)

    assert refusal(delivery) == "RELEASE_NEEDED"


def test_a_fetched_delivery_is_handed_out_again_once_when_two_have_released_it(watch, delivery):
    fetch(delivery=delivery, at=AT)
    Agreement.objects.update(status="signed_by_fk")
    assert refusal(delivery) == "AGREEMENT_NOT_ACTIVE", "no release opens a stream that is stopped"
    Agreement.objects.update(status="active")
    PersonFacts.objects.filter(person=watch.person).update(protection=Protection.MARKED)
    HandoutReleaseFactory(delivery=delivery, approved_by=None, approved_at=None)
    assert refusal(delivery) == "RELEASE_NEEDED", "a proposal is not enough"

    release = HandoutReleaseFactory(delivery=delivery, refused=[f"{watch.pk}:PROTECTED"])

    assert [refusal(delivery) for _ in range(2)] == ["", "RELEASE_NEEDED"]
    release.refresh_from_db()
    assert release.used_at == AT


def test_a_release_is_not_used_up_while_everything_may_still_be_told(delivery):
    fetch(delivery=delivery, at=AT)
    release = HandoutReleaseFactory(delivery=delivery)

    assert refusal(delivery) == ""
    release.refresh_from_db()
    assert release.used_at is None


def test_a_damaged_document_is_not_handed_over(delivery):
    storage.place_of(delivery.sha256).write_bytes(b"<leverans/>")

    assert refusal(delivery) == "DOCUMENT_DAMAGED"
    assert not Delivery.objects.exclude(first_fetched_at=None).exists()


def test_a_receipt_needs_a_fetch_and_the_hash_of_the_document(delivery):
    with pytest.raises(AcknowledgeRefused, match="NOT_FETCHED"):
        acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT)
    fetch(delivery=delivery, at=AT)
    with pytest.raises(AcknowledgeRefused, match="WRONG_HASH"):
        acknowledge(delivery=delivery, sha256="0" * 64, at=AT)

    acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT)
    acknowledge(delivery=delivery, sha256=delivery.sha256, at=AT.replace(hour=20))

    delivery.refresh_from_db()
    assert delivery.acknowledged_at == AT


# What ends a right after a release and before the first fetch, and gives it back. Streams: 1 rests on consent.


def protect(made: World) -> None:
    made.sources.people[0].protection = "SEKRETESSMARKERING"
    made.sources.hand_over(made.now, made.sources.people[0], only=[])


def unprotect(made: World) -> None:
    made.sources.people[0].protection = "INGET"
    made.sources.hand_over(made.now, made.sources.people[0], only=[])


def set_agreement(made: World, status: str) -> None:
    Agreement.objects.filter(pk=made.streams[1].agreement_id).update(status=status)


ENDINGS = {
    "a person becomes protected": (protect, unprotect),
    "a consent is withdrawn": (
        lambda made: Consent.objects.update(withdrawn_at=made.now),
        lambda made: Consent.objects.update(withdrawn_at=None),
    ),
    "an agreement is paused": (
        lambda made: set_agreement(made, "signed_by_fk"),
        lambda made: set_agreement(made, "active"),
    ),
    "a basis is closed": (
        lambda made: made.basis(ASKED, status="closed", valid_to=made.day),
        lambda made: made.basis(ASKED, status="active", valid_to=None),
    ),
    "an owner takes its approval back": (
        lambda made: OwnerApproval.objects.filter(basis_code=ASKED).update(valid_to=made.day - timedelta(days=1)),
        lambda made: OwnerApproval.objects.filter(basis_code=ASKED).update(valid_to=None),
    ),
    "a scope loses a benefit": (
        lambda made: made.scope(made.streams[1], benefits=[FP]),
        lambda made: made.scope(made.streams[1], benefits=[SJP, FP, AP]),
    ),
    "a scope loses a field class": (
        lambda made: made.scope(made.streams[1], classes=[one for one in WIDE if one != "period"]),
        lambda made: made.scope(made.streams[1], classes=WIDE),
    ),
}


@pytest.fixture
def released(world) -> World:
    """Stream 1: delivery 1 is fetched; 2 (a change) and 3 (a change and a first) are not. Person 2 stays as told."""
    people = world.sources.people
    for person in people:
        person.items("sjukpenningarende").append(sickness(world.day - timedelta(days=40), 20))
    people[0].sections["beslut"] = [pension(1, world.day, 1000)]
    world.sources.hand_over(world.now, *people)
    world.sources.hand_over_pension(world.now, people[0])
    for person in people:
        holder = person_of(person.number)
        customer = world.streams[1].agreement.customer
        ConsentFactory(customer=customer, person=holder, benefits=[SJP, FP, AP], classes=WIDE)
    world.watch(world.streams[1], 0, SJP)
    world.watch(world.streams[1], 2, SJP)
    world.night()
    fetch(delivery=of(world, 1), at=world.now)
    case(world, 0)
    world.night()
    case(world, 1)
    world.watch(world.streams[1], 0, AP)
    world.watch(world.streams[1], 1, SJP)
    case(world, 0)
    world.night()
    return world


def case(made: World, person: int) -> None:
    one = made.sources.people[person]
    items = one.items("sjukpenningarende")
    items.append(sickness(made.day - timedelta(days=40 * len(items) + 40), 20))
    made.sources.hand_over(made.now, one)


def of(made: World, number: int) -> Delivery:
    return Delivery.objects.get(stream=made.streams[1], number=number)


def told_by(delivery: Delivery) -> set[tuple[int, bool, int]]:
    """Watch, whether complete, and how many items of sickness or pension."""
    return {
        (block.watch, entry.complete, len(block.items))
        for entry in read(storage.place_of(delivery.sha256))
        for block in entry.blocks
        if block.section != "person"
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_may_no_longer_be_told_is_recalled_and_told_again_when_it_may(released, ending):
    end, give_back = ENDINGS[ending]
    watches = list(released.streams[1].watches.order_by("pk"))
    told_first = set(Told.objects.filter(delivery=of(released, 1)).values_list("watch", "section", "digest"))
    end(released)

    recalled = recall_what_may_no_longer_be_told(released.now)

    approval_only = ending == "an owner takes its approval back"
    tombstones = Delivery.objects.filter(stream=released.streams[1]).exclude(recalled_at=None)
    assert recalled == tombstones.count() == (1 if approval_only else 2)
    if not approval_only:
        current = Told.objects.filter(watch__stream=released.streams[1], replaced_by=None)
        assert set(current.values_list("watch", "section", "digest")) == told_first, "Told is what was not recalled"
        owed = set(Pending.objects.values_list("watch", "reason"))
        assert owed == {(watches[0].pk, "recalled"), (watches[2].pk, "refresh"), (watches[3].pk, "refresh")}
    assert verify(released.streams[1], released.now).different == []

    give_back(released)
    released.night()

    again, stream = of(released, 4), Stream.objects.get(pk=released.streams[1].pk)
    assert again.previous_sha256 == of(released, 3).sha256, "a tombstone keeps its place in the chain"
    said = told_by(again)
    assert {(watch, complete) for watch, complete, _ in said} == {
        (watches[0].pk, False),
        (watches[2].pk, True),
        (watches[3].pk, True),
    }
    assert (watches[0].pk, False, 3) in said
    report = verify(stream, released.now)
    assert (report.equal, report.pending, report.different) == (4, [], [])
    assert refusal(of(released, 3)) == "RECALLED"
    assert refusal(again) == ("OUT_OF_SEQUENCE" if approval_only else "")


def test_the_rest_is_told_though_one_person_may_no_longer_be(released):
    protect(released)
    recall_what_may_no_longer_be_told(released.now)
    released.night()

    watches = list(released.streams[1].watches.order_by("pk"))
    assert told_by(of(released, 4)) == {(watches[3].pk, True, 2)}
    assert set(Pending.objects.filter(reason="protected").values_list("watch", flat=True)) == {
        watches[0].pk,
        watches[2].pk,
    }
    assert verify(released.streams[1], released.now).different == []


def test_the_first_fetch_itself_recalls_what_may_no_longer_be_told(released):
    protect(released)

    assert refusal(of(released, 2)) == "RECALLED"
    assert of(released, 3).recalled_at is not None
    assert verify(released.streams[1], released.now).different == []


def test_a_fetched_delivery_is_never_recalled(released):
    for number in (2, 3):
        fetch(delivery=of(released, number), at=released.now)
    protect(released)

    assert recall_what_may_no_longer_be_told(released.now) == 0
    assert refusal(of(released, 3)) == "RELEASE_NEEDED"


def test_a_block_recalls_nothing(released):
    block = BlockFactory(customer=None, benefit=SJP)

    assert recall_what_may_no_longer_be_told(released.now) == 0
    assert refusal(of(released, 2)) == "BLOCKED"
    block.lifted_at = released.now
    block.save()
    assert refusal(of(released, 2)) == ""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_second_fetch_of_what_may_no_longer_be_told_needs_a_release(released, ending):
    for number in (2, 3):
        fetch(delivery=of(released, number), at=released.now)
    ENDINGS[ending][0](released)

    # An agreement that is not active stops the whole stream, and then no release helps.
    expected = "AGREEMENT_NOT_ACTIVE" if ending == "an agreement is paused" else "RELEASE_NEEDED"
    assert refusal(of(released, 3)) == expected
    assert of(released, 3).recalled_at is None


def test_what_all_may_still_be_told_is_left_alone(released):
    assert refused_now(of(released, 3), of(released, 3).stream, released.now) == set()
    assert recall_what_may_no_longer_be_told(released.now) == 0


def test_rights_are_asked_for_every_watch_of_a_large_delivery(released, monkeypatch):
    monkeypatch.setattr(rights, "PAGE", 1)
    protect(released)

    refused = refused_now(of(released, 3), of(released, 3).stream, released.now)
    assert {code for _, code in refused} == {"PROTECTED"}


def test_the_background_recalls_without_anyone_asking(released):
    protect(released)

    tasks.put_back_what_is_stuck()

    assert Delivery.objects.exclude(recalled_at=None).count() == 2


def test_an_ended_stream_keeps_its_last_document_and_what_was_not_fetched_is_recalled(released):
    set_agreement(released, "ended")
    released.night()
    recall_what_may_no_longer_be_told(released.now)

    last = of(released, 4)
    assert last.final and last.recalled_at is None
    assert not Pending.objects.exists()
    assert refusal(of(released, 2)) == "RECALLED"
    assert refusal(last) == ""
    report = verify(released.streams[1], released.now)
    assert report.different == []
    assert not Told.objects.filter(watch__stream=released.streams[1], replaced_by=None).exists()


def test_a_withheld_watch_recalls_nothing(released):
    """What was never told cannot have to be taken back."""
    person = released.streams[1].watches.latest("pk").person
    Consent.objects.filter(person=person).update(valid_from=released.day + timedelta(days=30))
    recall_what_may_no_longer_be_told(released.now)
    released.night()

    assert Disclosure.objects.filter(outcome="withheld", delivery=of(released, 4)).exists()
    assert recall_what_may_no_longer_be_told(released.now) == 0
