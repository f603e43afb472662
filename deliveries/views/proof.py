"""The portal's pages where a delivery is explained: what can be proved of it, and why each watch came."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from deliveries import pages, proof
from deliveries.forms import state_of
from deliveries.models import Delivery
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.paging import BoundedPaginator
from subscriptions.models import Member
from subscriptions.views.organisation import member_or_404, page

PER_PAGE = 50
WATCHES = 100
LONGEST = 18  # digits of an id, which the database is sure to hold


@login_required
@require_GET
def proof_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The organisation's deliveries, by number and day. Nothing in them is opened here."""
    mine = member_or_404(request, pk, Member.PROVERS)
    rows = Delivery.objects.of(mine.customer).select_related("stream__agreement").order_by("-released_at", "-pk")
    found = BoundedPaginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    shown = [(one, state_of(one)) for one in found]
    return page(request, mine, "proofs", {"page": found, "rows": shown}, "proof-list")


@login_required
@require_GET
def proof_detail(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    """A delivery explained. To read it is no fetch: before the first one, nothing of the watches is said."""
    mine = member_or_404(request, pk, Member.PROVERS)
    rows = Delivery.objects.of(mine.customer).select_related("stream__agreement", "run", "manifest__key")
    found = get_object_or_404(rows, pk=delivery)
    code = proof.hidden(found, timezone.now())
    after = _after(request)
    watches = [] if code else list(proof.rows_of(found, after, WATCHES + 1))
    record(
        action=Action.READ,
        object_type=found._meta.label_lower,
        object_id=found.pk,
        actor=request.user,
        customer_id=mine.customer_id,
        reason="delivery explained",
        watches=len(watches[:WATCHES]),
    )
    context = {
        "delivery": found,
        "state": state_of(found),
        "checks": proof.checks_of(found) if not after else [],
        "sources": proof.sources_of(found),
        "whys": proof.whys(found, watches[:WATCHES]),
        "works": mine.role in Member.WORKING,
        "code": code,
        "words": pages.words_of(Refused(code)) if code else (),
        "first": not after,
        "following": watches[WATCHES - 1].watch_id if len(watches) > WATCHES else None,
    }
    return page(request, mine, "proof", context, "proof-list")


def _after(request: HttpRequest) -> int:
    text = request.GET.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST else 0
