"""What each consent to be registered is answered: stable codes, with sentences for people (docs/errors.md)."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ConsentAnswer(StrEnum):
    REGISTERED = "REGISTERED"
    WAITS = "REGISTERED_WAITS"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    DIFFERS = "CONSENT_DIFFERS"
    NOT_ASKED_FOR = "CONSENT_NOT_ASKED_FOR"
    NUMBER_INVALID = "NUMBER_INVALID"
    BENEFIT_UNKNOWN = "BENEFIT_UNKNOWN"
    BENEFIT_NOT_IN_BASIS = "BENEFIT_NOT_IN_BASIS"
    CLASS_UNKNOWN = "CLASS_UNKNOWN"
    CLASS_NOT_IN_BASIS = "CLASS_NOT_IN_BASIS"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    EVIDENCE_NAMES_A_PERSON = "EVIDENCE_NAMES_A_PERSON"
    DATES_MISSING = "DATES_MISSING"
    DATES_WRONG = "DATES_WRONG"
    END_NEEDED = "END_NEEDED"
    TOO_LONG = "CONSENT_TOO_LONG"
    LINE_FORM = "LINE_FORM"
    DATE_INVALID = "DATE_INVALID"
    GIVER_UNKNOWN = "GIVER_UNKNOWN"


# Which field of a single registration an answer speaks of.
FIELDS = {
    ConsentAnswer.DIFFERS: "evidence",
    ConsentAnswer.NOT_ASKED_FOR: "purpose",
    ConsentAnswer.NUMBER_INVALID: "identity_number",
    ConsentAnswer.BENEFIT_UNKNOWN: "benefits",
    ConsentAnswer.BENEFIT_NOT_IN_BASIS: "benefits",
    ConsentAnswer.CLASS_UNKNOWN: "classes",
    ConsentAnswer.CLASS_NOT_IN_BASIS: "classes",
    ConsentAnswer.EVIDENCE_MISSING: "evidence",
    ConsentAnswer.EVIDENCE_NAMES_A_PERSON: "evidence",
    ConsentAnswer.DATES_MISSING: "valid_from",
    ConsentAnswer.DATES_WRONG: "valid_from",
    ConsentAnswer.END_NEEDED: "valid_to",
    ConsentAnswer.TOO_LONG: "valid_to",
    ConsentAnswer.GIVER_UNKNOWN: "giver",
}

_SENTENCES: dict[str, Promise] = {
    ConsentAnswer.REGISTERED: _("The consent is registered."),
    ConsentAnswer.WAITS: _(
        "The consent is registered and counts once Försäkringskassan has examined it: a guardian gave it, or a minor."
    ),
    ConsentAnswer.ALREADY_REGISTERED: _("The same consent was registered before; nothing was changed."),
    ConsentAnswer.DIFFERS: _(
        "Another consent of the same person for the same purpose was registered with this evidence reference."
    ),
    ConsentAnswer.NOT_ASKED_FOR: _("No agreement of the customer's asks for consent for this purpose."),
    ConsentAnswer.NUMBER_INVALID: _("The identity number is not valid."),
    ConsentAnswer.BENEFIT_UNKNOWN: _("At least one benefit is needed, and each must be one that can be ordered."),
    ConsentAnswer.BENEFIT_NOT_IN_BASIS: _("The legal basis does not reach a benefit that the consent names."),
    ConsentAnswer.CLASS_UNKNOWN: _("At least one field class is needed, and each must be one that exists."),
    ConsentAnswer.CLASS_NOT_IN_BASIS: _("The legal basis cannot give a field class that the consent names."),
    ConsentAnswer.EVIDENCE_MISSING: _("A reference to the evidence is needed, of 100 characters at most."),
    ConsentAnswer.EVIDENCE_NAMES_A_PERSON: _("The reference to the evidence must not hold an identity number."),
    ConsentAnswer.DATES_MISSING: _("The days when the consent was given and from when it holds are needed."),
    ConsentAnswer.DATES_WRONG: _(
        "A consent is given no later than today and no later than it begins to hold, and has not ended already."
    ),
    ConsentAnswer.END_NEEDED: _("A consent for this purpose must say when it ends."),
    ConsentAnswer.TOO_LONG: _("The consent holds for longer than one for this purpose may."),
    ConsentAnswer.LINE_FORM: _("The line has more or fewer cells than the header."),
    ConsentAnswer.DATE_INVALID: _("A day is not written as YYYY-MM-DD."),
    ConsentAnswer.GIVER_UNKNOWN: _("It does not say whether the person or a guardian gave the consent."),
}


def consent_sentence(code: str) -> Promise | str:
    """The sentence for a code, in the reader's language; the code itself if it is of another time."""
    return _SENTENCES.get(code, code)
