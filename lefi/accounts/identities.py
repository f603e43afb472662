"""Who somebody is at a broker: known again by a keyed digest alone, and bound to an account that was let in beforehand.

No identity number is kept, and no subject either: some brokers write the one as the other.
"""

import hmac
import re
import time
from dataclasses import asdict, dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction

from lefi.audit.models import Action, record
from lefi.errors import Refused

WANTED = "identity_wanted_at"  # in the session: the address that waits for an identity
FOUND = "identity_found"  # in the session: the identity that came
LASTS = 600  # seconds from the login at the broker until it must be done again


class IdentityRefused(Refused):
    """An identity that cannot be bound: it is another's already (IDENTITY_TAKEN)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom a broker has vouched for and who is bound to no account; the names are what the broker said."""

    provider: str
    uid: str
    first_name: str
    last_name: str
    at: float  # seconds since 1970


def index(provider: str, claim: str, value: str) -> str:
    """The digest that an identity is known by; the same however the number's dashes and spaces are written."""
    said = value if claim == "sub" else re.sub(r"[\s\-]", "", value)
    text = "\n".join((provider, claim, said))
    return hmac.new(settings.IDENTITY_KEY.encode(), text.encode(), "sha256").hexdigest()


def want(session: SessionBase, address: str) -> None:
    """Note that a page waits for an identity: a person who is not known is sent there, and not turned away.

    An identity that came before was for another page, perhaps of another person at the same browser.
    """
    session.pop(FOUND, None)
    session[WANTED] = address


def found(session: SessionBase) -> Identity | None:
    """The identity that came to the page that waits for one, if it did so lately."""
    said: dict[str, Any] | None = session.get(FOUND)
    if said is None or said["at"] < time.time() - LASTS:
        return None
    return Identity(**said)


def hand_over(session: SessionBase, account: SocialAccount, first_name: str, last_name: str) -> str:
    """Keep an unknown identity for the page that waits for one; return the page's address, "" if none waits."""
    address: str = session.get(WANTED, "")
    if address:
        session[FOUND] = asdict(Identity(account.provider, account.uid, first_name, last_name, time.time()))
    return address


def forget(session: SessionBase) -> None:
    """The page has what it waited for, or waits no more."""
    session.pop(WANTED, None)
    session.pop(FOUND, None)


def bind(user: Any, identity: Identity) -> None:
    """Let an identity log in as a user, in the caller's transaction. Raise IdentityRefused if it is another's."""
    try:
        with transaction.atomic():
            account = SocialAccount.objects.create(user=user, provider=identity.provider, uid=identity.uid)
    except IntegrityError:
        raise IdentityRefused("IDENTITY_TAKEN", "The identity belongs to another account.") from None
    record(
        action=Action.CREATE,
        object_type=account._meta.label_lower,
        object_id=account.pk,
        actor=user,
        provider=identity.provider,
    )
