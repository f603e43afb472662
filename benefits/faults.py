"""Why an import was refused or a section put in quarantine, in words for people. docs/import.md lists the codes."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSED: dict[str, Promise] = {
    "MANIFEST": _("The manifest cannot be read, or lacks a field"),
    "FORMAT": _("The manifest is of another form or kind"),
    "STATE": _("The state of the source is unknown, or it speaks although it is not available"),
    "SOURCE": _("The source is not known"),
    "DATA_FILE_MISSING": _("The data file is missing"),
    "SHA256": _("The data file is another than the one that the manifest describes"),
    "DUPLICATE": _("The source's number has been published already"),
    "ORDER": _("It is not the source's next number"),
    "TRUNCATED": _("A line is too long or has no end"),
    "COUNT": _("The file does not hold as many lines as the manifest says"),
    "LINE": _("A line cannot be read"),
    "SECTION": _("A line speaks for what is not its source's to give"),
    "PERSON_TWICE": _("A person stands on several lines"),
    "SAME_PERSON": _("Two lines are about one person under two numbers"),
    "QUARANTINE": _("Too much of it cannot be read"),
    "CONFLICT": _("Another import or order took the same number; try again"),
}
QUARANTINED: dict[str, Promise] = {
    "NOT_AN_OBJECT": _("A value where an object should be"),
    "NOT_A_LIST": _("Something else where a list should be"),
    "REQUIRED": _("A required field is missing"),
    "WRONG_TYPE": _("A value of the wrong type"),
    "CHARACTER": _("A character that cannot be written"),
    "TOO_MANY": _("Several items where there can be one"),
    "TOO_DEEP": _("Objects too deep inside each other"),
}
COUNTS: dict[str, Promise] = {
    "lines": _("lines"),
    "items": _("items"),
    "recorded": _("recorded"),
    "withdrawn": _("withdrawn"),
    "persons_changed": _("persons with new facts"),
    "touched": _("sections of persons changed"),
    "quarantined": _("quarantined"),
    "unknown_fields": _("unknown fields"),
    "left": _("left as they are"),
}
