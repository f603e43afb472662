"""What the templates share: fields and icons in the markup of FKUI, and the menu."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp
from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, Textarea
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from lefi.accounts.roles import ROLES, name_of, purpose_of
from lefi.admin.columns import address
from lefi.languages import language
from lefi.paging import counted_to, grouped

register = template.Library()

ICONS = "lefi-icons.svg"


register.filter("counted_to", counted_to)


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


@register.filter
def broker_name(account: SocialAccount) -> str:
    """What the broker of an account is called; its id, once it is a broker no more."""
    try:
        return str(account.get_provider().name)
    except SocialApp.DoesNotExist:
        return str(account.provider)


@register.inclusion_tag("frame/menu_item.html", takes_context=True)
def menu_item(context: dict, url_name: str, title: str, below: str = "") -> dict:
    """A link of a menu, marked on its page and on those below it, or below another path.

    The page of a crash is made without a request, and marks nothing.
    """
    url = reverse(url_name)
    below = below or url
    path = context["request"].path if "request" in context else ""
    return {"url": url, "title": title, "here": path == url or (len(below) > 1 and path.startswith(below))}


@register.inclusion_tag("frame/breadcrumbs.html")
def breadcrumbs(*above: str) -> dict:
    """The way to a deep page: address and title of each page above it, from the highest."""
    return {"above": list(zip(above[::2], above[1::2], strict=True))}


@register.inclusion_tag("admin/trail.html", takes_context=True)
def trail(context: Any) -> dict:
    """The way to a page of the admin as the menu goes: the work it belongs to, its list, its row, and itself."""
    entries = ((group["name"], page) for group in context.get("available_apps", ()) for page in group["models"])
    group, page = next((entry for entry in entries if "here" in entry[1]), ("", None))
    above = [(page["name"], page["admin_url"])] if page and page["here"] == "true" else []
    row, title = context.get("row") or context.get("object") or context.get("original"), context.get("title")
    if row and "adminform" in context and "row" not in context:
        title = context.get("subtitle") or row  # the row's own page
    elif row:
        above.append((row, address(row)))
    return {"group": group, "above": above, "here": title}


@register.filter
def numbered(headers: Iterable[dict[str, Any]], columns: Iterable[bool]) -> list[dict[str, Any]]:
    """The headers of the admin's lists, each told whether its column holds plain numbers."""
    return [header | {"holds_numbers": numbers} for header, numbers in zip(headers, columns, strict=True)]


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> Iterator[SafeString]:
    """The cells of a row of the admin's lists, each with its column's name for screens too narrow for columns.

    Plain numbers are written in groups.
    """
    for cell, header in zip(cells, headers, strict=True):
        label = format_html(' data-label="{}"', capfirst(str(header["text"])))
        start = len("<td")  # or "<th"
        shown = _as_number(cell) if header["holds_numbers"] else cell
        chosen = "action-checkbox" in cell
        yield mark_safe(cell if chosen else shown[:start] + label + shown[start:])  # noqa: S308  both parts are HTML


def _as_number(cell: str) -> str:
    """A cell of a column of numbers; Django writes those of fields without groups."""
    marked = cell.replace('class="', 'class="number ', 1)
    return re.sub(r">(-?\d+)<", lambda found: f">{grouped(int(found[1]))}<", marked)


@register.inclusion_tag("admin/no_role.html")
def no_role() -> dict:
    """For staff without a role: which roles there are, and what each is for."""
    return {"roles": [(name_of(role.code, language()), purpose_of(role.code, language())) for role in ROLES]}
