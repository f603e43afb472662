"""Orders as they came, and the watches that stand because of them."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from subscriptions.models.agreements import Stream
from subscriptions.models.customers import Customer


class OrderKind(models.TextChoices):
    """The service's three order types, by their element names."""

    NEW = "nybestallningBevakning", _("new watch")
    CANCEL = "avbestallningBevakning", _("cancel watch")
    REFRESH = "heluppdateringBevakning", _("full refresh")


class OrderQuerySet(models.QuerySet):
    def of(self, customer: Customer) -> Self:
        return self.filter(stream__agreement__customer=customer)

    def visible_to(self, user) -> Self:
        return self.filter(stream__agreement__customer__in=Customer.objects.visible_to(user))


class Order(models.Model):
    """What a customer asked for at one time, in one stream."""

    class Channel(models.TextChoices):
        API = "api", _("API")
        FILE = "file", _("file")
        PORTAL = "portal", _("portal")
        ADMIN = "admin", _("admin")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="orders", verbose_name=_("stream"))
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ordered by"),
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    reference = models.CharField(_("customer's reference"), max_length=100, blank=True)
    received_at = models.DateTimeField(_("received"))
    raw = models.TextField(_("as received"), blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.stream} {self.pk}"


class OrderLine(models.Model):
    """One person and one benefit of an order, with its answer: a stable code (subscriptions.answers)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", verbose_name=_("order"))
    line = models.PositiveIntegerField(_("line"))
    kind = models.CharField(_("kind"), max_length=30, choices=OrderKind)
    number = models.CharField(_("identity number"), max_length=20)
    benefit = models.CharField(_("benefit"), max_length=60)
    from_date = models.DateField(_("from"), null=True, blank=True)
    reference = models.CharField(_("customer's reference"), max_length=100, blank=True)
    answer = models.CharField(_("answer"), max_length=40)
    watch = models.ForeignKey(
        "Watch", on_delete=models.PROTECT, null=True, blank=True, related_name="lines", verbose_name=_("watch")
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order", "line"]
        constraints = [models.UniqueConstraint("order", "line", "benefit", name="order_line_answered_once")]

    def __str__(self) -> str:
        return f"{self.order_id}:{self.line}"


class WatchQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, customer: Customer) -> Self:
        return self.filter(stream__agreement__customer=customer)

    def visible_to(self, user) -> Self:
        """The one place that says which watches a portal user may see."""
        return self.filter(stream__agreement__customer__in=Customer.objects.visible_to(user))


class Watch(models.Model):
    """The standing subscription on one person's one benefit in one stream, from a date that never moves (C4).

    It belongs to whoever now holds the number it was ordered by, so it follows a number change, a merge and a split.
    """

    class EndReason(models.TextChoices):
        """What a customer is told when a watch ends: coarse, and never the detail of a withdrawal (C8)."""

        CANCELLED = "AVBESTALLD", _("cancelled")
        NO_LONGER = "UPPHORD", _("ended")
        DUPLICATE = "DUBBLETT", _("two persons found to be one")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="watches", verbose_name=_("stream"))
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="watches", verbose_name=_("person"))
    ordered_number = models.CharField(_("number it was ordered by"), max_length=12)
    benefit = models.CharField(_("benefit"), max_length=20)
    from_date = models.DateField(_("from"))
    case_reference = models.CharField(_("case reference"), max_length=60, blank=True)
    need_reference = models.CharField(_("need reference"), max_length=60, blank=True)
    opened_at = models.DateTimeField(_("opened"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=12, choices=EndReason, blank=True)
    ended_as_of = models.PositiveIntegerField(_("ended as of import"), null=True, blank=True)

    objects = WatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("watch")
        verbose_name_plural = _("watches")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "stream",
                "person",
                "benefit",
                name="watch_open_once",
                condition=Q(ended_at=None),
                violation_error_message=_("The person is already watched for this benefit."),
            ),
            models.CheckConstraint(
                name="watch_ended_says_why",
                condition=Q(ended_at=None, end_reason="", ended_as_of=None)
                | Q(ended_at__isnull=False, ended_as_of__isnull=False) & ~Q(end_reason=""),
            ),
        ]
        indexes = [
            # Touched persons to their open watches, in every run.
            models.Index(fields=["person", "stream"], name="watches_of_a_person"),
            # A stream's stock, in order of person, in refreshes and self-checks.
            models.Index(fields=["stream", "person"], name="watches_of_a_stream"),
            # Numbers that changed hands to the watches ordered by them, in every run; a member's search by number.
            models.Index(fields=["ordered_number"], name="watches_by_number"),
        ]

    def __str__(self) -> str:
        return f"{self.benefit} {self.pk}"
