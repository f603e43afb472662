"""What customers' systems called, and were answered: for their own people to look into, for a time."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from subscriptions.models.customers import ApiClient

FAILED = models.Q(status__gte=400)


class ApiCallQuerySet(models.QuerySet):
    def failed(self) -> Self:
        return self.filter(FAILED)


class ApiCall(models.Model):
    """One call of a client's. `route` is the door's name, never its address: nothing here is about a person."""

    at = models.DateTimeField(_("at"))
    client = models.ForeignKey(
        ApiClient, on_delete=models.CASCADE, db_index=False, related_name="calls", verbose_name=_("API client")
    )
    method = models.CharField(_("method"), max_length=10)
    route = models.CharField(_("door"), max_length=60)
    status = models.PositiveSmallIntegerField(_("status"))
    code = models.CharField(_("code"), max_length=60, blank=True)
    request_id = models.CharField(_("request"), max_length=36, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))

    objects = ApiCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("API call")
        verbose_name_plural = _("API calls")
        ordering = ["-id"]
        indexes = [
            # A client's page: its newest calls, and its newest failures among many that went well.
            models.Index(fields=["client", "-id"], name="calls_of_a_client"),
            models.Index(fields=["client", "-id"], name="failed_calls_of_a_client", condition=FAILED),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status}"
