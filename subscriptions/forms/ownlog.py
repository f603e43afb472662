"""What an organisation's auditor narrows its log by."""

import re
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import Action
from lefi.masking import NO_IDENTITY_NUMBER
from subscriptions.models import Customer
from subscriptions.ownlog import Asked, people_in, systems_of

USER, CLIENT = "person:", "system:"


def _day() -> forms.DateInput:
    return forms.DateInput({"type": "date"}, "%Y-%m-%d")


class OwnLogFilter(forms.Form):
    who = forms.ChoiceField(label=_("Who"), required=False)
    action = forms.ChoiceField(label=_("What was done"), required=False)
    first = forms.DateField(label=_("From"), required=False, widget=_day())
    last = forms.DateField(label=_("To"), required=False, widget=_day())
    case = forms.CharField(
        label=_("Case or need reference"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"pattern": NO_IDENTITY_NUMBER, "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(f"{USER}{pk}", name) for pk, name in people_in(customer)]
        systems = [(f"{CLIENT}{client}", name) for client, name in systems_of(customer)]
        actions = sorted((code, capfirst(str(words))) for code, words in Action.choices)
        self.fields["who"].choices = [  # type: ignore[attr-defined]
            ("", _("Everybody")),
            *([(_("Colleagues"), people)] if people else []),
            *([(_("Systems"), systems)] if systems else []),
        ]
        self.fields["action"].choices = [("", _("Everything")), *actions]  # type: ignore[attr-defined]

    def clean_case(self) -> str:
        """The reference sought. An identity number is refused, should a browser send it all the same."""
        case = self.cleaned_data["case"].strip()
        if not re.fullmatch(NO_IDENTITY_NUMBER, case):
            raise forms.ValidationError(_("A case is sought by its reference, never by an identity number."))
        return case

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", _("The last day is before the first."))
        return data

    def asked(self) -> Asked:
        """What was asked for; what is not understood is ignored."""
        self.is_valid()
        said = self.cleaned_data
        who = said.get("who") or ""
        return Asked(
            user=int(who.removeprefix(USER)) if who.startswith(USER) else None,
            client=who.removeprefix(CLIENT) if who.startswith(CLIENT) else "",
            action=said.get("action") or "",
            first=said.get("first"),
            last=said.get("last"),
            case=said.get("case") or "",
        )
