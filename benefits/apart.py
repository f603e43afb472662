"""Which numbers of a person with protected identity stand apart: those that came while it was protected (C8).

Whoever is protected is seen to have the numbers that they had when that began, the current one among them, so that
neither setting nor lifting protection changes what is known of numbers already told; and a number that came later is
never linked to them. When protection ends, the later numbers are theirs too, as if they had come that day.
"""

from collections.abc import Iterable

from django.db import connection

from benefits.models import Protection

_PROTECTED = f"""EXISTS (SELECT 1 FROM benefits_personfacts f
  WHERE f.person_id = {{person}} AND f.withdrawn_in IS NULL AND f.protection <> '{Protection.NONE}')"""
# The import in which the newest protection began, by facts that follow upon one another; of those `within` a condition.
_BEGAN = f"""(SELECT max(p.recorded_in) FROM benefits_personfacts p
  WHERE p.person_id = {{person}} AND p.protection <> '{Protection.NONE}'{{within}} AND NOT EXISTS (
    SELECT 1 FROM benefits_personfacts q WHERE q.person_id = p.person_id AND q.protection <> '{Protection.NONE}'
    AND q.withdrawn_in = p.recorded_in))"""
# Whether the number was the current one just before that, as 1 or 0; NULL where it was not the person's.
_CURRENT_THEN = f"""(SELECT CASE WHEN m.current THEN 1 ELSE 0 END FROM benefits_personnumber m
  WHERE m.number = {{number}} AND m.person_id = {{person}} AND m.recorded_in < {_BEGAN}
  AND (m.withdrawn_in IS NULL OR m.withdrawn_in >= {_BEGAN}))"""


def apart(number: str, person: str) -> str:
    """The SQL condition that a number, which the person holds, stands apart; both are columns.

    Of one who is not protected it costs a look in an index that holds the protected alone.
    """
    return f"({_PROTECTED} AND {_CURRENT_THEN} IS NULL)".format(number=number, person=person, within="")


def seen_as_current(number: str, person: str, current: str) -> str:
    """In SQL 1 or 0, whether a number is seen to be the person's current one; NULL where it stands apart.

    `current` is the expression for whether it is.
    """
    then = f"CASE WHEN {_PROTECTED} THEN {_CURRENT_THEN}".format(number=number, person=person, within="")
    return f"({then} WHEN {current} THEN 1 ELSE 0 END)"


_STANDING_APART = f"""
SELECT n.number FROM benefits_personnumber n
WHERE n.person_id IN ({{persons}}) AND n.withdrawn_in IS NULL AND {apart("n.number", "n.person_id")}
"""


def numbers_apart(person_ids: Iterable[int]) -> set[str]:
    """Of the numbers that the persons hold those that stand apart."""
    numbers: set[str] = set()
    if ids := list(person_ids):
        with connection.cursor() as cursor:
            cursor.execute(_STANDING_APART.format(persons=", ".join(["%s"] * len(ids))), ids)
            numbers.update(number for (number,) in cursor.fetchall())
    return numbers


_BEFORE_IT_ENDED = _CURRENT_THEN.format(
    number="n.number", person="n.person_id", within=" AND p.recorded_in < e.recorded_in"
)
_NO_LONGER_APART = f"""
SELECT DISTINCT n.number, n.person_id FROM benefits_personfacts b
JOIN benefits_personfacts e ON e.person_id = b.person_id AND e.recorded_in = b.withdrawn_in
AND e.protection = '{Protection.NONE}'
JOIN benefits_personnumber n ON n.person_id = e.person_id AND n.withdrawn_in IS NULL
WHERE b.withdrawn_in > %s AND b.protection <> '{Protection.NONE}' AND {_BEFORE_IT_ENDED} IS NULL
AND NOT {_PROTECTED.format(person="n.person_id")}
"""


def no_longer_apart(*, since: int) -> dict[str, int]:
    """The numbers that came while their persons were protected, of protections that ended after import `since`.

    None of who is protected again by now: that would tell of numbers that were never linked meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NO_LONGER_APART, [since])
        return dict(cursor.fetchall())
