"""A customer's agents, and that a change of supplier shuts the old one's systems out from the day after."""

from datetime import date, timedelta

import pytest

from lefi.audit.models import AuditEvent
from subscriptions.connections import StepRefused, end_agent, register_agent
from subscriptions.models import Agent, Notice
from tests.factories import AT, DAY, AgentFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
VALUES = {
    "organisation_number": "559000-0021",
    "name": "Ombudet AB",
    "processing_agreement": "PUB-7",
    "valid_from": date(2026, 1, 1),
}


@pytest.fixture
def officer():
    return UserFactory(is_staff=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"organisation_number": "5590000022"}, "ORGANISATION_NUMBER"),
        ({"name": " "}, "NAME_MISSING"),
        ({"processing_agreement": ""}, "PROCESSING_AGREEMENT_MISSING"),
    ],
)
def test_an_agent_is_registered_whole_or_not_at_all(officer, changes, code):
    with pytest.raises(StepRefused) as refusal:
        register_agent(customer=CustomerFactory(), **VALUES | changes, by=officer, at=AT)

    assert refusal.value.code == code
    assert not Agent.objects.exists()


def test_an_agent_is_registered_once_and_that_is_logged(officer):
    customer = CustomerFactory()

    agent = register_agent(customer=customer, **VALUES, by=officer, at=AT)

    assert (agent.customer, agent.organisation_number, agent.valid_to) == (customer, "5590000021", None)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.actor) == ("create", str(agent.pk), officer)
    with pytest.raises(StepRefused, match=r"^AGENT_REGISTERED"):
        register_agent(customer=customer, **VALUES, by=officer, at=AT)


def test_an_agent_that_ended_may_come_back(officer):
    old = AgentFactory(organisation_number="5590000021", valid_to=date(2025, 12, 31))

    assert register_agent(customer=old.customer, **VALUES, by=officer, at=AT).pk


@pytest.mark.parametrize(
    ("valid_to", "on", "code"),
    [
        (None, date(2023, 12, 31), "BEFORE_START"),
        (DAY, DAY, "NOT_EARLIER"),
        (DAY, DAY + timedelta(days=1), "NOT_EARLIER"),
    ],
)
def test_an_end_is_after_the_start_and_never_put_off(officer, valid_to, on, code):
    agent = AgentFactory(valid_to=valid_to)

    with pytest.raises(StepRefused) as refusal:
        end_agent(agent=agent, on=on, by=officer, at=AT)

    assert refusal.value.code == code
    assert Agent.objects.get().valid_to == valid_to


def test_a_change_of_supplier_is_a_new_agent_and_the_end_of_the_old(officer):
    old = AgentFactory(organisation_number="5590000039")
    last = DAY + timedelta(days=7)

    new = register_agent(customer=old.customer, **VALUES | {"valid_from": last}, by=officer, at=AT)
    end_agent(agent=old, on=last, by=officer, at=AT)

    held = {day: [one.name for one in (old, new) if one.holds_on(day)] for day in (DAY, last, last + timedelta(days=1))}
    assert held == {DAY: [old.name], last: [old.name, new.name], last + timedelta(days=1): [new.name]}
    assert AuditEvent.objects.filter(action="end", object_id=str(old.pk)).exists()


def test_the_customer_is_told_who_speaks_for_it_from_when_and_to_when(officer):
    customer = CustomerFactory()
    agent = register_agent(customer=customer, **VALUES, by=officer, at=AT)

    end_agent(agent=agent, on=DAY + timedelta(days=1), by=officer, at=AT)

    assert list(Notice.objects.filter(customer=customer).order_by("pk").values_list("code", "details")) == [
        ("AGENT_REGISTERED", {"day": "2026-01-01"}),
        ("AGENT_ENDED", {"day": "2026-11-24"}),
    ]
