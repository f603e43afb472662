"""What each line of an order is answered: stable codes, with sentences for people. docs/orders.md lists them."""

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from subscriptions.decision import Refusal
from subscriptions.orders.lines import Fault


class Answer(StrEnum):
    ACCEPTED = "ACCEPTED"
    NUMBER_REPLACED = "NUMBER_REPLACED"
    ALREADY_WATCHED = "ALREADY_WATCHED"
    CANCELLED = "CANCELLED"
    REFRESH_ORDERED = "REFRESH_ORDERED"
    NOT_WATCHED = "NOT_WATCHED"
    DUPLICATE_IN_ORDER = "DUPLICATE_IN_ORDER"
    CONFLICT_IN_ORDER = "CONFLICT_IN_ORDER"
    KIND_UNKNOWN = Fault.KIND_UNKNOWN.value
    NUMBER_INVALID = "NUMBER_INVALID"
    NUMBER_DAMAGED = Fault.NUMBER_DAMAGED.value
    BENEFIT_UNKNOWN = "BENEFIT_UNKNOWN"
    FROM_MISSING = "FROM_MISSING"
    FROM_INVALID = Fault.FROM_INVALID.value
    REFERENCE_TOO_LONG = Fault.REFERENCE_TOO_LONG.value
    LOOK_BACK_TOO_LONG = "LOOK_BACK_TOO_LONG"
    NOT_CARRIED_OUT = "NOT_CARRIED_OUT"


CARRIED_OUT = frozenset({Answer.ACCEPTED, Answer.NUMBER_REPLACED, Answer.CANCELLED, Answer.REFRESH_ORDERED})
# What had no effect because it stood already: there is nothing in it to mend.
STOOD_ALREADY = frozenset({Answer.ALREADY_WATCHED, Answer.DUPLICATE_IN_ORDER})

_SENTENCES: dict[str, Promise] = {
    Answer.ACCEPTED: _("The watch is open; complete information comes with the next delivery."),
    Answer.NUMBER_REPLACED: _("The watch is open. The person has another number now, and deliveries name it."),
    Answer.ALREADY_WATCHED: _("The person is already watched for this benefit; nothing was changed."),
    Answer.CANCELLED: _("The watch has ended; the next delivery says so."),
    Answer.REFRESH_ORDERED: _("Complete information comes again with the next delivery."),
    Answer.NOT_WATCHED: _("There is no open watch on this person for this benefit."),
    Answer.DUPLICATE_IN_ORDER: _("The same person and benefit stand on an earlier line of the order."),
    Answer.CONFLICT_IN_ORDER: _(
        "An earlier line of the order asks for something else for the same person and benefit."
    ),
    Answer.KIND_UNKNOWN: _("The order type is not one of the three."),
    Answer.NUMBER_INVALID: _("The identity number is not valid."),
    Answer.NUMBER_DAMAGED: _(
        "A spreadsheet has changed the identity number so that digits are lost. Write the column as text."
    ),
    Answer.BENEFIT_UNKNOWN: _("There is no such benefit to order."),
    Answer.FROM_MISSING: _("A from-date is needed, written as YYYY-MM-DD."),
    Answer.FROM_INVALID: _("The from-date cannot be read. Write it as YYYY-MM-DD."),
    Answer.REFERENCE_TOO_LONG: _(
        "A reference is longer than is kept: 60 characters of a case or need, 100 of your own."
    ),
    Answer.LOOK_BACK_TOO_LONG: _("The from-date is earlier than the agreement allows."),
    Answer.NOT_CARRIED_OUT: _("The order was stopped before it came to this line. Order it again."),
    Refusal.CUSTOMER_INACTIVE: _("The customer is not active."),
    Refusal.BASIS_UNKNOWN: _("The agreement names a legal basis that does not exist."),
    Refusal.BASIS_CLOSED: _("The legal basis no longer applies."),
    Refusal.BASIS_DRAFT: _("The legal basis has not been approved."),
    Refusal.BASIS_NOT_IN_FORCE: _("The legal basis is not in force."),
    Refusal.RECIPIENT_KIND: _("The legal basis does not name this kind of recipient."),
    Refusal.CONSENT_MISSING: _("There is no consent that covers this."),
    Refusal.CONSENT_NOT_EXAMINED: _("The consent waits to be examined by Försäkringskassan."),
    Refusal.PURPOSE: _("The purpose is not that of the legal basis."),
    Refusal.NOT_STANDING: _("The legal basis does not allow a standing subscription."),
    Refusal.BLOCKED: _("Deliveries are blocked."),
    Refusal.AGREEMENT_NOT_ACTIVE: _("The agreement is not active."),
    Refusal.AGREEMENT_NOT_IN_FORCE: _("The agreement is not in force on this day."),
    Refusal.BENEFIT_NOT_AGREED: _("The agreement does not cover this benefit."),
    Refusal.RESERVATION_NOT_ACKNOWLEDGED: _(
        "A reservation about the use of the information must be acknowledged first."
    ),
    Refusal.CASE_REFERENCE_MISSING: _("A case reference is needed."),
    Refusal.NEED_REFERENCE_MISSING: _("A reference to the need is needed."),
    Refusal.RECONFIRMATION_OVERDUE: _("The need or case has not been confirmed in time."),
    Refusal.PROTECTED: _("The person's identity is protected."),
    Refusal.BENEFIT_NOT_IN_BASIS: _("The legal basis does not cover this benefit."),
    Refusal.OWNER_NOT_APPROVED: _("The agency that owns the information has not approved it."),
    Refusal.NO_FIELDS: _("Nothing of this benefit may be told."),
}


def sentence(code: str) -> Promise | str:
    """The sentence for a code, in the reader's language; the code itself if it is of another time."""
    return _SENTENCES.get(code, code)
