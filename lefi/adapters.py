"""How people log in: nobody signs up; who may enter has been let in beforehand."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from lefi.accounts import identities
from lefi.accounts.refusals import LoginRefused, refusal


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_stages(self) -> list[str]:
        """After a broker's e-identification no second factor of our own is asked for."""
        ours = {"allauth.mfa.stages.AuthenticateStage": "lefi.accounts.stages.SecondFactorStage"}
        return [ours.get(stage, stage) for stage in super().get_login_stages()]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("mfa_index")


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Let nobody further who is not known, but to the page of an invitation that waits for an identity."""
        if not sociallogin.nonce or sociallogin.nonce != sociallogin.state.get("nonce"):
            raise ImmediateHttpResponse(refusal(request, "BROKER_FAILED"))
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        user = sociallogin.user
        address = identities.hand_over(request.session, sociallogin.account, user.first_name, user.last_name)
        if address:
            raise ImmediateHttpResponse(HttpResponseRedirect(address))
        raise ImmediateHttpResponse(refusal(request, "IDENTITY_UNKNOWN"))

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """What the broker or the exception says is shown to nobody: it may tell who somebody is."""
        code = "LOGIN_CANCELLED" if error == AuthError.CANCELLED else "BROKER_FAILED"
        if isinstance(exception, LoginRefused):
            code = exception.code
        raise ImmediateHttpResponse(refusal(request, code))
