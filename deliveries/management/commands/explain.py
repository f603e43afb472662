"""Why a customer was told, or not, about a person on a day: `manage.py explain --customer AVTAL-1 --day 2026-11-23`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from benefits.identity import IdentityError, parse_organisation
from deliveries.explain import explain
from deliveries.explanation import Explanation, Ground, InDelivery, SectionVerdict, WatchAnswer
from deliveries.management.asking import reader
from lefi.asking import add_arguments
from subscriptions.models import Customer


class Command(BaseCommand):
    help = "Explain, from stored decisions, what a customer was told about a person by the end of a day, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customer", required=True, help="an agreement's code, or ORGANISATION_NUMBER[/UNIT]")
        parser.add_argument("--day", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="write JSON instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = _customer(options["customer"])
        asking = reader(options)
        person = asking.person()
        asking.log_read(person, customer=customer.pk, day=str(options["day"]))
        explanation = explain(person=person, customer=customer, day=options["day"])
        if options["json"]:
            said = json.dumps(asdict(explanation), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
            self.stdout.write(said)
            return
        for line in _lines(explanation):
            self.stdout.write(line)


def _customer(text: str) -> Customer:
    number, _, unit = text.partition("/")
    found = Customer.objects.filter(agreements__code=text).first()
    if found is not None:
        return found
    try:
        return Customer.objects.get(organisation_number=parse_organisation(number), unit=unit)
    except (IdentityError, Customer.DoesNotExist):
        raise CommandError("There is no customer with this agreement, or organisation number and unit.") from None


def _lines(explanation: Explanation) -> Iterator[str]:
    yield f"{explanation.customer}, {explanation.day}: {explanation.sentence}"
    for watch in explanation.watches:
        yield ""
        yield from _watch(watch)
    for message in explanation.messages:
        yield ""
        yield f"{message.benefit_label}: {message.approved_at:%Y-%m-%d %H:%M}"
        if message.ground:
            yield from _ground(message.ground)
        yield from _sections(message.sections)


def _watch(watch: WatchAnswer) -> Iterator[str]:
    yield f"{watch.watch} {watch.benefit_label}, {watch.stream}: {watch.state.label}"
    if watch.reason:
        yield f"  {watch.sentence} ({watch.reason})"
    if watch.night:
        yield f"  {watch.night}"
    if watch.delivery:
        yield f"  {_delivery(watch.delivery)}"
    if watch.ground:
        yield from _ground(watch.ground)
    yield from _sections(watch.sections)
    for one in watch.withheld:
        yield f"  - {_delivery(one.delivery)}: {one.sentence} ({one.reason})"
    for delivery in watch.recalled:
        yield f"  - {_delivery(delivery)}"


def _delivery(one: InDelivery) -> str:
    instants = {"released": one.released_at, "fetched": one.first_fetched_at, "recalled": one.recalled_at}
    said = (f"{name} {timezone.localtime(at):%Y-%m-%d %H:%M:%S}" for name, at in instants.items() if at)
    return f"delivery {one.number}, run {one.run}, {', '.join(said)}"


def _ground(ground: Ground) -> Iterator[str]:
    yield f"  decision {ground.decision} of {ground.day}: {ground.sentence}"
    citations = "; ".join(ground.citations)
    yield f"  {ground.basis_code} v{ground.basis_version} {ground.basis_title} ({citations})"
    yield f"  {ground.agreement} {ground.purpose}, scope v{ground.scope_version}"
    if ground.consent:
        consent = ground.consent
        yield f"  consent {consent.id}, {consent.valid_from} – {consent.valid_to}"


def _sections(sections: tuple[SectionVerdict, ...]) -> Iterator[str]:
    for section in sections:
        yield f"  {section.label}"
        for one in section.fields:
            yield f"    {one.label} [{one.cls}]: {one.verdict.label}"
