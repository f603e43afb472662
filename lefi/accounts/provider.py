"""Login through an OpenID Connect broker, stricter than the standard asks: what differs from allauth's own.

The id_token's signature is checked, although it comes over TLS; a nonce binds it to the browser that asked; the level
of assurance must be one of the broker's; and of all that the broker says, a digest and a name are kept.
"""

from secrets import token_urlsafe
from typing import Any

import jwt
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest

from lefi.accounts.identities import index
from lefi.accounts.refusals import LoginRefused

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class BrokerAdapter(OpenIDConnectOAuth2Adapter):
    """What is done with the broker's answer."""

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Raise LoginRefused with LOA_TOO_LOW, or OAuth2Error for an answer that is not to be trusted."""
        claims = self._claims(app, token, kwargs["response"])
        if str(claims.get(app.settings["loa_claim"], "")) not in app.settings["loa"]:
            raise LoginRefused("LOA_TOO_LOW")
        login = self.get_provider().sociallogin_from_response(request, claims)
        login.nonce = claims.get("nonce", "")
        return login

    def _claims(self, app: SocialApp, token: SocialToken, response: dict[str, Any]) -> dict[str, Any]:
        """What the broker says of the person. What is signed goes before what is not."""
        signed = self._decode_id_token(app, response.get("id_token", ""))
        told = self._fetch_user_info(token.token) if app.settings["fetch_userinfo"] else signed
        if not signed.get("sub") or told.get("sub") != signed["sub"]:
            raise OAuth2Error("The answers are about different persons.")
        return {**told, **signed}

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        try:
            if jwt.get_unverified_header(id_token)["alg"] not in ALGORITHMS:
                raise OAuth2Error("The id_token is signed in a way that is not taken.")
            return jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=jwtkit.lookup_kid_jwk,
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise OAuth2Error("The id_token cannot be read.") from None


class Broker(OpenIDConnectProvider):
    """Takes allauth's place for the name, so that all that it has for OpenID Connect works."""

    oauth2_adapter_class = BrokerAdapter
    pkce_enabled_default = True

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Where to lead on to, and whether to log in or to bind. Nothing else of the address reaches the broker."""
        nonce = token_urlsafe(24)
        connects = request.GET.get("process") == AuthProcess.CONNECT
        return {
            "process": AuthProcess.CONNECT if connects else AuthProcess.LOGIN,
            "next_url": get_next_redirect_url(request),
            "auth_params": {**self.get_auth_params(), "nonce": nonce},
            "nonce": nonce,
        }

    def extract_uid(self, data: dict[str, Any]) -> str:
        claim = self.app.settings["identity_claim"]
        if not data.get(claim):
            raise OAuth2Error("The answer lacks the claim that a person is known by.")
        return index(self.sub_id, claim, str(data[claim]))

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing is kept."""
        return {}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"first_name": data.get("given_name", ""), "last_name": data.get("family_name", "")}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return []


provider_classes = [Broker]
