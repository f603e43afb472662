"""Let a customer's system in: make its OAuth2 client and print the secret, this once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import Application

from benefits.identity import IdentityError, parse_organisation
from lefi.audit.models import Action, record
from subscriptions.models import ApiClient, Customer, Stream


class Command(BaseCommand):
    help = "Make an API client for a customer, and print its id and its secret. The secret is stored only as a hash."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organisation_number")
        parser.add_argument("name", help="What the customer calls the system.")
        parser.add_argument("--unit", default="", help="The customer's unit code.")
        parser.add_argument("--stream", type=int, action="append", default=[], help="A stream it is let to; none: all.")

    def handle(self, *args: Any, **options: Any) -> None:
        customer = _customer(options["organisation_number"], options["unit"])
        streams = _streams(customer, options["stream"])
        client, secret = issue_client(customer, options["name"], streams)
        self.stdout.write(f"client_id     {client.application.client_id}")
        self.stdout.write(f"client_secret {secret}")
        self.stdout.write("The secret is not stored and cannot be shown again.")


@transaction.atomic
def issue_client(customer: Customer, name: str, streams: list[Stream]) -> tuple[ApiClient, str]:
    """Make a client for the customer and return it with its secret.

    It is let to these of the customer's streams; with none named to all, also those to come.
    """
    secret = generate_client_secret()
    application = Application.objects.create(
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
    )
    client = ApiClient.objects.create(application=application, customer=customer, all_streams=not streams)
    client.streams.set(streams)
    record(
        action=Action.CREATE,
        object_type=client._meta.label_lower,
        object_id=client.pk,
        reason="issue_client",
        client=application.client_id,
    )
    return client, secret


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
