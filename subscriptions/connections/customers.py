"""Who a customer is, and whether it is told anything: stopped at once by one person, started again by another."""

from datetime import datetime
from typing import Any

from django.db import transaction

from lefi.audit.models import Action
from lefi.reasons import demand_reason
from subscriptions.connections.steps import log_step, refused
from subscriptions.models import Agreement, Customer


def is_settled(customer: Customer) -> bool:
    """Whether who the customer is stands in an agreement that was sent: its number, unit and kind change no more."""
    return Agreement.objects.filter(customer=customer).exclude(status=Agreement.Status.EXAMINED).exists()


def is_stopped(customer: Customer) -> bool:
    """Whether the customer must be started before anything is told it; a new one becomes active with its agreement."""
    if customer.active:
        return False
    earlier = Agreement.objects.filter(customer=customer, approved_at__isnull=False)
    return customer.stopped_at is not None or earlier.exists()


@transaction.atomic
def stop_customer(*, customer: Customer, by: Any, at: datetime, reason: str) -> None:
    """Tell a customer nothing more, at once. Raise StepRefused CUSTOMER_INACTIVE if it is not active; ReasonRefused."""
    reason = demand_reason(reason)
    if not Customer.objects.filter(pk=customer.pk, active=True).update(active=False, stopped_at=at, stopped_by=by):
        raise refused("CUSTOMER_INACTIVE")
    customer.refresh_from_db()
    log_step(customer, Action.END, by, reason=reason)


@transaction.atomic
def start_customer(*, customer: Customer, by: Any, at: datetime, reason: str) -> None:
    """Let a stopped customer be told again what its agreements cover.

    Raise StepRefused SAME_PERSON to who stopped it, CUSTOMER_NOT_STOPPED if nobody did; ReasonRefused.
    """
    reason = demand_reason(reason)
    held = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if not is_stopped(held):
        raise refused("CUSTOMER_NOT_STOPPED")
    if held.stopped_by_id == by.pk:
        raise refused("SAME_PERSON")
    Customer.objects.filter(pk=customer.pk).update(active=True, stopped_at=None, stopped_by=None)
    customer.refresh_from_db()
    log_step(customer, Action.APPROVE, by, reason=reason, at=at.isoformat())
