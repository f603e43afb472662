"""The keys that sign deliveries: list them, announce a new one, withdraw one."""

from argparse import ArgumentParser
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from deliveries import signing_keys
from deliveries.models import SigningKey
from lefi.errors import Refused


class Command(BaseCommand):
    help = "list: all keys and their times. new: announce one. withdraw: take one out of use, for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list")
        new = steps.add_parser("new")
        when = new.add_mutually_exclusive_group()
        when.add_argument("--from", dest="signs_from", type=date.fromisoformat, metavar="YYYY-MM-DD")
        when.add_argument("--now", action="store_true", help="where no key signs: the first, or one withdrawn")
        new.add_argument("--reason", default="", help="needed with --now")
        withdraw = steps.add_parser("withdraw")
        withdraw.add_argument("kid", metavar="KID")
        withdraw.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        try:
            if options["step"] == "new":
                self._say(self._new(options, at))
            elif options["step"] == "withdraw":
                self._say(signing_keys.withdraw(kid=options["kid"], reason=options["reason"], at=at))
            else:
                for key in SigningKey.objects.order_by("pk"):
                    self._say(key)
        except Refused as refused:
            raise CommandError(str(refused)) from refused

    def _new(self, options: dict[str, Any], at: datetime) -> SigningKey:
        if options["now"]:
            return signing_keys.replace_now(reason=options["reason"], at=at)
        notice = timedelta(days=settings.SIGNING_KEY_NOTICE_DAYS)
        return signing_keys.announce(signs_from=options["signs_from"] or timezone.localdate(at) + notice, at=at)

    def _say(self, key: SigningKey) -> None:
        times = [("from", key.signs_from), ("to", key.signs_to), ("withdrawn", key.withdrawn_at)]
        said = (f"{name} {timezone.localtime(instant):%Y-%m-%d %H:%M}" for name, instant in times if instant)
        file = "" if signing_keys.place_of(key.kid).exists() else ", its file is not here"
        self.stdout.write(f"{key.kid} {key.algorithm} {', '.join(said)}{file}")
