"""The organisations that may subscribe, their people and their systems."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CustomerQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The customers whose member the portal user is."""
        return self.filter(members__user=user, members__user__is_active=True)


class Customer(models.Model):
    """An organisation, or one unit of it: a municipality's boards share one organisation number (C2)."""

    organisation_number = models.CharField(_("organisation number"), max_length=10)
    unit = models.CharField(_("unit code"), max_length=20, blank=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(
        _("kind"), max_length=40, help_text=_("A recipient kind of the legal bases, such as socialnamnd.")
    )
    active = models.BooleanField(_("active"), default=True)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
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


class ApiClient(models.Model):
    """A customer's system: the OAuth2 application that speaks for it, on the streams it is let to."""

    application = models.OneToOneField(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
        on_delete=models.CASCADE,
        related_name="api_client",
        verbose_name=_("application"),
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="clients", verbose_name=_("customer"))
    streams: models.ManyToManyField = models.ManyToManyField(
        "Stream", blank=True, verbose_name=_("streams"), help_text=_("None chosen: all of the customer's.")
    )

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")

    def __str__(self) -> str:
        return f"{self.application.name} ({self.customer})"
