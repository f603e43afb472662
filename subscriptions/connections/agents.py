"""A customer's agents: organisations whose systems speak for it, for a time (R16)."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from lefi.audit.models import Action
from subscriptions.connections.steps import log_step, organisation, refused
from subscriptions.models import Agent, Customer
from subscriptions.notices import notify


@transaction.atomic
def register_agent(
    *,
    customer: Customer,
    organisation_number: str,
    name: str,
    processing_agreement: str,
    valid_from: date,
    by: Any,
    at: datetime,
) -> Agent:
    """Let an agent speak for a customer from a day on. A change of supplier is a new agent, and the end of the old.

    Raise StepRefused: ORGANISATION_NUMBER, NAME_MISSING, PROCESSING_AGREEMENT_MISSING, AGENT_REGISTERED.
    """
    number = organisation(organisation_number)
    if not number:
        raise refused("ORGANISATION_NUMBER")
    if not name.strip():
        raise refused("NAME_MISSING")
    if not processing_agreement.strip():
        raise refused("PROCESSING_AGREEMENT_MISSING")
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if is_registered(customer, number, valid_from):
        raise refused("AGENT_REGISTERED")
    agent = Agent.objects.create(
        customer=customer,
        organisation_number=number,
        name=name.strip(),
        processing_agreement=processing_agreement.strip(),
        valid_from=valid_from,
    )
    log_step(agent, Action.CREATE, by, valid_from=valid_from.isoformat(), at=at.isoformat())
    notify(customer, "AGENT_REGISTERED", at=at, day=valid_from.isoformat())
    return agent


@transaction.atomic
def end_agent(*, agent: Agent, on: date, by: Any, at: datetime) -> None:
    """End an agent's registration: from the day after, its systems open nothing.

    Raise StepRefused BEFORE_START, or NOT_EARLIER if it ends before that already.
    """
    held = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    if on < held.valid_from:
        raise refused("BEFORE_START")
    if held.valid_to is not None and held.valid_to <= on:
        raise refused("NOT_EARLIER")
    Agent.objects.filter(pk=agent.pk).update(valid_to=on)
    agent.refresh_from_db()
    log_step(agent, Action.END, by, valid_to=on.isoformat(), at=at.isoformat())
    notify(agent.customer, "AGENT_ENDED", at=at, day=on.isoformat())


def is_registered(customer: Customer, organisation_number: str, day: date) -> bool:
    agents = Agent.objects.filter(customer=customer, organisation_number=organisation_number)
    return agents.exclude(valid_to__lt=day).exists()
