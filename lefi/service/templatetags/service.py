"""How far a service notice has come, in templates."""

from datetime import datetime

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.service.models import ServiceNotice

register = template.Library()


@register.filter
def notice_state(notice: ServiceNotice, at: datetime) -> Promise | str:
    """Whether a disturbance or a stop goes on at an instant; news have no state."""
    if notice.kind not in (ServiceNotice.Kind.DISTURBANCE, ServiceNotice.Kind.STOP):
        return "–"
    if notice.begins_at > at:
        return _("planned")
    return _("goes on") if notice.goes_on(at) else _("over")
