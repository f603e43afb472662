"""The law as data: dated legal bases, the data owners' approvals, and consents."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person, Source
from benefits.presentation import benefit_name
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions import decision
from subscriptions.lawwords import purpose_name


def covers(day) -> Q:
    """Rows whose valid_from and valid_to hold the day. A row without a start covers no day."""
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gte=day))


class LegalBasisQuerySet(FourEyesQuerySet):
    def newest(self) -> Self:
        """The newest approved version of each basis."""
        approved = LegalBasis.objects.approved()
        newer = approved.filter(code=models.OuterRef("code"), version__gt=models.OuterRef("version"))
        return self.approved().filter(~models.Exists(newer))


class LegalBasis(FourEyes):
    """One version of a ground in law on which information may be told.

    Versions are added by two people, and an approved one is never changed or deleted: a trigger refuses it.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        DRAFT = "draft", _("draft")
        CLOSED = "closed", _("closed")

    class Service(models.TextChoices):
        STANDING = "standing", _("standing subscription")
        ONE_OFF = "one_off", _("one query at a time")
        MANUAL = "manual", _("a person decides each time")
        NEVER = "never", _("never")

    class Protection(models.TextChoices):
        """What is done for a person with protected identity, beside what always is: no place is ever revealed."""

        STAFF = "staff", _("two of the staff release it")
        DELAYED = "delayed", _("released by itself when the time has passed")

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
    protection = models.CharField(_("protected identity"), max_length=8, choices=Protection, default=Protection.STAFF)
    protection_days = models.PositiveSmallIntegerField(
        _("days until it is released or overdue"), default=5, help_text=_("For a person with protected identity.")
    )
    reconfirm_days = models.PositiveSmallIntegerField(
        _("days between reconfirmations"), null=True, blank=True, help_text=_("Empty: none is asked for.")
    )
    use_instead = models.CharField(_("use instead"), max_length=20, blank=True)
    note_sv = models.TextField(_("note in Swedish"), blank=True)
    note_en = models.TextField(_("note in English"), blank=True)
    ours = models.JSONField(_("our own choices"), default=list, blank=True)

    objects = LegalBasisQuerySet.as_manager()

    class Meta(FourEyes.Meta):
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
            four_eyes("basis_four_eyes"),
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


class OwnerApproval(FourEyes):
    """A data owner's own yes: without it, nothing of that owner's is told on that basis (C7)."""

    owner = models.CharField(_("data owner"), max_length=8, choices=Source)
    basis_code = models.CharField(_("legal basis"), max_length=20)
    benefit = models.CharField(_("benefit"), max_length=20)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("owner's approval")
        verbose_name_plural = _("owners' approvals")
        constraints = [
            models.UniqueConstraint("owner", "basis_code", "benefit", "valid_from", name="approval_given_once"),
            models.CheckConstraint(
                name="approval_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
            four_eyes("approval_four_eyes"),
        ]

    def __str__(self) -> str:
        return f"{self.get_owner_display()} · {self.basis_code} · {benefit_name(self.benefit, language())}"


class Consent(models.Model):
    """That a person lets a customer be told about named benefits, for one purpose and time (OSL 10:1, 12:2).

    Given by a guardian, or by a minor, it counts only once a person has examined it (OSL 12:3).
    """

    class Giver(models.TextChoices):
        SELF = "self", _("the person")
        GUARDIAN = "guardian", _("a guardian or trustee")

    class Examination(models.TextChoices):
        NOT_NEEDED = "not_needed", _("not needed")
        WAITING = "waiting", _("waiting")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")

    class Channel(models.TextChoices):
        API = "api", _("API")
        FILE = "file", _("file")
        ADMIN = "admin", _("admin")

    customer = models.ForeignKey(
        "Customer", on_delete=models.PROTECT, related_name="consents", verbose_name=_("customer")
    )
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="consents", verbose_name=_("person"))
    number = models.CharField(_("number it was given by"), max_length=12, blank=True, editable=False)
    purpose = models.CharField(_("purpose"), max_length=40)
    benefits = models.JSONField(_("benefits"))
    classes = models.JSONField(_("field classes"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    given_on = models.DateField(_("given on"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    evidence = models.CharField(_("evidence reference"), max_length=100)
    giver = models.CharField(_("given by"), max_length=8, choices=Giver, default=Giver.SELF)
    examination = models.CharField(
        _("examination"), max_length=10, choices=Examination, default=Examination.NOT_NEEDED, editable=False
    )
    examined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("examined by"),
    )
    examined_at = models.DateTimeField(_("examined"), null=True, blank=True, editable=False)
    lifts_secrecy = models.BooleanField(_("lifts secrecy"), default=True, help_text=_("OSL 10:1 and 12:2."))
    gdpr_basis = models.BooleanField(
        _("ground for the processing"),
        default=False,
        help_text=_("GDPR article 6.1 a; not the same as lifting secrecy."),
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, default=Channel.ADMIN, editable=False)
    registered_at = models.DateTimeField(_("registered"), null=True, blank=True, editable=False)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("registered by"),
    )

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        permissions = [("approve_consent", _("Can examine consents that a guardian or a minor gave"))]
        constraints = [
            models.CheckConstraint(
                name="consent_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
            ),
            models.CheckConstraint(
                name="consent_examined_by_another",
                condition=Q(registered_by=None) | Q(examined_by=None) | ~Q(examined_by=F("registered_by")),
            ),
        ]
        indexes = [
            # The consents of the watches under examination, and those that begin or end between two nights.
            models.Index(fields=["customer", "person", "purpose"], name="consents_of_watches"),
            models.Index(fields=["valid_to"], name="consents_ending"),
            models.Index(fields=["customer", "number"], name="consents_by_number"),  # registering ten thousand at once
            # What waits for a person's look, on the staff's start page.
            models.Index(fields=["registered_at"], name="consents_to_examine", condition=Q(examination="waiting")),
        ]

    def __str__(self) -> str:
        return f"{purpose_name(self.purpose, language())} {self.pk}"

    def as_value(self) -> decision.Consent:
        return decision.Consent(
            id=self.pk,
            benefits=frozenset(self.benefits),
            classes=frozenset(self.classes),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            withdrawn=self.withdrawn_at is not None
            or not self.lifts_secrecy
            or self.examination == self.Examination.REFUSED,
            examined=self.examination in (self.Examination.NOT_NEEDED, self.Examination.ACCEPTED),
        )
