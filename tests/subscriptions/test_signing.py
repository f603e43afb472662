"""The one interface that agreements are signed through."""

from hashlib import sha256

from subscriptions.signing import RecordedSignature, signing

DIGEST = "a" * 64


class ElectronicSignature:
    def sign(self, document_sha256: str, signatory: str) -> str:
        return "e-signature"


def test_a_recorded_signature_can_be_computed_again_from_the_document_and_the_name():
    signature = RecordedSignature().sign(DIGEST, "Eva Al")

    assert signature == f"recorded:{sha256(f'{DIGEST}{chr(10)}Eva Al'.encode()).hexdigest()}"
    assert signature != RecordedSignature().sign(DIGEST, "Eva Ask")
    assert "Eva" not in signature


def test_what_signs_is_chosen_by_a_setting(settings):
    assert isinstance(signing(), RecordedSignature)

    settings.AGREEMENT_SIGNING_BACKEND = f"{__name__}.ElectronicSignature"

    assert signing().sign(DIGEST, "Eva Al") == "e-signature"
