"""Erase what is old enough: `manage.py purge --dry-run` says what that is, kind by kind, and erases nothing."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deliveries import retention
from deliveries.models import Purge

CLIENT = "command line"


class Command(BaseCommand):
    help = "Erase content whose time has come, by the rules in the setting RETENTION. What is under a legal hold stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = [kind for kind in Purge.Kind.values if kind != Purge.Kind.DIGESTS]
        parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"all, if none is named: {', '.join(kinds)}")
        parser.add_argument("--dry-run", action="store_true", help="count, and erase nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = options["kinds"]
        unknown = set(kinds) - set(Purge.Kind.values) | set(kinds) & {Purge.Kind.DIGESTS}
        if unknown:
            raise CommandError(f"There is no such kind: {', '.join(sorted(unknown))}.")
        now = timezone.now()
        for one in retention.expected(now):
            if not kinds or one.kind in kinds:
                span = f" from {_day(one.oldest)} to {_day(one.newest)}" if one.due else ""
                self.stdout.write(
                    f"{one.kind}: {one.due} due{span}, {one.held} held; {one.rule.days} days, {one.rule.reference}"
                )
        if not options["dry_run"]:
            self._erase(now, kinds)

    def _erase(self, now: datetime, kinds: list[str]) -> None:
        try:
            batches = retention.purge(at=now, kinds=kinds or None, client=CLIENT)
        except retention.PurgeRefused as refused:
            raise CommandError(refused.sentence) from None
        for one in batches:
            counts = ", ".join(f"{name} {count}" for name, count in sorted(one.counts.items()))
            self.stdout.write(f"erased {one.kind}: {counts} (erasure {one.pk})")


def _day(at: datetime | None) -> str:
    return f"{timezone.localdate(at)}" if at else "-"
