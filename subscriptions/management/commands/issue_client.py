"""Let a customer's system in: make its OAuth2 client and print the secret, this once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benefits.identity import IdentityError, parse_organisation
from lefi.asking import add_arguments, asker
from subscriptions.clients import issue_client
from subscriptions.models import Customer, Stream

RIGHT = "subscriptions.add_apiclient"


class Command(BaseCommand):
    help = "Make an API client for a customer, and print its id and its secret. The secret is stored only as a hash."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation_number")
        parser.add_argument("name", help="What the customer calls the system.")
        parser.add_argument("--unit", default="", help="The customer's unit code.")
        parser.add_argument("--stream", type=int, action="append", default=[], help="A stream it is let to; none: all.")
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        asking = asker(options, RIGHT)
        customer = _customer(options["organisation_number"], options["unit"])
        streams = _streams(customer, options["stream"])
        client, secret = issue_client(customer, options["name"], streams, by=asking.user, reason=asking.reason)
        self.stdout.write(f"client_id     {client.application.client_id}")
        self.stdout.write(f"client_secret {secret}")
        self.stdout.write("The secret is not stored and cannot be shown again.")


def _customer(organisation_number: str, unit: str) -> Customer:
    try:
        return Customer.objects.get(organisation_number=parse_organisation(organisation_number), unit=unit)
    except IdentityError as error:
        raise CommandError("This is not an organisation number.") from error
    except Customer.DoesNotExist as error:
        raise CommandError("There is no customer with this organisation number and unit.") from error


def _streams(customer: Customer, wanted: list[int]) -> list[Stream]:
    streams = list(Stream.objects.filter(agreement__customer=customer, channel=Stream.Channel.API, pk__in=wanted))
    if len(streams) != len(set(wanted)):
        raise CommandError("A stream is not the customer's, or not one of the API.")
    return streams
