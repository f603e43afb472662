"""What is done to a row on a page of its own, which shows the row, says what it would mean and asks for the reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.admin.masked import masked
from lefi.errors import Refused
from lefi.masking import mask_identity_numbers


def named_only(form: forms.BaseForm, name: str, rows: QuerySet) -> None:
    """Let a form's field hold the one row that the address or the form names: a list of all would be too long."""
    if name in form.fields:
        named = str(form.data.get(name) or form.initial.get(name) or "")
        field = cast("forms.ModelChoiceField", form.fields[name])
        field.queryset = rows.filter(pk=named) if named.isdecimal() else rows.none()


class ReasonForm(forms.Form):
    """Why somebody does what is done; kept in the log, so it must not say whom it is about."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        min_length=5,
        help_text=_("Case or errand, in a few words. It is kept in the log; write no identity number here."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if mask_identity_numbers(reason) != reason:
            raise forms.ValidationError(_("Leave out the identity number: the reason is kept in the log."))
        return reason


@dataclass(frozen=True, slots=True)
class Consequence:
    """Part of what an approval would mean: a table under a title. A cell is text, or HTML marked safe.

    Without rows, `none` says so in place of "Nothing.".
    """

    title: str | Promise
    rows: Sequence[Sequence[Any]]
    columns: Sequence[Any] = ()
    none: str | Promise = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that is done to a row on a page of its own, which shows the row and asks for the reason.

    `act` takes the cleaned form, and may raise Refused. `refusal` says why the reader cannot, where that is known
    before. It ends on the row's page, or in the list.
    """

    title: Any
    button: Any
    done: Any
    act: Callable[[dict[str, Any]], object]
    refusal: Any = ""
    consequences: Callable[[], Sequence[Consequence]] = tuple
    form: Callable[..., ReasonForm] = ReasonForm
    leads_to: str = "change"


class TakesSteps(admin.ModelAdmin):
    """Pages on which something is done to a row; `refusals` has the words for the services' refusals, by code."""

    refusals: Mapping[str, Any] = {}
    technical: Sequence[str] = ()

    def log_reading(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Log that a row is read, where that is to be logged; return the page to go to first, if there is one."""
        return None

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an address; raise Http404 if there is none."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        return obj

    def words(self, refused: Refused) -> Any:
        """What a refusal is called in the reader's language."""
        return self.refusals.get(refused.code) or refused.sentence or refused.code

    def take(self, request: HttpRequest, obj: Any, step: Step) -> HttpResponse:
        """Show the page of a step, and do it once its form is posted, in a transaction of its own.

        The caller has made sure that the reader has the right to it.
        """
        elsewhere = self.log_reading(request, obj)
        if elsewhere is not None:
            return elsewhere
        posted = request.POST if request.method == "POST" else None
        form, refusal, pk = step.form(posted), step.refusal, obj.pk
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    step.act(form.cleaned_data)
            except Refused as refused:
                refusal = self.words(refused)
            else:
                messages.success(request, step.done)
                name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{step.leads_to}"
                return HttpResponseRedirect(reverse(name, args=[pk] if step.leads_to == "change" else []))
        return self._show_step(request, obj, step, {"form": form, "refusal": refusal})

    def _show_step(self, request: HttpRequest, obj: Any, step: Step, context: dict[str, Any]) -> HttpResponse:
        shown: Any = [
            one for one in self.get_fields(request, obj) if one != "next_version" and one not in self.technical
        ]
        form = self.get_form(request, obj, change=True, fields=[])(instance=masked(obj))
        return TemplateResponse(
            request,
            "admin/step.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": self.media,
                "title": step.title,
                "button": step.button,
                "row": masked(obj),
                "adminform": AdminForm(form, [(None, {"fields": shown})], {}, shown, model_admin=self),
                "consequences": step.consequences(),
                **context,
            },
        )
