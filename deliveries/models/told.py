"""The log of disclosures, the decisions they rest on, what each watch knows, and what was told unasked."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from deliveries.models.delivered import Delivery
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from subscriptions.models import Customer, Watch


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
        Delivery, on_delete=models.PROTECT, related_name="disclosures", verbose_name=_("delivery"), db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", verbose_name=_("customer"))
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="+", verbose_name=_("person"), db_index=False
    )
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
            # What persons were told of in some nights, of whatever they were told of in all.
            models.Index(fields=["person", "delivery"], name="disclosures_by_night"),
            # The newest of a delivery, of however many it has.
            models.Index(fields=["delivery", "id"], name="disclosures_of_a_delivery"),
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
