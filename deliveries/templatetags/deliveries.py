"""What the pages of agreements and scopes say of deliveries, and how the service stands, in templates."""

from typing import Any

from django import template
from django.urls import reverse

from deliveries.labels import source_words
from deliveries.status import Standing, State
from subscriptions.models import Agreement, Scope

register = template.Library()
register.filter(source_words)
PREVIEWS = {Agreement: "preview-agreement", Scope: "preview-scope"}


@register.filter
def preview_url(row: Any) -> str:
    """The page that says what an agreement or a scope would mean; "" for any other row."""
    name = PREVIEWS.get(type(row))
    return reverse(name, args=[row.pk]) if name else ""


BADGES = {
    State.DONE: "success",
    State.PARTLY: "warning",
    State.ABORTED: "error",
    State.MISSED: "error",
}
BOXES = {Standing.OK: "success", Standing.STOPPED: "info"}


@register.filter
def night_badge(state: State) -> str:
    """The kind of badge that says how a night went."""
    return BADGES.get(state, "info")


@register.filter
def standing_box(standing: Standing) -> str:
    """The kind of message box that says how the service stands."""
    return BOXES.get(standing, "warning")
