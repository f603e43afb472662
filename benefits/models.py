"""What is known about people, as versions by import number.

Every fact is a row with `recorded_in` and `withdrawn_in`: the numbers of the imports that brought it and took it away.
A row is known as of import N when recorded_in <= N and (withdrawn_in is empty or > N). Nothing is changed in place.
"""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from benefits.presentation import section_name
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language

HEADER = "person"  # the section made of a person's facts and numbers


class Source(models.TextChoices):
    """The agencies that hand over information, each controller of its own."""

    FK = "FK", _("Swedish Social Insurance Agency")
    PM = "PM", _("Swedish Pensions Agency")


class SourceState(models.TextChoices):
    """The contract's states of a source; one that is not OK speaks for nothing."""

    OK = "OK", _("Available")
    FELANDE = "FELANDE", _("Failing")
    OTILLGANGLIG = "OTILLGANGLIG", _("Not available")


class Protection(models.TextChoices):
    """Protected identity: confidentiality marking (OSL 22:1) or protected registration (folkbokföringslagen 16 §)."""

    NONE = "INGET", _("None")
    MARKED = "SEKRETESSMARKERING", _("Confidentiality marking")
    REGISTRATION = "SKYDDAD_FOLKBOKFORING", _("Protected registration")


class VersionQuerySet(models.QuerySet):
    def live(self) -> Self:
        return self.filter(withdrawn_in=None)

    def as_of(self, number: int) -> Self:
        """The rows known once import `number` was published."""
        return self.filter(Q(withdrawn_in=None) | Q(withdrawn_in__gt=number), recorded_in__lte=number)


class Version(models.Model):
    recorded_in = models.PositiveIntegerField(_("recorded in import"))
    withdrawn_in = models.PositiveIntegerField(_("withdrawn in import"), null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        abstract = True


class ImportQuerySet(models.QuerySet):
    def published(self) -> Self:
        return self.filter(status=Import.Status.PUBLISHED)

    def last_number(self) -> int:
        """The number of the newest published import; 0 before the first."""
        return self.aggregate(last=models.Max("number"))["last"] or 0


class Import(models.Model):
    """One file from one source, refused whole or published whole under a number."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        CHECKING = "checking", _("being checked")
        PUBLISHED = "published", _("published")
        REFUSED = "refused", _("refused")

    number = models.PositiveIntegerField(_("number"), unique=True, null=True, editable=False)
    source = models.CharField(_("source"), max_length=8, choices=Source)
    sequence = models.PositiveIntegerField(_("the source's sequence number"))
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RECEIVED)
    state = models.CharField(_("state of the source"), max_length=16, choices=SourceState)
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    lines = models.PositiveIntegerField(_("lines"))
    lines_checked = models.PositiveIntegerField(_("lines checked"), default=0)
    created_at = models.DateTimeField(_("created by the source"))
    received_at = models.DateTimeField(_("received"))
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    refusal = models.CharField(_("refusal code"), max_length=40, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    erased_at = models.DateTimeField(
        _("erased"), null=True, blank=True, editable=False, help_text=_("When what it replaced was erased.")
    )
    reverses = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="reversed_by",
        verbose_name=_("reverses"),
    )

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "source",
                "sequence",
                name="import_published_once_per_sequence",
                condition=Q(status="published", reverses=None),
            ),
            models.CheckConstraint(
                name="import_published_has_a_number",
                condition=Q(status="published", number__isnull=False, published_at__isnull=False)
                | ~Q(status="published") & Q(number=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.sequence}"


class Reversal(FourEyes):
    """That an import was wrong and is undone: by an import of its own, so that nothing known is ever lost (C3)."""

    imported = models.OneToOneField(
        Import, on_delete=models.PROTECT, related_name="reversal", verbose_name=_("wrong import")
    )
    reason = models.TextField(
        _("reason"), help_text=_("What was wrong. It is kept, and must not say whom it is about.")
    )

    objects = FourEyesQuerySet.as_manager()

    class Meta(FourEyes.Meta):
        verbose_name = _("reversal")
        verbose_name_plural = _("reversals")
        ordering = ["-id"]
        constraints = [four_eyes("reversal_four_eyes")]

    def __str__(self) -> str:
        return f"{self.imported}"


class LeftAsItIs(models.Model):
    """A section of a person that a reversal did not touch, for somebody to look at: and why."""

    class Why(models.TextChoices):
        LATER = "later", _("a later import has changed it")
        NUMBERS = "numbers", _("the import changed who holds which number")
        PROTECTION = "protection", _("it would lift the protection of an identity")

    reversal = models.ForeignKey(Reversal, on_delete=models.PROTECT, related_name="left", verbose_name=_("reversal"))
    person = models.ForeignKey("Person", on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    section = models.CharField(_("section"), max_length=60)
    why = models.CharField(_("why"), max_length=12, choices=Why)

    class Meta:
        verbose_name = _("left as it is")
        verbose_name_plural = _("left as they are")
        ordering = ["id"]
        constraints = [models.UniqueConstraint("reversal", "person", "section", name="left_once")]

    def __str__(self) -> str:
        return f"{section_name(self.section, language())} {self.pk}"


class Touched(models.Model):
    """That an import changed something in one section of one person (C1)."""

    number = models.PositiveIntegerField(_("import"))
    person = models.ForeignKey("Person", on_delete=models.PROTECT, related_name="+", verbose_name=_("person"))
    section = models.CharField(_("section"), max_length=60)

    class Meta:
        constraints = [
            models.UniqueConstraint("number", "person", "section", name="touched_once"),
        ]


class Quarantined(models.Model):
    """One person's section that could not be read: the source counts as not having spoken of it (C9)."""

    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="quarantined", verbose_name=_("import"))
    line = models.PositiveIntegerField(_("line"))
    section = models.CharField(_("section"), max_length=60)
    code = models.CharField(_("code"), max_length=40)
    reason = models.TextField(_("reason"))

    class Meta:
        verbose_name = _("quarantined section")
        verbose_name_plural = _("quarantined sections")
        ordering = ["imported", "line"]

    def __str__(self) -> str:
        return f"{section_name(self.section, language())} {self.line}"


class PersonQuerySet(models.QuerySet):
    def holding(self, number: str) -> Self:
        """The person who now holds an identity number (12 digits), as current or earlier number."""
        return self.filter(numbers__number=number, numbers__withdrawn_in=None)

    def same_as(self, persons: Iterable[int]) -> set[int]:
        """The keys of some persons and of all who have been found to be one of them, in two queries.

        What was told of those, and holds of them, stand under the keys that they had then.
        """
        persons = set(persons)
        live = PersonNumber.objects.live()
        given_up = _given_up().filter(person__in=persons).values("number")
        persons |= set(live.filter(number__in=given_up).values_list("person", flat=True))
        held = live.filter(person__in=persons).values("number")
        return persons | set(_given_up().filter(number__in=held).values_list("person", flat=True))


def _given_up() -> models.QuerySet["PersonNumber"]:
    """The numbers that persons held last who hold none any more, having been found to be somebody else."""
    all_of = PersonNumber.objects.filter(person=OuterRef("person"))
    last = all_of.order_by("-withdrawn_in").values("withdrawn_in")[:1]
    return PersonNumber.objects.filter(~Exists(all_of.filter(withdrawn_in=None)), withdrawn_in=Subquery(last))


class Person(models.Model):
    """A person whom a source or an order has named. Content belongs to the person; numbers are rows of their own."""

    first_number = models.CharField(max_length=12, editable=False)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")
        permissions = [("view_protected", _("Can open persons with protected identity"))]

    def __str__(self) -> str:
        return str(_("person"))

    @cached_property
    def same(self) -> set[int]:
        """The keys of all who have been found to be this person, its own among them; asked for once."""
        return Person.objects.same_as([self.pk])

    def held(self) -> models.QuerySet:
        """The numbers that the person holds now, as a query: a watch is on whoever holds the one it was ordered by."""
        return PersonNumber.objects.live().filter(person__in=self.same).values("number")


class PersonNumber(Version):
    """An identity number of a person: the current one, or one that a later number replaced (C8)."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="numbers", verbose_name=_("person"))
    number = models.CharField(_("identity number"), max_length=12)
    current = models.BooleanField(_("current"), default=True)

    class Meta:
        verbose_name = _("identity number")
        verbose_name_plural = _("identity numbers")
        constraints = [
            models.UniqueConstraint("number", name="number_held_by_one", condition=Q(withdrawn_in=None)),
            models.UniqueConstraint(
                "person", name="person_has_one_current_number", condition=Q(withdrawn_in=None, current=True)
            ),
        ]
        indexes = [
            models.Index(fields=["person", "recorded_in"], name="numbers_of_a_person"),
            models.Index(fields=["recorded_in"], name="numbers_by_import"),
            # Whoever has held a number: as of an import, and of persons found to be one.
            models.Index(fields=["number"], name="numbers_ever_held"),
        ]


class PersonFacts(Version):
    """A person's name, birth, death and protection, as one source line gave them."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="facts", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=200, blank=True)
    born = models.CharField(_("born"), max_length=20, blank=True)
    died_on = models.CharField(_("died on"), max_length=20, blank=True, help_text=_("May be a year or a month."))
    protection = models.CharField(_("protection"), max_length=24, choices=Protection, default=Protection.NONE)

    class Meta:
        verbose_name = _("person facts")
        verbose_name_plural = _("person facts")
        constraints = [
            models.UniqueConstraint("person", name="person_has_facts_once", condition=Q(withdrawn_in=None)),
        ]
        indexes = [
            models.Index(fields=["person", "recorded_in"], name="facts_of_a_person"),
            # Whether a person is protected, for each line of an order.
            models.Index(
                fields=["person"],
                name="protected_persons",
                condition=Q(withdrawn_in=None) & ~Q(protection=Protection.NONE),
            ),
            # Whose protection has ended since the last night.
            models.Index(
                fields=["withdrawn_in"],
                name="protections_that_ended",
                condition=Q(withdrawn_in__isnull=False) & ~Q(protection=Protection.NONE),
            ),
        ]


class BenefitPeriod(Version):
    """One item of a section of one person: its envelope for lists and charts, and its content as the source gave it.

    `digest` is the item's own (C4) and `ordinal` counts equal items: two equal payments are two rows.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="periods", verbose_name=_("person"))
    section = models.CharField(_("section"), max_length=60)
    digest = models.CharField(max_length=64)
    ordinal = models.PositiveSmallIntegerField(default=1)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("to"), null=True, blank=True)
    extent = models.DecimalField(_("extent"), max_digits=7, decimal_places=4, null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    content = models.TextField(_("content"), help_text=_("The source's JSON, as given."))

    class Meta:
        verbose_name = _("benefit period")
        verbose_name_plural = _("benefit periods")
        ordering = ["section", F("starts_on").desc(nulls_last=True), "id"]
        constraints = [
            models.UniqueConstraint(
                "person",
                "section",
                "digest",
                "ordinal",
                name="period_recorded_once",
                condition=Q(withdrawn_in=None),
            ),
        ]
        indexes = [
            # Content of a person as of an import, in runs and on the person page.
            models.Index(fields=["person", "section", "recorded_in"], name="periods_of_a_person"),
            # What an import brought, and took away, the newest first: its page and its lists.
            models.Index(fields=["recorded_in", "id"], name="periods_by_import"),
            models.Index(
                fields=["withdrawn_in", "id"],
                name="periods_withdrawn_by_import",
                condition=Q(withdrawn_in__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{section_name(self.section, language())} {self.pk}"
