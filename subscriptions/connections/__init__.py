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
    Annex,
    ConnectionRefused,
    accept_connection,
    annexes_needed,
    apply_for_connection,
    filled_in,
    refuse_connection,
    withdraw_connection,
)
from subscriptions.connections.checks import Check, examine, faults_in, look_over
from subscriptions.connections.customers import is_settled, is_stopped, start_customer, stop_customer
from subscriptions.connections.drafts import (
    begin_draft,
    find_draft,
    mail_draft,
    save_draft,
    send_draft,
    sweep_drafts,
    throw_away_draft,
)
from subscriptions.connections.messages import MessageRefused, answer_applicant, may_write, write_as_applicant
from subscriptions.connections.steps import StepRefused

__all__ = [
    "Annex",
    "Check",
    "ConnectionRefused",
    "MessageRefused",
    "StepRefused",
    "accept_connection",
    "annexes_needed",
    "answer_applicant",
    "apply_for_connection",
    "approve_agreement",
    "begin_draft",
    "contacts_in",
    "end_agent",
    "end_agreement",
    "end_expired_agreements",
    "examine",
    "faults_in",
    "filled_in",
    "find_draft",
    "is_settled",
    "is_stopped",
    "look_over",
    "mail_draft",
    "may_write",
    "refuse_agreement",
    "refuse_connection",
    "register_agent",
    "save_draft",
    "send_agreement",
    "send_draft",
    "sign_for_customer",
    "sign_for_fk",
    "start_customer",
    "stop_customer",
    "sweep_drafts",
    "throw_away_draft",
    "withdraw_connection",
    "write_as_applicant",
]
