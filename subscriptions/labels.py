"""What the codes of the law's side are called, in the reader's language."""

from collections.abc import Iterable

from benefits.catalogue import catalogue
from lefi.languages import language
from subscriptions import lawwords
from subscriptions.models import LegalBasis, Stream


def class_name(code: str) -> str:
    """The name of a field class; the code itself if it is of another time."""
    label = catalogue().classes.get(code)
    return getattr(label, language()) if label else code


def class_names(codes: Iterable[str]) -> str:
    """The names of field classes in the catalogue's order, then codes of another time."""
    wanted = set(codes)
    known = [code for code in catalogue().classes if code in wanted]
    return ", ".join([*map(class_name, known), *sorted(wanted.difference(known))])


def told_on(basis: LegalBasis) -> str:
    """The names of all the field classes that a basis can give."""
    return class_names([*basis.classes, *basis.agreement_classes])


def purpose_name(code: str) -> str:
    return lawwords.purpose_name(code, language())


def stream_name(stream: Stream) -> str:
    """A stream by its agreement, its purpose in words and its channel."""
    return str(stream)


def kind_name(code: str) -> str:
    return lawwords.recipient_kind_name(code, language())


def basis_title(basis: LegalBasis) -> str:
    return basis.title_en if language() == "en" else basis.title_sv


def basis_note(basis: LegalBasis) -> str:
    return basis.note_en if language() == "en" else basis.note_sv
