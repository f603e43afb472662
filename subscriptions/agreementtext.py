"""The agreement as a document: what it says, as data that a page and a PDF are made of.

It is in Swedish whatever the reader's language (språklagen 2009:600, 10 §), and is made of rows and of the wording in
`agreement_text.json` alone, so that the same rows give the same document. `written` is the text that is kept and
signed; `read` gives the document back.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from benefits.catalogue import catalogue
from subscriptions import lawwords
from subscriptions.models import Agent, Agreement, Connection, LegalBasis, Scope, Stream

WORDING = Path(__file__).with_name("agreement_text.json")
OURSELVES = ("Försäkringskassan", "202100-5521")
CHANNELS = {Stream.Channel.API: "API", Stream.Channel.PORTAL: "Portal"}


@dataclass(frozen=True, slots=True)
class Party:
    role: str
    name: str
    number: str  # organisation number, with the unit code where there is one


@dataclass(frozen=True, slots=True)
class Paragraph:
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Annex:
    """A table: every row has as many cells as there are headers."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def labelled(self) -> list[list[tuple[str, str]]]:
        """The rows with each cell beside its header."""
        return [list(zip(self.headers, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Signature:
    """Who has signed for a party and when, in words; empty where nobody has."""

    party: str
    name: str
    signed: str


@dataclass(frozen=True, slots=True)
class AgreementDocument:
    title: str
    parties: tuple[Party, ...]
    paragraphs: tuple[Paragraph, ...]
    annexes: tuple[Annex, ...]


def document(agreement: Agreement) -> AgreementDocument:
    """What the agreement says now: of each purpose the newest version, proposed ones too until it is active."""
    parts = _parts(agreement)
    bases = {
        basis.code: basis for basis in LegalBasis.objects.newest().filter(code__in=[one.basis_code for one in parts])
    }
    return AgreementDocument(
        title=f"Avtal {agreement.code} om LEFI Prenumeration",
        parties=_parties(agreement),
        paragraphs=_paragraphs(agreement),
        annexes=_numbered([_grounds(parts, bases), *(_scope(part) for part in parts), _service_level(agreement)]),
    )


def shown(agreement: Agreement) -> AgreementDocument:
    """The document as it was sent; before that, as it would be."""
    return read(agreement.document) if agreement.document else document(agreement)


def signatures(agreement: Agreement) -> tuple[Signature, ...]:
    """The places for the two signatures, which are no part of what is signed."""
    by_customer, by_fk = agreement.signed_by_customer_at, agreement.signed_by_fk_at
    return (
        Signature(agreement.customer.name, agreement.customer_signatory, _moment(by_customer)),
        Signature(OURSELVES[0], agreement.fk_signatory, _moment(by_fk)),
    )


def written(made: AgreementDocument) -> str:
    """The document as the text that is kept: JSON, the same for the same document."""
    return json.dumps(asdict(made), ensure_ascii=False, indent=1, sort_keys=True)


def digest(text: str) -> str:
    """SHA-256 of a kept text in UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def read(text: str) -> AgreementDocument:
    """The document that a kept text holds. Raise ValueError, KeyError or TypeError for a text that holds none."""
    kept: dict[str, Any] = json.loads(text)
    return AgreementDocument(
        title=kept["title"],
        parties=tuple(Party(**one) for one in kept["parties"]),
        paragraphs=tuple(Paragraph(**one) for one in kept["paragraphs"]),
        annexes=tuple(
            Annex(one["title"], tuple(one["headers"]), tuple(tuple(row) for row in one["rows"]))
            for one in kept["annexes"]
        ),
    )


def _moment(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def _parts(agreement: Agreement) -> list[Scope]:
    scopes = Scope.objects.filter(agreement=agreement)
    if agreement.status in (Agreement.Status.ACTIVE, Agreement.Status.ENDED):
        scopes = scopes.newest()
    newest = {scope.purpose: scope for scope in scopes.order_by("purpose", "version")}
    return list(newest.values())


def _parties(agreement: Agreement) -> tuple[Party, ...]:
    customer = agreement.customer
    return (
        Party("Uppgiftslämnare", *OURSELVES),
        Party("Kund", customer.name, _number(customer.organisation_number, customer.unit)),
        *(Party("Kundens ombud", name, _number(number)) for number, name in _agents(agreement).items()),
    )


def _agents(agreement: Agreement) -> dict[str, str]:
    """The names by organisation number of the customer's agents, and of the one that the agreement is to register."""
    agents = Agent.objects.filter(Q(valid_to=None) | Q(valid_to__gte=agreement.valid_from), customer=agreement.customer)
    applied = Connection.objects.filter(agreement=agreement).exclude(agent_name="")
    return {
        **dict(applied.values_list("agent_organisation_number", "agent_name")),
        **dict(agents.order_by("pk").values_list("organisation_number", "name")),
    }


def _number(organisation_number: str, unit: str = "") -> str:
    number = f"{organisation_number[:6]}-{organisation_number[6:]}"
    return f"{number}, enhet {unit}" if unit else number


def _paragraphs(agreement: Agreement) -> tuple[Paragraph, ...]:
    until = f"till och med {agreement.valid_to}" if agreement.valid_to else "tills vidare"
    period = f"från och med {agreement.valid_from} {until}"
    return tuple(
        Paragraph(f"{place}. {one['heading']}", one["text"].replace("{period}", period))
        for place, one in enumerate(_wording(), start=1)
    )


@cache
def _wording() -> list[dict[str, str]]:
    kept: list[dict[str, str]] = json.loads(WORDING.read_text(encoding="utf-8"))["paragraphs"]
    return kept


def _numbered(annexes: list[Annex]) -> tuple[Annex, ...]:
    return tuple(replace(annex, title=f"Bilaga {place}. {annex.title}") for place, annex in enumerate(annexes, start=1))


def _grounds(parts: Iterable[Scope], bases: dict[str, LegalBasis]) -> Annex:
    rows = tuple(
        (
            lawwords.purpose_name(part.purpose),
            f"{part.basis_code} {bases[part.basis_code].title_sv}" if part.basis_code in bases else part.basis_code,
            "; ".join(bases[part.basis_code].citations) if part.basis_code in bases else "",
            _demands(bases.get(part.basis_code)),
        )
        for part in parts
    )
    return Annex("Ändamål och rättslig grund", ("Ändamål", "Rättslig grund", "Lagrum", "Krav"), rows)


def _demands(basis: LegalBasis | None) -> str:
    """What the basis asks of the customer at each order."""
    if basis is None:
        return "–"
    asked = [
        ("samtycke", basis.consent_needed),
        ("ärende", "case_reference" in basis.needs),
        ("behov", "need_reference" in basis.needs),
        (f"bekräftas på nytt inom {basis.reconfirm_days} dagar", basis.reconfirm_days is not None),
    ]
    return ", ".join(word for word, needed in asked if needed) or "–"


def _scope(part: Scope) -> Annex:
    known = catalogue()
    by_owner: dict[str, list[str]] = {}
    for benefit in (known.benefits[code] for code in part.benefits if code in known.benefits):
        by_owner.setdefault(known.owners[benefit.owner].sv, []).append(benefit.label_sv)
    classes = [label.sv for code, label in known.classes.items() if code in part.classes]
    rows = (
        *((f"Förmåner från {owner}", ", ".join(benefits)) for owner, benefits in by_owner.items()),
        ("Uppgifter om varje förmån", ", ".join(classes)),
        ("Längst bakåt i tiden", f"{part.look_back_days} dagar"),
    )
    return Annex(f"Omfattning för ändamålet {lawwords.purpose_name(part.purpose)}", ("Vad", "Omfattning"), rows)


def _service_level(agreement: Agreement) -> Annex:
    connection = Connection.objects.filter(agreement=agreement).first()
    channels = {connection.channel} if connection else set(agreement.streams.values_list("channel", flat=True))
    rows = (
        ("Kanal", ", ".join(sorted(CHANNELS[Stream.Channel(one)] for one in channels)) or CHANNELS[Stream.Channel.API]),
        ("Leveranser", "En numrerad leverans per ändamål och natt, även när inget har ändrats"),
        ("Tid", f"Nattkörningen börjar {settings.NIGHT_STARTS:%H.%M} och är klar senast {settings.NIGHT_ENDS:%H.%M}"),
        ("Format", "XML eller JSON enligt publicerat schema; ändringar aviseras i förväg"),
        ("Kontroll", "Varje leverans har löpnummer och kontrollsumma för leveransen före"),
    )
    return Annex("Kanal och servicenivå", ("Vad", "Hur"), rows)
