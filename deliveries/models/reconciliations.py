"""Customers' own lists of watches compared with ours, and watches that should perhaps be ended."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Customer, Order, Stream, Watch


class ReconciliationQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The one place that says which lists a portal user may see: a system's and colleagues' among them."""
        return self.filter(stream__agreement__customer__in=Customer.objects.handled_by(user))


class Reconciliation(models.Model):
    """A list of the watches that a customer believes it has in a stream, compared with those that stand there.

    Somebody sent it by the portal (`sent_by`), or a system by the API (`client`). The list itself is kept until it has
    been compared; after that only the differences are.
    """

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        JSONL = "jsonl", "JSON Lines"

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting to be compared")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, related_name="reconciliations", verbose_name=_("stream")
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True, editable=False)
    form = models.CharField(_("form"), max_length=5, choices=Form)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)
    refused_at_row = models.PositiveIntegerField(_("refused at row"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    as_of_delivery = models.PositiveIntegerField(_("as of delivery"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    repair = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reconciliations",
        verbose_name=_("repairing order"),
    )

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "stream", "idempotency_key", name="reconciliation_key_used_once", condition=~Q(idempotency_key="")
            ),
            models.CheckConstraint(
                name="reconciliation_refused_says_why",
                condition=Q(status="refused") & ~Q(refusal="") | ~Q(status="refused") & Q(refusal=""),
            ),
            models.CheckConstraint(
                name="reconciliation_sent_by_somebody_or_a_system",
                condition=Q(client="", sent_by__isnull=False) | ~Q(client="") & Q(sent_by=None),
            ),
        ]
        indexes = [
            # What waits for a worker, each minute.
            models.Index(fields=["status"], name="reconciliations_waiting", condition=Q(status="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {self.pk}"


class ReconciliationLine(models.Model):
    """One difference, or one line of the list that cannot be read (`code` says why).

    `line` is the list's; what only we have has none. `number` and `benefit` are those of the watch, or as listed. The
    day and the references to case and need are as listed, for what is to be ordered.
    """

    class Kind(models.TextChoices):
        ONLY_YOU = "ONLY_YOU", _("the customer has it, we do not")
        ONLY_WE = "ONLY_WE", _("we have it, the customer does not")
        DIFFERS = "DIFFERS", _("what was told differs")
        UNREADABLE = "UNREADABLE", _("cannot be read")

    reconciliation = models.ForeignKey(
        Reconciliation,
        on_delete=models.CASCADE,
        related_name="lines",
        db_index=False,
        verbose_name=_("reconciliation"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    code = models.CharField(_("code"), max_length=40, blank=True)
    line = models.PositiveIntegerField(_("line"), null=True, blank=True)
    reference = models.CharField(_("customer's reference"), max_length=100, blank=True)
    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("watch")
    )
    number = models.CharField(_("identity number"), max_length=12, blank=True)
    benefit = models.CharField(_("benefit"), max_length=20, blank=True)
    from_date = models.DateField(_("from"), null=True, blank=True)
    case_reference = models.CharField(_("case reference"), max_length=60, blank=True)
    need_reference = models.CharField(_("need reference"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("reconciliation line")
        verbose_name_plural = _("reconciliation lines")
        ordering = ["reconciliation", "id"]
        indexes = [
            models.Index(fields=["reconciliation", "id"], name="lines_of_a_reconciliation"),
            models.Index(fields=["reconciliation", "kind", "id"], name="lines_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ClosingProposalQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The one place that says which proposals a portal user may see.

        Protected persons' are among them: that one was left out would tell of the protection (C8), and each rests on
        nothing but what the customer has, and has been told.
        """
        return self.filter(stream__in=list(Stream.objects.visible_to(user).values_list("pk", flat=True)))

    def waiting(self, day: date) -> Self:
        """Those whose watch is open, and that the customer has not said to keep for now."""
        return self.filter(Q(kept_until=None) | Q(kept_until__lt=day), watch__ended_at=None)


class ClosingProposal(models.Model):
    """That an open watch should perhaps be ended, and why. It goes when its reason does, or the watch ends."""

    class Reason(models.TextChoices):
        DORMANT = "DORMANT", _("nothing has been told for a long time")
        UNUSED = "UNUSED", _("the deliveries are not fetched")
        OVER_BROAD = "OVER_BROAD", _("wider than the agreement or the law allows now")

    class Detail(models.TextChoices):
        """In what way a watch is over-broad."""

        LOOK_BACK = "LOOK_BACK", _("its from-date is further back than the agreement allows now")
        REFUSED = "REFUSED", _("the benefit may not be told any more")
        REFERENCE = "REFERENCE", _("it lacks the case or need reference that is asked for now")

    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, related_name="closing_proposals", db_index=False, verbose_name=_("watch")
    )
    # The watch's, which never changes: so that a customer's are found among everybody's.
    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False, verbose_name=_("stream")
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    detail = models.CharField(_("in what way"), max_length=10, choices=Detail, blank=True)
    since = models.DateTimeField(_("since"))
    noted_at = models.DateTimeField(_("noted"))
    told_at = models.DateTimeField(_("customer told"), null=True, blank=True)
    kept_until = models.DateField(_("to be kept until"), null=True, blank=True)
    kept_why = models.CharField(_("why it is kept"), max_length=300, blank=True)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("kept by"),
    )

    objects = ClosingProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("watch to close")
        verbose_name_plural = _("watches to close")
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint("watch", "reason", name="closing_proposed_once"),
            models.CheckConstraint(
                name="closing_kept_says_why",
                condition=Q(kept_until=None, kept_why="") | Q(kept_until__isnull=False) & ~Q(kept_why=""),
            ),
            models.CheckConstraint(
                name="closing_over_broad_says_how",
                condition=Q(reason="OVER_BROAD") & ~Q(detail="") | ~Q(reason="OVER_BROAD") & Q(detail=""),
            ),
        ]
        indexes = [
            models.Index(fields=["noted_at"], name="closings_untold", condition=Q(told_at=None)),
            # A customer's, in the portal, as they were noted.
            models.Index(fields=["stream", "id"], name="closings_of_a_stream"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.pk}"
