"""What was told: runs, the numbered deliveries of each stream, the log of disclosures, and what each watch knows."""

from deliveries.models.brake import HeldSlice, SliceVerdict
from deliveries.models.debt import Debt, DebtCheck, OrderedRun
from deliveries.models.delivered import Delivery, Fetch, GateAnswer, HandoutRelease, Lag
from deliveries.models.personreports import PersonReport, Withholding
from deliveries.models.receipts import Receipt, SigningKey
from deliveries.models.reconciliations import ClosingProposal, Reconciliation, ReconciliationLine
from deliveries.models.retention import Checkpoint, HoldLift, LegalHold, Purge, Purged
from deliveries.models.runs import Candidate, NoRun, Run, StreamRun
from deliveries.models.schemachange import SchemaAnnouncement, SchemaValidation
from deliveries.models.told import Disclosure, SpontaneousDisclosure, StoredDecision, Told

__all__ = [
    "Candidate",
    "Checkpoint",
    "ClosingProposal",
    "Debt",
    "DebtCheck",
    "Delivery",
    "Disclosure",
    "Fetch",
    "GateAnswer",
    "HandoutRelease",
    "HeldSlice",
    "HoldLift",
    "Lag",
    "LegalHold",
    "NoRun",
    "OrderedRun",
    "PersonReport",
    "Purge",
    "Purged",
    "Receipt",
    "Reconciliation",
    "ReconciliationLine",
    "Run",
    "SchemaAnnouncement",
    "SchemaValidation",
    "SigningKey",
    "SliceVerdict",
    "SpontaneousDisclosure",
    "StoredDecision",
    "StreamRun",
    "Told",
    "Withholding",
]
