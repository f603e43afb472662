"""An application that is filled in bit by bit, by whoever has its secret address, until it is sent or forgotten."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from subscriptions.connections.application import APPLIED_FOR, apply_for_connection
from subscriptions.models import Connection, ConnectionDraft

log = structlog.get_logger(__name__)


def begin_draft(*, kind: str, at: datetime) -> UUID:
    """Begin an application of a kind of organisation; return the token that it is found by, which is not kept."""
    token = uuid4()
    ConnectionDraft.objects.create(
        token_sha256=_digest(token), values={"kind": kind}, begun_at=at, saved_at=at, expires_at=_expires(at)
    )
    return token


def find_draft(token: UUID, at: datetime) -> ConnectionDraft | None:
    """The draft that a token leads to; None if there is none, or none any more."""
    return ConnectionDraft.objects.filter(token_sha256=_digest(token), expires_at__gt=at).first()


@transaction.atomic
def save_draft(*, draft: ConnectionDraft, values: Mapping[str, Any], at: datetime) -> None:
    """Keep values beside those that the draft has, and the draft for longer. Raise TypeError for unknown names.

    The caller has found the values right: what is not right is not kept, so that no identity number ever is.
    """
    if unknown := values.keys() - APPLIED_FOR:
        raise TypeError(f"not applied for: {sorted(unknown)}")
    held = ConnectionDraft.objects.select_for_update(no_key=True).get(pk=draft.pk)
    held.values, held.saved_at, held.expires_at = held.values | dict(values), at, _expires(at)
    held.save(update_fields=["values", "saved_at", "expires_at"])
    draft.refresh_from_db()


@transaction.atomic
def send_draft(*, draft: ConnectionDraft, by: Any, at: datetime) -> Connection:
    """Apply for what the draft holds, and erase it. Raise ConnectionRefused, with the draft as it was."""
    connection = apply_for_connection(values=draft.values, by=by, at=at)
    draft.delete()
    return connection


def throw_away_draft(draft: ConnectionDraft) -> None:
    draft.delete()


def mail_draft(*, to: str, address: str, at: datetime) -> bool:
    """Mail the address of a draft, in the reader's language; return whether it went. It is kept nowhere."""
    body = _(
        "You have begun an application for connection to LEFI Prenumeration. Go on with it here:\n\n%(address)s\n\n"
        "Whoever has the address can read and change the application. It is kept until %(day)s. If you have not asked"
        " for this mail, throw it away."
    )
    said = body % {"address": address, "day": timezone.localdate(_expires(at)).isoformat()}
    message = EmailMessage(_("Your application for connection"), said, settings.DEFAULT_FROM_EMAIL, [to])
    try:
        return bool(message.send())
    except (OSError, ValueError) as error:  # the mail server is away, or refuses; or the address is none
        log.warning("draft_not_mailed", error=type(error).__name__)
        return False


def sweep_drafts(*, day: Any = None, at: datetime) -> int:
    """Erase the drafts whose time has passed; return how many."""
    return ConnectionDraft.objects.filter(expires_at__lte=at).delete()[0]


def _expires(at: datetime) -> datetime:
    return at + timedelta(days=settings.APPLICATION_DRAFT_DAYS)


def _digest(token: UUID) -> str:
    return hashlib.sha256(token.bytes).hexdigest()
