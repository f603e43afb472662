"""Who may be told what: customers and their agreements, the law as data, and the watches ordered under them."""

from subscriptions.models.agreements import Agreement, Block, Reservation, Scope, Stream
from subscriptions.models.connections import Connection, Notice
from subscriptions.models.customers import Agent, ApiClient, Contact, Customer, Member
from subscriptions.models.law import Consent, LegalBasis, OwnerApproval
from subscriptions.models.lawlog import LawChange, Pending
from subscriptions.models.watches import Order, OrderLine, ProtectedRelease, Watch

__all__ = [
    "Agent",
    "Agreement",
    "ApiClient",
    "Block",
    "Connection",
    "Consent",
    "Contact",
    "Customer",
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
