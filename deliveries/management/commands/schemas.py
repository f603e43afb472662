"""Write the published schemas to files: what /schema/ gives, for those who read the repository."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from deliveries.jsonform import current_json_schema
from deliveries.schema import VERSION, current
from subscriptions.orders import schema as orders


class Command(BaseCommand):
    help = "Write the schemas of deliveries, of orders and of their answers to a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        for name, text in (
            (f"leverans-{VERSION}.xsd", current()),
            (f"leverans-{VERSION}.json", current_json_schema()),
            (f"bestallning-{orders.VERSION}.xsd", orders.current_order()),
            (f"bestallningssvar-{orders.VERSION}.xsd", orders.current_answer()),
        ):
            path = folder / name
            path.write_text(text, encoding="utf-8")
            self.stdout.write(str(path))
