"""Letting a person in who has just been given an account, and out again everywhere."""

from datetime import date, datetime
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse

from lefi.accounts.identities import Identity


def enter(request: HttpRequest, user: Any, identity: Identity | None = None) -> HttpResponse:
    """Log a user in who has proved who it is: by the password just chosen, or by a broker. Return where to go."""
    if identity is None:
        record_authentication(request, user, method="password", username=user.get_username())
    else:
        record_authentication(request, user, method="socialaccount", provider=identity.provider, uid=identity.uid)
    return perform_login(request, Login(user=user))


def end_sessions(user: Any) -> int:
    """Log a user out everywhere; return of how many sessions."""
    sessions = list(UserSession.objects.filter(user=user))
    for one in sessions:
        one.end()
    return len(sessions)


def forget_sessions(*, day: date, at: datetime) -> int:
    """Erase the sessions that are over, with what they hold of whom was read about and why; return how many."""
    over, _ = Session.objects.filter(expire_date__lte=at).delete()
    UserSession.objects.filter(~Exists(Session.objects.filter(pk=OuterRef("session_key")))).delete()
    return over
