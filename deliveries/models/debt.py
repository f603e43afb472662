"""What was not told as it should have been, and the marked runs that staff order to mend it."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Reversal
from benefits.presentation import section_name
from deliveries.models.runs import Run
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions.models import Watch


class DebtCheck(models.Model):
    """One full comparison of what every watch was told with what it should have been told: the delta debt.

    It goes on from `stream` and `watch` after any stop, a bounded number of watches at a time.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("finished"), null=True, blank=True)
    stream = models.PositiveBigIntegerField(_("stream"), default=0)
    watch = models.PositiveBigIntegerField(_("watch"), default=0)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("check for debt")
        verbose_name_plural = _("checks for debt")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("status", name="debt_check_one_runs", condition=Q(status="running"))]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d}"


class DebtQuerySet(models.QuerySet):
    def standing(self) -> Self:
        return self.filter(settled_at=None)


class Debt(models.Model):
    """That a watch's last told section is not what it should have been, though nothing owed to it says so."""

    class Cause(models.TextChoices):
        UNTOLD = "untold", _("content that is known was never told")
        REMAINS = "remains", _("content that is gone was never taken back")
        OTHER = "other", _("content was told otherwise than it is known")
        STATUS = "status", _("a status was never told")
        DROPPED = "dropped", _("staff dropped the news")

    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="debts", verbose_name=_("watch"))
    section = models.CharField(_("section"), max_length=60, blank=True)
    cause = models.CharField(_("cause"), max_length=8, choices=Cause)
    since_import = models.PositiveIntegerField(
        _("since import"), null=True, blank=True, help_text=_("The first import whose change was not told.")
    )
    found_at = models.DateTimeField(_("found"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = DebtQuerySet.as_manager()

    class Meta:
        verbose_name = _("debt")
        verbose_name_plural = _("debts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("watch", "section", name="debt_stands_once", condition=Q(settled_at=None)),
        ]
        indexes = [models.Index(fields=["found_at"], name="debts_standing", condition=Q(settled_at=None))]

    def __str__(self) -> str:
        return f"{section_name(self.section, language())} {self.pk}"

    @property
    def person_id(self) -> int:
        return self.watch.person_id


class OrderedRun(FourEyes):
    """A marked run that staff order, two of them: a repair of debts, or what compensates for a wrong import.

    `cause` is said in its deliveries. Only what differs is told, as always.
    """

    kind = models.CharField(
        _("kind"), max_length=12, choices=[(one.value, one.label) for one in (Run.Kind.REPAIR, Run.Kind.COMPENSATING)]
    )
    cause = models.CharField(_("cause"), max_length=200, help_text=_("Said in the deliveries; it names nobody."))
    reversal = models.ForeignKey(
        Reversal, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reversal")
    )
    run = models.OneToOneField(
        Run, on_delete=models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("run")
    )

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("ordered run")
        verbose_name_plural = _("ordered runs")
        ordering = ["-id"]
        constraints = [four_eyes("ordered_run_four_eyes")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"
