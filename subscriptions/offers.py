"""What an organisation of a kind may apply for: the bases that serve standing subscriptions on a day."""

from dataclasses import dataclass
from datetime import date

from benefits.catalogue import catalogue
from subscriptions.models import LegalBasis
from subscriptions.scopes import open_bases, openings


@dataclass(frozen=True, slots=True)
class Offer:
    """A basis with the benefits that it reaches, as codes in the catalogue's order."""

    basis: LegalBasis
    benefits: tuple[str, ...]


def kinds() -> set[str]:
    """The kinds of recipient that any basis names, whether it serves anybody or not."""
    return {kind for basis in LegalBasis.objects.newest() for kind in basis.recipient_kinds}


def offers(kind: str, day: date) -> list[Offer]:
    """What is open to a kind of recipient on a day, by the code of the basis."""
    return [Offer(basis, _benefits(basis)) for basis in open_bases(kind, day)]


def all_offers(day: date) -> list[tuple[Offer, list[str]]]:
    """What is open to anybody on a day, each with the kinds of recipient that it is open to."""
    return [(Offer(basis, _benefits(basis)), kinds) for basis, kinds in openings(day)]


def _benefits(basis: LegalBasis) -> tuple[str, ...]:
    return tuple(
        benefit.code
        for benefit in catalogue().benefits.values()
        if benefit.owner in basis.owners and (basis.benefits is None or benefit.code in basis.benefits)
    )
