"""Export what was signed about the deliveries of a stream."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deliveries.receipts import exported
from subscriptions.models import Stream


class Command(BaseCommand):
    help = "Write a stream's manifests, tombstones and acknowledgements as JSON Lines, in the order they were signed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("stream", type=int, metavar="STREAM")
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="only those after this one")

    def handle(self, *args: Any, **options: Any) -> None:
        stream = Stream.objects.filter(pk=options["stream"]).first()
        if stream is None:
            raise CommandError("There is no such stream.")
        for line in exported(stream, options["after"]):
            self.stdout.write(line, ending="")
