"""Run a night here and now, stream after stream."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deliveries import runs
from deliveries.models import Run


class Command(BaseCommand):
    help = (
        "Run the nightly run of a day. --dry-run: everything is examined and counted, and nothing is told. "
        "--resume: go on with a run whose workers were lost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--date", type=date.fromisoformat, default=None, help="YYYY-MM-DD; today if not given")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true")
        how.add_argument("--resume", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._run(options)
        except runs.RunRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        for one in run.streams.select_related("stream__agreement", "delivery"):
            number = one.delivery.number if one.delivery else "-"
            self.stdout.write(f"{one.stream}: {one.status} {number} {one.code} {one.counts}")
        self.stdout.write(f"Run {run.pk} of {run.day}, as of import {run.as_of_import}: {run.counts}")

    def _run(self, options: dict[str, Any]) -> Run:
        if options["resume"]:
            return runs.resume_run()
        day = options["date"] or timezone.localdate()
        return runs.perform(runs.start_night(day=day, at=timezone.now(), dry_run=options["dry_run"]))
