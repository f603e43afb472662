"""What portal users fill in about cases and needs."""

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from subscriptions.forms.watches import ReferenceSought
from subscriptions.models import Customer
from subscriptions.references import ListRefused, read_references

LARGEST = 1024 * 1024  # bytes


class FindCases(forms.Form):
    """Finds cases and needs by a part of their reference, among the user's own (`by`) or all; never by a number."""

    q = ReferenceSought(max_length=60)
    by = forms.CharField(required=False, max_length=2, widget=forms.HiddenInput)


class CaseFile(forms.Form):
    """A text file with the reference of an ended case, or need, on each line. `references` holds them once valid."""

    customer = forms.ModelChoiceField(label=_("Unit"), queryset=Customer.objects.none(), empty_label=None)
    file = forms.FileField(
        label=_("File"),
        help_text=_("A text file in UTF-8 with one reference a line, 10 000 at most."),
        widget=forms.ClearableFileInput(attrs={"accept": ".txt,.csv,text/plain,text/csv"}),
    )

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["customer"].queryset = Customer.objects.visible_to(user)  # type: ignore[attr-defined]
        self.references: list[str] = []

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if file.size is None or file.size > LARGEST:
            raise forms.ValidationError(_("The file is too large."))
        try:
            self.references = read_references(file.read().decode())
        except UnicodeDecodeError as error:
            raise forms.ValidationError(_("The file is not in UTF-8.")) from error
        except ListRefused as refused:
            too_long = refused.code == "FILE_TOO_LONG"
            words = _("The file has more than 10 000 lines.") if too_long else _("The file holds no reference.")
            raise forms.ValidationError(words) from refused
        return file
