"""Form fields and columns for lists of codes, with the names of the catalogue."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.presentation import label_of
from lefi.admin import anchor
from lefi.languages import language
from subscriptions.labels import basis_title, class_name, kind_name, purpose_name
from subscriptions.models import LegalBasis


def benefit_name(code: str) -> str:
    benefit = catalogue().benefits.get(code)
    return f"{label_of(benefit, language())} ({code})" if benefit else code


def benefit_names(codes: Iterable[str] | None) -> str:
    return ", ".join(benefit_name(code) for code in codes or ()) or "-"


def class_names(codes: Iterable[str] | None) -> str:
    return ", ".join(class_name(code) for code in codes or ()) or "-"


@admin.display(description=_("legal basis"))
def basis_link(self: admin.ModelAdmin, obj: Any) -> str:
    """A column for one row's page: the basis that the row's code names, with its title, as it stands newest."""
    basis = LegalBasis.objects.newest().filter(code=obj.basis_code).first()
    return anchor(basis, f"{basis.code} {basis_title(basis)}") if basis else obj.basis_code or "-"


class BenefitsField(forms.MultipleChoiceField):
    """Benefits of the catalogue, kept as a list of codes."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.CheckboxSelectMultiple(attrs={"class": "codes"})
        super().__init__(label=_("Benefits"), choices=_benefit_choices, widget=widget, **kwargs)


class ClassesField(forms.MultipleChoiceField):
    """Field classes of the catalogue, kept as a list of codes."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.CheckboxSelectMultiple(attrs={"class": "codes"})
        named = {"label": _("Field classes")} | kwargs
        super().__init__(choices=_class_choices, widget=widget, **named)


class LinesField(forms.CharField):
    """A list of texts, written one a line."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3})
        super().__init__(widget=widget, help_text=_("One a line."), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != self.to_python(data)


class BenefitField(forms.ChoiceField):
    """One benefit of the catalogue, or none where that is allowed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Benefit"), choices=_optional(_benefit_choices), **kwargs)


class PurposeField(forms.ChoiceField):
    """One of the purposes that the legal bases name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Purpose"), choices=_optional(_purpose_choices), **kwargs)


class BasisField(forms.ChoiceField):
    """The code of a legal basis."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Legal basis"), choices=_optional(_basis_choices), **kwargs)


class RecipientKindField(forms.ChoiceField):
    """One of the recipient kinds that the legal bases name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Kind"), choices=_optional(_kind_choices), **kwargs)


def named_only(form: forms.BaseForm, name: str, rows: QuerySet) -> None:
    """Let a form's field hold the one row that the address or the form names: a list of all would be too long."""
    if name in form.fields:
        named = str(form.data.get(name) or form.initial.get(name) or "")
        field = cast("forms.ModelChoiceField", form.fields[name])
        field.queryset = rows.filter(pk=named) if named.isdecimal() else rows.none()


def _optional(choices: Any) -> Any:
    return lambda: [("", "---------"), *choices()]


def _benefit_choices() -> list[tuple[str, str]]:
    return [(code, benefit_name(code)) for code in catalogue().benefits]


def _class_choices() -> list[tuple[str, str]]:
    return [(code, class_name(code)) for code in catalogue().classes]


def _purpose_choices() -> list[tuple[str, str]]:
    purposes = LegalBasis.objects.exclude(purpose="").order_by("purpose").values_list("purpose", flat=True)
    return [(purpose, purpose_name(purpose)) for purpose in purposes.distinct()]


def _basis_choices() -> list[tuple[str, str]]:
    bases = LegalBasis.objects.newest().values_list("code", f"title_{language()}")
    return [(code, f"{code} – {title}") for code, title in bases]


def _kind_choices() -> list[tuple[str, str]]:
    kinds = {kind for basis in LegalBasis.objects.newest() for kind in basis.recipient_kinds}
    return sorted(((kind, kind_name(kind)) for kind in kinds), key=lambda choice: choice[1])
