"""Agreements, what each covers, and the streams of numbered deliveries that run under them."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models.customers import Customer


class Agreement(models.Model):
    """What a customer and Försäkringskassan have agreed; it opens a channel and never creates a right (R15)."""

    class Status(models.TextChoices):
        NOTIFIED = "notified", _("notified")
        EXAMINED = "examined", _("examined")
        SENT = "sent", _("sent to the customer")
        SIGNED_BY_CUSTOMER = "signed_by_customer", _("signed by the customer")
        SIGNED_BY_FK = "signed_by_fk", _("signed by Försäkringskassan")
        ACTIVE = "active", _("active")
        REFUSED = "refused", _("refused")
        ENDED = "ended", _("ended")

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="agreements", verbose_name=_("customer")
    )
    code = models.CharField(_("code"), max_length=40, unique=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.NOTIFIED)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    signed_by_customer_at = models.DateTimeField(_("signed by the customer"), null=True, blank=True)
    signed_by_fk_at = models.DateTimeField(_("signed by Försäkringskassan"), null=True, blank=True)

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="agreement_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message=_("The agreement ends before it starts."),
            ),
            models.CheckConstraint(
                name="agreement_active_is_signed_by_both",
                condition=~Q(status="active") | Q(signed_by_customer_at__isnull=False, signed_by_fk_at__isnull=False),
                violation_error_message=_("An active agreement is signed by both parties."),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ScopeQuerySet(models.QuerySet):
    def newest(self) -> Self:
        newer = Scope.objects.filter(
            agreement=models.OuterRef("agreement"),
            purpose=models.OuterRef("purpose"),
            version__gt=models.OuterRef("version"),
        )
        return self.filter(~models.Exists(newer))


class Scope(models.Model):
    """One version of what an agreement covers for one purpose, which rests on one legal basis (R1, R4)."""

    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, related_name="scopes", verbose_name=_("agreement")
    )
    purpose = models.CharField(_("purpose"), max_length=40)
    version = models.PositiveIntegerField(_("version"), default=1)
    basis_code = models.CharField(_("legal basis"), max_length=20)
    benefits = models.JSONField(_("benefits"))
    classes = models.JSONField(_("field classes"))
    look_back_days = models.PositiveIntegerField(_("longest look-back in days"), default=730)

    objects = ScopeQuerySet.as_manager()

    class Meta:
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        ordering = ["agreement", "purpose", "-version"]
        constraints = [models.UniqueConstraint("agreement", "purpose", "version", name="scope_version_once")]

    def __str__(self) -> str:
        return f"{self.agreement} {self.purpose} v{self.version}"


class StreamQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        return self.filter(agreement__customer__in=Customer.objects.visible_to(user))


class Stream(models.Model):
    """An agreement's deliveries for one purpose through one channel: a numbered sequence of its own (C2).

    `examined_import`, `examined_law` and `examined_day` are its mark: all that was known then has been told
    or stands in Pending. They move with a release and never otherwise.
    """

    class Channel(models.TextChoices):
        API = "api", _("API")
        PORTAL = "portal", _("portal")

    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, related_name="streams", verbose_name=_("agreement")
    )
    purpose = models.CharField(_("purpose"), max_length=40)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel, default=Channel.API)
    last_number = models.PositiveIntegerField(_("last delivery number"), default=0, editable=False)
    last_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    examined_import = models.PositiveIntegerField(_("examined to import"), default=0, editable=False)
    examined_law = models.PositiveBigIntegerField(_("examined to law change"), default=0, editable=False)
    examined_day = models.DateField(_("examined on day"), null=True, editable=False)
    closed = models.BooleanField(_("closed"), default=False, editable=False)
    lease = models.PositiveBigIntegerField(default=0, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    objects = StreamQuerySet.as_manager()

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        ordering = ["agreement", "purpose"]
        constraints = [
            models.UniqueConstraint("agreement", "purpose", "channel", name="stream_of_agreement_purpose_channel")
        ]

    def __str__(self) -> str:
        return f"{self.agreement} · {self.purpose} · {self.get_channel_display()}"


class Block(models.Model):
    """An emergency stop of a customer, an agreement, a legal basis or a benefit; in force while not lifted."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="blocks", verbose_name=_("customer")
    )
    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, null=True, blank=True, related_name="blocks", verbose_name=_("agreement")
    )
    basis_code = models.CharField(_("legal basis"), max_length=20, blank=True)
    benefit = models.CharField(_("benefit"), max_length=20, blank=True)
    reason = models.TextField(_("reason"))
    set_at = models.DateTimeField(_("set"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("emergency block")
        verbose_name_plural = _("emergency blocks")
        constraints = [
            models.CheckConstraint(
                name="block_stops_something",
                condition=Q(customer__isnull=False) | Q(agreement__isnull=False) | ~Q(basis_code="") | ~Q(benefit=""),
                violation_error_message=_("A block names what it stops."),
            ),
        ]

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.customer, self.agreement, self.basis_code, self.benefit) if part)
