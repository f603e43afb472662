"""What staff see of runs, deliveries and disclosures, and the pages about a person."""

from deliveries.admin import (
    control,
    handouts,
    personreport,
    persons,
    protected,
    receipts,
    retention,
    runs,
    schemachange,
    spontaneous,
    standing,
    told,
)
from deliveries.staffwork import WORK
from lefi.staffwork import register

__all__ = [
    "control",
    "handouts",
    "personreport",
    "persons",
    "protected",
    "receipts",
    "retention",
    "runs",
    "schemachange",
    "spontaneous",
    "standing",
    "told",
]

register(*WORK)
