"""What is purged and when, what is held, and where a stream is taken up when deliveries are gone."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from deliveries.models.delivered import Delivery
from deliveries.models.receipts import SigningKey
from deliveries.models.told import SpontaneousDisclosure
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from subscriptions.models import Customer, Order, Stream


class Purge(models.Model):
    """One batch of what was erased when its time had come: what kind, by which rule, how much, and by whom.

    Append-only by trigger. `before` is the limit: nothing newer was erased. Without `by` it was the daily task.
    """

    class Kind(models.TextChoices):
        DOCUMENTS = "documents", _("documents of deliveries")
        DIGESTS = "digests", _("digests of what was told")
        SPONTANEOUS = "spontaneous", _("documents told of our own accord")
        ORDERS = "orders", _("files of orders, and the identity numbers on their lines")
        REFUSED_ORDERS = "refused_orders", _("files of orders refused or thrown away")
        RECONCILIATIONS = "reconciliations", _("differences found in reconciliations")
        VERSIONS = "versions", _("replaced versions of what is known")
        REPORTS = "reports", _("contents of reports to persons")
        LOG = "log", _("log of reads and acts")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    reference = models.CharField(_("legal reference"), max_length=200)
    decision = models.CharField(_("the agency's decision"), max_length=100)
    before = models.DateTimeField(_("older than"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    oldest = models.DateTimeField(_("oldest"), null=True)
    newest = models.DateTimeField(_("newest"), null=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="purge_is_of_the_past", condition=Q(before__lte=F("at")))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class PurgedQuerySet(models.QuerySet):
    def unfinished(self) -> Self:
        """Those whose file may still lie there, or whose rows have not all been emptied."""
        return self.filter(Q(file_gone=False) | Q(rows_done=False))


class Purged(models.Model):
    """That the content of one thing is erased. It alone opens the triggers that keep the content.

    The file goes after the commit (`file_gone`), and the rows that hold content with it a batch at a time: `rows_to` is
    how far that has come.
    """

    purge = models.ForeignKey(Purge, on_delete=models.PROTECT, related_name="things", verbose_name=_("erasure"))
    delivery = models.OneToOneField(
        Delivery, on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("delivery")
    )
    spontaneous = models.OneToOneField(
        SpontaneousDisclosure,
        on_delete=models.PROTECT,
        null=True,
        related_name="purged",
        verbose_name=_("spontaneous disclosure"),
    )
    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("order")
    )
    report = models.OneToOneField(
        "PersonReport", on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("report to a person")
    )
    file_gone = models.BooleanField(default=False)
    rows_to = models.BigIntegerField(default=0)
    rows_done = models.BooleanField(default=False)

    objects = PurgedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="purged_is_one_thing",
                condition=Q(delivery__isnull=False, spontaneous=None, order=None, report=None)
                | Q(delivery=None, spontaneous__isnull=False, order=None, report=None)
                | Q(delivery=None, spontaneous=None, order__isnull=False, report=None)
                | Q(delivery=None, spontaneous=None, order=None, report__isnull=False),
            ),
        ]
        indexes = [
            # What an erasure that was broken off has left, each day.
            models.Index(fields=["id"], name="purged_unfinished", condition=Q(file_gone=False) | Q(rows_done=False)),
        ]


class Checkpoint(models.Model):
    """What a stream's receiver knew after a delivery, signed, so that the documents before it can be erased (C10).

    The state is a file named by its SHA-256. Append-only by trigger.
    """

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="checkpoints", verbose_name=_("stream"))
    number = models.PositiveIntegerField(_("after delivery"))
    sha256 = models.CharField(_("hash of the state"), max_length=64)
    watches = models.PositiveIntegerField(_("watches"))
    made_at = models.DateTimeField(_("made"))
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+", verbose_name=_("key"))
    jws = models.TextField()

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("stream", "number", name="checkpoint_once")]

    def __str__(self) -> str:
        return f"{self.stream} · {self.number}"


class LegalHoldQuerySet(models.QuerySet):
    def in_force(self) -> Self:
        lifted = HoldLift.objects.approved().filter(hold=models.OuterRef("pk"))
        return self.filter(~models.Exists(lifted))


class LegalHold(models.Model):
    """That nothing of a person, stream or customer, or nothing at all, may be erased. One sets it; two lift it."""

    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stream")
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    everything = models.BooleanField(_("everything"), default=False)
    reason = models.TextField(_("reason"), help_text=_("Which matter needs it. It is kept, and names no person."))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("set by"), editable=False
    )
    set_at = models.DateTimeField(_("set"), editable=False)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="hold_has_one_scope",
                condition=Q(person__isnull=False, stream=None, customer=None, everything=False)
                | Q(person=None, stream__isnull=False, customer=None, everything=False)
                | Q(person=None, stream=None, customer__isnull=False, everything=False)
                | Q(person=None, stream=None, customer=None, everything=True),
                violation_error_message=_("A hold is of one person, one stream, one customer or everything."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class HoldLift(FourEyes):
    """That a legal hold is lifted: proposed by one, approved by another."""

    hold = models.ForeignKey(LegalHold, on_delete=models.PROTECT, related_name="lifts", verbose_name=_("legal hold"))
    reason = models.TextField(_("reason"), help_text=_("Why it is not needed any more. It names no person."))

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("lifting of a hold")
        verbose_name_plural = _("liftings of holds")
        ordering = ["-id"]
        constraints = [
            four_eyes("hold_lift_four_eyes"),
            models.UniqueConstraint("hold", name="hold_lifted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.hold} {self.pk}"

    @property
    def person_id(self) -> int | None:
        return self.hold.person_id  # type: ignore[attr-defined]
