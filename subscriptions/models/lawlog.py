"""The law's own log, and what is owed: the second of the two logs that a run stands on (C1, C2)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from subscriptions.models.watches import Watch


class LawChange(models.Model):
    """That something on the side of the law changed, and what it may affect: all columns given hold at once.

    Written by triggers (migration 0002), so that no write path can forget it. On PostgreSQL each is
    written under one exclusive lock held to the commit, so that ids are in commit order and a release, which
    takes the lock shared, stands wholly before or after any change.
    """

    # What the triggers write of, by the names of the models.
    KINDS = (
        "customer",
        "agreement",
        "scope",
        "legalbasis",
        "ownerapproval",
        "consent",
        "block",
        "reservation",
        "protectedrelease",
        "watch",
        "personfacts",
        "personnumber",
    )

    at = models.DateTimeField(_("at"), auto_now_add=True)
    kind = models.CharField(_("kind"), max_length=20)
    customer_id = models.BigIntegerField(null=True)
    agreement_id = models.BigIntegerField(null=True)
    stream_id = models.BigIntegerField(null=True)
    basis_code = models.CharField(max_length=20, null=True)
    benefit = models.CharField(max_length=20, null=True)
    person_id = models.BigIntegerField(null=True)
    watch_from = models.BigIntegerField(null=True)
    watch_to = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("law change")
        verbose_name_plural = _("law changes")
        ordering = ["-id"]
        indexes = [
            # For those who read the log: by day, and of one kind.
            models.Index(fields=["at"], name="law_changes_by_day"),
            models.Index(fields=["kind", "at"], name="law_changes_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Pending(models.Model):
    """What a watch is owed and has not been given, and why. Added and deleted by id, never merged (C2)."""

    class Reason(models.TextChoices):
        FIRST = "first", _("first delivery")
        REFRESH = "refresh", _("full refresh")
        FAILED = "failed", _("failed")
        HELD = "held", _("held")
        PROTECTED = "protected", _("protected identity")
        RECALLED = "recalled", _("recalled")
        BRAKED = "braked", _("unusually many changes")
        DROPPED = "dropped", _("dropped by staff")
        REPAIR = "repair", _("to be repaired")

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, related_name="pending", verbose_name=_("watch"))
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("pending")
        verbose_name_plural = _("pending")
        ordering = ["id"]
        indexes = [
            # What has been owed longest, on the staff's start page; and what waits for a decision there.
            models.Index(fields=["since"], name="pending_by_age"),
            models.Index(fields=["since"], name="pending_protected", condition=models.Q(reason="protected")),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.pk}"
