"""Why a customer was told, or not, about a person on a day: `manage.py explain --customer AVTAL-1 --day 2026-11-23`.

The identity number is read from standard input or a prompt, never from the arguments, which other processes can see.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from benefits.identity import IdentityError, parse, parse_organisation
from benefits.models import Person
from benefits.services import person_of
from deliveries.explain import explain
from deliveries.explanation import Explanation, Ground, InDelivery, SectionVerdict, WatchAnswer
from lefi.audit.models import Action, record
from lefi.reasons import ReasonRefused, demand_reason
from subscriptions.models import Customer
from subscriptions.profiles import protected_among

CLIENT = "command line"


class Command(BaseCommand):
    help = "Explain, from stored decisions, what a customer was told about a person by the end of a day, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--customer", required=True, help="an agreement's code, or ORGANISATION_NUMBER[/UNIT]")
        parser.add_argument("--day", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        parser.add_argument("--reason", required=True, help="case or errand, in a few words; kept in the log")
        parser.add_argument("--protected", action="store_true", help="you have the right to open protected persons")
        parser.add_argument("--json", action="store_true", help="write JSON instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = _customer(options["customer"])
        try:
            reason = demand_reason(options["reason"])
        except ReasonRefused as refused:
            raise CommandError(refused.sentence) from None
        person = _person(reason)
        self._log(person, customer, reason, options)
        explanation = explain(person=person, customer=customer, day=options["day"])
        if options["json"]:
            said = json.dumps(asdict(explanation), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
            self.stdout.write(said)
            return
        for line in _lines(explanation):
            self.stdout.write(line)

    def _log(self, person: Person, customer: Customer, reason: str, options: dict[str, Any]) -> None:
        """Log the read; who has not said that they may open a protected person is refused, and that is logged."""
        withheld = bool(protected_among([person.pk])) and not options["protected"]
        details = {"customer": customer.pk, "day": str(options["day"]), "withheld": withheld}
        _record(Action.READ, reason, person, **details)
        if withheld:
            raise CommandError("This person has protected identity. Say --protected if you have the right to it.")


def _customer(text: str) -> Customer:
    number, _, unit = text.partition("/")
    found = Customer.objects.filter(agreements__code=text).first()
    if found is not None:
        return found
    try:
        return Customer.objects.get(organisation_number=parse_organisation(number), unit=unit)
    except (IdentityError, Customer.DoesNotExist):
        raise CommandError("There is no customer with this agreement, or organisation number and unit.") from None


def _person(reason: str) -> Person:
    text = getpass("Identity number: ") if sys.stdin.isatty() else sys.stdin.readline()
    try:
        number = parse(text.strip(), on=timezone.localdate()).number
    except IdentityError:
        raise CommandError("This is not an identity number.") from None
    person = person_of(number)
    _record(Action.SEARCH, reason, person, found=person is not None)
    if person is None:
        raise CommandError("Nobody here holds this identity number.")
    return person


def _record(action: str, reason: str, person: Person | None, **details: Any) -> None:
    record(
        action=action,
        object_type="benefits.person",
        object_id=person.pk if person else "",
        client=CLIENT,
        person_id=person.pk if person else None,
        reason=reason,
        **details,
    )


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
