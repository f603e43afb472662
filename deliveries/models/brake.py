"""News that were so many that they are held, and what two people say of them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.presentation import benefit_name
from deliveries.models.runs import Run
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions.models import Stream


class HeldSlice(models.Model):
    """That a stream's news of one benefit were so many that they are held until two people have looked (C6).

    So many in the stream, or over all streams (`everywhere`: each of them then has such a row). Nothing of the benefit
    is told in the stream meanwhile; what is owed stands as Pending(braked).
    """

    class Status(models.TextChoices):
        HELD = "held", _("held")
        RELEASED = "released", _("released")
        DROPPED = "dropped", _("dropped")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="held_slices", verbose_name=_("stream"))
    benefit = models.CharField(_("benefit"), max_length=20)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="held_slices", verbose_name=_("run"))
    watches = models.PositiveIntegerField(_("watches with news"))
    limit = models.PositiveIntegerField(_("limit"))
    usual = models.PositiveIntegerField(_("usual"), help_text=_("The median of the nights before."))
    everywhere = models.BooleanField(
        _("in all streams"),
        default=False,
        help_text=_("Too many over all streams, and held in each: limit and usual are of them all."),
    )
    held_at = models.DateTimeField(_("held"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.HELD)
    ended_at = models.DateTimeField(_("decided"), null=True, blank=True)
    told_in = models.ForeignKey(
        Run, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("told in run")
    )

    class Meta:
        verbose_name = _("held slice")
        verbose_name_plural = _("held slices")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("stream", "benefit", name="slice_held_once", condition=Q(status="held")),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {benefit_name(self.benefit, language())}"


class SliceVerdict(FourEyes):
    """What is to be done with a held slice, and why: said by one of the staff and approved by another."""

    class Verdict(models.TextChoices):
        RELEASE = "release", _("release")
        DROP = "drop", _("drop")

    slice = models.ForeignKey(
        HeldSlice, on_delete=models.PROTECT, related_name="verdicts", verbose_name=_("held slice")
    )
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    for_all = models.BooleanField(
        _("for all streams"), default=False, help_text=_("All that is held of the same benefit by the same run.")
    )
    reason = models.TextField(_("reason"))

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("verdict on a held slice")
        verbose_name_plural = _("verdicts on held slices")
        ordering = ["-id"]
        constraints = [
            four_eyes("slice_verdict_four_eyes"),
            models.UniqueConstraint("slice", name="slice_one_verdict_waits", condition=Q(approved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.slice} {self.get_verdict_display()}"
