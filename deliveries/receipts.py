"""Signed statements about deliveries: what was released, what was recalled, and what a customer has taken in.

The manifests and tombstones of a stream are one chain: each names the SHA-256 of the one before it, so that none can be
left out, put in or altered unseen, by us either. An acknowledgement stands outside the chain and names a manifest.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from deliveries import jws
from deliveries.models import Delivery, Receipt
from deliveries.signing_keys import Signer, signer
from lefi.masking import mask_identity_numbers
from subscriptions.models import Stream

PAGE = 1000
MEDIA_TYPES = {
    Receipt.Kind.MANIFEST: "lefi-manifest+jws",
    Receipt.Kind.TOMBSTONE: "lefi-tombstone+jws",
    Receipt.Kind.ACKNOWLEDGEMENT: "lefi-acknowledgement+jws",
}


def sign_manifest(delivery: Delivery, stream: Stream) -> Receipt:
    """Sign what is released: `delivery` is about to be saved. The caller holds the stream's row.

    Raise SigningRefused if there is no key to sign with.
    """
    customer = stream.agreement.customer
    said = {
        "agreement": stream.agreement.code,
        "organisation_number": customer.organisation_number,
        "unit": customer.unit,
        "purpose": stream.purpose,
        "sha256": delivery.sha256,
        "size": delivery.size,
        "previous_sha256": delivery.previous_sha256,
        "schema_version": delivery.schema_version,
        "as_of_import": delivery.as_of_import,
        "as_of_law": delivery.as_of_law,
        "day": delivery.day.isoformat(),
        "run": delivery.run_id,
        "released_at": _instant(delivery.released_at),
        "persons": delivery.persons,
        "blocks": delivery.blocks,
        "final": delivery.final,
    }
    return _chained(stream.pk, delivery.number, Receipt.Kind.MANIFEST, said, signer(delivery.released_at))


def sign_tombstones(stream: Stream, recalled: Iterable[Delivery], at: datetime) -> None:
    """Sign that deliveries are recalled, in order of number. The caller holds the stream's row.

    Raise SigningRefused if there is no key to sign with.
    """
    for delivery in sorted(recalled, key=lambda one: one.number):
        said = {"sha256": delivery.sha256, "manifest_sha256": delivery.manifest.sha256, "recalled_at": _instant(at)}
        _chained(stream.pk, delivery.number, Receipt.Kind.TOMBSTONE, said, signer(at))


def _chained(stream: int, number: int, kind: Receipt.Kind, said: dict[str, Any], by: Signer) -> Receipt:
    last = Receipt.objects.chain(stream).last()
    previous = last.sha256 if last else ""
    statement = by.sign({"stream": stream, "number": number, "previous": previous, **said}, kind=MEDIA_TYPES[kind])
    return _kept(stream, number, kind, statement, by, previous)


def sign_acknowledgement(delivery: Delivery, *, at: datetime, client: str, user: str = "") -> Receipt:
    """The signed receipt of an acknowledgement: the one given before, unless its key has since been withdrawn.

    `client` is "" for the portal, where `user` is the username of who acknowledged, never an identity number. The
    caller holds the delivery's row. Raise SigningRefused.
    """
    kind = Receipt.Kind.ACKNOWLEDGEMENT
    given = Receipt.objects.filter(stream=delivery.stream_id, number=delivery.number, kind=kind)
    standing = given.filter(key__withdrawn_at=None).last()
    if standing is not None:
        return standing
    by = signer(at)
    said = {
        "stream": delivery.stream_id,
        "number": delivery.number,
        "manifest_sha256": delivery.manifest.sha256,
        "acknowledged_at": _instant(at),
        "client": client,
    }
    if user:
        said["user"] = mask_identity_numbers(user)
    return _kept(delivery.stream_id, delivery.number, kind, by.sign(said, kind=MEDIA_TYPES[kind]), by)


def _kept(stream: int, number: int, kind: Receipt.Kind, statement: str, by: Signer, previous: str = "") -> Receipt:
    return Receipt.objects.create(
        stream_id=stream,
        number=number,
        kind=kind,
        key=by.key,
        previous=previous,
        sha256=jws.digest(statement),
        jws=statement,
    )


def tombstones_of(stream: int, numbers: Iterable[int]) -> dict[int, str]:
    """The tombstones of a stream's deliveries, as JWS, by number."""
    found = Receipt.objects.filter(stream=stream, number__in=numbers, kind=Receipt.Kind.TOMBSTONE)
    return dict(found.values_list("number", "jws"))


def exported(stream: Stream, after: int = 0) -> Iterator[str]:
    """A stream's statements as JSON Lines, in the order in which they were made: those after the id `after`."""
    while True:
        page = list(Receipt.objects.filter(stream=stream, pk__gt=after).order_by("pk")[:PAGE])
        for one in page:
            yield json.dumps({"id": one.pk, "kind": one.kind, "number": one.number, "jws": one.jws}) + "\n"
        if len(page) < PAGE:
            return
        after = page[-1].pk


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
