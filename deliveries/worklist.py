"""What a portal user comes back to: what waits for the user, by urgency, and what is new since last time.

In words, each with one place to go to. Nothing here names a person, a case or a reference.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Max, Min, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deliveries.models import ClosingProposal, Delivery
from lefi.paging import counted_to
from subscriptions import reservations
from subscriptions.answers import CARRIED_OUT
from subscriptions.labels import stream_name
from subscriptions.models import Agreement, Order, Stream, Watch
from subscriptions.orders import mending
from subscriptions.references import to_reconfirm

SOON = timedelta(days=3)
ONE_BY_ONE = 3  # of the user's own orders
MOST = 1000  # watches that are counted for a task; beyond that it is enough to know that there are more
OVER = (Order.Status.DONE, Order.Status.REFUSED)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for the user. `urgent`: nothing comes until it is done. `due` is the last day for it."""

    text: str
    url: str
    why: str = ""
    due: date | None = None
    urgent: bool = False

    def is_late(self, day: date) -> bool:
        return self.due is not None and self.due < day

    def is_near(self, day: date) -> bool:
        return self.due is not None and day <= self.due <= day + SOON


@dataclass(frozen=True, slots=True)
class News:
    text: str
    url: str


def tasks_of(user: Any, at: datetime, *, reservations_waiting: int, messages_unread: int) -> list[Task]:
    """What waits for the user: first what holds everything up, then by the last day for it."""
    administered, day = reservations.administered_by(user), timezone.localdate(at)
    found = [
        *_reservations(reservations_waiting, administered),
        *_messages(messages_unread),
        *_agreements(administered),
        *_to_read(user),
        *_previews(user),
        *_reconfirmations(user, day),
        *_faults(user, at),
        *_to_acknowledge(user),
        *_to_close(user, day),
    ]
    return sorted(found, key=lambda task: (not task.urgent, task.due or date.max))


def _reservations(waiting: int, administered: set[int]) -> Iterator[Task]:
    if waiting:
        text = ngettext("Acknowledge a reservation", "Acknowledge %(count)d reservations", waiting) % {"count": waiting}
        mine = _("Nothing is delivered until it is done.")
        others = _("Nothing is delivered until an administrator of your organisation has done it.")
        yield Task(text, reverse("portal:reservation-list"), mine if administered else others, urgent=True)


def _messages(count: int) -> Iterator[Task]:
    if count:
        text = ngettext("Read a message sent to you unasked", "Read %(count)d messages sent to you unasked", count)
        why = _("Försäkringskassan tells it of its own accord.")
        yield Task(text % {"count": count}, reverse("portal:spontaneous-list"), why, urgent=True)


def _agreements(administered: set[int]) -> Iterator[Task]:
    to_sign = Agreement.objects.filter(customer__in=administered, status=Agreement.Status.SENT).order_by("pk")
    for agreement in to_sign:
        text = _("Read and sign agreement %(agreement)s") % {"agreement": agreement}
        yield Task(text, reverse("portal:agreement-detail", args=[agreement.pk]), _("It holds once it is signed."))


def _to_read(user: Any) -> Iterator[Task]:
    new = Delivery.objects.visible_to(user).standing().filter(first_fetched_at=None).order_by().values("stream")
    rows = new.annotate(count=Count("pk"), since=Min("released_at"), first=Min("pk"), persons=Sum("persons"))
    streams = _streams(row["stream"] for row in rows)
    for row in rows:
        due = timezone.localdate(row["since"]) + timedelta(days=settings.LAG_FETCH_DAYS)
        text = ngettext("Read a delivery", "Read %(count)d deliveries, in order", row["count"])
        url = reverse("portal:delivery-detail", args=[row["first"]])
        yield Task(text % {"count": row["count"]}, url, _about(streams[row["stream"]], row["persons"]), due)


def _to_acknowledge(user: Any) -> Iterator[Task]:
    read = (
        Delivery.objects.visible_to(user)
        .standing()
        .filter(first_fetched_at__isnull=False, acknowledged_at=None)
        .order_by()
        .values("stream")
    )
    rows = read.annotate(count=Count("pk"), since=Min("first_fetched_at"))
    streams = _streams(row["stream"] for row in rows)
    for row in rows:
        stream = streams[row["stream"]]
        late = timezone.localdate(row["since"]) + timedelta(days=settings.LAG_ACKNOWLEDGE_DAYS)
        text = ngettext("Acknowledge a delivery", "Acknowledge %(count)d deliveries", row["count"])
        yield Task(
            text % {"count": row["count"]},
            _list("delivery-list", stream=stream.pk, state="fetched"),
            stream_name(stream),
            late if stream.channel == Stream.Channel.API else None,
        )


def _previews(user: Any) -> Iterator[Task]:
    previews = Order.objects.looked_after_by(user).filter(status=Order.Status.PREVIEWED)
    found = previews.aggregate(count=Count("pk"), since=Min("received_at"), first=Min("pk"))
    count = found["count"]
    if count:
        due = timezone.localdate(found["since"]) + timedelta(days=settings.ORDER_PREVIEW_DAYS)
        text = ngettext("Confirm an order, or throw it away", "Confirm %(count)d orders, or throw them away", count)
        one = reverse("portal:order-detail", args=[found["first"]])
        url = one if count == 1 else _list("order-list", status=Order.Status.PREVIEWED)
        yield Task(text % found, url, _("A preview that nobody confirms is thrown away by itself."), due)


def _faults(user: Any, at: datetime) -> Iterator[Task]:
    faulty = mending.to_mend(Order.objects.looked_after_by(user), at)
    if faulty:
        lines = sum(one.left for one in faulty)
        text = ngettext("Look at a line with a fault", "Look at %(count)d lines with faults", lines) % {"count": lines}
        one = reverse("portal:order-detail", args=[faulty[0].order.pk])
        url = f"{one}#lines" if len(faulty) == 1 else _list("order-list", faults="on")
        why = ngettext("In an order.", "In %(count)d orders.", len(faulty)) % {"count": len(faulty)}
        yield Task(text, url, why)


def _reconfirmations(user: Any, day: date) -> Iterator[Task]:
    due = to_reconfirm(Watch.objects.visible_to(user), day).values_list("reconfirm_by", flat=True)
    days = list(due[: MOST + 1])
    if days:
        text = ngettext("Confirm that a watch is needed", "Confirm that %(count)s watches are needed", len(days)) % {
            "count": counted_to(len(days), MOST)
        }
        why = _("A watch that is not confirmed is paused, and later ends.")
        yield Task(text, reverse("portal:watch-reconfirm"), why, days[0])


def _to_close(user: Any, day: date) -> Iterator[Task]:
    waiting = ClosingProposal.objects.visible_to(user).waiting(day).order_by()
    count = len(set(waiting.values_list("watch", flat=True)[: MOST + 1]))
    if count:
        text = ngettext("Look at a watch that can perhaps end", "Look at %(count)s watches that can perhaps end", count)
        yield Task(text % {"count": counted_to(count, MOST)}, reverse("portal:watches-to-close"))


# What is new


def news_of(user: Any, since: datetime) -> list[News]:
    """What has come about since an instant: deliveries, ended watches and answered orders."""
    return [*_delivered(user, since), *_answered(user, since), *_ended(user, since)]


def _delivered(user: Any, since: datetime) -> Iterator[News]:
    came = Delivery.objects.visible_to(user).standing().filter(released_at__gt=since).order_by().values("stream")
    rows = came.annotate(count=Count("pk"), persons=Sum("persons"), last=Max("pk"))
    streams = _streams(row["stream"] for row in rows)
    for row in rows:
        stream = streams[row["stream"]]
        text = ngettext("A delivery has come", "%(count)d deliveries have come", row["count"]) % {"count": row["count"]}
        one = reverse("portal:delivery-detail", args=[row["last"]])
        url = one if row["count"] == 1 else _list("delivery-list", stream=stream.pk)
        yield News(f"{text}: {_about(stream, row['persons'])}", url)


def _answered(user: Any, since: datetime) -> Iterator[News]:
    orders = Order.objects.visible_to(user).filter(status__in=OVER, done_at__gt=since)
    own = orders.filter(ordered_by=user).order_by("-pk")
    shown = list(own[:ONE_BY_ONE])
    for order in shown:
        yield News(_answer(order), reverse("portal:order-detail", args=[order.pk]))
    others = orders.count() - len(shown)
    if others:
        said = {"count": others}
        if shown:
            text = ngettext("One more order has been answered", "%(count)d more orders have been answered", others)
        else:
            text = ngettext("An order has been answered", "%(count)d orders have been answered", others)
        yield News(text % said, reverse("portal:order-list"))


def _answer(order: Order) -> str:
    if order.status == Order.Status.REFUSED:
        return _("Your order %(number)d could not be read") % {"number": order.pk}
    done = sum(order.counts.get(code, 0) for code in CARRIED_OUT)
    text = ngettext(
        "Your order %(number)d is answered: %(done)d line carried out",
        "Your order %(number)d is answered: %(done)d lines carried out",
        done,
    ) % {"number": order.pk, "done": done}
    rest = sum(order.counts.values()) - done
    return text if not rest else _("%(text)s, %(rest)d without effect") % {"text": text, "rest": rest}


def _ended(user: Any, since: datetime) -> Iterator[News]:
    ended = Watch.objects.visible_to(user).filter(ended_at__gt=since).order_by()
    counts = Counter(dict(ended.values_list("end_reason").annotate(count=Count("pk"))))
    watches = counts.total()
    if watches:
        text = ngettext("A watch has ended", "%(count)d watches have ended", watches) % {"count": watches}
        reasons = dict(Watch.EndReason.choices)
        why = ", ".join(f"{reasons.get(code, code)} {count}" for code, count in counts.most_common())
        yield News(f"{text} ({why})" if watches > 1 else text, _list("watch-list", state="ended", order="-ended"))


def _streams(ids: Any) -> dict[int, Stream]:
    return Stream.objects.select_related("agreement__customer").in_bulk(list(ids))


def _about(stream: Stream, persons: int) -> str:
    about = ngettext("about %(count)d person", "about %(count)d persons", persons) % {"count": persons}
    return f"{stream_name(stream)}, {about}"


def _list(name: str, **asked: Any) -> str:
    return f"{reverse(f'portal:{name}')}?{urlencode(asked)}"
