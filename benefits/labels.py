"""The catalogue's names, in the reader's language."""

from collections.abc import Iterable, Iterator

from benefits import presentation
from benefits.catalogue import Field, catalogue
from lefi.languages import language


def benefit_name(code: str) -> str:
    """The name of a benefit; the code itself if it is of another time."""
    benefit = catalogue().benefits.get(code)
    return presentation.label_of(benefit, language()) if benefit else code


def owner_name(code: str) -> str:
    """The name of the agency that information comes from."""
    owner = catalogue().owners.get(code)
    return (owner.en if language() == "en" else owner.sv) if owner else code


def section_name(name: str) -> str:
    """The name of a section; its own name if the catalogue does not know it."""
    section = catalogue().sections.get(name)
    return presentation.label_of(section, language()) if section else name


def labelled_leaves(fields: Iterable[Field], above: str = "") -> Iterator[tuple[Field, str]]:
    """Each leaf below the fields, with its label and the labels of what it lies in: "Decision › Period › From"."""
    for one in fields:
        label = f"{above}{presentation.label_of(one, language())}"
        if one.is_leaf:
            yield one, label
        else:
            yield from labelled_leaves(one.children, f"{label} › ")
