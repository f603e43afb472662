"""The keys that sign what is told, and the signed statements."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Stream


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
