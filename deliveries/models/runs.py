"""Runs: one pass over the logs, how each stream fared in it, and the days without one."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Stream, Watch


class Run(models.Model):
    """One pass over the logs, as of import N, law change L and a decision day (C1)."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("nightly")
        ON_DEMAND = "on_demand", _("on demand")
        REPAIR = "repair", _("repair")
        COMPENSATING = "compensating", _("compensating")

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        HELD = "held", _("held")
        DONE = "done", _("done")
        ABORTED = "aborted", _("aborted")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    cause = models.CharField(
        _("cause"), max_length=200, blank=True, help_text=_("Said in its deliveries; it names nobody.")
    )
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    day = models.DateField(_("decision day"))
    planned_for = models.DateTimeField(_("planned for"))
    deadline = models.DateTimeField(_("deadline"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("finished"), null=True, blank=True)
    as_of_import = models.PositiveIntegerField(_("as of import"), null=True)
    as_of_law = models.PositiveBigIntegerField(_("as of law change"), null=True)
    sources = models.JSONField(_("sources"), default=list, help_text=_("Each: name, state, complete to import."))
    touched = models.JSONField(
        _("touched"), default=dict, help_text=_("By benefit: watches that the imports since the last night concern.")
    )
    dry_run = models.BooleanField(_("dry run"), default=False)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [("release_run", _("Can let a run go on that another has held"))]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "day",
                name="run_nightly_once_a_day",
                condition=Q(kind="nightly", dry_run=False),
                violation_error_message=_("There is already a nightly run for this day."),
            ),
            # A constant, so that a run that is held keeps another from starting as much as one that goes on.
            models.UniqueConstraint(
                models.Value(1), name="run_one_at_a_time", condition=Q(status__in=["running", "held"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.day}"


class Candidate(models.Model):
    """A watch that a run must examine: found once for all streams, then taken stream by stream (C1)."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", verbose_name=_("run"))
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="+", verbose_name=_("stream"))
    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="+", verbose_name=_("watch"))

    class Meta:
        constraints = [models.UniqueConstraint("run", "stream", "watch", name="candidate_once")]


class StreamRun(models.Model):
    """How one stream fared in one run; one failing stream never stops another."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RELEASED = "released", _("released")
        FAILED = "failed", _("failed")
        CARRIED_OVER = "carried_over", _("carried over")
        STOPPED = "stopped", _("stopped")
        REHEARSED = "rehearsed", _("rehearsed")

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="streams", verbose_name=_("run"))
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="runs", verbose_name=_("stream"))
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    code = models.CharField(_("code"), max_length=40, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    candidates = models.PositiveIntegerField(_("watches to examine"), default=0)
    examined = models.PositiveIntegerField(_("watches examined"), default=0)
    counts = models.JSONField(_("counts"), default=dict)
    news = models.JSONField(_("watches with news"), default=dict, help_text=_("By benefit."))
    delivery = models.ForeignKey(
        "Delivery", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("delivery")
    )

    class Meta:
        verbose_name = _("stream's run")
        verbose_name_plural = _("streams' runs")
        ordering = ["run", "stream"]
        constraints = [models.UniqueConstraint("run", "stream", name="stream_once_per_run")]
        indexes = [
            # Those that failed of one thing, sought by its code.
            models.Index(fields=["code"], name="streams_that_failed", condition=~Q(code="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.pk}"


class NoRun(models.Model):
    """A day without a nightly run: what came that day is told the next. Weekdays are a setting (NIGHT_WEEKDAYS)."""

    day = models.DateField(_("day"), unique=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("day without a run")
        verbose_name_plural = _("days without a run")
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"
