"""Form fields and columns for lists of codes, with the names of the catalogue."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import benefit_name as plain_name
from benefits.presentation import organisation
from lefi.admin import anchor
from lefi.admin.columns import EMPTY, Column, coded, listed, named
from lefi.admin.filters import one_of, row_of
from lefi.languages import language
from lefi.problems import PROBLEMS
from subscriptions.answers import sentence
from subscriptions.labels import basis_title, class_name, kind_name, purpose_name
from subscriptions.models import Customer, LegalBasis


def benefit_name(code: str) -> str:
    """A benefit by name, with its code beside it: benefits of two agencies share names."""
    name = plain_name(code)
    return name if name == code else f"{name} ({code})"


def benefit_names(codes: Iterable[str] | None) -> str:
    return ", ".join(benefit_name(code) for code in codes or ()) or EMPTY


def class_names(codes: Iterable[str] | None) -> str:
    return ", ".join(class_name(code) for code in codes or ()) or EMPTY


@admin.display(description=_("legal basis"))
def basis_link(self: admin.ModelAdmin, obj: Any) -> str:
    """A column for one row's page: the basis that the row's code names, with its title, as it stands newest."""
    basis = LegalBasis.objects.newest().filter(code=obj.basis_code).first()
    return anchor(basis, f"{basis.code} {basis_title(basis)}") if basis else obj.basis_code or EMPTY


def titled(rows: QuerySet) -> QuerySet:
    """The rows, each with the title of the basis that its code names, for `basis_words`."""
    newest = LegalBasis.objects.newest().filter(code=OuterRef("basis_code"))
    return rows.annotate(title_of_basis=Subquery(newest.values(f"title_{language()}")[:1]))


@admin.display(description=_("legal basis"), ordering="basis_code")
def basis_words(self: admin.ModelAdmin, obj: Any) -> str:
    """A column of a list whose rows are `titled`."""
    return coded(obj.title_of_basis or obj.basis_code, obj.basis_code) if obj.basis_code else EMPTY


def in_words(benefit: str = "benefit") -> Column:
    """A column with a benefit by its name alone; for what the code is, there is the row's page."""
    return named(benefit, _("benefit"), plain_name, ordering=None)


purpose_label = named("purpose", _("purpose"), purpose_name)
kind_label = named("kind", _("kind"), kind_name)
number_label = named("organisation_number", _("organisation number"), organisation)
benefit_label = named("benefit", _("benefit"), benefit_name)
benefit_labels = listed("benefits", _("benefits"), plain_name)
class_labels = listed("classes", _("field classes"), class_name)


def benefit_filter(path: str) -> Any:
    """Narrows a list to one benefit."""
    return one_of(path, _("benefit"), lambda: sorted(_plain_names(), key=lambda one: one[1]))


BenefitFilter = benefit_filter("benefit")


def _plain_names() -> list[tuple[str, str]]:
    return [(code, benefit_name(code)) for code in catalogue().benefits]


def code_words(code: str) -> Any:
    """Why something was not done, in words: of the services' problems, or of an order's answers."""
    return PROBLEMS[code].title if code in PROBLEMS else sentence(code)


def why(path: str, description: Any) -> Column:
    """A column with such a code in words, and the code beside it."""
    return named(path, description, lambda code: coded(code_words(code), code), ordering=None)


def refusals(codes: Iterable[str]) -> list[tuple[str, Any]]:
    """The choices of a filter on such codes."""
    return [(code, code_words(code)) for code in codes]


def customer_filter(path: str) -> Any:
    """Narrows a list to a customer's rows, who is named while customers are few."""
    return row_of(path, _("customer"), Customer)


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
        super().__init__(label=_("Legal basis"), choices=_optional(basis_choices), **kwargs)


class RecipientKindField(forms.ChoiceField):
    """One of the recipient kinds that the legal bases name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Kind"), choices=_optional(_kind_choices), **kwargs)


def _optional(choices: Any) -> Any:
    return lambda: [("", "---------"), *choices()]


def _benefit_choices() -> list[tuple[str, str]]:
    return [(code, benefit_name(code)) for code in catalogue().benefits]


def _class_choices() -> list[tuple[str, str]]:
    return [(code, class_name(code)) for code in catalogue().classes]


def _purpose_choices() -> list[tuple[str, str]]:
    purposes = LegalBasis.objects.exclude(purpose="").order_by("purpose").values_list("purpose", flat=True)
    return [(purpose, purpose_name(purpose)) for purpose in purposes.distinct()]


def basis_choices() -> list[tuple[str, str]]:
    bases = LegalBasis.objects.newest().values_list("code", f"title_{language()}")
    return [(code, f"{code} – {title}") for code, title in bases]


def _kind_choices() -> list[tuple[str, str]]:
    kinds = {kind for basis in LegalBasis.objects.newest() for kind in basis.recipient_kinds}
    return sorted(((kind, kind_name(kind)) for kind in kinds), key=lambda choice: choice[1])
