"""Write the published schemas to files: what /schema/ gives, for those who read the repository."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from deliveries.jsonform import current_json_schema
from deliveries.schema import VERSION, current


class Command(BaseCommand):
    help = "Write the XML schema and the JSON Schema of deliveries to a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        for ending, text in (("xsd", current()), ("json", current_json_schema())):
            path = folder / f"leverans-{VERSION}.{ending}"
            path.write_text(text, encoding="utf-8")
            self.stdout.write(str(path))
