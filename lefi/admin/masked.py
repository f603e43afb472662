"""Rows as they are shown: whatever people, systems or sources wrote in them, no identity number stands there.

Nor is one taken in: no form of the admin lets a number be written into a text.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any, TypeVar

from django import forms
from django.db.models import CharField, Model, TextField
from django.utils.translation import gettext as _

from lefi.masking import mask_identity_numbers

Row = TypeVar("Row", bound=Model)
# Numbers that are meant to be read, secrets, and signed texts that would not be what was signed.
AS_WRITTEN = {
    "agent_organisation_number",
    "client_id",
    "client_secret",
    "contact_phone",
    "jws",
    "kid",
    "organisation_number",
    "password",
    "phone",
    "unit",
}


def masked(row: Row) -> Row:
    """A copy of a row, for show alone, without identity numbers in its texts; what is not loaded stays so."""
    shown = copy(row)
    for name in _texts(type(row)):
        value = row.__dict__.get(name)
        if isinstance(value, str) and value:
            shown.__dict__[name] = mask_identity_numbers(value)
    return shown


def nameless(made: Any) -> Any:
    """The form of a model, that refuses identity numbers in the model's texts."""

    class Nameless(made):
        def clean(self) -> Any:
            data = super().clean() or self.cleaned_data
            for name in _texts(self._meta.model):
                text = data.get(name)
                if isinstance(text, str) and mask_identity_numbers(text) != text:
                    self.add_error(name, forms.ValidationError(_("Leave out the identity number.")))
            return data

    return Nameless


def _texts(model: type[Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if isinstance(field, CharField | TextField) and not field.choices and field.name not in AS_WRITTEN:
            yield field.attname
