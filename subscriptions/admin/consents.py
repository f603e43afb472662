"""Consents: registered by number, examined where a guardian or a minor gave them, withdrawn."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson, person_anchor
from benefits.identity import IdentityError, parse
from lefi.admin import IsSetFilter, Step, VersionedAdmin, link
from subscriptions.admin.fields import (
    BenefitsField,
    ClassesField,
    PurposeField,
    benefit_names,
    class_names,
    purpose_name,
)
from subscriptions.consentanswers import ConsentAnswer, consent_sentence
from subscriptions.consents import examine_consent, register_consent, withdraw_consent
from subscriptions.models import Consent


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
class ConsentAdmin(AboutAPerson, VersionedAdmin):
    """Registered as given; afterwards it can be examined, if it waits for that, and withdrawn."""

    change_form_template = "admin/steps.html"
    list_display = [
        "id",
        "person_link",
        "customer_link",
        "purpose_label",
        "valid_from",
        "valid_to",
        "giver",
        "examination",
        "withdrawn_at",
    ]
    list_filter = ["examination", "giver", ("withdrawn_at", IsSetFilter)]
    list_select_related = ["person", "customer"]
    ordering = ["-id"]
    search_fields = ["evidence", "customer__name"]
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer", "person"]
    view_fields = [
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

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.change_consent")  # type: ignore[union-attr]

    def steps_of(self, request: HttpRequest, obj: Consent) -> list[tuple[str, Any]]:
        if obj.withdrawn_at is not None or not self.has_decide_permission(request):
            return []
        waits = obj.examination == Consent.Examination.WAITING
        examine = [("accept", _("Accept")), ("refuse", _("Refuse"))] if waits else []
        return [*examine, ("withdraw", _("Withdraw"))]

    def accept_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Accept a consent that a guardian or a minor gave, with a reason."""
        return self._examine(request, object_id, accept=True)

    def refuse_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refuse a consent that a guardian or a minor gave, with a reason."""
        return self._examine(request, object_id, accept=False)

    def _examine(self, request: HttpRequest, object_id: str, *, accept: bool) -> HttpResponse:
        consent = self._found_to_decide(request, object_id)
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
        consent = self._found_to_decide(request, object_id)
        step = Step(
            title=_("Withdraw a consent"),
            button=_("Withdraw"),
            done=_("The consent was withdrawn, and the watches that rested on it have ended."),
            act=lambda said: withdraw_consent(
                consent=consent, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, consent, step)

    def _found_to_decide(self, request: HttpRequest, object_id: str) -> Consent:
        if not self.has_decide_permission(request):
            raise PermissionDenied
        consent: Consent = self.found(request, object_id)
        return consent

    @admin.display(description=_("person"))
    def person_link(self, obj: Consent) -> str:
        return person_anchor(obj.person)

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Consent) -> str:
        return purpose_name(obj.purpose)

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: Consent) -> str:
        return benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: Consent) -> str:
        return class_names(obj.classes)
