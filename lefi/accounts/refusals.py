"""Why somebody who came from a broker is not let in: a page in words, with a code that support can look up."""

from dataclasses import dataclass

from allauth.socialaccount.providers.base import ProviderException
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Words:
    title: Promise
    advice: Promise


# Codes are never taken back or given another meaning; docs/login.md explains them.
REFUSALS: dict[str, Words] = {
    "LOA_TOO_LOW": Words(
        _("The e-identification is not strong enough"),
        _("A level of assurance of at least 3 is needed here. Log in with another e-identification."),
    ),
    "IDENTITY_UNKNOWN": Words(
        _("You have no access with this e-identification"),
        _(
            "Who may log in has been invited by the own organisation's administrator, or by Försäkringskassan. Open the"
            " link in your invitation, or ask your administrator for one."
        ),
    ),
    "LOGIN_CANCELLED": Words(
        _("The login was cancelled"), _("Nothing has happened. You can try again, or log in another way.")
    ),
    "TOO_MANY_TRIES": Words(_("Too many tries"), _("Wait a minute, and try again.")),
    "BROKER_FAILED": Words(
        _("The login could not be completed"),
        _("Either it took too long, or the login service gave no good answer. Try again from the login page."),
    ),
}


class LoginRefused(ProviderException):
    """A login through a broker that is not taken. `code` is one of REFUSALS; it says nothing of whom it is about."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refusal(request: HttpRequest, code: str, status: int = 403) -> HttpResponse:
    """The page that says so."""
    return render(request, "account/refused.html", {"code": code, "words": REFUSALS[code]}, status=status)
