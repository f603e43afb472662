"""The secrets of customers' systems at the token endpoint: the one in force, and for a time the one before it."""

from typing import Any

from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator

from subscriptions.models import ApiClient


class _Secrets(str):
    """A hashed secret, with the one that it replaced while that still holds."""

    former: str = ""


class PartnerValidator(OAuth2Validator):
    """A stopped client is unknown; a client gets tokens for its own scopes alone; two secrets may hold at once."""

    def _load_application(self, client_id: str, request: Any) -> Any:
        application = super()._load_application(client_id, request)
        if application is None:
            return None
        client = ApiClient.objects.filter(application=application).first()
        request.api_client = client
        if client is not None and client.stopped_at is not None:
            return None
        secrets = _Secrets(application.client_secret)
        if client is not None and client.former_until is not None and client.former_until > timezone.now():
            secrets.former = client.former_secret
        application.client_secret = secrets
        return application

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        former = getattr(stored_secret, "former", "")
        return bool(
            super()._check_secret(provided_secret, stored_secret)
            or (former and super()._check_secret(provided_secret, former))
        )

    def validate_scopes(self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any) -> bool:
        own: ApiClient | None = getattr(request, "api_client", None)
        if own is not None and not set(scopes) <= set(own.scopes):
            return False
        return bool(super().validate_scopes(client_id, scopes, client, request, *args))
