"""What waits on the staff's desks as the story ends: proposals for another to approve, what the nights left, and
what has been said: a question to an applicant, and to everybody that a stop is planned.
"""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from benefits.models import Person
from deliveries import debt
from deliveries.personreport import make_report
from lefi.service.models import ServiceNotice
from subscriptions.connections import answer_applicant, write_as_applicant
from subscriptions.models import Connection, Stream
from subscriptions.scopes import propose_scope

ASKED = timedelta(days=24)  # ago: the report is due within the week
LONGER = 1095  # days
NOTICE = timedelta(days=7)  # before a stop, more than is promised
STOP = timedelta(hours=2)
QUESTION = "Tack för ansökan. Ett system ska hämta leveranserna: vem är er tekniska kontakt?"
ANSWER = "Det är Bo Ask, bo.ask@example.org."


def fill(stream: Stream, number: str, at: datetime) -> None:
    """The officer proposes that a customer may look further back; a person has asked who was told what."""
    users = get_user_model().objects
    propose_scope(
        agreement=stream.agreement,
        purpose=stream.purpose,
        values={"look_back_days": LONGER},
        by=users.get(username="anslutning"),
        at=at,
    )
    make_report(
        person=Person.objects.holding(number).get(),
        requested_on=timezone.localdate(at) - ASKED,
        reference="Begäran 2026-42",
        with_values=False,
        by=users.get(username="dataskydd"),
        at=at,
    )


def tell(at: datetime) -> None:
    """The officer has asked an applicant something and been answered; the operator has announced a stop."""
    users = get_user_model().objects
    connection = Connection.objects.filter(status=Connection.Status.NOTIFIED).latest("pk")
    answer_applicant(connection=connection, text=QUESTION, by=users.get(username="anslutning"), at=at - STOP)
    write_as_applicant(connection=connection, text=ANSWER, at=at)
    begins = (timezone.localtime(at) + NOTICE).replace(hour=12, minute=0, second=0, microsecond=0)
    ServiceNotice.objects.create(
        kind=ServiceNotice.Kind.STOP,
        title_sv="Portalen och API:et uppdateras",
        title_en="The portal and the API are updated",
        text_sv="Portalen och API:et är stängda medan vi uppdaterar dem. Natten berörs inte.",
        text_en="The portal and the API are closed while we update them. The night is not affected.",
        begins_at=begins,
        ends_at=begins + STOP,
        published_at=at,
        published_by=users.get(username="drift"),
        changed_at=at,
    )


def look_for_debt(at: datetime) -> None:
    """The morning's check: does each watch know what it should?"""
    check = debt.start_check(at)
    while debt.go_on(check, most=debt.PAGE, at=at):
        check.refresh_from_db()
