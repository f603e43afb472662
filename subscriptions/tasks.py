"""What goes on in the background on the side of the law. Any task may be lost or run twice."""

import structlog
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from subscriptions import followup, notices, upkeep
from subscriptions.models import Order
from subscriptions.orders import files, placing

log = structlog.get_logger(__name__)


def hand_over(order: Order) -> None:
    """Give an order to a worker now; one that cannot be reached finds it within a minute all the same."""
    try:
        work_on_order.delay(order.pk)
    except OperationalError:
        log.warning("broker_unreachable", order=order.pk)


@shared_task
def work_on_order(order_pk: int) -> None:
    placing.work_on(order_pk)


@shared_task
def take_up_orders() -> None:
    """Send the orders that wait, or whose worker was lost, to the workers."""
    for order in Order.objects.to_work_on(timezone.now()).order_by("pk"):
        work_on_order.delay(order.pk)


@shared_task
def look_through_the_log() -> None:
    """Look for what is unusual in the months of reads that are over."""
    now = timezone.now()
    followup.look_through_the_log(at=now, day=timezone.localdate(now))


@shared_task
def sweep_unkept_files() -> int:
    return files.sweep()


@shared_task
def keep_up() -> None:
    """Do what time alone brings about; the night does it too, so that one that is lost is no harm."""
    upkeep.keep_up(day=timezone.localdate(), at=timezone.now())


@shared_task
def mail_notices() -> int:
    return notices.mail_unsent(timezone.now())
