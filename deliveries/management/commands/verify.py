"""Prove, or disprove, that customers were told all they should be and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deliveries.verification import Report, verify
from subscriptions.models import Stream


class Command(BaseCommand):
    help = "Compare what was told with what should have been told. Exits with 1 on any difference or overdue debt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("streams", nargs="*", type=int, metavar="STREAM")
        parser.add_argument("--all", action="store_true", help="all streams")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["streams"]) == options["all"]:
            raise CommandError("Name streams, or say --all.")
        streams = Stream.objects.order_by("pk")
        if options["streams"]:
            streams = streams.filter(pk__in=options["streams"])
        total = Report()
        for stream in streams:
            report = verify(stream, timezone.now())
            total.add(report)
            self.stdout.write(f"{stream}: {self._counts(report)}")
        for kind in ("pending", "overdue", "different"):
            for finding in getattr(total, kind):
                self.stdout.write(f"  {kind}: {finding}")
        self.stdout.write(self._counts(total))
        if not total.holds:
            raise SystemExit(1)

    def _counts(self, report: Report) -> str:
        return f"equal {report.equal} · pending {len(report.pending)} · different {len(report.different)}"
