"""Taking in what the sources hand over: each import is checked whole, then published alone under the next number."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from benefits import numbers, staging
from benefits.catalogue import catalogue
from benefits.importfile import ImportRefused, Line, Manifest, read_lines, read_manifest
from benefits.models import Import, Person, Quarantined
from lefi.bulk import CHUNK, copy_rows, drop_temporary_tables, make_temporary_table
from lefi.locks import Lock, hold

log = structlog.get_logger(__name__)
Progress = Callable[[int], None]


def import_file(*, manifest_path: Path, at: datetime, progress: Progress | None = None) -> Import:
    """Check and publish one import, and return its row; a refused one keeps its reason in the row.

    Raise ImportRefused if the manifest cannot be read at all, or if the file is refused whole: truncated, altered, out
    of order, a duplicate, from a strange source, or with more in quarantine than the cap. Then nothing is published.
    Repeating a published import is refused as a duplicate.
    """
    manifest = read_manifest(manifest_path)
    imported = _receive(manifest, at)
    try:
        staging.make_tables()
        counts = _check(imported, manifest, progress or (lambda lines: None))
        _publish(imported, counts, at)
    except ImportRefused as refusal:
        Import.objects.filter(pk=imported.pk).update(
            status=Import.Status.REFUSED, refusal=refusal.code, reason=refusal.sentence
        )
        log.warning("import_refused", source=manifest.source, sequence=manifest.sequence, code=refusal.code)
        raise
    finally:
        staging.drop_tables()
    imported.refresh_from_db()
    log.info("import_published", source=imported.source, number=imported.number, **imported.counts)
    return imported


def _receive(manifest: Manifest, at: datetime) -> Import:
    if manifest.source not in catalogue().owners:
        raise ImportRefused("SOURCE", "The manifest names a source that is not known here.")
    return Import.objects.create(
        source=manifest.source,
        sequence=manifest.sequence,
        status=Import.Status.CHECKING,
        state=manifest.state,
        file_name=manifest.data.name,
        sha256=manifest.sha256,
        lines=manifest.lines,
        created_at=manifest.created_at,
        received_at=at,
    )


def _check(imported: Import, manifest: Manifest, progress: Progress) -> Counter[str]:
    """Read every line into the staging tables, and refuse the file if it cannot be published as a whole."""
    _demand_next(imported)
    counts: Counter[str] = Counter()
    chunk: list[Line] = []
    for line in read_lines(manifest, catalogue()):
        chunk.append(line)
        if len(chunk) == CHUNK:
            _stage(imported, chunk, counts, progress)
            chunk = []
    _stage(imported, chunk, counts, progress)
    staging.prepare()
    _demand_none(staging.places_of_repeats(), "PERSON_TWICE", "A person stands more than once, on lines")
    most = max(settings.IMPORT_QUARANTINE_MOST, int(imported.lines * settings.IMPORT_QUARANTINE_SHARE))
    if counts["quarantined"] > most:
        raise ImportRefused("QUARANTINE", f"{counts['quarantined']} sections cannot be read; {most} may.")
    return counts


def _stage(imported: Import, chunk: list[Line], counts: Counter[str], progress: Progress) -> None:
    first = counts["lines"] + 1
    staging.stage(chunk, first)
    Quarantined.objects.bulk_create(
        Quarantined(imported=imported, line=first + i, section=one.section, code=one.code, reason=one.text)
        for i, line in enumerate(chunk)
        for one in line.quarantined
    )
    counts["lines"] += len(chunk)
    counts["items"] += sum(len(line.items) for line in chunk)
    counts["quarantined"] += sum(len(line.quarantined) for line in chunk)
    counts["unknown_fields"] += sum(line.unknown.total() for line in chunk)
    Import.objects.filter(pk=imported.pk).update(lines_checked=counts["lines"])
    progress(counts["lines"])


def _demand_next(imported: Import) -> None:
    """Refuse a file that is not the next of its source."""
    last = (
        Import.objects.published().filter(source=imported.source).order_by("-sequence").values_list("sequence")
    ).first()
    expected = (last[0] if last else 0) + 1
    if imported.sequence < expected:
        raise ImportRefused("DUPLICATE", f"Number {imported.sequence} of the source is published already.")
    if imported.sequence > expected:
        raise ImportRefused("ORDER", f"The source's next number is {expected}, not {imported.sequence}.")


def _demand_none(places: list[int], code: str, sentence: str) -> None:
    if places:
        raise ImportRefused(code, f"{sentence} {', '.join(map(str, places))}.")


def _publish(imported: Import, counts: Counter[str], at: datetime) -> None:
    """Move all that was staged into the register, in one transaction, alone, under the next number (C1)."""
    try:
        with transaction.atomic():
            hold(Lock.IMPORT)
            _demand_next(imported)
            number = Import.objects.last_number() + 1
            for own, former in staging.lines_with_number_news():
                numbers.follow(number=own, former=former, recorded_in=number)
            staging.add_unknown_persons(number)
            staging.find_persons()
            _demand_none(staging.places_of_shared_persons(), "SAME_PERSON", "One person has several lines:")
            counts.update(staging.publish_periods(number))
            counts["persons_changed"] = staging.publish_facts(number)
            counts["touched"] = staging.publish_touched(number)
            Import.objects.filter(pk=imported.pk).update(
                number=number, status=Import.Status.PUBLISHED, published_at=at, counts=dict(counts)
            )
    except IntegrityError as error:
        raise ImportRefused("CONFLICT", "Another import or order took the same number; try again.") from error


@transaction.atomic
def ensure_persons(identity_numbers: Iterable[str]) -> None:
    """Make a person for each 12-digit number that nobody holds, to be watched before any source names them."""
    make_temporary_table("wanted_number", "number varchar(12)")
    copy_rows("wanted_number", ["number"], ((one,) for one in set(identity_numbers)))
    staging.add_persons("SELECT number FROM wanted_number", 0)
    drop_temporary_tables(["wanted_number"])


def person_of(number: str) -> Person | None:
    """Who now holds a 12-digit identity number."""
    return Person.objects.holding(number).first()
