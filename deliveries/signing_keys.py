"""The keys that sign what is told: announced in time, published for ever, withdrawn when they are trusted no more.

A row has the public half. The private half is a file in SIGNING_KEYS_DIR, named by the key's id, that its owner alone
may read; it is never in the database. Where no key signs, nothing is told.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deliveries import jws
from deliveries.models import SigningKey
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.notices import notify_all

log = structlog.get_logger(__name__)
OTHERS = 0o077  # what nobody but its owner may do with a private key's file


class SigningRefused(Refused):
    """Nothing can be signed: no key is in force, or its file is not there, not whole, or open to others."""


class KeyRefused(Refused):
    """A key that is not announced or withdrawn. The code says why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key in force with its private half."""

    key: SigningKey
    private: Ed25519PrivateKey

    def sign(self, payload: dict[str, Any], *, kind: str) -> str:
        return jws.signed(payload, kind=kind, kid=self.key.kid, private=self.private)


def signer(at: datetime) -> Signer:
    """The key that signs at an instant. Raise SigningRefused with SIGNING_KEY_MISSING if there is none to be used.

    Where SIGNING_KEY_AT_FIRST_USE allows it and there never was a key, one is made.
    """
    key = SigningKey.objects.signing(at).first()
    if key is None and settings.SIGNING_KEY_AT_FIRST_USE and not SigningKey.objects.exists():
        key = _make(signs_from=_midnight(timezone.localdate(at)), at=at)
    if key is None:
        raise _missing("", "no key is in force")
    return Signer(key, _private(key))


def _private(key: SigningKey) -> Ed25519PrivateKey:
    path = place_of(key.kid)
    try:
        if path.stat().st_mode & OTHERS:
            raise _missing(key.kid, "others than its owner may use the file")
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise _missing(key.kid, type(error).__name__) from None
    if not isinstance(private, Ed25519PrivateKey) or jws.public_jwk(private.public_key()) != key.public_jwk:
        raise _missing(key.kid, "the file holds another key")
    return private


def _missing(kid: str, why: str) -> SigningRefused:
    log.error("signing_key_missing", kid=kid, why=why)
    return SigningRefused("SIGNING_KEY_MISSING", "Nothing can be signed at present, and nothing is told unsigned.")


def place_of(kid: str) -> Path:
    return Path(settings.SIGNING_KEYS_DIR) / f"{kid}.pem"


@transaction.atomic
def announce(*, signs_from: date, at: datetime, by: Any = None) -> SigningKey:
    """Make a key that signs from the beginning of a day, publish it, and tell every customer.

    Raise KeyRefused for a day nearer than SIGNING_KEY_NOTICE_DAYS (NOTICE_TOO_SHORT), or while another key waits for
    its day (ANOTHER_WAITS).
    """
    if signs_from < timezone.localdate(at) + timedelta(days=settings.SIGNING_KEY_NOTICE_DAYS):
        raise KeyRefused("NOTICE_TOO_SHORT", f"Notice is {settings.SIGNING_KEY_NOTICE_DAYS} days at least.")
    if SigningKey.objects.waiting(at).exists():
        raise KeyRefused("ANOTHER_WAITS", "Another key has been announced and waits for its day.")
    start = _midnight(signs_from)
    SigningKey.objects.signing(start).update(signs_to=start)
    return _announced(_make(signs_from=start, at=at), at=at, by=by, reason="")


@transaction.atomic
def replace_now(*, reason: str, at: datetime, by: Any = None) -> SigningKey:
    """Make a key that signs at once, until one that waits takes over.

    Raise KeyRefused (NOT_COMPROMISED) while a key signs: that is withdrawn first, since this one comes without notice.
    """
    why = demand_reason(reason)
    if SigningKey.objects.signing(at).exists():
        raise KeyRefused("NOT_COMPROMISED", "A key signs. Withdraw it first if it can no longer be trusted.")
    waiting = SigningKey.objects.waiting(at).first()
    key = _make(signs_from=at, signs_to=waiting.signs_from if waiting else None, at=at)
    return _announced(key, at=at, by=by, reason=why)


def _announced(key: SigningKey, *, at: datetime, by: Any, reason: str) -> SigningKey:
    record(
        action=Action.CREATE,
        object_type=key._meta.label_lower,
        object_id=key.kid,
        actor=by,
        reason=reason,
        signs_from=key.signs_from.isoformat(),
    )
    notify_all("SIGNING_KEY_ANNOUNCED", at=at, kid=key.kid, day=str(timezone.localdate(key.signs_from)))
    return key


@transaction.atomic
def withdraw(*, kid: str, reason: str, at: datetime, by: Any = None) -> SigningKey:
    """Take a key out of use for good, and tell every customer. One that waited leaves its place to the key before it.

    Raise KeyRefused for a key that there is not (KEY_UNKNOWN), or that is withdrawn already (ALREADY_WITHDRAWN).
    """
    why = demand_reason(reason)
    key = SigningKey.objects.select_for_update(no_key=True).filter(kid=kid).first()
    if key is None:
        raise KeyRefused("KEY_UNKNOWN", "There is no key with this id.")
    if key.withdrawn_at is not None:
        raise KeyRefused("ALREADY_WITHDRAWN", "The key has been withdrawn.")
    if key.signs_from > at:
        SigningKey.objects.filter(signs_to=key.signs_from).update(signs_to=None)
    key.withdrawn_at = at
    key.save(update_fields=["withdrawn_at"])
    record(action=Action.WITHDRAW, object_type=key._meta.label_lower, object_id=key.kid, actor=by, reason=why)
    notify_all("SIGNING_KEY_WITHDRAWN", at=at, kid=key.kid)
    return key


def _make(*, signs_from: datetime, at: datetime, signs_to: datetime | None = None) -> SigningKey:
    """A new key: its file first, then its row. A crash between them leaves a file that signs nothing."""
    private = Ed25519PrivateKey.generate()
    public = jws.public_jwk(private.public_key())
    kid = f"{timezone.localdate(signs_from)}-{jws.digest(public['x'])[:8]}"
    _keep(place_of(kid), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return SigningKey.objects.create(
        kid=kid,
        algorithm=jws.ALGORITHM,
        public_jwk=public,
        created_at=at,
        signs_from=signs_from,
        signs_to=signs_to,
    )


def _keep(path: Path, text: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def published() -> dict[str, Any]:
    """Every key that there ever was, as a JWK set (RFC 7517), each with the time in which it signs."""
    return {"keys": list(_published())}


def _published() -> Iterator[dict[str, Any]]:
    for key in SigningKey.objects.order_by("pk"):
        times = {
            "created_at": key.created_at,
            "signs_from": key.signs_from,
            "signs_to": key.signs_to,
            "withdrawn_at": key.withdrawn_at,
        }
        said = {name: instant.isoformat() if instant else None for name, instant in times.items()}
        yield {**key.public_jwk, "alg": key.algorithm, "use": "sig", "kid": key.kid, **said}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_default_timezone())
