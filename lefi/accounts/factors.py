"""Whether somebody has a second factor, and whether one is asked of them."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def came_by_broker(request: HttpRequest, user: Any) -> bool:
    """Whether the session was begun with an e-identification, which is two factors by itself."""
    return any(one["method"] == "socialaccount" for one in get_authentication_records(request, user))


def is_required_of(user: Any) -> bool:
    return settings.SECOND_FACTOR_STAFF if user.is_staff else settings.SECOND_FACTOR_MEMBERS


def lacks_factor(request: HttpRequest) -> bool:
    """Whether who asks must set up a second factor before anything else."""
    user = request.user
    if not user.is_authenticated or not is_required_of(user) or came_by_broker(request, user):
        return False
    return not Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def is_bound(user: str) -> Exists:
    """Whether the user whose key a column holds can log in by e-identification."""
    return Exists(SocialAccount.objects.filter(user=OuterRef(user)))


def has_factor(user: str) -> Exists:
    """Whether the user whose key a column holds has an authenticator app or a passkey."""
    return Exists(Authenticator.objects.filter(user=OuterRef(user), type__in=FACTORS))
