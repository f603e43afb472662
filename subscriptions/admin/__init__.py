"""What staff see and keep of customers, the law and the watches; one module for each of the models'."""

from subscriptions.admin import agreements, blocks, connections, consents, customers, law, reservations, watches

__all__ = ["agreements", "blocks", "connections", "consents", "customers", "law", "reservations", "watches"]
