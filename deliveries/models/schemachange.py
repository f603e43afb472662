"""The next schema, and which version customers have validated against."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from subscriptions.models import Customer


class SchemaAnnouncementQuerySet(FourEyesQuerySet):
    def coming(self) -> Self:
        return self.approved().filter(over_at=None)


class SchemaAnnouncement(FourEyes):
    """That the next catalogue, and the schema that follows from it, is in force from a day: proposed, then announced.

    One at a time. It is over when that catalogue is the product's own, or when it is withdrawn.
    """

    version = models.CharField(_("version"), max_length=40, editable=False)
    catalogue = models.TextField(_("catalogue"), editable=False)
    in_force_from = models.DateField(_("in force from"))
    reminded_at = models.DateTimeField(_("reminded of"), null=True, blank=True, editable=False)
    over_at = models.DateTimeField(_("over"), null=True, blank=True, editable=False)
    withdrawn = models.BooleanField(_("withdrawn"), default=False, editable=False)

    objects = SchemaAnnouncementQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("announced schema")
        verbose_name_plural = _("announced schemas")
        ordering = ["-id"]
        constraints = [
            four_eyes("schema_announcement_four_eyes"),
            # A constant, so that a proposal keeps another from being made as much as one that is coming.
            models.UniqueConstraint(models.Value(1), name="schema_one_coming", condition=Q(over_at=None)),
            models.CheckConstraint(
                name="schema_over_was_announced", condition=Q(over_at=None) | Q(approved_at__isnull=False)
            ),
            models.CheckConstraint(
                name="schema_withdrawn_is_over", condition=Q(withdrawn=False) | Q(over_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.version


class SchemaValidation(models.Model):
    """That a customer chose to tell which version of the schema its system last validated against, and how it went."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="schema_validations", verbose_name=_("customer")
    )
    version = models.CharField(_("version"), max_length=40)
    ok = models.BooleanField(_("valid"))
    at = models.DateTimeField(_("at"))
    client = models.CharField(_("client"), max_length=100)

    class Meta:
        verbose_name = _("validation against a schema")
        verbose_name_plural = _("validations against schemas")
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint("customer", "version", name="schema_validated_once")]

    def __str__(self) -> str:
        return self.version
