"""Why somebody did something, in that person's own words: kept in rows and in the log, so it names nobody."""

from lefi.errors import Refused
from lefi.masking import mask_identity_numbers

LONGEST = 300  # characters, as the audit log holds


class ReasonRefused(Refused):
    """A reason that is none (REASON_MISSING), too long (REASON_TOO_LONG), or with a number (REASON_NAMES_A_PERSON)."""


def demand_reason(text: str) -> str:
    """Return the reason without white space around it. Raise ReasonRefused if it cannot be kept."""
    reason = text.strip()
    if not reason:
        raise ReasonRefused("REASON_MISSING", "A reason is needed.")
    if len(reason) > LONGEST:
        raise ReasonRefused("REASON_TOO_LONG", f"A reason is {LONGEST} characters at most.")
    if mask_identity_numbers(reason) != reason:
        raise ReasonRefused("REASON_NAMES_A_PERSON", "A reason holds no identity number.")
    return reason
