"""What can be proved of a delivery, and why each watch is in it: from stored rows, for a customer that answers for it.

Why is said as coarsely as the customer may know it (C8). That a watch was held back for protection is said nowhere:
what comes of it afterwards reads as any other change, and no row of what was withheld for it is looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name, section_name
from benefits.models import Import, Touched
from deliveries import jws, reading, storage
from deliveries.models import Delivery, Disclosure, Purged, Receipt, Run
from deliveries.schema import VERSION
from deliveries.services import why_not_again
from subscriptions.decision import Outcome

LARGEST_CHECKED = 5_000_000  # bytes of a document that is checked against its schema while somebody waits


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked into: whether it holds, None if it could not be looked into now."""

    title: Promise
    holds: bool | None
    said: str | Promise = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """An import that changed something, by number and day; `undoes` is the number of one that it takes back."""

    number: int
    day: date | None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Why a watch is in a delivery."""

    watch: int
    benefit: str
    case: str
    sections: tuple[str, ...]
    sentence: Promise
    causes: tuple[Cause, ...] = ()


FIRST = _("A new watch: everything that may be told.")
AGAIN = _("Everything again: a full refresh was ordered, or it may be told again.")
ENDED = _("The watch has ended.")
NOT_ALLOWED = _("It may not be told any more.")
CHANGED = _("What may be told has changed.")
COMPENSATING = _("A correction, by a run of its own.")


# What can be proved


def checks_of(delivery: Delivery) -> list[Check]:
    """All that is looked into now. `delivery` has its manifest with the key."""
    before = _before(delivery)
    return [*_of_sequence(delivery, before), *_of_document(delivery), *_of_manifest(delivery)]


def _before(delivery: Delivery) -> Delivery | None:
    return Delivery.objects.filter(stream=delivery.stream_id, number=delivery.number - 1).first()


def _of_sequence(delivery: Delivery, before: Delivery | None) -> list[Check]:
    follows = before is not None or delivery.number == 1
    named = delivery.previous_sha256 == (before.sha256 if before else "")
    return [
        Check(_("The number follows the one before it"), follows, str(delivery.number)),
        Check(_("It names the hash of the document before it"), named, delivery.previous_sha256),
    ]


def _of_document(delivery: Delivery) -> list[Check]:
    if Purged.objects.filter(delivery=delivery).exists():
        erased = _("The content has been erased in its time; the number, the hash and the manifest are kept.")
        return [Check(_("The document has its hash"), None, erased), Check(_("It holds to its schema"), None, erased)]
    whole = storage.is_whole(delivery.sha256, delivery.size)
    return [Check(_("The document has its hash"), whole, delivery.sha256), _of_schema(delivery, whole)]


def _of_schema(delivery: Delivery, whole: bool) -> Check:
    title = _("It holds to its schema")
    if not whole or delivery.size > LARGEST_CHECKED or delivery.schema_version != VERSION:
        return Check(title, None, _("It was checked before it was released; version %s.") % delivery.schema_version)
    try:
        reading.validate(storage.place_of(delivery.sha256))
    except reading.DocumentFault as fault:
        return Check(title, False, str(fault))
    return Check(title, True, _("version %s") % delivery.schema_version)


def _of_manifest(delivery: Delivery) -> list[Check]:
    manifest = delivery.manifest
    key, said = manifest.key, jws.payload_of(manifest.jws)
    in_time = key.signs_from <= delivery.released_at and (key.signs_to is None or delivery.released_at < key.signs_to)
    signed = jws.is_signed_by(manifest.jws, key.public_jwk) and in_time and key.withdrawn_at is None
    same = {
        "sha256": delivery.sha256,
        "size": delivery.size,
        "number": delivery.number,
        "previous_sha256": delivery.previous_sha256,
        "schema_version": delivery.schema_version,
        "persons": delivery.persons,
        "blocks": delivery.blocks,
    }
    chain = Receipt.objects.chain(delivery.stream_id).filter(pk__lt=manifest.pk)
    last = chain.last()
    linked = manifest.previous == (last.sha256 if last else "") == said.get("previous")
    return [
        Check(_("The manifest is signed by a published key that is trusted"), signed, key.kid),
        Check(_("The manifest says what stands here"), all(said.get(name) == value for name, value in same.items())),
        Check(_("The manifest names the statement before it"), linked, manifest.previous),
    ]


def sources_of(delivery: Delivery) -> list[reading.Source]:
    """How the sources were when the delivery was made; nothing once the document is gone."""
    path = storage.place_of(delivery.sha256)
    if not path.is_file():
        return []
    try:
        return reading.read_head(path).sources
    except reading.DocumentFault:
        return []


# Why it came


def hidden(delivery: Delivery, at: datetime) -> str:
    """Why the watches are not listed: the code that a fetch would be refused with, and NOT_FETCHED before the first."""
    if delivery.first_fetched_at is None:
        return "RECALLED" if delivery.recalled_at else "NOT_FETCHED"
    return why_not_again(delivery, at)


def rows_of(delivery: Delivery, after: int, size: int) -> QuerySet[Disclosure]:
    """What the delivery says of watches, in order of watch: nothing of those that it keeps silent about (C8)."""
    told = Q(outcome=Disclosure.Outcome.SENT) | ~Q(decision__outcome=Outcome.FROZEN)
    rows = Disclosure.objects.filter(told, delivery=delivery, watch__gt=after).select_related("watch")
    return rows.order_by("watch_id")[:size]


def whys(delivery: Delivery, rows: Sequence[Disclosure]) -> list[Why]:
    """Why each of some watches is in the delivery. Four queries, however many they are."""
    informed = _informed(delivery, rows)
    causes = _causes(delivery, rows)
    return [_why(delivery, row, informed, causes) for row in rows]


def _informed(delivery: Delivery, rows: Iterable[Disclosure]) -> set[int]:
    """The watches that an earlier delivery had told something, and still stands."""
    earlier = Disclosure.objects.filter(
        watch__in=[row.watch_id for row in rows],
        outcome=Disclosure.Outcome.SENT,
        delivery__stream=delivery.stream_id,
        delivery__number__lt=delivery.number,
        delivery__recalled_at=None,
    )
    return set(earlier.values_list("watch", flat=True))


def _causes(delivery: Delivery, rows: Iterable[Disclosure]) -> Mapping[tuple[int, str], list[Cause]]:
    """The imports since the delivery before that touched the persons, by person and section.

    Older ones are not looked for: that something waited longer, and so perhaps why, is for no customer to read.
    """
    before = _before(delivery)
    touched = Touched.objects.filter(
        number__gt=before.as_of_import if before else 0,
        number__lte=delivery.as_of_import,
        person__in={row.person_id for row in rows},
    )
    found = list(touched.values_list("number", "person", "section").order_by("number"))
    imports = Import.objects.filter(number__in={number for number, _p, _s in found}).select_related("reverses")
    by_number = {one.number: _cause(one) for one in imports}
    causes: dict[tuple[int, str], list[Cause]] = defaultdict(list)
    for number, person, section in found:
        if number in by_number:
            causes[person, section].append(by_number[number])
    return causes


def _cause(imported: Any) -> Cause:
    day = timezone.localdate(imported.published_at) if imported.published_at else None
    return Cause(imported.number, day, imported.reverses.number if imported.reverses else None)


def _why(delivery: Delivery, row: Disclosure, informed: set[int], causes: Mapping[tuple[int, str], list[Cause]]) -> Why:
    sentence = _sentence(delivery, row, informed)
    found = {one for name in row.sections for one in causes.get((row.person_id, name), ())}
    return Why(
        watch=row.watch_id,
        benefit=benefit_name(row.watch.benefit),
        case=row.case_reference,
        sections=tuple(section_name(name) for name in row.sections),
        sentence=sentence,
        causes=tuple(sorted(found, key=lambda one: one.number)) if sentence == CHANGED else (),
    )


def _sentence(delivery: Delivery, row: Disclosure, informed: set[int]) -> Promise:
    if row.outcome == Disclosure.Outcome.WITHHELD:
        return NOT_ALLOWED
    if row.watch.ended_at is not None and row.watch.ended_at <= delivery.released_at:
        return ENDED
    if row.complete:
        return AGAIN if row.watch_id in informed else FIRST
    return COMPENSATING if delivery.run.kind in (Run.Kind.COMPENSATING, Run.Kind.REPAIR) else CHANGED
