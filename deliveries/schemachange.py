"""The next version of the schema, announced in time: its catalogue, what it changes, samples, and whom it is told to.

One version is in force, that of the product's own catalogue; at most one is coming. The catalogue that is announced is
kept as text. It comes into force by a deployment that puts it in the product's place: its announcement is then over.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from lxml import etree

from benefits.catalogue import Catalogue, CatalogueError, catalogue, parse
from deliveries.jsonform import json_schema
from deliveries.models import SchemaAnnouncement, SchemaValidation
from deliveries.schema import xsd
from deliveries.schemadiff import Change, difference, version_of
from deliveries.schemasample import sample, sample_json
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.models import Customer
from subscriptions.notices import notify_all

log = structlog.get_logger(__name__)
REMIND_DAYS = 7
VERSION = re.compile(r"[0-9][0-9.-]{0,29}")
LARGEST = 5_000_000  # characters of a catalogue
DIFF_FORMAT = "lefi-schema-diff/1"


class SchemaRefused(Refused):
    """A version that is not announced or withdrawn. The code says why."""


class VersionUnknown(Refused):
    """A version that is neither in force nor coming."""


@dataclass(frozen=True, slots=True)
class Form:
    """All that follows from a catalogue."""

    known: Catalogue
    version: str
    xsd: str
    json_schema: str
    sample_xml: bytes
    sample_json: str


@lru_cache(maxsize=2)
def form_of(text: str) -> Form:
    """What a catalogue's text leads to. Raise SchemaRefused with CATALOGUE_FAULT for one that does not hold.

    It holds if a schema can be made of it, and a sample with all of it is valid against that.
    """
    if len(text) > LARGEST:
        raise SchemaRefused("CATALOGUE_FAULT", "The file is too large to be a catalogue.")
    try:
        known = parse(text)
        if not VERSION.fullmatch(str(known.version)):
            raise CatalogueError("The version is not of numbers, dots and hyphens.")
        document = sample(known)
        schema = xsd(known)
        etree.XMLSchema(etree.fromstring(schema.encode())).assertValid(etree.fromstring(document))
    except (CatalogueError, etree.LxmlError) as error:
        raise SchemaRefused("CATALOGUE_FAULT", str(error)) from error
    return Form(
        known=known,
        version=version_of(known),
        xsd=schema,
        json_schema=json.dumps(json_schema(known), ensure_ascii=False, indent=1) + "\n",
        sample_xml=document,
        sample_json=sample_json(known, document),
    )


@lru_cache(maxsize=2)
def _changes(before: Catalogue, after: Catalogue) -> tuple[Change, ...]:
    return tuple(difference(before, after))


def changes_to(text: str) -> tuple[Change, ...]:
    """What a catalogue's text changes of the one in force. Raise SchemaRefused as `form_of` does."""
    return _changes(catalogue(), form_of(text).known)


def coming() -> SchemaAnnouncement | None:
    """The announced version that is not yet in force, if there is one. One that has been deployed is coming no more."""
    return SchemaAnnouncement.objects.coming().exclude(version=catalogue().version).first()


def version_in_force() -> str:
    return version_of(catalogue())


def diff_of(announced: SchemaAnnouncement) -> dict[str, Any]:
    """What changes when the announced version is in force, for machines."""
    changes = changes_to(announced.catalogue)
    return {
        "format": DIFF_FORMAT,
        "from": version_in_force(),
        "to": form_of(announced.catalogue).version,
        "in_force_from": announced.in_force_from.isoformat(),
        "breaking": any(one.breaking for one in changes),
        "changes": [one.as_json() for one in changes],
    }


@transaction.atomic
def propose_announcement(*, text: str, in_force_from: date, by: Any, at: datetime) -> SchemaAnnouncement:
    """Propose that a catalogue's version is announced; another approves.

    Raise SchemaRefused for a catalogue that does not hold (CATALOGUE_FAULT), whose version is not higher than the one
    in force (NOT_HIGHER) or that changes nothing (NO_CHANGE), for a day too near (NOTICE_TOO_SHORT), and while another
    is proposed or coming (ANOTHER_COMING).
    """
    settle(at)
    _demand_next(text)
    _demand_notice(in_force_from, at)
    row = SchemaAnnouncement(version=form_of(text).known.version, catalogue=text, in_force_from=in_force_from)
    try:
        with transaction.atomic():
            foureyes.propose(row, by=by, at=at)
    except IntegrityError as error:
        raise SchemaRefused("ANOTHER_COMING", "Another version is proposed or coming.") from error
    return row


def _demand_next(text: str) -> None:
    if _ordered(form_of(text).known.version) <= _ordered(catalogue().version):
        raise SchemaRefused("NOT_HIGHER", "The version is not higher than the one in force.")
    if not changes_to(text):
        raise SchemaRefused("NO_CHANGE", "The catalogue is the same as the one in force but for its version.")


def _demand_notice(in_force_from: date, at: datetime) -> None:
    if in_force_from < timezone.localdate(at) + timedelta(days=settings.SCHEMA_NOTICE_DAYS):
        raise SchemaRefused("NOTICE_TOO_SHORT", f"Notice is {settings.SCHEMA_NOTICE_DAYS} days at least.")


def _ordered(version: str) -> list[int]:
    """A version as numbers to compare: "9.10.0-1" is higher than "9.2.0-3"."""
    return [int(number) for number in re.findall(r"\d+", version)]


@transaction.atomic
def approve_announcement(*, row: SchemaAnnouncement, by: Any, at: datetime, reason: str = "") -> None:
    """Announce a proposed version: publish it, and tell every active customer.

    Raise NotApproved as `foureyes.approve` does, and SchemaRefused as `propose_announcement` does where the day has
    come too near, or another version in force, since.
    """
    foureyes.demand_another(row, by=by)
    _demand_next(row.catalogue)
    _demand_notice(row.in_force_from, at)
    foureyes.approve(row, by=by, at=at, reason=reason)
    _tell("SCHEMA_ANNOUNCED", row, at)


@transaction.atomic
def withdraw_announcement(*, row: SchemaAnnouncement, by: Any, at: datetime, reason: str) -> None:
    """Take an announced version back, and tell every active customer.

    Raise SchemaRefused (NOT_COMING) if it is over, and ReasonRefused.
    """
    why = demand_reason(reason)
    settle(at)
    if not SchemaAnnouncement.objects.coming().filter(pk=row.pk).update(over_at=at, withdrawn=True):
        raise SchemaRefused("NOT_COMING", "The version is not coming, or no more.")
    record(action=Action.WITHDRAW, object_type=row._meta.label_lower, object_id=row.pk, actor=by, reason=why)
    _tell("SCHEMA_WITHDRAWN", row, at)


@transaction.atomic
def settle(at: datetime) -> None:
    """Note that the announced version is over if the product's own catalogue now has it. Repeating it is harmless."""
    row = SchemaAnnouncement.objects.coming().filter(version=catalogue().version).first()
    if row is None or not SchemaAnnouncement.objects.coming().filter(pk=row.pk).update(over_at=at):
        return
    otherwise = len(changes_to(row.catalogue))
    if otherwise:
        log.error("schema_in_force_is_not_the_one_announced", version=row.version, changes=otherwise)
    log.info("schema_in_force", version=row.version)


@transaction.atomic
def remind(at: datetime) -> bool:
    """Tell every active customer once more, a week before the announced version is in force; return whether it was due.

    Repeating it is harmless.
    """
    settle(at)
    today = timezone.localdate(at)
    due = SchemaAnnouncement.objects.coming().filter(
        reminded_at=None, in_force_from__range=(today, today + timedelta(days=REMIND_DAYS))
    )
    row = due.first()
    if row is None or not due.filter(pk=row.pk).update(reminded_at=at):
        return False
    _tell("SCHEMA_SOON", row, at)
    return True


def _tell(code: str, row: SchemaAnnouncement, at: datetime) -> None:
    notify_all(code, at=at, version=form_of(row.catalogue).version, day=str(row.in_force_from))


def note_validation(*, customer: Customer, version: str, ok: bool, client: str, at: datetime) -> SchemaValidation:
    """Note which version a customer's system last validated against; the last word on each version stands.

    Raise VersionUnknown (VERSION_UNKNOWN) for one that is neither in force nor coming.
    """
    announced = coming()
    if version not in {version_in_force(), form_of(announced.catalogue).version if announced else ""}:
        raise VersionUnknown("VERSION_UNKNOWN")
    said = {"ok": ok, "client": client, "at": at}
    noted, _ = SchemaValidation.objects.update_or_create(customer=customer, version=version, defaults=said)
    return noted
