"""PURE: statements signed so that anybody can check them: JWS in compact form (RFC 7515), with Ed25519 (RFC 8037)."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "EdDSA"


def signed(payload: Mapping[str, Any], *, kind: str, kid: str, private: Ed25519PrivateKey) -> str:
    """A statement as header.payload.signature. `kind` is its media type without "application/"."""
    header = {"alg": ALGORITHM, "kid": kid, "typ": kind}
    text = f"{_segment(canonical(header))}.{_segment(canonical(payload))}"
    return f"{text}.{_segment(private.sign(text.encode()))}"


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON in the one form that RFC 8785 gives to texts, whole numbers, truth values and objects of them."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(statement: str) -> str:
    """What the next statement calls this one: the SHA-256 of its compact form, in hexadecimal."""
    return hashlib.sha256(statement.encode()).hexdigest()


def payload_of(statement: str) -> dict[str, Any]:
    """What a statement of our own says. Its signature is not looked at."""
    said: dict[str, Any] = json.loads(_bytes(statement.split(".")[1]))
    return said


def is_signed_by(statement: str, jwk: Mapping[str, str]) -> bool:
    """Whether a statement's signature is that of a public key."""
    text, _dot, signature = statement.rpartition(".")
    try:
        public = Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))
        public.verify(_bytes(signature), text.encode())
    except (InvalidSignature, KeyError, ValueError):
        return False
    return True


def public_jwk(public: Ed25519PublicKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _segment(public.public_bytes_raw())}


def _bytes(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _segment(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
