"""The pages of the portal, and those that anybody may open, on the side of what was told."""

from deliveries.views.files import delivery_file, delivery_manifest
from deliveries.views.history import deliveries_acknowledge, delivery_acknowledge, delivery_list
from deliveries.views.persons import person_told
from deliveries.views.proof import proof_detail, proof_list
from deliveries.views.reading import delivery_detail, delivery_find
from deliveries.views.reconciliations import (
    reconciliation_detail,
    reconciliation_example,
    reconciliation_list,
    reconciliation_new,
    reconciliation_number,
    reconciliation_progress,
    reconciliation_repair,
    watch_file,
)
from deliveries.views.service import front, home, live, ready, service_status, status_file
from deliveries.views.spontaneous import spontaneous_detail, spontaneous_list
from deliveries.views.standing import watches_to_close
from deliveries.views.start import start

__all__ = [
    "deliveries_acknowledge",
    "delivery_acknowledge",
    "delivery_detail",
    "delivery_file",
    "delivery_find",
    "delivery_list",
    "delivery_manifest",
    "front",
    "home",
    "live",
    "person_told",
    "proof_detail",
    "proof_list",
    "ready",
    "reconciliation_detail",
    "reconciliation_example",
    "reconciliation_list",
    "reconciliation_new",
    "reconciliation_number",
    "reconciliation_progress",
    "reconciliation_repair",
    "service_status",
    "spontaneous_detail",
    "spontaneous_list",
    "start",
    "status_file",
    "watch_file",
    "watches_to_close",
]
