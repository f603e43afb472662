"""The connection officer's pages: applications, the steps of an agreement, agents. Nothing is changed past them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from lefi.audit.models import AuditEvent
from subscriptions.connections import (
    accept_connection,
    answer_applicant,
    apply_for_connection,
    send_agreement,
    sign_for_customer,
    write_as_applicant,
)
from subscriptions.models import Agent, Agreement, ApiClient, Connection, ConnectionMessage, Notice, Stream
from tests.factories import (
    AT,
    PURPOSE,
    AgentFactory,
    AgreementFactory,
    ApiClientFactory,
    ApplicationFactory,
    ConnectionFactory,
    CustomerFactory,
    LegalBasisFactory,
    ScopeFactory,
    UserFactory,
    identity_number,
)
from tests.subscriptions.test_connections import VALUES

pytestmark = pytest.mark.django_db
WHY = {"reason": "Ansökan uppfyller kraven."}


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def second(client, staff):
    """Log in as a second person, who has every right."""
    return lambda: client.force_login(UserFactory(username="lars.ek", is_staff=True, is_superuser=True))


@pytest.fixture
def waiting():
    LegalBasisFactory()
    return apply_for_connection(values=VALUES, at=AT)


def address(model, view, *args):
    return reverse(f"admin:subscriptions_{model}_{view}", args=args)


def page_of(client, model, row):
    return client.get(address(model, "change", row.pk)).content.decode()


def steps_on(client, model, row):
    response = client.get(address(model, "change", row.pk))
    return [url.rstrip("/").rpartition("/")[2] for url, _ in response.context["steps"]]


# Applications


def test_the_worklist_has_those_that_wait_on_top_the_newest_first(office):
    old = ConnectionFactory(submitted_at=AT)
    refused = ConnectionFactory(submitted_at=AT + timedelta(days=9), status="refused", refusal="Nej.")
    new = ConnectionFactory(submitted_at=AT + timedelta(days=1))

    page = office.get(address("connection", "changelist"))

    assert [row.pk for row in page.context["cl"].result_list] == [new.pk, old.pk, refused.pk]


def test_an_application_whose_newest_message_is_the_applicants_awaits_an_answer(office, staff):
    answered, asked, _quiet = ConnectionFactory.create_batch(3)
    for one in (answered, asked):
        write_as_applicant(connection=one, text="När kan vi börja?", at=AT)
    answer_applicant(connection=answered, text="I januari.", by=staff, at=AT)

    page = office.get(address("connection", "changelist"), {"awaits": "answer"})

    assert [row.pk for row in page.context["cl"].result_list] == [asked.pk]


def test_the_officer_answers_on_a_page_of_its_own_and_the_contact_is_told_by_mail(office, staff, waiting):
    write_as_applicant(connection=waiting, text="När kan vi börja?", at=AT)

    office.post(address("connection", "message", waiting.pk), {"text": "I januari."})

    message = waiting.messages.last()
    assert (message.by, message.text) == (staff, "I januari.")
    assert Notice.objects.filter(connection=waiting, code="CONNECTION_MESSAGE", mailed_at=None).exists()
    text = page_of(office, "connection", waiting)
    assert "När kan vi börja?" in text and "I januari." in text
    assert "Dnr 2026-1" in text


@pytest.mark.parametrize("text", ["", f"Det gäller {identity_number(1)}."])
def test_a_message_that_cannot_be_sent_is_refused_in_words(office, waiting, text):
    page = office.post(address("connection", "message", waiting.pk), {"text": text})

    assert page.status_code == 200
    assert not waiting.messages.exists()


def test_when_the_agreement_is_in_force_nothing_more_is_written_about_the_application(office, staff):
    connection = ConnectionFactory(
        status="accepted", agreement=AgreementFactory(), examined_at=AT, examined_by=UserFactory()
    )

    assert "message" not in steps_on(office, "connection", connection)
    page = office.post(address("connection", "message", connection.pk), {"text": "Hej"}).content.decode()
    assert "Ansökan är avslutad" in page
    assert not connection.messages.exists()


def test_who_may_only_see_applications_writes_to_nobody(client, waiting):
    reader = UserFactory(is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client.force_login(reader)

    assert client.post(address("connection", "message", waiting.pk), {"text": "Hej"}).status_code == 403


def test_a_message_stands_as_it_was_sent(waiting):
    message = write_as_applicant(connection=waiting, text="När kan vi börja?", at=AT)

    for change in (lambda: ConnectionMessage.objects.update(text="Nej"), message.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_page_of_an_application_shows_it_and_the_machine_checks(office, waiting):
    text = page_of(office, "connection", waiting)

    assert "bo.ask@example.org" in text
    assert "<strong>TEST-SKADE</strong> Skadereglering: Sjukpenning" in text
    assert text.count("<li><strong>") >= 3
    assert steps_on(office, "connection", waiting) == ["accept", "refuse", "message"]


def test_an_officer_accepts_an_application_under_a_code(office, staff, waiting):
    wrong = office.post(address("connection", "accept", waiting.pk), {"code": "AVTAL 1"})
    office.post(address("connection", "accept", waiting.pk), {"code": "AVTAL-1"})

    assert wrong.context["refusal"]
    agreement = Agreement.objects.get()
    assert (agreement.code, agreement.prepared_by) == ("AVTAL-1", staff)
    assert steps_on(office, "connection", waiting) == ["message"]


def test_an_officer_refuses_an_application_with_a_reason(office, waiting):
    empty = office.post(address("connection", "refuse", waiting.pk), {"reason": ""})
    office.post(address("connection", "refuse", waiting.pk), {"reason": "Ni är ingen försäkringsgivare."})

    assert empty.context["form"].errors
    waiting.refresh_from_db()
    assert (waiting.status, waiting.refusal) == (Connection.Status.REFUSED, "Ni är ingen försäkringsgivare.")


@pytest.mark.parametrize("step", ["accept", "refuse"])
def test_who_may_only_read_takes_no_step_with_an_application(client, waiting, step):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    client.force_login(user)

    assert steps_on(client, "connection", waiting) == []
    assert client.post(address("connection", step, waiting.pk), WHY | {"code": "AVTAL-1"}).status_code == 403


# The agreement


def test_an_agreement_is_neither_added_nor_changed_but_by_its_steps(office):
    agreement = AgreementFactory()

    assert office.post(address("agreement", "add"), {"code": "NY"}).status_code == 403
    assert office.post(address("agreement", "change", agreement.pk), {"status": "ended"}).status_code == 403
    assert Agreement.objects.get().status == Agreement.Status.ACTIVE


def test_two_people_bring_an_agreement_into_force(office, staff, second, waiting):
    agreement = accept_connection(connection=waiting, by=staff, at=AT, code="AVTAL-1")
    assert steps_on(office, "agreement", agreement) == ["send", "refuse"]
    office.post(address("agreement", "send", agreement.pk))
    assert steps_on(office, "agreement", agreement) == ["send", "refuse"]
    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="", at=AT)

    page = office.get(address("agreement", "sign", agreement.pk))
    read = page.context["form"]["document_sha256"].value()
    signature = {"signatory": "Stina Berg", "may_sign": "on", "document_sha256": read}
    office.post(address("agreement", "sign", agreement.pk), signature)
    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SIGNED_BY_FK

    assert steps_on(office, "agreement", agreement) == ["refuse"]
    own = office.post(address("agreement", "approve", agreement.pk), WHY)
    assert own.status_code == 200
    assert own.context["refusal"]

    second()
    shown = office.get(address("agreement", "approve", agreement.pk))
    titles = [str(part.title) for part in shown.context["consequences"]]
    assert any("AVTAL-1" in title for title in titles)
    assert "bo.ask@example.org" in shown.content.decode(), "a contact from now on"
    assert shown.context["consequences"][0].rows
    office.post(address("agreement", "approve", agreement.pk), WHY)
    agreement.refresh_from_db()
    assert (agreement.status, Stream.objects.count()) == (Agreement.Status.ACTIVE, 1)
    assert steps_on(office, "agreement", agreement) == ["end"]


def test_a_document_that_changed_under_the_signatorys_eyes_is_not_signed(office, staff, waiting):
    agreement = accept_connection(connection=waiting, by=staff, at=AT, code="AVTAL-1")
    send_agreement(agreement=agreement, by=staff, at=AT)
    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="", at=AT)

    signature = {"signatory": "Stina Berg", "may_sign": "on", "document_sha256": "0" * 64}
    answer = office.post(address("agreement", "sign", agreement.pk), signature)

    assert answer.context["refusal"]
    assert Agreement.objects.get().signed_by_fk_at is None


def test_an_agreement_is_refused_and_ended_with_a_reason(office, staff, waiting):
    proposed = accept_connection(connection=waiting, by=staff, at=AT, code="AVTAL-1")
    active = AgreementFactory(code="AVTAL-2")
    today = timezone.localdate()

    office.post(address("agreement", "refuse", proposed.pk), WHY)
    past = office.post(address("agreement", "end", active.pk), WHY | {"on": today - timedelta(days=1)})
    office.post(address("agreement", "end", active.pk), WHY | {"on": today + timedelta(days=30)})

    proposed.refresh_from_db()
    active.refresh_from_db()
    assert proposed.status == Agreement.Status.REFUSED
    assert past.context["refusal"]
    assert (active.status, active.valid_to) == (Agreement.Status.ACTIVE, today + timedelta(days=30))
    office.post(address("agreement", "end", active.pk), WHY)
    active.refresh_from_db()
    assert active.status == Agreement.Status.ENDED


@pytest.mark.parametrize("step", ["send", "sign", "approve", "refuse", "end"])
def test_who_may_only_read_takes_no_step_with_an_agreement(client, step):
    agreement = AgreementFactory(status="sent", approved_at=None)
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_agreement"))
    client.force_login(user)

    assert steps_on(client, "agreement", agreement) == []
    assert client.post(address("agreement", step, agreement.pk), WHY).status_code == 403


def test_a_stream_is_opened_for_what_is_covered_alone(office):
    scope = ScopeFactory()
    values = {"agreement": scope.agreement_id, "purpose": PURPOSE, "channel": "portal"}

    opened = office.post(address("stream", "add"), values)
    again = office.post(address("stream", "add"), values)

    assert opened.status_code == 302
    assert again.context["adminform"].form.errors
    assert Stream.objects.get().channel == "portal"


# Agents and systems


def test_who_applied_is_offered_no_decision_and_is_told_why(office, staff, waiting):
    Connection.objects.update(submitted_by=staff)

    page = office.get(address("connection", "change", waiting.pk)).content.decode()
    assert "/accept/" not in page and "/refuse/" not in page
    assert "work=examine" not in office.get("/admin/").content.decode()

    answer = office.post(address("connection", "accept", waiting.pk), WHY | {"code": "AVTAL-1"})
    assert "beslutar inte" in answer.content.decode()
    assert not Agreement.objects.exists()


def test_who_applied_is_not_offered_the_agreement_that_came_of_it(office, staff, waiting):
    agreement = accept_connection(connection=waiting, by=UserFactory(is_staff=True), at=AT, code="AVTAL-1")
    Connection.objects.update(submitted_by=staff)

    for status, step in (("signed_by_customer", "/sign/"), ("signed_by_fk", "/approve/")):
        Agreement.objects.update(status=status)
        page = office.get(address("agreement", "change", agreement.pk)).content.decode()
        assert step not in page and f"/{agreement.pk}/refuse/" in page
        assert "subscriptions/agreement/?work=" not in office.get("/admin/").content.decode()


def test_an_agent_is_registered_and_ended_on_pages_of_their_own(office, staff):
    customer = CustomerFactory()
    values = {
        "customer": customer.pk,
        "name": "Ombudet AB",
        "processing_agreement": "PUB-7",
        "valid_from": "2026-01-01",
    }

    wrong = office.post(address("agent", "add"), values | {"organisation_number": "5590000022"})
    office.post(address("agent", "add"), values | {"organisation_number": "559000-0021"})
    agent = Agent.objects.get()
    assert steps_on(office, "agent", agent) == ["end"]
    office.post(address("agent", "end", agent.pk), {"on": "2026-06-30"})

    assert wrong.context["adminform"].form.errors
    agent.refresh_from_db()
    assert (agent.organisation_number, str(agent.valid_to)) == ("5590000021", "2026-06-30")
    logged = AuditEvent.objects.filter(object_type="subscriptions.agent").order_by("pk")
    assert [(event.action, event.actor) for event in logged] == [("create", staff), ("end", staff)]


def test_the_page_of_a_customer_shows_its_agents_and_leaves_them_as_they_are(office):
    agent = AgentFactory()
    customer = agent.customer
    data = {
        "name": customer.name,
        "organisation_number": customer.organisation_number,
        "unit": customer.unit,
        "kind": "socialnamnd",
        "active": "on",
    }
    for rows in ("members", "contacts", "agents"):
        data |= {f"{rows}-TOTAL_FORMS": 0, f"{rows}-INITIAL_FORMS": 0}
    data |= {"agents-TOTAL_FORMS": 1, "agents-INITIAL_FORMS": 1, "agents-0-id": agent.pk, "agents-0-name": "Annan AB"}

    assert agent.name in page_of(office, "customer", customer)
    office.post(address("customer", "change", customer.pk), data)

    assert Agent.objects.get().name == agent.name


def test_an_agents_system_speaks_for_the_agents_own_customer_alone(office):
    agent = AgentFactory()
    data = {"application": ApplicationFactory().pk, "agent": agent.pk, "all_streams": "on", "streams": []}

    wrong = office.post(address("apiclient", "add"), data | {"customer": CustomerFactory().pk})
    office.post(address("apiclient", "add"), data | {"customer": agent.customer_id})

    assert "agent" in wrong.context["adminform"].form.errors
    assert ApiClient.objects.get().agent == agent


def test_a_system_that_is_let_in_is_never_pointed_to_another_customer(office):
    system = ApiClientFactory()
    other = {"application": ApplicationFactory().pk, "customer": CustomerFactory().pk, "all_streams": "on"}

    office.post(address("apiclient", "change", system.pk), other | {"agent": "", "streams": []})

    now = ApiClient.objects.get(pk=system.pk)
    assert (now.customer, now.application) == (system.customer, system.application)
