"""What staff may do with an order as it stands: stop it, go on with it, end it, confirm it or throw it away."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.admin import Consequence, Step
from lefi.paging import grouped
from subscriptions.answers import CARRIED_OUT
from subscriptions.models import Order
from subscriptions.orders import placing
from subscriptions.tasks import hand_over

Status = Order.Status

BUTTONS: dict[str, Promise] = {
    "stop": _("Stop"),
    "resume": _("Go on"),
    "give_up": _("End the rest"),
    "confirm": _("Confirm the order"),
    "throw_away": _("Throw away"),
}


@dataclass(frozen=True, slots=True)
class _Words:
    title: Promise
    done: Promise
    means: Promise


_WORDS = {
    "stop": _Words(
        _("Stop an order"),
        _("The order stops after the lines that are being answered."),
        _("What has been carried out stands. The order can go on later where it was, or be ended."),
    ),
    "resume": _Words(
        _("Go on with an order"),
        _("The order goes on."),
        _("The order goes on where it stopped."),
    ),
    "give_up": _Words(
        _("End the rest of an order"),
        _("The rest of the order is ended."),
        _("What has been carried out stands. Each line that is left is answered NOT_CARRIED_OUT."),
    ),
    "confirm": _Words(
        _("Confirm an order"),
        _("The order is carried out."),
        _("Every line is examined anew and carried out. Its answer may differ from that of the preview."),
    ),
    "throw_away": _Words(
        _("Throw away an order"),
        _("The order was thrown away."),
        _("The order has had no effect and will have none. Its file and its answers are removed."),
    ),
}


def open_steps(order: Order) -> list[str]:
    """What may be done with an order as it stands."""
    if order.status in Order.IN_HAND:
        return [] if order.stop_wanted else ["stop"]
    if order.status == Status.PREVIEWED:
        return ["confirm", "throw_away"]
    if order.status == Status.RECEIVING:
        return ["throw_away"]
    return _steps_of_stopped(order) if order.status == Status.STOPPED else []


def _steps_of_stopped(order: Order) -> list[str]:
    if order.aim == Order.Aim.PREVIEW:
        return ["resume", "throw_away"]
    ending = ["give_up"] if order.line_count is not None else []
    return ["resume", *ending, *([] if order.lines_done else ["throw_away"])]


def step_of(step: str, order: Order, *, by: Any, refusal: Any) -> Step:
    """The page of a step, that says what it would mean."""
    words, act = _WORDS[step], _ACTS[step]
    return Step(
        title=words.title,
        button=BUTTONS[step],
        done=words.done,
        act=lambda said: act(order, by, said["reason"]),
        refusal=refusal,
        consequences=lambda: [_means(words, order)],
    )


def _means(words: _Words, order: Order) -> Consequence:
    effect = sum(count for code, count in order.counts.items() if code in CARRIED_OUT)
    previewed = order.status == Status.PREVIEWED
    with_effect = _("Lines that would have an effect") if previewed else _("Lines that have had an effect")
    left = (order.line_count or 0) - order.lines_done
    rows: list[list[Any]] = [
        [words.means, ""],
        [with_effect, grouped(effect)],
        [_("Lines without effect"), grouped(order.lines_done - effect)],
        [_("Lines that are not answered"), grouped(left) if order.line_count is not None else _("not known")],
    ]
    return Consequence(_("What it means"), rows)


def set_going(order: Order) -> None:
    """Have an order worked on once the transaction is over: here if it is short, else by a worker."""
    short = order.line_count is not None and order.line_count <= settings.ORDER_AT_ONCE_LINES
    transaction.on_commit(partial(placing.work_on, order.pk) if short else partial(hand_over, order))


def _confirm(order: Order, by: Any, reason: str) -> None:
    set_going(placing.confirm(order, at=timezone.now(), by=by, reason=reason))


def _resume(order: Order, by: Any, reason: str) -> None:
    set_going(placing.resume(order, by=by, reason=reason))


def _give_up(order: Order, by: Any, reason: str) -> None:
    set_going(placing.give_up(order, by=by, reason=reason))


def _stop(order: Order, by: Any, reason: str) -> None:
    placing.stop(order, by=by, reason=reason)


def _throw_away(order: Order, by: Any, reason: str) -> None:
    placing.throw_away(order, at=timezone.now(), by=by, reason=reason)


_ACTS: dict[str, Callable[[Order, Any, str], None]] = {
    "stop": _stop,
    "resume": _resume,
    "give_up": _give_up,
    "confirm": _confirm,
    "throw_away": _throw_away,
}
