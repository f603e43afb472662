"""Names of purposes, streams, field classes and kinds of recipient, and links to the law, in templates."""

from dataclasses import dataclass

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from subscriptions import labels, lawwords
from subscriptions.models import Connection, Notice

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


@register.filter
def application_field(name: str) -> str:
    """What a field of an application for connection is called."""
    return capfirst(str(Connection._meta.get_field(name.partition(".")[0]).verbose_name))  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the portal, by the name of its address, and the words of a link to it."""

    page: str
    words: Promise


AGREEMENTS = Place("portal:agreement-list", _("To the agreements"))
CONFIRM = Place("portal:watch-reconfirm", _("Confirm watches"))
DELIVERIES = Place("portal:delivery-list", _("To the deliveries"))
KEYS = Place("signing-keys", _("To the keys"))
SCHEMAS = Place("schema", _("To the versions of the schema"))
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
    "SIGNING_KEY_ANNOUNCED": KEYS,
    "SIGNING_KEY_WITHDRAWN": KEYS,
    "SCHEMA_ANNOUNCED": SCHEMAS,
    "SCHEMA_SOON": SCHEMAS,
    "SCHEMA_WITHDRAWN": SCHEMAS,
    "WATCHES_TO_CLOSE": Place("portal:watches-to-close", _("To the watches")),
    "BEHIND_NOT_FETCHED": DELIVERIES,
    "CAUGHT_UP_NOT_FETCHED": DELIVERIES,
    "BEHIND_NOT_ACKNOWLEDGED": DELIVERIES,
    "CAUGHT_UP_NOT_ACKNOWLEDGED": DELIVERIES,
    "SPONTANEOUS": Place("portal:spontaneous-list", _("To the information given unasked")),
}


@register.filter
def notice_place(notice: Notice) -> Place | None:
    """Where in the portal a customer goes on from a notice."""
    return PLACES.get(notice.code)
