"""What was told: runs, the numbered deliveries of each stream, the log of disclosures, and what each watch knows."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from subscriptions.models import Customer, Stream, Watch


class Run(models.Model):
    """One pass over the logs, as of import N, law change L and a decision day (C1)."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("nightly")
        ON_DEMAND = "on_demand", _("on demand")

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.PLANNED)
    day = models.DateField(_("decision day"))
    planned_for = models.DateTimeField(_("planned for"))
    deadline = models.DateTimeField(_("deadline"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    as_of_import = models.PositiveIntegerField(_("as of import"), null=True)
    as_of_law = models.PositiveBigIntegerField(_("as of law change"), null=True)
    dry_run = models.BooleanField(_("dry run"), default=False)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "day",
                name="run_nightly_once_a_day",
                condition=Q(kind="nightly", dry_run=False),
                violation_error_message=_("There is already a nightly run for this day."),
            ),
            models.UniqueConstraint("status", name="run_one_at_a_time", condition=Q(status="running")),
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
    counts = models.JSONField(_("counts"), default=dict)
    delivery = models.ForeignKey(
        "Delivery", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("delivery")
    )

    class Meta:
        verbose_name = _("stream's run")
        verbose_name_plural = _("streams' runs")
        ordering = ["run", "stream"]
        constraints = [models.UniqueConstraint("run", "stream", name="stream_once_per_run")]

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.pk}"


class DeliveryQuerySet(models.QuerySet):
    def of(self, customer: Customer) -> Self:
        return self.filter(stream__agreement__customer=customer)

    def visible_to(self, user) -> Self:
        return self.filter(stream__in=Stream.objects.visible_to(user))

    def standing(self) -> Self:
        """Released and not recalled."""
        return self.filter(recalled_at=None)


class Delivery(models.Model):
    """One document of one stream: numbered without gaps, chained by hash, stored once, never changed (C5)."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("stream"))
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="deliveries", verbose_name=_("run"))
    number = models.PositiveIntegerField(_("number"))
    sha256 = models.CharField(max_length=64)
    previous_sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    schema_version = models.CharField(_("schema version"), max_length=20)
    as_of_import = models.PositiveIntegerField(_("as of import"))
    as_of_law = models.PositiveBigIntegerField(_("as of law change"))
    day = models.DateField(_("decision day"))
    final = models.BooleanField(_("ends the stream"), default=False)
    persons = models.PositiveIntegerField(_("persons"))
    blocks = models.PositiveIntegerField(_("blocks"))
    planned_for = models.DateTimeField(_("planned for"))
    released_at = models.DateTimeField(_("released"))
    first_fetched_at = models.DateTimeField(_("first fetched"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    recalled_at = models.DateTimeField(_("recalled"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-released_at", "-id"]
        constraints = [
            models.UniqueConstraint("stream", "number", name="delivery_numbered_once"),
            models.CheckConstraint(
                name="delivery_recalled_was_never_fetched",
                condition=Q(recalled_at=None) | Q(first_fetched_at=None),
            ),
            models.CheckConstraint(
                name="delivery_acknowledged_was_fetched",
                condition=Q(acknowledged_at=None) | Q(first_fetched_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"


class StoredDecision(models.Model):
    """One answer of the decision function, with all that it rested on; shared by the disclosures of a profile (C7)."""

    key = models.CharField(max_length=64, unique=True)
    day = models.DateField(_("day"))
    outcome = models.CharField(_("outcome"), max_length=8)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)
    basis_code = models.CharField(_("legal basis"), max_length=20)
    basis_version = models.PositiveIntegerField(_("version"), null=True)
    scope_version = models.PositiveIntegerField(_("scope version"))
    benefit = models.CharField(_("benefit"), max_length=20)
    classes = models.JSONField(_("field classes"))
    consent_id = models.BigIntegerField(_("consent"), null=True)
    profile = models.JSONField(_("profile"))

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.basis_code} v{self.basis_version}, {self.day}"


class DisclosureQuerySet(models.QuerySet):
    def about(self, person: Person) -> Self:
        return self.filter(person=person)

    def of(self, customer: Customer) -> Self:
        return self.filter(customer=customer)


class Disclosure(models.Model):
    """That a watch was told something in a delivery, or that something was withheld, and on which decision.

    Append-only by trigger; written in the transaction that releases the delivery. No log, no delivery.
    """

    class Outcome(models.TextChoices):
        SENT = "sent", _("sent")
        WITHHELD = "withheld", _("withheld")

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="disclosures", verbose_name=_("delivery")
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", verbose_name=_("customer"))
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="disclosures", verbose_name=_("watch"))
    decision = models.ForeignKey(StoredDecision, on_delete=models.PROTECT, related_name="+", verbose_name=_("decision"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    complete = models.BooleanField(_("complete information"), default=False)
    from_date = models.DateField(_("from"))
    case_reference = models.CharField(_("case or need reference"), max_length=60, blank=True)
    sections = models.JSONField(_("sections"), default=dict, help_text=_("Section: digest of the block told."))
    items = models.PositiveIntegerField(_("billable items"), default=0)

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("delivery", "watch", name="disclosure_once_per_delivery")]
        indexes = [models.Index(fields=["person", "customer"], name="disclosures_about_a_person")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.pk}"


class Told(models.Model):
    """What a watch was last told of one section: the multiset of item digests, as filtered for it (C3).

    What a delivery replaces is kept, with `replaced_by`, until that delivery has been fetched: a recall puts it back.
    `digest` is the block's; a section told to be empty has a row with no items.
    """

    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="told", verbose_name=_("watch"))
    section = models.CharField(_("section"), max_length=60)
    digest = models.CharField(max_length=64)
    items = models.TextField(blank=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="told", verbose_name=_("delivery"))
    replaced_by = models.ForeignKey(
        Delivery,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced",
        verbose_name=_("replaced by"),
    )

    class Meta:
        constraints = [
            models.UniqueConstraint("watch", "section", name="told_one_current", condition=Q(replaced_by=None)),
        ]


class Fetch(models.Model):
    """That somebody collected a delivery, or was refused it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="fetches", verbose_name=_("delivery"))
    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("fetch")
        verbose_name_plural = _("fetches")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class HandoutReleaseQuerySet(FourEyesQuerySet):
    def unused(self, day: date) -> Self:
        """The releases and proposals that no fetch has used up, and whose last day has not passed."""
        return self.filter(Q(approved_at=None) | Q(valid_to__gte=day), used_at=None)


class HandoutRelease(FourEyes):
    """That a delivery already fetched may be handed out once more although it holds what may no longer be told (C6).

    It is for what was refused when it was proposed (`refused`: "watch:code", sorted) and for nothing that came later.
    """

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="handout_releases", verbose_name=_("delivery")
    )
    reason = models.TextField(_("reason"))
    refused = models.JSONField(_("refused"), default=list, editable=False)
    valid_to = models.DateField(_("valid to"), null=True, blank=True, editable=False)
    used_at = models.DateTimeField(_("used"), null=True, blank=True, editable=False)

    objects = HandoutReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("handout release")
        verbose_name_plural = _("handout releases")
        ordering = ["-id"]
        constraints = [four_eyes("handout_release_four_eyes")]

    def __str__(self) -> str:
        return f"{self.delivery} {self.pk}"

    def covers(self, refused: Iterable[str]) -> bool:
        """Whether it was given for all of what is refused."""
        return set(self.refused).issuperset(refused)


class SpontaneousDisclosure(FourEyes):
    """What Försäkringskassan tells a customer about a person of its own accord (R25; SoL 15:10, F2008 3 §).

    Its own recorded flow, outside every stream: one document, for reasons that are written down, by two of the staff.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", verbose_name=_("customer"))
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    basis_code = models.CharField(_("legal basis"), max_length=20)
    benefit = models.CharField(_("benefit"), max_length=20)
    from_date = models.DateField(_("from"))
    reason = models.TextField(_("reason"))
    decision = models.ForeignKey(
        StoredDecision,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("decision"),
    )
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0, editable=False)
    sections = models.JSONField(_("sections"), default=dict, editable=False)
    as_of_import = models.PositiveIntegerField(_("as of import"), null=True, editable=False)
    first_fetched_at = models.DateTimeField(_("first fetched"), null=True, blank=True, editable=False)
    fetched_by = models.CharField(_("fetched by"), max_length=150, blank=True, editable=False)

    objects = FourEyesQuerySet.as_manager()

    class Meta:
        verbose_name = _("spontaneous disclosure")
        verbose_name_plural = _("spontaneous disclosures")
        ordering = ["-id"]
        constraints = [
            four_eyes("spontaneous_four_eyes"),
            models.CheckConstraint(
                name="spontaneous_approved_is_decided",
                condition=Q(approved_at=None) | Q(decision__isnull=False) & ~Q(sha256=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} {self.pk}"
