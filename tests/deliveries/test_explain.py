"""Why a customer was told, or not: from stored decisions alone, field by field; and who was told, by name."""

import io
import json
from datetime import date, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.translation import gettext

from benefits.models import Person, PersonFacts, Protection
from deliveries import services
from deliveries.explain import explain
from deliveries.explanation import State, Verdict
from deliveries.models import Delivery, Disclosure, SpontaneousDisclosure, StoredDecision
from deliveries.recipients import recipients
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.models import Consent, LegalBasis, Watch
from tests.factories import (
    AT,
    CLASSES,
    BlockFactory,
    ConsentFactory,
    CustomerFactory,
    DeliveryFactory,
    DisclosureFactory,
    MemberFactory,
    PersonFactory,
    SpontaneousDisclosureFactory,
    StoredDecisionFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)
from tests.histories.sources import FP, SJP, sickness

REASON = "Begäran om registerutdrag 2026-17"
CASE = "sjukpenningarende"
DETAILS = "generellPersoninformation"
CONSENT = {"id": 1, "classes": ["period"], "valid_from": "2026-01-01", "valid_to": None, "withdrawn": False}


def person_of(world, place=0) -> Person:
    return Person.objects.holding(world.sources.people[place].number).get()


def sick(world, place=0, day=date(2026, 1, 1)):
    """The person reports sick; the source says so."""
    somebody = world.sources.people[place]
    somebody.items(CASE).append(sickness(day, 10))
    world.sources.hand_over(world.now, somebody)


def consent_to(world, **values):
    """The first person's consent to the second stream's customer."""
    values = {"benefits": [SJP], "classes": CLASSES, "valid_from": date(2025, 1, 1)} | values
    return ConsentFactory(customer=world.streams[1].agreement.customer, person=person_of(world), **values)


def withdraw(world):
    Consent.objects.update(withdrawn_at=world.now)


def about(world, stream, *, day=None, place=0):
    customer = world.streams[stream].agreement.customer
    return explain(person=person_of(world, place), customer=customer, day=day or world.day - timedelta(days=1))


def verdicts(answer, section):
    found = next(one for one in answer.sections if one.name == section)
    return {one.path: one.verdict for one in found.fields}


def test_who_never_watched_was_told_nothing_and_that_is_said(db):
    said = explain(person=PersonFactory(), customer=CustomerFactory(), day=AT.date())

    assert said.watches == ()
    assert str(said.sentence) == gettext("The customer has never had a watch on the person, and has been told nothing.")


def test_a_watch_without_a_delivery_says_that_none_has_come(world):
    sick(world)
    world.watch(world.streams[0])

    (answer,) = about(world, 0, day=world.day).watches

    assert answer.state is State.NOTHING_YET
    assert (answer.ground, answer.sections) == (None, ())


def test_a_watch_had_not_been_opened_on_an_earlier_day(world):
    sick(world)
    world.watch(world.streams[0])

    (answer,) = about(world, 0, day=world.day - timedelta(days=1)).watches

    assert answer.state is State.NOT_OPENED


def test_what_was_told_names_basis_version_citations_scope_run_and_delivery(world):
    sick(world)
    watch = world.watch(world.streams[0])
    run = world.night()

    (answer,) = about(world, 0).watches

    assert (answer.watch, answer.state, answer.complete) == (watch.pk, State.TOLD, True)
    assert (answer.delivery.number, answer.delivery.run) == (1, run.pk)
    assert answer.delivery.first_fetched_at is None
    assert (answer.ground.basis_code, answer.ground.basis_version) == ("TEST-VID", 1)
    assert answer.ground.citations == ("Test 1 §",)
    assert (answer.ground.agreement, answer.ground.scope_version) == (watch.stream.agreement.code, 1)
    assert answer.ground.decision == StoredDecision.objects.get().pk


def test_a_field_told_is_told_apart_from_one_that_held_no_value_and_from_those_left_out(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()

    found = verdicts(about(world, 0).watches[0], CASE)

    assert found["beslut.period.fran"] is Verdict.TOLD
    assert found["beslut.omfattning.taljare"] in (Verdict.TOLD, Verdict.EMPTY)
    assert set(found.values()) >= {Verdict.TOLD, Verdict.EMPTY, Verdict.NOT_IN_BASIS}


def test_a_field_that_the_agreement_does_not_name_says_so(world):
    sick(world)
    world.watch(world.streams[2])
    world.night()

    (answer,) = about(world, 2).watches

    assert verdicts(answer, CASE)["beslut.ersattningsdagar.ersattningsbelopp.summa"] is Verdict.NOT_IN_AGREEMENT


@pytest.mark.parametrize(
    ("cls", "profile", "verdict"),
    [
        ("address", {"basis": {"classes": ["period"]}}, Verdict.NOT_IN_BASIS),
        ("address", {"basis": None, "terms": None, "consent": None}, Verdict.NOT_IN_BASIS),
        (
            "address",
            {"basis": {"classes": ["address"], "consent_needed": True}, "consent": CONSENT},
            Verdict.NOT_IN_CONSENT,
        ),
        (
            "address",
            {"basis": {"agreement_classes": ["address"]}, "terms": {"classes": ["period"]}},
            Verdict.NOT_IN_AGREEMENT,
        ),
        (
            "address",
            {"basis": {"classes": ["address"]}, "terms": {"classes": ["address"]}, "protected": True},
            Verdict.OF_PROTECTED,
        ),
    ],
)
def test_why_a_field_was_left_out_is_read_from_the_stored_profile(db, cls, profile, verdict):
    decision = StoredDecisionFactory(classes=["period"], profile=profile)
    row = DisclosureFactory(decision=decision, sections={DETAILS: "0" * 64})

    (answer,) = explain(person=row.person, customer=row.customer, day=row.delivery.day).watches

    assert verdicts(answer, DETAILS)["adress.postort"] is verdict


def test_a_third_persons_field_is_left_out_although_its_class_is_allowed(db):
    decision = StoredDecisionFactory(classes=["name", "contact"])
    row = DisclosureFactory(decision=decision, sections={DETAILS: "0" * 64})

    (answer,) = explain(person=row.person, customer=row.customer, day=row.delivery.day).watches

    found = verdicts(answer, DETAILS)
    assert found["arbetsstallen.kontakt.namn"] is Verdict.THIRD_PERSON
    assert found["namn"] is Verdict.ALLOWED, "without its document nobody can say whether there was a value"


def test_a_later_change_of_the_law_changes_no_answer(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    before = about(world, 0)

    world.basis("TEST-VID", classes=[], status=LegalBasis.Status.ACTIVE)
    after = about(world, 0, day=before.day)

    assert after == before


def test_a_night_that_brought_nothing_says_since_when(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    world.night()

    (answer,) = about(world, 0).watches

    assert (answer.state, answer.delivery.number) == (State.TOLD, 1)
    assert " 2 " in str(answer.night)
    assert str(answer.delivery.day) in str(answer.night)


def test_a_day_without_a_run_says_so(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()

    (answer,) = about(world, 0, day=world.day + timedelta(days=3)).watches

    assert str(answer.night)
    assert answer.delivery.number == 1


def test_a_stream_that_was_stopped_says_why_it_got_no_document(world):
    sick(world)
    world.watch(world.streams[0])
    BlockFactory(customer=world.streams[0].agreement.customer)
    world.night()

    (answer,) = about(world, 0).watches

    assert answer.state is State.NOTHING_YET
    assert gettext("Deliveries are blocked.") in str(answer.night)


def test_what_was_withheld_says_the_refusal_and_keeps_no_field(world):
    sick(world)
    world.watch(world.streams[0])
    world.scope(world.streams[0], benefits=[FP])
    world.night()

    (answer,) = about(world, 0).watches

    assert (answer.state, answer.reason) == (State.WITHHELD, "BENEFIT_NOT_AGREED")
    assert (answer.ground.outcome, answer.ground.refusal) == ("refused", "BENEFIT_NOT_AGREED")
    assert answer.sections == ()
    assert [one.reason for one in answer.withheld] == ["BENEFIT_NOT_AGREED"]


def test_a_consent_is_named_with_its_dates_as_they_were_when_it_was_used(world):
    sick(world)
    consent = consent_to(world, classes=["period"])
    world.watch(world.streams[1])
    world.night()
    withdraw(world)

    (answer,) = about(world, 1).watches

    assert (answer.ground.consent.id, answer.ground.consent.valid_from) == (consent.pk, "2025-01-01")
    assert not answer.ground.consent.withdrawn
    assert verdicts(answer, CASE)["beslut.omfattning.taljare"] is Verdict.NOT_IN_CONSENT


def test_one_who_became_protected_keeps_what_was_told_and_says_that_nothing_more_is(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    world.sources.people[0].protection = Protection.MARKED
    sick(world, day=date(2026, 2, 1))
    world.night()

    (answer,) = about(world, 0).watches

    assert (answer.state, answer.reason) == (State.WITHHELD, "PROTECTED")
    assert {one.delivery for one in answer.sections} == {1}


def test_a_recalled_delivery_is_named_and_told_nothing(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    Delivery.objects.filter(stream=world.streams[0]).update(recalled_at=world.now)

    (answer,) = about(world, 0).watches

    assert answer.state is State.NOTHING_YET
    assert [one.number for one in answer.recalled] == [1]


def test_an_ended_watch_is_there_with_its_end(world):
    sick(world)
    watch = world.watch(world.streams[0])
    world.night()
    world.order(world.streams[0], "avbestallningBevakning", watch.ordered_number, SJP)
    world.night()

    (answer,) = about(world, 0).watches

    assert (answer.state, answer.delivery.number) == (State.ENDED, 2)
    assert answer.ended_at is not None
    assert str(answer.end_reason) == str(Watch.EndReason.CANCELLED.label)


def test_when_it_was_fetched_is_said(world):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    delivery = Delivery.objects.get(stream=world.streams[0])
    services.fetch(delivery=delivery, at=world.now, client="skadesystemet")

    assert about(world, 0).watches[0].delivery.first_fetched_at == world.now


def approved_message(**values):
    return SpontaneousDisclosureFactory(
        decision=StoredDecisionFactory(classes=["period"]),
        sha256="0" * 64,
        sections={CASE: "0" * 64},
        approved_by=UserFactory(),
        approved_at=AT,
        **values,
    )


def test_what_was_told_of_our_own_accord_is_explained_and_a_proposal_is_not(db):
    told = approved_message()
    SpontaneousDisclosureFactory(customer=told.customer, person=told.person)

    said = explain(person=told.person, customer=told.customer, day=AT.date())

    assert [one.id for one in said.messages] == [told.pk]
    assert said.messages[0].sections[0].name == CASE
    assert explain(person=told.person, customer=told.customer, day=AT.date() - timedelta(days=1)).messages == ()


def test_the_cost_does_not_grow_with_watches_and_nights(db, django_assert_max_num_queries):
    person, stream = PersonFactory(), StreamFactory(served=True)
    for n in range(6):
        watch = WatchFactory(stream=stream, person=person, benefit=f"FK:{n}")
        for _ in range(5):
            DisclosureFactory(watch=watch, sections={CASE: "0" * 64})

    with django_assert_max_num_queries(9):
        explain(person=person, customer=stream.agreement.customer, day=date(2030, 1, 1))


# Every named recipient (legal.md, acceptance test 10)


def test_log_lists_for_one_person_every_named_recipient_and_what_they_got(world):
    sick(world)
    for stream in (world.streams[0], world.streams[2]):
        world.watch(stream)
        world.watch(stream, 1)
    consent_to(world)
    world.watch(world.streams[1])
    withdraw(world)
    world.night()

    found = recipients(person_of(world))

    customers = [world.streams[place].agreement.customer for place in (0, 2)]
    assert [one.name for one in found] == sorted(one.name for one in customers), "the one without consent got nothing"
    assert all(one.benefit == SJP and one.times == 1 and one.sections for one in found)
    wide, narrow = (next(one for one in found if one.customer == customer.pk) for customer in customers)
    assert set(narrow.classes) < set(wide.classes)


def test_a_recipient_of_a_recalled_delivery_got_nothing(db):
    row = DisclosureFactory(delivery=DeliveryFactory(recalled_at=AT), complete=True)
    DisclosureFactory(person=row.person, outcome=Disclosure.Outcome.WITHHELD, reason="PROTECTED")
    DisclosureFactory(person=row.person, complete=False, sections={})

    assert recipients(row.person) == []


def test_a_recipient_told_of_our_own_accord_is_listed(db):
    told = approved_message()

    assert [one.customer for one in recipients(told.person)] == [told.customer_id]
    assert SpontaneousDisclosure.objects.get().person == told.person


# The page


@pytest.fixture
def page(client, staff, world):
    """The address of the explanation on the page of a person who was told about."""
    sick(world)
    world.watch(world.streams[0])
    world.night()
    client.force_login(staff)
    session = client.session
    token = open_person(session, person_id=person_of(world).pk, reason=REASON, at=world.now)
    session.save()
    return reverse("admin:benefits_person_explain", args=[token])


def asked(world, **values):
    return {"customer": world.streams[0].agreement.customer.pk, "day": str(world.day - timedelta(days=1))} | values


def test_the_page_explains_and_logs_the_read_with_its_reason(client, world, page):
    content = client.post(page, asked(world)).content.decode()

    event = AuditEvent.objects.latest("pk")
    assert "Test 1 §" in content
    assert (event.action, event.person_id, event.reason) == ("read", person_of(world).pk, REASON)
    assert event.details["customer"] == world.streams[0].agreement.customer.pk
    assert world.sources.people[0].number not in content


def test_the_page_of_the_person_holds_the_form_and_the_recipients(client, world, page):
    content = client.get(page.removesuffix("explain/")).content.decode()

    assert f'action="{page}"' in content
    assert world.streams[0].agreement.customer.name in content


@pytest.mark.parametrize("values", [{"customer": ""}, {"day": "igår"}, {"day": ""}])
def test_a_question_that_is_not_whole_is_asked_again(client, world, page, values):
    response = client.post(page, asked(world, **values))

    assert response.status_code == 200
    assert response.context["explanation"] is None


def test_the_question_is_posted_and_never_stands_in_an_address(client, world, page):
    assert client.get(page, asked(world)).url == page.removesuffix("explain/")


def test_a_protected_person_is_explained_only_to_those_with_the_right(client, world, page):
    world.sources.people[0].protection = Protection.MARKED
    world.sources.hand_over(world.now, world.sources.people[0])
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_person"))
    client.force_login(user)
    session = client.session
    token = open_person(session, person_id=person_of(world).pk, reason=REASON, at=world.now)
    session.save()

    response = client.post(reverse("admin:benefits_person_explain", args=[token]), asked(world))

    assert response.status_code == 403
    assert "Test 1 §" not in response.content.decode()
    assert AuditEvent.objects.latest("pk").details["withheld"] is True


# The command


def run(world, monkeypatch, *args, number=None, day=None):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{number or world.sources.people[0].number}\n"))
    day = day or world.day - timedelta(days=1)
    call_command(
        "explain", "--day", str(day), "--by", reading("view_person", "view_protected"), "--reason", REASON, *args
    )


def reading(*rights):
    """The username of one of the staff with some rights."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user.username


def test_the_command_reads_the_number_from_its_input_and_logs_the_read(world, monkeypatch, capsys):
    sick(world)
    world.watch(world.streams[0])
    world.night()

    run(world, monkeypatch, "--customer", world.streams[0].agreement.code)

    said = capsys.readouterr().out
    event = AuditEvent.objects.latest("pk")
    assert "TEST-VID v1" in said
    assert world.sources.people[0].number not in said
    assert (event.action, event.client, event.reason) == ("read", "command line", REASON)
    assert event.actor == get_user_model().objects.latest("pk")
    assert event.person_id == person_of(world).pk


def test_the_command_writes_json(world, monkeypatch, capsys):
    sick(world)
    world.watch(world.streams[0])
    world.night()
    customer = world.streams[0].agreement.customer

    run(world, monkeypatch, "--json", "--customer", f"{customer.organisation_number}/{customer.unit}")

    said = json.loads(capsys.readouterr().out)
    assert said["watches"][0]["ground"]["basis_code"] == "TEST-VID"
    assert said["watches"][0]["sections"][0]["fields"][0]["verdict"]


@pytest.mark.parametrize(
    ("number", "customer", "sentence"),
    [
        ("12345", None, "not an identity number"),
        ("199001012385", None, "Nobody"),
        (None, "5560000001/FINNS-INTE", "no customer"),
    ],
)
def test_the_command_refuses_what_it_cannot_find_and_repeats_no_number(world, monkeypatch, number, customer, sentence):
    sick(world)
    with pytest.raises(CommandError, match=sentence) as refused:
        run(world, monkeypatch, "--customer", customer or world.streams[0].agreement.code, number=number)

    assert number is None or number not in str(refused.value)


def test_the_command_opens_no_protected_person_to_who_lacks_the_right(world, monkeypatch):
    sick(world)
    PersonFacts.objects.filter(person=person_of(world)).update(protection=Protection.MARKED)
    code = world.streams[0].agreement.code

    with pytest.raises(CommandError, match="protected"):
        run(world, monkeypatch, "--customer", code, "--by", reading("view_person"))
    run(world, monkeypatch, "--customer", code)

    assert [one.details["withheld"] for one in AuditEvent.objects.filter(action="read").order_by("pk")] == [True, False]


@pytest.mark.parametrize("rights", [[], ["view_protected"]])
def test_the_command_answers_nobody_without_the_right_to_read_about_persons(world, monkeypatch, rights):
    with pytest.raises(CommandError, match="--by"):
        run(world, monkeypatch, "--customer", world.streams[0].agreement.code, "--by", reading(*rights))
    with pytest.raises(CommandError, match="--by"):
        run(world, monkeypatch, "--customer", world.streams[0].agreement.code, "--by", MemberFactory().user.username)

    assert not AuditEvent.objects.exists()


def test_the_command_refuses_a_reason_that_names_somebody(world):
    with pytest.raises(CommandError, match="identity number"):
        call_command(
            "explain",
            *("--customer", world.streams[0].agreement.code, "--day", "2026-01-05", "--by", reading("view_person")),
            *("--reason", f"Gäller {world.sources.people[0].number}"),
        )
