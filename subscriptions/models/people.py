"""Who has been asked to join a customer."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from subscriptions.models.customers import Customer, Member


class InvitationQuerySet(models.QuerySet):
    def waiting(self) -> Self:
        """Neither accepted nor withdrawn; perhaps too old to be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None)

    def open(self, at: datetime) -> Self:
        """Those that can be accepted: in time, and sent by somebody who still may let people in."""
        staff = get_user_model().objects.filter(pk=OuterRef("invited_by"), is_staff=True, is_active=True)
        administrator = Member.objects.filter(
            customer=OuterRef("customer"),
            user=OuterRef("invited_by"),
            role=Member.Role.ADMINISTRATOR,
            user__is_active=True,
        )
        return self.waiting().filter(Exists(staff) | Exists(administrator), expires_at__gt=at)


class Invitation(models.Model):
    """A mailed link by which somebody joins a customer in a role: used once, for a time. Only its digest is kept."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="invitations", verbose_name=_("customer")
    )
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=20, choices=Member.Role)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by")
    )
    invited_at = models.DateTimeField(_("invited"))
    expires_at = models.DateTimeField(_("holds until"))
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "customer",
                Lower("email"),
                name="invitation_waits_once",
                condition=Q(accepted_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(
                name="invitation_accepted_by_somebody",
                condition=Q(accepted_at=None, accepted_by=None)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, withdrawn_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.pk}"
