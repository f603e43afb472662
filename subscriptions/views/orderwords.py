"""What orders, their answers and their refusals are called on the portal's pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lefi.problems import PROBLEMS
from subscriptions.answers import CARRIED_OUT, Answer, sentence
from subscriptions.models import Order

# In a preview nothing has happened.
_BEFOREHAND: dict[str, Promise] = {
    Answer.ACCEPTED: gettext_lazy("A watch is opened, and complete information comes with the next delivery."),
    Answer.NUMBER_REPLACED: gettext_lazy(
        "A watch is opened. The person has another number now, and deliveries name it."
    ),
    Answer.ALREADY_WATCHED: gettext_lazy("The person is already watched for this benefit; nothing is changed."),
    Answer.CANCELLED: gettext_lazy("The watch ends; the next delivery says so."),
    Answer.REFRESH_ORDERED: gettext_lazy("Complete information comes again with the next delivery."),
}
_ADVICE: dict[str, Promise] = {
    "EMPTY": gettext_lazy("Check that it is the right file, and that it has rows below the header."),
    "HEADER": gettext_lazy("Give the columns the names of the example file, each once."),
    "ENCODING": gettext_lazy("Save the file anew as CSV in UTF-8."),
    "NOT_A_TABLE": gettext_lazy("Save the file anew as XLSX or CSV, without a password."),
    "NOT_XML": gettext_lazy("Have your system write the file anew, or send CSV."),
    "NOT_JSON": gettext_lazy("Have your system write the file anew, or send CSV."),
    "DOCTYPE": gettext_lazy("Have the DOCTYPE taken out of the file."),
    "FORM": gettext_lazy("Mend the row, or choose another form if it was found wrongly."),
    "TOO_LARGE": gettext_lazy("Divide the file into several."),
    "TOO_MANY_LINES": gettext_lazy("Divide the file into several. Excel files hold fewer lines than CSV."),
    "ORGANISATION_MISSING": gettext_lazy("Write your organisation number in the head of the file."),
    "OTHER_ORGANISATION": gettext_lazy("Choose the unit that the file is from, or mend the head of the file."),
    "FILE_LOST": gettext_lazy("Send the file again. The fault is ours."),
}


@dataclass(frozen=True, slots=True)
class Said:
    """How many lines of an order got one answer, and what it means; `effect` if something is done for them."""

    code: str
    sentence: Promise | str
    count: int
    effect: bool


def words_of(order: Order, code: str) -> Promise | str:
    """The sentence for a line's answer: what has happened, or what would if a preview were confirmed."""
    if order.aim == Order.Aim.PREVIEW and code in _BEFOREHAND:
        return _BEFOREHAND[code]
    return sentence(code)


def said_of(order: Order) -> list[Said]:
    """The order's answers: those with an effect first, the most frequent first."""
    found = [Said(code, words_of(order, code), count, code in CARRIED_OUT) for code, count in order.counts.items()]
    return sorted(found, key=lambda one: (not one.effect, -one.count, one.code))


def with_effect(said: Iterable[Said]) -> int:
    return sum(one.count for one in said if one.effect)


def refused_words(code: str, row: int, own: Mapping[str, Promise] = {}) -> str:
    """Why a file was refused, where, and what to do, as one text: in a page's own words where it has some."""
    where = _("Row %(row)s.") % {"row": row} if row else ""
    if code in own:
        return f"{where} {own[code]}".strip()
    why = str(PROBLEMS[code].title) if code in PROBLEMS else code
    return " ".join(part for part in (where, why, str(_ADVICE.get(code, ""))) if part)


def lasting(time: timedelta | None) -> str:
    """A time in minutes and seconds; "" if it is not known."""
    if time is None:
        return ""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}
    return _("%(seconds)d s") % {"seconds": seconds}


def next_night(at: datetime) -> date:
    """The day whose nightly run is the first to come."""
    here = timezone.localtime(at)
    return here.date() if here.time() < settings.NIGHT_STARTS else here.date() + timedelta(days=1)


def still_to_come(at: datetime, examined: date | None) -> bool:
    """Whether what was ordered at a time comes with a stream's next delivery; `examined` is its mark.

    Told by the days alone, and so the same for every watch: what is owed a protected person's is not for the
    customer to learn (C8). What was ordered on the night's own day after it counts as told.
    """
    return examined is None or timezone.localdate(at) > examined
