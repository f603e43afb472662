"""Consents: registered by number, examined where a guardian or a minor gave them, withdrawn."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_link
from benefits.identity import IdentityError, parse
from lefi.admin import Step, VersionedAdmin, link
from lefi.admin.columns import EMPTY, ERROR, SUCCESS, WARNING, ago, badge
from lefi.admin.filters import whether
from lefi.admin.paths import matching
from subscriptions.admin.fields import (
    BenefitsField,
    ClassesField,
    PurposeField,
    benefit_labels,
    class_labels,
    customer_filter,
    purpose_label,
)
from subscriptions.admin.seeking import SoughtByReference
from subscriptions.consentanswers import ConsentAnswer, consent_sentence
from subscriptions.consents import examine_consent, register_consent, withdraw_consent
from subscriptions.models import Consent

Examination = Consent.Examination


class ConsentForm(forms.ModelForm):
    """Whom it is about is given by number, in the form and never in an address."""

    identity_number = forms.CharField(label=_("Identity number"), max_length=13)
    purpose = PurposeField()
    benefits = BenefitsField()
    classes = ClassesField()

    class Meta:
        model = Consent
        fields = [
            "customer",
            "purpose",
            "benefits",
            "classes",
            "valid_from",
            "valid_to",
            "given_on",
            "giver",
            "evidence",
        ]

    def clean_identity_number(self) -> str:
        try:
            return parse(self.cleaned_data["identity_number"], on=timezone.localdate()).number
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an identity number.")) from error


@admin.register(Consent)
class ConsentAdmin(SoughtByReference, AboutAPerson, VersionedAdmin):
    """Registered as given; afterwards it can be examined, if it waits for that, and withdrawn."""

    list_display = [
        "id",
        "state_badge",
        "person_link",
        "customer_link",
        "purpose_label",
        "valid_from",
        "valid_to",
        "giver",
        "waited",
    ]
    list_filter = [
        "examination",
        "giver",
        ("withdrawn_at", whether(_("stands"), _("withdrawn"), _("state"))),
        customer_filter("customer"),
    ]
    list_select_related = ["person", "customer"]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["customer__name"]
    search_help_text = _("The customer's name.")
    reference_words = _("How the evidence's reference begins. A person is sought on a page of its own.")
    short = ["id", "state_badge", "person_link", "purpose_label", "valid_from", "valid_to"]
    moments = ["registered_at", "examined_at", "withdrawn_at"]
    empty = _("No consent is registered.")
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer", "person"]
    view_fields = [
        "state_badge",
        "person_link",
        "customer_link",
        "purpose_label",
        "benefit_labels",
        "class_labels",
        "valid_from",
        "valid_to",
        "given_on",
        "giver",
        "evidence",
        "channel",
        "registered_at",
        "registered_by",
        "examination",
        "examined_at",
        "examined_by",
        "withdrawn_at",
    ]
    refusals = {
        "SAME_PERSON": _("What one person registered, another must examine."),
        "NOT_WAITING": _("The consent does not wait to be examined."),
        **{code: consent_sentence(code) for code in ConsentAnswer},
    }

    customer_link = link("customer", _("customer"))
    person_link = person_link
    purpose_label = purpose_label
    benefit_labels = benefit_labels
    class_labels = class_labels

    def about_reference(self, rows: Any, reference: str) -> QuerySet:
        return rows.filter(matching(Consent, ["^evidence"], reference))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/accept/", view(self.accept_view), name="subscriptions_consent_accept"),
            path("<path:object_id>/refuse/", view(self.refuse_view), name="subscriptions_consent_refuse"),
            path("<path:object_id>/withdraw/", view(self.withdraw_view), name="subscriptions_consent_withdraw"),
            *super().get_urls(),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs | ({} if obj else {"form": ConsentForm}))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.view_fields if obj else ["identity_number", *ConsentForm.Meta.fields]

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        said = form.cleaned_data
        made = register_consent(
            number=said["identity_number"],
            channel=Consent.Channel.ADMIN,
            by=request.user,
            at=timezone.now(),
            **{name: said[name] for name in ConsentForm.Meta.fields},
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""

    def steps_of(self, request: HttpRequest, obj: Consent) -> list[tuple[str, Any]]:
        if obj.withdrawn_at is not None:
            return []
        waits = obj.examination == Consent.Examination.WAITING and self.may(request, "approve")
        examine = [("accept", _("Accept")), ("refuse", _("Refuse"))] if waits else []
        return [*examine, *([("withdraw", _("Withdraw"))] if self.may(request, "change") else [])]

    def accept_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Accept a consent that a guardian or a minor gave, with a reason."""
        return self._examine(request, object_id, accept=True)

    def refuse_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refuse a consent that a guardian or a minor gave, with a reason."""
        return self._examine(request, object_id, accept=False)

    def _examine(self, request: HttpRequest, object_id: str, *, accept: bool) -> HttpResponse:
        consent = self._found_for(request, object_id, "approve")
        step = Step(
            title=_("Accept a consent") if accept else _("Refuse a consent"),
            button=_("Accept") if accept else _("Refuse"),
            done=_("The consent was accepted.") if accept else _("The consent was refused."),
            refusal=self.refusals["SAME_PERSON"] if consent.registered_by_id == request.user.pk else "",
            act=lambda said: examine_consent(
                consent=consent, accept=accept, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, consent, step)

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Withdraw a consent on the person's word, with a reason."""
        consent = self._found_for(request, object_id, "change")
        step = Step(
            title=_("Withdraw a consent"),
            button=_("Withdraw"),
            done=_("The consent was withdrawn, and the watches that rested on it have ended."),
            act=lambda said: withdraw_consent(
                consent=consent, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, consent, step)

    def _found_for(self, request: HttpRequest, object_id: str, verb: str) -> Consent:
        if not self.may(request, verb):
            raise PermissionDenied
        consent: Consent = self.found(request, object_id)
        return consent

    @admin.display(description=_("state"))
    def state_badge(self, obj: Consent) -> str:
        """Whether it counts, and if not, why."""
        if obj.withdrawn_at is not None:
            return badge(_("withdrawn"), ERROR)
        if obj.examination in (Examination.WAITING, Examination.REFUSED):
            tone = WARNING if obj.examination == Examination.WAITING else ERROR
            return badge(_("examination: %(state)s") % {"state": obj.get_examination_display()}, tone)
        over = obj.valid_to is not None and obj.valid_to < timezone.localdate()
        return badge(_("run out")) if over else badge(_("in effect"), SUCCESS)

    @admin.display(description=_("has waited"))
    def waited(self, obj: Consent) -> str:
        waits = obj.examination == Examination.WAITING and obj.withdrawn_at is None
        return ago(obj.registered_at) if waits else EMPTY
