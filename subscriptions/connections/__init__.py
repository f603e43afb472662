"""How an organisation is connected (R15, R16): application, examination, agreement, two signatures, a second person.

notified → accepted → agreement examined → sent → signed by the customer → signed by Försäkringskassan → active → ended;
refused with a reason at any step before active. Every step is taken once, by whoever comes first. Only who prepared an
agreement may not approve it: signing for Försäkringskassan is open to both. What an agreement covers, and how that
changes, is `subscriptions.scopes`.
"""

from subscriptions.connections.agents import end_agent, register_agent
from subscriptions.connections.agreement import (
    approve_agreement,
    contacts_in,
    end_agreement,
    end_expired_agreements,
    refuse_agreement,
    send_agreement,
    sign_for_customer,
    sign_for_fk,
)
from subscriptions.connections.application import (
    Check,
    ConnectionRefused,
    accept_connection,
    apply_for_connection,
    examine,
    refuse_connection,
    withdraw_connection,
)
from subscriptions.connections.customers import is_settled, is_stopped, start_customer, stop_customer
from subscriptions.connections.steps import StepRefused

__all__ = [
    "Check",
    "ConnectionRefused",
    "StepRefused",
    "accept_connection",
    "apply_for_connection",
    "approve_agreement",
    "contacts_in",
    "end_agent",
    "end_agreement",
    "end_expired_agreements",
    "examine",
    "is_settled",
    "is_stopped",
    "refuse_agreement",
    "refuse_connection",
    "register_agent",
    "send_agreement",
    "sign_for_customer",
    "sign_for_fk",
    "start_customer",
    "stop_customer",
    "withdraw_connection",
]
