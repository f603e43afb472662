"""Write the registers that follow from agreements and law: `manage.py registers DIR`."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from subscriptions.registers import REGISTERS, as_data, as_markdown, make


class Command(BaseCommand):
    help = "Write each register as Markdown and JSON, in Swedish and English, to a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--day", type=date.fromisoformat, default=None, help="YYYY-MM-DD; today if not given")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                for code in REGISTERS:
                    register = make(code, day=options["day"] or timezone.localdate())
                    data = json.dumps(as_data(register), ensure_ascii=False, indent=1)
                    path = folder / f"{code}.{language}"
                    path.with_name(f"{path.name}.md").write_text(as_markdown(register), encoding="utf-8")
                    path.with_name(f"{path.name}.json").write_text(f"{data}\n", encoding="utf-8")
                    self.stdout.write(f"{path}.md, .json: {len(register.rows)}")
