"""Names of benefits and forms of identity numbers in templates."""

from django import template
from django.utils.functional import Promise

from benefits import identity, labels, presentation
from benefits.models import SourceState

register = template.Library()
register.filter(labels.benefit_name)
register.filter(labels.owner_name)


@register.filter
def source_state(state: str) -> Promise | str:
    """In words, whether a source answered."""
    return dict(SourceState.choices).get(state, state)


@register.filter
def masked_number(number: str) -> str:
    return identity.masked(number)


@register.filter
def written_number(number: str) -> str:
    return presentation.written(number)
