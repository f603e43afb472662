"""Four eyes: what one person prepares, another approves, superusers too. The database holds it (`four_eyes`).

A row of such a model is a proposal until it is approved, and has no effect. A row that nobody prepared is one that came
with the installation, or that a rule already approved made by itself.
"""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import Action, record
from lefi.errors import Refused


class NotApproved(Refused):
    """An approval that is not given: by who prepared it (SAME_PERSON), or of what is no proposal (NOT_PROPOSED)."""


def four_eyes(name: str, *, alone: Q | None = None) -> models.CheckConstraint:
    """Who approved is another than who prepared. Rows that meet `alone` need only the one who prepared them."""
    proposed = Q(approved_at=None, approved_by=None)
    by_nobody = Q(approved_at__isnull=False, prepared_by=None, approved_by=None)
    by_two = Q(approved_at__isnull=False, prepared_by__isnull=False, approved_by__isnull=False)
    allowed = proposed | by_nobody | by_two & ~Q(approved_by=F("prepared_by"))
    if alone is not None:
        allowed |= alone & Q(approved_at__isnull=False, prepared_by__isnull=False, approved_by=None)
    return models.CheckConstraint(
        name=name,
        condition=allowed,
        violation_error_message=_("What one person prepared, another must approve."),
    )


class FourEyesQuerySet(models.QuerySet):
    def approved(self) -> Self:
        return self.filter(approved_at__isnull=False)

    def proposed(self) -> Self:
        return self.filter(approved_at=None)

    def to_approve(self, by: Any) -> Self:
        """What waits for a second person and may be `by`'s to approve: never what they prepared themselves."""
        return self.proposed().filter(prepared_by__isnull=False).exclude(prepared_by=by)


class FourEyes(models.Model):
    """A row that holds only once a second person has approved it. Each model adds its `four_eyes` constraint.

    To approve is a right of its own, beside Django's four: each model's Meta goes on from this one's.
    """

    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("prepared by"),
    )
    prepared_at = models.DateTimeField(_("prepared"), null=True, blank=True, editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True, editable=False)

    class Meta:
        abstract = True
        default_permissions = ("add", "change", "delete", "view", "approve")

    @property
    def in_effect(self) -> bool:
        return self.approved_at is not None


def propose(row: FourEyes, *, by: Any, at: datetime) -> None:
    """Save a new row as a proposal of `by`'s, in the caller's transaction, and log it."""
    row.prepared_by, row.prepared_at = by, at
    row.approved_by = row.approved_at = None
    row.save(force_insert=True)
    _record(Action.CREATE, row, by=by)


def demand_another(row: FourEyes, *, by: Any) -> None:
    """Raise NotApproved (SAME_PERSON) if `by` prepared the row: for those who have work to do before they approve."""
    if row.prepared_by_id == by.pk:  # type: ignore[attr-defined]
        raise NotApproved("SAME_PERSON", "What one person prepared, another must approve.")


def approve(row: FourEyes, *, by: Any, at: datetime, reason: str = "") -> None:
    """Approve a proposal, in the caller's transaction, and log it.

    Raise NotApproved if `by` prepared it, or if it is not there to approve any more. Two who approve at once approve
    once.
    """
    demand_another(row, by=by)
    rows = _proposal(row).filter(prepared_by__isnull=False)
    if not rows.exclude(prepared_by=by).update(approved_by=by, approved_at=at):
        raise NotApproved("NOT_PROPOSED", "There is nothing here that waits for approval.")
    row.refresh_from_db()
    _record(Action.APPROVE, row, by=by, reason=reason, prepared_by=row.prepared_by_id)  # type: ignore[attr-defined]


def drop(row: FourEyes, *, by: Any, reason: str = "") -> None:
    """Throw a proposal away, in the caller's transaction, and log it. Raise NotApproved if it is none (any more)."""
    if not _proposal(row).delete()[0]:
        raise NotApproved("NOT_PROPOSED", "There is nothing here that waits for approval.")
    _record(Action.REFUSE, row, by=by, reason=reason)


def _proposal(row: FourEyes) -> Any:
    """The row alone, if it is still a proposal."""
    manager: Any = type(row)._default_manager
    return manager.proposed().filter(pk=row.pk)


def _record(action: str, row: FourEyes, *, by: Any, reason: str = "", **details: Any) -> None:
    """Log a step with a row; also whom the row is about, if it is about a person."""
    record(
        action=action,
        object_type=row._meta.label_lower,
        object_id=row.pk,
        actor=by,
        person_id=getattr(row, "person_id", None),
        reason=reason,
        **details,
    )
