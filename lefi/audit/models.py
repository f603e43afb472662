"""The append-only log of what people did and whose data they read, and how it is followed up. Triggers hold it so."""

from datetime import datetime
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
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


LOOKS = (Action.READ, Action.SEARCH)
OTHER_OBJECTS = {"subscriptions.protected_queue": _("what waits of persons with protected identity")}


FOR_A_CUSTOMER = models.Q(customer_id__isnull=False)


class AuditQuerySet(models.QuerySet):
    def for_customer(self, customer_id: int) -> Self:
        """What a customer's own people and systems did."""
        return self.filter(customer_id=customer_id)

    def about_person(self, person_id: int) -> Self:
        return self.filter(person_id=person_id)

    def acts_on(self, row: models.Model) -> Self:
        """What was done to a row, the newest first; looking at it is no act."""
        of_it = self.filter(object_type=row._meta.label_lower, object_id=str(row.pk))
        return of_it.exclude(action__in=LOOKS).select_related("actor").order_by("-at", "-id")


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
    customer_id = models.BigIntegerField(
        _("customer"), null=True, blank=True, help_text=_("For whom it was done: the actor's organisation.")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    details = models.JSONField(_("details"), default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-id"]
        indexes = [
            # The log of one row, one person among the staff, or one kind of act, by time.
            models.Index(fields=["object_type", "object_id", "at"], name="events_of_a_row"),
            models.Index(fields=["actor", "at"], name="events_of_an_actor"),
            models.Index(fields=["action", "at"], name="events_of_a_kind"),
            models.Index(fields=["client", "at"], name="events_of_a_client", condition=~models.Q(client="")),
            # A customer's own log, the newest first: of everybody, and of one of its people.
            models.Index(fields=["customer_id", "-id"], name="events_for_a_customer", condition=FOR_A_CUSTOMER),
            models.Index(
                fields=["customer_id", "actor", "-id"], name="events_for_a_customer_by", condition=FOR_A_CUSTOMER
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.object_name}"

    @property
    def by(self) -> str:
        """Who did it: a person, a system by its id, or the service itself."""
        return str(self.actor or self.client or _("the system"))

    @property
    def object_model(self) -> type[models.Model] | None:
        """The kind of row that it was done to; None if it is no row, or of another time."""
        label, _dot, name = self.object_type.partition(".")
        return apps.all_models.get(label, {}).get(name)

    @property
    def object_name(self) -> str:
        """What that kind is called."""
        if self.object_model:
            return str(self.object_model._meta.verbose_name)
        return str(OTHER_OBJECTS.get(self.object_type, self.object_type))

    @property
    def fields(self) -> list[str]:
        """What the fields that were changed are called."""
        known = {one.name: one for one in self.object_model._meta.get_fields()} if self.object_model else {}
        names = self.details.get("fields") or ()
        return [str(getattr(known.get(name), "verbose_name", name)) for name in names]


def record(
    *,
    action: str,
    object_type: str,
    object_id: Any = "",
    actor: Any = None,
    client: str = "",
    person_id: int | None = None,
    customer_id: int | None = None,
    reason: str = "",
    **details: Any,
) -> AuditEvent:
    """Write one event, in the caller's transaction. `actor` is a user or None (the system, or `client`).

    `customer_id` says whose the object is; it is kept where a customer's own people or systems did it.
    """
    own = client or (getattr(actor, "pk", None) and not actor.is_staff)
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor=actor if getattr(actor, "pk", None) else None,
        client=client,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        person_id=person_id,
        customer_id=customer_id if own else None,
        reason=reason,
        details=details,
    )


class FollowUpQuerySet(models.QuerySet):
    def unsigned(self) -> Self:
        """The months that nobody has signed off, or in which something is signed by nobody but its reader."""
        by_another = SignOff.objects.filter(followup=OuterRef("followup")).exclude(by=OuterRef("reader"))
        open_rows = Finding.objects.filter(~Exists(by_another), followup=OuterRef("pk"))
        return self.filter(~Exists(SignOff.objects.filter(followup=OuterRef("pk"))) | Exists(open_rows))

    def to_sign(self, user: Any) -> Self:
        """The months that wait for somebody's signature: not those of which all that is left is the own reading."""
        theirs = SignOff.objects.filter(followup=OuterRef("pk"), by=user)
        others = Finding.objects.filter(followup=OuterRef("pk")).exclude(reader=user)
        return self.unsigned().filter(~Exists(theirs), models.Q(findings=0) | Exists(others))

    def overdue(self, at: datetime) -> Self:
        return self.unsigned().filter(due_at__lt=at)


class FollowUp(models.Model):
    """What the rules found in the log of a month's reads (SFB 114:13), by the thresholds of then. Never changed."""

    month = models.DateField(_("month"), unique=True, help_text=_("Its first day."))
    found_at = models.DateTimeField(_("looked through"))
    due_at = models.DateTimeField(_("to be signed by"))
    thresholds = models.JSONField(_("thresholds"))
    findings = models.PositiveIntegerField(_("findings"))
    digest = models.CharField(_("digest of the findings (SHA-256)"), max_length=64)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow-up of reads")
        verbose_name_plural = _("follow-ups of reads")
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Finding(models.Model):
    """One thing to look at: who read how much about how many, and what is unusual about it."""

    class Rule(models.TextChoices):
        MANY = "many", _("many persons in a day")
        ODD_HOURS = "odd_hours", _("at night or at the weekend")
        SAME_PERSON = "same_person", _("the same person again and again")
        NAMESAKE = "namesake", _("somebody named as the reader, or as a colleague")
        MISSES = "misses", _("searches without a hit")
        PROTECTED = "protected", _("persons with protected identity")
        UNWATCHED = "unwatched", _("persons whom nobody watches, and nothing done")
        OTHERS = "others", _("persons whom only others have ordered")
        NUMBERS = "numbers", _("many identity numbers asked for")
        FILES = "files", _("many lines taken as files")

    followup = models.ForeignKey(
        FollowUp, on_delete=models.PROTECT, related_name="found", verbose_name=_("follow-up of reads")
    )
    rule = models.CharField(_("what was found"), max_length=12, choices=Rule)
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("who read")
    )
    day = models.DateField(_("day"), null=True, blank=True)
    person_id = models.BigIntegerField(_("person"), null=True, blank=True)
    persons = models.PositiveIntegerField(_("persons"))
    reads = models.PositiveIntegerField(_("reads"))
    usual = models.PositiveIntegerField(_("usual in a day"), null=True, blank=True)

    class Meta:
        verbose_name = _("unusual reading")
        verbose_name_plural = _("unusual readings")
        ordering = ["-followup", "rule", "-persons", "id"]

    def __str__(self) -> str:
        return f"{self.followup}: {self.get_rule_display()}"


class SignOff(models.Model):
    """That somebody has looked at a month's findings, but for those about the own reading. Never changed."""

    followup = models.ForeignKey(
        FollowUp, on_delete=models.PROTECT, related_name="signatures", verbose_name=_("follow-up of reads")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("signed by")
    )
    at = models.DateTimeField(_("signed"))
    remarks = models.CharField(_("remarks"), max_length=300)
    findings = models.PositiveIntegerField(_("findings signed"))
    digest = models.CharField(_("digest of the findings (SHA-256)"), max_length=64)

    class Meta:
        verbose_name = _("sign-off")
        verbose_name_plural = _("sign-offs")
        ordering = ["id"]
        constraints = [models.UniqueConstraint("followup", "by", name="signed_off_once_by_each")]

    def __str__(self) -> str:
        return f"{self.followup}: {self.by}"
