"""The catalogue's names, in the reader's language."""

from collections.abc import Iterable, Iterator

from benefits import presentation
from benefits.catalogue import Field, catalogue
from lefi.languages import language


def benefit_name(code: str) -> str:
    return presentation.benefit_name(code, language())


def owner_name(code: str) -> str:
    """The name of the agency that information comes from."""
    owner = catalogue().owners.get(code)
    return (owner.en if language() == "en" else owner.sv) if owner else code


def section_name(name: str) -> str:
    return presentation.section_name(name, language())


def labelled_leaves(fields: Iterable[Field], above: str = "") -> Iterator[tuple[Field, str]]:
    """Each leaf below the fields, with its label and the labels of what it lies in: "Decision › Period › From"."""
    for one in fields:
        label = f"{above}{presentation.label_of(one, language())}"
        if one.is_leaf:
            yield one, label
        else:
            yield from labelled_leaves(one.children, f"{label} › ")
