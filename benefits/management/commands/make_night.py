"""Write what one night changes: `manage.py make_night --persons 5000 --night 1 --out data/`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from benefits.synthetic import write_night

from .make_population import add_register_arguments, register_from, summary


class Command(BaseCommand):
    help = "Write the changes of night K as import K+1 of each source, for the same persons, seed and day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_register_arguments(parser)
        parser.add_argument("--night", type=int, required=True, help="the number of the night, from 1")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            files = write_night(register_from(options), options["night"], options["out"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        for written in files:
            self.stdout.write(summary(written))
