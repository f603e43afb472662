"""A delivery explained: what can be proved of it, and why each watch came, as coarsely as the customer may know it."""

import pytest

from deliveries import jws, proof, services, storage
from deliveries.models import Delivery, Disclosure, Receipt, SigningKey
from lefi.audit.models import AuditEvent
from subscriptions.models import Member
from subscriptions.models.orders import OrderKind
from tests.deliveries.test_ordered import compensate, undo
from tests.deliveries.test_protected import news, released
from tests.deliveries.test_protected import told as protected_world  # noqa: F401, a fixture
from tests.deliveries.test_runs import news as changed
from tests.factories import MemberFactory, PurgedFactory
from tests.histories.sources import SJP

Role = Member.Role


def newest(world, place=0):
    return Delivery.objects.select_related("run", "manifest__key").filter(stream=world.streams[place]).latest("number")


def why(delivery):
    rows = list(proof.rows_of(delivery, 0, 100))
    return proof.whys(delivery, rows)


def fetched(world, place=0):
    for one in Delivery.objects.filter(stream=world.streams[place], first_fetched_at=None).order_by("number"):
        services.fetch(delivery=one, at=world.now)
    return newest(world, place)


@pytest.fixture
def watched(world):
    """Stream 0 has been told of one watch, twice: all of it, and then a change."""
    world.sources.hand_over(world.now, *world.sources.people)
    world.watch(world.streams[0], 0, SJP)
    world.night()
    news(world)
    world.night()
    return world


def held(checks):
    return [one.holds for one in checks]


# What can be proved


def test_all_holds_of_a_delivery_that_is_as_it_was_released(watched):
    assert held(proof.checks_of(newest(watched))) == [True] * 7


def test_a_first_delivery_names_nothing_before_it(watched):
    first = Delivery.objects.select_related("manifest__key").get(stream=watched.streams[0], number=1)

    assert held(proof.checks_of(first)) == [True] * 7


def test_a_document_that_was_altered_is_found(watched):
    delivery = newest(watched)
    path = storage.place_of(delivery.sha256)
    path.write_bytes(path.read_bytes().replace(b"leverans", b"leveranz"))
    whole, schema = proof.checks_of(delivery)[2:4]

    assert (whole.holds, schema.holds) == (False, None)


def test_a_document_that_breaks_its_schema_is_found(watched, monkeypatch):
    def broken(path):
        raise proof.reading.DocumentFault("line 7")

    monkeypatch.setattr(proof.reading, "validate", broken)

    assert proof.checks_of(newest(watched))[3].said == "line 7"


def test_a_large_document_is_not_checked_while_somebody_waits(watched, monkeypatch):
    monkeypatch.setattr(proof, "LARGEST_CHECKED", 10)

    assert held(proof.checks_of(newest(watched)))[3] is None


def test_an_erased_document_keeps_its_number_and_its_signature(watched):
    delivery = newest(watched)
    PurgedFactory(delivery=delivery)

    assert held(proof.checks_of(delivery)) == [True, True, None, None, True, True, True]


def test_a_row_that_was_altered_is_found_by_what_was_signed(watched):
    delivery = newest(watched)
    delivery.persons += 1

    assert held(proof.checks_of(delivery))[5] is False


@pytest.mark.parametrize("signature", ["", "AAAA", "!!!"])
def test_a_forged_signature_is_found(watched, signature):
    delivery = newest(watched)
    text = delivery.manifest.jws.rpartition(".")[0]
    delivery.manifest.jws = f"{text}.{signature}"

    assert held(proof.checks_of(delivery))[4] is False


def test_a_signature_of_another_key_is_found(watched):
    delivery = newest(watched)

    assert jws.is_signed_by(delivery.manifest.jws, delivery.manifest.key.public_jwk)
    assert not jws.is_signed_by(delivery.manifest.jws, {"x": "A" * 43})
    assert not jws.is_signed_by("no statement", {})


def test_a_key_that_is_trusted_no_more_proves_nothing(watched):
    SigningKey.objects.update(withdrawn_at=watched.now)

    assert held(proof.checks_of(newest(watched)))[4] is False


def test_a_statement_left_out_of_the_chain_is_found(watched):
    delivery = newest(watched)
    delivery.manifest.previous = "f" * 64

    assert held(proof.checks_of(delivery))[6] is False
    assert Receipt.objects.count() > 1


# Why it came


def test_a_new_watch_a_change_and_a_refresh_are_told_apart(watched):
    first = Delivery.objects.select_related("run").get(stream=watched.streams[0], number=1)
    assert [one.sentence for one in why(first)] == [proof.FIRST]

    change = why(newest(watched))[0]
    assert change.sentence == proof.CHANGED
    assert [one.number for one in change.causes] == [newest(watched).as_of_import]
    assert change.causes[0].day is not None and change.case == "A1"

    watched.order(watched.streams[0], OrderKind.REFRESH, watched.sources.people[0].number, SJP)
    watched.night()
    assert [one.sentence for one in why(newest(watched))] == [proof.AGAIN]


def test_an_end_says_so(watched):
    watched.order(watched.streams[0], OrderKind.CANCEL, watched.sources.people[0].number, SJP)
    watched.night()

    assert [one.sentence for one in why(newest(watched))] == [proof.ENDED]


def test_what_may_not_be_told_any_more_says_so(watched):
    watched.scope(watched.streams[0], benefits=["FK:FP"])
    watched.night()

    assert [one.sentence for one in why(newest(watched))] == [proof.NOT_ALLOWED]


def test_a_compensating_run_says_so_and_an_import_that_takes_another_back(wrong):
    compensate(wrong, undo(wrong))
    delivery = newest(wrong)

    assert {one.sentence for one in why(delivery)} == {proof.COMPENSATING}
    assert delivery.run.cause


def test_an_empty_delivery_has_no_watches(watched):
    watched.night()

    assert why(newest(watched)) == []


def test_it_costs_the_same_however_many_watches_there_are(world, django_assert_max_num_queries):
    world.sources.hand_over(world.now, *world.sources.people)
    for person in range(3):
        world.watch(world.streams[0], person, SJP)
    world.night()
    delivery = newest(world)
    rows = list(proof.rows_of(delivery, 0, 100))
    assert len(rows) == 3

    with django_assert_max_num_queries(4):
        proof.whys(delivery, rows)


# Protection (C8)


def test_a_night_with_protection_looks_as_one_without_news(protected_world):  # noqa: F811
    """The watch was withheld that night, and a row says so: not to the customer."""
    delivery = newest(protected_world)

    assert Disclosure.objects.filter(delivery=delivery, outcome="withheld").exists()
    assert why(delivery) == []


def test_what_is_told_after_protection_reads_as_any_other_change(protected_world, watched_elsewhere):  # noqa: F811
    """The news came with an import of an earlier night: neither that, nor why it waited, is said."""
    released(protected_world)
    protected_world.next_day(3)
    protected_world.night()

    ours = why(newest(protected_world))
    assert [(one.sentence, one.causes) for one in ours] == [(proof.CHANGED, ())]
    theirs = why(watched_elsewhere(protected_world))
    assert [(one.sentence, one.causes) for one in theirs] == [(one.sentence, one.causes) for one in ours]


@pytest.fixture
def watched_elsewhere():
    """A change of another stream's for another reason that no import of the night explains: a law that widens."""

    def change(world):
        changed(world, 1)
        world.watch(world.streams[2], 1, SJP)
        world.night()
        scope = world.streams[2].agreement.scopes.latest("version")
        world.scope(world.streams[2], classes=[*scope.classes, "amount", "payment_date", "days"])
        world.night()
        return newest(world, 2)

    return change


def test_once_a_person_is_protected_no_watch_of_the_delivery_is_listed(watched):
    fetched(watched)
    delivery = newest(watched)
    assert proof.hidden(delivery, watched.now) == ""

    one = watched.sources.people[0]
    one.protection = "SEKRETESSMARKERING"
    watched.sources.hand_over(watched.now, one)

    assert proof.hidden(delivery, watched.now) == "RELEASE_NEEDED"
    assert Delivery.objects.get(pk=delivery.pk).recalled_at is None


def test_before_the_first_fetch_nothing_is_said_of_the_watches(watched):
    assert proof.hidden(newest(watched), watched.now) == "NOT_FETCHED"


# The pages


def at(member, path="deliveries/"):
    return f"/organisation/{member.customer_id}/{path}"


@pytest.fixture
def auditor(watched):
    return MemberFactory(customer=watched.streams[0].agreement.customer, role=Role.AUDITOR)


def test_a_delivery_is_explained_to_an_auditor_without_a_number_or_a_value(client, watched, auditor):
    delivery = fetched(watched)
    client.force_login(auditor.user)
    assert f'href="{at(auditor)}{delivery.pk}/"' in client.get(at(auditor)).content.decode()
    client.force_login(MemberFactory(customer=auditor.customer, role=Role.INTEGRATION).user)
    assert f'href="{at(auditor)}{delivery.pk}/"' in client.get(f"/deliveries/{delivery.pk}/").content.decode()
    client.force_login(auditor.user)

    page = client.get(f"{at(auditor)}{delivery.pk}/").content.decode()

    person = watched.sources.people[0]
    assert person.number not in page and person.name not in page
    assert delivery.sha256 in page and "A1" in page
    assert f"/watches/{watched.streams[0].watches.get().pk}/" not in page
    assert page.count('badge--success">') >= 7


def test_reading_an_explanation_is_no_fetch_and_is_logged(client, watched, auditor):
    delivery = newest(watched)
    client.force_login(auditor.user)

    page = client.get(f"{at(auditor)}{delivery.pk}/")

    assert page.context["whys"] == [] and page.context["code"] == "NOT_FETCHED"
    delivery.refresh_from_db()
    assert delivery.first_fetched_at is None and not delivery.fetches.exists()
    event = AuditEvent.objects.for_customer(auditor.customer_id).get()
    assert (event.action, event.object_id) == ("read", str(delivery.pk))


def test_watches_are_paged_without_a_gap(client, world, monkeypatch):
    world.sources.hand_over(world.now, *world.sources.people)
    made = [world.watch(world.streams[0], person, SJP).pk for person in range(3)]
    world.night()
    delivery = fetched(world)
    member = MemberFactory(customer=world.streams[0].agreement.customer, role=Role.ADMINISTRATOR)
    client.force_login(member.user)
    monkeypatch.setattr("deliveries.views.proof.WATCHES", 2)

    first = client.get(f"{at(member)}{delivery.pk}/")
    second = client.get(f"{at(member)}{delivery.pk}/?after={first.context['following']}")

    seen = [one.watch for page in (first, second) for one in page.context["whys"]]
    assert seen == made and second.context["following"] is None
    assert f'href="/watches/{made[0]}/"' in first.content.decode()


@pytest.mark.parametrize(("role", "status"), [(Role.CASE_WORKER, 404), (Role.INTEGRATION, 200)])
def test_the_pages_are_for_who_answers_for_the_deliveries(client, watched, auditor, role, status):
    client.force_login(MemberFactory(customer=auditor.customer, role=role).user)
    delivery = newest(watched)

    assert client.get(at(auditor)).status_code == status
    assert client.get(f"{at(auditor)}{delivery.pk}/").status_code == status


def test_another_organisations_delivery_is_not_found(client, watched, auditor):
    other = MemberFactory(role=Role.ADMINISTRATOR)
    delivery = newest(watched)
    client.force_login(other.user)

    assert client.get(f"{at(auditor)}{delivery.pk}/").status_code == 404
    assert client.get(f"{at(other)}{delivery.pk}/").status_code == 404


def test_a_list_of_deliveries_costs_the_same_however_many_they_are(
    client, watched, auditor, django_assert_max_num_queries
):
    for _ in range(5):
        watched.night()
    client.force_login(auditor.user)

    with django_assert_max_num_queries(6):
        client.get(at(auditor))
