"""What is told of our own accord: proposed from the person's page, approved by a second person (R25)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_link
from benefits.labels import section_name
from deliveries import spontaneous
from deliveries.admin.opened import person_opened
from deliveries.models import SpontaneousDisclosure
from lefi.admin import FourEyesAdmin, anchor, link
from lefi.admin.columns import EMPTY
from lefi.admin.filters import one_of, whether
from lefi.errors import Refused
from subscriptions.admin.fields import (
    BenefitField,
    basis_link,
    basis_words,
    benefit_label,
    class_names,
    titled,
)
from subscriptions.answers import sentence
from subscriptions.labels import basis_title
from subscriptions.models import LegalBasis


def _basis_choices() -> list[tuple[str, str]]:
    bases = LegalBasis.objects.newest().filter(code__in=spontaneous.BASES).order_by("code")
    return [(basis.code, f"{basis.code} – {basis_title(basis)}") for basis in bases]


class SpontaneousForm(forms.ModelForm):
    """Whom it is about is the person whose page was opened, and never in the form."""

    basis_code = forms.ChoiceField(label=_("Legal basis"), choices=_basis_choices)
    benefit = BenefitField()

    class Meta:
        model = SpontaneousDisclosure
        fields = ["customer", "basis_code", "benefit", "from_date", "reason"]
        help_texts = {
            "reason": _("Why the customer needs to know this without having asked. It names no person."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "customer" in self.fields:
            self.fields["customer"].queryset = spontaneous.recipients()  # type: ignore[attr-defined]


@admin.register(SpontaneousDisclosure)
class SpontaneousDisclosureAdmin(AboutAPerson, FourEyesAdmin):
    form = SpontaneousForm
    list_display = ["id", "person_link", "customer_link", "benefit_label", "basis_words", "first_fetched_at"]
    list_filter = [
        one_of("basis_code", _("legal basis"), _basis_choices),
        ("first_fetched_at", whether(_("not fetched"), _("fetched"), _("fetched"))),
    ]
    list_select_related = ["person", "customer"]
    ordering = ["-id"]
    narrowed_by = ["person", "customer"]
    short = ["id", "state", "person_link", "benefit_label", "first_fetched_at"]
    moments = ["prepared_at", "approved_at", ("first_fetched_at", "fetched_by")]
    empty = _("Nothing has been told without having been asked for.")
    view_fields = [
        "person_link",
        "customer_link",
        "basis",
        "benefit_label",
        "from_date",
        "reason",
        "decision_link",
        "class_labels",
        "section_labels",
        "first_fetched_at",
        "fetched_by",
    ]
    refusals = {
        "NO_PERSON": _("Open the person's page first, and propose it from there."),
        "BASIS": _("On this legal basis nothing is told without being asked for."),
        "LOOK_BACK_TOO_LONG": _("The from-date is earlier than the agreement allows."),
        "NOTHING_TO_TELL": _("Nothing is known of the benefit that may be told."),
        "LAW_CHANGED": _("The law's side changed meanwhile. Try again."),
        "REASON_MISSING": _("A reason is needed."),
        "REASON_TOO_LONG": _("The reason is too long."),
        "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
    }

    customer_link = link("customer", _("customer"))
    basis = basis_link
    basis_words = basis_words
    person_link = person_link
    benefit_label = benefit_label

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return titled(super().get_queryset(request))

    @admin.display(description=_("decision"))
    def decision_link(self, obj: SpontaneousDisclosure) -> str:
        return anchor(obj.decision)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: SpontaneousDisclosure) -> str:
        return class_names(obj.decision.classes if obj.decision else ())

    @admin.display(description=_("sections"))
    def section_labels(self, obj: SpontaneousDisclosure) -> str:
        return ", ".join(map(section_name, obj.sections)) or EMPTY

    def words(self, refused: Refused) -> str | Promise:
        said = super().words(refused)
        return sentence(refused.code) if said == refused.sentence else said

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if person_opened(request) is None:
            messages.warning(request, self.refusals["NO_PERSON"])
        return super().add_view(request, form_url, {"show_save_and_add_another": False, **(extra_context or {})})

    def propose_row(self, request: HttpRequest, obj: SpontaneousDisclosure) -> None:
        person = person_opened(request)
        if person is None:
            raise Refused("NO_PERSON")
        made = spontaneous.propose_spontaneous(
            customer=obj.customer,
            person=person,
            basis_code=obj.basis_code,
            benefit=obj.benefit,
            from_date=obj.from_date,
            reason=obj.reason,
            by=request.user,
            at=timezone.now(),
        )
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: SpontaneousDisclosure, reason: str) -> None:
        spontaneous.approve_spontaneous(disclosure=obj, by=request.user, at=timezone.now(), reason=reason)
