"""How a row of each model is made, and a number written, for tests that open every page there is."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group

from tests import factories

MADE_BY = {
    factory._meta.model: factory
    for factory in vars(factories).values()
    if isinstance(factory, type) and issubclass(factory, factories.Factory) and factory._meta.model
}
MADE_BY |= {
    Group: lambda: Group.objects.create(name=f"Grupp {Group.objects.count()}"),
    Authenticator: lambda: Authenticator.objects.create(
        user=factories.UserFactory(), type=Authenticator.Type.TOTP, data={"secret": "hemlig"}
    ),
    UserSession: lambda: UserSession.objects.create(
        user=factories.UserFactory(), session_key=str(UserSession.objects.count()), ip="127.0.0.1"
    ),
}


def forms_of(number: str) -> set[str]:
    """A number as people write it."""
    return {number, number[2:], f"{number[:8]}-{number[8:]}", f"{number[2:8]}-{number[8:]}"}
