"""The system as processes of its own, on a database of its own: for what no thread in a test can show."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.db import connection

_SETUP = "import django\ndjango.setup()\n"


class Outside:
    """Runs commands of the product against a copy of the test's database (SQLite), or that itself (PostgreSQL)."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "lefi.settings",
            "DATABASE_URL": self._database(),
            "DOCUMENTS_DIR": str(settings.DOCUMENTS_DIR),
            "SIGNING_KEYS_DIR": str(settings.SIGNING_KEYS_DIR),
            "SIGNING_KEY_AT_FIRST_USE": "true",
            "CELERY_TASK_ALWAYS_EAGER": "true",
            "PYTHONPATH": str(settings.BASE_DIR),
            **variables,
        }

    def _database(self) -> str:
        values = connection.settings_dict
        if connection.vendor == "postgresql":
            host, port = values["HOST"] or "127.0.0.1", values["PORT"] or 5432
            user = f"{values['USER']}:{values['PASSWORD']}".rstrip(":")
            return f"postgres://{user}@{host}:{port}/{values['NAME']}"
        path = self.folder / "outside.sqlite3"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
        return f"sqlite:///{path}"

    def value(self, query: str) -> int:
        """The one number that a query finds."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchone()[0]
        with closing(sqlite3.connect(self.folder / "outside.sqlite3", timeout=30)) as database:
            return database.execute(query).fetchone()[0]

    def start(self, *args: str) -> subprocess.Popen:
        """Start `manage.py` with some arguments."""
        return self._popen([str(settings.BASE_DIR / "manage.py"), *args])

    def run(self, *args: str) -> str:
        """Run `manage.py` to its end and return what it wrote. Raise AssertionError if it fails."""
        return self._finished(self.start(*args))

    def python(self, code: str) -> str:
        """Run some lines in the set-up system and return what they wrote."""
        return self._finished(self._popen(["-c", _SETUP + code]))

    def start_python(self, code: str) -> subprocess.Popen:
        return self._popen(["-c", _SETUP + code])

    def _popen(self, arguments: list[str]) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.env,
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _finished(self, process: subprocess.Popen) -> str:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out
        return out


def until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait until something holds. Raise AssertionError if it does not in time."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.2)
