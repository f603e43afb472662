"""Names of benefits and forms of identity numbers in templates."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import get_language

from benefits import identity, presentation
from benefits.catalogue import catalogue
from benefits.models import SourceState

register = template.Library()


def language() -> str:
    """The language of labels: English for readers of English, else Swedish."""
    return "en" if (get_language() or "").startswith("en") else "sv"


@register.filter
def benefit_name(code: str) -> str:
    """The name of a benefit in the reader's language; the code itself if it is of another time."""
    benefit = catalogue().benefits.get(code)
    return presentation.label_of(benefit, language()) if benefit else code


@register.filter
def owner_name(code: str) -> str:
    """The name of the agency that information comes from."""
    owner = catalogue().owners.get(code)
    return (owner.en if language() == "en" else owner.sv) if owner else code


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
