"""Names of purposes, streams, field classes and kinds of recipient, and links to the law, in templates."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from subscriptions import labels, lawwords
from subscriptions.models import Notice

register = template.Library()
register.filter(labels.basis_note)
register.filter(labels.basis_title)
register.filter(labels.class_name)
register.filter(labels.class_names)
register.filter(labels.kind_name)
register.filter(labels.purpose_name)
register.filter(labels.stream_name)
register.filter(labels.told_on)


@register.filter
def citation(text: str) -> SafeString | str:
    """A citation, as a link to the official text where that is known."""
    address = lawwords.citation_url(text)
    return format_html('<a class="anchor" href="{}">{}</a>', address, text) if address else text


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the portal, by the name of its address, and the words of a link to it."""

    page: str
    words: Promise


AGREEMENTS = Place("portal:agreement-list", _("To the agreements"))
CONFIRM = Place("portal:watch-reconfirm", _("Confirm watches"))
PLACES = {
    "AGREEMENT_SENT": AGREEMENTS,
    "AGREEMENT_SIGNED": AGREEMENTS,
    "AGREEMENT_ACTIVE": AGREEMENTS,
    "AGREEMENT_REFUSED": AGREEMENTS,
    "AGREEMENT_CHANGED": AGREEMENTS,
    "AGREEMENT_ENDED": AGREEMENTS,
    "AGENT_REGISTERED": AGREEMENTS,
    "AGENT_ENDED": AGREEMENTS,
    "BASIS_CLOSED": AGREEMENTS,
    "RESERVATION_SET": Place("portal:reservation-list", _("To the reservations")),
    "RECONFIRM_SOON": CONFIRM,
    "RECONFIRM_PAUSED": CONFIRM,
    "RECONFIRM_ENDED": Place("portal:watch-list", _("To the watches")),
    "SPONTANEOUS": Place("portal:spontaneous-list", _("To the information given unasked")),
}


@register.filter
def notice_place(notice: Notice) -> Place | None:
    """Where in the portal a customer goes on from a notice."""
    return PLACES.get(notice.code)
