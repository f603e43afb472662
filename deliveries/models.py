"""What was told: runs, the numbered deliveries of each stream, the log of disclosures, and what each watch knows."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.models import Person, Reversal
from benefits.presentation import benefit_name, section_name
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions.models import Customer, Order, Stream, Watch


class Run(models.Model):
    """One pass over the logs, as of import N, law change L and a decision day (C1)."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly", _("nightly")
        ON_DEMAND = "on_demand", _("on demand")
        REPAIR = "repair", _("repair")
        COMPENSATING = "compensating", _("compensating")

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        HELD = "held", _("held")
        DONE = "done", _("done")
        ABORTED = "aborted", _("aborted")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    cause = models.CharField(
        _("cause"), max_length=200, blank=True, help_text=_("Said in its deliveries; it names nobody.")
    )
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    day = models.DateField(_("decision day"))
    planned_for = models.DateTimeField(_("planned for"))
    deadline = models.DateTimeField(_("deadline"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("finished"), null=True, blank=True)
    as_of_import = models.PositiveIntegerField(_("as of import"), null=True)
    as_of_law = models.PositiveBigIntegerField(_("as of law change"), null=True)
    sources = models.JSONField(_("sources"), default=list, help_text=_("Each: name, state, complete to import."))
    touched = models.JSONField(
        _("touched"), default=dict, help_text=_("By benefit: watches that the imports since the last night concern.")
    )
    dry_run = models.BooleanField(_("dry run"), default=False)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [("release_run", _("Can let a run go on that another has held"))]
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "day",
                name="run_nightly_once_a_day",
                condition=Q(kind="nightly", dry_run=False),
                violation_error_message=_("There is already a nightly run for this day."),
            ),
            # A constant, so that a run that is held keeps another from starting as much as one that goes on.
            models.UniqueConstraint(
                models.Value(1), name="run_one_at_a_time", condition=Q(status__in=["running", "held"])
            ),
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
    candidates = models.PositiveIntegerField(_("watches to examine"), default=0)
    examined = models.PositiveIntegerField(_("watches examined"), default=0)
    counts = models.JSONField(_("counts"), default=dict)
    news = models.JSONField(_("watches with news"), default=dict, help_text=_("By benefit."))
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
        return self.filter(stream__in=Stream.objects.opened_by(user))

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
    manifest = models.OneToOneField("Receipt", on_delete=models.PROTECT, related_name="+", verbose_name=_("manifest"))
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
        indexes = [
            # How far behind each customer is.
            models.Index(
                fields=["stream", "released_at"],
                name="deliveries_unfetched",
                condition=Q(first_fetched_at=None, recalled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {self.number}"


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
        """Also what was told when the person was thought to be another, or two, and by each number that it holds.

        Either is found by an index of its own, and only then read.
        """
        told = Disclosure.objects.order_by()
        by_person = told.filter(person__in=person.same)
        by_number = told.filter(
            watch__in=Watch.objects.order_by().filter(ordered_number__in=person.held()).values("pk")
        )
        return self.filter(pk__in=by_person.values("pk").union(by_number.values("pk")))

    def of(self, customer: Customer) -> Self:
        return self.filter(customer=customer)


class Disclosure(models.Model):
    """That a watch was told something in a delivery, or that something was withheld, and on which decision.

    Append-only by trigger; written in the transaction that releases the delivery. No log, no delivery.
    """

    class Outcome(models.TextChoices):
        SENT = "sent", _("told")
        WITHHELD = "withheld", _("withheld")

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="disclosures", verbose_name=_("delivery")
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", verbose_name=_("customer"))
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="disclosures", verbose_name=_("watch"))
    decision = models.ForeignKey(
        StoredDecision, on_delete=models.PROTECT, related_name="+", verbose_name=_("decision"), db_index=False
    )
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
        indexes = [
            models.Index(fields=["person", "customer"], name="disclosures_about_a_person"),
            # The newest on a decision, of however many rest on it: on its page.
            models.Index(fields=["decision", "id"], name="disclosures_on_a_decision"),
        ]
        permissions = [("replay_disclosure", _("Can replay what a customer was told"))]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


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
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M}"


class FoundAllowed(models.Model):
    """On what day, and as of which law change and import, all that a delivery tells was last found to be allowed.

    Nothing rests on it but that the same need not be asked again at once; without it everything is.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="+")
    day = models.DateField(_("day"))
    as_of_law = models.BigIntegerField(_("as of law change"))
    as_of_import = models.PositiveIntegerField(_("as of import"))

    class Meta:
        verbose_name = _("delivery found allowed")
        verbose_name_plural = _("deliveries found allowed")

    def __str__(self) -> str:
        return f"{self.delivery_id}, {self.day}"


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

    class Meta(FourEyes.Meta):
        verbose_name = _("handout release")
        verbose_name_plural = _("handout releases")
        ordering = ["-id"]
        constraints = [four_eyes("handout_release_four_eyes")]

    def __str__(self) -> str:
        return f"{self.delivery} {self.pk}"

    def covers(self, refused: Iterable[str]) -> bool:
        """Whether it was given for all of what is refused."""
        return set(self.refused).issuperset(refused)


class SpontaneousDisclosureQuerySet(FourEyesQuerySet):
    def about(self, person: Person) -> Self:
        """As of disclosures: also from when the person was thought to be another, or two."""
        return self.filter(person__in=person.same)


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

    objects = SpontaneousDisclosureQuerySet.as_manager()

    class Meta(FourEyes.Meta):
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


class ReconciliationQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The one place that says which lists a portal user may see: a system's and colleagues' among them."""
        return self.filter(stream__agreement__customer__in=Customer.objects.handled_by(user))


class Reconciliation(models.Model):
    """A list of the watches that a customer believes it has in a stream, compared with those that stand there.

    Somebody sent it by the portal (`sent_by`), or a system by the API (`client`). The list itself is kept until it has
    been compared; after that only the differences are.
    """

    class Form(models.TextChoices):
        CSV = "csv", "CSV"
        JSONL = "jsonl", "JSON Lines"

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting to be compared")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, related_name="reconciliations", verbose_name=_("stream")
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=100, blank=True, editable=False)
    form = models.CharField(_("form"), max_length=5, choices=Form)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField(_("received"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)
    refused_at_row = models.PositiveIntegerField(_("refused at row"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    as_of_delivery = models.PositiveIntegerField(_("as of delivery"), null=True, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    repair = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reconciliations",
        verbose_name=_("repairing order"),
    )

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "stream", "idempotency_key", name="reconciliation_key_used_once", condition=~Q(idempotency_key="")
            ),
            models.CheckConstraint(
                name="reconciliation_refused_says_why",
                condition=Q(status="refused") & ~Q(refusal="") | ~Q(status="refused") & Q(refusal=""),
            ),
            models.CheckConstraint(
                name="reconciliation_sent_by_somebody_or_a_system",
                condition=Q(client="", sent_by__isnull=False) | ~Q(client="") & Q(sent_by=None),
            ),
        ]
        indexes = [
            # What waits for a worker, each minute.
            models.Index(fields=["status"], name="reconciliations_waiting", condition=Q(status="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {self.pk}"


class ReconciliationLine(models.Model):
    """One difference, or one line of the list that cannot be read (`code` says why).

    `line` is the list's; what only we have has none. `number` and `benefit` are those of the watch, or as listed. The
    day and the references to case and need are as listed, for what is to be ordered.
    """

    class Kind(models.TextChoices):
        ONLY_YOU = "ONLY_YOU", _("the customer has it, we do not")
        ONLY_WE = "ONLY_WE", _("we have it, the customer does not")
        DIFFERS = "DIFFERS", _("what was told differs")
        UNREADABLE = "UNREADABLE", _("cannot be read")

    reconciliation = models.ForeignKey(
        Reconciliation,
        on_delete=models.CASCADE,
        related_name="lines",
        db_index=False,
        verbose_name=_("reconciliation"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    code = models.CharField(_("code"), max_length=40, blank=True)
    line = models.PositiveIntegerField(_("line"), null=True, blank=True)
    reference = models.CharField(_("customer's reference"), max_length=100, blank=True)
    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("watch")
    )
    number = models.CharField(_("identity number"), max_length=12, blank=True)
    benefit = models.CharField(_("benefit"), max_length=20, blank=True)
    from_date = models.DateField(_("from"), null=True, blank=True)
    case_reference = models.CharField(_("case reference"), max_length=60, blank=True)
    need_reference = models.CharField(_("need reference"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("reconciliation line")
        verbose_name_plural = _("reconciliation lines")
        ordering = ["reconciliation", "id"]
        indexes = [models.Index(fields=["reconciliation", "id"], name="lines_of_a_reconciliation")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ClosingProposalQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The one place that says which proposals a portal user may see.

        Protected persons' are among them: that one was left out would tell of the protection (C8), and each rests on
        nothing but what the customer has, and has been told.
        """
        streams = list(Stream.objects.visible_to(user).values_list("pk", flat=True))
        return self.filter(watch__stream__in=streams)

    def waiting(self, day: date) -> Self:
        """Those whose watch is open, and that the customer has not said to keep for now."""
        return self.filter(Q(kept_until=None) | Q(kept_until__lt=day), watch__ended_at=None)


class ClosingProposal(models.Model):
    """That an open watch should perhaps be ended, and why. It goes when its reason does, or the watch ends."""

    class Reason(models.TextChoices):
        DORMANT = "DORMANT", _("nothing has been told for a long time")
        UNUSED = "UNUSED", _("the deliveries are not fetched")
        OVER_BROAD = "OVER_BROAD", _("wider than the agreement or the law allows now")

    class Detail(models.TextChoices):
        """In what way a watch is over-broad."""

        LOOK_BACK = "LOOK_BACK", _("its from-date is further back than the agreement allows now")
        REFUSED = "REFUSED", _("the benefit may not be told any more")
        REFERENCE = "REFERENCE", _("it lacks the case or need reference that is asked for now")

    watch = models.ForeignKey(
        Watch, on_delete=models.PROTECT, related_name="closing_proposals", db_index=False, verbose_name=_("watch")
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    detail = models.CharField(_("in what way"), max_length=10, choices=Detail, blank=True)
    since = models.DateTimeField(_("since"))
    noted_at = models.DateTimeField(_("noted"))
    told_at = models.DateTimeField(_("customer told"), null=True, blank=True)
    kept_until = models.DateField(_("to be kept until"), null=True, blank=True)
    kept_why = models.CharField(_("why it is kept"), max_length=300, blank=True)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("kept by"),
    )

    objects = ClosingProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("watch to close")
        verbose_name_plural = _("watches to close")
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint("watch", "reason", name="closing_proposed_once"),
            models.CheckConstraint(
                name="closing_kept_says_why",
                condition=Q(kept_until=None, kept_why="") | Q(kept_until__isnull=False) & ~Q(kept_why=""),
            ),
            models.CheckConstraint(
                name="closing_over_broad_says_how",
                condition=Q(reason="OVER_BROAD") & ~Q(detail="") | ~Q(reason="OVER_BROAD") & Q(detail=""),
            ),
        ]
        indexes = [models.Index(fields=["noted_at"], name="closings_untold", condition=Q(told_at=None))]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {self.pk}"


class SigningKeyQuerySet(models.QuerySet):
    def signing(self, at: datetime) -> Self:
        """The key that signs at an instant: the one begun last of those that have begun and not ended."""
        begun = self.filter(Q(signs_to=None) | Q(signs_to__gt=at), signs_from__lte=at, withdrawn_at=None)
        return begun.order_by("-signs_from", "-pk")

    def waiting(self, at: datetime) -> Self:
        """Keys that have been announced, and whose time has not come."""
        return self.filter(signs_from__gt=at, withdrawn_at=None).order_by("signs_from")


class SigningKey(models.Model):
    """The public half of a key that signs what is told. The private half is a file, never a row.

    Fixed by trigger but for its end: `signs_to` is when another key takes over, `withdrawn_at` when it lost our trust.
    """

    kid = models.CharField(_("key id"), max_length=40, unique=True)
    algorithm = models.CharField(_("algorithm"), max_length=10)
    public_jwk = models.JSONField(_("public key"))
    created_at = models.DateTimeField(_("created"))
    signs_from = models.DateTimeField(_("signs from"))
    signs_to = models.DateTimeField(_("signs to"), null=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="signing_key_ends_after_it_begins", condition=Q(signs_to=None) | Q(signs_to__gt=F("signs_from"))
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class ReceiptQuerySet(models.QuerySet):
    def chain(self, stream: int) -> Self:
        """A stream's manifests and tombstones, in the order of the chain."""
        return self.filter(stream=stream).exclude(kind=Receipt.Kind.ACKNOWLEDGEMENT).order_by("pk")


class Receipt(models.Model):
    """A signed statement about a delivery, as it was given. Append-only by trigger.

    `previous` is the SHA-256 of the statement before it in the stream's chain, "" for the first and for what stands
    outside the chain.
    """

    class Kind(models.TextChoices):
        MANIFEST = "manifest", _("manifest")
        TOMBSTONE = "tombstone", _("tombstone")
        ACKNOWLEDGEMENT = "acknowledgement", _("acknowledgement")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="receipts", verbose_name=_("stream"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=15, choices=Kind)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="receipts", verbose_name=_("key"))
    previous = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64)
    jws = models.TextField()

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "stream", "number", "kind", name="receipt_once", condition=~Q(kind="acknowledgement")
            ),
            models.UniqueConstraint(
                "stream", "previous", name="receipt_chain_has_no_fork", condition=~Q(kind="acknowledgement")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"


class Purge(models.Model):
    """One batch of what was erased when its time had come: what kind, by which rule, how much, and by whom.

    Append-only by trigger. `before` is the limit: nothing newer was erased. Without `by` it was the daily task.
    """

    class Kind(models.TextChoices):
        DOCUMENTS = "documents", _("documents of deliveries")
        DIGESTS = "digests", _("digests of what was told")
        SPONTANEOUS = "spontaneous", _("documents told of our own accord")
        ORDERS = "orders", _("files of orders, and the identity numbers on their lines")
        REFUSED_ORDERS = "refused_orders", _("files of orders refused or thrown away")
        RECONCILIATIONS = "reconciliations", _("differences found in reconciliations")
        VERSIONS = "versions", _("replaced versions of what is known")
        REPORTS = "reports", _("contents of reports to persons")
        LOG = "log", _("log of reads and acts")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    reference = models.CharField(_("legal reference"), max_length=200)
    decision = models.CharField(_("the agency's decision"), max_length=100)
    before = models.DateTimeField(_("older than"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    client = models.CharField(_("client"), max_length=100, blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    oldest = models.DateTimeField(_("oldest"), null=True)
    newest = models.DateTimeField(_("newest"), null=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="purge_is_of_the_past", condition=Q(before__lte=F("at")))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class PurgedQuerySet(models.QuerySet):
    def unfinished(self) -> Self:
        """Those whose file may still lie there, or whose rows have not all been emptied."""
        return self.filter(Q(file_gone=False) | Q(rows_done=False))


class Purged(models.Model):
    """That the content of one thing is erased. It alone opens the triggers that keep the content.

    The file goes after the commit (`file_gone`), and the rows that hold content with it a batch at a time: `rows_to` is
    how far that has come.
    """

    purge = models.ForeignKey(Purge, on_delete=models.PROTECT, related_name="things", verbose_name=_("erasure"))
    delivery = models.OneToOneField(
        Delivery, on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("delivery")
    )
    spontaneous = models.OneToOneField(
        SpontaneousDisclosure,
        on_delete=models.PROTECT,
        null=True,
        related_name="purged",
        verbose_name=_("spontaneous disclosure"),
    )
    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("order")
    )
    report = models.OneToOneField(
        "PersonReport", on_delete=models.PROTECT, null=True, related_name="purged", verbose_name=_("report to a person")
    )
    file_gone = models.BooleanField(default=False)
    rows_to = models.BigIntegerField(default=0)
    rows_done = models.BooleanField(default=False)

    objects = PurgedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="purged_is_one_thing",
                condition=Q(delivery__isnull=False, spontaneous=None, order=None, report=None)
                | Q(delivery=None, spontaneous__isnull=False, order=None, report=None)
                | Q(delivery=None, spontaneous=None, order__isnull=False, report=None)
                | Q(delivery=None, spontaneous=None, order=None, report__isnull=False),
            ),
        ]
        indexes = [
            # What an erasure that was broken off has left, each day.
            models.Index(fields=["id"], name="purged_unfinished", condition=Q(file_gone=False) | Q(rows_done=False)),
        ]


class Checkpoint(models.Model):
    """What a stream's receiver knew after a delivery, signed, so that the documents before it can be erased (C10).

    The state is a file named by its SHA-256. Append-only by trigger.
    """

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="checkpoints", verbose_name=_("stream"))
    number = models.PositiveIntegerField(_("after delivery"))
    sha256 = models.CharField(_("hash of the state"), max_length=64)
    watches = models.PositiveIntegerField(_("watches"))
    made_at = models.DateTimeField(_("made"))
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+", verbose_name=_("key"))
    jws = models.TextField()

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("stream", "number", name="checkpoint_once")]

    def __str__(self) -> str:
        return f"{self.stream} · {self.number}"


class LegalHoldQuerySet(models.QuerySet):
    def in_force(self) -> Self:
        lifted = HoldLift.objects.approved().filter(hold=models.OuterRef("pk"))
        return self.filter(~models.Exists(lifted))


class LegalHold(models.Model):
    """That nothing of a person, stream or customer, or nothing at all, may be erased. One sets it; two lift it."""

    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stream")
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    everything = models.BooleanField(_("everything"), default=False)
    reason = models.TextField(_("reason"), help_text=_("Which matter needs it. It is kept, and names no person."))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("set by"), editable=False
    )
    set_at = models.DateTimeField(_("set"), editable=False)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="hold_has_one_scope",
                condition=Q(person__isnull=False, stream=None, customer=None, everything=False)
                | Q(person=None, stream__isnull=False, customer=None, everything=False)
                | Q(person=None, stream=None, customer__isnull=False, everything=False)
                | Q(person=None, stream=None, customer=None, everything=True),
                violation_error_message=_("A hold is of one person, one stream, one customer or everything."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class HoldLift(FourEyes):
    """That a legal hold is lifted: proposed by one, approved by another."""

    hold = models.ForeignKey(LegalHold, on_delete=models.PROTECT, related_name="lifts", verbose_name=_("legal hold"))
    reason = models.TextField(_("reason"), help_text=_("Why it is not needed any more. It names no person."))

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("lifting of a hold")
        verbose_name_plural = _("liftings of holds")
        ordering = ["-id"]
        constraints = [
            four_eyes("hold_lift_four_eyes"),
            models.UniqueConstraint("hold", name="hold_lifted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.hold} {self.pk}"

    @property
    def person_id(self) -> int | None:
        return self.hold.person_id  # type: ignore[attr-defined]


class PersonReport(FourEyes):
    """What one person is told of who was told what about them (GDPR article 15): made by one, reviewed by another.

    `content` is the report as of `as_of`, as JSON; what is withheld from it is taken out when it is approved, and from
    then on it is fixed by trigger.
    """

    class Way(models.TextChoices):
        IN_PERSON = "in_person", _("handed over after proof of identity")
        ADDRESS = "address", _("posted to the registered address")
        FORWARDED = "forwarded", _("posted by way of the Swedish Tax Agency")
        SECURE = "secure", _("by secure message after login")

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    requested_on = models.DateField(_("requested on"))
    reference = models.CharField(_("case"), max_length=60, help_text=_("The request's case number."))
    with_values = models.BooleanField(
        _("with values"), default=False, help_text=_("What was told, as it stands in the documents that are kept.")
    )
    as_of = models.DateTimeField(_("as of"), editable=False)
    content = models.TextField(editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    given_at = models.DateTimeField(_("given out"), null=True, blank=True, editable=False)
    given_how = models.CharField(_("how"), max_length=10, choices=Way, blank=True, editable=False)

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("report to a person")
        verbose_name_plural = _("reports to persons")
        ordering = ["-id"]
        constraints = [
            four_eyes("person_report_four_eyes"),
            models.CheckConstraint(
                name="person_report_approved_has_a_hash",
                condition=Q(approved_at=None) | ~Q(sha256=""),
            ),
            models.CheckConstraint(
                name="person_report_given_is_approved",
                condition=Q(given_at=None, given_how="") | Q(approved_at__isnull=False) & ~Q(given_how=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Withholding(models.Model):
    """That a row is left out of a report to a person, and on which ground of secrecy (OSL; lag 2018:218 5 kap. 1 §)."""

    report = models.ForeignKey(
        PersonReport, on_delete=models.CASCADE, related_name="withheld", verbose_name=_("report to a person")
    )
    row = models.CharField(_("row"), max_length=40)
    ground = models.CharField(_("ground"), max_length=60)
    reason = models.CharField(_("reason"), max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("row withheld")
        verbose_name_plural = _("rows withheld")
        ordering = ["id"]
        constraints = [models.UniqueConstraint("report", "row", name="row_withheld_once")]

    def __str__(self) -> str:
        return f"{self.row} {self.pk}"


class NoRun(models.Model):
    """A day without a nightly run: what came that day is told the next. Weekdays are a setting (NIGHT_WEEKDAYS)."""

    day = models.DateField(_("day"), unique=True)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("day without a run")
        verbose_name_plural = _("days without a run")
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"


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


class DebtCheck(models.Model):
    """One full comparison of what every watch was told with what it should have been told: the delta debt.

    It goes on from `stream` and `watch` after any stop, a bounded number of watches at a time.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.RUNNING)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("finished"), null=True, blank=True)
    stream = models.PositiveBigIntegerField(_("stream"), default=0)
    watch = models.PositiveBigIntegerField(_("watch"), default=0)
    counts = models.JSONField(_("counts"), default=dict)

    class Meta:
        verbose_name = _("check for debt")
        verbose_name_plural = _("checks for debt")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("status", name="debt_check_one_runs", condition=Q(status="running"))]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d}"


class DebtQuerySet(models.QuerySet):
    def standing(self) -> Self:
        return self.filter(settled_at=None)


class Debt(models.Model):
    """That a watch's last told section is not what it should have been, though nothing owed to it says so."""

    class Cause(models.TextChoices):
        UNTOLD = "untold", _("content that is known was never told")
        REMAINS = "remains", _("content that is gone was never taken back")
        OTHER = "other", _("content was told otherwise than it is known")
        STATUS = "status", _("a status was never told")
        DROPPED = "dropped", _("staff dropped the news")

    watch = models.ForeignKey(Watch, on_delete=models.PROTECT, related_name="debts", verbose_name=_("watch"))
    section = models.CharField(_("section"), max_length=60, blank=True)
    cause = models.CharField(_("cause"), max_length=8, choices=Cause)
    since_import = models.PositiveIntegerField(
        _("since import"), null=True, blank=True, help_text=_("The first import whose change was not told.")
    )
    found_at = models.DateTimeField(_("found"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = DebtQuerySet.as_manager()

    class Meta:
        verbose_name = _("debt")
        verbose_name_plural = _("debts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("watch", "section", name="debt_stands_once", condition=Q(settled_at=None)),
        ]
        indexes = [models.Index(fields=["found_at"], name="debts_standing", condition=Q(settled_at=None))]

    def __str__(self) -> str:
        return f"{section_name(self.section, language())} {self.pk}"

    @property
    def person_id(self) -> int:
        return self.watch.person_id


class OrderedRun(FourEyes):
    """A marked run that staff order, two of them: a repair of debts, or what compensates for a wrong import.

    `cause` is said in its deliveries. Only what differs is told, as always.
    """

    kind = models.CharField(
        _("kind"), max_length=12, choices=[(one.value, one.label) for one in (Run.Kind.REPAIR, Run.Kind.COMPENSATING)]
    )
    cause = models.CharField(_("cause"), max_length=200, help_text=_("Said in the deliveries; it names nobody."))
    reversal = models.ForeignKey(
        Reversal, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reversal")
    )
    run = models.OneToOneField(
        Run, on_delete=models.PROTECT, null=True, blank=True, editable=False, verbose_name=_("run")
    )

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("ordered run")
        verbose_name_plural = _("ordered runs")
        ordering = ["-id"]
        constraints = [four_eyes("ordered_run_four_eyes")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Lag(models.Model):
    """That a customer is behind in a stream: one alert when it began to be, and one message when it was so no more."""

    class Kind(models.TextChoices):
        NOT_FETCHED = "not_fetched", _("not fetched")
        NOT_ACKNOWLEDGED = "not_acknowledged", _("not acknowledged")

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="lags", verbose_name=_("stream"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="+", verbose_name=_("oldest delivery behind")
    )
    since = models.DateTimeField(_("since"))
    alerted_at = models.DateTimeField(_("alerted"))
    recovered_at = models.DateTimeField(_("recovered"), null=True, blank=True)

    class Meta:
        verbose_name = _("lag")
        verbose_name_plural = _("lags")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint("stream", "kind", name="lag_once", condition=Q(recovered_at=None))]

    def __str__(self) -> str:
        return f"{self.stream} {self.get_kind_display()}"


class SchemaAnnouncementQuerySet(FourEyesQuerySet):
    def coming(self) -> Self:
        return self.approved().filter(over_at=None)


class SchemaAnnouncement(FourEyes):
    """That the next catalogue, and the schema that follows from it, is in force from a day: proposed, then announced.

    One at a time. It is over when that catalogue is the product's own, or when it is withdrawn.
    """

    version = models.CharField(_("version"), max_length=40, editable=False)
    catalogue = models.TextField(_("catalogue"), editable=False)
    in_force_from = models.DateField(_("in force from"))
    reminded_at = models.DateTimeField(_("reminded of"), null=True, blank=True, editable=False)
    over_at = models.DateTimeField(_("over"), null=True, blank=True, editable=False)
    withdrawn = models.BooleanField(_("withdrawn"), default=False, editable=False)

    objects = SchemaAnnouncementQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("announced schema")
        verbose_name_plural = _("announced schemas")
        ordering = ["-id"]
        constraints = [
            four_eyes("schema_announcement_four_eyes"),
            # A constant, so that a proposal keeps another from being made as much as one that is coming.
            models.UniqueConstraint(models.Value(1), name="schema_one_coming", condition=Q(over_at=None)),
            models.CheckConstraint(
                name="schema_over_was_announced", condition=Q(over_at=None) | Q(approved_at__isnull=False)
            ),
            models.CheckConstraint(
                name="schema_withdrawn_is_over", condition=Q(withdrawn=False) | Q(over_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.version


class SchemaValidation(models.Model):
    """That a customer chose to tell which version of the schema its system last validated against, and how it went."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="schema_validations", verbose_name=_("customer")
    )
    version = models.CharField(_("version"), max_length=40)
    ok = models.BooleanField(_("valid"))
    at = models.DateTimeField(_("at"))
    client = models.CharField(_("client"), max_length=100)

    class Meta:
        verbose_name = _("validation against a schema")
        verbose_name_plural = _("validations against schemas")
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint("customer", "version", name="schema_validated_once")]

    def __str__(self) -> str:
        return self.version
