"""Names of benefits and forms of identity numbers in templates."""

from django import template

from benefits import identity, labels, presentation

register = template.Library()
register.filter(labels.benefit_name)
register.filter(labels.owner_name)


@register.filter
def masked_number(number: str) -> str:
    return identity.masked(number)


@register.filter
def written_number(number: str) -> str:
    return presentation.written(number)
