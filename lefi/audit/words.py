"""What the log says by codes, in words: why something was done where no person said why, and its details."""

from collections.abc import Iterator
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import AuditEvent

# What is written where the portal showed one identity number.
NUMBER_SHOWN = ("portal watch list", "portal order", "portal reconciliation")
# What is written where no person gave a reason of their own.
REASONS: dict[str, Promise] = {
    **dict.fromkeys(NUMBER_SHOWN, _("number shown in the portal")),
    "portal delivery": _("opened in the portal"),
    **dict.fromkeys(("portal file", "portal watch file"), _("taken as a file")),
    "portal person": _("what was told of a person, read in the portal"),
    "delivery explained": _("its explanation was read"),
    "case ended": _("the case had ended"),
    "case end undone": _("the end of the case was undone"),
    "no consent": _("no consent covers it any more"),
    "to be confirmed": _("the legal basis has begun to ask for it"),
    "not confirmed": _("nobody confirmed it in time"),
    "The legal basis lets it be told when nobody has decided in time.": _(
        "The legal basis lets it be told when nobody has decided in time."
    ),
    "faults settled": _("the faulty lines need no more"),
    "another proposal took its place": _("another proposal took its place"),
}
DETAILS: dict[str, Promise] = {
    "before": _("before"),
    "day": _("day"),
    "findings": _("findings"),
    "form": _("form"),
    "found": _("hit"),
    "ground": _("ground"),
    "lines": _("lines in the file"),
    "page": _("page"),
    "reads": _("reads"),
    "role": _("role"),
    "stream": _("stream"),
    "streams": _("streams"),
    "valid_from": _("valid from"),
    "valid_to": _("valid to"),
    "watches": _("watches"),
    "withheld": _("withheld"),
}


def reason_of(event: AuditEvent) -> str:
    """Why it was done: in the person's own words, or what the system writes in its place."""
    return str(REASONS.get(event.reason, event.reason))


def details_of(event: AuditEvent) -> Iterator[tuple[str, str]]:
    """What else is kept, by its name: the fields that were changed by what they are called."""
    for key, value in event.details.items():
        if key != "fields":
            yield str(DETAILS.get(key, key)), _written(value)
    if event.fields:
        yield gettext("fields"), ", ".join(event.fields)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
