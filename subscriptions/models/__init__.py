"""Who may be told what: customers and their agreements, the law as data, and the watches ordered under them."""

from subscriptions.models.agreements import Agreement, Block, Scope, Stream
from subscriptions.models.customers import ApiClient, Customer, Member
from subscriptions.models.law import Consent, LegalBasis, OwnerApproval
from subscriptions.models.lawlog import LawChange, Pending
from subscriptions.models.watches import Order, OrderLine, Watch

__all__ = [
    "Agreement",
    "ApiClient",
    "Block",
    "Consent",
    "Customer",
    "LawChange",
    "LegalBasis",
    "Member",
    "Order",
    "OrderLine",
    "OwnerApproval",
    "Pending",
    "Scope",
    "Stream",
    "Watch",
]
