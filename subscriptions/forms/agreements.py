"""What a customer fills in about its agreements."""

from django import forms
from django.utils.translation import gettext_lazy as _

from lefi.masking import mask_identity_numbers


class SignForm(forms.Form):
    """A signature for the customer, on the document that was read."""

    document_sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)
    signatory = forms.CharField(
        label=_("Name of the signatory"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    may_sign = forms.BooleanField(
        label=_("I have read the agreement and may sign it for the organisation."),
        error_messages={"required": _("Tick the box if you may sign for the organisation.")},
    )

    def clean_signatory(self) -> str:
        signatory: str = self.cleaned_data["signatory"]
        if mask_identity_numbers(signatory) != signatory:
            raise forms.ValidationError(_("Leave out the identity number."))
        return signatory
