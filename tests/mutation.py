"""`make mutants`: do the tests notice if one of the four parts that the proof rests on says something else?

For each part: every branch must be taken by its tests, and at least 85 of 100 mutants (a comparison turned, a value
changed, an argument left out) must make one of them fail. mutmut makes the mutants and runs the tests, in a copy of the
project that is thrown away. What it does not change: decorated functions and what stands outside functions.

    python -m tests.mutation [PART ...]         # the diffs of mutants that lived are printed
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LEAST = 85  # of 100
LEFT_BEHIND = (".*", "var", "staticfiles", "__pycache__", "mutants")
NOTICED = ("killed", "timeout")
UNTRIED = ("not checked", "skipped")
SOURCES = ("benefits", "subscriptions", "deliveries", "lefi")
ALSO = ("docs", "templates", "static", "locale", "manage.py", "README.md")


@dataclass(frozen=True)
class Part:
    """A module, the functions or classes of it that count (all, if none is named), and the tests that speak of it."""

    module: str
    tests: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.module.replace(".", "/") + ".py"

    @property
    def mutants(self) -> list[str]:
        """Patterns of mutmut's names for the part's mutants."""
        named = [f"{self.module}.x{form}__mutmut_*" for name in self.names for form in (f"_{name}", f"ǁ{name}ǁ*")]
        return named or [f"{self.module}.*"]


PARTS = {
    "decision": Part("subscriptions.decision", ("tests/subscriptions/test_decision.py",)),
    "disclosable": Part("subscriptions.disclosable", ("tests/subscriptions/test_disclosable.py",)),
    "digest": Part("benefits.content", ("tests/benefits/test_content.py", "tests/benefits/test_digest_vectors.py")),
    "compare": Part("deliveries.changes", ("tests/deliveries/test_changes.py",)),
    "fold": Part("deliveries.verification", ("tests/deliveries/test_fold.py",), ("Fold", "_digest_of")),
}


def untaken(part: Part, folder: Path) -> list[str]:
    """The lines and branches of a part that its tests never take."""
    report = folder / "coverage.json"
    options = (f"--cov={part.module}", "--cov-branch", f"--cov-report=json:{report}")
    _run(folder, "pytest", "-q", "-p", "no:cacheprovider", *options, *part.tests)
    measured = json.loads(report.read_text(encoding="utf-8"))["files"][part.path]
    regions = [*_regions(measured, part.names)] if part.names else [measured]
    if not regions:
        raise SystemExit(f"{part.path} has none of {', '.join(part.names)}.")
    lines = [str(line) for region in regions for line in region["missing_lines"]]
    return lines + [f"{start}->{end}" for region in regions for start, end in region["missing_branches"]]


def _regions(measured: dict[str, Any], names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for kind in ("functions", "classes"):
        for name, region in measured[kind].items():
            if name.split(".")[0] in names:
                yield region


def mutated(part: Part, folder: Path) -> dict[str, str]:
    """What became of each mutant of a part."""
    settings = {
        "source_paths": SOURCES,
        "only_mutate": (part.path,),
        "also_copy": ALSO,
        "pytest_add_cli_args": ("-p", "no:cacheprovider", "--hypothesis-profile=mutants"),
        "pytest_add_cli_args_test_selection": part.tests,
        "timeout_multiplier": ("5",),
        "use_git_change_detection": ("false",),
    }
    lines = [f"{name} =\n" + "".join(f"    {value}\n" for value in values) for name, values in settings.items()]
    (folder / "setup.cfg").write_text("[mutmut]\n" + "".join(lines), encoding="utf-8")
    shutil.rmtree(folder / "mutants", ignore_errors=True)
    _run(folder, "mutmut", "run", "--max-children", os.environ.get("JOBS", str(os.cpu_count() or 1)), *part.mutants)
    found = _run(folder, "mutmut", "results", "--all", "true").splitlines()
    ends = dict(line.strip().split(": ", 1) for line in found if ": " in line)
    return {name: end for name, end in ends.items() if end not in UNTRIED}


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + f"\n{' '.join(arguments[:2])} ended with {done.returncode}")
    return done.stdout


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(names: list[str]) -> int:
    holds = True
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folder = Path(place) / "project"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        for name in names or PARTS:
            part = PARTS[name]
            left = untaken(part, folder)
            ends = mutated(part, folder)
            noticed = sum(end in NOTICED for end in ends.values())
            score = 100 * noticed / max(len(ends), 1)
            holds = holds and not left and score >= LEAST
            _say(f"{name:12} {len(ends):4} mutants {noticed:4} noticed {score:6.1f} %")
            _say(f"{'':12} branches not taken: {', '.join(left) or 'none'}")
            for mutant, end in ends.items():
                if end not in NOTICED:
                    _say(f"\n{end}: {_run(folder, 'mutmut', 'show', mutant)}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
