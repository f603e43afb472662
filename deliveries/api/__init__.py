"""The partners' API to their deliveries, and to what they have of them. Its addresses stand in lefi.urls."""

from deliveries.api.deliveries import Acknowledgement, Deliveries, Document, OneDelivery
from deliveries.api.receipts import Manifest, Manifests
from deliveries.api.reconciliations import OneReconciliation, Reconciliations, Repairing
from deliveries.api.schemachange import SchemaValidations

__all__ = [
    "Acknowledgement",
    "Deliveries",
    "Document",
    "Manifest",
    "Manifests",
    "OneDelivery",
    "OneReconciliation",
    "Reconciliations",
    "Repairing",
    "SchemaValidations",
]
