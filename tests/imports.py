"""Import files for tests, in the form of docs/import.md, and the shortest way to publish them."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benefits.models import Import
from benefits.services import import_file

AT = datetime(2026, 11, 23, 17, tzinfo=UTC)


def case(day: str, *, days: int = 10) -> dict[str, Any]:
    """A sickness case with one decision from a day."""
    return {"startades": day, "aktivt": True, "beslut": [{"period": {"fran": day}, "dagar": days}]}


def facts(**said: Any) -> dict[str, Any]:
    return {"namn": "Karin Testsson", "foddes": "1950-01-01"} | said


def line(number: str, *, person: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """A line of FK's that speaks for the sections given."""
    said: dict[str, Any] = {
        "personnummer": number,
        "sektioner": list(sections),
        "svar": {"formansinformation": sections},
    }
    return said | ({"person": person} if person is not None else {})


def pm_line(number: str, **sections: Any) -> dict[str, Any]:
    return {"personnummer": number, "sektioner": list(sections), "svar": sections}


def write(folder: Path, data: list[dict[str, Any]] | bytes, **said: Any) -> Path:
    """Write a data file and its manifest, and return the manifest's path. Keywords replace what the manifest says."""
    raw = data if isinstance(data, bytes) else b"".join(json.dumps(one).encode() + b"\n" for one in data)
    source, sequence = said.get("kalla", "FK"), said.get("lopnummer", 1)
    name = f"{source}-{sequence}"
    (folder / f"{name}.jsonl").write_bytes(raw)
    manifest: dict[str, Any] = {
        "format": "lefi-import/1",
        "kalla": source,
        "slag": "andring",
        "lopnummer": sequence,
        "antal": raw.count(b"\n"),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "datafil": f"{name}.jsonl",
        "tillstand": {source: "OK"} if isinstance(source, str) else {},
        "skapad": "2026-11-23T18:00:00+01:00",
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest | said), encoding="utf-8")
    return path


def publish(folder: Path, *data: dict[str, Any], **said: Any) -> Import:
    """Import lines as the next file of their source."""
    source = said.setdefault("kalla", "FK")
    said.setdefault("lopnummer", Import.objects.published().filter(source=source).count() + 1)
    return import_file(manifest_path=write(folder, list(data), **said), at=AT)
