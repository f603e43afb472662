"""What waits for the staff among connections, agreements, consents, notices and watches."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from lefi.staffwork import CUSTOMERS, NIGHTS, Work
from subscriptions import protection
from subscriptions.models import Agreement, Connection, Consent, Notice, Pending, Watch


def in_step(status: str) -> Any:
    """The agreements that have come so far."""
    return lambda user, at: Agreement.objects.filter(status=status)


def not_applied_for(agreements: QuerySet[Agreement], user: Any) -> QuerySet[Agreement]:
    """Those that came of no application of the user's own."""
    return agreements.exclude(connection__in=Connection.objects.applied_by(user))


def consents_to_examine(user: Any, at: datetime) -> QuerySet[Consent]:
    waiting = Consent.objects.filter(examination=Consent.Examination.WAITING, withdrawn_at=None)
    return waiting.exclude(registered_by=user)


def unconfirmed(user: Any, at: datetime) -> QuerySet[Watch]:
    """The open watches that their customers should have confirmed by now: they are paused, and will end."""
    return Watch.objects.open().filter(reconfirm_by__lt=timezone.localdate(at))


WORK = (
    Work(
        key="protected",
        model=Pending,
        rights=(protection.RIGHT,),
        title="",
        sentence=ngettext_lazy(
            "%(count)s watch on a person with protected identity is frozen and waits for a decision.",
            "%(count)s watches on persons with protected identity are frozen and wait for a decision.",
            "n",
        ),
        rows=lambda user, at: protection.queue(day=timezone.localdate(at), at=at),
        since="deadline",
        order="since",
        due=True,
        url_name="admin:subscriptions_protected_queue",
    ),
    Work(
        key="examine",
        model=Connection,
        rights=("subscriptions.change_connection",),
        title=_("to examine"),
        sentence=ngettext_lazy(
            "%(count)s application for a connection waits to be examined.",
            "%(count)s applications for a connection wait to be examined.",
            "n",
        ),
        rows=lambda user, at: Connection.objects.to_examine(user),
        since="submitted_at",
    ),
    Work(
        key="send",
        model=Agreement,
        rights=("subscriptions.change_agreement",),
        title=_("to send to the customer"),
        sentence=ngettext_lazy(
            "%(count)s agreement is to be sent to the customer.",
            "%(count)s agreements are to be sent to the customers.",
            "n",
        ),
        rows=in_step(Agreement.Status.EXAMINED),
        since="prepared_at",
    ),
    Work(
        key="sign",
        model=Agreement,
        rights=("subscriptions.change_agreement",),
        title=_("to sign for Försäkringskassan"),
        sentence=ngettext_lazy(
            "%(count)s agreement is signed by the customer and waits for Försäkringskassan's signature.",
            "%(count)s agreements are signed by the customers and wait for Försäkringskassan's signature.",
            "n",
        ),
        rows=lambda user, at: not_applied_for(in_step(Agreement.Status.SIGNED_BY_CUSTOMER)(user, at), user),
        since="signed_by_customer_at",
    ),
    Work(
        key="approve",
        model=Agreement,
        rights=("subscriptions.approve_agreement",),
        title=_("to approve"),
        sentence=ngettext_lazy(
            "%(count)s agreement is signed by both parties and waits for your approval.",
            "%(count)s agreements are signed by both parties and wait for your approval.",
            "n",
        ),
        rows=lambda user, at: not_applied_for(Agreement.objects.to_approve(user), user),
        since="signed_by_fk_at",
    ),
    Work(
        key="examine",
        model=Consent,
        rights=("subscriptions.approve_consent",),
        title=_("to examine"),
        sentence=ngettext_lazy(
            "%(count)s consent from a guardian or a minor waits to be examined.",
            "%(count)s consents from guardians or minors wait to be examined.",
            "n",
        ),
        rows=consents_to_examine,
        since="registered_at",
    ),
    Work(
        key="unconfirmed",
        model=Watch,
        rights=("deliveries.change_closingproposal",),
        title=_("not confirmed in time"),
        sentence=ngettext_lazy(
            "%(count)s watch was not confirmed in time by its customer. It is paused, and will end.",
            "%(count)s watches were not confirmed in time by their customers. They are paused, and will end.",
            "n",
        ),
        rows=unconfirmed,
        since="reconfirm_by",
    ),
    Work(
        key="unmailed",
        model=Notice,
        rights=(NIGHTS, CUSTOMERS),
        title=_("that could not be mailed"),
        sentence=ngettext_lazy(
            "%(count)s notice to a customer could not be mailed.",
            "%(count)s notices to customers could not be mailed.",
            "n",
        ),
        rows=lambda user, at: Notice.objects.unsent().filter(tried_at__isnull=False),
        since="at",
    ),
)
