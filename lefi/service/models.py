"""What everybody may know of how the service runs: disturbances, planned stops and news, in both languages."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from lefi.languages import language

NEWS_DAYS = 14  # how long what has no end is shown on the start pages


class ServiceNoticeQuerySet(models.QuerySet):
    def begun(self, at: datetime) -> Self:
        return self.filter(begins_at__lte=at)

    def over(self, at: datetime) -> Self:
        return self.filter(ends_at__lte=at)

    def shown(self, at: datetime) -> Self:
        """What everybody may read: all that has begun, and the stops that are planned."""
        return self.filter(Q(begins_at__lte=at) | Q(kind=ServiceNotice.Kind.STOP))

    def interrupting(self, at: datetime) -> Self:
        """The disturbances and stops that go on, the newest first."""
        kinds = (ServiceNotice.Kind.DISTURBANCE, ServiceNotice.Kind.STOP)
        return self.begun(at).filter(Q(ends_at=None) | Q(ends_at__gt=at), kind__in=kinds)

    def planned(self, at: datetime) -> Self:
        """The stops to come, the next first."""
        return self.filter(kind=ServiceNotice.Kind.STOP, begins_at__gt=at).order_by("begins_at", "pk")

    def topical(self, at: datetime) -> Self:
        """What belongs on a start page: what goes on or is planned, and news that are new."""
        going_on = Q(ends_at__gt=at) | Q(ends_at=None, kind=ServiceNotice.Kind.DISTURBANCE)
        new = Q(ends_at=None, begins_at__gt=at - timedelta(days=NEWS_DAYS))
        return self.shown(at).filter(going_on | new)


class ServiceNotice(models.Model):
    """Something that staff tell everybody about how the service runs. It speaks of no customer and no person."""

    class Kind(models.TextChoices):
        DISTURBANCE = "disturbance", _("disturbance")
        STOP = "stop", _("planned stop")
        NEWS = "news", _("news")
        RELEASE = "release", _("release")

    kind = models.CharField(_("kind"), max_length=11, choices=Kind)
    title_sv = models.CharField(_("title in Swedish"), max_length=120)
    title_en = models.CharField(_("title in English"), max_length=120)
    text_sv = models.TextField(_("text in Swedish"), max_length=4000)
    text_en = models.TextField(_("text in English"), max_length=4000)
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(
        _("to"), null=True, blank=True, help_text=_("Empty for a disturbance that goes on, and for news.")
    )
    published_at = models.DateTimeField(_("published"), editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="+",
        verbose_name=_("published by"),
    )
    changed_at = models.DateTimeField(_("changed"), editable=False)

    objects = ServiceNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("service notice")
        verbose_name_plural = _("service notices")
        ordering = ["-begins_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="service_notice_ends_after_it_begins",
                condition=Q(ends_at=None) | Q(ends_at__gt=F("begins_at")),
                violation_error_message=_("It ends before it begins."),
            ),
            models.CheckConstraint(
                name="service_notice_planned_stop_has_an_end",
                condition=~Q(kind="stop") | Q(ends_at__isnull=False),
                violation_error_message=_("Say when the planned stop is over."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("service:notice", args=[self.pk])

    @property
    def title(self) -> str:
        """The title in the reader's language."""
        return self.title_en if language() == "en" else self.title_sv

    @property
    def text(self) -> str:
        """The text in the reader's language."""
        return self.text_en if language() == "en" else self.text_sv

    def goes_on(self, at: datetime) -> bool:
        return self.begins_at <= at and (self.ends_at is None or self.ends_at > at)
