"""How large the first delivery of an order would be, reckoned without a look at the persons whom it names.

What is known of them is not to be told by a preview, not even as a size: that would be a disclosure that nobody has
logged. So the size is that of as many average persons of the whole register (benefits.volume).
"""

from django.db.models import Count

from benefits.volume import bytes_a_person
from subscriptions.answers import Answer
from subscriptions.models import Order

TOLD_WHOLE = (Answer.ACCEPTED, Answer.NUMBER_REPLACED, Answer.REFRESH_ORDERED)

# Bytes of a delivery that are the same whoever it is about, as measured in first deliveries on the synthetic register.
DOCUMENT = 900  # its beginning and end
PERSON = 80  # the element of a person
WATCH = 590  # the status of a watch, and the block with the person's name and number
MARKUP = 1.25  # the elements around each text, for a byte of the source's JSON


def expected(order: Order) -> dict[str, int | None]:
    """Of a preview: `watches` to be told whole, `persons` by their numbers, and `bytes` to two digits.

    `bytes` is None where the register holds too few persons to say.
    """
    lines = order.lines.filter(answer__in=TOLD_WHOLE)
    watches = dict(lines.order_by().values_list("benefit").annotate(Count("pk")))
    persons = lines.aggregate(count=Count("number", distinct=True))["count"]
    return {"watches": sum(watches.values()), "persons": persons, "bytes": _size(watches, persons)}


def _size(watches: dict[str, int], persons: int) -> int | None:
    means = bytes_a_person()
    if not means:
        return None
    content = sum(MARKUP * means.get(benefit, 0) * count for benefit, count in watches.items())
    return _to_two_digits(DOCUMENT + PERSON * persons + WATCH * sum(watches.values()) + content)


def _to_two_digits(size: float) -> int:
    return int(float(f"{size:.1e}"))
