"""What portal users fill in about watches."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits import identity
from benefits.labels import benefit_name
from lefi.masking import mask_identity_numbers
from subscriptions.models import Scope
from subscriptions.models.customers import Customer
from subscriptions.models.watches import WatchQuerySet

# What a browser refuses to send: a text that is a day of birth and four more digits. A search by number is logged.
NO_IDENTITY_NUMBER = (
    r"(?!\s*(\d\d)?\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])\s*[\-+]?\s*\d{4}\s*$).*"
)


class WatchFilter(forms.Form):
    """Narrows a list of watches by reference, benefit and state: never by an identity number."""

    class State:
        OPEN = "open"
        ENDED = "ended"
        ALL = "all"

    q = forms.CharField(
        label=_("Case or need reference"),
        required=False,
        max_length=60,
        widget=forms.TextInput(
            attrs={
                "pattern": NO_IDENTITY_NUMBER,
                "title": _("Identity numbers have a search of their own."),
                "autocomplete": "off",
            }
        ),
    )
    benefit = forms.ChoiceField(label=_("Benefit"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[(State.OPEN, _("Open")), (State.ENDED, _("Ended")), (State.ALL, _("Open and ended"))],
    )

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["benefit"].choices = [("", _("All")), *_agreed_benefits(user)]  # type: ignore[attr-defined]

    def clean_q(self) -> str:
        """The reference sought. An identity number is refused, should a browser send it all the same."""
        sought = self.cleaned_data["q"].strip()
        if not re.fullmatch(NO_IDENTITY_NUMBER, sought):
            raise forms.ValidationError(_("Identity numbers have a search of their own."))
        return sought

    def apply(self, watches: WatchQuerySet) -> WatchQuerySet:
        """The watches asked for: the open ones unless told otherwise. What is not understood is ignored."""
        self.is_valid()
        wanted = self.cleaned_data
        if sought := wanted.get("q"):
            watches = watches.filter(Q(case_reference__icontains=sought) | Q(need_reference__icontains=sought))
        if benefit := wanted.get("benefit"):
            watches = watches.filter(benefit=benefit)
        state = wanted.get("state") or self.State.OPEN
        if state == self.State.OPEN:
            return watches.open()
        return watches.exclude(ended_at=None) if state == self.State.ENDED else watches


class FindWatches(forms.Form):
    """Finds the watches on one person; says why, because the search is logged."""

    number = forms.CharField(
        label=_("Identity number"),
        help_text=_("10 or 12 digits. The watch is found by the number it was ordered by."),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    reason = forms.CharField(
        label=_("Why you search"),
        help_text=_("For example the case. It is logged together with the search."),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_number(self) -> str:
        """The number in 12 digits."""
        try:
            return identity.parse(self.cleaned_data["number"], on=timezone.localdate()).number
        except identity.IdentityError as error:
            raise forms.ValidationError(_("This is no identity number. Check the digits.")) from error

    def clean_reason(self) -> str:
        return mask_identity_numbers(self.cleaned_data["reason"])


def _agreed_benefits(user: AbstractBaseUser | AnonymousUser) -> list[tuple[str, str]]:
    """Codes and names of the benefits that any agreement of the user's customers covers or covered."""
    scopes = Scope.objects.filter(agreement__customer__in=Customer.objects.visible_to(user))
    codes = {code for benefits in scopes.values_list("benefits", flat=True) for code in benefits}
    return sorted(((code, benefit_name(code)) for code in codes), key=lambda choice: choice[1])
