"""The systems that speak for a customer: let in, given a new secret, and stopped, by the customer's own people.

A secret is shown once and kept only hashed; nobody is shown one that opens what the own role does not. An agent's
system is the agent's: its customer may stop it, and no more.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import AccessToken, Application

from lefi.audit.models import Action, record
from lefi.errors import Refused
from subscriptions.models import ApiClient, Customer, Member, Stream
from subscriptions.models.customers import every_scope

LONGEST_OVERLAP = 30  # days
TAKES_FILES = "deliveries"  # the scope by which documents are taken, as in the portal by the role integration alone

REFUSALS: dict[str, Promise] = {
    "NOT_HANDLER": _("Only an administrator, or who has the role integration, may do this."),
    "NOT_INTEGRATION": _(
        "The secret of a system that fetches deliveries opens the files: only who has the role integration may have it."
    ),
    "OTHERS_STREAM": _("A stream is not the organisation's, or not one of the API."),
    "NO_SCOPE": _("Say what the system is to be let to."),
    "CLIENT_IS_STOPPED": _("The system is stopped."),
    "AGENTS_CLIENT": _("The system is an agent's, who alone has its secret."),
    "OVERLAP_TOO_LONG": _("The old secret holds 30 days at most."),
}


class ClientRefused(Refused):
    """What is not done with a system. The code is one of REFUSALS."""


def refused(code: str) -> ClientRefused:
    return ClientRefused(code, str(REFUSALS[code]))


def opens_to(role: str, scopes: Iterable[str]) -> bool:
    """Whether a member's role lets do what a system with these scopes may."""
    return TAKES_FILES not in scopes or role == Member.Role.INTEGRATION


def make_client(
    *, customer: Customer, name: str, streams: Sequence[Stream], all_streams: bool, scopes: Sequence[str], by: Any
) -> tuple[ApiClient, str]:
    """Let a system in, as one of the customer's people; return it and its secret, this once.

    Raise ClientRefused with NOT_HANDLER, NOT_INTEGRATION, OTHERS_STREAM or NO_SCOPE.
    """
    _demand_handler(customer, by, scopes)
    if not scopes or not set(scopes) <= set(every_scope()) or not (streams or all_streams):
        raise refused("NO_SCOPE")
    own = Stream.objects.filter(agreement__customer=customer, channel=Stream.Channel.API)
    if own.filter(pk__in=[one.pk for one in streams]).count() != len(streams):
        raise refused("OTHERS_STREAM")
    return issue_client(customer, name, [] if all_streams else streams, scopes=scopes, by=by)


@transaction.atomic
def issue_client(
    customer: Customer, name: str, streams: Sequence[Stream], *, scopes: Sequence[str] = (), by: Any, reason: str = ""
) -> tuple[ApiClient, str]:
    """Make a client for the customer and return it with its secret.

    It is let to these of the customer's streams, with none named to all, also those to come; and to all scopes, if none
    is named.
    """
    secret = generate_client_secret()
    application = Application.objects.create(
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_secret=secret,
    )
    client = ApiClient.objects.create(
        application=application,
        customer=customer,
        all_streams=not streams,
        scopes=list(scopes) or every_scope(),
    )
    client.streams.set(streams)
    _record(Action.CREATE, client, by=by, reason=reason, scopes=client.scopes, streams=[one.pk for one in streams])
    return client, secret


@transaction.atomic
def renew_secret(*, client: ApiClient, overlap_days: int, by: Any, at: datetime) -> str:
    """Give a client a new secret and return it, this once. The old one holds for so many days yet.

    With no day it is void at once, and so are the tokens that were had by it. An older one than that is void always.
    Raise ClientRefused with NOT_HANDLER, NOT_INTEGRATION, AGENTS_CLIENT, CLIENT_IS_STOPPED or OVERLAP_TOO_LONG.
    """
    held = (
        ApiClient.objects.select_for_update(no_key=True, of=("self",)).select_related("application").get(pk=client.pk)
    )
    _demand_handler(client.customer, by, held.scopes)
    if held.agent_id is not None:
        raise refused("AGENTS_CLIENT")
    if held.stopped_at is not None:
        raise refused("CLIENT_IS_STOPPED")
    if not 0 <= overlap_days <= LONGEST_OVERLAP:
        raise refused("OVERLAP_TOO_LONG")
    secret, application = generate_client_secret(), held.application
    held.former_secret = application.client_secret if overlap_days else ""
    held.former_until = at + timedelta(days=overlap_days) if overlap_days else None
    held.save(update_fields=["former_secret", "former_until"])
    application.client_secret = secret
    application.save()
    if not overlap_days:
        _revoke_tokens(held)
    _record(Action.CHANGE, held, by=by, fields=["client_secret"], overlap_days=overlap_days)
    return secret


@transaction.atomic
def stop_client(*, client: ApiClient, by: Any, at: datetime) -> None:
    """Let a client in no more, at once. Raise ClientRefused with NOT_HANDLER or CLIENT_IS_STOPPED."""
    _demand_handler(client.customer, by)
    running = ApiClient.objects.filter(pk=client.pk, stopped_at=None)
    if not running.update(stopped_at=at, former_secret="", former_until=None):
        raise refused("CLIENT_IS_STOPPED")
    _revoke_tokens(client)
    _record(Action.END, client, by=by)


def forget_tokens(*, day: date, at: datetime) -> int:
    """Erase the tokens that are too old to be used; return how many."""
    return AccessToken.objects.filter(expires__lte=at).delete()[0]


def _revoke_tokens(client: ApiClient) -> None:
    AccessToken.objects.filter(application=client.application_id).delete()


def _demand_handler(customer: Customer, by: Any, scopes: Iterable[str] = ()) -> None:
    """Raise NOT_HANDLER; or NOT_INTEGRATION, where `by` is to be shown a secret that opens `scopes`."""
    handlers = Member.objects.filter(customer=customer, role__in=Member.HANDLERS, user__is_active=True)
    mine = handlers.filter(user=by).first()
    if mine is None:
        raise refused("NOT_HANDLER")
    if not opens_to(mine.role, scopes):
        raise refused("NOT_INTEGRATION")


def _record(action: str, client: ApiClient, *, by: Any, **details: Any) -> None:
    record(
        action=action,
        object_type=client._meta.label_lower,
        object_id=client.pk,
        actor=by,
        customer_id=client.customer_id,
        **details,
    )
