"""The append-only log of what people did and whose data they read. A trigger refuses changes and deletions."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    READ = "read", _("read")
    SEARCH = "search", _("searched")
    CREATE = "create", _("created")
    CHANGE = "change", _("changed")
    DELETE = "delete", _("deleted")
    FETCH = "fetch", _("fetched")
    ORDER = "order", _("ordered")
    APPROVE = "approve", _("approved")
    REFUSE = "refuse", _("refused")
    SIGN = "sign", _("signed")
    SEND = "send", _("sent")
    END = "end", _("ended")
    WITHDRAW = "withdraw", _("withdrew")
    ACKNOWLEDGE = "confirm", _("acknowledged")


class AuditQuerySet(models.QuerySet):
    def about_person(self, person_id: int) -> Self:
        return self.filter(person_id=person_id)


class AuditEvent(models.Model):
    """Who did what to which object, about whom, why and when. Holds no identity number and no content."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("actor"),
    )
    client = models.CharField(_("client"), max_length=100, blank=True, help_text=_("An API client's id."))
    action = models.CharField(_("action"), max_length=10, choices=Action)
    object_type = models.CharField(_("object type"), max_length=60)
    object_id = models.CharField(_("object"), max_length=60, blank=True)
    person_id = models.BigIntegerField(_("person"), null=True, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    details = models.JSONField(_("details"), default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.object_type}"


def record(
    *,
    action: str,
    object_type: str,
    object_id: Any = "",
    actor: Any = None,
    client: str = "",
    person_id: int | None = None,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Write one event, in the caller's transaction. `actor` is a user or None (the system, or `client`)."""
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor=actor if getattr(actor, "pk", None) else None,
        client=client,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        person_id=person_id,
        reason=reason,
        details=details,
    )
