"""Take in one import: a manifest with its data file beside it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from benefits.importfile import ImportRefused
from benefits.services import import_file


class Command(BaseCommand):
    help = "Take in one import. FILE is its manifest; a refused import changes nothing and exits with 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in options["files"]:
            try:
                imported = import_file(manifest_path=path, at=timezone.now(), progress=self._progress)
            except ImportRefused as refusal:
                raise CommandError(f"{path.name} is refused. {refusal}") from refusal
            self.stdout.write(f"{path.name}: published as import {imported.number}. {imported.counts}")

    def _progress(self, lines: int) -> None:
        self.stderr.write(f"{lines} lines checked", ending="\r")
