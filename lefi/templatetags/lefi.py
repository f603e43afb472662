"""What the templates share: fields and icons in the markup of FKUI, and the menu."""

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, Textarea
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

ICONS = "lefi-icons.svg"


@register.filter
def field_kind(field: BoundField) -> str:
    """Which of FKUI's field blocks lays the field out; what it has no block for is `plain`."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(widget, RadioSelect):
        return "plain"
    if isinstance(widget, Select):
        return "select-field"
    return "textarea-field" if isinstance(widget, Textarea) else "text-field"


@register.filter
def as_fkui(field: BoundField) -> SafeString:
    """The field's widget with the class that FKUI gives it."""
    kind = field_kind(field)
    part = {"select-field": "select", "textarea-field": "textarea"}.get(kind, "input")
    own = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{own} {kind}__{part}".strip()})


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """An icon of our own, for show: what it means stands beside it in words."""
    return format_html(
        '<svg class="icon {}" focusable="false" aria-hidden="true"><use href="{}#{}"></use></svg>',
        css_class,
        static(ICONS),
        name,
    )


@register.inclusion_tag("portal/menu_item.html", takes_context=True)
def menu_item(context: dict, url_name: str, title: str, below: str = "") -> dict:
    """A link of the menu, marked on its page and on those below it, or below another path."""
    url = reverse(url_name)
    below = below or url
    path = context["request"].path
    return {"url": url, "title": title, "here": path == url or (len(below) > 1 and path.startswith(below))}
