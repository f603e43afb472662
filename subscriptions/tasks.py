"""What goes on in the background on the side of the law. Any task may be lost or run twice."""

from celery import shared_task
from django.utils import timezone

from subscriptions import notices, upkeep


@shared_task
def keep_up() -> None:
    """Do what time alone brings about; the night does it too, so that one that is lost is no harm."""
    upkeep.keep_up(day=timezone.localdate(), at=timezone.now())


@shared_task
def mail_notices() -> int:
    return notices.mail_unsent(timezone.now())
