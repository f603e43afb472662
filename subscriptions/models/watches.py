"""The watches that stand because of orders, and what lets a protected person's be told."""

from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from benefits.presentation import benefit_name
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from lefi.languages import language
from subscriptions.models.agreements import Stream
from subscriptions.models.customers import Customer


class WatchQuerySet(models.QuerySet):
    def open(self) -> Self:
        return self.filter(ended_at=None)

    def of(self, customer: Customer) -> Self:
        return self.filter(stream__agreement__customer=customer)

    def visible_to(self, user) -> Self:
        """The one place that says which watches a portal user may see.

        By the ids of the streams, asked for at once: by those a database knows whether the watches are many or few.
        """
        return self.filter(stream__in=list(Stream.objects.visible_to(user).values_list("pk", flat=True)))

    def ordered_by(self, user: int | None) -> Self:
        """Those that an order of a user opened, by the user's id; with None, that of a system."""
        return self.filter(ordered_by=user)


REFERENCE = Case(When(case_reference="", then="need_reference"), default="case_reference")


def _apart_unless(**state: Any) -> Case:
    """The last column of an index on all watches that is unique among those in a state alone.

    An index on those alone would be smaller, but stand beside another on all: two for each watch that opens.
    """
    return Case(When(**state, then=0), default=F("id"), output_field=models.BigIntegerField())


class Watch(models.Model):
    """The standing subscription on one person's one benefit in one stream, from a date that never moves (C4).

    It belongs to whoever now holds the number it was ordered by, so it follows a number change, a merge and a split.
    It stands alone for its number; and for its person, unless it is kept by its number: then the customer may not learn
    that another number is the same person's, and what stands by that one is as another person's (C8).
    """

    class EndReason(models.TextChoices):
        """What a customer is told when a watch ends: coarse, and never the detail of a withdrawal (C8)."""

        CANCELLED = "AVBESTALLD", _("cancelled")
        NO_LONGER = "UPPHORD", _("ended")
        DUPLICATE = "DUBBLETT", _("two persons found to be one")

    stream = models.ForeignKey(
        Stream, on_delete=models.PROTECT, related_name="watches", db_index=False, verbose_name=_("stream")
    )
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="watches", db_index=False, verbose_name=_("person")
    )
    ordered_number = models.CharField(_("number it was ordered by"), max_length=12)
    benefit = models.CharField(_("benefit"), max_length=20)
    by_number = models.BooleanField(
        _("kept by its number"),
        default=False,
        db_default=False,
        help_text=_("Stands apart from watches on the same person by other numbers."),
    )
    from_date = models.DateField(_("from"))
    case_reference = models.CharField(_("case reference"), max_length=60, blank=True)
    need_reference = models.CharField(_("need reference"), max_length=60, blank=True)
    reconfirm_by = models.DateField(
        _("reconfirm by"), null=True, blank=True, help_text=_("The day after which the need or case must be confirmed.")
    )
    # Without a constraint, which each watch of a long order would be checked against: the order's own has one.
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("ordered by"),
        help_text=_("Who made the order that opened it; nobody where a system did."),
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
            # Also numbers that changed hands to the watches ordered by them, in every run; and a member's search.
            models.UniqueConstraint(
                "ordered_number",
                "stream",
                "benefit",
                _apart_unless(ended_at=None),
                name="watch_open_once",
                violation_error_message=_("The number is already watched for this benefit."),
            ),
            # Also touched persons to their watches, in every run.
            models.UniqueConstraint(
                "person",
                "stream",
                "benefit",
                _apart_unless(by_number=False, ended_at=None),
                name="watch_open_once_on_a_person",
                violation_error_message=_("The person is already watched for this benefit."),
            ),
            models.CheckConstraint(
                name="watch_ended_says_why",
                condition=Q(ended_at=None, end_reason="", ended_as_of=None)
                | Q(ended_at__isnull=False, ended_as_of__isnull=False) & ~Q(end_reason=""),
            ),
        ]
        indexes = [
            # A stream's stock, in order of person, in refreshes and self-checks; and how many of it stand, by it alone.
            models.Index(fields=["stream", "person", "ended_at"], name="watches_of_a_stream"),
            # Reconfirmations that fall due between two nights; a customer's list of those that soon do.
            models.Index(fields=["reconfirm_by"], name="watches_to_reconfirm", condition=Q(ended_at=None)),
            # What has ended lately, in the portal.
            models.Index(
                fields=["stream", "ended_at"], name="watches_ended_lately", condition=Q(ended_at__isnull=False)
            ),
            # A stream's newest watches, in the portal and in the admin.
            models.Index(fields=["stream", "id"], name="watches_by_age"),
            # A case's end to its watches; with stream and key, a member's search for a part of a reference.
            models.Index(
                fields=["case_reference", "stream", "id"], name="watches_of_a_case", condition=~Q(case_reference="")
            ),
            # The same of a need.
            models.Index(
                fields=["need_reference", "stream", "id"], name="watches_of_a_need", condition=~Q(need_reference="")
            ),
            # A stream's cases and needs, in the order of their references, in the portal.
            models.Index(
                "stream",
                REFERENCE,
                "id",
                name="watches_by_reference",
                condition=Q(ended_at=None) & ~Q(case_reference="", need_reference=""),
            ),
            # What somebody has ordered, in the portal.
            models.Index(
                fields=["ordered_by", "id"], name="watches_of_an_orderer", condition=Q(ordered_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{benefit_name(self.benefit, language())} {self.pk}"


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

    class Meta(FourEyes.Meta):
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
