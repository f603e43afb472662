"""The pages about logging in and the own account that are not allauth's."""

from collections.abc import Callable

import structlog
from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from requests import RequestException

from lefi.accounts.factors import lacks_factor
from lefi.accounts.provider import BrokerAdapter
from lefi.accounts.refusals import refusal
from lefi.limits import MINUTE, address_of, within_limit

log = structlog.get_logger(__name__)
TRIES = 60  # a minute from one address: an organisation's people may all come from one
Door = Callable[[HttpRequest, str], HttpResponse]


@login_required
@require_GET
def second_factor(request: HttpRequest) -> HttpResponse:
    """Where everything leads for who must set up a second factor."""
    return render(request, "account/second_factor.html", {"lacking": lacks_factor(request)})


def not_here(request: HttpRequest) -> HttpResponse:
    """An address that allauth leads to, and that opens nothing here."""
    raise Http404


def _by_broker(step: type[OAuth2View]) -> Door:
    """One step of a login through a broker, which may be away, or answer nonsense."""

    @login_not_required
    @never_cache
    @require_GET
    def door(request: HttpRequest, provider_id: str) -> HttpResponse:
        if not within_limit("broker", address_of(request), most=TRIES, each=MINUTE):
            return refusal(request, "TOO_MANY_TRIES", status=429)
        try:
            response: HttpResponse = step.adapter_view(BrokerAdapter(request, provider_id))(request)
        except SocialApp.DoesNotExist:
            raise Http404 from None
        except (RequestException, KeyError, TypeError, ValueError) as error:
            log.warning("broker_failed", error=type(error).__name__)
            return refusal(request, "BROKER_FAILED")
        return response

    return door


broker_login = _by_broker(OAuth2LoginView)
broker_callback = _by_broker(OAuth2CallbackView)
