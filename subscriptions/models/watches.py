"""Orders as they came, and the watches that stand because of them."""

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
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
    reconfirm_by = models.DateField(
        _("reconfirm by"), null=True, blank=True, help_text=_("The day after which the need or case must be confirmed.")
    )
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
            # Reconfirmations that fall due between two nights; a customer's list of those that soon do.
            models.Index(fields=["reconfirm_by"], name="watches_to_reconfirm", condition=Q(ended_at=None)),
            # A case's end to its watches.
            models.Index(fields=["case_reference"], name="watches_of_a_case", condition=~Q(case_reference="")),
            # The same of a need.
            models.Index(fields=["need_reference"], name="watches_of_a_need", condition=~Q(need_reference="")),
        ]

    def __str__(self) -> str:
        return f"{self.benefit} {self.pk}"


class ProtectedReleaseQuerySet(FourEyesQuerySet):
    def proposed(self) -> Self:
        """What waits for a second person: not what was refused, which is kept."""
        return super().proposed().filter(refused_at=None)

    def on(self, day: date) -> Self:
        """The releases in force on a day."""
        standing = self.approved().filter(withdrawn_at=None, valid_from__lte=day)
        return standing.filter(Q(valid_to=None) | Q(valid_to__gte=day))


class ProtectedRelease(FourEyes):
    """That a watch on a person with protected identity may be told, without what reveals a place (OSL 21:3, 21:3 a).

    Two of the staff give it for a time; or, where the legal basis says so, it comes by itself (`automatic`).
    """

    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, related_name="protected_releases", verbose_name=_("watch")
    )
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    reason = models.TextField(_("reason"))
    automatic = models.BooleanField(_("by itself"), default=False, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    refused_at = models.DateTimeField(_("refused"), null=True, blank=True, editable=False)

    objects = ProtectedReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("protected release")
        verbose_name_plural = _("protected releases")
        ordering = ["-id"]
        permissions = [("release_protected", _("Can release watches on persons with protected identity"))]
        constraints = [
            four_eyes("protected_release_four_eyes"),
            models.CheckConstraint(
                name="protected_release_ends_after_it_starts",
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                violation_error_message=_("The release ends before it starts."),
            ),
            models.CheckConstraint(
                name="protected_release_by_itself_or_by_two",
                condition=Q(automatic=True) | Q(prepared_by__isnull=False),
            ),
            models.CheckConstraint(
                name="protected_release_refused_is_never_approved", condition=Q(refused_at=None) | Q(approved_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.watch} {self.pk}"

    @property
    def person_id(self) -> int:
        return self.watch.person_id
