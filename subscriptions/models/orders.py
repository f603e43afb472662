"""Orders as they came, how far each has got, and what every line was answered."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from subscriptions.models.agreements import Stream
from subscriptions.models.customers import Customer
from subscriptions.models.watches import Watch, WatchQuerySet


class OrderKind(models.TextChoices):
    """The service's three order types, by their element names."""

    NEW = "nybestallningBevakning", _("new watch")
    CANCEL = "avbestallningBevakning", _("cancel watch")
    REFRESH = "heluppdateringBevakning", _("full refresh")


class OrderQuerySet(models.QuerySet):
    def of(self, customer: Customer) -> Self:
        return self.filter(stream__agreement__customer=customer)

    def visible_to(self, user) -> Self:
        """The one place that says which orders a portal user may see."""
        return self.filter(stream__agreement__customer__in=Customer.objects.visible_to(user))

    def looked_after_by(self, user) -> Self:
        """What the portal user sees to: the own orders, and colleagues' where the user handles the unit's files."""
        handled = Q(stream__agreement__customer__in=Customer.objects.handled_by(user))
        from_people = Q(channel__in=[Order.Channel.FILE, Order.Channel.PORTAL])
        return self.visible_to(user).filter(Q(ordered_by=user) | handled & from_people)

    def to_work_on(self, at: datetime) -> Self:
        """What a worker is to take up: nobody is at it, and it neither waits for the customer nor is over."""
        free = Q(leased_until=None) | Q(leased_until__lte=at)
        return self.filter(free, status__in=Order.IN_HAND)


class Order(models.Model):
    """What a customer asked for at one time, in one stream.

    A file is kept as it came, read into lines, and its lines are answered a chunk at a time. `aim` says what the
    worker is to do with the lines, `status` how far it has got.
    """

    class Channel(models.TextChoices):
        API = "api", _("API")
        FILE = "file", _("file")
        PORTAL = "portal", _("portal")
        ADMIN = "admin", _("admin")

    class Form(models.TextChoices):
        """How it was written; "" where it came as lines: from a page, or made here."""

        XML = "xml", "XML"
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"
        JSON = "json", "JSON"
        JSONL = "jsonl", "JSON Lines"

    class Status(models.TextChoices):
        RECEIVING = "receiving", _("being sent")
        WAITING = "waiting", _("waiting to be read")
        WORKING = "working", _("in progress")
        PREVIEWED = "previewed", _("waiting to be confirmed")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        THROWN_AWAY = "thrown_away", _("thrown away")

    class Aim(models.TextChoices):
        PREVIEW = "preview", _("answer without effect")
        CARRY_OUT = "carry_out", _("carry out")
        GIVE_UP = "give_up", _("answer the rest as not carried out")

    IN_HAND = (Status.WAITING, Status.WORKING)

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
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True, editable=False)
    received_at = models.DateTimeField(_("received"))

    form = models.CharField(_("form"), max_length=5, choices=Form, blank=True)
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    received_bytes = models.PositiveBigIntegerField(_("bytes received"), default=0)

    aim = models.CharField(_("aim"), max_length=10, choices=Aim, default=Aim.CARRY_OUT)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)
    refused_at_row = models.PositiveIntegerField(_("refused at row"), null=True, blank=True)
    bytes_read = models.PositiveBigIntegerField(default=0, editable=False)
    lines_read = models.PositiveIntegerField(_("lines read"), default=0)
    line_count = models.PositiveIntegerField(_("lines"), null=True, blank=True, help_text=_("Known once all is read."))
    lines_done = models.PositiveIntegerField(_("lines answered"), default=0)
    counts = models.JSONField(_("answers"), default=dict)
    expected = models.JSONField(_("expected size"), default=dict)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    pass_started_at = models.DateTimeField(_("taken up"), null=True, blank=True)
    pass_from = models.PositiveIntegerField(default=0, editable=False)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    stop_wanted = models.BooleanField(default=False, editable=False)
    lease = models.PositiveIntegerField(default=0, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    carried_in = models.PositiveIntegerField(_("told in delivery"), null=True, blank=True)

    mends = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="mended_by",
        verbose_name=_("mends order"),
        help_text=_("The order whose faulty lines it orders again, put right."),
    )
    mends_line = models.PositiveIntegerField(
        _("mends line"), null=True, blank=True, editable=False, help_text=_("The one line; none if it mends several.")
    )
    settled_at = models.DateTimeField(
        _("faults settled"), null=True, blank=True, editable=False, help_text=_("Nobody needs to mend any more of it.")
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "stream", "idempotency_key", name="order_key_used_once", condition=~Q(idempotency_key="")
            ),
            models.CheckConstraint(
                name="order_refused_says_why",
                condition=Q(status="refused") & ~Q(refusal="") | ~Q(status="refused") & Q(refusal=""),
            ),
            models.CheckConstraint(
                name="order_answers_no_more_lines_than_it_has",
                condition=Q(line_count=None) | Q(lines_done__lte=F("line_count")),
            ),
            models.CheckConstraint(
                name="order_mends_a_line_of_an_order", condition=Q(mends_line=None) | Q(mends__isnull=False)
            ),
            models.UniqueConstraint("mends", "mends_line", name="order_line_mended_once"),
        ]
        indexes = [
            # What waits for a worker, each minute.
            models.Index(
                fields=["status"], name="orders_in_hand", condition=Q(status__in=["waiting", "working", "receiving"])
            ),
            # What a stream's next delivery is to carry.
            models.Index(fields=["stream"], name="orders_to_carry", condition=Q(carried_in=None, status="done")),
            # What a system ordered, sought by its id.
            models.Index(fields=["client"], name="orders_of_a_client", condition=~Q(client="")),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {self.pk}"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it, by itself or by anybody."""
        return self.status in (self.Status.DONE, self.Status.REFUSED, self.Status.THROWN_AWAY)

    @property
    def percent(self) -> int:
        """Of the lines, how many in a hundred are answered."""
        if self.line_count is None:
            return 0
        return 100 if not self.line_count else self.lines_done * 100 // self.line_count

    @property
    def percent_read(self) -> int:
        """Of the file, how much in a hundred has been read; 100 only when all has."""
        if self.line_count is not None:
            return 100
        return min(99, self.bytes_read * 100 // self.size) if self.size else 0

    def rate(self, at: datetime) -> float:
        """Lines read, and then answered, a second since that began; 0 before the first, and while nobody is at it."""
        if self.pass_started_at is None or not (self.done_at or self.status == self.Status.WORKING):
            return 0.0
        seconds = ((self.done_at or at) - self.pass_started_at).total_seconds()
        lines = self.lines_read if self.line_count is None else self.lines_done - self.pass_from
        return max(0, lines) / seconds if seconds > 0 else 0.0

    def time_left(self, at: datetime) -> timedelta | None:
        """How long the rest takes at this rate; None where that cannot be said."""
        rate = self.rate(at)
        if self.line_count is None or not rate or self.status != self.Status.WORKING:
            return None
        return timedelta(seconds=round((self.line_count - self.lines_done) / rate))


class OrderLine(models.Model):
    """One person and one benefit of an order, with its answer: a stable code (subscriptions.answers).

    `line` counts the order's lines from 1, `file_row` the rows of the file: a row may ask for several benefits. Case
    and need are kept of a line that opened or found no watch, to be shown and mended; a watch has its own.
    """

    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="lines", db_index=False, verbose_name=_("order")
    )
    line = models.PositiveIntegerField(_("line"))
    file_row = models.PositiveIntegerField(_("row"), default=0)
    kind = models.CharField(_("kind"), max_length=30, choices=OrderKind, blank=True)
    number = models.CharField(_("identity number"), max_length=20)
    benefit = models.CharField(_("benefit"), max_length=60)
    from_date = models.DateField(_("from"), null=True, blank=True)
    reference = models.CharField(_("customer's reference"), max_length=100, blank=True)
    case_reference = models.CharField(_("case reference"), max_length=60, blank=True, db_default="")
    need_reference = models.CharField(_("need reference"), max_length=60, blank=True, db_default="")
    answer = models.CharField(_("answer"), max_length=40)
    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, null=True, blank=True, related_name="lines", verbose_name=_("watch")
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order", "line"]
        constraints = [models.UniqueConstraint("order", "line", name="order_line_answered_once")]
        indexes = [
            # The lines that had no effect, to be mended by the customer and carried in the next delivery.
            models.Index(
                fields=["order", "line"],
                name="order_lines_without_effect",
                condition=~Q(answer__in=["ACCEPTED", "NUMBER_REPLACED", "CANCELLED", "REFRESH_ORDERED"]),
            ),
        ]

    def __str__(self) -> str:
        return _("order %(order)s, line %(line)s") % {"order": self.order_id, "line": self.line}


_OPENED = ("ACCEPTED", "NUMBER_REPLACED")


def with_opener(watches: WatchQuerySet) -> WatchQuerySet:
    """Annotate watches with the order that opened them, as `opened_in`; None where it is not known."""
    lines = OrderLine.objects.filter(watch=OuterRef("pk"), answer__in=_OPENED).order_by("-pk")
    return watches.annotate(opened_in=Subquery(lines.values("order")[:1]))
