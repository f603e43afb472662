"""Who speaks in the API: a customer's system, by an OAuth2 client-credentials token."""

from dataclasses import dataclass
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.contrib.django_oauth_toolkit import DjangoOAuthToolkitScheme
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle

from lefi.errors import Refused
from lefi.problems import ScopeMissing
from subscriptions.models import ApiClient, Customer, Stream
from subscriptions.models.agreements import StreamQuerySet


@dataclass(frozen=True)
class Partner:
    """The principal of an API request, in the place of a user: a client, and the customer it speaks for.

    It has what middleware asks a user for, and no key, for it is nobody in the table of users.
    """

    client: ApiClient
    customer: Customer
    is_authenticated = True
    pk = None

    @property
    def client_id(self) -> str:
        return self.client.application.client_id

    def streams(self) -> StreamQuerySet:
        """The streams through the API that the client is let to: those named for it, or all of the customer's."""
        streams = Stream.objects.filter(agreement__customer=self.customer, channel=Stream.Channel.API)
        return streams if self.client.all_streams else streams.filter(pk__in=self.client.streams.values("pk"))


class ClientRefused(Refused):
    """A token that is good, of a client that may not use it."""


class PartnerAuthentication(OAuth2Authentication):
    """A token of the toolkit's, turned into a Partner: such a token has no user."""

    def authenticate(self, request: Request) -> tuple[Partner, Any] | None:
        """Return the partner and the token, or None without a valid one. Raise ClientRefused if it opens nothing.

        The toolkit gets Django's request: of REST framework's it would read the body, of anyone's.
        """
        found = super().authenticate(request._request)
        if found is None:
            return None
        token = found[1]
        client = ApiClient.objects.select_related("customer", "agent", "application").filter(
            application=token.application_id
        )
        api_client = client.first()
        if api_client is None:
            raise ClientRefused("CLIENT_UNKNOWN")
        request._request.api_client = api_client  # type: ignore[attr-defined]  # for the log of calls, also when it is refused
        if api_client.stopped_at is not None:
            raise ClientRefused("CLIENT_STOPPED")
        if not api_client.customer.active:
            raise ClientRefused("CUSTOMER_INACTIVE")
        if api_client.agent is not None and not api_client.agent.holds_on(timezone.localdate()):
            raise ClientRefused("AGENT_NOT_REGISTERED")
        return Partner(api_client, api_client.customer), token


class PartnerScheme(DjangoOAuthToolkitScheme):
    """How the OpenAPI description tells of the above."""

    target_class = "subscriptions.authentication.PartnerAuthentication"

    def get_security_requirement(self, auto_schema):
        return {self.name: auto_schema.view.required_scopes}


class HasScope(BasePermission):
    """The request has a partner, whose token has the view's `required_scopes`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Partner):
            return False
        scopes: list[str] = view.required_scopes
        if not request.auth.allow_scopes(scopes):
            raise ScopeMissing(scopes)
        return True


class PartnerThrottle(ScopedRateThrottle):
    """So many requests a minute for each client and throttle scope."""

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": partner_of(request).client_id}


def partner_of(request: Request) -> Partner:
    """The partner who asks; views that let others in do not call this."""
    return cast(Partner, request.user)
