"""What waits for the staff of the nights and of what is told: runs, held slices, debts, lags, reports to persons."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from deliveries.models import ClosingProposal, Debt, HeldSlice, Lag, PersonReport, Run, SliceVerdict, StreamRun
from deliveries.personreport import ANSWERED_BY
from deliveries.verification import FROZEN
from lefi.staffwork import CUSTOMERS, NIGHTS, Work
from subscriptions.models import Pending


def undecided(user: Any, at: datetime) -> QuerySet[HeldSlice]:
    """The held slices on which nobody has proposed a verdict."""
    of_all = Q(for_all=True, slice__run=OuterRef("run"), slice__benefit=OuterRef("benefit"))
    proposed = SliceVerdict.objects.proposed().filter(of_all | Q(slice=OuterRef("pk")))
    return HeldSlice.objects.filter(~Exists(proposed), status=HeldSlice.Status.HELD)


def failed(user: Any, at: datetime) -> QuerySet[StreamRun]:
    """The streams that failed in the newest run: nothing of theirs was told."""
    newest = Run.objects.filter(dry_run=False).order_by("-pk").values("pk")[:1]
    return StreamRun.objects.filter(run__in=newest, status=StreamRun.Status.FAILED)


def overdue(user: Any, at: datetime) -> QuerySet[Pending]:
    """What has been owed for too long: longest to frozen watches. What staff have dropped is decided on."""
    frozen = Pending.objects.filter(watch=OuterRef("watch"), reason__in=FROZEN)
    waited = Q(since__lt=at - timedelta(days=settings.FROZEN_DAYS)) | ~Exists(frozen)
    owed = Pending.objects.filter(waited, since__lt=at - timedelta(days=settings.PENDING_DAYS))
    return owed.filter(watch__stream__closed=False).exclude(reason=Pending.Reason.DROPPED)


def to_tell_of(user: Any, at: datetime) -> QuerySet[ClosingProposal]:
    return ClosingProposal.objects.waiting(timezone.localdate(at)).filter(told_at=None)


WORK = (
    Work(
        key="release",
        model=Run,
        rights=("deliveries.release_run",),
        title=_("held by another"),
        sentence=ngettext_lazy(
            "%(count)s run is held, and waits for another than who held it.",
            "%(count)s runs are held, and wait for another than who held them.",
            "n",
        ),
        rows=lambda user, at: Run.objects.filter(status=Run.Status.HELD).exclude(held_by=user),
        since="started_at",
        urgent=True,
    ),
    Work(
        key="failed",
        model=StreamRun,
        rights=(NIGHTS,),
        title=_("failed in the newest run"),
        sentence=ngettext_lazy(
            "%(count)s stream failed in the newest run.", "%(count)s streams failed in the newest run.", "n"
        ),
        rows=failed,
        since="run__started_at",
        urgent=True,
    ),
    Work(
        key="debt",
        model=Debt,
        rights=("deliveries.add_orderedrun",),
        title=_("standing"),
        sentence=ngettext_lazy(
            "%(count)s section of a watch was not told as it should have been.",
            "%(count)s sections of watches were not told as they should have been.",
            "n",
        ),
        rows=lambda user, at: Debt.objects.standing(),
        since="found_at",
        urgent=True,
    ),
    Work(
        key="overdue",
        model=Pending,
        rights=(NIGHTS,),
        title=_("past the deadline"),
        sentence=ngettext_lazy(
            "%(count)s piece of news has been owed to a customer for longer than it may.",
            "%(count)s pieces of news have been owed to customers for longer than they may.",
            "n",
        ),
        rows=overdue,
        since="since",
        urgent=True,
    ),
    Work(
        key="undecided",
        model=HeldSlice,
        rights=("deliveries.add_sliceverdict",),
        title=_("to decide on"),
        sentence=ngettext_lazy(
            "%(count)s slice with unusually much news is held, and waits for somebody to propose what is to be done.",
            "%(count)s slices with unusually much news are held, and wait for somebody to propose what is to be done.",
            "n",
        ),
        rows=undecided,
        since="held_at",
        urgent=True,
    ),
    Work(
        key="behind",
        model=Lag,
        rights=(NIGHTS, CUSTOMERS),
        title=_("still behind"),
        sentence=ngettext_lazy(
            "%(count)s stream is behind: its customer does not fetch, or does not acknowledge.",
            "%(count)s streams are behind: their customers do not fetch, or do not acknowledge.",
            "n",
        ),
        rows=lambda user, at: Lag.objects.filter(recovered_at=None),
        since="since",
    ),
    Work(
        key="give",
        model=PersonReport,
        rights=("deliveries.change_personreport",),
        title=_("to give out"),
        sentence=ngettext_lazy(
            "%(count)s report to a person is reviewed and to be given out.",
            "%(count)s reports to persons are reviewed and to be given out.",
            "n",
        ),
        rows=lambda user, at: PersonReport.objects.approved().filter(given_at=None, purged=None),
        since=ANSWERED_BY,
        due=True,
    ),
    Work(
        key="tell",
        model=ClosingProposal,
        rights=("deliveries.change_closingproposal",),
        title=_("the customer has not been told"),
        sentence=ngettext_lazy(
            "%(count)s watch should perhaps be ended, and its customer has not been told.",
            "%(count)s watches should perhaps be ended, and their customers have not been told.",
            "n",
        ),
        rows=to_tell_of,
        since="noted_at",
    ),
)
