"""Write a made-up population, ready to import: `manage.py make_population --persons 5000 --out data/`."""

from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from benefits.synthetic import Register, Written, write_population
from benefits.synthetic.plan import FIRST_DAY


class Command(BaseCommand):
    help = "Write a made-up register as import 1 of each source. The same arguments write the same bytes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_register_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for written in write_population(register_from(options), options["out"]):
            self.stdout.write(summary(written))


def add_register_arguments(parser: ArgumentParser) -> None:
    """What every command about a made-up register asks for."""
    parser.add_argument("--persons", type=int, required=True, help="how many persons the register has")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other people")
    parser.add_argument("--day", type=date.fromisoformat, default=FIRST_DAY, help="day of the population, YYYY-MM-DD")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")


def register_from(options: dict[str, Any]) -> Register:
    try:
        return Register(options["persons"], options["seed"], options["day"])
    except ValueError as error:
        raise CommandError(str(error)) from error


def summary(written: Written) -> str:
    return f"{written.manifest}: {written.lines} lines, {written.size / 1e6:.1f} MB"
