"""The cases and needs that open watches stand for, a page at a time, in the order of their references.

Each reference is found from the one before it, by an index that has a stream's in order (`watches_by_reference`): what
a page costs grows with neither the watches nor the cases that there are. A search reads on until a page is full, at
most all of the user's references. They count as personal data: what stands for one in an address is one of its watches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from subscriptions.models import Customer, Stream, Watch
from subscriptions.references import reference_of

MOST = 1000  # watches of one case that are counted; beyond that it is enough to know that there are more

_REFERENCE = "CASE WHEN w.case_reference = '' THEN w.need_reference ELSE w.case_reference END"
_OPEN = (
    "FROM subscriptions_watch w WHERE w.ended_at IS NULL AND NOT (w.case_reference = '' AND w.need_reference = '') "
    "{narrowed}"
)
_NEXT = f"""
(SELECT CAST({_REFERENCE} AS text) {_OPEN} AND w.stream_id = {{stream}} {{beyond}}
  ORDER BY {_REFERENCE} {{way}} LIMIT 1)
"""
_NAMED = """
WITH RECURSIVE named (stream_id, reference, place) AS (
  SELECT s.id, {first}, 1 FROM subscriptions_stream s WHERE s.id IN ({streams})
  UNION ALL
  SELECT n.stream_id, {following}, n.place + 1 FROM named n WHERE n.reference IS NOT NULL AND n.place < %(most)s
)
SELECT n.reference, a.customer_id FROM named n
JOIN subscriptions_stream s ON s.id = n.stream_id JOIN subscriptions_agreement a ON a.id = s.agreement_id
WHERE n.reference IS NOT NULL {not_the_key} GROUP BY n.reference, a.customer_id
ORDER BY n.reference {way}, a.customer_id {way} LIMIT %(wanted)s
"""
_OF_ONE = f"""
(SELECT w.id, w.ordered_number {_OPEN} AND {_REFERENCE} = p.reference AND w.stream_id IN (
  SELECT s.id FROM subscriptions_stream s JOIN subscriptions_agreement a ON a.id = s.agreement_id
  WHERE a.customer_id = p.customer_id) LIMIT %(counted)s) x
"""
_COUNTED = f"""
SELECT p.reference, p.customer_id, (SELECT count(*) FROM {_OF_ONE}),
  (SELECT count(DISTINCT x.ordered_number) FROM {_OF_ONE}), (SELECT min(x.id) FROM {_OF_ONE})
FROM ({_NAMED}) p ORDER BY p.reference {{way}}, p.customer_id {{way}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What open watches stand for: how many, by how many numbers, both counted to MOST + 1; and one of them."""

    customer: Customer
    reference: str
    watches: int
    persons: int
    watch: int


def cases_of(
    user: Any, wanted: int, *, own: bool = False, sought: str = "", key: int | None = None, back: bool = False
) -> list[Case]:
    """As many cases and needs of the user's customers: those beyond that of a watch, or before it if `back`.

    `own`: only of what the user has ordered. `sought`: only those whose reference has this text in it.
    """
    streams = list(Stream.objects.visible_to(user).values_list("pk", flat=True))
    mine = Watch.objects.filter(stream__in=streams).select_related("stream__agreement")
    at = mine.filter(pk=key).first() if key is not None else None
    if not streams or (key is not None and at is None):
        return []
    rows = _found(streams, at, wanted, user.pk if own else None, sought, back)
    customers = Customer.objects.in_bulk({customer for _reference, customer, *_rest in rows})
    return [Case(customers[customer], reference, *counts) for reference, customer, *counts in rows]


def _found(
    streams: Sequence[int], at: Watch | None, wanted: int, user: int | None, sought: str, back: bool
) -> list[tuple[Any, ...]]:
    order, way = ("<", "DESC") if back else (">", "ASC")
    # The key's own reference is another case at another customer: it is looked at once more, and left out.
    said = {"wanted": wanted, "most": wanted + 1, "counted": MOST + 1, "user": user, "sought": _pattern(sought)}
    if at is not None:
        said |= {"key": reference_of(at), "customer": at.stream.agreement.customer_id}
    narrowed = "AND w.ordered_by_id = %(user)s " if user is not None else ""
    narrowed += f"AND UPPER({_REFERENCE}) LIKE UPPER(%(sought)s) ESCAPE '!'" if sought else ""
    parts = {"narrowed": narrowed, "way": way}
    statement = _COUNTED.format(
        first=_NEXT.format(stream="s.id", beyond=f"AND {_REFERENCE} {order}= %(key)s" if at else "", **parts),
        following=_NEXT.format(stream="n.stream_id", beyond=f"AND {_REFERENCE} {order} n.reference", **parts),
        streams=", ".join(map(str, streams)),
        not_the_key=f"AND (n.reference <> %(key)s OR a.customer_id {order} %(customer)s)" if at else "",
        **parts,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, said)
        return cursor.fetchall()


def _pattern(sought: str) -> str:
    """A pattern for what has a text in it."""
    for sign in "!%_":
        sought = sought.replace(sign, f"!{sign}")
    return f"%{sought}%"
