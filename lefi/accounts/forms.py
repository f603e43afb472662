"""The forms of allauth that do a little less here."""

from typing import Any

from allauth.account import forms


class ResetPasswordForm(forms.ResetPasswordForm):
    """Only who logs in by password gets a new one: an e-identification is not to be got round by mail."""

    users: list[Any]

    def clean_email(self) -> str:
        email = super().clean_email()
        self.users = [user for user in self.users if user.has_usable_password()]
        return email
