"""What a customer knew about a person at an instant: `manage.py replay --customer AVTAL-1 --at 2026-11-23T12:00`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from deliveries.management.asking import reader
from deliveries.replay import KnownItem, KnownWatch, Replay, Source, replay
from lefi.asking import add_arguments
from subscriptions.models import Customer, Stream

RIGHT = "deliveries.replay_disclosure"


class Command(BaseCommand):
    help = "Replay, from stored documents alone, what a customer knew about a person at an instant, and since when."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customer", help="an agreement's code, or ORGANISATION_NUMBER[/UNIT]")
        parser.add_argument("--stream", type=int, help="one stream's number, in place of a customer")
        parser.add_argument("--at", required=True, help="YYYY-MM-DD (its end) or YYYY-MM-DDTHH:MM, Swedish time")
        add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="write JSON instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        asking = reader(options, RIGHT)
        at, scope = _instant(options["at"]), _scope(options)
        person = asking.person()
        asked = {name: options[name] for name in ("customer", "stream") if options[name]}
        asking.log_read(person, replay=True, at=at.isoformat(), **asked)
        found = replay(person=person, at=at, **scope)
        names = {one.pk: one.name for one in Customer.objects.filter(pk__in=list(found))}
        if options["json"]:
            said = [{"customer": names[pk], **_values(one)} for pk, one in found.items()]
            self.stdout.write(json.dumps(said, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
            return
        for pk, one in found.items():
            for line in _lines(names[pk], one):
                self.stdout.write(line)


def _instant(text: str) -> datetime:
    """The instant that is meant; of a day alone, its end."""
    try:
        at, day = parse_datetime(text), parse_date(text)
    except ValueError:
        at = day = None
    if day is not None and len(text) == 10:
        at = datetime.combine(day, datetime.max.time())
    if at is None:
        raise CommandError("--at is a day or an instant: YYYY-MM-DD or YYYY-MM-DDTHH:MM.")
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def _scope(options: dict[str, Any]) -> dict[str, Any]:
    if options["stream"] is not None:
        stream = Stream.objects.filter(pk=options["stream"]).first()
        if stream is None:
            raise CommandError("There is no such stream.")
        return {"stream": stream}
    if not options["customer"]:
        raise CommandError("Say a customer or a stream.")
    number, _, unit = options["customer"].partition("/")
    named = Q(agreements__code=options["customer"]) | Q(organisation_number=number.replace("-", ""), unit=unit)
    customer = Customer.objects.filter(named).first()
    if customer is None:
        raise CommandError("There is no customer with this agreement, or organisation number and unit.")
    return {"customer": customer}


def _values(found: Replay) -> dict[str, Any]:
    """The replay as values, with what each item came to at the instant."""
    values = asdict(found)
    for watch, said in zip(found.watches, values["watches"], strict=True):
        for section, part in zip(watch.sections, said["sections"], strict=True):
            for item, one in zip(section.items, part["items"], strict=True):
                one["knowledge"] = item.knowledge(found.at)
    return values


def _lines(name: str, found: Replay) -> Iterator[str]:
    yield f"{name}, {timezone.localtime(found.at):%Y-%m-%d %H:%M:%S}"
    for source in found.sources:
        yield f"  {_source(source)} {source.sha256}{f' ({source.trouble})' if source.trouble else ''}"
    for watch in found.watches:
        yield ""
        yield from _watch(watch, found.at)


def _watch(watch: KnownWatch, at: datetime) -> Iterator[str]:
    yield f"watch {watch.watch} {watch.benefit} {watch.stream}: {', '.join(watch.numbers)}"
    for said in watch.said:
        yield f"  kundStatus {said.code} {said.reason} {_source(said.source)}"
    for section in watch.sections:
        yield f"  {section.name}"
        for source in section.unread:
            yield f"    not readable: {_source(source)}"
        for item in section.items:
            yield f"    {item.knowledge(at)} {_span(item)}"
            yield f"    {item.xml}"


def _span(item: KnownItem) -> str:
    earlier = " or earlier" if item.or_earlier else ""
    until = f" until {_source(item.until)}" if item.until else ""
    return f"since {_source(item.since)}{earlier}{until}"


def _source(source: Source) -> str:
    fetched = f"fetched {_written(source.fetched_at)}" if source.fetched_at else "not fetched"
    return f"delivery {source.number}, released {_written(source.released_at)}, {fetched}"


def _written(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
