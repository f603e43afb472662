"""Who can connect, for everybody: the legal bases that are open today, as the data of the law say it."""

from collections import defaultdict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from subscriptions.labels import kind_name
from subscriptions.models import LegalBasis
from subscriptions.offers import Offer, all_offers


@require_safe
def recipients(request: HttpRequest) -> HttpResponse:
    found = all_offers(timezone.localdate())
    by_kind: dict[str, list[LegalBasis]] = defaultdict(list)
    for one, kinds in found:
        for kind in kinds:
            by_kind[kind].append(one.basis)
    offered: list[tuple[Offer, list[str]]] = [(one, sorted(kinds, key=kind_name)) for one, kinds in found]
    by_name = [(kind, by_kind[kind]) for kind in sorted(by_kind, key=kind_name)]
    return render(request, "service/recipients.html", {"offers": offered, "kinds": by_name})
