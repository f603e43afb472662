"""The made-up register in parts: imports of some of its persons, and nights that change equally many equally."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benefits.synthetic import Register, full_line, start
from benefits.synthetic.changes import apply
from benefits.synthetic.draw import random_for

SICK = "sjukpenningarende"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Written:
    manifest: Path
    size: int


def write_part(register: Register, part: int, indexes: range, folder: Path, at: datetime) -> list[Written]:
    """Some of the persons as import `part` of both sources, and their numbers, one a line, in `numbers`."""
    with (folder / "numbers").open("a", encoding="ascii") as numbers:

        def lines(source: str) -> Iterator[dict[str, Any]]:
            for index in indexes:
                state = start(register, index)
                if source == "FK":
                    numbers.write(f"{state.number}\n")
                if source == "FK" or state.pm:
                    yield full_line(state, source)

        return [write_import(source, part, lines(source), folder, at) for source in ("FK", "PM")]


def write_night(register: Register, sequence: int, indexes: Iterable[int], folder: Path, at: datetime) -> Written:
    """A night's import from FK: each person has one sickness case in place of the one that the last night made."""
    return write_import("FK", sequence, (_changed(register, index, sequence) for index in indexes), folder, at)


def _changed(register: Register, index: int, sequence: int) -> dict[str, Any]:
    state = start(register, index)
    rng = random_for(register.seed, index, f"bench {sequence}")
    apply(state, "new_case", rng, register.today(sequence), may_change_number=False)
    return {
        "personnummer": state.number,
        "sektioner": [SICK],
        "svar": {"formansinformation": {SICK: state.fk[SICK]}},
    }


def write_import(source: str, sequence: int, lines: Iterable[dict[str, Any]], folder: Path, at: datetime) -> Written:
    """An import's two files, written as they are computed."""
    name = f"{source.lower()}-{sequence:04d}"
    told, count, size = hashlib.sha256(), 0, 0
    with (folder / f"{name}.jsonl").open("wb") as file:
        for line in lines:
            data = (_encode(line) + "\n").encode()
            file.write(data)
            told.update(data)
            count += 1
            size += len(data)
    manifest = {
        "format": "lefi-import/1",
        "kalla": source,
        "slag": "andring",
        "lopnummer": sequence,
        "antal": count,
        "sha256": told.hexdigest(),
        "datafil": f"{name}.jsonl",
        "tillstand": {source: "OK"},
        "skapad": at.isoformat(),
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return Written(path, size)


def numbers(folder: Path, indexes: range) -> Iterator[str]:
    """The numbers of the persons, from the file that the imports left."""
    width = 13  # twelve digits and a line feed
    with (folder / "numbers").open("rb") as file:
        file.seek(indexes.start * width)
        for _ in indexes:
            yield file.read(width)[:12].decode("ascii")
