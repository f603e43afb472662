"""What waits for who follows up the log of reads."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from lefi.audit.models import FollowUp
from lefi.staffwork import Work

WORK = (
    Work(
        key="sign",
        model=FollowUp,
        rights=("audit.add_signoff",),
        title=_("to sign off"),
        sentence=ngettext_lazy(
            "%(count)s month of reads waits to be signed off.", "%(count)s months of reads wait to be signed off.", "n"
        ),
        rows=lambda user, at: FollowUp.objects.to_sign(user),
        since="due_at",
        due=True,
    ),
)
