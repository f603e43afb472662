"""What staff see and keep of customers, the law and the watches; one module for each of the models'."""

from subscriptions.admin import agreements, customers, law, watches

__all__ = ["agreements", "customers", "law", "watches"]
