"""The import files of a made-up register: a data file of JSON Lines and its manifest, for each source.

Lines are written as they are computed and nothing of the register is kept, so memory does not grow with it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType

from .draw import Item, between, random_for
from .nights import advance, state_after
from .payments import ACTIVITY, monthly_payment
from .plan import Register, changed_on, last_answer_before, pension_agency_answers
from .state import PAID, Sections, State, gone, start
from .table import FK_SECTIONS, PM_SECTIONS

NAMES = {"FK": tuple(section.name for section in FK_SECTIONS), "PM": PM_SECTIONS}
FORMAT = "lefi-import/1"
WORKING_AGE = range(20, 65)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Written:
    """One import on disk."""

    manifest: Path
    lines: int
    size: int


def write_population(register: Register, folder: Path) -> list[Written]:
    """Everybody, as import 1 of each source."""
    folder.mkdir(parents=True, exist_ok=True)
    with _DataFile(register, "FK", 0, folder) as fk, _DataFile(register, "PM", 0, folder) as pm:
        for index in range(register.persons):
            state = start(register, index)
            fk.add(full_line(state, "FK"))
            if state.pm:
                pm.add(full_line(state, "PM"))
    return [fk.written, pm.written]


def write_night(register: Register, night: int, folder: Path) -> list[Written]:
    """What the night changed, as import `night + 1` of each source; no lines where a source is silent."""
    if night < 1:
        raise ValueError("Nights are numbered from 1; the population is what comes before them.")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for source in NAMES:
        with _DataFile(register, source, night, folder) as file:
            for line in night_lines(register, source, night):
                file.add(line)
        written.append(file.written)
    return written


def write_payday(register: Register, night: int, folder: Path) -> Written:
    """One import more of FK's on a night, after its own: activity support is paid to everybody of working age.

    It is the last that can be written of a register: no night knows of it.
    """
    with _DataFile(register, "FK", night, folder, before=night + 1) as file:
        for line in _payday_lines(register, night):
            file.add(line)
    return file.written


def _payday_lines(register: Register, night: int) -> Iterator[Item]:
    today = register.today(night)
    for index in range(register.persons):
        state = state_after(register, index, night)
        rng = random_for(register.seed, index, "payday")
        if state is None or state.died or state.scene(rng, today).age not in WORKING_AGE:
            continue
        paid = monthly_payment(rng, today, ACTIVITY, between(rng, 5000, 21_000))
        yield _line(state, "FK", {PAID: [*state.fk.get(PAID, []), paid]}, with_facts=False)


def night_lines(register: Register, source: str, night: int) -> Iterator[Item]:
    """One line for each person of whom the source has something new, with the sections that differ, whole."""
    if not _answers(source, night):
        return
    since = night - 1 if source == "FK" else last_answer_before(night)
    touched = {index for k in range(since + 1, night + 1) for index, _ in changed_on(register, k)}
    for index in sorted(touched):
        line = _news(register, index, source, since, night)
        if line is not None:
            yield line


def full_line(state: State, source: str) -> Item:
    """All that the source knows about the person; from FK with the person's facts."""
    return _line(state, source, state.sections(source), with_facts=source == "FK")


def _news(register: Register, index: int, source: str, since: int, night: int) -> Item | None:
    """The difference between the person as last told and now; None if the source has nothing new to say.

    Of a merged person every section is spoken for, since a receiver has what it had of both.
    """
    if gone(register, index, night):
        return None
    state = state_after(register, index, since)
    if state is None:
        return None
    before = {name: _encode(items) for name, items in state.sections(source).items()}
    facts_before = (state.number, state.facts())
    made = {advance(state, register, index, k) for k in range(since + 1, night + 1)}
    now = state.sections(source)
    if "persons_merged" in made:
        changed = {name: now.get(name, []) for name in NAMES[source]}
    else:
        changed = {name: items for name, items in now.items() if before.get(name) != _encode(items)}
        changed |= {name: [] for name in before if name not in now}
    with_facts = source == "FK" and facts_before != (state.number, state.facts())
    return _line(state, source, changed, with_facts=with_facts) if changed or with_facts else None


def _line(state: State, source: str, sections: Sections, *, with_facts: bool) -> Item:
    """A data line: what is spoken for but absent from the answer is now nothing."""
    answer: Item = {name: items for name, items in sections.items() if items}
    line: Item = {"personnummer": state.number}
    if with_facts:
        line |= {"person": state.facts()}
    return line | {
        "sektioner": sorted(sections),
        "svar": {"formansinformation": answer} if source == "FK" else answer,
    }


def _answers(source: str, night: int) -> bool:
    return source == "FK" or pension_agency_answers(night)


class _DataFile:
    """A data file being written; on leaving, its manifest is written beside it. `before` it the source had so many."""

    def __init__(self, register: Register, source: str, night: int, folder: Path, before: int | None = None) -> None:
        self._register, self._source, self._night, self._folder = register, source, night, folder
        self._hash, self._lines, self._size = hashlib.sha256(), 0, 0
        self._number = (night if before is None else before) + 1
        self._name = f"{source.lower()}-{self._number:04d}"

    def __enter__(self) -> "_DataFile":
        self._file = (self._folder / f"{self._name}.jsonl").open("wb", buffering=1 << 20)
        return self

    def add(self, line: Item) -> None:
        data = (_encode(line) + "\n").encode()
        self._file.write(data)
        self._hash.update(data)
        self._lines += 1
        self._size += len(data)

    def __exit__(self, error: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._file.close()
        if error is None:
            self._manifest().write_text(json.dumps(self._described(), ensure_ascii=False, indent=1) + "\n", "utf-8")

    @property
    def written(self) -> Written:
        return Written(self._manifest(), self._lines, self._size)

    def _manifest(self) -> Path:
        return self._folder / f"{self._name}.json"

    def _described(self) -> Item:
        state = "OK" if _answers(self._source, self._night) else "OTILLGANGLIG"
        made = datetime.combine(self._register.day, datetime.min.time(), UTC) + timedelta(days=self._night, hours=17)
        return {
            "format": FORMAT,
            "kalla": self._source,
            "slag": "andring",
            "lopnummer": self._number,
            "antal": self._lines,
            "sha256": self._hash.hexdigest(),
            "datafil": f"{self._name}.jsonl",
            "tillstand": {self._source: state},
            "skapad": made.isoformat(),
            "syntetisk": True,
        }
