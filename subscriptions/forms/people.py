"""What administrators fill in about their people, and what who accepts an invitation fills in."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model, password_validation
from django.utils.translation import gettext_lazy as _

from lefi.masking import mask_identity_numbers
from subscriptions.models import Member

ROLE_HELP = _(
    "A case worker orders and reads. Integration also takes files and keeps systems. An administrator also keeps people"
    " and signs. An auditor reads who did what, and nothing about persons."
)


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Member.Role, help_text=ROLE_HELP)


class InviteForm(RoleForm):
    """Whom to invite, and as what."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    field_order = ["email", "role"]


class NameForm(forms.Form):
    """What somebody whom a broker has vouched for is called."""

    first_name = forms.CharField(
        label=_("First name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )

    def clean(self) -> dict[str, Any]:
        """Names and usernames stand on many pages: no identity number is one."""
        data: dict[str, Any] = super().clean() or {}
        for name in ("first_name", "last_name", "username"):
            if mask_identity_numbers(data.get(name, "")) != data.get(name, ""):
                self.add_error(name, _("An identity number must not stand here."))
        return data


class NewAccountForm(NameForm):
    """A name, a username and a password of one's own."""

    username = forms.CharField(
        label=_("Username"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 12 characters, and not one of the usual. Some words after each other are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_("The password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        users = get_user_model()
        users._meta.get_field("username").run_validators(username)
        if users.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError(_("The username is taken. Choose another."))
        return username

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, second = data.get("password1"), data.get("password2")
        if first and second and first != second:
            self.add_error("password2", _("The two passwords are not the same."))
        elif first:
            self._check(first, data)
        return data

    def _check(self, password: str, data: dict[str, Any]) -> None:
        names = {name: data.get(name, "") for name in ("username", "first_name", "last_name")}
        try:
            password_validation.validate_password(password, get_user_model()(**names))
        except forms.ValidationError as error:
            self.add_error("password1", error)
