"""The two agencies' own registers of a few made-up persons, and the import files that they hand over."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benefits.catalogue import catalogue
from benefits.importfile import ImportRefused
from benefits.models import Import
from benefits.services import import_file
from tests.factories import identity_number

Items = list[dict[str, Any]]
SJP, FP, GEPI, AP = "FK:SJP", "FK:FP", "FK:GEPI", "PM:AP"
CASES = {SJP: "sjukpenningarende", FP: "foraldrapenningarende"}
PAID, PLANNED, DETAILS = "utbetalningsuppgift", "preliminarautbetalningar", "generellPersoninformation"
PM_CASES, PM_PAID = "beslut", "utbetalningar"
_CODES = {SJP: "SJP", FP: "FP"}


@dataclass(slots=True)
class Someone:
    """A person as the agencies know them: the number now, those before, the facts, and the items of every section."""

    number: str
    name: str
    former: list[str] = field(default_factory=list)
    died: str | None = None
    protection: str = "INGET"
    sections: dict[str, Items] = field(default_factory=dict)

    def items(self, section: str) -> Items:
        return self.sections.setdefault(section, [])

    def facts(self) -> dict[str, Any]:
        return {
            "namn": self.name,
            "foddes": self.number[:4],
            "avled": self.died,
            "skydd": self.protection,
            "tidigarePersonnummer": self.former,
        }


class Sources:
    """Hands over what changed, as files that the import reads; keeps each source's own order."""

    def __init__(self, folder: Path, persons: int) -> None:
        self.folder = folder
        self.sequences = {"FK": 0, "PM": 0}
        self.people = [Someone(identity_number(n), f"Test Person {n}") for n in range(persons)]
        self.numbers = persons

    def new_number(self) -> str:
        self.numbers += 1
        return identity_number(self.numbers)

    def hand_over(self, at: datetime, *persons: Someone, only: Sequence[str] | None = None) -> Import:
        """Import what FK knows of some persons: the sections in `only`, or else all of them."""
        return self.send("FK", [line_of(one, "FK", only) for one in persons], at)

    def hand_over_pension(self, at: datetime, *persons: Someone) -> Import:
        return self.send("PM", [line_of(one, "PM", None) for one in persons], at)

    def send(self, source: str, lines: list[dict[str, Any]], at: datetime, state: str = "OK") -> Import:
        """Write a manifest and its data file, and import them."""
        sequence = self.sequences[source] + 1
        path = self.write(source, sequence, lines, at, state)
        imported = import_file(manifest_path=path, at=at)
        self.sequences[source] = sequence
        return imported

    def write(
        self, source: str, sequence: int, lines: Iterable[dict[str, Any]], at: datetime, state: str = "OK"
    ) -> Path:
        texts = [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]
        data = "".join(texts).encode()
        name = f"{source}-{sequence:05d}"
        (self.folder / f"{name}.jsonl").write_bytes(data)
        manifest = {
            "format": "lefi-import/1",
            "kalla": source,
            "slag": "andring",
            "lopnummer": sequence,
            "antal": len(texts),
            "sha256": hashlib.sha256(data).hexdigest(),
            "datafil": f"{name}.jsonl",
            "tillstand": {source: state},
            "skapad": at.isoformat(),
        }
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return path

    def send_again(self, source: str, at: datetime) -> bool:
        """Hand over the source's last file once more; return whether it was refused."""
        path = self.folder / f"{source}-{self.sequences[source]:05d}.json"
        try:
            import_file(manifest_path=path, at=at)
        except ImportRefused:
            return True
        return False


def line_of(person: Someone, source: str, only: Sequence[str] | None) -> dict[str, Any]:
    """A line that speaks whole for the source's sections, or for those in `only`."""
    known = catalogue()
    spoken = only if only is not None else SPOKEN[source]
    answer: dict[str, Any] = {}
    for name in spoken:
        place = known.sections[name].place
        holder = answer.setdefault(place, {}) if place else answer
        holder[name] = person.sections.get(name, [])
    line: dict[str, Any] = {"personnummer": person.number, "sektioner": list(spoken), "svar": answer}
    if source == "FK":
        line["person"] = person.facts()
    return line


SPOKEN = {"FK": (*CASES.values(), PAID, PLANNED, DETAILS), "PM": (PM_CASES, PM_PAID)}


def sickness(start: date, days: int, *, outcome: str = "BEVILJAN") -> dict[str, Any]:
    end = start + timedelta(days=days)
    return {
        "startades": start.isoformat(),
        "aktivt": True,
        "beslut": [
            {
                "fattades": start.isoformat(),
                "period": {"fran": start.isoformat(), "till": end.isoformat()},
                "omfattning": {"taljare": 1, "namnare": 2},
                "dagar": days,
                "beslutsutfall": outcome,
            }
        ],
    }


def parental(start: date, days: int, *, refused: bool = False) -> dict[str, Any]:
    end = start + timedelta(days=days)
    decision = {
        "fattades": start.isoformat(),
        "period": {"fran": start.isoformat(), "till": end.isoformat()},
        "omfattning": {"taljare": 1, "namnare": 1},
        "dagar": days,
    }
    child = {"barn": {"namn": "Test Barn", "foddes": "2025-01-01"}}
    return {"startades": start.isoformat(), "avslaget": refused, "grunduppgifter": child, "beslut": [decision]}


def payment(on: date, amount: int, *codes: str, deduction: int = 0) -> dict[str, Any]:
    """A payment with a row for each benefit code, and a deduction from all of it."""
    money = {"summa": amount, "valuta": "SEK"}
    rows = [{"forman": {"id": code}, "beloppstyp": {"id": "BRU"}, "bruttobelopp": money} for code in codes]
    less = {"summa": deduction, "valuta": "SEK"}
    period = {"fran": (on - timedelta(days=30)).isoformat(), "till": on.isoformat()}
    return {
        "formansfamilj": {"id": "DAG"},
        "datum": on.isoformat(),
        "period": period,
        "bruttobelopp": {"summa": amount * len(codes), "valuta": "SEK"},
        "avdragsbelopp": less,
        "utbetalningsdetalj": rows,
    }


def pension(identity: int, start: date, amount: int, *, outcome: str = "BEVILJAD") -> dict[str, Any]:
    def named(code: str) -> dict[str, str]:
        return {"kod": code, "beskrivning": code}

    return {
        "beslutsid": f"B{identity}",
        "beslutsdatum": start.isoformat(),
        "formansgrupp": named(AP),
        "beslutsstatus": named("BESLUTAT"),
        "beslutsutfall": named(outcome),
        "beslutadErsattning": [
            {
                "beslutatBelopp": {"belopp": amount, "beloppsfrekvens": named("MANAD")},
                "period": {"from": start.isoformat()},
                "ersattningstyp": named("IP"),
            }
        ],
    }


def details(number: str, street: int, name: str) -> dict[str, Any]:
    address = {"utdelningadress": [f"Testgatan {street}"], "postnummer": "11111", "postort": "Teststad"}
    return {"personnummer": number, "namn": name, "adress": [address], "barn": [{"namn": f"Barn {street}"}]}
