"""How an agreement is signed: behind one interface, so that an e-signature can take the place of the recorded one."""

from hashlib import sha256
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Signing(Protocol):
    """What signs. The class that AGREEMENT_SIGNING_BACKEND names is called without arguments."""

    def sign(self, document_sha256: str, signatory: str) -> str:
        """Return the signature that binds the signatory to the document: up to 150 characters, kept as it is.

        Raise lefi.errors.Refused if it is not signed.
        """
        ...


class RecordedSignature:
    """That somebody said so, while logged in or on paper: a digest of the document's and of the name."""

    def sign(self, document_sha256: str, signatory: str) -> str:
        signed = "\n".join([document_sha256, signatory])
        return f"recorded:{sha256(signed.encode()).hexdigest()}"


def signing() -> Signing:
    """What signs here, by the setting AGREEMENT_SIGNING_BACKEND."""
    return import_string(settings.AGREEMENT_SIGNING_BACKEND)()
