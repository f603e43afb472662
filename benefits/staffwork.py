"""What waits for the staff among imports."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from benefits.models import Import, Quarantined
from lefi.staffwork import NIGHTS, Work


def refused(user: Any, at: datetime) -> QuerySet[Import]:
    """Imports refused since the source last had one published: nothing of it is known after that."""
    later = Import.objects.published().filter(source=OuterRef("source"), pk__gt=OuterRef("pk"))
    return Import.objects.filter(~Exists(later), status=Import.Status.REFUSED)


def quarantined(user: Any, at: datetime) -> QuerySet[Quarantined]:
    """What could not be read in the newest published import of each source: what was known before stands."""
    later = Import.objects.published().filter(source=OuterRef("source"), number__gt=OuterRef("number"), reverses=None)
    newest = Import.objects.published().filter(~Exists(later), reverses=None)
    return Quarantined.objects.filter(imported__in=newest)


WORK = (
    Work(
        key="refused",
        model=Import,
        rights=(NIGHTS,),
        title=_("refused, and nothing published since"),
        sentence=ngettext_lazy(
            "%(count)s import was refused, and its source has had none published since.",
            "%(count)s imports were refused, and their sources have had none published since.",
            "n",
        ),
        rows=refused,
        since="received_at",
        urgent=True,
    ),
    Work(
        key="unread",
        model=Quarantined,
        rights=(NIGHTS,),
        title=_("in the newest imports"),
        sentence=ngettext_lazy(
            "%(count)s section of a person could not be read in the newest imports.",
            "%(count)s sections of persons could not be read in the newest imports.",
            "n",
        ),
        rows=quarantined,
        since="imported__received_at",
    ),
)
