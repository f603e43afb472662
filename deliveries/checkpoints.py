"""Checkpoints: what a stream's receiver knew after a delivery, kept signed, so that `verify` can go on from there when
the documents before it have been erased (C10).

A state is a file named by its SHA-256: a line of JSON for each watch, [watch, status, {section: {item digest: count}}],
in order of watch. Digests are personal data (C4), so only the newest state of a stream is kept; of the older ones the
signed rows stay.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from deliveries import jws, storage
from deliveries.models import Checkpoint, Delivery
from deliveries.signing_keys import signer

MEDIA_TYPE = "lefi-checkpoint+jws"
State = tuple[int, str, dict[str, dict[str, int]]]  # watch, status, section: how many items of each digest


class CheckpointFault(Exception):
    """A checkpoint whose signature does not hold, or whose state is gone or is another."""


def newest(stream_id: int) -> Checkpoint | None:
    return Checkpoint.objects.filter(stream=stream_id).select_related("key").order_by("number").last()


def save(delivery: Delivery, states: Iterable[State], at: datetime) -> Checkpoint:
    """Keep what the receiver knew after a delivery: the file first, then its signed row.

    Raise SigningRefused if there is no key to sign with.
    """
    path, sha256, watches = _write(states)
    try:
        storage.keep_as(path, place_of(sha256))
    finally:
        path.unlink(missing_ok=True)
    by = signer(at)
    said = {
        "stream": delivery.stream_id,
        "number": delivery.number,
        "document_sha256": delivery.sha256,
        "state_sha256": sha256,
        "watches": watches,
    }
    return Checkpoint.objects.create(
        stream_id=delivery.stream_id,
        number=delivery.number,
        sha256=sha256,
        watches=watches,
        made_at=at,
        key=by.key,
        jws=by.sign(said, kind=MEDIA_TYPE),
    )


def _write(states: Iterable[State]) -> tuple[Path, str, int]:
    path, digest, count = storage.temporary(), hashlib.sha256(), 0
    with path.open("wb") as file:
        for state in states:
            count += 1
            line = json.dumps(state, separators=(",", ":"), sort_keys=True).encode() + b"\n"
            file.write(line)
            digest.update(line)
    return path, digest.hexdigest(), count


def place_of(sha256: str) -> Path:
    return Path(settings.DOCUMENTS_DIR) / "checkpoints" / f"{sha256}.jsonl"


def states(checkpoint: Checkpoint, delivery: Delivery) -> Iterator[State]:
    """Yield what the receiver knew after the delivery that the checkpoint is of.

    Raise CheckpointFault, before the first of them, if the signature does not hold for the delivery and the state.
    """
    _check(checkpoint, delivery)
    with place_of(checkpoint.sha256).open(encoding="utf-8") as file:
        for line in file:
            watch, status, blocks = json.loads(line)
            yield watch, status, blocks


def _check(checkpoint: Checkpoint, delivery: Delivery) -> None:
    said = _signed(checkpoint)
    expected = {
        "stream": delivery.stream_id,
        "number": delivery.number,
        "document_sha256": delivery.sha256,
        "state_sha256": checkpoint.sha256,
    }
    if any(said.get(name) != value for name, value in expected.items()):
        raise CheckpointFault(f"the checkpoint after delivery {checkpoint.number} is signed for something else")
    if not _is_whole(checkpoint):
        raise CheckpointFault(f"the state of the checkpoint after delivery {checkpoint.number} is damaged or gone")


def _signed(checkpoint: Checkpoint) -> dict[str, Any]:
    """What was signed. Raise CheckpointFault if the signature is not of the key, or the key has lost our trust."""
    text, _, signature = checkpoint.jws.rpartition(".")
    public = Ed25519PublicKey.from_public_bytes(_bytes(checkpoint.key.public_jwk["x"]))
    try:
        public.verify(_bytes(signature), text.encode())
    except (InvalidSignature, ValueError):
        raise CheckpointFault(f"the signature of the checkpoint after delivery {checkpoint.number} is wrong") from None
    if checkpoint.key.withdrawn_at is not None and checkpoint.key.withdrawn_at <= checkpoint.made_at:
        raise CheckpointFault(f"the checkpoint after delivery {checkpoint.number} is signed by a withdrawn key")
    return jws.payload_of(checkpoint.jws)


def _bytes(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _is_whole(checkpoint: Checkpoint) -> bool:
    path = place_of(checkpoint.sha256)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == checkpoint.sha256


def standing() -> set[str]:
    """The hashes of the states that are kept: the newest of each stream."""
    rows = Checkpoint.objects.order_by("stream", "number").values_list("stream", "sha256")
    return set(dict(rows).values())


def forget_replaced() -> int:
    """Remove the states that a newer one of the stream has replaced, and return how many."""
    kept = standing()
    old = [one for one in (Path(settings.DOCUMENTS_DIR) / "checkpoints").glob("*.jsonl") if one.stem not in kept]
    known = set(Checkpoint.objects.filter(sha256__in=[one.stem for one in old]).values_list("sha256", flat=True))
    for path in old:
        if path.stem in known:
            path.unlink(missing_ok=True)
    return len(known)
