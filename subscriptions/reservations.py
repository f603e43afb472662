"""Reservations (förbehåll): conditions on what a customer may do with what it is told (R18; OSL 10:14, 12:2).

From the moment one is set until the customer has acknowledged it, nothing is told under the agreement. After that it
stands in the head of each delivery, until it is lifted.
"""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers
from lefi.reasons import demand_reason
from subscriptions.models import Agreement, Customer, Member, Reservation
from subscriptions.notices import notify

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ReservationRefused(Refused):
    """A reservation that cannot be set, acknowledged or lifted.

    Codes: TEXT (none, or one that names a person or cannot be written), LIFTED, NOT_ADMINISTRATOR.
    """


@transaction.atomic
def set_reservation(*, agreement: Agreement, ground: str, text: str, by: Any, at: datetime) -> Reservation:
    """Set a condition under an agreement, tell the customer, and hold everything back until it is acknowledged."""
    text = "\n".join(text.strip().splitlines())
    if not text or _NOT_IN_XML.search(text) or mask_identity_numbers(text) != text:
        raise ReservationRefused("TEXT", "The text is empty, names a person or holds what cannot be written.")
    if ground not in Reservation.Ground.values:
        raise ReservationRefused("TEXT", "A reservation rests on OSL 10:14 or 12:2.")
    reservation = Reservation.objects.create(agreement=agreement, ground=ground, text=text, set_at=at, set_by=by)
    _record(Action.CREATE, reservation, actor=by)
    notify(agreement.customer, "RESERVATION_SET", at=at, agreement=agreement.code)
    return reservation


@transaction.atomic
def acknowledge_reservation(*, reservation: Reservation, at: datetime, by: Any = None, client: str = "") -> None:
    """Note that the customer has taken the condition on itself. Repeating it is harmless.

    `by` is a member of the customer with the role of administrator; else it is the customer's system, `client`. Raise
    ReservationRefused for another (NOT_ADMINISTRATOR) and for a reservation that has been lifted (LIFTED).
    """
    if not client and reservation.agreement.customer_id not in administered_by(by):
        raise ReservationRefused("NOT_ADMINISTRATOR", "An administrator of the customer acknowledges reservations.")
    who = client or by.get_username()
    rows = Reservation.objects.filter(pk=reservation.pk, lifted_at=None)
    if rows.filter(acknowledged_at=None).update(acknowledged_at=at, acknowledged_by=who[:120]):
        _record(Action.ACKNOWLEDGE, reservation, actor=by, client=client)
    elif not rows.exists():
        raise ReservationRefused("LIFTED", "The reservation has been lifted.")
    reservation.refresh_from_db()


@transaction.atomic
def lift_reservation(*, reservation: Reservation, reason: str, by: Any, at: datetime) -> None:
    """End a condition. Raise ReservationRefused if it has been lifted already (LIFTED)."""
    said = demand_reason(reason)
    if not Reservation.objects.filter(pk=reservation.pk, lifted_at=None).update(lifted_at=at):
        raise ReservationRefused("LIFTED", "The reservation has been lifted.")
    reservation.refresh_from_db()
    _record(Action.END, reservation, actor=by, reason=said)


def in_force(customers: QuerySet[Customer]) -> QuerySet[Reservation]:
    """The reservations in force of some customers, those to be acknowledged first."""
    rows = Reservation.objects.filter(agreement__customer__in=customers, lifted_at=None)
    return rows.select_related("agreement__customer").order_by(F("acknowledged_at").desc(nulls_first=True), "pk")


def counts_of(customers: QuerySet[Customer]) -> dict[str, int]:
    """How many reservations of some customers are in force (`all`), and `waiting` to be acknowledged."""
    rows = in_force(customers).order_by()
    return rows.aggregate(all=Count("pk"), waiting=Count("pk", filter=Q(acknowledged_at=None)))


def administered_by(user: Any) -> set[int]:
    """The customers that a portal user may bind."""
    members = Member.objects.filter(user=user, user__is_active=True, role=Member.Role.ADMINISTRATOR)
    return set(members.values_list("customer_id", flat=True))


def _record(action: str, reservation: Reservation, **who: Any) -> None:
    record(
        action=action,
        object_type=reservation._meta.label_lower,
        object_id=reservation.pk,
        customer_id=reservation.agreement.customer_id,
        **who,
    )
