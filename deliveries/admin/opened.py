"""Whom a page that was come to from a person's page is about: the token in its address says so, and no number."""

from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from benefits.models import Person
from lefi.audit.reasons import opened


def person_opened(request: HttpRequest) -> Person | None:
    """The person whose page the reader comes from, by the token in the address; None if that is too old or none."""
    try:
        token = UUID(request.GET.get("about", ""))
    except ValueError:
        return None
    found = opened(request.session, token, at=timezone.now())
    return Person.objects.filter(pk=found.person_id).first() if found else None
