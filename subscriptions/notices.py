"""What customers are told about their connections: kept as rows, shown in the portal, mailed to the contacts.

A notice never speaks of a person, a case or a reference: it names an agreement and counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from subscriptions.desks import notices_read_at
from subscriptions.models import Connection, Contact, Customer, Notice

log = structlog.get_logger(__name__)
BATCH = 200
NEWEST = 5  # on the start page of the portal


@dataclass(frozen=True, slots=True)
class Words:
    """What a notice says, with its details filled in."""

    subject: Promise
    body: Promise


@dataclass(frozen=True, slots=True)
class Said:
    """A notice in words; `unread` by the one who reads it now."""

    notice: Notice
    subject: str
    body: str
    unread: bool = False


WORDS: dict[str, Words] = {
    "CONNECTION_RECEIVED": Words(
        _("Your application has been received"),
        _("We have received your application for connection. You are told here and by mail as it goes on."),
    ),
    "CONNECTION_ACCEPTED": Words(
        _("Your application has been examined"),
        _("Your application has been examined and can be agreed on. The agreement is sent to you to sign."),
    ),
    "CONNECTION_WITHDRAWN": Words(
        _("Your application has been withdrawn"), _("Your application for connection has been withdrawn, as you asked.")
    ),
    "CONNECTION_MESSAGE": Words(
        _("A message about your application"),
        _(
            "There is a message to you about your application for connection. Read and answer it on the page of the"
            " application, at the address that you were given when you applied."
        ),
    ),
    "AGENT_REGISTERED": Words(
        _("A new agent speaks for you"),
        _("An agent has been registered for you from %(day)s: its systems can order and fetch in your name."),
    ),
    "AGENT_ENDED": Words(
        _("An agent speaks for you no more"),
        _("An agent's registration ends on %(day)s. From the day after, its systems open nothing of yours."),
    ),
    "CONNECTION_REFUSED": Words(
        _("Your application has been refused"), _("Your application for connection was refused: %(reason)s")
    ),
    "AGREEMENT_SENT": Words(
        _("Agreement %(agreement)s to sign"), _("Read and sign agreement %(agreement)s in the portal.")
    ),
    "AGREEMENT_SIGNED": Words(
        _("Agreement %(agreement)s is signed"),
        _("Both parties have signed agreement %(agreement)s. It holds once a second person of ours has approved it."),
    ),
    "AGREEMENT_ACTIVE": Words(
        _("Agreement %(agreement)s is active"),
        _("Agreement %(agreement)s is active from %(day)s. You can order watches under it."),
    ),
    "AGREEMENT_REFUSED": Words(
        _("Agreement %(agreement)s was refused"), _("Agreement %(agreement)s was refused: %(reason)s")
    ),
    "AGREEMENT_CHANGED": Words(
        _("Agreement %(agreement)s has changed"),
        _("What agreement %(agreement)s covers has changed. The portal shows what it covers now."),
    ),
    "AGREEMENT_ENDED": Words(
        _("Agreement %(agreement)s ends"),
        _("Agreement %(agreement)s ends on %(day)s. The last delivery says so, and its watches end."),
    ),
    "BASIS_CLOSED": Words(
        _("A legal basis of agreement %(agreement)s closes"),
        _(
            "Legal basis %(basis)s closes on %(day)s. From then on nothing is told on it under agreement %(agreement)s."
            " %(use_instead)s"
        ),
    ),
    "RESERVATION_SET": Words(
        _("A reservation to acknowledge, agreement %(agreement)s"),
        _(
            "Nothing is delivered under agreement %(agreement)s until you have acknowledged a reservation in the"
            " portal."
        ),
    ),
    "RECONFIRM_SOON": Words(
        _("Needs and cases to confirm, agreement %(agreement)s"),
        _(
            "%(watches)s watches under agreement %(agreement)s must be confirmed by %(day)s at the latest. Those that"
            " are not are paused, and later end."
        ),
    ),
    "RECONFIRM_PAUSED": Words(
        _("Watches paused, agreement %(agreement)s"),
        _(
            "%(watches)s watches under agreement %(agreement)s have not been confirmed and are paused. They end on"
            " %(day)s unless they are confirmed."
        ),
    ),
    "RECONFIRM_ENDED": Words(
        _("Watches ended, agreement %(agreement)s"),
        _("%(watches)s watches under agreement %(agreement)s were not confirmed in time and have ended."),
    ),
    "SIGNING_KEY_ANNOUNCED": Words(
        _("A new key signs deliveries from %(day)s"),
        _(
            "Key %(kid)s signs the manifests of deliveries from %(day)s. It is published with the others now: fetch the"
            " keys anew before that day."
        ),
    ),
    "SIGNING_KEY_WITHDRAWN": Words(
        _("A key that signs deliveries is withdrawn"),
        _(
            "Key %(kid)s can no longer be trusted. Fetch the keys anew, and check the deliveries that it has signed as"
            " the documentation says."
        ),
    ),
    "SCHEMA_ANNOUNCED": Words(
        _("The form of deliveries changes on %(day)s"),
        _(
            "Schema version %(version)s is planned to be in force from %(day)s. What changes, the new schemas and"
            " sample deliveries are published under /schema/. Check that your system can read them before that day."
        ),
    ),
    "SCHEMA_SOON": Words(
        _("The form of deliveries changes in a week"),
        _(
            "Schema version %(version)s is planned to be in force from %(day)s. What changes, the new schemas and"
            " sample deliveries are published under /schema/."
        ),
    ),
    "SCHEMA_WITHDRAWN": Words(
        _("The announced change of deliveries is withdrawn"),
        _(
            "Schema version %(version)s, which was planned to be in force from %(day)s, does not come. Deliveries are"
            " as they were until you are told otherwise."
        ),
    ),
    "WATCHES_TO_CLOSE": Words(
        _("Watches to look at, agreement %(agreement)s"),
        _(
            "%(watches)s watches under agreement %(agreement)s can perhaps be ended. See in the portal which they are"
            " and why, and end them or say why they are kept."
        ),
    ),
    "BEHIND_NOT_FETCHED": Words(
        _("Deliveries wait to be fetched, agreement %(agreement)s"),
        _(
            "Delivery %(number)s under agreement %(agreement)s, and perhaps later ones, have waited for you for several"
            " days. Fetch them in order. You are told once when nothing waits any more."
        ),
    ),
    "CAUGHT_UP_NOT_FETCHED": Words(
        _("All deliveries are fetched, agreement %(agreement)s"),
        _("No delivery under agreement %(agreement)s waits to be fetched any more."),
    ),
    "BEHIND_NOT_ACKNOWLEDGED": Words(
        _("Deliveries wait to be acknowledged, agreement %(agreement)s"),
        _(
            "Delivery %(number)s under agreement %(agreement)s was fetched several days ago and has not been"
            " acknowledged. Check that your system has taken it in. You are told once when nothing waits any more."
        ),
    ),
    "CAUGHT_UP_NOT_ACKNOWLEDGED": Words(
        _("All deliveries are acknowledged, agreement %(agreement)s"),
        _("No delivery under agreement %(agreement)s waits to be acknowledged any more."),
    ),
    "SPONTANEOUS": Words(
        _("A message with information to read"),
        _("Försäkringskassan has information for you. Log in to the portal to read it."),
    ),
}


def notify(customer: Customer, code: str, *, at: datetime, **details: Any) -> Notice:
    """Note, in the caller's transaction, something that a customer is to know. Raise KeyError for an unknown code."""
    WORDS[code]
    return Notice.objects.create(customer=customer, code=code, at=at, details=details)


def notify_all(code: str, *, at: datetime, **details: Any) -> None:
    """Note, in the caller's transaction, something that every active customer is to know. Raise KeyError."""
    WORDS[code]
    customers = Customer.objects.filter(active=True).values_list("pk", flat=True)
    Notice.objects.bulk_create(Notice(customer_id=pk, code=code, at=at, details=details) for pk in customers)


def notify_applicant(connection: Connection, code: str, *, at: datetime, **details: Any) -> Notice:
    """Note, in the caller's transaction, what an applicant is to be told. Raise KeyError for an unknown code."""
    WORDS[code]
    return Notice.objects.create(connection=connection, code=code, at=at, details=details)


def subject(notice: Notice) -> str:
    """The notice's subject in the reader's language."""
    return str(WORDS[notice.code].subject) % notice.details


def body(notice: Notice) -> str:
    """The notice's text in the reader's language."""
    return str(WORDS[notice.code].body) % notice.details


def newest_for(user: Any) -> list[Said]:
    """Some notices to a portal user's customers, in the reader's language: those unread first, the newest first."""
    rows = Notice.objects.visible_to(user).select_related("customer").order_by("-at", "-pk")
    return said(rows[:NEWEST], read_at=notices_read_at(user))


def said(rows: Iterable[Notice], *, read_at: datetime | None = None) -> list[Said]:
    """What notices say, in the reader's language; those after `read_at` are unread."""
    return [Said(one, subject(one), body(one), read_at is None or one.at > read_at) for one in rows]


def unread_by(user: Any) -> int:
    """How many notices the portal user has not read."""
    read_at = notices_read_at(user)
    rows = Notice.objects.visible_to(user)
    return (rows if read_at is None else rows.filter(at__gt=read_at)).count()


def mail_unsent(at: datetime) -> int:
    """Mail the notices that have not been mailed to their customers' or applicants' contacts; return how many went.

    In Swedish. One that cannot be sent is tried again an hour later, behind those not tried, and never stops them. A
    customer without contacts has its notices in the portal only.
    """
    waiting = Notice.objects.to_mail(at)
    sent = 0
    for pk in list(waiting.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            held = (
                waiting.select_for_update(no_key=True, of=("self",)).select_related("connection").filter(pk=pk).first()
            )
            if held is not None:
                went = _mail(held)
                Notice.objects.filter(pk=pk).update(tried_at=at, mailed_at=at if went else None)
                sent += went
    return sent


def _recipients(notice: Notice) -> list[str]:
    if notice.connection is not None:
        return [notice.connection.contact_email]
    return sorted(set(Contact.objects.filter(customer=notice.customer_id).values_list("email", flat=True)))


def _mail(notice: Notice) -> bool:
    to = _recipients(notice)
    with translation.override("sv"):
        message = EmailMessage(subject(notice), body(notice), settings.DEFAULT_FROM_EMAIL, to)
    try:
        if to:
            message.send()
    except (OSError, ValueError) as error:  # the mail server is away, or refuses; or the address is none
        log.warning("notice_not_mailed", notice=notice.pk, error=type(error).__name__)
        return False
    return True
