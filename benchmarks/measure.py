"""Running a case in a process of its own, and watching how much memory it and the database's processes take."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

INTERVAL = 0.05  # seconds between looks at the database's processes

Outcome = dict[str, Any]


def run_case(name: str, arguments: dict[str, Any], environment: dict[str, str], conninfo: str) -> Outcome:
    """Run one case of benchmarks.cases and return what it printed, with `postgres_mb` added. Raise if it fails."""
    with PostgresMemory(conninfo) as memory:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "benchmarks.cases", name, json.dumps(arguments)],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1]) | {"postgres_mb": memory.peak_mb}


def processor_seconds(backend: int) -> float:
    """What this process and its database backend, if on this machine, have used of processors."""
    try:
        fields = Path(f"/proc/{backend}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return time.process_time()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_peak_mb() -> float:
    """The largest resident memory that this process has had since its program began, in MB."""
    return _status("self", "VmHWM") or 0.0


class PostgresMemory:
    """The most memory, not shared, that any one process of the database's server had for this database."""

    def __init__(self, conninfo: str) -> None:
        self.peak_mb: float | None = None
        self._conninfo = conninfo
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PostgresMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            while not self._over.wait(INTERVAL):
                for (pid,) in connection.execute(query):
                    self._note(_status(str(pid), "RssAnon"))

    def _note(self, mb: float | None) -> None:
        if mb is not None:
            self.peak_mb = max(self.peak_mb or 0.0, mb)


def _status(pid: str, name: str) -> float | None:
    """A memory figure of a process in MB; None where none can be read, as of a server on another machine."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    line = next((line for line in text.splitlines() if line.startswith(f"{name}:")), None)
    return int(line.split()[1]) * 1024 / 1_000_000 if line else None
