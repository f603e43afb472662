"""What one person is told of who was told what about them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from benefits.models import Person
from lefi.foureyes import FourEyes, FourEyesQuerySet, four_eyes


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
