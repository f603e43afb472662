"""See the service: `manage.py demo data` fills an empty database with a made-up week, `demo serve` shows it."""

import logging
import shutil
import tempfile
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from benefits.models import Import
from deliveries.demo import logins
from deliveries.demo.story import Story
from subscriptions.models import Customer

PERSONS, NIGHTS = 2000, 7


class Command(BaseCommand):
    help = (
        "data: fill an empty database with a made-up population, customers, orders and a week of nights, and prove "
        "the deliveries. serve: a server for it on 127.0.0.1:8000. Nothing in it is about anybody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["data", "serve"])
        parser.add_argument("--persons", type=int, default=PERSONS)
        parser.add_argument("--nights", type=int, default=NIGHTS)
        parser.add_argument("--rebuild", action="store_true", help="SQLite: throw the database away first")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        self.started = monotonic()
        if options["what"] == "serve":
            self._serve(options["port"])
        else:
            self._data(options)

    def _data(self, options: dict[str, Any]) -> None:
        if options["rebuild"] or self._unfinished().exists():
            self._throw_away()
        call_command("migrate", verbosity=0)
        if Customer.objects.exists() or Import.objects.exists():
            self._stop_at_what_is_there()
            return
        self._say("the database is ready")
        self._unfinished().touch()
        level = logging.root.manager.disable
        logging.disable(logging.WARNING)  # refused and recalled deliveries are part of the story
        try:
            with tempfile.TemporaryDirectory() as folder:
                secrets = Story(options["persons"], options["nights"], Path(folder), self._say).tell()
        finally:
            logging.disable(level)
        text = logins.write(secrets)
        self._unfinished().unlink()
        self._verify()
        self.stdout.write(f"\n{text}\nThese stand in {logins.path()} and nowhere else.")

    def _verify(self) -> None:
        self._say("verify: are first deliveries + all changes everything, and nothing else?")
        report = StringIO()
        try:
            call_command("verify", "--all", stdout=report)
        finally:
            for line in report.getvalue().splitlines():
                if not line.startswith("  pending"):
                    self.stdout.write(f"          {line}")
        self._say("proved; what is pending waits for the next night, or for staff where a person is protected")

    def _stop_at_what_is_there(self) -> None:
        if not logins.path().exists():
            raise CommandError("The database holds data that is not the demo's. Point DATABASE_URL at an empty one.")
        self._say("the demo's data are there already; `manage.py demo data --rebuild` makes them anew")

    def _throw_away(self) -> None:
        """Delete the database file and its documents: only where they are this folder's own."""
        name = Path(str(connection.settings_dict["NAME"]))
        if connection.vendor != "sqlite" or not name.is_relative_to(settings.VAR_DIR):
            raise CommandError(f"Only a SQLite database in {settings.VAR_DIR} is thrown away; empty yours yourself.")
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            name.with_name(name.name + suffix).unlink(missing_ok=True)
        if settings.DOCUMENTS_DIR.is_relative_to(settings.VAR_DIR):
            shutil.rmtree(settings.DOCUMENTS_DIR, ignore_errors=True)
        for path in (logins.path(), self._unfinished()):
            path.unlink(missing_ok=True)
        self._say("the old database is thrown away")

    def _serve(self, port: int) -> None:
        if not logins.path().exists():
            raise CommandError("There is nothing to show yet: `manage.py demo data` makes it.")
        call_command("collectstatic", interactive=False, verbosity=0)
        text = logins.path().read_text(encoding="utf-8")
        self.stdout.write(text.replace(logins.ADDRESS, f"http://127.0.0.1:{port}"))
        self.stdout.write("Ctrl-C ends the server.")
        self.stdout.flush()
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)

    def _unfinished(self) -> Path:
        return settings.VAR_DIR / "demo-unfinished"

    def _say(self, what: str) -> None:
        self.stdout.write(f"[{monotonic() - self.started:5.1f} s] {what}")
