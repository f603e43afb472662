"""What the pages of agreements and scopes say of deliveries."""

from typing import Any

from django import template
from django.urls import reverse

from subscriptions.models import Agreement, Scope

register = template.Library()
PREVIEWS = {Agreement: "preview-agreement", Scope: "preview-scope"}


@register.filter
def preview_url(row: Any) -> str:
    """The page that says what an agreement or a scope would mean; "" for any other row."""
    name = PREVIEWS.get(type(row))
    return reverse(name, args=[row.pk]) if name else ""
