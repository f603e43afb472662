"""The catalogue's names, in the reader's language."""

from benefits import presentation
from benefits.catalogue import catalogue
from lefi.languages import language


def benefit_name(code: str) -> str:
    """The name of a benefit; the code itself if it is of another time."""
    benefit = catalogue().benefits.get(code)
    return presentation.label_of(benefit, language()) if benefit else code


def owner_name(code: str) -> str:
    """The name of the agency that information comes from."""
    owner = catalogue().owners.get(code)
    return (owner.en if language() == "en" else owner.sv) if owner else code
