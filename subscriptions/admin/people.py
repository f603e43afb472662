"""How Försäkringskassan lets a customer's first administrator in: from the customer's page, or with the approval."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lefi.admin import IsSetFilter, ReadOnlyAdmin, ReasonForm, Step, link
from lefi.links import link_to
from subscriptions import connections, people
from subscriptions.models import Agreement, Customer, Invitation

Choices = list[tuple[str, Any]]

HELP = _(
    "Who is to administer the customer's access in the portal, of those whom its applications name. Make sure by other"
    " means than the application that the address is the right one: an invitation is mailed to it."
)


class InviteForm(ReasonForm):
    email = forms.ChoiceField(label=_("Administrator's e-mail"), help_text=HELP)

    def __init__(self, *args: Any, named: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["email"]).choices = named


class ApprovalForm(ReasonForm):
    """An approval, and perhaps the invitation of somebody who administers."""

    administrator = forms.ChoiceField(label=_("Invite an administrator"), required=False, help_text=HELP)

    def __init__(self, *args: Any, named: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["administrator"]).choices = [("", _("Nobody")), *named]


def named(customer: Customer) -> Choices:
    """Whom the customer's applications name, to choose from."""
    return [(address, f"{name}, {address}") for address, name in people.named_addresses(customer).items()]


def invite_step(request: HttpRequest, customer: Customer) -> Step:
    offered = named(customer)
    code = "HAS_ADMINISTRATOR" if people.has_administrator(customer) else "" if offered else "ADDRESS_NOT_NAMED"
    return Step(
        title=_("Invite the first administrator"),
        button=_("Send the invitation"),
        done=_("The invitation has been sent."),
        act=lambda said: invite(request, customer, said["email"], said["reason"]),
        form=partial(InviteForm, named=offered),
        refusal=people.REFUSALS.get(code, ""),
    )


def invite(request: HttpRequest, customer: Customer, email: str, reason: str) -> Any:
    """Raise PeopleRefused, ReasonRefused."""
    return people.invite_first_administrator(
        customer=customer,
        email=email,
        by=request.user,
        at=timezone.now(),
        reason=reason,
        link=link_to(request, "invitation-link"),
    )


def may_invite(request: HttpRequest) -> bool:
    return request.user.has_perm("subscriptions.add_invitation")  # type: ignore[union-attr]


def approval_form(request: HttpRequest, agreement: Agreement) -> Callable[..., ReasonForm]:
    """The form of an approval; while the customer has no administrator, with the addresses of whom to invite."""
    if not may_invite(request) or people.has_administrator(agreement.customer):
        return ReasonForm
    offered = named(agreement.customer)
    return partial(ApprovalForm, named=offered) if offered else ReasonForm


def approve(request: HttpRequest, agreement: Agreement, said: dict[str, Any]) -> None:
    """Approve an agreement, and invite the administrator that was named with it."""
    connections.approve_agreement(agreement=agreement, by=request.user, at=timezone.now(), reason=said["reason"])
    if email := said.get("administrator"):
        invite(request, agreement.customer, email, said["reason"])


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who has been asked to join which customer; the customers' own administrators ask."""

    list_display = ["invited_at", "customer_link", "role", "invited_by", "expires_at", "accepted_at", "withdrawn_at"]
    list_filter = ["role", ("accepted_at", IsSetFilter)]
    list_select_related = ["customer", "invited_by"]
    narrowed_by = ["customer"]
    fields = [
        "customer_link",
        "email",
        "role",
        "invited_by",
        "invited_at",
        "expires_at",
        "mailed_at",
        "accepted_at",
        "accepted_by",
        "withdrawn_at",
    ]

    customer_link = link("customer", _("customer"))
