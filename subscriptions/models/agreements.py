"""Agreements, what each covers, and the streams of numbered deliveries that run under them."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from benefits.presentation import benefit_name
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions.lawwords import purpose_name
from subscriptions.models.customers import Customer


class AgreementQuerySet(FourEyesQuerySet):
    def visible_to(self, user) -> Self:
        """The agreements of the customers whose member the user is, from when they are sent."""
        sent = self.exclude(status=Agreement.Status.EXAMINED).exclude(status=Agreement.Status.REFUSED, sent_at=None)
        return sent.filter(customer__in=Customer.objects.joined_by(user))

    def to_approve(self, by: Any) -> Self:
        """Those signed by both parties: before that there is nothing to approve."""
        return super().to_approve(by).filter(status=Agreement.Status.SIGNED_BY_FK)


class Agreement(FourEyes):
    """What a customer and Försäkringskassan have agreed; it opens a channel and never creates a right (R15).

    `document` is the text as it was sent, so that what was signed can be shown; `document_sha256` is what both signed.
    """

    class Status(models.TextChoices):
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
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.EXAMINED)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    document = models.TextField(_("document"), blank=True, editable=False)
    document_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    signed_by_customer_at = models.DateTimeField(_("signed by the customer"), null=True, blank=True)
    customer_signatory = models.CharField(_("signatory of the customer"), max_length=120, blank=True)
    customer_signature = models.CharField(_("signature of the customer"), max_length=200, blank=True)
    signed_by_fk_at = models.DateTimeField(_("signed by Försäkringskassan"), null=True, blank=True)
    fk_signatory = models.CharField(_("signatory of Försäkringskassan"), max_length=120, blank=True)
    fk_signature = models.CharField(_("signature of Försäkringskassan"), max_length=200, blank=True)
    ended_why = models.TextField(_("why it was refused or ended"), blank=True)

    objects = AgreementQuerySet.as_manager()

    class Meta(FourEyes.Meta):
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
            models.CheckConstraint(
                name="agreement_active_is_approved",
                condition=~Q(status="active") | Q(approved_at__isnull=False),
                violation_error_message=_("An active agreement is approved by a second person."),
            ),
            four_eyes("agreement_four_eyes"),
        ]

    def __str__(self) -> str:
        return self.code


class ScopeQuerySet(FourEyesQuerySet):
    def to_approve(self, by: Any) -> Self:
        """Those of active agreements: before that they are approved with the agreement."""
        return super().to_approve(by).filter(agreement__status=Agreement.Status.ACTIVE)

    def newest(self) -> Self:
        """The newest approved version for each agreement and purpose: the one that holds."""
        newer = Scope.objects.approved().filter(
            agreement=models.OuterRef("agreement"),
            purpose=models.OuterRef("purpose"),
            version__gt=models.OuterRef("version"),
        )
        return self.approved().filter(~models.Exists(newer))


class Scope(FourEyes):
    """One version of what an agreement covers for one purpose, which rests on one legal basis (R1, R4).

    A version holds once a second person has approved it; one that only narrows (`narrows`) holds at once.
    """

    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, related_name="scopes", verbose_name=_("agreement")
    )
    purpose = models.CharField(_("purpose"), max_length=40)
    version = models.PositiveIntegerField(_("version"), default=1)
    basis_code = models.CharField(_("legal basis"), max_length=20)
    benefits = models.JSONField(_("benefits"))
    classes = models.JSONField(_("field classes"))
    look_back_days = models.PositiveIntegerField(_("longest look-back in days"), default=730)
    narrows = models.BooleanField(_("narrows only"), default=False, editable=False)

    objects = ScopeQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        ordering = ["agreement", "purpose", "-version"]
        constraints = [
            models.UniqueConstraint("agreement", "purpose", "version", name="scope_version_once"),
            four_eyes("scope_four_eyes", alone=Q(narrows=True)),
        ]

    def __str__(self) -> str:
        return f"{self.agreement} · {purpose_name(self.purpose, language())} v{self.version}"


class StreamQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        return self.filter(agreement__customer__in=Customer.objects.visible_to(user))

    def opened_by(self, user) -> Self:
        """The streams whose deliveries the portal user opens: the portal's, and a system's for who looks after it.

        To open a delivery is to fetch it, and what is fetched is recalled no more and alarms nobody (C6).
        """
        handled = models.Q(agreement__customer__in=Customer.objects.handled_by(user))
        return self.visible_to(user).filter(models.Q(channel=Stream.Channel.PORTAL) | handled)


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
        return f"{self.agreement} · {purpose_name(self.purpose, language())} · {self.get_channel_display()}"


class Reservation(models.Model):
    """A condition on what the customer may do with what it is told (förbehåll: OSL 10:14, 12:2 second paragraph).

    Until the customer has acknowledged it, its streams under the agreement are frozen; it is named in each delivery.
    """

    class Ground(models.TextChoices):
        HARM = "OSL 10:14", _("removes the risk of harm (OSL 10:14)")
        CONSENT = "OSL 12:2", _("condition of a consent (OSL 12:2)")

    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, related_name="reservations", verbose_name=_("agreement")
    )
    ground = models.CharField(_("ground"), max_length=10, choices=Ground)
    text = models.TextField(_("text"))
    set_at = models.DateTimeField(_("set"))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("set by"),
    )
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=120, blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        ordering = ["agreement", "set_at"]

    def __str__(self) -> str:
        return f"{self.agreement} {self.get_ground_display()}"


class Block(models.Model):
    """An emergency stop of a customer, an agreement, a legal basis or a benefit; in force while not lifted."""

    class Ground(models.TextChoices):
        EMERGENCY = "emergency", _("emergency")
        SUSPECTED_RECIPIENT = "suspected_recipient", _("the recipient is suspected of unlawful processing (OSL 21:7)")

    ground = models.CharField(_("ground"), max_length=20, choices=Ground, default=Ground.EMERGENCY)
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
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("set by"),
    )
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
        benefit = benefit_name(self.benefit, language())
        return " · ".join(str(part) for part in (self.customer, self.agreement, self.basis_code, benefit) if part)
