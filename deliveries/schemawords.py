"""The changes of an announced version in the reader's language: for the public page and for who approves it."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from deliveries import schemadiff
from deliveries.schemachange import changes_to
from deliveries.schemadiff import ADDED, CHANGED, REMOVED, Change
from lefi.languages import language

WHAT = {
    (schemadiff.CLASS, ADDED): _("New field class"),
    (schemadiff.CLASS, REMOVED): _("Field class taken away"),
    (schemadiff.CLASS, CHANGED): _("Field class changed"),
    (schemadiff.OWNER, ADDED): _("New source"),
    (schemadiff.OWNER, REMOVED): _("Source taken away"),
    (schemadiff.OWNER, CHANGED): _("Source changed"),
    (schemadiff.BENEFIT, ADDED): _("New benefit"),
    (schemadiff.BENEFIT, REMOVED): _("Benefit taken away"),
    (schemadiff.BENEFIT, CHANGED): _("Benefit changed"),
    (schemadiff.SECTION, ADDED): _("New section"),
    (schemadiff.SECTION, REMOVED): _("Section taken away"),
    (schemadiff.SECTION, CHANGED): _("Section changed"),
    (schemadiff.FIELD, ADDED): _("New field"),
    (schemadiff.FIELD, REMOVED): _("Field taken away"),
    (schemadiff.FIELD, CHANGED): _("Field changed"),
    (schemadiff.CODE, ADDED): _("New code"),
    (schemadiff.CODE, REMOVED): _("Code taken away"),
    (schemadiff.CODE, CHANGED): _("Code changed"),
    (schemadiff.PAYMENT_CODE, ADDED): _("New code of payments"),
    (schemadiff.PAYMENT_CODE, REMOVED): _("Code of payments taken away"),
    (schemadiff.PAYMENT_CODE, CHANGED): _("Code of payments changed"),
}


@dataclass(frozen=True, slots=True)
class ChangeText:
    """A change to read: what, where, what it is called, and of a changed thing its attribute before and after."""

    what: Any
    path: str
    label: str
    attribute: str
    before: str
    after: str
    breaking: bool


def in_words(text: str) -> list[ChangeText]:
    """What a text changes, without what only follows from a thing above; what can break a receiver first."""
    outermost = schemadiff.outermost(changes_to(text))
    return [_said(one) for one in sorted(outermost, key=lambda one: not one.breaking)]


def _said(one: Change) -> ChangeText:
    changed = one.what == CHANGED
    return ChangeText(
        what=WHAT[one.kind, one.what],
        path=one.path,
        label=one.labels.get(language(), ""),
        attribute=one.attribute,
        before=_value(one.before) if changed else "",
        after=_value(one.after) if changed else "",
        breaking=one.breaking,
    )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
