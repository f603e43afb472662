"""Rows that are sought by a reference which may say whom a case is about: posted, with a reason, and logged.

The address of what was found holds a random token, which the session alone knows the reference of.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import PERSON_RIGHT
from lefi.admin import Lists, ReasonForm
from lefi.admin.changelist import SOUGHT
from lefi.audit.models import Action, record
from lefi.audit.reasons import open_person
from lefi.masking import NO_IDENTITY_NUMBER, mask_identity_numbers
from lefi.searches import keep, kept

KEPT_AS = "sought_in_admin"


class SeekForm(ReasonForm):
    reference = forms.CharField(
        label=_("Reference"),
        max_length=100,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "pattern": NO_IDENTITY_NUMBER}),
    )
    field_order = ("reference", "reason")

    def clean_reference(self) -> str:
        reference: str = self.cleaned_data["reference"]
        if mask_identity_numbers(reference) != reference:
            raise forms.ValidationError(_("Identity numbers have a search of their own."))
        return reference


class SoughtFilter(admin.SimpleListFilter):
    """What a search by reference found, by its token; nothing for a token that has been forgotten."""

    title = _("reference")
    parameter_name = SOUGHT

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.page = model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(value, _("as sought"))] if (value := self.value()) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        reference = kept(request.session, KEPT_AS, self.value() or "")
        return self.page.about_reference(queryset, reference) if reference else queryset.none()


class SoughtByReference(Lists):
    """`about_reference` finds the rows; `reference_words` says what the reference is of."""

    reference_words: Any

    def about_reference(self, rows: Any, reference: str) -> QuerySet:
        raise NotImplementedError

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [SoughtFilter, *super().get_list_filter(request)]

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_seek"
        return [path("seek/", self.admin_site.admin_view(self.seek), name=name), *super().get_urls()]

    def seek_address(self, request: HttpRequest) -> str:
        may = request.user.has_perm(PERSON_RIGHT)  # type: ignore[union-attr]
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_seek") if may else ""

    def seek(self, request: HttpRequest) -> HttpResponse:
        """Seek rows by a reference that is posted; every search is logged, without the reference."""
        if not (self.seek_address(request) and self.has_view_permission(request)):
            raise PermissionDenied
        form = SeekForm(request.POST or None)
        form.fields["reference"].help_text = self.reference_words
        if request.method == "POST" and form.is_valid():
            if token := self._sought(request, form.cleaned_data["reference"], form.cleaned_data["reason"]):
                name = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
                return HttpResponseRedirect(f"{reverse(name)}?{SOUGHT}={token}")
            form.add_error("reference", _("Nothing here has this reference."))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Seek by reference"),
            "form": form,
            "button": _("Search"),
        }
        return TemplateResponse(request, "admin/benefits/person/ask.html", context)

    def _sought(self, request: HttpRequest, reference: str, reason: str) -> str:
        """The token of what a reference leads to; none if it leads nowhere. Logged, as about the one person found."""
        rows = self.about_reference(self.get_queryset(request), reference)
        found = list(rows[: self.list_per_page])
        person_id = self.only_person(found)
        record(
            action=Action.SEARCH,
            object_type=self.opts.label_lower,
            actor=request.user,
            person_id=person_id,
            reason=reason,
            found=len(found),
        )
        if not found:
            return ""
        if person_id is not None:
            open_person(request.session, person_id=person_id, reason=reason, at=timezone.now())
        return keep(request.session, KEPT_AS, reference)
