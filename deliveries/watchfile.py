"""The open watches of a stream as a file: to keep, or to send back to be compared (docs/delivery.md, Reconciliation).

It is written as it is read, from one cursor. It holds the numbers that the customer ordered by: whoever takes one is
written down.
"""

from collections.abc import Iterator
from typing import Any

from benefits.catalogue import catalogue
from lefi import sheets
from lefi.audit.models import Action, record
from subscriptions.models import Stream, Watch

COLUMNS = ("bevakning", "personnummer", "forman", "from", "arendereferens", "behovsreferens")
_FIELDS = ("pk", "ordered_number", "benefit", "from_date", "case_reference", "need_reference")
CHUNK = 5000  # rows


def fetch(stream: Stream, *, by: Any) -> Iterator[str]:
    """The file in pieces, having written down who takes it, and of how many watches."""
    watches = Watch.objects.open().filter(stream=stream)
    record(
        action=Action.FETCH,
        object_type=stream._meta.label_lower,
        object_id=stream.pk,
        actor=by,
        customer_id=stream.agreement.customer_id,
        reason="portal watch file",
        lines=watches.count(),
    )
    rows = watches.order_by("pk").values_list(*_FIELDS).iterator(chunk_size=CHUNK)
    return sheets.table(COLUMNS, map(_row, rows))


def _row(one: tuple[Any, ...]) -> tuple[Any, ...]:
    watch, number, code, from_date, case, need = one
    benefit = catalogue().benefits.get(code)
    return watch, number, benefit.order_name if benefit else code, from_date.isoformat(), case, need
