"""The organisations that may subscribe, their people and their systems."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomerQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The customers that the portal user works for: whose cases and deliveries are the user's to read."""
        return self.joined_by(user, Member.WORKING)

    def handled_by(self, user) -> Self:
        """The customers whose files and orders the portal user looks after, a system's and colleagues' among them."""
        return self.joined_by(user, Member.HANDLERS)

    def joined_by(self, user, roles: Sequence[str] = ()) -> Self:
        """The customers whose member the portal user is: in one of these roles, or in whichever.

        Nobody of the staff is one, whatever rows there are: what staff read, they read as staff.
        """
        who = {"members__user": user, "members__user__is_active": True, "members__user__is_staff": False}
        return self.filter(**who, members__role__in=roles or Member.Role.values)


class Customer(models.Model):
    """An organisation, or one unit of it: a municipality's boards share one organisation number (C2)."""

    organisation_number = models.CharField(_("organisation number"), max_length=10)
    unit = models.CharField(_("unit code"), max_length=20, blank=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"), max_length=40, help_text=_("A recipient kind of the legal bases, such as socialnamnd.")
    )
    active = models.BooleanField(_("active"), default=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("stopped by"),
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [("stop_customer", _("Can stop a customer, or start one that another has stopped"))]
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "organisation_number",
                "unit",
                name="customer_is_organisation_and_unit",
                violation_error_message=_("There is already a customer with this organisation number and unit."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person who works for a customer and uses the portal."""

    class Role(models.TextChoices):
        CASE_WORKER = "case_worker", _("case worker")
        INTEGRATION = "integration", _("integration")
        ADMINISTRATOR = "administrator", _("administrator")
        AUDITOR = "auditor", _("auditor")

    # An auditor reads what others did, and how it can be proved; nothing about the persons.
    WORKING = (Role.CASE_WORKER, Role.INTEGRATION, Role.ADMINISTRATOR)
    HANDLERS = (Role.INTEGRATION, Role.ADMINISTRATOR)
    PROVERS = (Role.INTEGRATION, Role.ADMINISTRATOR, Role.AUDITOR)
    LOG_READERS = (Role.ADMINISTRATOR, Role.AUDITOR)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="members", verbose_name=_("customer"))
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.CASE_WORKER)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint("user", "customer", name="member_once_per_customer")]

    def __str__(self) -> str:
        return f"{self.user} ({self.customer})"

    def clean(self) -> None:
        """Refuse staff, for the forms that make members without an invitation."""
        if self.user_id is not None and self.user.is_staff:
            raise ValidationError({"user": _("Who works for Försäkringskassan does not join a customer.")})


class Contact(models.Model):
    """Whom at a customer notices are mailed to."""

    class Role(models.TextChoices):
        SIGNATORY = "signatory", _("signatory")
        CONNECTION = "connection", _("contact for the connection")
        TECHNICAL = "technical", _("technical contact")

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("customer")
    )
    role = models.CharField(_("role"), max_length=12, choices=Role, default=Role.CONNECTION)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("telephone"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["customer", "role", "name"]
        constraints = [models.UniqueConstraint("customer", "role", "email", name="contact_once_per_role")]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_role_display()})"


class Agent(models.Model):
    """An organisation that speaks for a customer with its systems, for a time: its agent or processor (R16)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="agents", verbose_name=_("customer"))
    organisation_number = models.CharField(_("organisation number"), max_length=10)
    name = models.CharField(_("name"), max_length=120)
    processing_agreement = models.CharField(_("data processing agreement"), max_length=100)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        ordering = ["customer", "-valid_from"]
        constraints = [
            models.CheckConstraint(
                name="agent_ends_after_it_starts",
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                violation_error_message=_("The registration ends before it starts."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def every_scope() -> list[str]:
    scopes: dict[str, str] = settings.OAUTH2_PROVIDER["SCOPES"]  # type: ignore[assignment]
    return list(scopes)


class ApiClient(models.Model):
    """A customer's system: the OAuth2 application that speaks for it, on the streams and scopes it is let to.

    While a secret is being changed, the one before it holds beside the new for a time; kept hashed, as that is.
    """

    application = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        on_delete=models.CASCADE,
        related_name="api_client",
        verbose_name=_("application"),
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="clients", verbose_name=_("customer"))
    agent = models.ForeignKey(
        Agent,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="clients",
        verbose_name=_("agent"),
        help_text=_("Whose system it is, if not the customer's own. It opens nothing once the registration has ended."),
    )
    all_streams = models.BooleanField(
        _("all streams"), default=False, help_text=_("All streams of the customer, also those to come.")
    )
    streams: models.ManyToManyField = models.ManyToManyField("Stream", blank=True, verbose_name=_("streams"))
    scopes = models.JSONField(
        _("scopes"), default=every_scope, help_text=_("What of the API its tokens may be for: a list of scopes.")
    )
    former_secret = models.CharField(max_length=255, blank=True, editable=False)
    former_until = models.DateTimeField(_("former secret holds until"), null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        constraints = [
            models.CheckConstraint(
                name="api_client_former_secret_has_an_end",
                condition=models.Q(former_secret="", former_until=None)
                | models.Q(former_until__isnull=False) & ~models.Q(former_secret=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application.name} ({self.customer})"
