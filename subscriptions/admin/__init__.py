"""What staff see and keep of customers, the law, orders and watches; one module for each of the models', or more."""

from lefi.staffwork import register
from subscriptions.admin import (
    agreements,
    blocks,
    calls,
    connections,
    consents,
    customers,
    law,
    orderlines,
    orders,
    people,
    reservations,
    scopes,
    watches,
)
from subscriptions.staffwork import WORK

__all__ = [
    "agreements",
    "blocks",
    "calls",
    "connections",
    "consents",
    "customers",
    "law",
    "orderlines",
    "orders",
    "people",
    "reservations",
    "scopes",
    "watches",
]

register(*WORK)
