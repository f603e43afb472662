"""The law as data: dated legal bases, the data owners' approvals, and consents."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person, Source
from subscriptions import decision


def covers(day) -> Q:
    """Rows whose valid_from and valid_to hold the day. A row without a start covers no day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gte=day))


class LegalBasisQuerySet(models.QuerySet):
    def newest(self) -> Self:
        """The newest version of each basis."""
        newer = LegalBasis.objects.filter(code=models.OuterRef("code"), version__gt=models.OuterRef("version"))
        return self.filter(~models.Exists(newer))


class LegalBasis(models.Model):
    """One version of a ground in law on which information may be told. Versions are added, never edited."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        DRAFT = "draft", _("draft")
        CLOSED = "closed", _("closed")

    class Service(models.TextChoices):
        STANDING = "standing", _("standing subscription")
        ONE_OFF = "one_off", _("one query at a time")
        MANUAL = "manual", _("a person decides each time")
        NEVER = "never", _("never")

    code = models.CharField(_("code"), max_length=20)
    version = models.PositiveIntegerField(_("version"), default=1)
    title_sv = models.CharField(_("title in Swedish"), max_length=200)
    title_en = models.CharField(_("title in English"), max_length=200)
    citations = models.JSONField(_("citations"))
    recipient_kinds = models.JSONField(_("recipient kinds"))
    purpose = models.CharField(_("purpose"), max_length=40, blank=True)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status)
    service = models.CharField(_("service"), max_length=8, choices=Service)
    consent_needed = models.BooleanField(_("consent needed"), default=False)
    needs = models.JSONField(_("references needed"), default=list, blank=True)
    owners = models.JSONField(_("data owners"), default=list)
    benefits = models.JSONField(_("benefits"), null=True, blank=True, help_text=_("Empty: as the agreement says."))
    classes = models.JSONField(_("field classes"), default=list)
    agreement_classes = models.JSONField(_("field classes that the agreement must name"), default=list, blank=True)
    outcomes = models.JSONField(_("outcomes"), default=list)
    fee = models.BooleanField(_("fee"), default=False)
    use_instead = models.CharField(_("use instead"), max_length=20, blank=True)
    note_sv = models.TextField(_("note in Swedish"), blank=True)
    note_en = models.TextField(_("note in English"), blank=True)
    ours = models.JSONField(_("our own choices"), default=list, blank=True)

    objects = LegalBasisQuerySet.as_manager()

    class Meta:
        verbose_name = _("legal basis")
        verbose_name_plural = _("legal bases")
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint("code", "version", name="basis_version_once"),
            models.CheckConstraint(
                name="basis_ends_after_it_starts",
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="basis_closed_has_an_end",
                condition=~Q(status="closed") | Q(valid_to__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"

    def as_value(self) -> decision.Basis:
        return decision.Basis(
            code=self.code,
            version=self.version,
            recipient_kinds=frozenset(self.recipient_kinds),
            purpose=self.purpose,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            status=self.status,
            service=self.service,
            consent_needed=self.consent_needed,
            needs=frozenset(self.needs),
            owners=frozenset(self.owners),
            benefits=None if self.benefits is None else frozenset(self.benefits),
            classes=frozenset(self.classes),
            agreement_classes=frozenset(self.agreement_classes),
            outcomes=frozenset(self.outcomes),
        )


class OwnerApproval(models.Model):
    """A data owner's own yes: without it, nothing of that owner's is told on that basis (C7)."""

    owner = models.CharField(_("data owner"), max_length=8, choices=Source)
    basis_code = models.CharField(_("legal basis"), max_length=20)
    benefit = models.CharField(_("benefit"), max_length=20)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("owner's approval")
        verbose_name_plural = _("owners' approvals")
        constraints = [
            models.UniqueConstraint("owner", "basis_code", "benefit", "valid_from", name="approval_given_once"),
            models.CheckConstraint(
                name="approval_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.basis_code} {self.benefit}"


class Consent(models.Model):
    """That a person lets a customer be told about named benefits, for one purpose and time (OSL 10:1, 12:2)."""

    customer = models.ForeignKey(
        "Customer", on_delete=models.PROTECT, related_name="consents", verbose_name=_("customer")
    )
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents", verbose_name=_("person"))
    purpose = models.CharField(_("purpose"), max_length=40)
    benefits = models.JSONField(_("benefits"))
    classes = models.JSONField(_("field classes"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    given_on = models.DateField(_("given on"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    evidence = models.CharField(_("evidence reference"), max_length=100)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(
                name="consent_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        indexes = [
            # The consents of the watches under examination, and those that begin or end between two nights.
            models.Index(fields=["customer", "person", "purpose"], name="consents_of_watches"),
            models.Index(fields=["valid_to"], name="consents_ending"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"

    def as_value(self) -> decision.Consent:
        return decision.Consent(
            id=self.pk,
            benefits=frozenset(self.benefits),
            classes=frozenset(self.classes),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            withdrawn=self.withdrawn_at is not None,
        )
