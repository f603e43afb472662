"""The numbered deliveries of each stream, and who collected them."""

from collections.abc import Iterable
from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from deliveries.models.runs import Run
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes
from subscriptions.models import Customer, Stream


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
            # What waits to be acknowledged, and what is new since a visit, on the portal's start page.
            models.Index(
                fields=["stream"],
                name="deliveries_unacknowledged",
                condition=Q(first_fetched_at__isnull=False, acknowledged_at=None, recalled_at=None),
            ),
            models.Index(fields=["stream", "released_at"], name="deliveries_by_release"),
            # Those built on an import.
            models.Index(fields=["as_of_import"], name="deliveries_by_import"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} · {self.number}"


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
        indexes = [
            # What a system fetched, sought by its id.
            models.Index(fields=["client"], name="fetches_of_a_client", condition=~Q(client="")),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M}"


class GateAnswer(models.Model):
    """What of all that a delivery tells was last found refused: on what day, and as of which law change and import.

    Nothing rests on it but that the same need not be asked again at once; without it everything is. `refused` has the
    watches by the code of why.
    """

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, primary_key=True, related_name="gate_answer")
    day = models.DateField(_("day"))
    as_of_law = models.BigIntegerField(_("as of law change"))
    as_of_import = models.PositiveIntegerField(_("as of import"))
    refused = models.JSONField(_("refused"), default=dict)

    class Meta:
        verbose_name = _("gate's answer")
        verbose_name_plural = _("gate's answers")

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
