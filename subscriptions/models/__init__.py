"""Who may be told what: customers and their agreements, the law as data, and the watches ordered under them."""

from subscriptions.models.agreements import Agreement, Block, Reservation, Scope, Stream
from subscriptions.models.calls import ApiCall
from subscriptions.models.connections import Connection, ConnectionDraft, ConnectionMessage, Notice
from subscriptions.models.customers import Agent, ApiClient, Contact, Customer, Member
from subscriptions.models.desk import Desk
from subscriptions.models.law import Consent, LegalBasis, OwnerApproval
from subscriptions.models.lawlog import LawChange, Pending
from subscriptions.models.orders import Order, OrderLine
from subscriptions.models.people import Invitation
from subscriptions.models.watches import ProtectedRelease, Watch

__all__ = [
    "Agent",
    "Agreement",
    "ApiCall",
    "ApiClient",
    "Block",
    "Connection",
    "ConnectionDraft",
    "ConnectionMessage",
    "Consent",
    "Contact",
    "Customer",
    "Desk",
    "Invitation",
    "LawChange",
    "LegalBasis",
    "Member",
    "Notice",
    "Order",
    "OrderLine",
    "OwnerApproval",
    "Pending",
    "ProtectedRelease",
    "Reservation",
    "Scope",
    "Stream",
    "Watch",
]
