"""Note which open watches should perhaps be ended; the same is done by itself once a week."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from deliveries import standing


class Command(BaseCommand):
    help = "Note which open watches should perhaps be ended, for staff and customers to look at."

    def handle(self, *args: Any, **options: Any) -> None:
        done = standing.note(day=timezone.localdate(), at=timezone.now())
        self.stdout.write(f"noted {done['noted']} · gone {done['gone']}")
