"""Consents in the admin: registered by number, examined by a second person, withdrawn; each reading is logged."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from benefits.services import person_of
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.consentanswers import consent_sentence
from subscriptions.models import Consent, Watch
from tests.factories import (
    BENEFIT,
    PURPOSE,
    AgreementFactory,
    ConsentFactory,
    LegalBasisFactory,
    PersonFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def agreement():
    """An agreement whose purpose rests on consent."""
    return ScopeFactory(basis=LegalBasisFactory(code="TEST-SAMT", consent_needed=True)).agreement


def address(view, *args):
    return reverse(f"admin:subscriptions_consent_{view}", args=args)


def consent_for(number, agreement, **changes):
    return {
        "identity_number": number,
        "customer": agreement.customer_id,
        "purpose": PURPOSE,
        "benefits": [BENEFIT],
        "classes": ["period"],
        "valid_from": "2026-01-01",
        "given_on": "2026-01-01",
        "giver": "self",
        "evidence": "Blankett 2026-1",
    } | changes


def say_why(client, consent):
    session = client.session
    open_person(session, person_id=consent.person_id, reason="Ärende 2026-17", at=timezone.now())
    session.save()


def act(client, step, consent, reason="Prövat i ärendet."):
    say_why(client, consent)
    return client.post(address(step, consent.pk), {"reason": reason})


def test_a_consent_is_registered_by_number_which_stays_out_of_the_log(office, agreement, staff):
    person = PersonFactory()

    response = office.post(address("add"), consent_for(person.first_number, agreement))

    assert response.status_code == 302
    consent = Consent.objects.get()
    assert (consent.person, consent.registered_by, consent.channel) == (person, staff, "admin")
    event = AuditEvent.objects.get()
    assert (event.action, event.person_id) == ("create", person.pk)
    assert person.first_number not in str(event.details)


def test_a_consent_of_somebody_whom_no_source_has_named_is_taken_in_all_the_same(office, agreement):
    assert office.post(address("add"), consent_for(identity_number(7), agreement)).status_code == 302

    assert Consent.objects.get().person == person_of(identity_number(7))


@pytest.mark.parametrize("number", ["199001010000", ""])
def test_a_number_that_is_none_is_refused_in_words(office, agreement, number):
    response = office.post(address("add"), consent_for(number, agreement))

    assert "identity_number" in response.context["adminform"].form.errors
    assert not Consent.objects.exists()


def test_what_the_service_refuses_is_said_in_the_form_and_keeps_what_was_typed(office):
    duty = AgreementFactory()
    LegalBasisFactory()

    response = office.post(address("add"), consent_for(identity_number(7), duty))

    form = response.context["adminform"].form
    assert form.non_field_errors() == [str(consent_sentence("CONSENT_NOT_ASKED_FOR"))]
    assert form["evidence"].value() == "Blankett 2026-1"
    assert not Consent.objects.exists()


def test_of_a_registered_consent_nothing_can_be_changed_in_the_form(office):
    consent = ConsentFactory()
    say_why(office, consent)

    response = office.post(address("change", consent.pk), {"purpose": "annat", "withdrawn_at_0": "2026-11-23"})

    assert response.status_code == 403
    assert Consent.objects.get().withdrawn_at is None


@pytest.mark.parametrize("view", ["change", "accept", "refuse", "withdraw"])
def test_who_has_not_said_why_is_asked_first_and_each_reading_is_logged(office, view):
    consent = ConsentFactory(examination="waiting")

    asked = office.get(address(view, consent.pk))
    say_why(office, consent)
    shown = office.get(address(view, consent.pk))

    assert asked.status_code == 302 and asked.url.startswith(f"/admin/benefits/person/{consent.person_id}/")
    assert shown.status_code == 200
    event = AuditEvent.objects.get(action="read")
    assert (event.person_id, event.reason) == (consent.person_id, "Ärende 2026-17")


@pytest.mark.parametrize(("step", "outcome"), [("accept", "accepted"), ("refuse", "refused")])
def test_what_waits_is_listed_and_examined_with_a_reason(office, staff, step, outcome):
    waiting, other = ConsentFactory(examination="waiting"), ConsentFactory()

    listed = office.get(address("changelist"), {"examination__exact": "waiting"})
    response = act(office, step, waiting)

    assert list(listed.context["cl"].result_list) == [waiting]
    assert response.status_code == 302
    waiting.refresh_from_db()
    assert (waiting.examination, waiting.examined_by) == (outcome, staff)
    assert AuditEvent.objects.latest("pk").reason == "Prövat i ärendet."
    assert Consent.objects.get(pk=other.pk).examination == "not_needed"


def test_an_examination_needs_a_reason_without_an_identity_number(office):
    consent = ConsentFactory(examination="waiting")

    for reason in ("", f"Avser {identity_number(3)}"):
        assert act(office, "accept", consent, reason).status_code == 200

    assert Consent.objects.get().examination == "waiting"


def test_who_registered_a_consent_is_told_that_another_must_examine_it(office, staff):
    consent = ConsentFactory(examination="waiting", registered_by=staff)

    page = act(office, "accept", consent)

    assert page.status_code == 200 and page.context["refusal"]
    assert Consent.objects.get().examination == "waiting"


def test_a_withdrawal_ends_the_watches_that_rested_on_it(office, agreement):
    watch = WatchFactory(stream=StreamFactory(agreement=agreement))
    consent = ConsentFactory(customer=agreement.customer, person=watch.person)

    assert act(office, "withdraw", consent).status_code == 302

    assert Consent.objects.get().withdrawn_at is not None
    assert not Watch.objects.open().exists()


@pytest.mark.parametrize("step", ["accept", "refuse", "withdraw"])
def test_to_decide_takes_the_right_to_change_consents(client, step):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_consent"))
    client.force_login(user)
    consent = ConsentFactory(examination="waiting")

    assert act(client, step, consent).status_code == 403

    consent.refresh_from_db()
    assert (consent.examination, consent.withdrawn_at) == ("waiting", None)


def test_only_the_steps_that_can_be_taken_are_offered(office):
    def offered(consent):
        say_why(office, consent)
        page = office.get(address("change", consent.pk)).content.decode()
        return {step for step in ("accept", "refuse", "withdraw") if address(step, consent.pk) in page}

    assert offered(ConsentFactory(examination="waiting")) == {"accept", "refuse", "withdraw"}
    assert offered(ConsentFactory()) == {"withdraw"}
    assert offered(ConsentFactory(withdrawn_at=timezone.now())) == set()


def test_the_list_costs_as_many_queries_long_as_short(office, django_assert_max_num_queries):
    ConsentFactory.create_batch(30)

    with django_assert_max_num_queries(10):
        office.get(address("changelist"))


def test_no_new_consent_starts_from_another_which_would_be_read_without_a_trace(office):
    kept = ConsentFactory(evidence="Dnr 4711-77")

    page = office.get(f"{address('add')}?after={kept.pk}")

    assert page.status_code == 200
    assert kept.evidence not in page.content.decode()
