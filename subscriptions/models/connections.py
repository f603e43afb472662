"""How an organisation becomes a customer, and what a customer is told about its connection."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models.agreements import Agreement, Stream
from subscriptions.models.customers import Customer


class ConnectionQuerySet(models.QuerySet):
    def applied_by(self, user) -> Self:
        """The user's own: sent by the user, or naming the user's address. Nobody decides on an own application."""
        own = Q(submitted_by=user.pk)
        if user.email:
            for name in ("signatory_email", "contact_email", "technical_email"):
                own |= Q(**{f"{name}__iexact": user.email})
        return self.filter(own)

    def to_examine(self, by) -> Self:
        """What waits to be examined and may be `by`'s to examine."""
        waiting = self.filter(status=Connection.Status.NOTIFIED)
        return waiting.exclude(pk__in=Connection.objects.applied_by(by).values("pk"))

    def awaiting_answer(self) -> Self:
        """Those whose newest message is the applicant's."""
        newest = ConnectionMessage.objects.filter(connection=models.OuterRef("pk")).order_by("-pk").values("pk")[:1]
        return self.filter(messages__pk=models.Subquery(newest), messages__by=None)


class Connection(models.Model):
    """An organisation's application to be connected (anslutning): notified, then examined or refused.

    What becomes of one that is accepted is the agreement's story. `parts` is what is applied for: a list of
    `{"basis": code, "benefits": [code, ...]}`, one for each purpose. `annexes` holds the applicant's own reference to
    each document that goes with it, by the document's code.
    """

    class Status(models.TextChoices):
        NOTIFIED = "notified", _("notified")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    token = models.UUIDField(_("reference"), unique=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.NOTIFIED, editable=False)
    organisation_number = models.CharField(_("organisation number"), max_length=10)
    unit = models.CharField(_("unit code"), max_length=20, blank=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=40)
    signatory_name = models.CharField(_("signatory"), max_length=120)
    signatory_email = models.EmailField(_("signatory's e-mail"))
    contact_name = models.CharField(_("contact"), max_length=120)
    contact_email = models.EmailField(_("contact's e-mail"))
    contact_phone = models.CharField(_("contact's telephone"), max_length=40, blank=True)
    technical_name = models.CharField(_("technical contact"), max_length=120, blank=True)
    technical_email = models.EmailField(_("technical contact's e-mail"), blank=True)
    agent_name = models.CharField(_("agent"), max_length=120, blank=True)
    agent_organisation_number = models.CharField(_("agent's organisation number"), max_length=10, blank=True)
    parts = models.JSONField(_("what is applied for"))
    channel = models.CharField(_("channel"), max_length=10, choices=Stream.Channel, default=Stream.Channel.API)
    look_back_days = models.PositiveIntegerField(_("look-back in days"), default=730)
    persons = models.PositiveIntegerField(_("estimated number of persons"))
    annexes = models.JSONField(_("annexes"), default=dict, blank=True)
    message = models.TextField(_("message"), blank=True)
    submitted_at = models.DateTimeField(_("submitted"), editable=False)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("submitted by"),
    )
    examined_at = models.DateTimeField(_("examined"), null=True, blank=True, editable=False)
    examined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("examined by"),
    )
    refusal = models.TextField(_("why it was refused"), blank=True, editable=False)
    agreement = models.OneToOneField(
        Agreement,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="connection",
        verbose_name=_("agreement"),
    )

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="connection_accepted_has_an_agreement",
                condition=Q(status="accepted", agreement__isnull=False) | ~Q(status="accepted") & Q(agreement=None),
            ),
            models.CheckConstraint(name="connection_refused_says_why", condition=~Q(status="refused", refusal="")),
            models.CheckConstraint(
                name="connection_examined_by_somebody",
                condition=Q(examined_at=None, examined_by=None)
                | Q(examined_at__isnull=False, examined_by__isnull=False),
            ),
            models.CheckConstraint(
                name="connection_examined_by_another",
                condition=Q(submitted_by=None) | Q(examined_by=None) | ~Q(examined_by=F("submitted_by")),
            ),
            models.UniqueConstraint(
                "organisation_number",
                "unit",
                name="connection_waits_once",
                condition=Q(status="notified"),
                violation_error_message=_("There is already an application that waits to be examined."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.submitted_at:%Y-%m-%d}"


class ConnectionMessage(models.Model):
    """A message about an application: the applicant's, or the officer's. Append-only by trigger."""

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="messages", verbose_name=_("connection")
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
        help_text=_("Empty: the applicant."),
    )
    at = models.DateTimeField(_("at"))
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("message about an application")
        verbose_name_plural = _("messages about applications")
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="connection_message_says_something", condition=~Q(text=""))]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.at:%Y-%m-%d %H:%M}"


class ConnectionDraft(models.Model):
    """An application that has been begun, for whoever has its token, of which only the digest is kept.

    `values` holds what has been filled in and found right, by the names of the application's fields. Erased when it is
    sent, thrown away or has not been opened for a time.
    """

    token_sha256 = models.CharField(max_length=64, unique=True, editable=False)
    values = models.JSONField(_("values"), default=dict)
    begun_at = models.DateTimeField(_("begun"))
    saved_at = models.DateTimeField(_("saved"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("draft of an application")
        verbose_name_plural = _("drafts of applications")

    def __str__(self) -> str:
        return f"{self.begun_at:%Y-%m-%d %H:%M}"


class NoticeQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        return self.filter(customer__in=Customer.objects.joined_by(user))

    def unsent(self) -> Self:
        return self.filter(mailed_at=None)

    def to_mail(self, at: datetime) -> Self:
        """What is to be mailed at an instant, the untried first: one that could not be waits an hour, behind them."""
        rested = Q(tried_at=None) | Q(tried_at__lte=at - timedelta(hours=1))
        return self.unsent().filter(rested).order_by(F("tried_at").asc(nulls_first=True), "pk")


class Notice(models.Model):
    """Something that a customer is to know about its connection: shown in the portal and mailed to its contacts.

    One about an application (`connection`) is mailed to the applicant's contact alone: who applies in the name of a
    customer may be somebody else. `code` says what (subscriptions.notices has the words), `details` holds figures and
    dates. Never about a person.
    """

    customer = models.ForeignKey(
        Customer,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notices",
        verbose_name=_("customer"),
    )
    connection = models.ForeignKey(
        Connection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notices",
        verbose_name=_("connection"),
    )
    code = models.CharField(_("code"), max_length=40)
    details = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("at"))
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last tried to mail"), null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="notice_is_to_somebody",
                condition=Q(customer__isnull=False, connection=None) | Q(customer=None, connection__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.code
