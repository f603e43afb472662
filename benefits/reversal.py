"""Undoing a wrong import by an import of its own: what was known before it is known again, under a new number (C3).

Nothing is deleted: what the wrong import brought is withdrawn, and what it took away is recorded anew. Left as it is,
and listed, is what a later import has changed since, whose number it changed, and what would lift a protection.
"""

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from benefits.models import HEADER, Import, LeftAsItIs, Protection, Reversal, Touched
from lefi.bulk import analyze, drop_temporary_tables, execute, make_temporary_table
from lefi.errors import Refused
from lefi.foureyes import approve, demand_another, drop, propose
from lefi.locks import Lock, hold

log = structlog.get_logger(__name__)
_TABLES = {
    "undone": "person_id bigint, section varchar(60)",
    "changed": "person_id bigint, section varchar(60)",
}
# Imports later than the wrong one, but for those that have been undone themselves and what undid them.
_LATER = """
SELECT t.person_id, t.section FROM benefits_touched t JOIN benefits_import i ON i.number = t.number
WHERE t.number > %(wrong)s AND i.reverses_id IS NULL
AND NOT EXISTS (SELECT 1 FROM benefits_import r WHERE r.reverses_id = i.id)
"""
# Persons whose numbers the wrong import changed; one whom it was the first to name holds their number still.
_NUMBERED = """
SELECT person_id FROM benefits_personnumber WHERE withdrawn_in = %(wrong)s
UNION SELECT n.person_id FROM benefits_personnumber n WHERE n.recorded_in = %(wrong)s AND EXISTS (
  SELECT 1 FROM benefits_personnumber o WHERE o.id <> n.id AND (o.person_id = n.person_id OR o.number = n.number))
"""
# Persons who are protected now, and were less so before the wrong import.
_PROTECTED = f"""
SELECT f.person_id FROM benefits_personfacts f WHERE f.withdrawn_in IS NULL AND f.protection <> '{Protection.NONE}'
AND NOT EXISTS (SELECT 1 FROM benefits_personfacts b WHERE b.person_id = f.person_id
  AND b.protection = f.protection AND b.recorded_in < %(wrong)s
  AND (b.withdrawn_in IS NULL OR b.withdrawn_in >= %(wrong)s))
"""
_BEFORE = "recorded_in < %(wrong)s AND ({0}.withdrawn_in IS NULL OR {0}.withdrawn_in >= %(wrong)s)"
# What is known now, in a section that is undone, and was not before.
_BROUGHT = f"""
FROM undone u JOIN benefits_benefitperiod p ON p.person_id = u.person_id AND p.section = u.section
AND p.withdrawn_in IS NULL LEFT JOIN benefits_benefitperiod b ON b.person_id = p.person_id AND b.section = p.section
AND b.digest = p.digest AND b.ordinal = p.ordinal AND b.{_BEFORE.format("b")} WHERE b.id IS NULL
"""
# What was known before, and is not now.
_TAKEN = f"""
FROM undone u JOIN benefits_benefitperiod b ON b.person_id = u.person_id AND b.section = u.section
AND b.{_BEFORE.format("b")} LEFT JOIN benefits_benefitperiod p ON p.person_id = b.person_id AND p.section = b.section
AND p.digest = b.digest AND p.ordinal = b.ordinal AND p.withdrawn_in IS NULL WHERE p.id IS NULL
"""
_FACTS_DIFFER = f"""
FROM undone u LEFT JOIN benefits_personfacts p ON p.person_id = u.person_id AND p.withdrawn_in IS NULL
LEFT JOIN benefits_personfacts b ON b.person_id = u.person_id AND b.{_BEFORE.format("b")}
WHERE u.section = '{HEADER}' AND (p.id IS NOT NULL OR b.id IS NOT NULL) AND (p.id IS NULL OR b.id IS NULL
  OR p.name <> b.name OR p.born <> b.born OR p.died_on <> b.died_on OR p.protection <> b.protection)
"""


class ReversalRefused(Refused):
    """An import that cannot be undone: NOT_PUBLISHED, ERASED (what it replaced), REVERSED (already), or IS_REVERSAL."""


@transaction.atomic
def propose_reversal(*, imported: Import, reason: str, by: Any, at: datetime) -> Reversal:
    """Propose that an import be undone; a second person approves. Raise ReversalRefused where it cannot be."""
    _demand_undoable(imported)
    reversal = Reversal(imported=imported, reason=reason)
    propose(reversal, by=by, at=at)
    return reversal


def _demand_undoable(imported: Import) -> None:
    if imported.status != Import.Status.PUBLISHED:
        raise ReversalRefused("NOT_PUBLISHED", "Only what was published can be undone.")
    if imported.erased_at is not None:
        raise ReversalRefused(
            "ERASED", "What the import replaced has been erased: the source sends again what is right."
        )
    if imported.reverses_id is not None:
        raise ReversalRefused("IS_REVERSAL", "A reversal is not undone; the source sends again what is right.")
    if Reversal.objects.filter(imported=imported).exists():
        raise ReversalRefused("REVERSED", "The import is undone, or proposed to be.")


def drop_reversal(*, reversal: Reversal, by: Any, reason: str = "") -> None:
    """Throw a proposal away. Raise NotApproved if it is none any more."""
    with transaction.atomic():
        drop(reversal, by=by, reason=reason)


def affected(imported: Import) -> dict[str, int]:
    """How many persons and sections an import changed."""
    touched = Touched.objects.filter(number=imported.number or 0)
    return {"persons": touched.values("person").distinct().count(), "sections": touched.count()}


@transaction.atomic
def approve_reversal(*, reversal: Reversal, by: Any, at: datetime, reason: str = "") -> Import:
    """Undo the import as a second person, at once, and return the import that did. Raise NotApproved as `approve` does.

    One transaction, alone, under the next import number: a run is as of before it or after it.
    """
    demand_another(reversal, by=by)
    hold(Lock.IMPORT)
    approve(reversal, by=by, at=at, reason=reason)
    wrong = reversal.imported
    number = Import.objects.last_number() + 1
    for name, columns in _TABLES.items():
        make_temporary_table(name, columns)
    left = _choose(reversal, wrong)
    counts = _restore(wrong, number) | {"left": left}
    drop_temporary_tables(_TABLES)
    newest = Import.objects.published().filter(source=wrong.source).latest("number")
    undoing = Import.objects.create(
        number=number,
        source=wrong.source,
        sequence=wrong.sequence,
        status=Import.Status.PUBLISHED,
        state=newest.state,
        lines=0,
        created_at=at,
        received_at=at,
        published_at=at,
        reason=reversal.reason,
        counts=counts,
        reverses=wrong,
    )
    log.warning("import_reversed", source=wrong.source, wrong=wrong.number, number=number, **counts)
    return undoing


def _choose(reversal: Reversal, wrong: Import) -> int:
    """Fill `undone` with the sections that the wrong import changed and that can be restored; list the others."""
    parameters = {"wrong": wrong.number, "reversal": reversal.pk}
    execute("INSERT INTO undone SELECT person_id, section FROM benefits_touched WHERE number = %(wrong)s", parameters)
    chosen = [
        (LeftAsItIs.Why.LATER, f"(u.person_id, u.section) IN ({_LATER})"),
        (LeftAsItIs.Why.NUMBERS, f"u.person_id IN ({_NUMBERED})"),
        (LeftAsItIs.Why.PROTECTION, f"u.section = '{HEADER}' AND u.person_id IN ({_PROTECTED})"),
    ]
    left = 0
    for why, condition in chosen:
        left += execute(
            "INSERT INTO benefits_leftasitis (reversal_id, person_id, section, why) "
            f"SELECT %(reversal)s, u.person_id, u.section, '{why}' FROM undone u WHERE {condition}",
            parameters,
        )
        execute(
            "DELETE FROM undone WHERE (person_id, section) IN "
            "(SELECT person_id, section FROM benefits_leftasitis WHERE reversal_id = %(reversal)s)",
            parameters,
        )
    analyze(["undone"])
    return left


def _restore(wrong: Import, number: int) -> dict[str, int]:
    parameters = {"wrong": wrong.number, "number": number}
    execute(f"INSERT INTO changed SELECT p.person_id, p.section {_BROUGHT}", parameters)
    execute(f"INSERT INTO changed SELECT b.person_id, b.section {_TAKEN}", parameters)
    execute(f"INSERT INTO changed SELECT u.person_id, u.section {_FACTS_DIFFER}", parameters)
    withdrawn = execute(
        f"UPDATE benefits_benefitperiod SET withdrawn_in = %(number)s WHERE id IN (SELECT p.id {_BROUGHT})",
        parameters,
    )
    recorded = execute(
        "INSERT INTO benefits_benefitperiod (person_id, section, digest, ordinal, starts_on, ends_on, extent, amount, "
        "content, recorded_in) SELECT b.person_id, b.section, b.digest, b.ordinal, b.starts_on, b.ends_on, b.extent, "
        f"b.amount, b.content, %(number)s {_TAKEN}",
        parameters,
    )
    facts = f"SELECT person_id FROM changed WHERE section = '{HEADER}'"
    execute(
        "UPDATE benefits_personfacts SET withdrawn_in = %(number)s WHERE withdrawn_in IS NULL "
        f"AND person_id IN ({facts})",
        parameters,
    )
    persons = execute(
        "INSERT INTO benefits_personfacts (person_id, name, born, died_on, protection, recorded_in) "
        "SELECT b.person_id, b.name, b.born, b.died_on, b.protection, %(number)s FROM benefits_personfacts b "
        f"WHERE b.person_id IN ({facts}) AND b.{_BEFORE.format('b')} AND b.recorded_in < %(number)s",
        parameters,
    )
    touched = execute(
        "INSERT INTO benefits_touched (number, person_id, section) "
        "SELECT DISTINCT CAST(%(number)s AS integer), person_id, section FROM changed",
        parameters,
    )
    return {"withdrawn": withdrawn, "recorded": recorded, "persons_changed": persons, "touched": touched}
