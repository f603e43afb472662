"""What agreements cover, purpose by purpose and version by version, for those who read about them."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import attrgetter

from subscriptions.models import Agreement, LegalBasis, Scope
from subscriptions.scopes import Difference, scope_difference


@dataclass(frozen=True, slots=True)
class Covered:
    """What an agreement covers for one purpose; `basis` is the newest version, None if there is none any more."""

    scope: Scope
    basis: LegalBasis | None
    versions: tuple[tuple[Scope, Difference], ...]  # newest first, each beside the one before it


def covered_by(agreements: Collection[Agreement]) -> dict[int, list[Covered]]:
    """By the agreements' ids, what each covers now; before it is active, what it would cover. Two queries."""
    rows = Scope.objects.filter(agreement__in=[one.pk for one in agreements]).order_by(
        "agreement", "purpose", "version"
    )
    scopes = list(rows)
    newest = LegalBasis.objects.newest().filter(code__in={scope.basis_code for scope in scopes})
    bases = {basis.code: basis for basis in newest}
    found: dict[int, list[Covered]] = {one.pk: [] for one in agreements}
    for (agreement, _purpose), versions in groupby(scopes, attrgetter("agreement_id", "purpose")):
        every = list(versions)
        held = [scope for scope in every if scope.in_effect] or every[-1:]
        found[agreement].append(Covered(held[-1], bases.get(held[-1].basis_code), _compared(held)))
    return found


def _compared(versions: list[Scope]) -> tuple[tuple[Scope, Difference], ...]:
    every: list[Scope | None] = [None, *versions]
    return tuple((new, scope_difference(old, new)) for old, new in reversed(list(pairwise(every))) if new is not None)
