"""Where a portal user left off: when the user was last here, and which notices the user has read."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from subscriptions.models import Customer, Desk, Order

BREAK = timedelta(minutes=30)  # without opening the start page: then the next time is a new visit


@transaction.atomic
def arrive(*, user: Any, at: datetime) -> datetime | None:
    """Note that the user has opened the start page; return when the visit before ended, None if this is the first."""
    desk, _ = Desk.objects.select_for_update(no_key=True).get_or_create(user=user)
    if desk.here_at is None or at - desk.here_at >= BREAK:
        desk.before_at = desk.here_at
    desk.here_at = at
    desk.save(update_fields=["here_at", "before_at"])
    return desk.before_at


def read_notices(*, user: Any, at: datetime) -> None:
    """Note that the user has read the notices there are at an instant."""
    Desk.objects.update_or_create(user=user, defaults={"notices_read_at": at})


def notices_read_at(user: Any) -> datetime | None:
    return Desk.objects.filter(user=user).values_list("notices_read_at", flat=True).first()


def usual_watches(user: Any) -> str | None:
    """The selection of watches that the user has kept as the usual one; None if none is kept."""
    return Desk.objects.filter(user=user).values_list("watch_filter", flat=True).first()


def works_on_own_cases(user: Any) -> bool:
    """Whether the user is a case worker who has ordered something, and so is shown the own cases first."""
    if Customer.objects.handled_by(user).exists():
        return False
    return Order.objects.visible_to(user).filter(ordered_by=user).exists()


def keep_usual_watches(*, user: Any, selection: str | None) -> None:
    Desk.objects.update_or_create(user=user, defaults={"watch_filter": selection})
