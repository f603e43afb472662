"""See the service: `manage.py demo data` fills an empty database with a made-up week, `demo serve` shows it.

The server has a worker as its child, that ends with it however it ends.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

from celery import current_app
from celery.beat import EmbeddedService
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from benefits.models import Import
from deliveries.demo import late, logins
from deliveries.demo.story import Story
from subscriptions.models import Customer

PERSONS, NIGHTS = 2000, 7
WORKER = "worker --pool solo --loglevel WARNING --without-gossip --without-mingle --without-heartbeat"
PATIENCE = 10  # seconds that a worker has to end in


class Command(BaseCommand):
    help = (
        "data: fill an empty database with a made-up population, customers, orders and a week of nights, and prove "
        "the deliveries. serve: a server for it on 127.0.0.1:8000, with a worker. Nothing in it is about anybody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["data", "serve", "worker"], help="serve starts the worker itself")
        parser.add_argument("--persons", type=int, default=PERSONS)
        parser.add_argument("--nights", type=int, default=NIGHTS)
        parser.add_argument("--rebuild", action="store_true", help="SQLite: throw the database away first")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        self.started = monotonic()
        if options["what"] == "serve":
            self._serve(options["port"])
        elif options["what"] == "worker":
            _work()
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
        for folder in (settings.DOCUMENTS_DIR, settings.ORDERS_DIR):
            if folder.is_relative_to(settings.VAR_DIR):
                shutil.rmtree(folder, ignore_errors=True)
        for path in (logins.path(), late.path(), self._unfinished(), *settings.BROKER_DIR.glob("*.msg")):
            path.unlink(missing_ok=True)
        self._say("the old database is thrown away")

    def _serve(self, port: int) -> None:
        if not logins.path().exists():
            raise CommandError("There is nothing to show yet: `manage.py demo data` makes it.")
        self._say("gathering style sheets and pictures")
        self.stdout.flush()
        call_command("collectstatic", interactive=False, verbosity=0)
        text = logins.path().read_text(encoding="utf-8")
        self.stdout.write(text.replace(logins.ADDRESS, f"http://127.0.0.1:{port}"))
        self.stdout.write(
            "A worker answers large orders, writes mails to its log, and starts the night if it is on between "
            f"{settings.NIGHT_STARTS:%H:%M} and {settings.NIGHT_ENDS:%H:%M}. Its log: {_log()}\n"
            "Ctrl-C ends the server and the worker."
        )
        self.stdout.flush()
        with _worker():
            call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)

    def _unfinished(self) -> Path:
        return settings.VAR_DIR / "demo-unfinished"

    def _say(self, what: str) -> None:
        self.stdout.write(f"[{monotonic() - self.started:5.1f} s] {what}")


def _log() -> Path:
    return settings.VAR_DIR / "worker.log"


@contextmanager
def _worker() -> Iterator[None]:
    """A worker in a process of its own while the block lasts. It ends when its input does: that is, with us."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", "worker"]
    with _log().open("wb") as log:
        process = subprocess.Popen(  # noqa: S603, our own program
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    with process:
        yield


def _work() -> None:
    """Work, and send what the schedule says. Both are of this process alone, so that nothing outlives it."""
    Thread(target=_end_with_the_input, daemon=True).start()
    EmbeddedService(current_app, thread=True).start()
    current_app.worker_main(WORKER.split())


def _end_with_the_input() -> None:
    """Wait until whoever started this is gone. An order in hand is then taken up again by the next worker."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)
