"""What the portal remembers of the people who use it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Desk(models.Model):
    """A portal user's place of work: when the user was here, how far the notices are read, and the usual selection.

    `here_at` is when the start page was last opened, and `before_at` when it last was in the visit before this one.
    `watch_filter` is a selection of watches as the address of their list says it, without references or numbers; None
    until the user has chosen one.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="desk", verbose_name=_("user")
    )
    here_at = models.DateTimeField(_("was here"), null=True)
    before_at = models.DateTimeField(_("was here before that"), null=True)
    notices_read_at = models.DateTimeField(_("notices read"), null=True)
    watch_filter = models.CharField(_("usual selection of watches"), max_length=200, null=True)

    class Meta:
        verbose_name = _("desk")
        verbose_name_plural = _("desks")
