"""Who works for a customer, and as what: invited, let in, given another role and let go by its own administrators.

The first administrator of a customer is invited by Försäkringskassan. An invitation's link is mailed and never kept;
what it leads to is found by its digest.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from lefi.accounts import identities
from lefi.accounts.entry import end_sessions
from lefi.accounts.identities import Identity
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.reasons import demand_reason
from subscriptions.connections.agreement import contacts_in
from subscriptions.models import Agreement, Connection, Customer, Invitation, Member

log = structlog.get_logger(__name__)
Link = Callable[[str], str]  # the address that a token is accepted at

REFUSALS: dict[str, Promise] = {
    "NOT_ADMINISTRATOR": _("Only an administrator of the organisation may do this."),
    "LAST_ADMINISTRATOR": _("The organisation must have an administrator. Make somebody else one first."),
    "ALREADY_MEMBER": _("You belong to this organisation already."),
    "OWN_APPLICATION": _("Who sent an application, or is named in it, invites nobody by it."),
    "STAFF_IS_NO_MEMBER": _("Who works for Försäkringskassan does not join a customer."),
    "INVITATION_VOID": _("The invitation holds no longer. Ask for a new one."),
    "HAS_ADMINISTRATOR": _("The customer has an administrator, who invites the others."),
    "ADDRESS_NOT_NAMED": _(
        "The first administrator is somebody whom an application names that an agreement of the customer's came of. To"
        " invite another, have the organisation send a new application that names the person, and accept it."
    ),
}
SUBJECT = _("Invitation to LEFI Prenumeration")
BODY = _(
    "You are invited to LEFI Prenumeration, for %(organisation)s. Open the link to accept. It can be used once, up to"
    " %(day)s. If you did not expect this, there is nothing that you need to do."
)


class PeopleRefused(Refused):
    """What is not done with an organisation's people. The code is one of REFUSALS."""


def refused(code: str) -> PeopleRefused:
    return PeopleRefused(code, str(REFUSALS[code]))


def administrators_of(customer: Customer) -> Any:
    return Member.objects.filter(customer=customer, role=Member.Role.ADMINISTRATOR, user__is_active=True)


def has_administrator(customer: Customer) -> bool:
    return administrators_of(customer).exists()


# Inviting


def named_addresses(customer: Customer) -> dict[str, str]:
    """The addresses that the applications of the customer's agreements name, each with whose it is."""
    applications = Connection.objects.filter(agreement__customer=customer).order_by("pk")
    standing = applications.exclude(agreement__status=Agreement.Status.REFUSED)
    return {contact.email.lower(): contact.name for one in standing for contact in contacts_in(one)}


@transaction.atomic
def invite(*, customer: Customer, email: str, role: str, by: Any, at: datetime, link: Link) -> Invitation:
    """Invite somebody to join, as an administrator of the customer; one who waits already is sent a new link.

    Raise PeopleRefused NOT_ADMINISTRATOR.
    """
    _demand_administrator(customer, by)
    return _invite(customer, email, role, by=by, at=at, link=link)


@transaction.atomic
def invite_first_administrator(
    *, customer: Customer, email: str, by: Any, at: datetime, reason: str, link: Link
) -> Invitation:
    """Invite a customer's first administrator, as staff who may change customers: one whom an application names.

    Raise PeopleRefused HAS_ADMINISTRATOR, OWN_APPLICATION, ADDRESS_NOT_NAMED, ReasonRefused.
    """
    said = demand_reason(reason)
    if has_administrator(customer):
        raise refused("HAS_ADMINISTRATOR")
    if Connection.objects.filter(agreement__customer=customer).applied_by(by).exists():
        raise refused("OWN_APPLICATION")
    if email.lower() not in named_addresses(customer):
        raise refused("ADDRESS_NOT_NAMED")
    return _invite(customer, email, Member.Role.ADMINISTRATOR, by=by, at=at, link=link, reason=said)


def _invite(
    customer: Customer, email: str, role: str, *, by: Any, at: datetime, link: Link, **logged: Any
) -> Invitation:
    token = token_urlsafe(32)
    values = {
        "role": role,
        "digest": digest_of(token),
        "invited_by": by,
        "invited_at": at,
        "expires_at": at + timedelta(days=settings.INVITATION_DAYS),
        "mailed_at": None,
    }
    _held(customer)
    waiting = Invitation.objects.waiting().filter(customer=customer, email__iexact=email).first()
    if waiting is None:
        waiting = Invitation.objects.create(customer=customer, email=email.lower(), **values)
    else:
        Invitation.objects.filter(pk=waiting.pk).update(**values)
        waiting.refresh_from_db()
    _record(Action.SEND, waiting, by=by, role=role, **logged)
    transaction.on_commit(lambda: _mail(waiting, link(token)))
    return waiting


@transaction.atomic
def send_again(*, invitation: Invitation, by: Any, at: datetime, link: Link) -> Invitation:
    """Send a new link in place of the old one. Raise PeopleRefused NOT_ADMINISTRATOR, INVITATION_VOID."""
    _demand_administrator(invitation.customer, by)
    if not Invitation.objects.waiting().filter(pk=invitation.pk).exists():
        raise refused("INVITATION_VOID")
    return _invite(invitation.customer, invitation.email, invitation.role, by=by, at=at, link=link)


@transaction.atomic
def withdraw(*, invitation: Invitation, by: Any, at: datetime) -> None:
    """Make an invitation void. Raise PeopleRefused NOT_ADMINISTRATOR, INVITATION_VOID."""
    _demand_administrator(invitation.customer, by)
    if not Invitation.objects.waiting().filter(pk=invitation.pk).update(withdrawn_at=at):
        raise refused("INVITATION_VOID")
    _record(Action.WITHDRAW, invitation, by=by)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mail(invitation: Invitation, address: str) -> None:
    """Mail the link, in Swedish. One that cannot be sent is seen in the list, and sent again from there."""
    said = {"organisation": invitation.customer.name, "day": timezone.localdate(invitation.expires_at)}
    with translation.override("sv"):
        subject, body = str(SUBJECT), str(BODY) % said
    message = EmailMessage(subject, f"{body}\n\n{address}\n", settings.DEFAULT_FROM_EMAIL, [invitation.email])
    try:
        message.send()
    except (OSError, ValueError) as error:  # the mail server is away, or refuses; or the address is none
        log.warning("invitation_not_mailed", error=type(error).__name__)
        return
    Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).update(mailed_at=timezone.now())


# Accepting


def invitation_by(digest: str, at: datetime) -> Invitation | None:
    """The invitation that a digest leads to, if it can be accepted."""
    return Invitation.objects.open(at).select_related("customer").filter(digest=digest).first()


@transaction.atomic
def accept(*, invitation: Invitation, user: Any, at: datetime) -> Member:
    """Let a user join. Raise PeopleRefused INVITATION_VOID, ALREADY_MEMBER, STAFF_IS_NO_MEMBER."""
    if user.is_staff:
        raise refused("STAFF_IS_NO_MEMBER")
    if Member.objects.filter(customer=invitation.customer, user=user).exists():
        raise refused("ALREADY_MEMBER")
    mine = Invitation.objects.open(at).filter(pk=invitation.pk, digest=invitation.digest)
    if not mine.update(accepted_at=at, accepted_by=user):
        raise refused("INVITATION_VOID")
    member = Member.objects.create(user=user, customer=invitation.customer, role=invitation.role)
    _record(Action.CREATE, member, by=user, role=member.role)
    return member


@transaction.atomic
def accept_as_new(
    *,
    invitation: Invitation,
    at: datetime,
    first_name: str,
    last_name: str,
    username: str = "",
    password: str | None = None,
    identity: Identity | None = None,
) -> Member:
    """Let somebody join who has no account: one is made, with a password or with a broker's identity.

    Raise PeopleRefused INVITATION_VOID, STAFF_IS_NO_MEMBER where it was mailed to one of the staff; IdentityRefused.
    """
    if get_user_model().objects.filter(is_staff=True, email__iexact=invitation.email).exists():
        raise refused("STAFF_IS_NO_MEMBER")
    user = get_user_model().objects.create_user(
        username or _free_username(first_name, last_name),
        email=invitation.email,
        password=password,
        first_name=first_name,
        last_name=last_name,
    )
    if identity is not None:
        identities.bind(user, identity)
    return accept(invitation=invitation, user=user, at=at)


def _free_username(first_name: str, last_name: str) -> str:
    """A username for who never needs to write it."""
    stem = slugify(f"{first_name}.{last_name}".replace(".", " ")).replace("-", ".")[:100] or "medlem"
    return f"{stem}.{token_urlsafe(4).lower()}"


# Afterwards


@transaction.atomic
def change_role(*, member: Member, role: str, by: Any) -> None:
    """Give a member another role. Raise PeopleRefused NOT_ADMINISTRATOR, LAST_ADMINISTRATOR."""
    _demand_administrator(member.customer, by)
    if role != Member.Role.ADMINISTRATOR:
        _demand_another_administrator(member)
    before = member.role
    member.role = role
    member.save(update_fields=["role"])
    _record(Action.CHANGE, member, by=by, before=before, role=role)


@transaction.atomic
def end_membership(*, member: Member, by: Any) -> None:
    """Let a member go, and log the person out everywhere. Raise PeopleRefused NOT_ADMINISTRATOR, LAST_ADMINISTRATOR."""
    _demand_administrator(member.customer, by)
    _demand_another_administrator(member)
    _let_go(member, by)


@transaction.atomic
def end_membership_for_fk(*, member: Member, by: Any) -> None:
    """Let a member go as staff who may: the last administrator too, since staff invite a new first one."""
    _held(member.customer)
    _let_go(member, by)


def _let_go(member: Member, by: Any) -> None:
    _record(Action.END, member, by=by, role=member.role, user=member.user_id)
    member.delete()
    end_sessions(member.user)


def _demand_administrator(customer: Customer, by: Any) -> None:
    if not administrators_of(customer).filter(user=by).exists():
        raise refused("NOT_ADMINISTRATOR")


def _demand_another_administrator(member: Member) -> None:
    """Two who let each other go at once leave one behind: the customer's row is held."""
    _held(member.customer)
    if not administrators_of(member.customer).exclude(pk=member.pk).exists():
        raise refused("LAST_ADMINISTRATOR")


def _held(customer: Customer) -> None:
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)


def _record(action: str, row: Invitation | Member, *, by: Any, **details: Any) -> None:
    record(
        action=action,
        object_type=row._meta.label_lower,
        object_id=row.pk,
        actor=by,
        customer_id=row.customer_id,
        **details,
    )
